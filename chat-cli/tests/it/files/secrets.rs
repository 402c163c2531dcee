//! The files that hold a server's secrets, on file systems that do not let it make them private.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{Finished, Home, Server, assert_contains, finish, path_text, preload};

/// A server whose files belong to another user.
fn command(home: &Home) -> Command {
    let other_owner = preload(
        home,
        "other_owner",
        "#include <errno.h>\n#include <sys/stat.h>\n\
         int chmod(const char *path, mode_t mode) { errno = EPERM; return -1; }\n\
         int fchmod(int file, mode_t mode) { errno = EPERM; return -1; }\n",
    );
    let mut command = home.command("chat-server");
    command.args(["--listen", "127.0.0.1:0", "--data-dir", path_text(&home.join("data"))]);
    command.env("LD_PRELOAD", other_owner);
    command
}

#[test]
fn a_secret_causes_a_warning_if_others_can_read_it_and_an_error_if_they_can_write_it() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &[]);
    let fingerprint = server.fingerprint.clone();
    server.stop();
    let files = ["identity.pem", "ticket.key"].map(|name| server.data(name));
    let set = |mode| {
        for file in &files {
            fs::set_permissions(file, PermissionsExt::from_mode(mode)).unwrap();
        }
    };

    set(0o640);
    let mut server = Server::start_command(&home, &mut command(&home));
    assert_eq!(server.fingerprint, fingerprint);
    for file in &files {
        let warning = format!(
            "other users can read {}, and this program cannot change that: Operation not permitted",
            file.display()
        );
        server.process.errors_with(&warning);
    }
    server.stop();

    set(0o660);
    let Finished { code, out, err } = finish(&mut command(&home));
    assert_eq!((code, out.as_str()), (Some(3), ""));
    let sentence = format!(
        "error: {} cannot be read: other users can write it, so its content may not be yours; if it is, restrict it with \
         chmod 600",
        files[0].display()
    );
    assert_contains(&err, &sentence);

    let mut server = Server::start_in(&home, &[]);
    server.process.errors_with("was accessible to other users; now only its owner can read it");
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    server.stop();
}
