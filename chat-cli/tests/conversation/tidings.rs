//! All that a client is told in a long conversation, sorted, so that a story can say what it must have been.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::client::Client;
use crate::event::told;
use crate::process::PATIENCE;

/// What a client was told.
#[derive(Debug, Default)]
pub(crate) struct Tidings {
    /// The texts from each sender, in the order in which they came.
    pub(crate) messages: BTreeMap<String, Vec<String>>,
    /// The ids of what it sent, in order.
    pub(crate) sent: Vec<String>,
    /// What became of each message for each recipient: by id and user. More than one if that is told twice.
    pub(crate) outcomes: BTreeMap<(String, String), Vec<String>>,
    /// Everything else but summaries.
    pub(crate) others: Vec<String>,
}

impl Tidings {
    /// Takes in what the client is told until it was told of so many messages and outcomes.
    ///
    /// # Panics
    /// If it is told nothing for long.
    #[track_caller]
    pub(crate) fn gather(&mut self, client: &Client, messages: usize, outcomes: usize) {
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

    /// Takes an event in.
    pub(crate) fn add(&mut self, event: &Value) {
        let text = |field: &str| event[field].as_str().unwrap().to_owned();
        match event["event"].as_str() {
            Some("message") => self.messages.entry(text("from")).or_default().push(text("text")),
            Some("sent") => self.sent.push(text("id")),
            Some("outcome") => self.outcomes.entry((text("id"), text("user"))).or_default().push(text("result")),
            Some("summary") => {}
            _ => self.others.push(told(event)),
        }
    }

    /// Every message that was sent was delivered to each of these, and that was told once.
    #[track_caller]
    pub(crate) fn all_was_delivered_to(&self, users: &[&str]) {
        for id in &self.sent {
            for user in users {
                let outcomes = self.outcomes.get(&(id.clone(), (*user).to_owned()));
                assert_eq!(outcomes, Some(&vec!["delivered".to_owned()]), "{id} to {user}: {:?}", self.others);
            }
        }
        assert_eq!(self.outcomes.len(), self.sent.len() * users.len());
    }

    /// These texts came from a user, once each and in this order, and no others.
    #[track_caller]
    pub(crate) fn came_from(&self, user: &str, texts: &[String]) {
        let came = &self.messages[user];
        assert!(came == texts, "{} texts came instead of {}: {:?}", came.len(), texts.len(), heads(came));
    }
}

/// The beginnings of texts: enough to see which they are.
fn heads(texts: &[String]) -> Vec<&str> {
    texts.iter().map(|text| text.split_whitespace().next().unwrap_or_default()).collect()
}

/// A text of a length that begins with its number.
pub(crate) fn text(number: usize, length: usize) -> String {
    let begin = format!("{number} ");
    begin.clone() + &"x".repeat(length.saturating_sub(begin.len()))
}
