//! File systems without locks, as some network file systems are.

use std::fs;

use crate::harness::{ClientSetup, Home, Server, assert_contains, finish, path_text, preload};

#[test]
fn without_locks_the_programs_warn_and_go_on() {
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let home = Home::new();
        // The lock by which a server claims a database is not among these.
        let no_locks = preload(
            &home,
            "no_locks",
            &format!(
                "#include <errno.h>\n#include <stdio.h>\n#include <string.h>\n#include <sys/syscall.h>\n#include <unistd.h>\n\
                 int flock(int file, int operation) {{\n\
                 char link[64], path[4096] = \"\";\n\
                 snprintf(link, sizeof link, \"/proc/self/fd/%d\", file);\n\
                 readlink(link, path, sizeof path - 1);\n\
                 if (strstr(path, \"sqlite\")) return syscall(SYS_flock, file, operation);\n\
                 errno = {error};\n\
                 return -1;\n}}\n"
            ),
        );
        let mut command = home.command("chat-server");
        command.args(["--listen", "127.0.0.1:0", "--data-dir", path_text(&home.join("data"))]);
        let server = Server::start_command(&home, command.env("LD_PRELOAD", &no_locks));
        assert_contains(
            &server.process.errors(),
            "data has no locks, so a second server with this folder would not be noticed: ",
        );
        let known = home.join("known");
        let alice = ClientSetup::new("alice", server.address, &home).register();
        let alice = alice.args(&["--accept-new", "--known-servers", path_text(&known)]);
        let joined = alice.env("LD_PRELOAD", path_text(&no_locks)).run("");
        assert_eq!(joined.code, Some(0), "{error}: {}", joined.err);
        assert_contains(&joined.err, "the file system cannot lock ");
        assert_contains(&fs::read_to_string(&known).unwrap(), &server.fingerprint);
    }
}

#[test]
fn another_failure_of_a_lock_ends_the_server() {
    let home = Home::new();
    let broken = preload(
        &home,
        "broken",
        "#include <errno.h>\nint flock(int file, int operation) { errno = EIO; return -1; }\n",
    );
    let mut command = home.command("chat-server");
    command.args(["--listen", "127.0.0.1:0", "--data-dir", path_text(&home.join("data"))]);
    let refused = finish(command.env("LD_PRELOAD", broken));
    assert_eq!(refused.code, Some(3));
    assert_contains(&refused.err, "data cannot be locked: Input/output error");
}
