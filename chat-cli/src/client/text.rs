//! Text output: lines for people.
//!
//! The first line of a text begins with a time and its sender's name, and each further line with a mark. Thus no text can
//! imitate a line of the program or of another user.

mod roster;

use std::fmt::Write as _;
use std::net::SocketAddr;

use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_core::presence::OfflineReason;
use chat_core::roster::Entry;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use clap::ValueEnum;
use jiff::Zoned;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::crowd::Gathering;
use super::line::ACTION;
use super::mention::mentions;
use super::printable::printable;
use crate::isolate::{Reader, isolated};
use crate::texts::{Localised, Texts};
use crate::view::{MessageOutcome, OnlineUser, SentMessage, UserOutcome, ViewEvent};

/// Whether lines are coloured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Colour {
    /// Each name has a colour, and lines about users who come and go are grey.
    On,
    /// No colours.
    Off,
}

/// When lines are coloured. The names are the values of `--color`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ColorChoice {
    /// At a terminal that can show colours, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Whether the terminal rings at a message to the user alone, or one that names the user after `@`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bell {
    /// It rings.
    On,
    /// It does not.
    Off,
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
    /// Whether lines are coloured.
    pub colour: Colour,
    /// Whether the terminal rings.
    pub bell: Bell,
    /// The reader of the lines. Lines for another program do not depend on what came before them.
    pub reader: Reader,
    /// The number of columns of the terminal. Without a terminal there is no limit.
    pub columns: fn() -> usize,
    /// The user of this client, once the session has begun.
    me: Option<UserName>,
    /// The latest day of the lines so far.
    day: Option<Date>,
}

/// The most names in the welcome line. More would push everything else off the screen.
const WELCOME_NAMES: usize = 20;

/// The most names in a line about many arrivals or departures: enough to recognise the group.
const CROWD_NAMES: usize = 8;

/// The column of the mark beside an own line: after the time, whose digits are one column wide in every terminal.
pub const MARK_COLUMN: usize = "00:00:00 ".len();

/// Rings the bell of the terminal.
const BELL: char = '\x07';

/// The mark before each further line of a text.
const CONTINUATION: &str = "         │ ";

impl TextRenderer {
    /// A renderer of lines for this reader, without colours and bell.
    pub const fn new(texts: Texts, zone: TimeZone, reader: Reader) -> Self {
        let (colour, bell) = (Colour::Off, Bell::Off);
        Self { texts, zone, colour, bell, reader, columns: no_limit, me: None, day: None }
    }

    /// Appends an event as complete lines, and returns their stream. Some events append nothing.
    pub fn render(&mut self, event: &ViewEvent, out: &mut String) -> Stream {
        if let ViewEvent::Welcome { user, .. } = event {
            self.me = Some(user.clone());
        }
        if let Some(at) = event.shown_time() {
            self.begin_day(at, out);
        }
        self.render_event(event, out)
    }

    /// Appends a line with the date if this time is on a later day than the lines before. Lines for another program have
    /// none.
    fn begin_day(&mut self, at: Timestamp, out: &mut String) {
        let day = self.zoned(at).date();
        if self.reader == Reader::Terminal && self.day.is_some_and(|before| before < day) {
            let (year, month, day) =
                (day.year().to_string(), format!("{:02}", day.month()), format!("{:02}", day.day()));
            push(out, format_args!("{}\n", self.grey(&self.texts.say().date_line(year, month, day))));
        }
        self.day = self.day.max(Some(day));
    }

