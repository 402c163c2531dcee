//! Own lines: from a draft to the outcome of each recipient.

use std::sync::Arc;

use chat_cli::texts::WindowSentence;
use chat_core::id::MessageId;
use chat_core::message::{Recipient, Report};
use chat_core::name::UserName;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_net::client::SendError;

use super::Session;
use crate::model::conversation::{Line, LineId, Partner, What};
use crate::model::exchange::Wish;
use crate::model::outcome::{State, Tally};

impl Session {
    /// Whether a text to this partner has a recipient.
    pub fn can_send_to(&self, partner: &Partner) -> Result<(), WindowSentence> {
        match partner {
            Partner::One(user) if !self.roster.is_online(user) => {
                Err(WindowSentence::UserAbsent { user: user.as_str().to_owned() })
            }
            _ => Ok(()),
        }
    }

    /// Sends the draft of the open conversation. It stays if it breaks a rule.
    pub fn send(&mut self, now: Timestamp) -> Option<Wish> {
        let partner = self.open.clone();
        if self.end.is_some() || self.can_send_to(&partner).is_err() {
            return None;
        }
        let conversation = self.open_conversation();
        let text = Text::parse(conversation.draft.trim_end()).ok()?;
        conversation.draft.clear();
        conversation.remark = None;
        let shown: Arc<str> = text.as_str().into();
        conversation.last_sent = Some(shown.clone());
        conversation.new_from = None;
        let line = self.add(&partner, now, What::Own(shown, State::Sent(Tally::default())));
        self.waiting.insert(line, partner.clone());
        let to = match partner {
            Partner::Everyone => Recipient::Everyone,
            Partner::One(user) => Recipient::One(user),
        };
        Some(Wish::Send { line, to, text })
    }

    /// Notes that a line was sent.
    pub fn queued(&mut self, line: LineId, id: MessageId, recipients: usize, at: Timestamp) {
        let Some(partner) = self.waiting.remove(&line) else { return };
        if let Some(shown) = self.own_line(&partner, line) {
            shown.at = at;
            if let What::Own(_, State::Sent(tally)) = &mut shown.what {
                tally.recipients = Some(recipients);
            }
        }
        if recipients > 0 {
            self.outstanding.insert(id, (partner, line));
        }
    }

    /// Notes that a line was not sent.
    pub fn not_sent(&mut self, line: LineId, error: SendError) {
        let Some(partner) = self.waiting.remove(&line) else { return };
        if let Some(Line { what: What::Own(_, state), .. }) = self.own_line(&partner, line) {
            *state = State::NotSent(error);
        }
    }

    /// The users who certainly did not get an own line of the open conversation, and are online now.
    pub fn certainly_failed(&mut self, line: LineId) -> Vec<UserName> {
        let open = self.open.clone();
        let Some(Line { what: What::Own(_, State::Sent(tally)), .. }) = self.own_line(&open, line) else {
            return Vec::new();
        };
        let failed: Vec<UserName> = tally.failed.iter().map(|(user, _)| user.clone()).collect();
        failed.into_iter().filter(|user| self.end.is_none() && self.roster.is_online(user)).collect()
    }

    /// Sends a line of the open conversation again, to each who certainly did not get it.
    pub fn send_again(&mut self, line: LineId, now: Timestamp) -> Vec<Wish> {
        let (open, users) = (self.open.clone(), self.certainly_failed(line));
        let Some(Line { what: What::Own(shown, State::Sent(tally)), .. }) = self.own_line(&open, line) else {
            return Vec::new();
        };
        let Ok(text) = Text::parse(shown) else { return Vec::new() };
        let shown = Arc::clone(shown);
        // Their outcomes are those of the new lines from now on.
        tally.failed.retain(|(user, _)| !users.contains(user));
        tally.resent += users.len();
        let send = |user: UserName| {
            let partner = Partner::One(user.clone());
            let line = self.add(&partner, now, What::Own(Arc::clone(&shown), State::Sent(Tally::default())));
            self.waiting.insert(line, partner);
            Wish::Send { line, to: Recipient::One(user), text: text.clone() }
        };
        users.into_iter().map(send).collect()
    }

    pub(super) fn report(&mut self, report: Report) {
        let Some((partner, line)) = self.outstanding.get(&report.id).cloned() else { return };
        let Report { id, user, outcome, elapsed, .. } = report;
        let mut is_complete = true;
        if let Some(Line { what: What::Own(_, State::Sent(tally)), .. }) = self.own_line(&partner, line) {
            tally.add(user, outcome, elapsed);
            is_complete = tally.is_complete();
        }
        if is_complete {
            self.outstanding.remove(&id);
        }
    }

    fn own_line(&mut self, partner: &Partner, line: LineId) -> Option<&mut Line> {
        self.conversations.get_mut(partner)?.own_line(line)
    }
}
