//! The events of a long conversation, sorted by kind, so that a test can assert them as a whole.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Client, PATIENCE, short_form};

/// The events of one client.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    /// The texts from each sender, in order of arrival.
    pub(crate) messages: BTreeMap<String, Vec<String>>,
    /// The ids of the messages that the client sent, in order.
    pub(crate) sent: Vec<String>,
    /// The outcomes by message id and recipient. There must be one of each.
    pub(crate) outcomes: BTreeMap<(String, String), Vec<String>>,
    /// All other events except summaries and changes of the way.
    pub(crate) others: Vec<String>,
}

impl EventLog {
    /// Adds the client's events until the log holds this many messages and outcomes.
    ///
    /// # Panics
    /// If no event arrives for a long time.
    #[track_caller]
    pub(crate) fn collect(&mut self, client: &Client, messages: usize, outcomes: usize) {
        while self.messages() < messages || self.outcomes() < outcomes {
            match client.events.next(PATIENCE) {
                Ok(event) => self.add(&event),
                Err(_) => client.fail(&format!(
                    "{messages} messages and {outcomes} outcomes, only {} and {}; {:?}",
                    self.messages(),
                    self.outcomes(),
                    self.others
                )),
            }
        }
    }

    pub(crate) fn messages(&self) -> usize {
        self.messages.values().map(Vec::len).sum()
    }

    pub(crate) fn outcomes(&self) -> usize {
        self.outcomes.values().map(Vec::len).sum()
    }

    pub(crate) fn add(&mut self, event: &Value) {
        let text = |field: &str| event[field].as_str().unwrap().to_owned();
        match event["event"].as_str() {
            Some("message") => self.messages.entry(text("from")).or_default().push(text("text")),
            Some("sent") => self.sent.push(text("id")),
            Some("outcome") => self.outcomes.entry((text("id"), text("user"))).or_default().push(text("result")),
            // A peer that is silent for a moment may be reached through the server for a moment.
            Some("link") => {}
            Some("notice") if matches!(event["code"].as_str(), Some("peers-relayed" | "peers-direct")) => {}
            Some("summary") => {}
            _ => self.others.push(short_form(event)),
        }
    }

    /// Asserts that every message has exactly one outcome for each of these users, `delivered`, and no other outcomes.
    #[track_caller]
    pub(crate) fn assert_all_delivered_to(&self, users: &[&str]) {
        for id in &self.sent {
            for user in users {
                let outcomes = self.outcomes.get(&(id.clone(), (*user).to_owned()));
                assert_eq!(outcomes, Some(&vec!["delivered".to_owned()]), "{id} to {user}: {:?}", self.others);
            }
        }
        assert_eq!(self.outcomes.len(), self.sent.len() * users.len());
    }

    /// Asserts that exactly these texts came from a user, once each and in this order.
    #[track_caller]
    pub(crate) fn assert_received(&self, user: &str, texts: &[String]) {
        let received = &self.messages[user];
        assert!(
            received == texts,
            "{} texts arrived instead of {}: {:?}",
            received.len(),
            texts.len(),
            first_words(received)
        );
    }
}

fn first_words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(|text| text.split_whitespace().next().unwrap_or_default()).collect()
}

/// A text of this length, in bytes, that begins with its number.
pub(crate) fn text(number: usize, length: usize) -> String {
    let beginning = format!("{number} ");
    beginning.clone() + &"x".repeat(length.saturating_sub(beginning.len()))
}
