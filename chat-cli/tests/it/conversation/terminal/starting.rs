//! `chat-client` without arguments: every question, every wrong answer, in both languages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::until_hidden_question;
use crate::harness::{Home, PASSWORD, Server, Terminal};

/// The sentences of the dialogue in one language.
struct Words {
    lang: &'static str,
    server: &'static str,
    name: &'static str,
    password: &'static str,
    new_password: &'static str,
    repeat: &'static str,
    register: &'static str,
    /// Follows a login.
    online: &'static str,
    error: &'static str,
}

const ENGLISH: Words = Words {
    lang: "en",
    server: "server, as HOST or HOST:PORT: ",
    name: "user name: ",
    password: "password: ",
    new_password: "new password: ",
    repeat: "repeat new password: ",
    register: "Register it with this password? [y/n] ",
    online: "nobody else is online",
    error: "error: ",
};

const CHINESE: Words = Words {
    lang: "zh-CN",
    server: "服务器（主机 或 主机:端口）：",
    name: "用户名：",
    password: "密码：",
    new_password: "新密码：",
    repeat: "再次输入新密码：",
    register: "要用这个密码注册吗？[y/n] ",
    online: "没有别人在线",
    error: "错误：",
};

const LANGUAGES: [Words; 2] = [ENGLISH, CHINESE];

/// The digits of a fingerprint as the question shows them: in two lines of groups of four.
pub(super) fn groups(fingerprint: &str) -> String {
    let groups: Vec<&str> = (0..64).step_by(4).map(|at| &fingerprint[at..at + 4]).collect();
    format!("{}\r\n  {}", groups[..8].join(" "), groups[8..].join(" "))
}

/// `chat-client` without arguments.
fn client(home: &Home, words: &Words) -> Command {
    let mut command = home.command("chat-client");
    // A warning has a time, which differs from run to run.
    command.env("CHAT_LANG", words.lang).env("CHAT_UDP", "127.0.0.1:0").env("RUST_LOG", "error");
    command
}

/// Waits for a question and answers it.
#[track_caller]
fn answer(terminal: &mut Terminal, question: &str, typed: &str) -> String {
    let shown = terminal.until_output(question);
    terminal.type_line(typed);
    shown
}

/// As [`answer`], and asserts that the terminal does not show what is typed.
#[track_caller]
fn answer_hidden(terminal: &mut Terminal, question: &str, typed: &str) -> String {
    let shown = until_hidden_question(terminal, question);
    terminal.type_line(typed);
    shown
}

