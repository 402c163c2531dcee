//! Completes commands and names: the command at the beginning of a line, the name that follows it, and a name after `@`.

use chat_core::name::UserName;

use crate::client::command::{Command, NameArgument};
use crate::client::mention::is_at_sign;
use crate::isolate::{Reader, isolated};
use crate::texts::Texts;

/// The most choices that are listed: about a screen of them.
const MAX_LISTED: usize = 100;

/// The candidates that complete a word.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Completion {
    /// This text replaces everything from the byte `begin` to the cursor.
    Insert { begin: usize, text: String },
    /// There are several possibilities, and nothing more that they have in common.
    Choices(Vec<String>),
}

/// Completes the word before the cursor. `None` if nothing begins like it, or if only text is possible there.
pub(super) fn complete<'a>(line: &str, cursor: usize, users: impl Iterator<Item = &'a UserName>) -> Option<Completion> {
    let (before, after) = line.split_at(cursor);
    let (begin, choices) = choices(before, users)?;
    let typed = &before[begin..];
    match choices.as_slice() {
        [] => None,
        [only] => {
            let gap = if after.starts_with(char::is_whitespace) { "" } else { " " };
            Some(Completion::Insert { begin, text: format!("{only}{gap}") })
        }
        several => {
            let common = common_beginning(several);
            // Names are compared without case, so the beginning may be another text of the same length.
            if common.chars().count() > typed.chars().count() {
                Some(Completion::Insert { begin, text: common.to_owned() })
            } else {
                Some(Completion::Choices(choices))
            }
        }
    }
}

/// The choices as a line above the prompt.
pub(super) fn listed(choices: Vec<String>, texts: &Texts) -> String {
    let more = choices.len().saturating_sub(MAX_LISTED);
    let mut words: Vec<String> =
        choices.iter().take(MAX_LISTED).map(|choice| isolated(choice, Reader::Terminal).into_owned()).collect();
    if more > 0 {
        words.push(texts.say().completion_more(more));
    }
    words.join("  ") + "\n"
}

/// Where the word before the cursor begins, and what it can become.
fn choices<'a>(before: &str, users: impl Iterator<Item = &'a UserName>) -> Option<(usize, Vec<String>)> {
    if let Some((word, rest)) = before.split_once(char::is_whitespace).filter(|_| before.starts_with('/')) {
        let argument = Command::parse(word).map_or(NameArgument::Nobody, Command::name_argument);
        let name = rest.trim_start();
        if argument != NameArgument::Nobody && !name.contains(char::is_whitespace) {
            let everyone = (argument == NameArgument::Recipient && "everyone".starts_with(&name.to_lowercase()))
                .then(|| "everyone".to_owned());
            return Some((before.len() - name.len(), names(name, users).chain(everyone).collect()));
        }
    } else if before.starts_with('/') {
        let commands = Command::ALL.into_iter().map(Command::word).filter(|word| word.starts_with(before));
        return Some((0, commands.map(str::to_owned).collect()));
    }
    let (at, sign) = before.char_indices().rfind(|(_, ch)| is_at_sign(*ch))?;
    let begin = at + sign.len_utf8();
    let name = &before[begin..];
    (!name.contains(char::is_whitespace)).then(|| (begin, names(name, users).collect()))
}

/// The names that begin like this, without regard to case.
fn names<'a>(beginning: &str, users: impl Iterator<Item = &'a UserName>) -> impl Iterator<Item = String> {
    let beginning = beginning.to_lowercase();
    users.filter(move |user| user.canonical().starts_with(&beginning)).map(|user| user.as_str().to_owned())
}

/// The longest text with which all of them begin.
fn common_beginning(choices: &[String]) -> &str {
    let Some((first, rest)) = choices.split_first() else { return "" };
    let mut common = first.as_str();
    for choice in rest {
        let pairs = common.char_indices().zip(choice.chars());
        let same = pairs.take_while(|((_, one), other)| one == other).last();
        common = &common[..same.map_or(0, |((at, ch), _)| at + ch.len_utf8())];
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line after a completion, with `|` at the cursor, or the choices.
    fn completed(line: &str) -> String {
        let users = ["Anna", "alice", "alina", "bob", "小明", "小红", "小明明"].map(|name| name.parse().unwrap());
        let (before, after) = line.split_once('|').unwrap();
        match complete(&format!("{before}{after}"), before.len(), users.iter()) {
            Some(Completion::Insert { begin, text }) => format!("{}{text}|{after}", &before[..begin]),
            Some(Completion::Choices(choices)) => choices.join(" "),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn commands_and_names_are_completed() {
        for (line, expected) in [
            ("/wh|", "/who |"),
            (
                "/|",
                "/msg /r /to /me /info /resend /who /away /back /ignore /unignore /passwd /clear /help /offline /quit",
            ),
            ("/m|", "/msg /me"),
            ("/a|", "/away |"),
            ("/b|", "/back |"),
            ("/away b|", "nothing"),
            ("/x|", "nothing"),
            ("//wh|", "nothing"),
            ("/msg b|", "/msg bob |"),
            ("/msg  b| hi", "/msg  bob| hi"),
            ("/msg al|", "/msg ali|"),
            ("/msg ali|", "alice alina"),
            ("/msg A|", "Anna alice alina"),
            ("/msg AN|", "/msg Anna |"),
            ("/msg 小红|", "/msg 小红 |"),
            ("/msg 小|", "小明 小红 小明明"),
            ("/msg 小明|", "小明 小明明"),
            ("/msg bob hi|", "nothing"),
            ("/msg bob ask @al|", "/msg bob ask @ali|"),
            ("/to e|", "/to everyone |"),
            ("/to |", "Anna alice alina bob 小明 小红 小明明 everyone"),
            ("/ignore e|", "nothing"),
            ("/who b|", "nothing"),
            ("hello b|", "nothing"),
            ("hello @b|", "hello @bob |"),
            ("大家好，@小红|", "大家好，@小红 |"),
            ("你好＠小红|。", "你好＠小红 |。"),
            ("@bob hello |", "nothing"),
            ("|", "nothing"),
        ] {
            assert_eq!(completed(line), expected, "{line}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let choices: Vec<String> = (0..=MAX_LISTED).map(|number| format!("u{number}")).collect();
        let listed = listed(choices, &Texts::default());
        assert!(listed.starts_with("u0  u1  ") && listed.ends_with("u99  and 1 more\n"), "{listed}");
    }
}
