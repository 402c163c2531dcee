//! How others find the server: `chat-server invite`, `chat-server fingerprint`, and what a server says about it at its
//! start.

use std::fs;

use serde_json::Value;

use crate::harness::{
    Finished, Home, Namespace, Output, PASSWORD, Process, Server, Terminal, assert_contains, finish, path_text, until,
};

/// A network with two addresses.
const OFFICE: &str = "ip link add office type veth peer name drain; ip link set office up; ip link set drain up; \
     ip addr add 192.168.1.7/24 dev office; ip addr add 10.0.0.7/24 dev office; ip route add default dev office";

#[test]
fn the_line_of_an_invitation_is_all_that_a_colleague_types() {
    let server = Server::start_in(&Home::new(), &[]);
    let Finished { code, out, err } = server.operate(&["invite"]);
    let line = format!("chat-client {} --fingerprint {}\n", server.address, server.fingerprint);
    assert_eq!((code, out.as_str()), (Some(0), line.as_str()));
    let note = format!("start the server with --listen \"[::]:{}\"\n", server.address.port());
    assert!(err.starts_with("note: the line works on this machine only; ") && err.ends_with(&note), "{err}");

    let home = Home::new();
    let mut words = out.split_whitespace();
    let mut command = home.command(words.next().unwrap());
    command.args(words).env("CHAT_UDP", "127.0.0.1:0");
    let registration = [("[y/n] ", "y"), ("repeat new password: ", PASSWORD)];
    // The line works on the first day and on later ones.
    for (name, further) in [("user name: ", &registration[..]), ("user name [小明]: ", &[])] {
        let mut colleague = Terminal::start(&command);
        for (question, answer) in [&[(name, "小明"), ("password: ", PASSWORD)][..], further].concat() {
            colleague.until_output(question);
            colleague.type_line(answer);
        }
        colleague.until_output("nobody else is online");
        colleague.type_line("/quit");
        assert_eq!(colleague.exit_code(), Some(0));
    }
}

#[test]
fn an_invitation_says_what_else_a_colleague_needs() {
    for (language, code, closed) in [
        ("en", "note: the client asks for the invitation code, which is spring-2026\n", "chat-server user add NAME"),
        ("zh-CN", "提示：客户端会询问邀请码：spring-2026\n", "chat-server user add 名字"),
    ] {
        let home = Home::new();
        fs::write(home.join("invited.toml"), "registration = 'invited'\ninvitation-code = 'spring-2026'\n").unwrap();
        let server = Server::start_in(&home, &["--config", path_text(&home.join("invited.toml"))]);
        let Finished { code: exit, out, err } = server.operate(&["--lang", language, "invite"]);
        assert_eq!((exit, out.contains("spring")), (Some(0), false), "{out}");
        assert_contains(&err, code);
        let Finished { out, err, .. } = server.operate(&["invite", "--format", "json"]);
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((json["invitation_code"].as_str(), err.as_str()), (Some("spring-2026"), ""), "{out}");
        assert_eq!(json["addresses"][0], server.address.to_string());

        let server = Server::start_in(&Home::new(), &["--registration", "closed"]);
        assert_contains(&server.operate(&["--lang", language, "invite"]).err, closed);
    }
}

