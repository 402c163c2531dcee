//! Functions of the C library that a test replaces in a program, so that the system behaves as it does elsewhere, and
//! programs in C that start others so.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::Home;

/// Compiles C functions to a library in this home. A program that gets its path in `LD_PRELOAD` calls them instead of
/// those of the system.
pub(crate) fn preload(home: &Home, name: &str, functions: &str) -> PathBuf {
    compile(home, name, &["-shared", "-fPIC"], functions)
}

/// Compiles a program in C in this home, and returns its path.
pub(crate) fn launcher(home: &Home, name: &str, program: &str) -> PathBuf {
    compile(home, name, &[], program)
}

fn compile(home: &Home, name: &str, args: &[&str], text: &str) -> PathBuf {
    let (source, compiled) = (home.join(&format!("{name}.c")), home.join(name));
    fs::write(&source, text).unwrap();
    let status = Command::new("cc").args(args).arg("-o").args([&compiled, &source]).status();
    assert!(status.expect("the tests need a C compiler, as the build does").success(), "{text}");
    compiled
}