/// The lines of the screen without what differs from run to run.
fn screen(terminal: &mut Terminal, server: &Server) -> String {
    let groups = groups(&server.fingerprint);
    let (first, second) = groups.split_once("\r\n  ").unwrap();
    let text = terminal.lines().join("\n");
    let text = text.replace(&server.address.to_string(), "SERVER").replace(first, "FIRST").replace(second, "SECOND");
    // The prompt may not have been written yet.
    let text = text.trim_end().trim_end_matches('>').trim_end();
    // Whether a login is still waiting after two seconds depends on the machine.
    let is_waiting = |line: &str| line.contains("still trying") || line.contains("仍在尝试");
    // The time of the welcome.
    let timeless = |line| if str::contains(line, " * ") { &line[8..] } else { line };
    text.lines().filter(|line| !is_waiting(line)).map(timeless).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_newcomer_answers_questions_until_everything_is_right() {
    for words in LANGUAGES {
        let home = Home::new();
        let server = Server::start_in(&Home::new(), &[]);
        let address = server.address.to_string();
        let mut alice = Terminal::start(&client(&home, &words));
        answer(&mut alice, words.server, "");
        answer(&mut alice, words.server, "two words");
        answer(&mut alice, words.server, "127.0.0.1:1");
        // The address that did not answer is the suggestion.
        answer(&mut alice, "[127.0.0.1:1]", &address);
        let shown = answer(&mut alice, "[y/n] ", "perhaps");
        assert!(shown.contains(&groups(&server.fingerprint)), "{shown}");
        assert!(!shown.contains(words.password), "the password is asked for before the fingerprint: {shown}");
        answer(&mut alice, "[y/n] ", "Y");
        answer(&mut alice, words.name, "a b");
        answer(&mut alice, words.name, "小明");
        answer_hidden(&mut alice, words.password, "short");
        answer_hidden(&mut alice, words.password, PASSWORD);
        answer(&mut alice, words.register, "y");
        answer_hidden(&mut alice, words.repeat, "another password");
        answer_hidden(&mut alice, words.new_password, "short");
        answer_hidden(&mut alice, words.new_password, PASSWORD);
        answer_hidden(&mut alice, words.repeat, PASSWORD);
        alice.until_output(words.online);
        alice.until_output("> ");
        let bytes = String::from_utf8_lossy(&alice.bytes).into_owned();
        assert!(!bytes.contains(PASSWORD) && !bytes.contains("short\r"), "{bytes}");
        insta::with_settings!({ snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("start-newcomer-{}", words.lang), screen(&mut alice, &server));
        });
        alice.type_line("/quit");
        assert_eq!(alice.exit_code(), Some(0));

        // The next start needs the password only.
        let mut again = Terminal::start(&client(&home, &words));
        answer(&mut again, &format!("[{address}]"), "");
        answer(&mut again, "[小明]", "");
        answer_hidden(&mut again, words.password, "wrong password");
        let shown = answer_hidden(&mut again, words.password, PASSWORD);
        assert!(shown.contains(words.error) && !shown.contains(words.register), "the name is known: {shown}");
        again.until_output(words.online);
        again.until_output("> ");
        again.type_keys("\x04");
        assert_eq!(again.exit_code(), Some(0));
        let folder = home.join(".local/share/chat-client");
        let file = folder.join("last-logins");
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{address} 小明\n"));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        for file in fs::read_dir(folder).unwrap() {
            let content = fs::read(file.unwrap().path()).unwrap();
            assert!(!String::from_utf8_lossy(&content).contains(PASSWORD), "the password is stored");
        }
    }
}

#[test]
fn servers_that_share_a_roster_are_typed_and_suggested_together() {
    for words in LANGUAGES {
        let home = Home::new();
        let server = Server::start_in(&Home::new(), &[]);
        // Nothing answers at the first.
        let both = format!("127.0.0.1:1,{}", server.address);
        let mut alice = Terminal::start(&client(&home, &words));
        answer(&mut alice, words.server, &both);
        answer(&mut alice, "[y/n] ", "y");
        answer(&mut alice, words.name, "alice");
        answer_hidden(&mut alice, words.password, PASSWORD);
        answer(&mut alice, words.register, "y");
        answer_hidden(&mut alice, words.repeat, PASSWORD);
        alice.until_output(words.online);
        alice.until_output("> ");
        alice.type_line("/quit");
        assert_eq!(alice.exit_code(), Some(0));
        let mut again = Terminal::start(&client(&home, &words));
        answer(&mut again, &format!("[{both}]"), "");
        answer(&mut again, "[alice]", "");
        answer_hidden(&mut again, words.password, PASSWORD);
        again.until_output(words.online);
        again.until_output("> ");
        again.type_keys("\x04");
        assert_eq!(again.exit_code(), Some(0));
    }
}

/// Starts a client at a server that it knows, up to the question for the name.
fn at_server(home: &Home, words: &Words, server: &Server) -> Terminal {
    let mut client = client(home, words);
    let mut terminal = Terminal::start(client.args(["--accept-new", &server.address.to_string()]));
    terminal.until_output(words.name.trim_end());
    terminal
}

