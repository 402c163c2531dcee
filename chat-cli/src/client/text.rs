//! Text output: lines for people.
//!
//! The first line of a text begins with a time and its sender's name, and each further line with a mark. Thus no text can
//! imitate a line of the program or of another user.

use std::fmt::Write as _;

use chat_core::message::{FailReason, Recipient, UnconfirmedReason};
use chat_core::name::UserName;
use chat_core::presence::OfflineReason;
use chat_core::time::Timestamp;
use jiff::tz::TimeZone;

use super::printable::printable;
use crate::isolate::{Reader, isolated};
use crate::texts::{Localised, Texts};
use crate::view::{MessageOutcome, OnlineUser, SentMessage, UserOutcome, ViewEvent};

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
    /// The language.
    pub texts: Texts,
    /// The time zone of the times shown.
    pub zone: TimeZone,
    /// Whether names are coloured.
    pub colour: Colour,
    /// The reader of the lines.
    pub reader: Reader,
}

/// The most names in the welcome line. More would push everything else off the screen.
const WELCOME_NAMES: usize = 20;

/// The mark before each further line of a text.
const CONTINUATION: &str = "         │ ";

impl TextRenderer {
    /// Appends an event as complete lines, and returns their stream. Some events append nothing.
    pub fn render(&self, event: &ViewEvent, out: &mut String) -> Stream {
        let t = self.texts.say();
        match event {
            ViewEvent::Welcome { user, at, online, .. } => self.event(*at, &self.welcome(user, online), out),
            ViewEvent::Online { user, address, at } => {
                self.event(*at, &t.user_online(self.name(user), address.to_string()), out);
            }
            ViewEvent::Offline { user, reason, at } => self.event(*at, &self.offline(user, *reason), out),
            ViewEvent::Replaced { user, address, at } => {
                self.event(*at, &t.user_replaced(self.name(user), address.to_string()), out);
            }
            ViewEvent::Moved { user, address, at } => {
                self.event(*at, &t.user_moved(self.name(user), address.to_string()), out);
            }
            ViewEvent::Message { from, to, text, sent_at, sent_at_is, .. } => {
                let mark = if sent_at_is.is_some() { "~" } else { "" };
                let to = if *to == Recipient::Everyone { t.to_everyone() } else { t.to_you() };
                push(out, format_args!("{}{mark} {} → {to}: ", self.time(*sent_at), self.name(from)));
                push_indented(text.as_str(), out);
            }
            // The line that was typed is still on the screen, and its outcome follows.
            ViewEvent::Sent { .. } => {}
            ViewEvent::Outcome { outcome, sent, .. } => self.outcome(outcome, sent.as_ref(), out),
            ViewEvent::Summary { delivered, failed, sent, .. } => self.summary(*delivered, failed, sent, out),
            ViewEvent::Roster { online } => self.roster(online, out),
            ViewEvent::Error { error, .. } => {
                // The error may quote the input, which may contain control characters.
                push(out, format_args!("{}\n", t.error_line(printable(&error.text(&self.texts)))));
                return Stream::Diagnostics;
            }
            ViewEvent::Notice(notice) => {
                push(out, format_args!("{}\n", t.note_line(notice.text(&self.texts))));
                return Stream::Diagnostics;
            }
        }
        Stream::Conversation
    }

    /// A line about users.
    fn event(&self, at: Timestamp, sentence: &str, out: &mut String) {
        push(out, format_args!("{} * {sentence}\n", self.time(at)));
    }

    fn welcome(&self, user: &UserName, online: &[OnlineUser]) -> String {
        let (t, user, count) = (self.texts.say(), self.name(user), online.len());
        let names: Vec<String> = online.iter().take(WELCOME_NAMES).map(|other| self.name(&other.user)).collect();
        let list = self.texts.list(&names);
        match count - names.len() {
            _ if online.is_empty() => t.welcome_alone(user),
            0 => t.welcome_among(user, count, list),
            more => t.welcome_among_many(user, count, list, more),
        }
    }

