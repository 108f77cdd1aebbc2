//! `cargo xtask package PG_CONFIG`: a Debian package, a tarball for any other system, and a zip for PGXN.
//!
//! All three go to `target/packages/`. The Debian package needs `dpkg-deb`, the zip `git`; what can't be made here is named.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use cluster::Installation;

use crate::cache::Cache;
use crate::install::{self, EXTENSION, File, Profile};
use crate::script::VERSION;
use crate::setup::{self, Purpose};
use crate::{run, workspace};

/// Revision of the Debian package of one version.
const REVISION: u32 = 1;

/// The script in the tarball.
const INSTALL: &str = "\
#!/bin/sh
# Copies the extension into the Postgres of a pg_config: ./install.sh [/path/to/pg_config]
set -eu
config=${1:-pg_config}
here=$(CDPATH= cd -- \"$(dirname -- \"$0\")\" && pwd)
wanted=$(cat \"$here/PG_MAJOR\")
found=$(\"$config\" --version | sed 's/^PostgreSQL //; s/[^0-9].*//')
if [ \"$wanted\" != \"$found\" ]; then
    echo \"this is for PostgreSQL $wanted, but $config is of $found\" >&2
    exit 1
fi
cp \"$here\"/lib/* \"$(\"$config\" --pkglibdir)/\"
cp \"$here\"/extension/* \"$(\"$config\" --sharedir)/extension/\"
";

/// `package PG_CONFIG`.
pub fn command(mut parser: lexopt::Parser) -> Result<()> {
    let pg_config = match parser.next()? {
        Some(lexopt::Arg::Value(path)) => path,
        Some(other) => return Err(other.unexpected().into()),
        None => bail!("say for which server: cargo xtask package /path/to/pg_config"),
    };
    let installation = Installation::from_pg_config(pg_config)?;
    let cache = setup::ensure(Purpose::Build)?;
    println!("building for {} …", installation.version);
    let log = workspace::target().join("xtask-logs/package.log");
    let files = install::files(&cache, &installation, Profile::Release, &log)?;
    let made = [
        debian(&installation, &files),
        tarball(&installation, &files),
        pgxn(),
    ];
    for package in made {
        match package {
            Ok(path) => println!("{}", path.display()),
            Err(error) => println!("not made: {error:#}"),
        }
    }
    Ok(())
}

/// Builds in little time, and makes the Debian package only: for the test of it.
pub fn debian_for_test(cache: &Cache, installation: &Installation, log: &Path) -> Result<PathBuf> {
    let files = install::files(cache, installation, Profile::Demo, log)?;
    debian(installation, &files)
}

/// Name of the Debian package.
pub fn debian_name(installation: &Installation) -> String {
    format!("postgresql-{}-pg-quantize", installation.major)
}

fn output() -> Result<PathBuf> {
    let directory = workspace::target().join("packages");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// An empty directory to put a package together in.
fn staging(name: &str) -> Result<PathBuf> {
    let directory = output()?.join("staging").join(name);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

fn put(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, content).with_context(|| format!("could not write {}", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(())
}

fn licenses(directory: &Path) -> Result<()> {
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        let content = fs::read(workspace::root().join(name))?;
        put(&directory.join(name), &content, 0o644)?;
    }
    Ok(())
}

/// What a command prints, without the end of the line.
fn printed(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("could not run {program}"))?;
    ensure!(
        output.status.success(),
        "{program} failed ({})",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// `postgresql-NN-pg-quantize_VERSION-1_ARCH.deb` with both extensions.
fn debian(installation: &Installation, files: &[File]) -> Result<PathBuf> {
    let architecture = printed(Command::new("dpkg").arg("--print-architecture"))?;
    let name = debian_name(installation);
    let root = staging(&name)?;
    let mut kilobytes = 0;
    for file in files {
        let path = file
            .path
            .strip_prefix("/")
            .context("a path that is not absolute")?;
        put(&root.join(path), &file.content, 0o644)?;
        kilobytes += file.content.len().div_ceil(1024);
    }
    licenses(&root.join("usr/share/doc").join(&name))?;
    let major = installation.major;
    let control = format!(
        "Package: {name}\n\
         Version: {VERSION}-{REVISION}\n\
         Architecture: {architecture}\n\
         Maintainer: the authors of pg_quantize <pg-quantize@localhost>\n\
         Installed-Size: {kilobytes}\n\
         Depends: postgresql-{major}, libc6, libgcc-s1, libstdc++6\n\
         Suggests: postgresql-{major}-pgvector\n\
         Section: database\n\
         Priority: optional\n\
         Description: embedding quantization inside PostgreSQL {major}\n \
         Binary and int8 vector types, calibration, an index for nearest-neighbour\n \
         search, and rescoring. Holds the extensions pg_quantize and\n \
         pg_quantize_vector; the second works on the types of pgvector.\n"
    );
    put(&root.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    let package = output()?.join(format!("{name}_{VERSION}-{REVISION}_{architecture}.deb"));
    printed(
        Command::new("dpkg-deb")
            .args(["--build", "--root-owner-group"])
            .arg(&root)
            .arg(&package),
    )?;
    Ok(package)
}

/// `pg_quantize-VERSION-pgNN-SYSTEM.tar.gz`: the files, and a script that copies them where a `pg_config` says.
fn tarball(installation: &Installation, files: &[File]) -> Result<PathBuf> {
    let system = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
    let name = format!("{EXTENSION}-{VERSION}-{}-{system}", installation.label());
    let root = staging(&name)?;
    for file in files {
        let library = file.path.starts_with(&installation.pkglibdir)
            && file.path.extension().is_some_and(|e| e == "so");
        let directory = if library { "lib" } else { "extension" };
        let file_name = file.path.file_name().context("a path without a name")?;
        put(&root.join(directory).join(file_name), &file.content, 0o644)?;
    }
    licenses(&root)?;
    put(
        &root.join("PG_MAJOR"),
        installation.major.to_string().as_bytes(),
        0o644,
    )?;
    put(&root.join("install.sh"), INSTALL.as_bytes(), 0o755)?;
    let package = output()?.join(format!("{name}.tar.gz"));
    printed(
        Command::new("tar")
            .args(["--create", "--gzip", "--owner=0", "--group=0", "--file"])
            .arg(&package)
            .arg("--directory")
            .arg(root.parent().context("staging has a parent")?)
            .arg(&name),
    )?;
    Ok(package)
}

/// `pg_quantize-VERSION.zip`: the committed source with its `META.json`, as PGXN takes it.
fn pgxn() -> Result<PathBuf> {
    let name = format!("{EXTENSION}-{VERSION}");
    let package = output()?.join(format!("{name}.zip"));
    printed(
        Command::new("git")
            .current_dir(workspace::root())
            .args(["archive", "--format=zip"])
            .arg(format!("--prefix={name}/"))
            .arg(format!("--output={}", package.display()))
            .arg("HEAD"),
    )
    .context("the zip for PGXN is made of a git checkout")?;
    Ok(package)
}

/// Installs the Debian package, uses it in a server, and removes it again. Root only.
pub fn try_debian(cache: &Cache, installation: &Installation, log: &Path) -> Result<()> {
    let package = debian_for_test(cache, installation, log)?;
    run::logged(Command::new("dpkg").arg("--install").arg(&package), log)?;
    let used = use_extension(installation);
    let removed = run::logged(
        Command::new("dpkg")
            .arg("--remove")
            .arg(debian_name(installation)),
        log,
    );
    used?;
    removed?;
    ensure!(
        !installation.has_extension(EXTENSION),
        "removing the package leaves files behind"
    );
    Ok(())
}

fn use_extension(installation: &Installation) -> Result<()> {
    let cluster = cluster::Cluster::start_new(installation, cluster::Options::default())?;
    let mut client = cluster.connect("postgres")?;
    client.batch_execute(&format!("CREATE EXTENSION {EXTENSION}"))?;
    let row = client.query_one(
        "SELECT quantize_binary('{1,-1,0.5}')::text, (SELECT extversion FROM pg_extension WHERE extname = $1)",
        &[&EXTENSION],
    )?;
    ensure!(row.get::<_, String>(0) == "101" && row.get::<_, String>(1) == VERSION);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PGXN reads versions from META.json; they must not fall behind.
    #[test]
    fn meta_json_has_this_version() {
        let text = fs::read_to_string(workspace::root().join("META.json")).unwrap();
        let meta: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(meta["name"], EXTENSION);
        assert_eq!(meta["version"], VERSION);
        for extension in [EXTENSION, "pg_quantize_vector"] {
            assert_eq!(meta["provides"][extension]["version"], VERSION);
        }
        let control = workspace::root().join("companion/pg_quantize_vector.control");
        let control = fs::read_to_string(control).unwrap();
        assert!(control.contains(&format!("default_version = '{VERSION}'")));
        let python = fs::read_to_string(workspace::root().join("python/pyproject.toml")).unwrap();
        assert!(python.contains(&format!("version = \"{VERSION}\"")));
    }
}
