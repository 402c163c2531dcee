//! The bot in Python of `examples/group_bot.py`, on the real programs. These tests need `python3`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{Client, ClientSetup, Process, Server, assert_contains, until};

const BOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/group_bot.py");

/// Starts the bot, which starts the client of `setup`. Fails if there is no Python: a test that is skipped proves
/// nothing.
fn start_bot(setup: ClientSetup) -> Process {
    let client = setup.into_command();
    let mut command = Command::new("python3");
    command.arg(BOT).arg(client.get_program()).args(client.get_args());
    command.envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(client.get_current_dir().unwrap_or_else(|| Path::new("/"))).stdin(Stdio::null());
    let found = Command::new("python3").arg("--version").output();
    assert!(found.is_ok_and(|found| found.status.success()), "this test needs python3; install Python 3.9 or newer");
    Process::spawn(&mut command)
}

/// The text of the bot's next answer, after the events that announce it.
fn answer(client: &Client, to: &str) -> String {
    let message = client.message();
    assert_eq!((&message["from"], &message["to"]), (&"dealer".into(), &to.into()), "{message}");
    message["text"].as_str().unwrap().to_owned()
}

/// The exchange in the bot's documentation: what alice types, and the answer as a client shows it.
fn documented_exchange() -> Vec<(String, String)> {
    let source = fs::read_to_string(BOT).unwrap();
    let said = |line: &str, start: &str| Some(line.trim_start().strip_prefix(start)?.to_owned());
    let lines: Vec<&str> = source.lines().collect();
    let pairs =
        lines.windows(2).filter_map(|pair| Some((said(pair[0], "alice > everyone: ")?, pair[1].trim().to_owned())));
    pairs.collect()
}

/// `text` with `#` for every number, because the dice fall as they like.
fn without_numbers(text: &str) -> String {
    let one_by_one = text.replace(|char: char| char.is_ascii_digit(), "#");
    one_by_one.replace("##", "#")
}

#[test]
fn the_python_bot_rolls_dice_tells_the_time_and_knows_who_is_online() {
    let server = Server::start(chat_store::testing::sqlite());
    let mut bot = start_bot(server.client("dealer").register());
    until("the bot is online", || bot.has_ended() || bot.errors().contains("online as dealer"));
    let mut alice = server.client("alice").register().start();

    for (line, beginning) in [
        ("!dice", "alice rolls 1d6: "),
        ("!dice 3d20", "alice rolls 3d20: "),
        ("!dice 99d6", "alice: write !dice 2d6, with 1 to 20 dice"),
        ("!dice 2d٦", "alice: write !dice 2d6, with 1 to 20 dice"),
        ("!time", "it is 20"),
        ("!who", "2 online: alice, dealer"),
        ("!nothing", "I know !dice"),
    ] {
        alice.type_line(line);
        assert_contains(&answer(&alice, "everyone"), beginning);
    }
    let exchange = documented_exchange();
    assert_eq!(exchange.len(), 2, "{exchange:?}");
    for (line, documented) in exchange {
        alice.type_line(&line);
        let shown = format!("dealer > everyone: {}", answer(&alice, "everyone"));
        assert_eq!(without_numbers(&shown), without_numbers(&documented), "{shown}");
    }
    alice.type_line("no command");
    alice.type_line("/msg dealer !who");
    assert_eq!(answer(&alice, "alice"), "2 online: alice, dealer", "no answer to the line before, and one in private");

    let thrown = {
        alice.type_line("!dice 2d1000");
        answer(&alice, "everyone")
    };
    let (_, numbers) = thrown.split_once(": ").unwrap();
    let (parts, sum) = numbers.split_once(" = ").unwrap();
    let sum_of_parts: u32 = parts.split(" + ").map(|part| part.parse::<u32>().unwrap()).sum();
    assert_eq!(sum, sum_of_parts.to_string(), "{thrown}");

    assert!(!bot.has_ended(), "{}", bot.errors());
    // Its client leaves, because its input ends.
    bot.kill();
    alice.until("offline dealer asked");
}

#[test]
fn the_python_bot_ends_with_its_client_and_has_its_exit_code() {
    let server = Server::start(chat_store::testing::sqlite());
    let mut bot = start_bot(server.client("dealer"));
    assert_eq!(bot.exit().code(), Some(3), "the account does not exist");
    assert_contains(&bot.errors(), "the client: wrong user name or password");

    let mut bot = start_bot(server.client("dealer").register());
    until("the bot is online", || bot.has_ended() || bot.errors().contains("online as dealer"));
    let newer = server.client("dealer").start();
    assert_eq!(bot.exit().code(), Some(3), "a newer login replaced the session: {}", bot.errors());
    drop(newer);
}
