//! Rebuilds the crate when a migration changes: the macro that embeds migrations does not track their files. Sets the cfg
//! `database` if the features include a database.

use std::env;
use std::path::Path;

fn main() {
    // A symbolic link to the folder at the top of the repository. Packages contain the files themselves.
    println!("cargo:rerun-if-changed=migrations");
    assert!(
        Path::new("migrations/sqlite").is_dir(),
        "chat-store/migrations is not a folder, because git did not create the symbolic link; run `git config core.symlinks \
         true`, delete chat-store/migrations and run `git checkout chat-store/migrations`"
    );
    println!("cargo::rustc-check-cfg=cfg(database)");
    if ["CARGO_FEATURE_MYSQL", "CARGO_FEATURE_SQLITE"].into_iter().any(|feature| env::var_os(feature).is_some()) {
        println!("cargo::rustc-cfg=database");
    }
}
