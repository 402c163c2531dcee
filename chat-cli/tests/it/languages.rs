//! The programs in each language: a conversation, errors, and how the language is chosen.

use std::fs;
use std::io::Write;
use std::process::{ChildStdin, Stdio};

use crate::harness::{Finished, Home, Output, PASSWORD, Process, Server, finish, path_text, until};

/// What one client shows in one language. `TIME` and `ADDRESS` stand for what differs from run to run.
struct Conversation {
    language: &'static str,
    lines: &'static [&'static str],
    diagnostics: &'static [&'static str],
}

const CONVERSATIONS: [Conversation; 2] = [
    Conversation {
        language: "en",
        lines: &[
            "TIME * you are 小明; nobody else is online",
            "TIME * bob is online at ADDRESS",
            "TIME bob → everyone: hello",
            "TIME bob → you: psst",
            "         ✓ 1 of 1",
            "         ✓ bob",
            "1 online",
            "  bob ADDRESS since TIME",
            "TIME * bob is offline",
        ],
        diagnostics: &[
            "error: nobody called bbo is online; did you mean bob?",
            "error: there is no command /mgs; did you mean /msg? (// begins a text with a slash)",
            "error: usage: /msg NAME TEXT",
            "note: nobody else is online, so nobody received the message",
        ],
    },
    Conversation {
        language: "zh-CN",
        lines: &[
            "TIME * 你是 小明；没有别人在线",
            "TIME * bob 上线了，地址 ADDRESS",
            "TIME bob → 所有人: hello",
            "TIME bob → 你: psst",
            "         ✓ 1/1 已送达",
            "         ✓ bob",
            "另有 1 人在线",
            "  bob ADDRESS TIME 上线",
            "TIME * bob 下线了",
        ],
        diagnostics: &[
            "错误：没有名叫 bbo 的人在线；是不是想输入 bob？",
            "错误：没有命令 /mgs；是不是想输入 /msg？（以 // 开头可以发送以斜杠开头的内容）",
            "错误：用法：/msg 名字 内容",
            "提示：没有别人在线，因此没有人收到这条消息",
        ],
    },
];

#[test]
fn a_conversation_is_shown_in_the_chosen_language() {
    for Conversation { language, lines, diagnostics } in CONVERSATIONS {
        let home = Home::new();
        let server = Server::start_in(&home, &[]);
        let mut command = server.client("小明").register().args(&["--lang", language]).into_interactive();
        let mut process = Process::spawn(command.env("CHAT_PASSWORD", PASSWORD).stdin(Stdio::piped()));
        let out = Output::collect(process.stdout());
        let mut input = process.child.stdin.take().unwrap();
        let shows = |count: usize| {
            until("the client shows the lines", || out.lines().len() >= count);
        };
        shows(1);
        let mut bob = server.client("bob").register().start();
        shows(2);
        bob.type_line("hello");
        bob.type_line("/msg 小明 psst");
        shows(4);
        type_line(&mut input, "hi");
        shows(5);
        type_line(&mut input, "/msg bob hi");
        shows(6);
        type_line(&mut input, "/who");
        shows(8);
        for line in ["/msg bbo hi", "/mgs bob hi", "/msg"] {
            type_line(&mut input, line);
        }
        until("the client shows the errors", || process.errors().lines().count() >= 3);
        drop(bob.leave());
        shows(9);
        type_line(&mut input, "hi");
        drop(input);
        assert_eq!(process.exit().code(), Some(1), "{language}");
        let shown: Vec<String> = out.lines().iter().map(|line| without_times_and_addresses(line)).collect();
        assert_eq!(shown, lines, "{language}");
        assert_eq!(process.errors().lines().collect::<Vec<_>>(), diagnostics, "{language}");
    }
}

