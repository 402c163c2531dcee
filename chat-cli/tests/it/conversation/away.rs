//! `/away` and `/back`: what others see, and for how long.

use chat_store::testing;

use crate::harness::{PASSWORD, Server, Terminal};

#[test]
fn everybody_learns_who_is_away_and_those_who_write_to_them_are_told_once() {
    let server = Server::start(testing::sqlite());
    let mut alice = server.client("alice").register().start();
    let mut bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    alice.type_line("/away 在开会");
    alice.expect(&["notice away"]);
    bob.expect(&["away alice: 在开会"]);
    bob.type_line("/msg alice are you there?");
    bob.expect(&["sent > alice to 1", "notice peer-away alice", "outcome alice delivered"]);
    bob.type_line("/msg alice never mind");
    bob.expect(&["sent > alice to 1", "outcome alice delivered"]);
    bob.type_line("everybody");
    bob.expect(&["sent > everyone to 1", "outcome alice delivered", "summary 1 delivered"]);
    alice.expect(&[
        "message bob > alice: are you there?",
        "message bob > alice: never mind",
        "message bob > everyone: everybody",
    ]);
    // A user who comes later finds it in the list.
    let carol = server.client("carol").register().try_start().unwrap();
    assert_eq!(carol.welcome, "welcome carol: alice (away: 在开会), bob");
    alice.type_line("/back");
    alice.expect(&["online carol", "notice back"]);
    bob.expect(&["online carol", "back alice"]);
    alice.type_line("/away two\tlines");
    alice.expect(&["error bad-away"]);
    // A second absence causes another notice. An away text is not required.
    alice.type_line("/away");
    alice.expect(&["notice away"]);
    bob.expect(&["away alice: "]);
    bob.type_line("/msg alice again");
    bob.expect(&["sent > alice to 1", "notice peer-away alice", "outcome alice delivered"]);
    // It ends with the session.
    let _alice = server.client("alice").start();
    bob.expect(&["replaced alice"]);
    bob.type_line("/who");
    bob.expect(&["roster: alice, carol"]);
    assert!(server.presence_log().iter().all(|line| !line.contains("在开会")), "being away is no departure");
}

#[test]
fn a_program_goes_away_and_comes_back_with_json_lines() {
    let server = Server::start(testing::sqlite());
    let alice = server.client("alice").register().start();
    let mut bot = server.client("bot").register().args(&["--input", "json"]).start();
    alice.expect(&["online bot"]);
    bot.type_line(r#"{"away":"maintenance","ref":"1"}"#);
    bot.expect(&["notice away"]);
    alice.expect(&["away bot: maintenance"]);
    bot.type_line(r#"{"away":null}"#);
    bot.expect(&["notice back"]);
    alice.expect(&["back bot"]);
    bot.type_line(r#"{"away":"two\nlines","ref":"2"}"#);
    bot.expect(&["error bad-away"]);
}

#[test]
fn a_terminal_shows_who_is_away_in_both_languages() {
    for (lang, away, back, told, row) in [
        ("en", "* alice is away: lunch", "* alice is back", "note: alice is away: lunch", "away: lunch"),
        ("zh-CN", "* alice 暂时离开了：lunch", "* alice 回来了", "提示：alice 暂时离开了：lunch", "暂时离开：lunch"),
    ] {
        let server = Server::start(testing::sqlite());
        let mut alice = server.client("alice").register().start();
        let mut command = server.client("bob").into_interactive();
        command.arg("--register").env("CHAT_PASSWORD", PASSWORD).env("CHAT_LANG", lang);
        let mut bob = Terminal::start(&command);
        alice.expect(&["online bob"]);
        alice.type_line("/away lunch");
        alice.expect(&["notice away"]);
        let shows = |bob: &mut Terminal, text: &str| {
            bob.until_screen(text, |lines| lines.iter().any(|line| line.contains(text)));
        };
        shows(&mut bob, away);
        bob.type_line("/who");
        bob.until_screen(row, |lines| {
            lines.iter().any(|line| line.contains("alice") && line.contains("127.0.0.1") && line.ends_with(row))
        });
        bob.type_line("/msg alice hello");
        alice.expect(&["message bob > alice: hello"]);
        shows(&mut bob, told);
        alice.type_line("/back");
        alice.expect(&["notice back"]);
        shows(&mut bob, back);
    }
}

#[test]
fn a_terminal_shows_nothing_of_an_ignored_user_who_goes_away() {
    let server = Server::start(testing::sqlite());
    let mut alice = server.client("alice").register().start();
    let mut command = server.client("bob").into_interactive();
    command.arg("--register").env("CHAT_PASSWORD", PASSWORD);
    let mut bob = Terminal::start(&command);
    alice.expect(&["online bob"]);
    bob.type_line("/ignore alice");
    bob.until_screen("the notice", |lines| lines.iter().any(|line| line.contains("messages of alice are refused")));
    alice.type_line("/away buy my things");
    alice.expect(&["notice away"]);
    let _carol = server.client("carol").register().start();
    bob.until_screen("carol", |lines| lines.iter().any(|line| line.contains("* carol is online")));
    bob.type_line("/who");
    let lines = bob.until_screen("the list", |lines| lines.iter().any(|line| line.ends_with("away: buy my things")));
    assert!(!lines.iter().any(|line| line.contains("* alice is away")), "{lines:#?}");
}
