//! All sentences in all languages side by side, for reviewers, and rules that hold for each of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fluent_typed::prelude::{FluentArgs, FluentValue, L10nBundle};

const LANGUAGES: [&str; 2] = ["en", "zh-CN"];

/// The files of a language, by name.
fn files(language: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language);
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    fs::read_dir(folder).unwrap().map(|file| read(file.unwrap().path())).collect()
}

/// The names of the Fluent messages in a file.
fn messages(file: &str) -> impl Iterator<Item = &str> {
    let lines = file.lines().filter(|line| line.starts_with(|ch: char| ch.is_ascii_lowercase()));
    lines.filter_map(|line| Some(line.split_once(" =")?.0))
}

/// A value for each argument of all Fluent messages.
fn samples() -> FluentArgs<'static> {
    const TEXTS: [(&str, &str); 61] = [
        ("address", "192.168.1.7:40001"),
        ("addresses", "192.168.1.7:7777, 10.0.0.7:7777"),
        ("advice", "⟨advice⟩"),
        ("argument", "--usr"),
        ("away", "⟨away⟩"),
        ("character", "'@'"),
        ("code", "0007"),
        ("command", "chat-client forget lab:7777"),
        ("detail", "⟨detail⟩"),
        ("example", "eth0"),
        ("file", "chat.toml"),
        ("fingerprint", "53e1…a0"),
        ("first", "0001 0203 0405 0607 0809 0a0b 0c0d 0e0f"),
        ("from", "2026-11-23T04:28:00Z"),
        ("host", "lab"),
        ("ip", "fe80::1"),
        ("key", "usr"),
        ("keys", "server, user"),
        ("known", "53e1…a0"),
        ("last", "lab:7777"),
        ("link", "https://rooms.example/2f"),
        ("mark", "⟨mark⟩"),
        ("message", "⟨message⟩"),
        ("name", "bob"),
        ("names", "bob, carol"),
        ("now", "2026-11-23T04:29:00Z"),
        ("one", "chat-client forget north:7777"),
        ("option", "--user <NAME>"),
        ("options", "--user <NAME>"),
        ("other", "--ca <FILE>"),
        ("problem", "⟨problem⟩"),
        ("reason", "⟨reason⟩"),
        ("second", "1011 1213 1415 1617 1819 1a1b 1c1d 1e1f"),
        ("sentence", "⟨sentence⟩"),
        ("server", "chat.example:7777"),
        ("shown", "97c4…1f"),
        ("since", "12:28:00"),
        ("suggestion", "/msg"),
        ("text", "hello"),
        ("lowest", "1024"),
        ("typed", "x"),
        ("until", "2026-11-23T04:28:00Z"),
        ("usage", "/msg"),
        ("user", "alice"),
        ("users", "bob, carol"),
        ("value", "two words"),
        ("values", "text, json"),
        ("variable", "CHAT_USER"),
        ("word", "lab"),
        ("seconds", "2"),
        ("minutes", "3"),
        ("attempts", "3"),
        ("line", "7"),
        ("arrived", "⟨arrived⟩"),
        ("left", "⟨left⟩"),
        ("parts", "⟨parts⟩"),
        ("recipient", "bob"),
        ("time", "12:28:00"),
        ("year", "2026"),
        ("month", "11"),
        ("day", "24"),
    ];
    const NUMBERS: [&str; 11] =
        ["all", "bytes", "count", "delivered", "granted", "max", "min", "more", "our-high", "our-low", "outcomes"];
    /// Those of the sentences of `chat-server` alone.
    const SERVER_TEXTS: [(&str, &str); 14] = [
        ("folder", "/data"),
        ("found", "⟨found⟩"),
        ("incoming", "12 kB"),
        ("outgoing", "34 kB"),
        ("median", "50 ms"),
        ("process", "4711"),
        ("position", "812"),
        ("program", "chat-server"),
        ("rare", "2500 ms"),
        ("span", "2 h 14 min"),
        ("state", "⟨state⟩"),
        ("version", "1.2.3"),
        ("days", "2"),
        ("hours", "3"),
    ];
    const SERVER_NUMBERS: [&str; 7] = ["dropped", "fresh", "id", "logins", "online", "refused", "resumed"];
    let numbers_of_server = SERVER_NUMBERS.into_iter().map(|name| (name, FluentValue::from(2)));
    let texts = TEXTS.into_iter().chain(SERVER_TEXTS).map(|(name, value)| (name, FluentValue::from(value)));
    let numbers = NUMBERS.into_iter().chain(["their-high", "their-low"]).map(|name| (name, FluentValue::from(2)));
    texts.chain(numbers).chain(numbers_of_server).chain([("wanted", FluentValue::from("64"))]).collect()
}

/// All sentences of a language with sample arguments, by file and name.
fn sentences(language: &str) -> BTreeMap<(String, String), String> {
    let files = files(language);
    let all: String = files.values().map(|file| format!("{file}\n")).collect();
    let bundle = L10nBundle::new_without_isolation(language, all.as_bytes()).unwrap();
    let say = |message: &str| {
        bundle.msg(message, Some(samples())).unwrap_or_else(|error| panic!("{language}, {message}: {error:?}"))
    };
    let named = files.iter().flat_map(|(name, file)| messages(file).map(move |message| (name, message)));
    named.map(|(file, message)| ((file.clone(), message.to_owned()), say(message))).collect()
}

#[test]
fn every_sentence_in_both_languages() {
    let languages = LANGUAGES.map(sentences);
    let mut out = String::new();
    let mut file_before = "";
    for (file, message) in languages[0].keys() {
        if file != file_before {
            writeln!(out, "# {file}\n").unwrap();
            file_before = file;
        }
        writeln!(out, "{message}").unwrap();
        for (language, sentences) in LANGUAGES.iter().zip(&languages) {
            let sentence = &sentences[&(file.clone(), message.clone())];
            writeln!(out, "  {language:<6}{}", sentence.trim_end().replace('\n', "\n        ")).unwrap();
        }
        out.push('\n');
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("sentences", out);
    });
}

/// There is a space between Han characters and Latin letters or digits, and the punctuation beside Han characters is
/// full-width.
#[test]
fn chinese_is_typeset_as_in_the_readme() {
    let is_han = |ch: char| ('\u{4e00}'..='\u{9fff}').contains(&ch);
    for ((file, message), sentence) in sentences("zh-CN") {
        let characters: Vec<char> = sentence.chars().collect();
        for pair in characters.windows(2) {
            let [left, right] = [pair[0], pair[1]];
            let touches = |ch: char| ch.is_ascii_alphanumeric() || ",;?!".contains(ch);
            let wrong = (is_han(left) && touches(right)) || (touches(left) && is_han(right));
            assert!(!wrong, "{file}, {message}: {left}{right} in {sentence}");
        }
    }
}