#[test]
fn a_name_that_exists_is_told_and_another_one_is_asked_for() {
    for words in LANGUAGES {
        let server = Server::start_in(&Home::new(), &[]);
        assert_eq!(server.operate(&["user", "add", "alice"]).code, Some(0));
        // Somebody else's name with another password.
        let home = Home::new();
        let mut bob = at_server(&home, &words, &server);
        bob.type_line("alice");
        answer_hidden(&mut bob, words.password, "my own password");
        answer(&mut bob, words.register, "y");
        answer_hidden(&mut bob, words.repeat, "my own password");
        answer_hidden(&mut bob, words.password, PASSWORD);
        bob.until_output(words.online);
        insta::with_settings!({ snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("start-name-exists-{}", words.lang), screen(&mut bob, &server));
        });
        // `--register` keeps the password while the name is chosen again.
        let home = Home::new();
        let mut command = client(&home, &words);
        command.args(["--accept-new", "--register", "--user", "alice", "--server", &server.address.to_string()]);
        let mut carol = Terminal::start(&command);
        answer_hidden(&mut carol, words.new_password, "my own password");
        answer_hidden(&mut carol, words.repeat, "my own password");
        let shown = answer(&mut carol, words.name, "carol");
        assert!(shown.contains(words.error), "{shown}");
        carol.until_output("carol");
        carol.until_output("alice");
    }
}

#[test]
fn a_mistyped_name_can_be_corrected() {
    for words in LANGUAGES {
        let server = Server::start_in(&Home::new(), &[]);
        assert_eq!(server.operate(&["user", "add", "alice"]).code, Some(0));
        let home = Home::new();
        let mut alice = at_server(&home, &words, &server);
        alice.type_line("alicia");
        answer_hidden(&mut alice, words.password, PASSWORD);
        answer(&mut alice, words.register, "n");
        // What was typed is the suggestion.
        answer(&mut alice, "[alicia]", "alice");
        answer_hidden(&mut alice, words.password, PASSWORD);
        alice.until_output(words.online);
    }
}

#[test]
fn the_invitation_code_is_asked_for_where_the_server_demands_one() {
    let file = "invited.toml";
    for words in LANGUAGES {
        let home = Home::new();
        fs::write(home.join(file), "registration = 'invited'\ninvitation-code = 'spring-2026'\n").unwrap();
        let server = Server::start_in(&home, &["--config", file]);
        let client_home = Home::new();
        let mut alice = at_server(&client_home, &words, &server);
        alice.type_line("alice");
        answer_hidden(&mut alice, words.password, PASSWORD);
        answer(&mut alice, words.register, "y");
        answer_hidden(&mut alice, words.repeat, PASSWORD);
        let code = if words.lang == "en" { "invitation code: " } else { "邀请码：" };
        answer(&mut alice, code, "short");
        answer(&mut alice, code, "winter-2026");
        answer(&mut alice, code, "spring-2026");
        alice.until_output(words.online);
        insta::with_settings!({ snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("start-invited-{}", words.lang), screen(&mut alice, &server));
        });
    }
}

#[test]
fn closed_registration_and_a_disabled_account_lead_to_another_name() {
    for words in LANGUAGES {
        let server = Server::start_in(&Home::new(), &["--registration", "closed"]);
        for name in ["alice", "bob"] {
            assert_eq!(server.operate(&["user", "add", name]).code, Some(0));
        }
        assert_eq!(server.operate(&["user", "disable", "bob"]).code, Some(0));
        let client_home = Home::new();
        let mut alice = at_server(&client_home, &words, &server);
        alice.type_line("carol");
        answer_hidden(&mut alice, words.password, PASSWORD);
        answer(&mut alice, words.register, "y");
        answer_hidden(&mut alice, words.repeat, PASSWORD);
        answer(&mut alice, words.name, "bob");
        answer_hidden(&mut alice, words.password, PASSWORD);
        answer(&mut alice, words.name, "alice");
        answer_hidden(&mut alice, words.password, PASSWORD);
        alice.until_output(words.online);
        insta::with_settings!({ snapshot_path => "../../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(format!("start-closed-{}", words.lang), screen(&mut alice, &server));
        });
    }
}

