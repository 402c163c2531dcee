//! `chat-server` in Chinese: its lines at the start, its commands, and its errors.

use std::fs;

use crate::harness::{Finished, Home, Output, Process, finish, path_text, until};

fn in_chinese(home: &Home, args: &[&str]) -> Finished {
    home.operate(&[args, &["--lang", "zh-CN"]].concat())
}

#[test]
fn a_server_announces_itself_in_chinese_and_writes_the_same_presence_log() {
    let home = Home::new();
    let data = home.join("data");
    let mut command = home.command("chat-server");
    command.args(["--lang", "zh-CN", "--listen", "127.0.0.1:0", "--data-dir", path_text(&data)]);
    let mut process = Process::spawn(&mut command);
    let out = Output::collect(process.stdout());
    until("the server has started", || out.text().contains("server started"));
    let lines = out.lines();
    for (line, beginning) in lines.iter().zip([
        "正在监听 127.0.0.1:",
        &format!("数据目录 {}", data.display()),
        "指纹 ",
        "只有本机的程序可以连接；要让别人连接，请用 --listen \"[::]:",
    ]) {
        assert!(line.starts_with(beginning), "{lines:?}");
    }
    let status = in_chinese(&home, &["status"]);
    assert!(status.out.contains("\n在线          0\n") && status.out.contains("正在提供服务"), "{}", status.out);
    let second = in_chinese(&home, &["--listen", "127.0.0.1:0"]);
    let holder = format!("错误：数据目录 {} 正被另一台服务器（进程 {}）使用\n建议：", data.display(), process.pid());
    assert!(second.code == Some(3) && second.err.starts_with(&holder), "{}", second.err);
    let log = fs::read_to_string(home.join("data/presence.log")).unwrap();
    assert!(log.ends_with(" server started\n"), "{log}");
}

#[test]
fn commands_on_accounts_answer_in_chinese() {
    let home = Home::new();
    for (args, code, out, err) in [
        (&["user", "add", "小明"][..], 0, "小明 已注册\n", "提示：原来没有数据库文件 DATA/chat.sqlite，现在新建一个\n"),
        (
            &["user", "add", "小明"],
            1,
            "",
            "错误：用户名 小明 已被使用，或者与已有的用户名看上去相同\n\
             建议：如果占用它的是一个已删除的账号，请用 `chat-server user remove 名字 --free-name` 释放\n",
        ),
        (&["user", "disable", "小明"], 0, "小明 不能再登录；其会话将在几秒内结束\n", ""),
        (&["user", "disable", "bob"], 1, "", "错误：没有名为 bob 的账号\n建议：`chat-server user list` 列出全部账号\n"),
        (&["user", "purge", "--unused-for", "30d"], 0, "没有未使用的账号\n", ""),
        (
            &["user", "purge", "--unused-for", "1d"],
            2,
            "",
            "错误：“--unused-for <天数>”的值“1d”无效：“1d”不是 2 到 3650 之间的天数；请写成 30d 这样的形式\n建议：用 --help 查看更多信息\n",
        ),
        (&["--cert", "x"], 2, "", "错误：证书缺少对应的私钥\n建议：请用 --key <文件> 或在配置文件里指定\n"),
        (
            &["--max-connections", "5", "--max-connections-per-address", "6"],
            2,
            "",
            "错误：max-connections-per-address（6）大于 max-connections（5）\n\
             建议：请提高 max-connections，或降低 max-connections-per-address；请检查参数和环境变量\n",
        ),
    ] {
        let finished = in_chinese(&home, args);
        let shown = finished.err.replace(path_text(&home.join("data")), "DATA");
        assert_eq!((finished.code, finished.out.as_str(), shown.as_str()), (Some(code), out, err), "{args:?}");
    }
    let list = in_chinese(&home, &["user", "list"]).out;
    assert!(
        list.starts_with("小明\tdisabled\t") && list.ends_with("\tnever\n"),
        "programs read the same words: {list}"
    );
}

#[test]
fn a_missing_server_is_reported_in_the_language_and_as_json() {
    let home = Home::new();
    let data = home.join("data");
    let status = in_chinese(&home, &["status", "--format", "json"]);
    let sentence = format!("没有服务器正在使用数据目录 {}", data.display());
    assert_eq!(status.code, Some(3));
    assert_eq!(status.out, format!("{{\"event\":\"error\",\"code\":\"no-server\",\"text\":\"{sentence}\"}}\n"));
    assert!(status.err.starts_with(&format!("错误：{sentence}\n建议：")), "{}", status.err);
}

#[test]
fn help_and_errors_in_the_file_are_in_the_language_that_the_file_names() {
    let home = Home::new();
    let file = home.join("server.toml");
    for (content, error) in [
        ("database = 'postgres://x'", "第 2 行：database：未知的数据库类型；可以是 sqlite:路径"),
        ("max-guests = 0", "第 2 行：max-guests：“0”不符合要求；请写 1 到 1000000 之间的整数"),
        ("listen = 'localhost:7777'", "第 2 行：listen：“localhost”不是 IP 地址；请写 IP:端口"),
        ("no-such-key = 1", "第 2 行：没有名为“no-such-key”的项"),
    ] {
        fs::write(&file, format!("lang = 'zh-CN'\n{content}\n")).unwrap();
        let finished = home.operate(&["--config", path_text(&file)]);
        assert_eq!(finished.code, Some(2), "{content}");
        assert!(finished.err.starts_with("错误：") && finished.err.contains(error), "{content}: {}", finished.err);
    }
    for args in [&["--help"][..], &["-h"], &["user", "--help"], &["help", "user", "purge"], &["user"]] {
        let finished = finish(home.command("chat-server").env("LANG", "zh_CN.UTF-8").args(args));
        let page = finished.out + &finished.err;
        assert!(page.contains("用法：chat-server") && page.contains("\n选项：\n"), "{args:?}:\n{page}");
        for english in
            ["Usage", "Options", "Commands", "Limits", "Print", "possible values", "[env", "[default", "Maximum"]
        {
            assert!(!page.contains(english), "{args:?} contains {english:?}:\n{page}");
        }
    }
    let unknown = finish(home.command("chat-server").args(["--lang", "xx"]));
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("[possible values: en, zh-CN]"), "{}", unknown.err);
}
