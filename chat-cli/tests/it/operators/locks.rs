//! File systems without locks.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Home, Server, assert_contains, path_text};

/// Compiles a library that makes `flock` fail, as on a file system without locks, for files whose name ends as the
/// variable `LOCK_SUFFIX` says. `LOCK_ERROR` is the error.
fn library(home: &Home) -> PathBuf {
    let (source, library) = (home.join("locks.c"), home.join("locks.so"));
    let code = r#"
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <errno.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>
        int flock(int fd, int operation) {
            char link[64], path[4096];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            ssize_t length = readlink(link, path, sizeof path - 1);
            path[length < 0 ? 0 : length] = 0;
            const char *suffix = getenv("LOCK_SUFFIX");
            size_t end = strlen(suffix);
            if (strlen(path) >= end && strcmp(path + strlen(path) - end, suffix) == 0) {
                errno = atoi(getenv("LOCK_ERROR"));
                return -1;
            }
            int (*next)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
            return next(fd, operation);
        }
    "#;
    fs::write(&source, code).unwrap();
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
    assert!(compiled.unwrap().success());
    library
}

#[test]
fn a_claim_on_a_file_system_without_locks_is_a_warning() {
    use rustix::io::Errno;

    let home = Home::new();
    let library = library(&home);
    for error in [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP] {
        let without_locks = |args: &[&str]| {
            let mut command = home.command("chat-server");
            command.env("LD_PRELOAD", &library).env("LOCK_SUFFIX", "chat.sqlite.lock");
            command.env("LOCK_ERROR", error.raw_os_error().to_string());
            command.args(["--data-dir", path_text(&home.join("data"))]).args(args);
            command
        };
        let mut server = Server::start_command(&home, &mut without_locks(&["--listen", "127.0.0.1:0"]));
        let lock = home.join("data/chat.sqlite.lock");
        let sentence =
            format!("the file system of {} has no locks; make sure that only one server uses", lock.display());
        assert_contains(&server.process.errors(), &sentence);
        assert!(!server.process.errors().contains("another server"), "{}", server.process.errors());
        server.stop();
        let to = home.join(&format!("target{}", error.raw_os_error()));
        let mut moved = without_locks(&["move", "--to-database", &format!("sqlite:{}", to.display())]);
        let moved = crate::harness::finish(&mut moved);
        assert_eq!(moved.code, Some(0), "{}", moved.err);
        assert_contains(&moved.err, &sentence);
    }
}
