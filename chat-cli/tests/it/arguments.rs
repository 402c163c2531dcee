//! The arguments of both programs: help, version, and a message and an exit code for each kind of mistake.

use std::fs;
use std::net::TcpListener;

use crate::harness::{Finished, Home, PASSWORD, Server, finish, finish_with, path_text};

#[test]
fn help_goes_to_standard_output_and_documents_the_exit_codes() {
    let home = Home::new();
    for program in ["chat-server", "chat-client"] {
        let Finished { code, out, err } = home.run(program, &["--help"]);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{program}");
        for part in ["Usage: ", "Exit codes:\n", "\n  2  wrong arguments", "CHAT_PASSWORD"] {
            assert!(out.contains(part), "{program} --help lacks {part:?}:\n{out}");
        }
    }
}

#[test]
fn every_option_is_an_environment_variable_too() {
    let home = Home::new();
    for (program, args) in [
        ("chat-server", &["--help"][..]),
        ("chat-server", &["user", "add", "--help"]),
        ("chat-client", &["--help"]),
        ("chat-client", &["forget", "--help"]),
    ] {
        let Finished { out, .. } = home.run(program, args);
        let names = out.lines().filter_map(|line| line.strip_prefix("      --"));
        let names: Vec<&str> = names.filter_map(|name| name.split([' ', '=', '[']).next()).collect();
        assert!(!names.is_empty());
        for name in names {
            // Whether to free a name is a decision about one account, not a setting.
            if name == "free-name" {
                continue;
            }
            let variable = format!("CHAT_{}", name.to_uppercase().replace('-', "_"));
            assert!(out.contains(&variable), "{program} {args:?}: --{name} has no {variable}:\n{out}");
        }
    }
}

