//! Rebuilds the crate when a migration changes: the macro that embeds migrations does not track their files.

use std::path::Path;

fn main() {
    // A symbolic link to the folder at the top of the repository. Packages contain the files themselves.
    println!("cargo:rerun-if-changed=migrations");
    assert!(
        Path::new("migrations/sqlite").is_dir(),
        "chat-store/migrations is not a folder, because git did not create the symbolic link; run `git config core.symlinks \
         true`, delete chat-store/migrations and run `git checkout chat-store/migrations`"
    );
}
