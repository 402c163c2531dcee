//! After the welcome: the roster, heartbeats, tickets and the user's commands.

use super::Client;
use super::io::{Event, Output, PasswordChangeError};
use super::local_roster::{FirstSnapshot, Resync};
use super::requests;
use super::retry::Failure;
use super::state::{Online, PasswordChange, State, Ticket};
use crate::away::AwayText;
use crate::password::Password;
use crate::roster::RosterVersion;
use crate::time::Now;
use crate::wire::control::{Offer, Reply, Request, WelcomeKind};
use crate::wire::rejection::Rejection;

impl Client {
    /// A reply that arrives after the welcome.
    pub(super) fn handle_reply(&mut self, now: Now, reply: Reply, out: &mut Vec<Output>) -> Result<(), Failure> {
        let State::Online(online) = &mut self.state else { return Ok(()) };
        let deadline = now.mono + self.config.reply_timeout;
        match reply {
            Reply::SnapshotPage(page) => self.roster.add_page(page, deadline).map_err(Failure::Protocol),
            Reply::SnapshotComplete { epoch, revision } => {
                self.complete_snapshot(now, RosterVersion { epoch, revision }, out)
            }
            Reply::Update(update) => {
                let resync = self.roster.update(update, deadline, out).map_err(Failure::Protocol)?;
                self.check_in_sync(now, out);
                request_snapshot(resync, out);
                Ok(())
            }
            Reply::Heartbeat { number, at } => {
                if let Some(sent) = online.heartbeat.take_answered(number) {
                    self.clock.add_round_trip(sent, now, at);
                    self.roster.extend_within_limit(deadline);
                }
                Ok(())
            }
            Reply::Ticket(ticket) => {
                online.session.ticket = Ticket::new(ticket).map_err(Failure::Protocol)?;
                Ok(())
            }
            Reply::PasswordChange(result) => {
                if std::mem::replace(&mut online.password_change, PasswordChange::Idle) == PasswordChange::Idle {
                    return Err(Failure::Protocol("the server answered a password change that was not requested"));
                }
                let result = result.map_err(PasswordChangeError::Rejected);
                out.push(Output::Event(Event::PasswordChange(result)));
                Ok(())
            }
            Reply::Rejected(rejection @ Rejection::Addresses) if let Some(before) = online.previous_offer.take() => {
                self.offer = before;
                out.push(Output::Event(Event::MoveRejected(rejection)));
                Ok(())
            }
            Reply::Rejected(rejection) => Err(Failure::Rejected(rejection)),
            Reply::Ended(ended) => Err(Failure::Ended(ended)),
            // The driver passes them to the peer machine.
            Reply::Relayed(_) => Ok(()),
            Reply::Welcome(_) => Err(Failure::Protocol("the server sent a second welcome")),
        }
    }

    fn complete_snapshot(&mut self, now: Now, version: RosterVersion, out: &mut Vec<Output>) -> Result<(), Failure> {
        let at = self.clock.server_time(now);
        let deadline = now.mono + self.config.reply_timeout;
        let first_snapshot = self.roster.first_snapshot();
        let resync = self.roster.complete_snapshot(now.mono, at, version, deadline, out).map_err(Failure::Protocol)?;
        if first_snapshot == FirstSnapshot::Missing {
            out.push(Output::Event(Event::Online { at }));
        }
        self.finish_sync(out);
        request_snapshot(resync, out);
        Ok(())
    }

    /// Reports the reconnect once the delta has been received. If settling ended meanwhile, removes the users that did
    /// not return first, as a snapshot would.
    pub(super) fn check_in_sync(&mut self, now: Now, out: &mut Vec<Output>) {
        if let State::Online(Online { syncing_since: Some(_), .. }) = &self.state
            && self.roster.is_in_sync()
        {
            self.roster.end_settling(now.mono, self.clock.server_time(now), out);
            self.finish_sync(out);
        }
    }

    fn finish_sync(&mut self, out: &mut Vec<Output>) {
        let State::Online(online) = &mut self.state else { return };
        let Some(kind) = online.syncing_since.take() else { return };
        if matches!(kind, WelcomeKind::Continued | WelcomeKind::Fresh) {
            out.push(Output::Event(Event::Reconnected));
        }
        self.backoff.reset();
    }

    /// Sends a heartbeat, detects a silent server, ends settling, and tells the server what is due.
    pub(super) fn tick_online(&mut self, now: Now, out: &mut Vec<Output>) -> Result<(), Failure> {
        let State::Online(online) = &mut self.state else { return Ok(()) };
        if online.heartbeat.is_broken(now.mono) || self.roster.is_overdue(now.mono) {
            return Err(Failure::ReplyTimedOut);
        }
        if online.heartbeat.is_due(now.mono) {
            out.push(requests::heartbeat(online.heartbeat.send(now)));
        }
        self.roster.end_settling(now.mono, self.clock.server_time(now), out);
        if self.away.due().is_some_and(|due| due <= now.mono) {
            self.send_away(now, out);
        }
        Ok(())
    }

    pub(super) fn change_password(&mut self, old: &Password, new: &Password, out: &mut Vec<Output>) {
        match (self.state.check_password_change(), &mut self.state) {
            (Ok(()), State::Online(online)) => {
                online.password_change = PasswordChange::Pending;
                out.push(Output::Send(requests::change_password(old, new)));
            }
            (Ok(()), _) => {}
            (Err(error), _) => out.push(Output::Event(Event::PasswordChange(Err(error)))),
        }
    }

    /// Tells the server whether the user is away, now or when that is permitted, if there is a connection and the server
    /// understands it.
    pub(super) fn send_away(&mut self, now: Now, out: &mut Vec<Output>) {
        if matches!(self.state, State::Online(_)) && self.supports_away() && self.away.take_turn(now.mono) {
            let away = self.away.text().map(AwayText::as_str);
            out.push(Output::Send(requests::request(&Request::SetAway(away))));
        }
    }

    /// Offers other addresses, now if there is a connection and with the next login otherwise.
    pub(super) fn change_offer(&mut self, mut offer: Offer, out: &mut Vec<Output>) {
        offer.addresses.truncate(Offer::MAX_ADDRESSES);
        let before = std::mem::replace(&mut self.offer, offer);
        if let State::Online(online) = &mut self.state {
            online.previous_offer = Some(before);
            out.push(Output::Send(requests::request(&Request::Move(self.offer.clone()))));
        }
    }
}

fn request_snapshot(resync: Resync, out: &mut Vec<Output>) {
    if resync == Resync::Needed {
        out.push(Output::Send(requests::request(&Request::Refresh)));
    }
}