    fn offline(&self, user: &UserName, reason: OfflineReason) -> String {
        let (t, user) = (self.texts.say(), self.name(user));
        match reason {
            OfflineReason::Lost => t.user_offline_lost(user),
            OfflineReason::Kicked => t.user_offline_kicked(user),
            OfflineReason::TooSlow => t.user_offline_too_slow(user),
            _ => t.user_offline(user),
        }
    }

    /// The outcomes of a message to everyone are shown in its summary only.
    fn outcome(&self, UserOutcome { user, outcome }: &UserOutcome, sent: Option<&SentMessage>, out: &mut String) {
        if sent.is_some_and(|sent| sent.to == Recipient::Everyone) {
            return;
        }
        let (t, user) = (self.texts.say(), self.name(user));
        let (mark, line) = match outcome {
            MessageOutcome::Delivered => ('✓', user),
            MessageOutcome::Failed { reason } => {
                ('✗', t.outcome_failed(user, self.excerpt(sent), self.why_failed(*reason)))
            }
            MessageOutcome::Unconfirmed { reason } => {
                ('✗', t.outcome_unconfirmed(user, self.excerpt(sent), self.why_unconfirmed(*reason)))
            }
        };
        push_outcome(mark, &line, out);
    }

    fn summary(&self, delivered: usize, failed: &[UserOutcome], sent: &SentMessage, out: &mut String) {
        let (t, all) = (self.texts.say(), delivered + failed.len());
        if failed.is_empty() {
            return push_outcome('✓', &t.summary_delivered(delivered, all), out);
        }
        let (mut certain, mut uncertain) = (Vec::new(), Vec::new());
        for UserOutcome { user, outcome } in failed {
            let (users, reason) = match outcome {
                MessageOutcome::Delivered => continue,
                MessageOutcome::Failed { reason } => (&mut certain, self.why_failed(*reason)),
                MessageOutcome::Unconfirmed { reason } => (&mut uncertain, self.why_unconfirmed(*reason)),
            };
            users.push(t.user_with_reason(self.name(user), reason));
        }
        let mut line = t.summary_not_delivered(delivered, all, self.excerpt(Some(sent)));
        if !certain.is_empty() {
            line.push_str(&t.summary_failed(self.texts.list(&certain)));
        }
        if !uncertain.is_empty() {
            line.push_str(&t.summary_unconfirmed(self.texts.list(&uncertain)));
        }
        push_outcome('✗', &line, out);
    }

    fn why_failed(&self, reason: FailReason) -> String {
        let t = self.texts.say();
        match reason {
            FailReason::QueueFull => t.reason_queue_full(),
            FailReason::Left => t.reason_left(),
            FailReason::Lost => t.reason_lost(),
            FailReason::Replaced => t.reason_replaced(),
            FailReason::TimedOut => t.reason_timed_out(),
            FailReason::Leaving => t.reason_leaving(),
            FailReason::Refused => t.reason_refused(),
            FailReason::Misbehaved => t.reason_misbehaved(),
            FailReason::Incompatible => t.reason_incompatible(),
            FailReason::NoAddress => t.reason_no_address(),
            FailReason::TooManySessions => t.reason_too_many_sessions(),
            _ => reason.as_str().to_owned(),
        }
    }

    fn why_unconfirmed(&self, reason: UnconfirmedReason) -> String {
        let t = self.texts.say();
        match reason {
            UnconfirmedReason::Left => t.reason_left(),
            UnconfirmedReason::Lost => t.reason_lost(),
            UnconfirmedReason::Replaced => t.reason_replaced(),
            UnconfirmedReason::TimedOut => t.reason_timed_out(),
            UnconfirmedReason::Leaving => t.reason_leaving(),
            UnconfirmedReason::Misbehaved => t.reason_misbehaved(),
            _ => reason.as_str().to_owned(),
        }
    }

    fn excerpt(&self, sent: Option<&SentMessage>) -> String {
        let t = self.texts.say();
        sent.map_or_else(|| t.excerpt_forgotten(), |sent| t.excerpt(&sent.excerpt))
    }

    fn roster(&self, online: &[OnlineUser], out: &mut String) {
        let t = self.texts.say();
        if online.is_empty() {
            return push(out, format_args!("{}\n", t.roster_empty()));
        }
        push(out, format_args!("{}\n", t.roster_count(online.len())));
        for OnlineUser { user, address, since } in online {
            let row = t.roster_row(self.name(user), address.to_string(), self.time(*since));
            push(out, format_args!("  {row}\n"));
        }
    }