#[test]
fn version_prints_the_version_of_the_package() {
    let home = Home::new();
    for program in ["chat-server", "chat-client"] {
        let Finished { code, out, err } = home.run(program, &["--version"]);
        let version = format!("{program} {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((code, out, err.as_str()), (Some(0), version, ""));
    }
}

#[test]
fn an_error_names_the_wrong_value_and_what_is_allowed() {
    let home = Home::new();
    let client: &[&str] = &["--server", "127.0.0.1:1"];
    let long = "x".repeat(33);
    for (program, args, sentence) in [
        (
            "chat-client",
            &[client, &["--user", ""]].concat()[..],
            "'--user <NAME>': the user name is empty; it needs 1 to 32 characters",
        ),
        ("chat-client", &[client, &["--user", "two words"]].concat(), "the user name contains a space; only letters"),
        (
            "chat-client",
            &[client, &["--user", "раураl"]].concat(),
            "the user name mixes scripts; use letters of one script",
        ),
        (
            "chat-client",
            &[client, &["--user", "everyone"]].concat(),
            "the user name is reserved or looks like a reserved one",
        ),
        ("chat-client", &[client, &["--user", &long]].concat(), "the user name is too long; at most 32 characters"),
        ("chat-client", &["--server", ""], "the server's address is empty; write HOST:PORT"),
        ("chat-client", &["--server", "host:70000"], "'70000' is not a port; ports are numbers from 1 to 65535"),
        ("chat-client", &["--server", "two words:1"], "'two words' is neither a host name nor an IP address"),
        ("chat-client", &[client, &["--udp", "1.2.3:80"]].concat(), "'1.2.3' is not an IP address; write IP:PORT"),
        (
            "chat-client",
            &[client, &["--udp", "127.0.0.1:70000"]].concat(),
            "'70000' is not a port; ports are numbers from 0 to 65535",
        ),
        ("chat-client", &[client, &["--advertise", "0.0.0.0"]].concat(), "'0.0.0.0' cannot be advertised"),
        ("chat-client", &[client, &["--fingerprint", "abc"]].concat(), "a fingerprint has 64 hexadecimal digits"),
        ("chat-client", &[client, &["--format", "xml"]].concat(), "[possible values: text, json]"),
        ("chat-client", &[], "error: no server is named\nhint: write --server HOST:PORT\n"),
        ("chat-client", &["127.0.0.1:4000"], "error: no user name is given\nhint: write --user NAME\n"),
        (
            "chat-client",
            &["--user", "alice", "lab"],
            "error: there is no server named 'lab'\nhint: write its address as HOST:PORT, or give it a name with a \
             table [servers.\"lab\"] in the configuration file\n",
        ),
        ("chat-client", &["forgt"], "error: there is no server named 'forgt'\nhint: did you mean forget?\n"),
        ("chat-client", &["127.0.0.1:0"], "'0' is not a port"),
        (
            "chat-client",
            &["10.0.0.7", "--server", "lab"],
            "error: the server is named twice, with --server and without",
        ),
        ("chat-client", &["forget", "host:0"], "'0' is not a port"),
        ("chat-server", &["--listen", ""], "the address is empty; write IP:PORT"),
        ("chat-server", &["--listen", "127.0.0.1"], "the address has no port; write IP:PORT"),
        ("chat-server", &["--listen", "127.0.0.1:65536"], "'65536' is not a port; ports are numbers from 0 to 65535"),
        ("chat-server", &["--listen", "localhost:7777"], "'localhost' is not an IP address; write IP:PORT"),
        ("chat-server", &["--listen", "::1"], "an IPv6 address with a port is written in brackets"),
        (
            "chat-server",
            &["--database", "postgres://db/chat"],
            "error: --database cannot be used: unknown kind of database; allowed are sqlite:PATH",
        ),
        ("chat-server", &["--database", "sqlite:"], "the database URL has no file; write sqlite:PATH"),
        (
            "chat-server",
            &["--database", "mysql://ann:hush@db/chat"],
            "error: the database URL holds a password, and other users can see arguments\nhint: put it into the environment variable CHAT_DATABASE",
        ),
        ("chat-server", &["--registration", "maybe"], "[possible values: open, invited, closed]"),
        ("chat-server", &["--cert", "c.pem"], "the certificate lacks its private key\nhint: name it with --key <FILE>"),
        ("chat-server", &["user", "add", ""], "the user name is empty"),
        ("chat-server", &["user", "add", "a@b"], "the user name contains '@'"),
        ("chat-server", &["user", "frobnicate"], "unrecognized subcommand 'frobnicate'"),
    ] {
        let Finished { code, out, err } = home.run(program, args);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{program} {args:?}: {err}");
        assert!(err.contains(sentence), "{program} {args:?}:\n{err}");
        assert!(!err.contains("hush"), "{program} {args:?} shows the password:\n{err}");
    }
}

#[test]
fn wrong_values_in_the_environment_are_errors_like_wrong_arguments() {
    let home = Home::new();
    for (program, variable, value, sentence) in [
        ("chat-server", "CHAT_LISTEN", "nowhere", "'--listen <IP:PORT>': the address has no port"),
        (
            "chat-server",
            "CHAT_DATABASE",
            "postgres://ann:hush@db/chat",
            "error: CHAT_DATABASE cannot be used: unknown kind",
        ),
        ("chat-client", "CHAT_USER", "two words", "the user name contains a space"),
        ("chat-client", "CHAT_REGISTER", "maybe", "invalid value 'maybe' for '--register"),
    ] {
        let mut command = home.command(program);
        let Finished { code, out, err } = finish(command.env(variable, value).args(if program == "chat-client" {
            &["--server", "x"][..]
        } else {
            &[]
        }));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{variable}: {err}");
        assert!(err.contains(sentence) && !err.contains("hush"), "{variable}: {err}");
    }
}

#[test]
fn the_password_is_required_and_checked_before_the_client_connects() {
    let home = Home::new();
    let args = ["--server", "127.0.0.1:1", "--user", "alice", "--accept-new"];
    let none = finish(home.command("chat-client").args(args));
    assert_eq!(none.code, Some(2));
    assert_eq!(
        none.err,
        "error: no password is given, and there is no terminal to ask for it\n\
         hint: use --password-file FILE or the environment variable CHAT_PASSWORD\n"
    );
    let short = finish(home.command("chat-client").env("CHAT_PASSWORD", "short").args(args));
    let sentence = "error: CHAT_PASSWORD cannot be used: the password is too short; it needs at least 8 characters\n";
    assert_eq!((short.code, short.err.as_str()), (Some(2), sentence));
    let file = home.join("password");
    fs::write(&file, "").unwrap();
    let empty = finish(home.command("chat-client").args(args).args(["--password-file", path_text(&file)]));
    assert_eq!(empty.code, Some(2));
    assert!(empty.err.contains("cannot be used: the password is empty"), "{}", empty.err);
    let nameless = home.run("chat-client", &["--server", "127.0.0.1:1"]);
    assert_eq!(
        (nameless.code, nameless.err.as_str()),
        (Some(2), "error: no user name is given\nhint: write --user NAME\n")
    );
}

#[test]
fn a_server_that_cannot_start_reports_the_reason() {
    let home = Home::new();
    let file = home.join("file");
    fs::write(&file, "x".repeat(100)).unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let (data, below_file) = (home.join("data"), file.join("data"));
    let data = ["--listen", "127.0.0.1:0", "--data-dir", path_text(&data)];
    for (args, sentence) in [
        (
            vec!["--data-dir", path_text(&below_file)],
            format!("error: the data folder {} cannot be used: ", below_file.display()),
        ),
        (vec!["--data-dir", "/proc/chat"], "error: the data folder /proc/chat cannot be used: ".to_owned()),
        (
            [&data[2..], &["--listen", &taken]].concat(),
            format!("error: cannot listen on {taken}: the address is in use\nhint: "),
        ),
        (
            [&data[2..], &["--listen", "192.0.2.1:7777"]].concat(),
            "error: cannot listen on 192.0.2.1:7777: it is not an address of this machine\n".to_owned(),
        ),
        (
            [&data[..], &["--database", "sqlite:/no/such/folder/x"]].concat(),
            "error: the database file /no/such/folder/x cannot be created".to_owned(),
        ),
        (
            [&data[..], &["--database", "mysql://chat@127.0.0.1:1/chat"]].concat(),
            "error: the database server at 127.0.0.1:1 does not answer".to_owned(),
        ),
        (
            [&data[..], &["--cert", "/no/cert", "--key", "/no/key"]].concat(),
            "error: /no/cert cannot be read: ".to_owned(),
        ),
        (
            [&data[..], &["--presence-log", "/no/such/log"]].concat(),
            "error: the presence log /no/such/log cannot be opened; name a file that you may write to: ".to_owned(),
        ),
    ] {
        let Finished { code, out, err } = home.run("chat-server", &args);
        assert_eq!((code, out.as_str()), (Some(3), ""), "{args:?}: {err}");
        assert!(err.starts_with(&sentence), "{args:?}: {err}");
    }
    let no_database =
        home.run("chat-server", &[&data[..], &["--database", &format!("sqlite:{}", file.display())]].concat());
    assert_eq!(no_database.code, Some(3), "{}", no_database.err);
    assert!(
        no_database.err.contains("file cannot be used; it must be a writable SQLite database"),
        "{}",
        no_database.err
    );
}

#[test]
fn a_second_server_with_the_same_data_folder_learns_the_process_of_the_first() {
    let home = Home::new();
    let mut first = Server::start_in(&home, &[]);
    let second = first.operate(&["--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(3));
    assert_eq!(
        second.err,
        format!(
            "error: the data folder {} is in use by another server (process {})\n\
             hint: stop that server, or choose another folder with --data-dir DIR\n",
            first.data_dir().display(),
            first.process.pid()
        )
    );
    first.stop();
    drop(Server::start_in(&home, &[]));
}

#[test]
fn operators_manage_accounts_while_the_server_runs() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let user = |args: &[&str]| server.operate(&[&["user"], args].concat());
    assert_eq!(user(&["add", "小明"]).out, "小明 is registered\n");
    let again = user(&["add", "小明"]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""));
    assert!(
        again.err.starts_with("error: the user name 小明 is taken, or looks like one that is\nhint: "),
        "{}",
        again.err
    );
    assert_eq!(user(&["disable", "bob"]).code, Some(1));
    assert_eq!(user(&["passwd", "小明"]).code, Some(0));
    assert_eq!(user(&["disable", "小明"]).code, Some(0));
    let talk = home.run("chat-client", &["--server", &server.address.to_string(), "--user", "小明", "--accept-new"]);
    assert_eq!(talk.code, Some(3));
    assert_eq!(talk.err, "error: this account is disabled; ask the operator of the server\n");
    assert_eq!(user(&["enable", "小明"]).code, Some(0));
    let list = user(&["list"]).out;
    assert!(list.starts_with("小明\tactive\t20") && list.ends_with("\tnever\n"), "{list}");
    assert_eq!(user(&["remove", "小明", "--free-name"]).code, Some(0));
    let fingerprint = server.operate(&["fingerprint"]);
    assert_eq!(fingerprint.out.trim_end(), server.fingerprint);
}

#[test]
fn a_client_that_cannot_connect_reports_the_reason() {
    let home = Home::new();
    let talk = |server: &str, args: &[&str]| {
        home.run("chat-client", &[&["--server", server, "--user", "alice"], args].concat())
    };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let unreachable = talk(&closed, &["--accept-new"]);
    assert_eq!(unreachable.code, Some(3));
    assert!(
        unreachable.err.starts_with(&format!("error: nothing answers at {closed}: connection refused")),
        "{}",
        unreachable.err
    );
    let nowhere = talk("no-such-host.invalid", &["--accept-new"]);
    assert_eq!(nowhere.code, Some(3));
    assert!(nowhere.err.starts_with("error: the host of no-such-host.invalid:7777 cannot be found"), "{}", nowhere.err);

    let server = Server::start_in(&home, &[]);
    let (address, fingerprint) = (&server.address.to_string(), &server.fingerprint);
    let unknown = talk(address, &[]);
    assert_eq!(unknown.code, Some(3));
    assert!(
        unknown.err.contains(&format!("{address} is not known here; its fingerprint is {fingerprint}")),
        "{}",
        unknown.err
    );
    assert!(unknown.err.contains("hint: add --fingerprint HEX"), "{}", unknown.err);
    let credentials = talk(address, &["--fingerprint", fingerprint]);
    assert_eq!(credentials.err, "error: wrong user name or password\nhint: to create an account, add --register\n");
    assert_eq!(credentials.code, Some(3));
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = taken.local_addr().unwrap().to_string();
    let in_use = talk(address, &["--accept-new", "--register", "--udp", &udp]);
    assert_eq!(in_use.code, Some(3));
    assert!(
        in_use.err.contains(&format!("messages cannot be received at {udp} (UDP): another program uses this port")),
        "{}",
        in_use.err
    );
}

#[test]
fn the_error_about_a_changed_certificate_names_the_two_commands_that_help() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let known = home.join("known");
    fs::write(&known, format!("{} {}\n", server.address, "0".repeat(64))).unwrap();
    let args = [
        "--server",
        &server.address.to_string(),
        "--user",
        "alice",
        "--register",
        "--known-servers",
        path_text(&known),
    ];
    let changed = home.run("chat-client", &args);
    assert_eq!(changed.code, Some(3));
    for part in [
        "0000000000",
        &server.fingerprint,
        "`chat-server fingerprint`",
        &format!("`chat-client forget {} --known-servers {}`", server.address, known.display()),
    ] {
        assert!(changed.err.contains(part), "{part}: {}", changed.err);
    }
    let forget = ["forget", &server.address.to_string(), "--known-servers", path_text(&known)];
    assert_eq!(home.run("chat-client", &forget).code, Some(0));
    assert_eq!(home.run("chat-client", &forget).code, Some(1));
    assert_eq!(home.run("chat-client", &[&args[..], &["--accept-new"]].concat()).code, Some(0));
    assert!(fs::read_to_string(&known).unwrap().contains(&server.fingerprint));
}

