//! Commands at a terminal, in both languages.

use chat_store::testing;

use super::log_in_with;
use crate::harness::{Client, Server, Terminal};

/// What one language calls things.
struct Words {
    language: &'static str,
    everyone: &'static str,
    you: &'static str,
    offline: &'static str,
    only_bob: &'static str,
    again_everyone: &'static str,
    bob_offline: &'static str,
    nothing_to_answer: &'static str,
    refused: &'static str,
    shown_again: &'static str,
    headings: [&'static str; 3],
}

const LANGUAGES: [Words; 2] = [
    Words {
        language: "en",
        everyone: "everyone",
        you: "you",
        offline: "is offline",
        only_bob: "note: lines without a command go to bob only; /to everyone changes that",
        again_everyone: "note: lines without a command go to everyone",
        bob_offline: "error: bob is not online, so the line was sent to nobody; /to everyone chooses another recipient",
        nothing_to_answer: "error: no private message has arrived that /r could answer; write /msg NAME TEXT",
        refused: "note: messages of bob are refused until you leave or write /unignore bob; they fail for bob",
        shown_again: "note: messages of bob are shown again",
        headings: ["Messages", "People", "This program"],
    },
    Words {
        language: "zh-CN",
        everyone: "所有人",
        you: "你",
        offline: "下线了",
        only_bob: "提示：直接输入的行只发给 bob；用 /to everyone 恢复群发",
        again_everyone: "提示：直接输入的行发给所有人",
        bob_offline: "错误：bob 不在线，这一行没有发给任何人；用 /to everyone 恢复群发",
        nothing_to_answer: "错误：还没有收到可以用 /r 回复的私聊消息；请输入“/msg 名字 内容”",
        refused: "提示：在你下线或输入 /unignore bob 之前，拒收 bob 的消息；对方会看到发送失败",
        shown_again: "提示：已恢复接收 bob 的消息",
        headings: ["消息", "用户", "本程序"],
    },
];

/// 小明 at a terminal in a language, with Bob and Carol as scripts.
fn start(server: &Server, language: &str) -> (Terminal, Client, Client) {
    let bob = server.client("bob").register().start();
    let carol = server.client("carol").register().start();
    bob.expect(&["online carol"]);
    let mut ming = log_in_with(server, "小明", &["--lang", language]);
    bob.expect(&["online 小明"]);
    carol.expect(&["online 小明"]);
    ming.until_last(">");
    (ming, bob, carol)
}

/// Waits until the screen has a line that ends like this.
#[track_caller]
fn until_line(terminal: &mut Terminal, end: &str) {
    terminal.until_screen(end, |lines| lines.iter().any(|line| line.ends_with(end)));
}

#[test]
fn lines_go_where_the_prompt_says() {
    for words in LANGUAGES {
        let server = Server::start(testing::sqlite());
        let (mut ming, bob, carol) = start(&server, words.language);
        ming.type_line("/to bob");
        ming.until_last("bob>");
        until_line(&mut ming, words.only_bob);
        ming.type_line("psst");
        bob.expect(&["message 小明 > bob: psst"]);
        ming.type_line("/me waves");
        bob.expect(&["message 小明 > bob: /me waves"]);
        let (code, _) = bob.leave();
        assert_eq!(code, Some(0));
        carol.expect(&["offline bob asked"]);
        until_line(&mut ming, &format!(" * bob {}", words.offline));
        ming.type_line("are you there?");
        until_line(&mut ming, words.bob_offline);
        ming.until_last("bob>");
        ming.type_line("/to everyone");
        until_line(&mut ming, words.again_everyone);
        ming.until_last(">");
        ming.type_line("hello");
        // Nothing of what was for Bob went to Carol.
        carol.expect(&["message 小明 > everyone: hello"]);
        ming.type_line("/quit");
        assert_eq!(ming.exit_code(), Some(1), "a line was refused");
    }
}

#[test]
fn the_last_private_message_is_answered() {
    for words in LANGUAGES {
        let server = Server::start(testing::sqlite());
        let (mut ming, mut bob, mut carol) = start(&server, words.language);
        ming.type_line("/r yes");
        until_line(&mut ming, words.nothing_to_answer);
        bob.type_line("/msg 小明 here?");
        until_line(&mut ming, &format!("bob → {}: here?", words.you));
        carol.type_line("all here?");
        until_line(&mut ming, &format!("carol → {}: all here?", words.everyone));
        bob.until("message carol > everyone: all here?");
        ming.type_line("/r yes");
        bob.until("message 小明 > bob: yes");
    }
}

#[test]
fn what_a_user_does_is_shown_as_such() {
    for words in LANGUAGES {
        let server = Server::start(testing::sqlite());
        let (mut ming, mut bob, _carol) = start(&server, words.language);
        bob.type_line("/me is offline");
        until_line(&mut ming, &format!(" → {} * bob is offline", words.everyone));
    }
}

#[test]
fn messages_of_ignored_users_fail_for_them() {
    for words in LANGUAGES {
        let server = Server::start(testing::sqlite());
        let (mut ming, mut bob, mut carol) = start(&server, words.language);
        ming.type_line("/ignore bob");
        until_line(&mut ming, words.refused);
        bob.type_line("/msg 小明 hello?");
        bob.expect(&["sent > 小明 to 1", "outcome 小明 failed: refused"]);
        ming.type_line("/unignore bob");
        until_line(&mut ming, words.shown_again);
        bob.type_line("/msg 小明 now?");
        bob.expect(&["sent > 小明 to 1", "outcome 小明 delivered"]);
        until_line(&mut ming, &format!("bob → {}: now?", words.you));
        carol.type_line("/msg 小明 hi");
        carol.expect(&["sent > 小明 to 1", "outcome 小明 delivered"]);
        let lines = ming.lines().concat();
        assert!(!lines.contains("hello?"), "{lines}");
    }
}

#[test]
fn help_is_on_one_screen_and_clear_moves_it_into_the_scrollback() {
    for words in LANGUAGES {
        let server = Server::start(testing::sqlite());
        let mut ming = log_in_with(&server, "小明", &["--lang", words.language]);
        ming.type_line("/help");
        ming.until_screen("the help", |lines| {
            words.headings.iter().all(|heading| lines.iter().any(|line| line == heading))
                && lines.last().is_some_and(|last| last == ">")
        });
        ming.type_line("/clear");
        ming.until_screen("a clear screen", |lines| {
            lines.last().is_some_and(|last| last == ">") && lines[lines.len() - 2].is_empty()
        });
    }
}

#[test]
fn tab_completes_commands_and_names() {
    for words in LANGUAGES {
        let server = Server::start(testing::sqlite());
        let xiaoming = server.client("小明").register().start();
        let _xiaohong = server.client("小红").register().start();
        let mut alice = log_in_with(&server, "alice", &["--lang", words.language]);
        xiaoming.expect(&["online 小红", "online alice"]);
        alice.type_keys("/ms\t");
        alice.until_last("> /msg");
        alice.type_keys("小\t");
        let lines = alice.until_screen("the choices", |lines| lines.iter().any(|line| line == "小明  小红"));
        assert_eq!(lines.last().map(String::as_str), Some("> /msg 小"));
        alice.type_keys("明\tin\tprivate\r");
        xiaoming.expect(&["message alice > 小明: inprivate"]);
        alice.type_keys("大家好，@小红\t再见\r");
        xiaoming.expect(&["message alice > everyone: 大家好，@小红 再见"]);
        // A name that has left is no choice any more.
        drop(xiaoming.leave());
        let departure = format!(" * 小明 {}", words.offline);
        alice.until_screen(&departure, |lines| lines.iter().any(|line| line.ends_with(&departure)));
        alice.type_keys("/to 小\t");
        alice.until_last("> /to 小红");
        // A pasted tab is text.
        alice.type_keys("\x15\x1b[200~/wh\t\x1b[201~");
        alice.until_last("> /wh");
    }
}
