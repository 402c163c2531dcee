//! What only the programs for Windows do. `scripts/test-windows` runs these tests with Wine.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Stdio;

use chat_store::testing;
use serde_json::Value;

use crate::harness::{ClientSetup, Finished, Home, LANGUAGES, Process, Server, assert_contains, finish, until};

#[test]
#[ignore = "needs the programs for Windows: scripts/test-windows"]
fn names_of_devices_are_refused_instead_of_waiting_for_the_device() {
    let home = Home::new();
    fs::write(home.join("server.toml"), "presence-log = 'COM1.log'\n").unwrap();
    let server: [&[&str]; 8] = [
        &["--config", "CON", "fingerprint"],
        &["--config", "server.toml", "fingerprint"],
        &["--data-dir", "logs/nul"],
        &["--database-file", "com1.txt"],
        &["--database", "sqlite:CONIN$"],
        &["--cert", "aux", "--key", "key.pem"],
        &["user", "import", "lpt².csv"],
        &["backup", "prn .sqlite"],
    ];
    let client: [&[&str]; 4] =
        [&["--password-file", "COM1"], &["--ca", "CON"], &["--known-servers", "NUL"], &["--history", "AUX:"]];
    let programs = [("chat-server", server.as_slice()), ("chat-client", client.as_slice())];
    for (program, all) in programs {
        for args in all {
            for (language, sentence) in LANGUAGES.iter().zip(["Windows reserves ", "Windows 把这个 "]) {
                let Finished { code, out, err } = home.run(program, &[&["--lang", language], *args].concat());
                assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}: {err}");
                assert!(err.contains(sentence.trim_end()), "{args:?}: {err}");
            }
        }
    }
    let files: Vec<_> = fs::read_dir(home.join("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["server.toml"]);
}

#[test]
#[ignore = "needs the programs for Windows: scripts/test-windows"]
fn the_null_device_is_no_data_folder() {
    let home = Home::new();
    let sentences = [
        r"the data folder \\.\NUL is a device of the system
hint: choose a folder ",
        r"数据目录 \\.\NUL 是系统的设备
建议：请用 --data-dir ",
    ];
    for (language, sentence) in LANGUAGES.iter().zip(sentences) {
        let refused = home.run("chat-server", &["--lang", language, "--data-dir", r"\\.\NUL", "fingerprint"]);
        assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""), "{}", refused.err);
        assert_contains(&refused.err, sentence);
    }
}

#[test]
#[ignore = "needs the programs for Windows: scripts/test-windows"]
fn folders_and_files_have_chinese_names_with_spaces() {
    let home = Home::new();
    let operate = |args: &[&str]| {
        let all = [&["--data-dir", "服务器 数据", "--database", "sqlite:我的 数据.sqlite"], args].concat();
        let Finished { code, out, err } = home.run("chat-server", &all);
        assert_eq!(code, Some(0), "{err}");
        out
    };
    assert_contains(&operate(&["user", "add", "小明"]), "小明");
    assert_eq!(operate(&["backup", "备份 1.sqlite"]), "sqlite:我的 数据.sqlite is copied to 备份 1.sqlite\n");
    assert!(home.join("备份 1.sqlite").exists() && home.join("我的 数据.sqlite").exists());
}

#[test]
#[ignore = "needs the programs for Windows: scripts/test-windows"]
fn lines_in_an_encoding_of_windows_are_refused_and_the_next_ones_are_sent() {
    let server = Server::start(testing::sqlite());
    let bob = server.client("bob").register().start();
    let mut alice = server.client("alice").register().into_command();
    let mut alice = Process::spawn(alice.stdin(Stdio::piped()));
    bob.expect(&["online alice"]);
    let mut input = alice.child.stdin.take().unwrap();
    // 你好 in code page 936, and in UTF-16.
    input.write_all(b"\xc4\xe3\xba\xc3\r\n\x60\x4f\x7d\x59\r\0\n\0\n").unwrap();
    input.write_all("你好\r\n".as_bytes()).unwrap();
    drop(input);
    bob.expect(&["message alice > everyone: 你好", "offline alice asked"]);
    assert_eq!(alice.exit().code(), Some(1));
    let mut out = String::new();
    alice.stdout().read_to_string(&mut out).unwrap();
    assert_eq!(out.matches(r#""code":"not-utf8""#).count(), 3, "{out}");
}

/// Removes the service at the end of its test, however that ends.
#[derive(Debug)]
struct Removed<'a>(&'a Home);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        drop(self.0.run("chat-server", &["uninstall-service"]));
    }
}

#[test]
#[ignore = "needs the programs for Windows: scripts/test-windows"]
fn the_service_serves_until_it_is_removed() {
    let home = Home::new();
    let control = |command: &str| finish(home.command("sc").args([command, "chat-server"]));
    let wait_for = |state: &str| until(&format!("the service is {state}"), || control("query").out.contains(state));
    let has_stopped = || {
        let log = fs::read_to_string(home.join("data/presence.log")).unwrap();
        assert!(log.trim_end().ends_with(" server stopping"), "{log}");
    };
    let _removed = Removed(&home);
    // A port that is free now: the service has no output that would name another one.
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let install = || home.operate(&["--listen", &listen, "install-service"]);

    let installed = install();
    assert_eq!(installed.code, Some(0), "{}", installed.err);
    assert!(installed.out.starts_with("the service chat-server runs, and starts with Windows\n"), "{}", installed.out);
    assert_contains(&control("query").out, "RUNNING");
    let again = install();
    assert_eq!(again.code, Some(1));
    assert_contains(&again.err, "the service chat-server exists already\nhint: ");

    let fingerprint = home.operate(&["fingerprint"]).out;
    let client = |user: &str| {
        ClientSetup::new(user, &listen, &home.of_user(user)).fingerprint(fingerprint.trim_end()).register()
    };
    let mut alice = client("alice").start();
    let bob = client("bob").start();
    alice.expect(&["online bob"]);
    alice.type_line("你好");
    alice.until("outcome bob delivered");
    bob.expect(&["message alice > everyone: 你好"]);

    assert_eq!(control("stop").code, Some(0));
    wait_for("STOPPED");
    has_stopped();
    assert_eq!(control("start").code, Some(0));
    wait_for("RUNNING");
    until("the clients are online again", || {
        let status = home.operate(&["status", "--format", "json"]);
        status.code == Some(0) && serde_json::from_str::<Value>(&status.out).unwrap()["online"] == 2
    });
    alice.type_line("again");
    bob.until("message alice > everyone: again");

    let removed = home.run("chat-server", &["uninstall-service"]);
    assert_eq!((removed.code, removed.err.as_str()), (Some(0), ""));
    has_stopped();
    assert_eq!(home.operate(&["status"]).code, Some(3));
    assert_ne!(control("query").code, Some(0));
    let again = home.run("chat-server", &["uninstall-service"]);
    assert_eq!(again.code, Some(1));
    assert_contains(&again.err, "there is no service chat-server\nhint: ");
}