#[test]
fn a_message_without_recipients_has_its_own_exit_code() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let talk = |input: &str, args: &[&str]| {
        let mut command = home.command("chat-client");
        command.args(["--server", &server.address.to_string(), "--user", "alice", "--accept-new"]).args(args);
        finish_with(command.env("CHAT_PASSWORD", PASSWORD), input)
    };
    assert_eq!(talk("", &["--register"]).code, Some(0));
    let nobody = talk("hello\n", &[]);
    assert_eq!(
        (nobody.code, nobody.err.as_str()),
        (Some(4), "note: nobody else is online, so nobody received the message\n")
    );
    assert_eq!(talk("hello\n/msg bob hi\n", &[]).code, Some(1));
    let json = talk(
        "{\"to\":\"everyone\",\"text\":\"a\\nb\",\"ref\":\"r\"}\nnonsense\n",
        &["--input", "json", "--format", "json"],
    );
    assert_eq!((json.code, json.err.as_str()), (Some(1), ""));
    let events: Vec<&str> = json.out.lines().collect();
    assert!(events[0].starts_with(r#"{"event":"welcome","user":"alice","session":""#), "{}", json.out);
    assert_eq!(
        events[1],
        r#"{"event":"notice","code":"nobody-there","text":"nobody else is online, so nobody received the message","ref":"r"}"#
    );
    assert!(events[2].starts_with(r#"{"event":"error","code":"bad-json","text":""#), "{}", json.out);
    assert_eq!(events.len(), 3);
}

#[test]
fn each_wrong_line_gets_its_own_message_and_the_next_line_is_read() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let wrong = [
        ("/msg alice hi", "you cannot send a message to yourself; name another user"),
        ("/msg bob hi", "nobody called bob is online; /who lists who is"),
        ("/msg b@b hi", "the user name contains '@'; "),
        ("/msg bob", "the text is empty; type something to send"),
        ("", "the text is empty; type something to send"),
        (&"x".repeat(16_385), "the text is too long (16385 bytes); at most 16384 bytes are allowed"),
        ("bell\u{7}", "the text contains the control character U+0007; "),
        ("/mgs bob hi", "there is no command /mgs; did you mean /msg?"),
        ("/frobnicate", "there is no command /frobnicate; /help lists them"),
        ("/who else", "usage: /who"),
    ];
    let mut command = home.command("chat-client");
    command.args(["--server", &server.address.to_string(), "--user", "alice", "--accept-new", "--register"]);
    let input = wrong.map(|(line, _)| line).join("\n");
    let talk = finish_with(command.env("CHAT_PASSWORD", PASSWORD), &input);
    assert_eq!(talk.code, Some(1), "{}", talk.err);
    let told: Vec<&str> = talk.err.lines().collect();
    assert_eq!(told.len(), wrong.len(), "{}", talk.err);
    for (told, (line, sentence)) in told.into_iter().zip(wrong) {
        assert!(told.starts_with(&format!("error: {sentence}")), "{line}: {told}");
    }
}