fn type_line(input: &mut ChildStdin, line: &str) {
    input.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn without_times_and_addresses(line: &str) -> String {
    let is_time = |word: &str| word.len() == 8 && word.bytes().filter(|byte| *byte == b':').count() == 2;
    let word = |word: &str| match word {
        word if is_time(word) => "TIME".to_owned(),
        word if word.starts_with("127.0.0.1:") => "ADDRESS".to_owned(),
        word => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn errors_before_the_conversation_are_shown_in_chinese_and_keep_their_codes() {
    let home = Home::new();
    let file = home.join("chat.toml");
    fs::write(&file, "lang = 'zh-CN'\nusr = 'bob'\n").unwrap();
    let config = path_text(&file);
    for (args, shown) in [
        (&[][..], "错误：没有指定服务器\n建议：请用 --server 主机:端口 指定\n".to_owned()),
        (
            &["--server", "x", "--user", "two words"],
            "错误：“--user <名字>”的值“two words”无效：用户名里有空格；只能使用各种语言的文字和数字，以及“_”、“-”和“.”\n\
             建议：用 --help 查看更多信息\n"
                .to_owned(),
        ),
        (
            &["--format", "xml"],
            "错误：“--format <格式>”的值“xml”无效\n  [可选值：text、json]\n建议：用 --help 查看更多信息\n".to_owned(),
        ),
        (
            &["--usr", "bob"],
            "错误：无法识别的参数“--usr”\n建议：是不是想输入 --user？\n建议：用 --help 查看更多信息\n".to_owned(),
        ),
        (&["lab"], "错误：没有名为“lab”的服务器\n建议：请写出它的地址（主机:端口），或在配置文件里用 [servers.\"lab\"] 给它起名\n".to_owned()),
        (
            &["--config", config],
            format!("错误：{config} 第 2 行：没有名为“usr”的项\n建议：是不是想输入 user？\n"),
        ),
        (
            &["--server", "x", "--user", "bob", "--accept-new"],
            "错误：没有提供密码，也没有可以输入密码的终端\n建议：请使用 --password-file 文件，或环境变量 CHAT_PASSWORD\n".to_owned(),
        ),
    ] {
        let Finished { code, out, err } =
            finish(home.command("chat-client").env("CHAT_LANG", "zh-CN").args(args));
        assert_eq!((code, out.as_str(), err), (Some(2), "", shown), "{args:?}");
    }
    let json = finish(home.command("chat-client").args(["--lang", "zh-CN", "--format", "json"]));
    assert_eq!(json.out, "{\"event\":\"error\",\"code\":\"wrong-arguments\",\"text\":\"没有指定服务器\"}\n");
    let unreachable =
        home.run("chat-client", &["--server", "127.0.0.1:1", "--user", "bob", "--accept-new", "--lang", "zh-CN"]);
    assert_eq!(
        (unreachable.code, unreachable.err.as_str()),
        (Some(3), "错误：127.0.0.1:1 没有应答：连接被拒绝；服务器在运行吗？地址正确吗？\n")
    );
}

#[test]
fn the_language_comes_from_the_option_the_environment_the_file_or_the_locale() {
    const ENGLISH: &str = "error: no server is named\n";
    const CHINESE: &str = "错误：没有指定服务器\n";
    let home = Home::new();
    let file = home.join("chat.toml");
    fs::write(&file, "lang = 'zh-CN'\n").unwrap();
    let config = path_text(&file);
    for (args, variables, shown) in [
        (&["--lang", "en"][..], &[("CHAT_LANG", "zh-CN"), ("LANG", "zh_CN.UTF-8")][..], ENGLISH),
        (&["--lang=zh-cn"], &[], CHINESE),
        (&["--config", config], &[("CHAT_LANG", "en"), ("LANG", "zh_CN.UTF-8")], ENGLISH),
        (&[], &[("CHAT_LANG", "zh-CN")], CHINESE),
        (&["--config", config], &[("LANG", "en_US.UTF-8")], CHINESE),
        (&[], &[("CHAT_CONFIG", config)], CHINESE),
        (&[], &[("CHAT_LANG", ""), ("LANG", "zh_CN.UTF-8")], CHINESE),
        (&[], &[("LANG", "zh_SG")], CHINESE),
        (&[], &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")], ENGLISH),
        (&[], &[("LC_MESSAGES", "zh_CN.UTF-8")], CHINESE),
        (&[], &[("LANG", "tlh_KX.UTF-8")], ENGLISH),
        (&[], &[], ENGLISH),
    ] {
        let finished = finish(home.command("chat-client").args(args).envs(variables.iter().copied()));
        assert!(finished.err.starts_with(shown), "{args:?} {variables:?}: {}", finished.err);
    }
}

#[test]
fn an_unknown_language_is_an_error_that_names_what_there_is() {
    let home = Home::new();
    let file = home.join("chat.toml");
    fs::write(&file, "lang = 'xx'\n").unwrap();
    for (args, variables, shown) in [
        (
            &["--lang", "xx"][..],
            &[][..],
            "invalid value 'xx' for '--lang <LANGUAGE>'\n  [possible values: en, zh-CN]\n",
        ),
        (&[], &[("CHAT_LANG", "xx")], "invalid value 'xx' for '--lang <LANGUAGE>'\n  [possible values: en, zh-CN]\n"),
        (
            &["--config", path_text(&file)],
            &[],
            "chat.toml, line 1: lang: unknown variant `xx`, expected `en` or `zh-CN`\n",
        ),
    ] {
        let finished = finish(home.command("chat-client").args(args).envs(variables.iter().copied()));
        assert_eq!(finished.code, Some(2), "{args:?} {variables:?}");
        assert!(finished.err.contains(shown), "{args:?} {variables:?}: {}", finished.err);
    }
}

#[test]
fn help_is_in_the_chosen_language() {
    let home = Home::new();
    for args in [&["--help"][..], &["-h"], &["forget", "--help"], &["help", "forget"]] {
        let Finished { code, out, err } = finish(home.command("chat-client").env("LANG", "zh_CN.UTF-8").args(args));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}");
        assert!(out.contains("用法：chat-client"), "{args:?}:\n{out}");
        for english in ["Usage", "Options", "Commands", "Print", "possible values", "[env"] {
            assert!(!out.contains(english), "{args:?} contains {english:?}:\n{out}");
        }
    }
}
