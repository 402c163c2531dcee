//! What the client shows, whatever the form: the one list that both forms render.

use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Message, Outcome, Recipient, Report};
use chat_core::name::UserName;
use chat_core::presence::PresenceEvent;
use chat_core::roster::Entry;
use chat_core::text::Text;
use chat_core::time::Timestamp;

use super::notice::Notice;
use crate::input_error::InputError;

/// One thing to show.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// The session began.
    Welcome {
        /// Who we are.
        user: &'a UserName,
        /// Our session.
        session: SessionId,
        /// When, on the server's clock.
        at: Timestamp,
        /// Who else is online.
        online: &'a [Entry],
    },
    /// Somebody came, went or moved.
    Presence(&'a PresenceEvent),
    /// Somebody wrote.
    Message {
        /// What came.
        message: &'a Message,
        /// Its text.
        text: &'a Text,
        /// Who we are.
        me: &'a UserName,
    },
    /// A line of ours is on its way.
    Sent {
        /// Its id from now on.
        id: MessageId,
        /// Whom it is for.
        to: &'a Recipient,
        /// To how many it goes.
        recipients: usize,
        /// When it was sent, on the server's clock.
        at: Timestamp,
        /// What its writer calls it.
        reference: Option<&'a str>,
    },
    /// What became of a line of ours for one recipient.
    Outcome {
        /// As the library reports it.
        report: &'a Report,
        /// Whom the line was for and how it begins, as long as that is remembered.
        sent: Option<&'a Sent>,
    },
    /// What became of a line of ours for all of its recipients.
    Summary {
        /// Which line.
        id: MessageId,
        /// How many have it.
        delivered: usize,
        /// Who has not, and why.
        failed: &'a [(UserName, Outcome)],
        /// How the line begins.
        sent: &'a Sent,
    },
    /// Who is online, because somebody asked.
    Roster(&'a [Entry]),
    /// A line of input that was not done.
    Error {
        /// What was wrong.
        error: &'a InputError,
        /// What its writer calls it.
        reference: Option<&'a str>,
    },
    /// Something around the conversation.
    Notice(&'a Notice),
}

/// A line of ours whose outcomes are outstanding.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Whom it is for.
    pub to: Recipient,
    /// How it begins.
    pub excerpt: String,
}

impl Sent {
    /// The most characters of an excerpt: enough to know the line again, few enough for one line on the screen.
    const EXCERPT_CHARS: usize = 24;

    /// Remembers a line.
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
            assert_eq!(Sent::new(Recipient::Everyone, &Text::parse(text).unwrap()).excerpt, excerpt);
        }
    }
}