    fn render_event(&self, event: &ViewEvent, out: &mut String) -> Stream {
        let t = self.texts.say();
        match event {
            ViewEvent::Welcome { user, at, online, .. } => self.event(*at, &self.welcome(user, online), out),
            ViewEvent::Online { user, address, at } => {
                let user = self.plain(user);
                let sentence = match shown_address(*address) {
                    Some(address) => t.user_online(user, address.to_string()),
                    None => t.user_online_hidden(user),
                };
                self.presence(*at, &sentence, out);
            }
            ViewEvent::Offline { user, reason, at } => self.presence(*at, &self.offline(user, *reason), out),
            ViewEvent::Replaced { user, address, at } => {
                let user = self.name(user);
                let sentence = match shown_address(*address) {
                    Some(address) => t.user_replaced(user, address.to_string()),
                    None => t.user_replaced_hidden(user),
                };
                self.event(*at, &sentence, out);
            }
            ViewEvent::Moved { user, address, at } => {
                self.event(*at, &t.user_moved(self.name(user), address.to_string()), out);
            }
            ViewEvent::Away { user, away, at } if away.is_empty() => {
                self.presence(*at, &t.user_away_silent(self.plain(user)), out);
            }
            ViewEvent::Away { user, away, at } => {
                self.presence(*at, &t.user_away(self.plain(user), isolated(away.as_str(), self.reader)), out);
            }
            ViewEvent::Back { user, at } => self.presence(*at, &t.user_back(self.plain(user)), out),
            ViewEvent::Message { from, to, text, sent_at, sent_at_is, .. } => {
                let mark = if sent_at_is.is_some() { "~" } else { "" };
                if self.rings(to, text.as_str()) {
                    out.push(BELL);
                }
                let to = if *to == Recipient::Everyone { t.to_everyone() } else { t.to_you() };
                let (time, from) = (self.time(*sent_at), self.name(from));
                // No other line has an arrow after its time.
                let text = match text.as_str().strip_prefix(ACTION) {
                    Some(action) => {
                        push(out, format_args!("{time}{mark} → {to} * {from} "));
                        action
                    }
                    None => {
                        push(out, format_args!("{time}{mark} {from} → {to}: "));
                        text.as_str()
                    }
                };
                push_indented(text, out);
            }
            // The line that was typed is still on the screen, and its outcome follows. Notices tell what matters of ways.
            ViewEvent::Sent { .. } | ViewEvent::Link { .. } => {}
            ViewEvent::Outcome { outcome, sent, .. } => self.outcome(outcome, sent.as_ref(), out),
            ViewEvent::Summary { delivered, failed, sent, .. } => self.summary(*delivered, failed, sent, out),
            ViewEvent::Roster { online } => self.roster(online, out),
            ViewEvent::Info { at, delivered, failed, outstanding, sent, .. } => {
                self.info(*at, delivered, failed, outstanding, sent, out);
            }
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

    /// A message of the user with its time, with room for a mark: one line. `None` if the text has several.
    pub(super) fn own_line(&self, to: &Recipient, text: &Text, at: Timestamp) -> Option<String> {
        let text = text.as_str();
        if text.contains(['\n', '\t']) {
            return None;
        }
        let to = match to {
            Recipient::Everyone => String::new(),
            Recipient::One(user) => format!("→ {}: ", self.name(user)),
            other => format!("→ {other}: "),
        };
        let text = match (text.strip_prefix(ACTION), &self.me) {
            (Some(action), Some(me)) => format!("* {} {action}", self.name(me)),
            _ => text.to_owned(),
        };
        let time = format!("{:MARK_COLUMN$}", self.time(at));
        Some(format!("{time}  {to}{text}"))
    }

    /// A line about users.
    fn event(&self, at: Timestamp, sentence: &str, out: &mut String) {
        push(out, format_args!("{} * {sentence}\n", self.time(at)));
    }

    /// A line about a user who comes or goes.
    fn presence(&self, at: Timestamp, sentence: &str, out: &mut String) {
        push(out, format_args!("{}\n", self.grey(&format!("{} * {sentence}", self.time(at)))));
    }

    /// Appends one line for many arrivals and departures.
    pub(super) fn crowd(&mut self, crowd: &Gathering, out: &mut String) -> Stream {
        self.begin_day(crowd.at, out);
        let t = self.texts.say();
        let arrived = t.crowd_online(crowd.online.len(), self.some_of(&crowd.online));
        let left = t.crowd_offline(crowd.offline.len(), self.some_of(&crowd.offline));
        let sentence = match (crowd.online.is_empty(), crowd.offline.is_empty()) {
            (false, true) => arrived,
            (true, _) => left,
            (false, false) => t.crowd_both(arrived, left),
        };
        self.presence(crowd.at, &sentence, out);
        Stream::Conversation
    }

    /// A list of the first of these users, and how many more there are.
    fn some_of(&self, users: &[UserName]) -> String {
        let names: Vec<String> = users.iter().take(CROWD_NAMES).map(|user| self.plain(user)).collect();
        let list = self.texts.list(&names);
        match users.len() - names.len() {
            0 => list,
            more => self.texts.say().some_and_more(list, more),
        }
    }

    /// Whether the terminal rings at a message.
    fn rings(&self, to: &Recipient, text: &str) -> bool {
        self.bell == Bell::On
            && self.reader == Reader::Terminal
            && (*to != Recipient::Everyone || self.me.as_ref().is_some_and(|me| mentions(text, me)))
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
        let (t, user) = (self.texts.say(), self.plain(user));
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
                ('✗', t.outcome_failed(user, self.excerpt(sent), reason.text(&self.texts)))
            }
            MessageOutcome::Unconfirmed { reason } => {
                ('✗', t.outcome_unconfirmed(user, self.excerpt(sent), reason.text(&self.texts)))
            }
        };
        push_outcome(mark, &line, out);
    }

