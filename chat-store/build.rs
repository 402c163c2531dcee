//! Rebuilds when a migration changes, which the macro that embeds them does not notice.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
