//! Who is there, who has a message, and how arrivals and mentions look and sound.

use chat_store::testing;
use rustix::process::Signal;

use super::{log_in, log_in_with};
use crate::harness::{Client, Server};

#[test]
fn who_is_a_table_with_round_trips() {
    for (language, heading, online, silent, notice) in [
        ("en", "  name  way", "online", "silent", "bob does not answer"),
        ("zh-CN", "  名字  途径", "在线", "无响应", "bob 无响应"),
    ] {
        let server = Server::start(testing::sqlite());
        let bob = server.client("bob").register().start();
        let _ming = server.client("小明").register().start();
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        bob.expect(&["online 小明", "online alice"]);
        alice.type_line("hello");
        alice.until_screen("the mark", |lines| lines.iter().any(|line| line.ends_with(" ✓ hello")));
        alice.type_line("/who");
        let row = |lines: &[String], name: &str, end: &str| {
            lines
                .iter()
                .any(|line| line.starts_with(&format!("  {name}")) && line.contains(" ms  ") && line.ends_with(end))
        };
        let lines = alice.until_screen("the table", |lines| row(lines, "bob", online) && row(lines, "小明", online));
        assert!(lines.iter().any(|line| line.starts_with(heading)), "{lines:#?}");
        bob.process.signal(Signal::STOP);
        alice.type_line("/msg bob are you there?");
        alice.until_screen("the notice", |lines| lines.iter().any(|line| line.contains(notice)));
        alice.type_line("/who");
        // No round trip is measured on the way through the server, which bob does not answer either.
        let is_silent = |line: &String| line.starts_with("  bob") && line.ends_with(silent);
        alice.until_screen("the table", |lines| lines.iter().any(is_silent) && row(lines, "小明", online));
        bob.process.signal(Signal::CONT);
    }
}

#[test]
fn info_tells_who_has_a_message_and_resend_sends_it_to_the_others() {
    for (language, has, has_not, resent, nothing) in [
        (
            "en",
            "         ✓ delivered: carol",
            "         ✗ failed: bob (refused)",
            "note: \"hello\": sent again in private to bob",
            "error: your last message has failed for nobody, so it is not sent again; /info shows who has it",
        ),
        (
            "zh-CN",
            "         ✓ 已送达：carol",
            "         ✗ 失败：bob（被拒收）",
            "提示：“hello”：已用私聊重新发给 bob",
            "错误：你的上一条消息没有发送失败的接收者，因此不重新发送；用 /info 查看谁收到了",
        ),
    ] {
        let server = Server::start(testing::sqlite());
        let mut bob = server.client("bob").register().start();
        let carol = server.client("carol").register().start();
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        bob.expect(&["online carol", "online alice"]);
        carol.expect(&["online alice"]);
        bob.type_line("/ignore alice");
        bob.expect(&["notice ignored alice"]);
        alice.type_line("hello");
        let shows = |line: &'static str| move |lines: &[String]| lines.iter().any(|shown| shown == line);
        alice.until_screen("the mark", |lines| lines.iter().any(|line| line.ends_with(" ✗ hello")));
        alice.type_line("/info");
        alice.until_screen(has, shows(has));
        alice.until_screen(has_not, shows(has_not));
        bob.type_line("/unignore alice");
        bob.expect(&["notice not-ignored alice"]);
        alice.type_line("/resend");
        alice.until_screen(resent, shows(resent));
        bob.expect(&["message alice > bob: hello"]);
        alice.until_screen("the outcome", shows("         ✓ bob"));
        alice.type_line("/resend");
        alice.until_screen(nothing, shows(nothing));
        carol.expect(&["message alice > everyone: hello"]);
    }
}

