//! The control files and SQL scripts of the two extensions.
//!
//! The installation script of `pg_quantize` is the files of `sql/` one after the other, in the order in which `src/lib.rs` names
//! them for pgrx. Upgrade scripts (`sql/pg_quantize--A--B.sql`) and the companion's files are copied as they are.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// Name of the extension.
pub const EXTENSION: &str = "pg_quantize";

/// Its version, which is that of every package here.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The files of the extension directory: their names and what they hold.
pub fn files() -> Result<Vec<(String, Vec<u8>)>> {
    let root = workspace::root();
    let control = read(&root.join(format!("{EXTENSION}.control")))?;
    let control = control.replace("@CARGO_VERSION@", VERSION);
    let mut files = vec![
        (format!("{EXTENSION}.control"), control.into_bytes()),
        (
            format!("{EXTENSION}--{VERSION}.sql"),
            installation_script()?.into_bytes(),
        ),
    ];
    let upgrades = list(&root.join("sql"))?;
    let upgrades = upgrades
        .into_iter()
        .filter(|name| name.starts_with(&format!("{EXTENSION}--")));
    for name in upgrades {
        let content = fs::read(root.join("sql").join(&name))?;
        files.push((name, content));
    }
    for name in list(&root.join("companion"))? {
        if name.ends_with(".control") || name.ends_with(".sql") {
            let content = fs::read(root.join("companion").join(&name))?;
            files.push((name, content));
        }
    }
    Ok(files)
}

fn installation_script() -> Result<String> {
    let names = script_names(&read(&workspace::root().join("src/lib.rs"))?);
    ensure!(!names.is_empty(), "src/lib.rs names no SQL file");
    let mut script = String::from(
        "-- complain if the script is run by psql, rather than by CREATE EXTENSION\n\
         \\echo Use \"CREATE EXTENSION pg_quantize\" to load this file. \\quit\n",
    );
    for name in names {
        let text = read(&workspace::root().join("sql").join(&name))?;
        // Writing to a String can't fail.
        let _ = write!(script, "\n-- sql/{name}\n{text}");
    }
    Ok(script)
}

/// The files that `extension_sql_file!("../sql/…")` names, in order.
fn script_names(source: &str) -> Vec<String> {
    let calls = source.split("extension_sql_file!(").skip(1);
    calls
        .filter_map(|call| {
            let (_, rest) = call.split_once("\"../sql/")?;
            Some(rest.split_once('"')?.0.to_owned())
        })
        .collect()
}

fn list(directory: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("could not read {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_of_the_source() {
        let source = "extension_sql_file!(\"../sql/types.sql\", name = \"types\");\n\
            extension_sql_file!(\n    \"../sql/search/rescore.sql\",\n    name = \"b\",\n    requires = [\"types\"]\n);\n";
        assert_eq!(script_names(source), ["types.sql", "search/rescore.sql"]);
    }

    /// A file that no line names would be missing from the extension without a word.
    #[test]
    fn every_sql_file_is_named() {
        let root = workspace::root();
        let named = script_names(&read(&root.join("src/lib.rs")).unwrap());
        let mut there = Vec::new();
        for directory in [
            root.join("sql"),
            root.join("sql/migration"),
            root.join("sql/search"),
        ] {
            let prefix = directory.strip_prefix(root.join("sql")).unwrap().to_owned();
            for name in list(&directory).unwrap_or_default() {
                if name.ends_with(".sql") && !name.starts_with(EXTENSION) {
                    there.push(prefix.join(name).display().to_string());
                }
            }
        }
        let mut sorted = named.clone();
        sorted.sort();
        there.sort();
        assert_eq!(sorted, there);
    }
}