    /// `HH:MM:SS` in the given time zone.
    fn time(&self, at: Timestamp) -> String {
        let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        time.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    fn name(&self, user: &UserName) -> String {
        let shown = isolated(user.as_str(), self.reader);
        match self.colour {
            Colour::None => shown.into_owned(),
            Colour::Names => format!("\x1b[{}m{shown}\x1b[0m", colour_of(user)),
        }
    }
}

/// Appends an outcome, below the time of the message that was typed.
fn push_outcome(mark: char, line: &str, out: &mut String) {
    push(out, format_args!("         {mark} {line}\n"));
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
    use chat_core::message::{FailReason, Message, Outcome, Scope, SentAt, UnconfirmedReason};
    use chat_core::presence::{Presence, PresenceEvent};
    use chat_core::text::TextError;
    use jiff::tz::Offset;

    use super::*;
    use crate::input_error::InputError;
    use crate::texts::Language;
    use crate::view::Notice;
    use crate::view::samples::{AT, ID, address, message, name, online, report, text};

    fn shown(event: &ViewEvent) -> String {
        shown_in(Language::English, event)
    }

    fn shown_in(language: Language, event: &ViewEvent) -> String {
        let zone = TimeZone::fixed(Offset::constant(8));
        let text = TextRenderer { texts: Texts::new(language), zone, colour: Colour::None, reader: Reader::Other };
        let mut out = String::new();
        text.render(event, &mut out);
        out
    }

    fn roster(users: &[&str]) -> ViewEvent {
        ViewEvent::Roster { online: users.iter().map(|user| online(user)).collect() }
    }

    #[test]
    fn a_name_from_right_to_left_does_not_move_the_address_beside_it() {
        let show = |reader| {
            let text = TextRenderer { texts: Texts::default(), zone: TimeZone::UTC, colour: Colour::None, reader };
            let mut out = String::new();
            text.render(&roster(&["שלום", "עלי"]), &mut out);
            out
        };
        let plain = show(Reader::Other);
        assert!(!plain.contains('\u{2068}'), "{plain}");
        let isolated = plain.replace("שלום", "\u{2068}שלום\u{2069}").replace("עלי", "\u{2068}עלי\u{2069}");
        assert_eq!(show(Reader::Terminal), isolated);
    }

    #[test]
    fn messages_show_time_sender_and_recipient() {
        let me = name("alice");
        let show = |message: &Message, body: &str| shown(&ViewEvent::message(message, text(body), &me));
        assert_eq!(show(&message("小明", Scope::Group, "hi"), "hi"), "12:28:00 小明 → everyone: hi\n");
        assert_eq!(show(&message("bob", Scope::Private, "hi"), "hi"), "12:28:00 bob → you: hi\n");
        let mut late = message("bob", Scope::Group, "x");
        late.sent_at = SentAt::Arrival(AT + Duration::from_secs(1));
        assert_eq!(show(&late, "x"), "12:28:01~ bob → everyone: x\n");
    }

    #[test]
    fn a_text_cannot_forge_a_line() {
        let forged = "hi\n12:28:01 carol → you: send me money\n";
        let message = message("bob", Scope::Group, forged);
        assert_eq!(
            shown(&ViewEvent::message(&message, text(forged), &name("alice"))),
            "12:28:00 bob → everyone: hi\n         │ 12:28:01 carol → you: send me money\n         │ \n"
        );
    }

    #[test]
    fn the_welcome_line_names_some_users_and_counts_the_rest() {
        let welcome = |online: &[OnlineUser]| {
            let (user, online) = (name("alice"), online.to_vec());
            shown(&ViewEvent::Welcome { user, session: SessionId::new(1), at: AT, online })
        };
        assert_eq!(welcome(&[]), "12:28:00 * you are alice; nobody else is online\n");
        assert_eq!(welcome(&[online("bob"), online("小明")]), "12:28:00 * you are alice; 2 online: bob, 小明\n");
        let many: Vec<OnlineUser> = (0..22).map(|number| online(&format!("u{number}"))).collect();
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
            assert_eq!(shown(&PresenceEvent::new(AT, name("bob"), presence).into()), line);
        }
        assert_eq!(shown(&roster(&["bob"])), "1 online\n  bob 192.168.1.7:40001 since 12:28:00\n");
        assert_eq!(shown(&roster(&[])), "nobody else is online\n");
    }

