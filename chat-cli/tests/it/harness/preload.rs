//! Functions of the C library that a test replaces in a program, so that the system behaves as it does elsewhere.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Home;

/// Compiles C functions to a library in this home. A program that gets its path in `LD_PRELOAD` calls them instead of
/// those of the system.
pub(crate) fn preload(home: &Home, name: &str, functions: &str) -> PathBuf {
    let (source, library) = (home.join(&format!("{name}.c")), home.join(&format!("{name}.so")));
    fs::write(&source, functions).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(compiled.expect("the tests need a C compiler, as the build does").success(), "{functions}");
    library
}