#[test]
fn an_invitation_needs_a_running_server() {
    let home = Home::new();
    let nobody = home.operate(&["invite"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (Some(3), ""));
    assert!(nobody.err.starts_with("error: no server runs with the data folder "), "{}", nobody.err);
    assert_eq!(home.operate(&["invite", "--format", "json"]).error_code(), "no-server");
    assert!(!home.join("data").exists(), "a command that only asks has created the data folder");
}

/// Starts a server in this network, and returns its greeting without the first three lines.
fn greeting(namespace: &Namespace, home: &Home, args: &[&str]) -> (Process, Vec<String>) {
    let mut command = home.command("chat-server");
    command.args(["--data-dir", path_text(&home.join("data"))]).args(args);
    let mut process = Process::spawn(&mut namespace.enter(&command));
    let out = Output::collect(process.stdout());
    until("the server has started", || {
        assert!(!process.has_ended(), "{}", process.errors());
        out.text().contains("server started")
    });
    let lines = out.lines();
    let (greeting, _) = lines[3..].split_at(lines.len() - 4);
    (process, greeting.to_vec())
}

#[test]
fn a_server_says_at_its_start_how_others_reach_it() {
    let office = Namespace::new(OFFICE);
    for (args, wanted) in [
        (
            &["--listen", "127.0.0.1:7777"][..],
            &[
                "only programs on this machine can connect; to let others in, start with --listen \"[::]:7777\"",
                "others then connect to 192.168.1.7:7777; `chat-server invite` prints the line that they type",
            ][..],
        ),
        (
            &["--lang", "zh-CN"],
            &[
                "只有本机的程序可以连接；要让别人连接，请用 --listen \"[::]:7777\" 启动",
                "此后别人连接 192.168.1.7:7777 即可；用 `chat-server invite` 可得到他们要输入的一行命令",
            ],
        ),
        (
            &["--listen", "0.0.0.0:7777"],
            &["others connect to 192.168.1.7:7777, 10.0.0.7:7777; `chat-server invite` prints the line that they type"],
        ),
        (
            &["--listen", "10.0.0.7:1234"],
            &["others connect to 10.0.0.7:1234; `chat-server invite` prints the line that they type"],
        ),
        (&["--listen", "0.0.0.0:7777", "--trust-observed", "no"], &[]),
    ] {
        let (_server, lines) = greeting(&office, &Home::new(), args);
        assert_eq!(lines, wanted, "{args:?}");
    }
}

#[test]
fn an_invitation_names_the_addresses_of_the_machine() {
    let office = Namespace::new(OFFICE);
    let home = Home::new();
    let invite = || {
        let mut command = home.command("chat-server");
        command.args(["--data-dir", path_text(&home.join("data")), "invite"]);
        finish(&mut office.enter(&command))
    };
    let (mut server, _) = greeting(&office, &home, &["--listen", "0.0.0.0:7777"]);
    let Finished { code, out, err } = invite();
    assert!(out.starts_with("chat-client 192.168.1.7:7777 --fingerprint "), "{code:?} {out}{err}");
    assert_eq!(err, "note: this machine has other addresses too: 10.0.0.7:7777\n");
    server.kill();
    office.run("ip link del office");
    let (_server, lines) = greeting(&office, &home, &["--listen", "0.0.0.0:7777"]);
    assert_eq!(lines, [""; 0]);
    let Finished { code, out, err } = invite();
    assert_eq!((code, out.as_str()), (Some(1), ""));
    assert_eq!(
        err,
        "error: this machine has no address at which others could reach the server\nhint: connect the machine to a \
         network\n"
    );
}

#[test]
fn a_fingerprint_is_in_groups_for_people_and_clients_accept_both_forms() {
    let server = Server::start_in(&Home::new(), &[]);
    let plain = server.operate(&["fingerprint"]).out;
    assert_eq!(plain, format!("{}\n", server.fingerprint));
    let groups: Vec<&str> = (0..64).step_by(4).map(|at| &server.fingerprint[at..at + 4]).collect();
    let shown = [groups[..8].join(" "), groups[8..].join(" ")];
    let mut command = server.command();
    command.arg("fingerprint");
    let mut terminal = Terminal::start(&command);
    let lines = terminal.until_screen("the groups", |lines| lines.iter().any(|line| *line == shown[1]));
    assert!(lines.starts_with(&shown), "{lines:?}");

    let client = |user: &str| server.client(user).register();
    for (user, fingerprint) in [("alice", &shown.join(" ")), ("bob", &shown.join("\n")), ("carol", &server.fingerprint)]
    {
        let talk = client(user).without_fingerprint().args(&["--fingerprint", fingerprint]).run("");
        assert_eq!(talk.code, Some(0), "{fingerprint:?}: {talk:?}");
    }
    let known = server.home().join("known");
    fs::write(&known, format!("{} {}\n", server.address, shown.join(" "))).unwrap();
    let dora = client("dora").without_fingerprint().args(&["--known-servers", path_text(&known)]).run("");
    assert_eq!(dora.code, Some(0), "{dora:?}");
    let file = server.home().join("client.toml");
    fs::write(&file, format!("fingerprint = '{}'\n", shown.join(" "))).unwrap();
    let eve = client("eve").without_fingerprint().args(&["--config", path_text(&file)]).run("");
    assert_eq!(eve.code, Some(0), "{eve:?}");
}
