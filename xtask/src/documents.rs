//! What the documents for contributors name must exist: files, and names of the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::workspace;

const DOCUMENTS: [&str; 2] = ["ARCHITECTURE.md", "CONTRIBUTING.md"];

/// What stands between backticks, outside code blocks.
fn quoted(text: &str) -> Vec<&str> {
    let outside = text.split("```").step_by(2);
    outside
        .flat_map(|part| part.split('`').skip(1).step_by(2))
        .collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Every word that a source file defines, or that stands where a variant is defined.
fn defined(directory: &Path, words: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            defined(&path, words);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            words.insert(stem);
            let directory = path.parent().and_then(Path::file_name).unwrap();
            words.insert(directory.to_string_lossy().into_owned());
            let text = fs::read_to_string(&path).unwrap();
            text.lines().for_each(|line| definitions(line, words));
        }
    }
}

fn definitions(line: &str, words: &mut BTreeSet<String>) {
    const KEYWORDS: [&str; 9] = [
        "fn",
        "struct",
        "enum",
        "trait",
        "mod",
        "const",
        "type",
        "static",
        "macro_rules!",
    ];
    let name = |text: &str| -> String {
        let is_part = |c: &char| c.is_alphanumeric() || *c == '_';
        text.chars().take_while(is_part).collect()
    };
    let parts: Vec<&str> = line.split_whitespace().collect();
    for pair in parts.windows(2) {
        if KEYWORDS.contains(&pair[0]) {
            words.insert(name(pair[1]));
        }
    }
    // A variant.
    if line.trim_start().starts_with(char::is_uppercase) {
        words.insert(name(line.trim_start()));
    }
}

#[test]
fn what_the_documents_name_exists() {
    let root = workspace::root();
    let mut words = BTreeSet::new();
    for directory in ["crates", "src", "tests", "xtask/src"] {
        defined(&root.join(directory), &mut words);
    }
    let mut unknown = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).unwrap();
        for quoted in quoted(&text) {
            let parts: Vec<&str> = quoted.split("::").collect();
            let known = if parts.len() > 1 && parts.iter().all(|part| is_name(part)) {
                parts.iter().all(|part| words.contains(*part))
            } else if quoted.contains('/') && !quoted.contains([' ', '*', '$']) {
                quoted.starts_with('/')
                    || root.join(quoted).exists()
                    // A module's directory.
                    || words.contains(quoted.trim_end_matches('/'))
            } else {
                true
            };
            if !known {
                unknown.push(format!("{document}: {quoted}"));
            }
        }
    }
    assert!(unknown.is_empty(), "there is no\n{}", unknown.join("\n"));
}