    fn summary(&self, delivered: usize, failed: &[UserOutcome], sent: &SentMessage, out: &mut String) {
        let (t, all) = (self.texts.say(), delivered + failed.len());
        if failed.is_empty() {
            return push_outcome('✓', &t.summary_delivered(delivered, all), out);
        }
        let [certain, uncertain] = self.with_reasons(failed);
        let mut line = t.summary_not_delivered(delivered, all, self.excerpt(Some(sent)));
        if !certain.is_empty() {
            line.push_str(&t.summary_failed(self.texts.list(&certain)));
        }
        if !uncertain.is_empty() {
            line.push_str(&t.summary_unconfirmed(self.texts.list(&uncertain)));
        }
        push_outcome('✗', &line, out);
    }

    /// Those for whom a message failed, and those for whom it is unconfirmed.
    fn with_reasons(&self, failed: &[UserOutcome]) -> [Vec<String>; 2] {
        let [mut certain, mut uncertain] = [const { Vec::new() }; 2];
        for UserOutcome { user, outcome } in failed {
            let (users, reason) = match outcome {
                MessageOutcome::Delivered => continue,
                MessageOutcome::Failed { reason } => (&mut certain, reason.text(&self.texts)),
                MessageOutcome::Unconfirmed { reason } => (&mut uncertain, reason.text(&self.texts)),
            };
            users.push(self.texts.say().user_with_reason(self.name(user), reason));
        }
        [certain, uncertain]
    }

    fn info(
        &self,
        at: Timestamp,
        delivered: &[UserName],
        failed: &[UserOutcome],
        outstanding: &[UserName],
        sent: &SentMessage,
        out: &mut String,
    ) {
        let t = self.texts.say();
        let to = match &sent.to {
            Recipient::Everyone => t.to_everyone(),
            Recipient::One(user) => self.name(user),
            other => other.to_string(),
        };
        push(out, format_args!("{}\n", t.info_message(self.excerpt(Some(sent)), to, self.time(at))));
        let names = |users: &[UserName]| users.iter().map(|user| self.name(user)).collect::<Vec<_>>();
        let [certain, uncertain] = self.with_reasons(failed);
        let (delivered, outstanding) = (names(delivered), names(outstanding));
        let mut line = |mark, users: &[String], say: fn(&Texts, String) -> String| {
            if !users.is_empty() {
                push_outcome(mark, &say(&self.texts, self.texts.list(users)), out);
            }
        };
        line('✓', &delivered, |texts, users| texts.say().info_delivered(users));
        line('✗', &certain, |texts, users| texts.say().info_failed(users));
        line('?', &uncertain, |texts, users| texts.say().info_unconfirmed(users));
        line('…', &outstanding, |texts, users| texts.say().info_outstanding(users));
    }

    fn excerpt(&self, sent: Option<&SentMessage>) -> String {
        let t = self.texts.say();
        sent.map_or_else(|| t.excerpt_forgotten(), |sent| t.excerpt(&sent.excerpt))
    }

    /// `HH:MM:SS` in the given time zone.
    fn time(&self, at: Timestamp) -> String {
        self.zoned(at).strftime("%H:%M:%S").to_string()
    }

    fn zoned(&self, at: Timestamp) -> Zoned {
        let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
        time.to_zoned(self.zone.clone())
    }

    fn name(&self, user: &UserName) -> String {
        let shown = self.plain(user);
        match self.colour {
            Colour::Off => shown,
            Colour::On => format!("\x1b[{}m{shown}\x1b[0m", colour_of(user)),
        }
    }

    /// A name without its colour.
    fn plain(&self, user: &UserName) -> String {
        isolated(user.as_str(), self.reader).into_owned()
    }

    fn grey(&self, line: &str) -> String {
        /// Faint: a dark grey could be the colour of the background.
        const FAINT: u8 = 2;
        match self.colour {
            Colour::Off => line.to_owned(),
            Colour::On => format!("\x1b[{FAINT}m{line}\x1b[0m"),
        }
    }
}

/// The address of a user, unless the user hides it.
fn shown_address(address: SocketAddr) -> Option<SocketAddr> {
    (address != Entry::HIDDEN_ADDRESS).then_some(address)
}

const fn no_limit() -> usize {
    usize::MAX
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
mod tests;
