//! Text output: lines for people.
//!
//! The first line of a text begins with a time and its sender's name, and each further line with a mark. Thus no text can
//! imitate a line of the program or of another user.

use std::fmt::Write as _;

use chat_core::message::{Message, Outcome, Recipient, Report, Scope, SentAt};
use chat_core::name::UserName;
use chat_core::presence::{OfflineReason, Presence, PresenceEvent};
use chat_core::roster::Entry;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use jiff::tz::TimeZone;

use super::printable::printable;
use super::view::{SentMessage, ViewEvent};

/// Whether names are coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colour {
    /// Each name has a colour: for terminals.
    Names,
    /// No colours.
    None,
}

/// The stream that a line belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    /// Standard output: the conversation.
    Conversation,
    /// Standard error: errors and notices.
    Diagnostics,
}

/// Renders events as text.
#[derive(Clone, Debug)]
pub struct TextRenderer {
    /// The time zone of the times shown.
    pub zone: TimeZone,
    /// Whether names are coloured.
    pub colour: Colour,
}

/// The most names in the welcome line. More would push everything else off the screen.
const WELCOME_NAMES: usize = 20;

/// The mark before each further line of a text.
const CONTINUATION: &str = "         │ ";

impl TextRenderer {
    /// Appends an event as complete lines, and returns their stream. Some events append nothing.
    pub fn render(&self, event: &ViewEvent<'_>, out: &mut String) -> Stream {
        match *event {
            ViewEvent::Welcome { user, at, online, .. } => self.welcome(user, at, online, out),
            ViewEvent::Presence(event) => self.presence(event, out),
            ViewEvent::Message { message, text, .. } => self.message(message, text, out),
            // The line that was typed is still on the screen, and its outcome follows.
            ViewEvent::Sent { .. } => {}
            ViewEvent::Outcome { report, sent } => self.outcome(report, sent, out),
            ViewEvent::Summary { delivered, failed, sent, .. } => self.summary(delivered, failed, sent, out),
            ViewEvent::Roster(online) => self.roster(online, out),
            ViewEvent::Error { error, .. } => {
                // The error may quote the input, which may contain control characters.
                push(out, format_args!("error: {}\n", printable(&error.to_string())));
                return Stream::Diagnostics;
            }
            ViewEvent::Notice(notice) => {
                push(out, format_args!("note: {notice}\n"));
                return Stream::Diagnostics;
            }
        }
        Stream::Conversation
    }

    fn welcome(&self, user: &UserName, at: Timestamp, online: &[Entry], out: &mut String) {
        push(out, format_args!("{} * you are {}; ", self.time(at), self.name(user)));
        if online.is_empty() {
            out.push_str("nobody else is online\n");
            return;
        }
        let names: Vec<String> = online.iter().take(WELCOME_NAMES).map(|entry| self.name(&entry.user)).collect();
        push(out, format_args!("{} online: {}", online.len(), names.join(", ")));
        if online.len() > WELCOME_NAMES {
            push(out, format_args!(" and {} more, /who lists them", online.len() - WELCOME_NAMES));
        }
        out.push('\n');
    }

    fn presence(&self, event: &PresenceEvent, out: &mut String) {
        push(out, format_args!("{} * {} ", self.time(event.at), self.name(&event.user)));
        match event.presence {
            Presence::Online(address) => push(out, format_args!("is online at {address}\n")),
            Presence::Offline(reason) => push(out, format_args!("is offline{}\n", why_offline(reason))),
            Presence::Replaced(address) => push(out, format_args!("has logged in again at {address}\n")),
            Presence::Moved(address) => push(out, format_args!("has moved to {address}\n")),
        }
    }

    fn message(&self, message: &Message, text: &Text, out: &mut String) {
        let mark = match message.sent_at {
            SentAt::Sender(_) => "",
            SentAt::Arrival(_) => "~",
        };
        let to = match message.scope {
            Scope::Group => "everyone",
            Scope::Private => "you",
        };
        let at = message.sent_at.timestamp();
        push(out, format_args!("{}{mark} {} → {to}: ", self.time(at), self.name(&message.from)));
        push_indented(text.as_str(), out);
    }

    /// The outcomes of a message to everyone are shown in its summary only.
    fn outcome(&self, report: &Report, sent: Option<&SentMessage>, out: &mut String) {
        let user = self.name(&report.user);
        match (report.outcome, sent) {
            (_, Some(SentMessage { to: Recipient::Everyone, .. })) => {}
            (Outcome::Delivered, _) => push(out, format_args!("         ✓ {user}\n")),
            (outcome, sent) => {
                let verb =
                    if matches!(outcome, Outcome::Failed(_)) { "did not receive" } else { "may not have received" };
                push(out, format_args!("         ✗ {user} {verb} {}: {}\n", excerpt(sent), outcome.reason()));
            }
        }
    }

