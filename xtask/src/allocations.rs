//! Allocations that abort where they fail, in what runs inside a backend.
//!
//! Whatever a caller, a page or a table sizes is asked for through `quantize::room`. A line that allocates in another way
//! has to stand in `allocations.txt` with the reason why its size is bounded; so the next one is noticed.
//!
//! The reader is simple: it looks at lines, without comments and tests, for names that allocate by a size. `push`, `extend`
//! and `collect` are too common for that, so of these only the collections are looked for that grow by them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// What runs inside a backend.
const ROOMS: [&str; 3] = ["src", "crates/quantize/src", "crates/qivf/src"];

/// Files there that are for tests, and the one that does it right.
const NOT_LOOKED_AT: [&str; 3] = [
    "src/tests.rs",
    "crates/quantize/src/room.rs",
    "crates/qivf/src/memory.rs",
];

/// The list of what is bounded otherwise: `file | what the line holds | why`, with `*` for any file.
const ALLOWED: &str = include_str!("allocations.txt");

/// Fails with every allocation that is not on the list, and every entry of the list that is no longer needed.
pub fn check() -> Result<()> {
    let mut allowed: Vec<Entry<'_>> = ALLOWED.lines().filter_map(Entry::read).collect();
    let mut problems = Vec::new();
    for file in files()? {
        let name = file.strip_prefix(workspace::root())?;
        let name = name.display().to_string();
        if NOT_LOOKED_AT.contains(&name.as_str()) {
            continue;
        }
        let text = fs::read_to_string(&file).with_context(|| name.clone())?;
        for (number, line) in allocations(&text) {
            let mut entries = allowed
                .iter_mut()
                .filter(|entry| ["*", &name].contains(&entry.file));
            match entries.find(|entry| line.contains(entry.holds)) {
                Some(entry) => entry.needed = true,
                None => problems.push(format!("{name}:{number}: {}", line.trim())),
            }
        }
    }
    let unneeded = allowed.iter().filter(|entry| !entry.needed);
    problems.extend(unneeded.map(|entry| {
        format!(
            "xtask/src/allocations.txt: not needed: {} | {}",
            entry.file, entry.holds
        )
    }));
    if !problems.is_empty() {
        bail!(
            "allocations that abort where they fail: ask through quantize::room, or say in xtask/src/allocations.txt what bounds them\n{}",
            problems.join("\n")
        );
    }
    Ok(())
}

struct Entry<'a> {
    file: &'a str,
    holds: &'a str,
    needed: bool,
}

impl<'a> Entry<'a> {
    /// Reads a line; none for a comment. An entry without a reason allows nothing.
    fn read(line: &'a str) -> Option<Self> {
        let mut parts = line.splitn(3, " | ");
        let (file, holds, reason) = (parts.next()?, parts.next()?, parts.next()?);
        let is_entry = !line.starts_with('#') && !reason.trim().is_empty();
        is_entry.then_some(Self {
            file,
            holds,
            needed: false,
        })
    }
}

/// All source files of the rooms, in order.
fn files() -> Result<Vec<PathBuf>> {
    let (mut files, mut waiting) = (Vec::new(), Vec::new());
    waiting.extend(ROOMS.map(|room| workspace::root().join(room)));
    while let Some(directory) = waiting.pop() {
        let entries = fs::read_dir(&directory);
        for entry in entries.with_context(|| directory.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension() == Some("rs".as_ref()) && !is_test(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn is_test(path: &Path) -> bool {
    path.file_name() == Some("tests.rs".as_ref())
}

/// The lines that allocate, with their numbers: what comes before the tests of a file.
fn allocations(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    let code = lines.take_while(|(_, line)| *line != "#[cfg(test)]");
    let found = code.filter(|(_, line)| !line.trim_start().starts_with("//") && allocates(line));
    found.map(|(i, line)| (i + 1, line)).collect()
}

/// Whether a line holds a name that allocates by a size, or makes a collection that grows in steps.
fn allocates(line: &str) -> bool {
    const NAMES: [&str; 17] = [
        "::with_capacity(",
        ".reserve(",
        ".reserve_exact(",
        ".try_reserve",
        ".repeat(",
        ".resize(",
        ".resize_with(",
        ".to_vec()",
        ".concat()",
        "::zeros(",
        "::ones(",
        "::from_elem(",
        "HashMap::new()",
        "HashSet::new()",
        "BTreeMap::new()",
        "BTreeSet::new()",
        "BinaryHeap::new()",
    ];
    let asks = line.contains("room::zeros(") && line.matches("::zeros(").count() == 1;
    let repeats = line.split("vec![").skip(1).any(|rest| {
        rest.split(']')
            .next()
            .is_some_and(|list| list.contains(';'))
    });
    repeats || (!asks && NAMES.iter().any(|name| line.contains(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allocation_is_bounded_or_asked_for() {
        check().unwrap();
    }

    #[test]
    fn sees_what_allocates_by_a_size() {
        for line in [
            "let rows = vec![0; count];",
            "    Vec::with_capacity(k)",
            "values.resize(n, 0.0);",
            "let copy = argument.to_vec();",
            "Array2::<f32>::zeros((rows, dim))",
            "let seen = HashSet::new();",
        ] {
            assert!(allocates(line), "{line}");
        }
        for line in ["vec![first, second]", "room::zeros(n)?", "room::vec(n)?"] {
            assert!(!allocates(line), "{line}");
        }
    }

    #[test]
    fn tests_and_comments_are_left_out() {
        let text = "// vec![0; n]\nlet a = vec![0; n];\n#[cfg(test)]\nmod tests { vec![0; n] }\n";
        assert_eq!(allocations(text), [(2, "let a = vec![0; n];")]);
    }

    #[test]
    fn an_entry_needs_a_reason() {
        assert!(Entry::read("src/a.rs | vec![0; n] | ").is_none());
        assert!(Entry::read("# src/a.rs | vec![0; n] | x").is_none());
        assert!(Entry::read("src/a.rs | vec![0; n] | one a dimension").is_some());
    }
}
