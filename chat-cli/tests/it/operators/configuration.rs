//! Arguments, environment and configuration file of both programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Finished, Home, Server, finish, path_text};

#[test]
fn arguments_take_precedence_over_the_environment_and_the_environment_over_the_file() {
    let home = Home::new();
    let file = home.join("server.toml");
    let data = home.join("data");
    let content = format!("listen = '127.0.0.1:0'\ndata-dir = '{}'\nmax-connections = 300\n", data.display());
    fs::write(&file, content).unwrap();
    for (environment, args, connections) in
        [(None, &[][..], 300), (Some("250"), &[], 250), (Some("250"), &["--max-connections", "200"], 200)]
    {
        let mut command = home.command("chat-server");
        command.args(["--config", path_text(&file)]).args(args);
        if let Some(number) = environment {
            command.env("CHAT_MAX_CONNECTIONS", number);
        }
        let mut server = Server::start_command(&home, &mut command);
        assert_eq!(server.status()["max_connections"], connections);
        server.stop();
    }
    let named = finish(home.command("chat-server").env("CHAT_CONFIG", &file).args(["user", "list"]));
    assert_eq!((named.code, named.err.as_str()), (Some(0), ""), "commands read the file as well");
}

#[test]
fn an_error_in_the_file_names_line_and_key_and_shows_no_secret() {
    let home = Home::new();
    let file = home.join("server.toml");
    for (content, sentence) in [
        ("\nmax-conections = 5", "line 2: there is no key 'max-conections'\nhint: did you mean max-connections?\n"),
        (
            "[limits]\nmax-connections = 5",
            "line 1: there is no key 'limits'\nhint: the keys are lang, data-dir, database, ",
        ),
        (
            "max-connections = 0",
            "line 1: max-connections: '0' is not allowed; write a whole number from 1 to 1000000\n",
        ),
        (
            "login-time = '5s'",
            "line 1: login-time: invalid type: string \"5s\", expected a whole number from 1 to 600\n",
        ),
        ("metrics = 'here'", "line 1: metrics: the address has no port; write IP:PORT, for example"),
        (
            "registration = 'maybe'",
            "line 1: registration: unknown variant `maybe`, expected one of `open`, `invited`, `closed`\n",
        ),
        (
            "database = 'postgres://ann:hush@db/x'",
            "line 1: database: unknown kind of database; allowed are sqlite:PATH",
        ),
        ("listen = ", "line 1: listen: "),
    ] {
        fs::write(&file, content).unwrap();
        let Finished { code, out, err } = home.run("chat-server", &["--config", path_text(&file)]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{content}: {err}");
        assert!(err.starts_with(&format!("error: {}, {sentence}", file.display())), "{content}: {err}");
        assert!(!err.contains("hush"), "{err}");
    }
    let missing = home.run("chat-server", &["--config", "/no/file"]);
    assert_eq!(missing.code, Some(2));
    assert!(missing.err.starts_with("error: the configuration file /no/file cannot be read: "), "{}", missing.err);
}

#[test]
fn a_file_with_a_password_that_other_users_can_read_causes_a_warning() {
    let home = Home::new();
    let file = home.join("server.toml");
    fs::write(&file, "database = 'mysql://ann:hush@127.0.0.1:1/x'\n").unwrap();
    for (mode, warned) in [(0o600, false), (0o640, true)] {
        fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        let Finished { code, err, .. } = home.operate(&["--config", path_text(&file), "user", "list"]);
        assert_eq!(code, Some(3), "{err}");
        assert_eq!(
            err.contains("contains a password and other users can read it; restrict it with chmod 600"),
            warned,
            "{err}"
        );
        assert!(
            err.contains("error: the database server at 127.0.0.1:1 does not answer"),
            "the database is that of the file: {err}"
        );
        assert!(!err.contains("hush"), "{err}");
    }
}

#[test]
fn the_client_reads_its_options_from_a_file() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let file = home.join("client.toml");
    let (address, known) = (server.address.to_string(), home.join("known"));
    let content = format!(
        "server = '{address}'\nuser = '小明'\nregister = true\naccept-new = true\nknown-servers = '{}'\nformat = 'json'\n",
        known.display()
    );
    fs::write(&file, content).unwrap();
    let Finished { code, out, err } = home.run("chat-client", &["--config", path_text(&file)]);
    assert_eq!((code, err.as_str()), (Some(0), ""));
    assert!(out.starts_with("{\"event\":\"welcome\",\"user\":\"小明\""), "{out}");
    assert!(known.exists());
    let other = ["--config", path_text(&file), "--fingerprint", &"0".repeat(64)];
    assert!(
        home.run("chat-client", &other).err.contains("does not have the fingerprint"),
        "the argument takes precedence"
    );
    fs::write(&file, "sever = 'lab'\n").unwrap();
    let wrong = home.run("chat-client", &["--config", path_text(&file)]);
    assert_eq!(wrong.code, Some(2));
    let sentence = format!("error: {}, line 1: there is no key 'sever'\nhint: did you mean server?\n", file.display());
    assert_eq!(wrong.err, sentence);
}
