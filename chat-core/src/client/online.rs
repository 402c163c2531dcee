//! After the welcome: roster, heartbeats, tickets, and what the user wants.

use super::Client;
use super::copy::{History, Need};
use super::fate::Trouble;
use super::io::{Event, Output, PasswordChangeError};
use super::requests;
use super::state::{Online, PasswordChange, State, Ticket};
use crate::id::{Epoch, Revision};
use crate::password::Password;
use crate::roster::RosterVersion;
use crate::time::Now;
use crate::wire::control::{Offer, Reply, Request, WelcomeKind};
use crate::wire::rejection::Rejection;

impl Client {
    /// One reply of a server that has said welcome.
    pub(super) fn told(&mut self, now: Now, reply: Reply, out: &mut Vec<Output>) -> Result<(), Trouble> {
        let State::Online(online) = &mut self.state else { return Ok(()) };
        let until = now.mono + self.config.answer_timeout;
        match reply {
            Reply::SnapshotPage(page) => self.copy.page(page, until).map_err(Trouble::Protocol),
            Reply::SnapshotComplete { epoch, revision } => self.complete(now, epoch, revision, out),
            Reply::Update(update) => {
                let need = self.copy.update(update, until, out).map_err(Trouble::Protocol)?;
                self.arrive(now, out);
                ask(need, out);
                Ok(())
            }
            Reply::Heartbeat { number, at } => {
                if let Some(sent) = online.pulse.answered(number) {
                    self.clock.note(sent, now, at);
                    self.copy.hope(until);
                }
                Ok(())
            }
            Reply::Ticket(ticket) => {
                online.session.ticket = Ticket::new(ticket).map_err(Trouble::Protocol)?;
                Ok(())
            }
            Reply::PasswordChange(result) => {
                if std::mem::replace(&mut online.password_change, PasswordChange::None) == PasswordChange::None {
                    return Err(Trouble::Protocol("it answered a change of password that nobody asked for"));
                }
                let result = result.map_err(PasswordChangeError::Rejected);
                out.push(Output::Event(Event::PasswordChange(result)));
                Ok(())
            }
            Reply::Rejected(rejection @ Rejection::Addresses) if let Some(before) = online.moved_from.take() => {
                self.offer = before;
                out.push(Output::Event(Event::MoveRejected(rejection)));
                Ok(())
            }
            Reply::Rejected(rejection) => Err(Trouble::Rejected(rejection)),
            Reply::Ended(ended) => Err(Trouble::Ended(ended)),
            Reply::Welcome(_) => Err(Trouble::Protocol("it said welcome twice")),
        }
    }

    fn complete(&mut self, now: Now, epoch: Epoch, revision: Revision, out: &mut Vec<Output>) -> Result<(), Trouble> {
        let at = self.clock.server_time(now);
        let until = now.mono + self.config.answer_timeout;
        let before = self.copy.history();
        let step = RosterVersion { epoch, revision };
        let need = self.copy.complete(now.mono, at, step, until, out).map_err(Trouble::Protocol)?;
        if before == History::Empty {
            out.push(Output::Event(Event::Online { at }));
        }
        self.arrived(out);
        ask(need, out);
        Ok(())
    }

    /// Whoever had a roster already arrives as soon as that is in step. If settling is over by then, that decides about
    /// those in doubt, as a fresh copy would.
    pub(super) fn arrive(&mut self, now: Now, out: &mut Vec<Output>) {
        if let State::Online(Online { arrival: Some(_), .. }) = &self.state
            && self.copy.is_in_step()
        {
            self.copy.settle(now.mono, self.clock.server_time(now), out);
            self.arrived(out);
        }
    }

    fn arrived(&mut self, out: &mut Vec<Output>) {
        let State::Online(online) = &mut self.state else { return };
        let Some(kind) = online.arrival.take() else { return };
        if matches!(kind, WelcomeKind::Continued | WelcomeKind::Fresh) {
            out.push(Output::Event(Event::Reconnected));
        }
        self.backoff.reset();
    }

    /// The time of a heartbeat, of a silence that was too long, or of the end of settling.
    pub(super) fn tick_online(&mut self, now: Now, out: &mut Vec<Output>) -> Result<(), Trouble> {
        let State::Online(online) = &mut self.state else { return Ok(()) };
        if online.pulse.is_broken(now.mono) || self.copy.is_overdue(now.mono) {
            return Err(Trouble::AnswerTimedOut);
        }
        if online.pulse.is_due(now.mono) {
            out.push(requests::beat(online.pulse.beat(now)));
        }
        self.copy.settle(now.mono, self.clock.server_time(now), out);
        Ok(())
    }

    /// The user wants another password.
    pub(super) fn change_password(&mut self, old: &Password, new: &Password, out: &mut Vec<Output>) {
        match (self.state.may_change_password(), &mut self.state) {
            (Ok(()), State::Online(online)) => {
                online.password_change = PasswordChange::Asked;
                out.push(Output::Send(requests::change_password(old, new)));
            }
            (Ok(()), _) => {}
            (Err(error), _) => out.push(Output::Event(Event::PasswordChange(Err(error)))),
        }
    }

    /// The driver found other addresses.
    pub(super) fn moved(&mut self, mut offer: Offer, out: &mut Vec<Output>) {
        offer.addresses.truncate(Offer::MAX_ADDRESSES);
        let before = std::mem::replace(&mut self.offer, offer);
        if let State::Online(online) = &mut self.state {
            online.moved_from = Some(before);
            out.push(Output::Send(requests::request(&Request::Move(self.offer.clone()))));
        }
    }
}

fn ask(need: Need, out: &mut Vec<Output>) {
    if need == Need::FreshCopy {
        out.push(Output::Send(requests::request(&Request::Refresh)));
    }
}
