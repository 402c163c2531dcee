//! Shows the client's events.

use std::future::ready;

use chat_core::message::{Content, Scope};
use chat_core::presence::Presence;
use chat_net::client::{self, Event, LinkStatus, MessageToken, ReachMode, ReceivedMessage};
use tokio::time::Instant;

use super::ways::{Tier, Ways};
use super::{Conversation, End, Flow, ServerState};
use crate::client::screen::Batch;
use crate::error::CliError;
use crate::view::{Link, LinkTrouble, Notice, ViewEvent};

/// The most events in one write. Many, because each write waits for the screen. Not all, so that the senders of the
/// first messages do not wait until the last one is written.
const EVENTS_PER_WRITE: usize = 256;

impl Conversation {
    /// Shows an event and further ones that have already arrived. Then accepts the messages among them, because a
    /// message counts as delivered once its line is written.
    pub(super) async fn show_events(&mut self, first: Option<Event>) -> Result<Flow, CliError> {
        let (mut batch, mut written) = (Batch::default(), Vec::new());
        let mut next = first;
        let mut flow = Flow::Continue;
        for left in (0..EVENTS_PER_WRITE).rev() {
            let Some(event) = next else {
                flow = Flow::Stop(End::User);
                break;
            };
            flow = self.render(event, &mut batch, &mut written);
            // An event that is taken off the queue must be shown, so the last round takes none.
            if flow != Flow::Continue || left == 0 {
                break;
            }
            next = tokio::select! {
                biased;
                event = self.events.next() => event,
                () = ready(()) => break,
            };
        }
        if matches!(flow, Flow::Stop(_)) {
            self.ui.close_prompt();
        }
        self.ui.write(batch).await?;
        for token in written {
            self.client.accept(token);
        }
        Ok(flow)
    }

    fn render(&mut self, event: Event, batch: &mut Batch, written: &mut Vec<MessageToken>) -> Flow {
        match event {
            Event::Presence(event) => {
                // A user with other addresses or another session may be reachable there.
                self.troubles.remove(&event.user);
                if !matches!(event.presence, Presence::Moved(_)) {
                    self.told_away.remove(&event.user);
                    self.ways.forget(&event.user);
                }
                self.ui.render(&event.into(), batch);
            }
            Event::Away { at, user, away } => {
                self.told_away.remove(&user);
                // Otherwise an ignored user could still write to everyone.
                if !(self.ui.is_text() && self.ignored.contains(&user)) {
                    self.ui.render(&ViewEvent::away(user, away, at), batch);
                }
            }
            Event::Message(message) => self.render_message(&message, batch, written),
            Event::Report(report) => {
                let sent = self.outcomes.add_report(&report);
                if let Some(last) = &mut self.last_message {
                    last.add_report(&report);
                }
                self.ui.render(&ViewEvent::outcome(report, sent), batch);
            }
            Event::Summary { id, delivered, others } => {
                // A message without recipients was reported as such when it was typed.
                if let Some(sent) = self.outcomes.finish(id) {
                    self.ui.render(&ViewEvent::summary(id, delivered, others, sent), batch);
                }
            }
            Event::Way(status) => self.render_way(&status, batch),
            Event::Notice(notice) => self.render_notice(notice, batch),
            Event::Ended(reason) => {
                self.ui.render(&Notice::from(reason).into(), batch);
                return Flow::Stop(End::Server);
            }
            Event::Left => return Flow::Stop(End::User),
            // A kind that is newer than this program.
            _ => {}
        }
        Flow::Continue
    }

    /// Renders a text. Refuses bytes, which are for programs that know their meaning, and messages of ignored users, whose
    /// programs would otherwise report them as delivered.
    fn render_message(&mut self, message: &ReceivedMessage, batch: &mut Batch, written: &mut Vec<MessageToken>) {
        match message.content() {
            Content::Text(_) if self.ignored.contains(message.from()) => self.client.refuse(message.token()),
            Content::Text(text) => {
                if message.scope() == Scope::Private {
                    self.last_private = Some(message.from().clone());
                }
                self.ui.render(&ViewEvent::message(message.as_message(), text.clone(), self.client.user()), batch);
                written.push(message.token());
            }
            _ => self.client.refuse(message.token()),
        }
    }

    /// Renders the way that messages to a user take. People are told the difference between direct and relayed, and not if
    /// they have chosen it.
    fn render_way(&mut self, status: &LinkStatus, batch: &mut Batch) {
        if self.reach != ReachMode::Relay {
            let tier = if status.is_relayed() { Tier::Relayed } else { Tier::Direct };
            self.ways.note(Instant::now(), status.user(), tier);
        }
        // It has no line, and would only separate arrivals that share one.
        if !self.ui.is_text() {
            let (user, link, at) = (status.user().clone(), Link::from(status), status.since());
            self.ui.render(&ViewEvent::Link { user, link, at }, batch);
        }
    }

    /// Says to whom messages go through the server from now on, and to whom they no longer do.
    pub(super) async fn tell_ways(&mut self) -> Result<Flow, CliError> {
        for notice in self.ways.take(Instant::now()) {
            self.ui.show(&notice.into()).await?;
        }
        Ok(Flow::Continue)
    }

    /// Remembers for `/who` to whom messages do not arrive.
    fn note_trouble(&mut self, notice: &client::Notice) {
        let (user, trouble) = match notice {
            client::Notice::PeerUnresponsive(user) => (user, LinkTrouble::Silent),
            client::Notice::PeerWithoutAddress(user) => (user, LinkTrouble::NoAddress),
            client::Notice::PeerMisbehaved(user) => (user, LinkTrouble::Misbehaved),
            client::Notice::PeerResponsive(user) => {
                self.troubles.remove(user);
                return;
            }
            _ => return,
        };
        if self.client.roster().get(user).is_some() {
            self.troubles.insert(user.clone(), trouble);
        }
    }

    /// Renders a notice. People see only the first of several attempts to reconnect.
    fn render_notice(&mut self, notice: client::Notice, batch: &mut Batch) {
        let is_known = self.server == ServerState::Disconnected;
        match notice {
            client::Notice::Reconnecting { .. } if is_known && self.ui.is_text() => return,
            client::Notice::Reconnecting { .. } => self.server = ServerState::Disconnected,
            client::Notice::Reconnected => self.server = ServerState::Connected,
            // Its links start again.
            client::Notice::NewSession(_) => self.ways = Ways::default(),
            _ => {}
        }
        self.note_trouble(&notice);
        if let Some(mut notice) = Notice::of_connection(notice) {
            if let Notice::NoRelay { reach } = &mut notice {
                *reach = self.reach;
            }
            self.ui.render(&notice.into(), batch);
        }
    }
}
