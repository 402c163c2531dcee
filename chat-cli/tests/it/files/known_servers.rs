//! A file of known servers behind a symbolic link, and one that cannot be changed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::harness::{ClientSetup, Home, Server, assert_contains, path_text, preload};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn client(server: &Server, user: &str, known: &Path) -> ClientSetup {
    let client = ClientSetup::new(user, server.address, &server.home().of_user(user));
    client.args(&["--known-servers", path_text(known)])
}

#[test]
fn a_symbolic_link_stays_one_and_the_file_behind_it_is_changed() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    // As tools for configuration files do it: the file is in their folder, and a relative link leads to it.
    let (folder, known) = (home.join("dotfiles"), home.join("config/known-servers"));
    fs::create_dir(&folder).unwrap();
    fs::create_dir(known.parent().unwrap()).unwrap();
    symlink("../dotfiles/known", &known).unwrap();
    for (user, content) in [("alice", None), ("bob", Some("lab:1 {}\n"))] {
        if let Some(content) = content {
            fs::write(folder.join("known"), content.replace("{}", &"ab".repeat(32))).unwrap();
            fs::set_permissions(folder.join("known"), PermissionsExt::from_mode(0o664)).unwrap();
        }
        let joined = client(&server, user, &known).register().args(&["--accept-new"]).run("");
        assert_eq!((joined.code, joined.err.as_str()), (Some(0), ""));
        assert!(fs::symlink_metadata(&known).unwrap().is_symlink());
        assert_contains(&fs::read_to_string(folder.join("known")).unwrap(), &server.fingerprint);
    }
    assert_eq!(mode(&folder.join("known")), 0o664, "a file that others may read stays readable");
    let forget = ["forget", &server.address.to_string(), "--known-servers", path_text(&known)];
    assert_eq!(home.run("chat-client", &forget).code, Some(0));
    assert!(fs::symlink_metadata(&known).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(folder.join("known")).unwrap(), format!("lab:1 {}\n", "ab".repeat(32)));
    let left: Vec<_> = fs::read_dir(known.parent().unwrap()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["known-servers"], "nothing else appears beside the link");
}

#[test]
fn a_file_that_cannot_be_changed_is_read() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let known = home.join("known-servers");
    fs::write(&known, format!("{} {}\n", server.address, server.fingerprint)).unwrap();
    fs::set_permissions(&known, PermissionsExt::from_mode(0o644)).unwrap();
    let read_only = preload(
        &home,
        "read_only",
        "#include <errno.h>\n#include <stdio.h>\n#include <sys/stat.h>\n\
         int chmod(const char *path, mode_t mode) { errno = EROFS; return -1; }\n\
         int fchmod(int file, mode_t mode) { errno = EROFS; return -1; }\n\
         int rename(const char *from, const char *to) { errno = EROFS; return -1; }\n",
    );
    let alice = client(&server, "alice", &known).register().env("LD_PRELOAD", path_text(&read_only));
    let joined = alice.run("");
    assert_eq!((joined.code, joined.err.as_str()), (Some(0), ""));
    assert_eq!(mode(&known), 0o644);

    fs::write(&known, "").unwrap();
    let bob =
        client(&server, "bob", &known).register().args(&["--accept-new"]).env("LD_PRELOAD", path_text(&read_only));
    let refused = bob.run("");
    assert_eq!(refused.code, Some(3));
    assert_contains(&refused.err, "known-servers cannot be written: Read-only file system");
    assert_contains(
        &refused.err,
        "hint: name a file that you may write to with --known-servers FILE, or use --fingerprint",
    );
}