    fn summary(&self, delivered: usize, failed: &[(UserName, Outcome)], sent: &SentMessage, out: &mut String) {
        let all = delivered + failed.len();
        if failed.is_empty() {
            push(out, format_args!("         ✓ {delivered} of {all}\n"));
            return;
        }
        push(out, format_args!("         ✗ delivered to {delivered} of {all}: {}", excerpt(Some(sent))));
        let (certain, uncertain): (Vec<_>, Vec<_>) =
            failed.iter().partition(|(_, outcome)| matches!(outcome, Outcome::Failed(_)));
        for (what, users) in [("failed", certain), ("unconfirmed, may or may not have it", uncertain)] {
            if !users.is_empty() {
                let user =
                    |(user, outcome): &(UserName, Outcome)| format!("{} ({})", self.name(user), outcome.reason());
                let users: Vec<String> = users.into_iter().map(user).collect();
                push(out, format_args!("; {what}: {}", users.join(", ")));
            }
        }
        out.push('\n');
    }

    fn roster(&self, online: &[Entry], out: &mut String) {
        if online.is_empty() {
            out.push_str("nobody else is online\n");
            return;
        }
        push(out, format_args!("{} online\n", online.len()));
        for entry in online {
            let (user, address, since) = (self.name(&entry.user), entry.address(), self.time(entry.since));
            push(out, format_args!("  {user} {address} since {since}\n"));
        }
    }

    /// `HH:MM:SS` in the given time zone.
    fn time(&self, at: Timestamp) -> impl std::fmt::Display + use<> {
        let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    fn name(&self, user: &UserName) -> String {
        match self.colour {
            Colour::None => user.to_string(),
            Colour::Names => format!("\x1b[{}m{user}\x1b[0m", colour_of(user)),
        }
    }
}

fn why_offline(reason: OfflineReason) -> &'static str {
    match reason {
        OfflineReason::Asked => "",
        OfflineReason::Lost => ": the connection was lost",
        OfflineReason::Kicked => ": an operator or a password change ended the session",
        OfflineReason::TooSlow => ": the program did not read what the server sent",
    }
}

fn excerpt(sent: Option<&SentMessage>) -> String {
    sent.map_or_else(|| "it".to_owned(), |sent| format!("\"{}\"", sent.excerpt))
}