    #[test]
    fn outcomes_name_the_message_only_if_it_was_not_delivered() {
        let to_bob = SentMessage::new(Recipient::One(name("bob")), &text("hello"));
        let to_all = SentMessage::new(Recipient::Everyone, &text("hello"));
        let timed_out = Outcome::Unconfirmed(UnconfirmedReason::TimedOut);
        let one = |outcome, sent: &SentMessage| shown(&ViewEvent::outcome(report("bob", outcome), Some(sent.clone())));
        assert_eq!(one(Outcome::Delivered, &to_bob), "         ✓ bob\n");
        assert_eq!(
            one(Outcome::Failed(FailReason::QueueFull), &to_bob),
            "         ✗ bob did not receive \"hello\": queue full\n"
        );
        assert_eq!(one(timed_out, &to_bob), "         ✗ bob may not have received \"hello\": timed out\n");
        assert_eq!(one(timed_out, &to_all), "");
        let all = |delivered, failed: &[(UserName, Outcome)]| {
            shown(&ViewEvent::summary(ID, delivered, failed.to_vec(), to_all.clone()))
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
        let text =
            TextRenderer { texts: Texts::default(), zone: TimeZone::UTC, colour: Colour::None, reader: Reader::Other };
        let mut out = String::new();
        let error = ViewEvent::Error { error: InputError::ToOneself, reference: None };
        assert_eq!(text.render(&error, &mut out), Stream::Diagnostics);
        assert_eq!(text.render(&Notice::Reconnected.into(), &mut out), Stream::Diagnostics);
        assert_eq!(
            out,
            "error: you cannot send a message to yourself; name another user\nnote: connected to the server again\n"
        );
    }

    #[test]
    fn events_are_shown_in_the_chosen_language() {
        let presence = |presence| PresenceEvent::new(AT, name("小明"), presence);
        let to_all = SentMessage::new(Recipient::Everyone, &text("大家好"));
        let failed = |user, reason| (name(user), Outcome::Failed(reason));
        for (event, line) in [
            (presence(Presence::Online(address())).into(), "12:28:00 * 小明 上线了，地址 192.168.1.7:40001\n"),
            (presence(Presence::Offline(OfflineReason::Lost)).into(), "12:28:00 * 小明 下线了：连接中断\n"),
            (
                ViewEvent::message(&message("bob", Scope::Private, "hi"), text("hi"), &name("小明")),
                "12:28:00 bob → 你: hi\n",
            ),
            (
                ViewEvent::summary(
                    ID,
                    1,
                    vec![failed("bob", FailReason::QueueFull), failed("小红", FailReason::Left)],
                    to_all,
                ),
                "         ✗ 1/3 已送达：“大家好”；失败：bob（队列已满）、小红（已下线）\n",
            ),
            (Notice::Waiting { outcomes: 2 }.into(), "提示：正在等待 2 个尚未确定的结果；按 Ctrl-C 立即退出\n"),
            (
                ViewEvent::Error { error: TextError::Empty.into(), reference: None },
                "错误：内容为空；请输入要发送的内容\n",
            ),
        ] {
            assert_eq!(shown_in(Language::Chinese, &event), line);
        }
    }

    #[test]
    fn only_names_are_coloured_and_a_name_keeps_its_colour() {
        let text = TextRenderer {
            texts: Texts::default(),
            zone: TimeZone::UTC,
            colour: Colour::Names,
            reader: Reader::Terminal,
        };
        let mut out = String::new();
        text.render(&roster(&["bob", "Bob"]), &mut out);
        let escapes: Vec<&str> = out.split('\x1b').skip(1).collect();
        assert_eq!(escapes.len(), 4);
        assert_eq!(escapes[0].replace("bob", "Bob"), escapes[2]);
        assert!(escapes[1].starts_with("[0m 192.168.1.7"), "{out:?}");
    }
}
