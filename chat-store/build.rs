//! Rebuilds the crate when a migration changes: the macro that embeds migrations does not track their files.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