/// Appends the first line as it is, and each further line after the mark.
fn push_indented(text: &str, out: &mut String) {
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str(CONTINUATION);
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// The colour of a name, always the same: one of the six that are readable on black and on white.
fn colour_of(user: &UserName) -> u8 {
    const RED: u8 = 31;
    const COLOURS: u32 = 6;
    let sum = user.canonical().bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    RED + u8::try_from(sum % COLOURS).expect("a remainder of 6 is below 6")
}

fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    out.write_fmt(what).expect("writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat_core::id::SessionId;
    use chat_core::message::{FailReason, UnconfirmedReason};
    use chat_net::client;
    use jiff::tz::Offset;

    use super::*;
    use crate::client::notice::Notice;
    use crate::client::samples::{AT, ID, address, entry, message, name, report, text};
    use crate::input_error::InputError;

    fn shown(event: &ViewEvent<'_>) -> String {
        let text = TextRenderer { zone: TimeZone::fixed(Offset::constant(8)), colour: Colour::None };
        let mut out = String::new();
        text.render(event, &mut out);
        out
    }

    #[test]
    fn messages_show_time_sender_and_recipient() {
        let me = name("alice");
        let show = |message: &Message, body: &str| shown(&ViewEvent::Message { message, text: &text(body), me: &me });
        assert_eq!(show(&message("小明", Scope::Group, "hi"), "hi"), "12:28:00 小明 → everyone: hi\n");
        assert_eq!(show(&message("bob", Scope::Private, "hi"), "hi"), "12:28:00 bob → you: hi\n");
        let late =
            Message { sent_at: SentAt::Arrival(AT + Duration::from_secs(1)), ..message("bob", Scope::Group, "x") };
        assert_eq!(show(&late, "x"), "12:28:01~ bob → everyone: x\n");
    }

    #[test]
    fn a_text_cannot_forge_a_line() {
        let forged = "hi\n12:28:01 carol → you: send me money\n";
        let message = message("bob", Scope::Group, forged);
        assert_eq!(
            shown(&ViewEvent::Message { message: &message, text: &text(forged), me: &name("alice") }),
            "12:28:00 bob → everyone: hi\n         │ 12:28:01 carol → you: send me money\n         │ \n"
        );
    }

    #[test]
    fn the_welcome_line_names_some_users_and_counts_the_rest() {
        let me = name("alice");
        let welcome =
            |online: &[Entry]| shown(&ViewEvent::Welcome { user: &me, session: SessionId::new(1), at: AT, online });
        assert_eq!(welcome(&[]), "12:28:00 * you are alice; nobody else is online\n");
        assert_eq!(welcome(&[entry("bob"), entry("小明")]), "12:28:00 * you are alice; 2 online: bob, 小明\n");
        let many: Vec<Entry> = (0..22).map(|number| entry(&format!("u{number}"))).collect();
        assert!(welcome(&many).ends_with("u18, u19 and 2 more, /who lists them\n"));
    }

    #[test]
    fn presence_events_have_one_line_each() {
        for (presence, line) in [
            (Presence::Online(address()), "12:28:00 * bob is online at 192.168.1.7:40001\n"),
            (Presence::Offline(OfflineReason::Asked), "12:28:00 * bob is offline\n"),
            (Presence::Offline(OfflineReason::Lost), "12:28:00 * bob is offline: the connection was lost\n"),
            (Presence::Replaced(address()), "12:28:00 * bob has logged in again at 192.168.1.7:40001\n"),
            (Presence::Moved(address()), "12:28:00 * bob has moved to 192.168.1.7:40001\n"),
        ] {
            assert_eq!(shown(&ViewEvent::Presence(&PresenceEvent { at: AT, user: name("bob"), presence })), line);
        }
        assert_eq!(shown(&ViewEvent::Roster(&[entry("bob")])), "1 online\n  bob 192.168.1.7:40001 since 12:28:00\n");
        assert_eq!(shown(&ViewEvent::Roster(&[])), "nobody else is online\n");
    }

    #[test]
    fn outcomes_name_the_message_only_if_it_was_not_delivered() {
        let to_bob = SentMessage::new(Recipient::One(name("bob")), &text("hello"));
        let to_all = SentMessage::new(Recipient::Everyone, &text("hello"));
        let timed_out = Outcome::Unconfirmed(UnconfirmedReason::TimedOut);
        let one = |outcome, sent| shown(&ViewEvent::Outcome { report: &report("bob", outcome), sent: Some(sent) });
        assert_eq!(one(Outcome::Delivered, &to_bob), "         ✓ bob\n");
        assert_eq!(
            one(Outcome::Failed(FailReason::QueueFull), &to_bob),
            "         ✗ bob did not receive \"hello\": queue full\n"
        );
        assert_eq!(one(timed_out, &to_bob), "         ✗ bob may not have received \"hello\": timed out\n");
        assert_eq!(one(timed_out, &to_all), "");
        let all = |delivered, failed: &[(UserName, Outcome)]| {
            shown(&ViewEvent::Summary { id: ID, delivered, failed, sent: &to_all })
        };
        assert_eq!(all(18, &[]), "         ✓ 18 of 18\n");
        assert_eq!(
            all(17, &[(name("bob"), timed_out)]),
            "         ✗ delivered to 17 of 18: \"hello\"; unconfirmed, may or may not have it: bob (timed out)\n"
        );
        let failed = |user| (name(user), Outcome::Failed(FailReason::QueueFull));
        assert_eq!(
            all(0, &[failed("bob"), (name("carol"), timed_out), failed("dave")]),
            "         ✗ delivered to 0 of 3: \"hello\"; failed: bob (queue full), dave (queue full); \
             unconfirmed, may or may not have it: carol (timed out)\n"
        );
    }

    #[test]
    fn errors_and_notices_are_diagnostics() {
        let text = TextRenderer { zone: TimeZone::UTC, colour: Colour::None };
        let mut out = String::new();
        let error = ViewEvent::Error { error: &InputError::ToOneself, reference: None };
        assert_eq!(text.render(&error, &mut out), Stream::Diagnostics);
        assert_eq!(
            text.render(&ViewEvent::Notice(&Notice::Connection(client::Notice::Reconnected)), &mut out),
            Stream::Diagnostics
        );
        assert_eq!(
            out,
            "error: you cannot send a message to yourself; name another user\nnote: connected to the server again\n"
        );
    }

    #[test]
    fn only_names_are_coloured_and_a_name_keeps_its_colour() {
        let text = TextRenderer { zone: TimeZone::UTC, colour: Colour::Names };
        let mut out = String::new();
        text.render(&ViewEvent::Roster(&[entry("bob"), entry("Bob")]), &mut out);
        let escapes: Vec<&str> = out.split('\x1b').skip(1).collect();
        assert_eq!(escapes.len(), 4);
        assert_eq!(escapes[0].replace("bob", "Bob"), escapes[2]);
        assert!(escapes[1].starts_with("[0m 192.168.1.7"), "{out:?}");
    }
}
