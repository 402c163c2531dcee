//! `chat-server config`: effective values and their sources, without secrets.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::harness::{Home, finish, path_text};

/// The settings by key, with value and source.
fn effective(home: &Home, args: &[&str], variables: &[(&str, &str)]) -> BTreeMap<String, Value> {
    let mut command = home.command("chat-server");
    command.args(args).args(["config", "--format", "json"]).envs(variables.iter().copied());
    let shown = finish(&mut command);
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    assert!(!shown.out.contains("hush") && !shown.err.contains("hush"), "{shown:?}");
    let line = |line: &str| {
        let setting: Value = serde_json::from_str(line).unwrap();
        (setting["key"].as_str().unwrap().to_owned(), setting)
    };
    shown.out.lines().map(line).collect()
}

#[test]
fn each_setting_has_its_value_and_its_source() {
    let home = Home::new();
    let file = home.join("server.toml");
    fs::write(
        &file,
        "listen = '[::]:1'\nframe-burst = 50\nmax-guests = 7\ndatabase = 'mysql://ann:hush@db/chat'\ninvitation-code = 'hush-hush'\n",
    )
    .unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let config = path_text(&file);
    let shown = effective(
        &home,
        &["--config", config, "--listen", "[::]:2"],
        &[("CHAT_MAX_GUESTS", "9"), ("CHAT_MAX_CONNECTIONS", "100"), ("CHAT_METRICS", "")],
    );
    for (key, value, source, from) in [
        ("listen", Some("[::]:2"), "argument", Some("--listen")),
        ("max-guests", Some("9"), "environment", Some("CHAT_MAX_GUESTS")),
        ("frame-burst", Some("50"), "file", Some(config)),
        ("database", Some("mysql://ann:***@db:3306/chat"), "file", Some(config)),
        ("invitation-code", Some("***"), "file", Some(config)),
        ("registration", Some("invited"), "default", None),
        ("metrics", None, "default", None),
        ("frames-per-second", Some("10"), "default", None),
        // The default gives way to a limit that was set.
        ("max-connections-per-address", Some("100"), "default", None),
        ("lang", Some("en"), "default", None),
    ] {
        let setting = &shown[key];
        assert_eq!(
            (setting["value"].as_str(), setting["source"].as_str(), setting["from"].as_str()),
            (value, Some(source), from),
            "{setting}"
        );
    }
    let environment = effective(
        &home,
        &["--config", config],
        &[("CHAT_DATABASE", "mysql://bob:hush@db/other"), ("CHAT_INVITATION_CODE", "hush-hush-hush")],
    );
    assert_eq!(environment["database"]["value"], "mysql://bob:***@db:3306/other");
    assert_eq!(environment["database"]["from"], "CHAT_DATABASE");
    assert_eq!(environment["invitation-code"]["from"], "CHAT_INVITATION_CODE");
    let url = home.join("url");
    fs::write(&url, "sqlite:elsewhere\n").unwrap();
    let named = effective(&home, &["--database-file", path_text(&url)], &[]);
    assert_eq!(named["database"]["value"], "sqlite:elsewhere");
    assert_eq!(
        (&named["database"]["source"], &named["database"]["from"]),
        (&"setting".into(), &"database-file".into())
    );
}

#[test]
fn a_pipe_receives_a_line_for_each_setting_and_a_wrong_setting_is_an_error() {
    let home = Home::new();
    let shown = home.operate(&["config"]);
    let data = home.join("data");
    assert!(shown.out.contains(&format!("data-dir\t{}\targument --data-dir\n", data.display())), "{}", shown.out);
    assert!(shown.out.contains("\nlisten\t127.0.0.1:7777\tdefault\n"), "{}", shown.out);
    assert!(!data.exists(), "a question creates nothing");
    let wrong = home.operate(&["--frames-per-second", "50", "--frame-burst", "49", "config", "--format", "json"]);
    assert_eq!((wrong.code, wrong.error_code()), (Some(2), "wrong-arguments".to_owned()));
}
