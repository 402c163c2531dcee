//! One record of the presence log, read from a line in either format.

use chat_core::name::UserName;
use chat_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::isolate::{Reader, isolated};

/// A record. The fields are those of the JSON format, in its order; docs/JSON.md documents them. The values are shown as
/// they are in the log, because a name or an event may be one that this version does not know.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct Entry {
    event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    at: u64,
}

/// The events of the server itself: in JSON, and as the words of the text format.
const SERVER_EVENTS: [(&str, &str); 2] = [("server-started", "server started"), ("server-stopping", "server stopping")];

impl Entry {
    /// Reads a line without its line end. `None` if it is not a record.
    pub(super) fn parse(line: &str) -> Option<Self> {
        if line.starts_with('{') { serde_json::from_str(line).ok() } else { Self::parse_text(line) }
    }

    fn parse_text(line: &str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let time: jiff::Timestamp = time.parse().ok()?;
        let at = u64::try_from(time.as_millisecond()).ok()?;
        if let Some((event, _)) = SERVER_EVENTS.iter().find(|(_, words)| *words == rest) {
            return Some(Self { event: (*event).to_owned(), user: None, address: None, reason: None, at });
        }
        let mut words = rest.split(' ').map(str::to_owned);
        let (event, user, last) = (words.next()?, words.next()?, words.next()?);
        let (address, reason) = match event.as_str() {
            "online" | "replaced" | "moved" => (Some(last), None),
            "offline" => (None, Some(last)),
            _ => return None,
        };
        words.next().is_none().then_some(Self { event, user: Some(user), address, reason, at })
    }

    /// The line of the text format.
    pub(super) fn text(&self, reader: Reader) -> String {
        let server_event = SERVER_EVENTS.iter().find(|(event, _)| *event == self.event).map(|(_, words)| *words);
        let user = self.user.as_ref().map(|user| isolated(user, reader));
        let parts =
            [server_event.or(Some(&self.event)), user.as_deref(), self.address.as_deref(), self.reason.as_deref()];
        let words: Vec<&str> = parts.into_iter().flatten().collect();
        format!("{} {}\n", Timestamp::from_millis(self.at), words.join(" "))
    }

    /// The line of the JSON format.
    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("texts and numbers serialize") + "\n"
    }

    /// When it happened.
    pub(super) const fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.at)
    }

    /// The name of the user whom it is about.
    pub(super) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether it is about this user, in any spelling that logs in to the same account.
    pub(super) fn is_about(&self, user: &UserName) -> bool {
        let is_same = |name: &str| UserName::parse(name).is_ok_and(|name| name.canonical() == user.canonical());
        self.user().is_some_and(|name| name == user.as_str() || is_same(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples in docs/JSON.md, and the same records as text.
    const RECORDS: [(&str, &str); 6] = [
        (r#"{"event":"server-started","at":1795408080123}"#, "2026-11-23T04:28:00.123Z server started"),
        (
            r#"{"event":"online","user":"小明","address":"192.168.1.7:40001","at":1795408080123}"#,
            "2026-11-23T04:28:00.123Z online 小明 192.168.1.7:40001",
        ),
        (
            r#"{"event":"moved","user":"小明","address":"192.168.1.7:40001","at":1795408080123}"#,
            "2026-11-23T04:28:00.123Z moved 小明 192.168.1.7:40001",
        ),
        (
            r#"{"event":"replaced","user":"小明","address":"192.168.1.7:40001","at":1795408080123}"#,
            "2026-11-23T04:28:00.123Z replaced 小明 192.168.1.7:40001",
        ),
        (
            r#"{"event":"offline","user":"小明","reason":"too-slow","at":1795408080123}"#,
            "2026-11-23T04:28:00.123Z offline 小明 too-slow",
        ),
        (r#"{"event":"server-stopping","at":1795408080123}"#, "2026-11-23T04:28:00.123Z server stopping"),
    ];

    #[test]
    fn both_formats_hold_the_same_record() {
        for (json, text) in RECORDS {
            assert!(include_str!("../../../../docs/JSON.md").contains(json), "docs/JSON.md lacks {json}");
            let (from_json, from_text) = (Entry::parse(json).unwrap(), Entry::parse(text).unwrap());
            assert_eq!(from_json, from_text);
            assert_eq!((from_json.text(Reader::Other), from_text.json()), (format!("{text}\n"), format!("{json}\n")));
        }
    }

    #[test]
    fn other_lines_are_not_records() {
        for line in [
            "",
            "2026-11-23T04:28:00.123Z",
            "2026-11-23T04:28:00.123Z online 小明",
            "2026-11-23T04:28:00.123Z online 小明 192.168.1.7:40001 more",
            "2026-11-23T04:28:00.123Z arrives 小明 192.168.1.7:40001",
            "yesterday online 小明 192.168.1.7:40001",
            r#"{"event":"online""#,
            r#"{"user":"小明"}"#,
        ] {
            assert_eq!(Entry::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_name_is_found_in_every_spelling() {
        let entry = Entry::parse("2026-11-23T04:28:00.123Z online Alice 192.168.1.7:40001").unwrap();
        let is_about = |name: &str| entry.is_about(&UserName::parse(name).unwrap());
        assert!(is_about("Alice") && is_about("alice") && !is_about("bob"));
    }
}
