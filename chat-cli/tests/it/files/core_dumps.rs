//! A program that crashes writes nothing that it knows to disk.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{Home, Process, Server, until};

/// The command in a shell that allows core dumps as far as the system does.
fn allowing_core_dumps(home: &Home, command: &Command) -> Command {
    let mut shell = home.command("/bin/sh");
    shell.args(["-c", "ulimit -c \"$(ulimit -Hc)\" && exec \"$@\"", "sh"]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        shell.env(name, value);
    }
    shell
}

/// Asserts that the system would not write the memory of the process to disk, and then that it does not.
#[track_caller]
fn assert_no_core_dump(process: &mut Process) {
    let proc = format!("/proc/{}", process.pid());
    let limits = fs::read_to_string(format!("{proc}/limits")).expect("this test needs Linux");
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(limit.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    // The files of a process that cannot be dumped belong to root, so its user's other programs cannot read its memory.
    assert_eq!(fs::metadata(format!("{proc}/environ")).unwrap().uid(), 0);
    process.signal(Signal::ABORT);
    let status = process.exit();
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
}

#[test]
fn neither_program_leaves_a_core_dump() {
    let home = Home::new();
    let mut server = home.command("chat-server");
    server.args(["--listen", "127.0.0.1:0", "--data-dir", home.join("data").to_str().unwrap()]);
    let mut server = Server::start_command(&home, &mut allowing_core_dumps(&home, &server));

    let client = server.client("alice").register().into_command();
    let mut client = allowing_core_dumps(&home.of_user("alice"), &client);
    let mut client = Process::spawn(client.stdin(std::process::Stdio::piped()));
    until("alice is online", || server.status()["online"] == 1);
    assert_no_core_dump(&mut client);
    assert_no_core_dump(&mut server.process);
    for folder in [home.join(""), home.join("homes/alice")] {
        let core = fs::read_dir(folder)
            .unwrap()
            .find(|file| file.as_ref().unwrap().file_name().to_string_lossy().starts_with("core"));
        assert!(core.is_none(), "{core:?}");
    }
}