#[test]
fn a_message_that_may_have_arrived_is_not_sent_again() {
    let server = Server::start(testing::sqlite());
    let mut bob = server.client("bob").register().start();
    let mut carol = server.client("carol").register().start();
    let mut alice = log_in(&server, "alice");
    bob.expect(&["online carol", "online alice"]);
    carol.expect(&["online alice"]);
    // A link to both, so that the message below is transmitted at once.
    for client in [&mut bob, &mut carol] {
        client.type_line("/msg alice hi");
        client.until("outcome alice delivered");
    }
    carol.type_line("/ignore alice");
    carol.until("notice ignored alice");
    bob.process.signal(Signal::STOP);
    alice.type_line("hello");
    alice.until_screen("the line", |lines| lines.iter().any(|line| line.ends_with("   hello")));
    // The message was transmitted to both once Carol's program has answered.
    for answers in 1.. {
        alice.type_line("/info");
        let is_answer = |line: &&String| line.starts_with("\"hello\" to everyone at ");
        let lines = alice.until_screen("the answer", |lines| {
            lines.iter().filter(is_answer).count() == answers && lines.ends_with(&[">".to_owned()])
        });
        if lines.iter().any(|line| line == "         ✗ failed: carol (refused)") {
            break;
        }
    }
    bob.process.signal(Signal::KILL);
    alice.until_screen("the outcome", |lines| lines.iter().any(|line| line.contains("✗ delivered to 0 of 2")));
    alice.type_line("/resend");
    let note = "note: \"hello\": sent again in private to carol; not sent to bob, who may have it already";
    alice.until_screen(note, |lines| lines.iter().any(|line| line == note));
}

#[test]
fn many_arrivals_share_a_line() {
    for (language, one, several) in
        [("en", " is online at ", " users are online: "), ("zh-CN", " 上线了，地址 ", " 人上线了：")]
    {
        let server = Server::start(testing::sqlite());
        let mut alice = log_in_with(&server, "alice", &["--lang", language]);
        alice.until_last(">");
        // All of them come while the program stands still, so that it sees them together.
        alice.signal(Signal::STOP);
        let clients: Vec<Client> =
            (0..12).map(|number| server.client(&format!("u{number}")).register().start()).collect();
        alice.signal(Signal::CONT);
        let users = |lines: &[String]| {
            let alone = lines.iter().filter(|line| line.contains(one)).count();
            let gathered: usize = lines
                .iter()
                .filter_map(|line| line.split_once(several)?.0.split([' ', '*']).next_back()?.parse::<usize>().ok())
                .sum();
            (alone, gathered)
        };
        alice.until_screen("all users", |lines| users(lines) == (5, clients.len() - 5));
    }
}

#[test]
fn private_messages_and_mentions_ring_and_colours_follow_the_option() {
    for (args, term, no_color, coloured) in [
        (&["--bell"][..], "xterm", "", true),
        (&["--bell", "--color", "never"], "xterm", "", false),
        (&["--bell"], "xterm", "1", false),
        (&["--bell", "--color", "always"], "xterm", "1", true),
        (&["--bell"], "dumb", "", false),
    ] {
        let server = Server::start(testing::sqlite());
        let mut bob = server.client("bob").register().start();
        let mut command = super::command(&server, "小明");
        command.args(["--register", "--accept-new"]).args(args);
        command.env("CHAT_PASSWORD", crate::harness::PASSWORD).env("TERM", term).env("NO_COLOR", no_color);
        let mut ming = crate::harness::Terminal::start(&command);
        bob.expect(&["online 小明"]);
        ming.until_output("1 online: ");
        let bells = |terminal: &crate::harness::Terminal| terminal.bytes.iter().filter(|byte| **byte == 7).count();
        for (line, rings) in [("hello", 0), ("/msg 小明 psst", 1), ("@小明你好", 2), ("@bob", 2)] {
            bob.type_line(line);
            let text = line.split(' ').next_back().unwrap();
            ming.until_output(text);
            assert_eq!(bells(&ming), rings, "{line} {args:?}");
        }
        let shown = String::from_utf8_lossy(&ming.bytes).into_owned();
        assert_eq!(shown.contains("m") && shown.contains("\x1b[3"), coloured, "{args:?} {term} {no_color}: {shown:?}");
    }
}
