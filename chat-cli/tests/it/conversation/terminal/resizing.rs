//! Changes of the size of the terminal.

use chat_store::testing;

use super::log_in_with;
use crate::harness::{Client, Resizing, Server, Terminal};

/// Sizes that follow each other, beginning with a terminal that becomes wider while a long line is typed. The narrowest
/// still shows the mark of a message if the terminal cuts off the rest.
const SIZES: [(u16, u16); 14] = [
    (160, 24),
    (80, 24),
    (40, 10),
    (120, 30),
    (33, 5),
    (200, 50),
    (80, 2),
    (80, 24),
    (34, 1),
    (81, 40),
    (35, 24),
    (160, 3),
    (36, 24),
    (80, 24),
];

/// Sizes at which only a terminal that wraps its lines again shows everything.
const NARROW_SIZES: [(u16, u16); 6] = [(9, 24), (160, 24), (3, 4), (80, 24), (2, 2), (80, 24)];

/// The words of a long line in each language. Thirty of them take up three rows of 80 columns.
const WORDS: [(&str, [&str; 3]); 2] =
    [("en", ["wordy", "一二三四", "café"]), ("zh-CN", ["你好世界", "，。！？", "中文x很宽"])];

#[test]
fn no_received_line_is_lost_in_a_terminal_that_wraps_its_lines_again() {
    for words in WORDS {
        receive_while_the_size_changes(Resizing::Reflow, words, &[&SIZES[..], &NARROW_SIZES].concat());
    }
}

#[test]
fn no_received_line_is_lost_in_a_terminal_that_cuts_its_lines() {
    for words in WORDS {
        receive_while_the_size_changes(Resizing::Clip, words, &SIZES);
    }
}

#[test]
fn no_received_line_is_lost_at_any_sequence_of_sizes() {
    let mut seed = 1_u32;
    let mut random = |least: u16, most: u16| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        least + u16::try_from(seed >> 16).unwrap() % (most - least)
    };
    let sizes: Vec<(u16, u16)> = (0..100).map(|_| (random(2, 170), random(1, 50))).collect();
    receive_while_the_size_changes(Resizing::Reflow, WORDS[0], &sizes);
    let wide: Vec<(u16, u16)> = sizes.into_iter().filter(|&(columns, _)| columns > 33).collect();
    receive_while_the_size_changes(Resizing::Clip, WORDS[1], &wide);
}

/// Types a long line while messages arrive and the size changes, and asserts that each message is there exactly once.
#[track_caller]
fn receive_while_the_size_changes(resizing: Resizing, (language, words): (&str, [&str; 3]), sizes: &[(u16, u16)]) {
    let server = Server::start(testing::sqlite());
    let mut bob = server.client("bob").register().start();
    let mut alice = log_in_with(&server, "alice", &["--lang", language]);
    alice.resizing(resizing);
    bob.expect(&["online alice"]);
    let mut received: Vec<String> = Vec::new();
    for (number, &(columns, height)) in sizes.iter().enumerate() {
        for _ in 0..2 {
            received.push(receive(&mut alice, &mut bob, received.len()));
        }
        for word in words.iter().cycle().take(if number == 0 { 30 } else { 1 }) {
            alice.type_keys(format!("{word} "));
        }
        // At the beginning of the line, so that rows follow the cursor, or at its end.
        alice.type_keys(if number % 4 == 0 { "\x01\x1b[C" } else { "\x05" });
        until_typed(&mut alice, number);
        alice.resize(columns, height);
        if number % 3 == 0 {
            // The program sees only the last of several sizes.
            alice.resize(height.max(34), columns);
            alice.resize(columns, height);
        }
        received.push(receive(&mut alice, &mut bob, received.len()));
        let text = alice.lines().concat();
        let missing: Vec<&String> = received.iter().filter(|mark| text.matches(mark.as_str()).count() != 1).collect();
        assert!(missing.is_empty(), "{missing:?} after {:?}: {:#?}", &sizes[..=number], alice.lines());
    }
    alice.type_line("");
    alice.type_line("/quit");
    bob.until("offline alice asked");
    assert_eq!(alice.exit_code(), Some(0));
}

/// Lets a message arrive. Returns its mark, which stands near the beginning of its line.
#[track_caller]
fn receive(alice: &mut Terminal, bob: &mut Client, number: usize) -> String {
    let mark = format!("[{number}]");
    bob.type_line(&format!("{mark}一二三"));
    bob.until("summary 1 delivered");
    alice.until_screen(&mark, |lines| lines.concat().contains(&mark));
    mark
}

/// Types a character that was not typed before, and waits until the screen shows it.
#[track_caller]
fn until_typed(alice: &mut Terminal, number: usize) {
    let character = char::from_u32(u32::from('가') + u32::try_from(number).unwrap()).unwrap().to_string();
    alice.type_keys(&character);
    alice.until_screen(&character, |lines| lines.concat().contains(&character));
}
