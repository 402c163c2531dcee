//! Everything that the client shows, as one type that both formats render.

use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Message, Outcome, Recipient, Report};
use chat_core::name::UserName;
use chat_core::presence::PresenceEvent;
use chat_core::roster::Entry;
use chat_core::text::Text;
use chat_core::time::Timestamp;

use super::notice::Notice;
use crate::input_error::InputError;

/// One event to show. Times are on the server's clock.
#[derive(Clone, Copy, Debug)]
pub enum ViewEvent<'a> {
    /// The session began.
    Welcome {
        /// The user of this client.
        user: &'a UserName,
        /// The id of the session.
        session: SessionId,
        /// When the session began.
        at: Timestamp,
        /// The other users online.
        online: &'a [Entry],
    },
    /// Another user came online, went offline, was replaced, or moved.
    Presence(&'a PresenceEvent),
    /// A message arrived.
    Message {
        /// The message.
        message: &'a Message,
        /// Its text.
        text: &'a Text,
        /// The user of this client.
        me: &'a UserName,
    },
    /// A line of input was queued as a message.
    Sent {
        /// The id of the message.
        id: MessageId,
        /// The recipient.
        to: &'a Recipient,
        /// The number of users that the message goes to.
        recipients: usize,
        /// When the message was sent.
        at: Timestamp,
        /// The `ref` of the line.
        reference: Option<&'a str>,
    },
    /// The outcome of a message for one recipient.
    Outcome {
        /// The outcome.
        report: &'a Report,
        /// The message, unless it is no longer remembered.
        sent: Option<&'a SentMessage>,
    },
    /// All outcomes of a message to everyone are known.
    Summary {
        /// The id of the message.
        id: MessageId,
        /// The number of recipients for which it was delivered.
        delivered: usize,
        /// The other recipients with their outcomes.
        failed: &'a [(UserName, Outcome)],
        /// The message.
        sent: &'a SentMessage,
    },
    /// The users online, as the answer to `/who`.
    Roster(&'a [Entry]),
    /// A line of input was refused.
    Error {
        /// The reason.
        error: &'a InputError,
        /// The `ref` of the line.
        reference: Option<&'a str>,
    },
    /// An event besides the conversation itself.
    Notice(&'a Notice),
}

/// What is remembered of a message until its outcomes are known, so that they can be shown with it.
#[derive(Clone, Debug)]
pub struct SentMessage {
    /// The recipient.
    pub to: Recipient,
    /// The beginning of the text.
    pub excerpt: String,
}

impl SentMessage {
    /// The maximum length of an excerpt: long enough to recognise the message, short enough for one line with its outcome.
    const EXCERPT_CHARS: usize = 24;

    /// Takes the excerpt from the first line of the text, and marks a shortened one with `…`.
    pub fn new(to: Recipient, text: &Text) -> Self {
        let line = text.as_str().lines().next().unwrap_or_default();
        let mut excerpt: String = line.chars().take(Self::EXCERPT_CHARS).collect();
        if excerpt.len() < text.as_str().len() {
            excerpt.push('…');
        }
        Self { to, excerpt }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_beginning_of_the_first_line() {
        for (text, excerpt) in [
            ("hello", "hello"),
            ("one\ntwo", "one…"),
            ("一二三四五六七八九十一二三四五六七八九十一二三四五", "一二三四五六七八九十一二三四五六七八九十一二三四…"),
        ] {
            assert_eq!(SentMessage::new(Recipient::Everyone, &Text::parse(text).unwrap()).excerpt, excerpt);
        }
    }
}