#[test]
fn ctrl_c_and_ctrl_d_end_every_question_and_restore_the_terminal() {
    let server = Server::start_in(&Home::new(), &[]);
    let address = server.address.to_string();
    // What is typed before the key, each after its question.
    let steps = |words: &Words| {
        [
            (words.server.to_owned(), address.clone()),
            ("[y/n] ".to_owned(), "y".to_owned()),
            (words.name.to_owned(), "alice".to_owned()),
            (words.password.to_owned(), PASSWORD.to_owned()),
            (words.register.to_owned(), "y".to_owned()),
            (words.repeat.to_owned(), String::new()),
        ]
    };
    for (number, words) in LANGUAGES.iter().enumerate() {
        // Each question in one of the languages, with both keys.
        for last in (number..6).step_by(2) {
            for key in ["\x03", "\x04"] {
                let script = "trap : INT; \"$@\"; echo code=$?; stty -a; read wait";
                let home = Home::new();
                let mut alice = Terminal::start_script(&client(&home, words), script);
                let steps = steps(words);
                for (question, typed) in &steps[..last] {
                    answer(&mut alice, question, typed);
                }
                alice.until_output(&steps[last].0);
                alice.type_keys(key);
                let shown = alice.until_output("code=");
                let ended = alice.until_any_output(&["3\r\n", "2\r\n"]);
                assert!(shown.contains(&format!("\r\n{}", words.error)), "{last} {key:?}: {shown:?} {ended}");
                let settings = alice.until_output(" echo ");
                assert!(!settings.contains("-icanon"), "{last} {key:?}: {settings}");
            }
        }
    }
}

#[test]
fn a_name_in_the_configuration_file_stands_for_a_server() {
    let home = Home::new();
    let server = Server::start_in(&Home::new(), &[]);
    assert_eq!(server.operate(&["user", "add", "alice"]).code, Some(0));
    let folder = home.join(".config/chat-client");
    fs::create_dir_all(&folder).unwrap();
    let table = format!(
        "lang = 'zh-CN'\n[servers.lab]\naddress = '{}'\nfingerprint = '{}'\nuser = 'alice'\n",
        server.address, server.fingerprint
    );
    fs::write(folder.join("config.toml"), table).unwrap();
    let mut command = home.command("chat-client");
    command.env("CHAT_UDP", "127.0.0.1:0").arg("lab");
    let mut alice = Terminal::start(&command);
    answer_hidden(&mut alice, CHINESE.password, PASSWORD);
    alice.until_output(CHINESE.online);
    alice.until_output("> ");
    alice.type_keys("\x04");
    assert_eq!(alice.exit_code(), Some(0));
    // The server is known from then on, also by its address.
    let mut command = home.command("chat-client");
    command.env("CHAT_UDP", "127.0.0.1:0");
    let mut again = Terminal::start(&command);
    answer(&mut again, &format!("[{}]", server.address), "lab");
    let shown = answer_hidden(&mut again, CHINESE.password, PASSWORD);
    assert!(!shown.contains("[y/n]"), "{shown}");
    again.until_output(CHINESE.online);
}

#[test]
fn a_key_that_has_changed_ends_the_program_before_the_password() {
    let home = Home::new();
    let server = Server::start_in(&Home::new(), &[]);
    let known = home.join(".local/share/chat-client");
    fs::create_dir_all(&known).unwrap();
    fs::write(known.join("known-servers"), format!("{} {}\n", server.address, "ab".repeat(32))).unwrap();
    let mut alice = Terminal::start(&client(&home, &ENGLISH));
    answer(&mut alice, ENGLISH.server, &server.address.to_string());
    let shown = alice.until_output("has changed");
    assert!(!shown.contains(ENGLISH.name) && !shown.contains(ENGLISH.password), "{shown}");
    assert_eq!(alice.exit_code(), Some(3));
}
