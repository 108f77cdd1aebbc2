//! Keeps the section in which pgrx embeds the SQL schema: some linkers drop it as unused.
//!
//! Only the shared library gets the flag. In a test program it would keep references to symbols
//! that only a running server has.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--no-gc-sections");
    }
}
