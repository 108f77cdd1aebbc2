//! Import circles: no two modules of a crate may use each other, directly or through others.
//!
//! The reader ([`read`]) is a simple one. It finds the paths that a file mentions, in `use` and elsewhere; [`graph`] follows
//! re-exports to the module that defines the name. Tests inside a module may use anything. That a file declares a module
//! (`mod x;`) is no use of it, and that a child's `impl` block adds methods to a parent's type is not seen.

mod graph;
mod read;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;
use graph::Graph;
use read::{Module, Source};

/// Fails with the path of a circle in each crate that has one.
pub fn check() -> Result<()> {
    let mut found = Vec::new();
    for directory in crates()? {
        if let Some(circle) = Graph::new(&sources(&directory.join("src"))?).circle() {
            let name = directory.strip_prefix(workspace::root());
            let name = name.unwrap_or(&directory).display().to_string();
            let name = if name.is_empty() { "." } else { &name };
            found.push(format!("{name}: {circle}"));
        }
    }
    if !found.is_empty() {
        bail!("modules use each other in a circle\n{}", found.join("\n"));
    }
    Ok(())
}

/// The directories of the workspace's crates with sources of more than one file.
fn crates() -> Result<Vec<PathBuf>> {
    let root = workspace::root();
    let mut crates = vec![root.to_owned(), root.join("xtask")];
    let directory = root.join("crates");
    for entry in fs::read_dir(&directory).with_context(|| directory.display().to_string())? {
        crates.push(entry?.path());
    }
    crates.sort();
    Ok(crates)
}

/// All modules below `src`, read.
fn sources(src: &Path) -> Result<BTreeMap<Module, Source>> {
    let mut sources = BTreeMap::new();
    let mut waiting = vec![src.to_owned()];
    while let Some(directory) = waiting.pop() {
        let entries = fs::read_dir(&directory);
        for entry in entries.with_context(|| directory.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                waiting.push(path);
            } else if let Some(module) = module_of(path.strip_prefix(src)?) {
                let text = fs::read_to_string(&path);
                let text = text.with_context(|| path.display().to_string())?;
                sources.insert(module, Source::read(&text));
            }
        }
    }
    Ok(sources)
}

/// The module of a file, given its path below `src`.
fn module_of(path: &Path) -> Option<Module> {
    let mut module: Module = path
        .with_extension("")
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    if path.extension()? != "rs" || module.first()? == "bin" {
        return None;
    }
    let is_root = module.len() == 1 && ["lib", "main"].contains(&module[0].as_str());
    if is_root || module.last()? == "mod" {
        module.pop();
    }
    Some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(files: &[(&str, &str)]) -> Option<String> {
        let source =
            |(path, text): &(&str, &str)| (module_of(Path::new(path)).unwrap(), Source::read(text));
        Graph::new(&files.iter().map(source).collect()).circle()
    }

    #[test]
    fn this_workspace_has_none() {
        check().unwrap();
    }

    #[test]
    fn a_circle_is_shown_from_end_to_end() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
            ("a.rs", "use crate::b::{self, B};"),
            ("b/mod.rs", "mod inner; use crate::c;"),
            ("b/inner.rs", "use super::super::c::C;"),
            ("c.rs", "fn f() { crate::a::g() }"),
        ];
        assert_eq!(circle(&files).unwrap(), "a → b → c → a");
        let apart = [&files[..4], &[("c.rs", "pub struct C;")]].concat();
        assert_eq!(circle(&apart), None);
    }

    #[test]
    fn a_re_export_counts_as_what_it_stands_for() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a/mod.rs", "mod x; mod y; pub use x::X;"),
            ("a/x.rs", "pub struct X;"),
            ("a/y.rs", "use super::X;"),
            ("b.rs", "use crate::a as other; fn f(_: other::X) {}"),
        ];
        assert_eq!(circle(&files), None);
        let parent = [
            ("a/mod.rs", "mod x; pub use x::X; pub struct Y;"),
            ("a/x.rs", "use super::Y;"),
        ];
        assert_eq!(circle(&parent).unwrap(), "a → a::x → a");
    }

    #[test]
    fn what_looks_like_a_use_is_none() {
        let files = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B;"),
            (
                "b.rs",
                r##"
                // use crate::a::A;
                /* crate::a /* nested */ crate::a */
                const TEXT: &str = "crate::a::A \" crate::a::B";
                const RAW: &str = r#"crate::a " "#;
                fn f<'a>(c: char) -> bool { c == '"' || c == '\'' || other::a::b() }
                mod inline { use super::super::b::C; }
                pub(in crate::a) static S: u8 = 0;
                #[cfg(test)]
                mod tests { use crate::a::A; }
                #[cfg(any(test, feature = "x"))]
                use crate::a::{A, B};
                "##,
            ),
        ];
        assert_eq!(circle(&files), None);
    }
}
