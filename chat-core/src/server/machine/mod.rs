//! The machine without its clock: takes inputs and connects the parts.
//!
//! Calls go in one direction: from this file to the requests of guests and of sessions, from there to the
//! [transitions](transitions), and from these to the parts.

mod addressing;
mod catching_up;
mod guest;
mod online;
mod proposing;
mod sharing;
mod stop;
mod transitions;

use std::net::SocketAddr;

pub(in crate::server) use self::transitions::{Then, Welcoming};
use super::account_watch::AccountWatch;
use super::addresses;
use super::away_changes::AwayChanges;
use super::connections::{Connections, State};
use super::cx::Cx;
use super::forwarders::Forwarders;
use super::hints::Hints;
use super::io::{Closed, Input, JobResult, Missed, Output};
use super::jobs::PendingJob;
use super::known_sources::KnownSources;
use super::limit::Limit;
use super::logins::Logins;
use super::membership::Membership;
use super::moves::Moves;
use super::shared::Shared;
use super::timer::Timer;
use super::void_tickets::VoidTickets;
use crate::id::{ConnId, JobId};
use crate::presence::OfflineReason;
use crate::time::Mono;
use crate::wire::control::{Purpose, Reply, Request};
use crate::wire::hello::Hello;
use crate::wire::rejection::Rejection;

/// The parts of the server machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) connections: Connections,
    pub(super) known_sources: KnownSources,
    pub(super) logins: Logins,
    pub(super) membership: Membership,
    pub(super) moves: Moves,
    pub(super) away_changes: AwayChanges,
    pub(super) forwarders: Forwarders,
    pub(super) accounts: AccountWatch,
    pub(super) void_tickets: VoidTickets,
    /// The end of the settling time.
    pub(super) settled_at: Mono,
    pub(super) phase: Phase,
    /// The journal that this server shares with others. `None` if it is alone.
    pub(super) shared: Option<Box<Shared>>,
}

/// Whether a request is judged for the first time, and counts against limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Judged {
    First,
    Again,
}

/// The phase of the server, from its start to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Phase {
    Serving,
    /// Until this time, the server finishes the registrations, password changes and reports of void tickets in flight.
    /// It accepts no other client.
    Stopping {
        by: Mono,
    },
    /// All further inputs are ignored.
    Stopped,
}

impl Machine {
    /// Handles an input.
    pub(super) fn handle(&mut self, cx: &mut Cx<'_>, input: Input<'_>) {
        match input {
            Input::Connected { conn, from } => self.connected(cx, conn, from),
            Input::Frame { conn, payload } => self.frame(cx, conn, payload),
            Input::Closed { conn, why } => self.closed(cx, conn, why),
            Input::Drained { conn, missed } => self.drained(conn, missed),
            Input::Done { job, result } => self.done(cx, job, result),
            Input::SetRegistration(policy) => self.logins.set_registration(policy),
            Input::Stop => self.begin_stop(cx),
            Input::Tick => self.tick(cx),
        }
        if self.shared.is_some() {
            self.drive_journal(cx);
        }
        self.publish(cx);
        self.stop_if_due(cx);
    }

    /// Whether nobody can log in, because the journal cannot be asked.
    fn is_journal_away(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| !shared.is_serving())
    }

    fn connected(&mut self, cx: &mut Cx<'_>, conn: ConnId, from: SocketAddr) {
        if self.connections.get(conn).is_some() {
            return;
        }
        if self.phase != Phase::Serving {
            return cx.out.push(Output::Close { conn });
        }
        let (now, known) = (cx.now.mono, &self.known_sources);
        let is_known = |source| known.contains(now, source);
        match self.connections.insert(conn, addresses::canonical(from), cx.config, is_known) {
            Ok(displaced) => {
                let until = cx.after(cx.config.login_time);
                cx.timers.set(Timer::Login(conn), until);
                if let Some(guest) = displaced {
                    cx.limit_reached(Limit::Guests);
                    // The client can read a rejection only after a hello.
                    if self.connections.get(guest).is_some_and(|guest| matches!(guest.state, State::Greeting)) {
                        cx.send_hello(guest);
                    }
                    self.close_rejected(cx, guest, Rejection::Full);
                }
            }
            Err(limit) => {
                cx.counts.add(Rejection::Full);
                cx.limit_reached(limit);
                // The client can read a rejection only after a hello.
                cx.send_hello(conn);
                cx.send(conn, &Reply::Rejected(Rejection::Full));
                cx.out.push(Output::Close { conn });
            }
        }
    }

    fn frame(&mut self, cx: &mut Cx<'_>, conn: ConnId, payload: &[u8]) {
        let Some(connection) = self.connections.get_mut(conn) else { return };
        if !connection.take_frame(cx.now.mono) {
            cx.limit_reached(Limit::Frames);
            return self.close_rejected(cx, conn, Rejection::TooManyRequests);
        }
        if matches!(connection.state, State::Greeting) {
            return self.greeting(cx, conn, payload);
        }
        let is_online = matches!(connection.state, State::Online(_));
        match Request::decode(payload) {
            Err(malformed) => self.close_rejected(cx, conn, malformed.into()),
            Ok(request) if is_online => self.online_request(cx, conn, request),
            Ok(request) => self.guest_request(cx, conn, request),
        }
    }

    fn greeting(&mut self, cx: &mut Cx<'_>, conn: ConnId, payload: &[u8]) {
        let Ok(theirs) = Hello::decode(payload) else {
            return self.close_rejected(cx, conn, Rejection::Malformed);
        };
        cx.send_hello(conn);
        // Without a common version, the client reports which side to update: with the server's hello it knows both
        // ranges.
        if Hello::OURS.agree(theirs).is_err() {
            self.close(cx, conn);
        } else if let Some(connection) = self.connections.get_mut(conn) {
            connection.state = State::Guest;
            connection.relay = theirs.features & Hello::RELAY != 0;
        }
    }

    fn closed(&mut self, cx: &mut Cx<'_>, conn: ConnId, why: Closed) {
        match (why, self.connections.online(conn).map(|online| online.account)) {
            (Closed::TooSlow, Some(account)) => {
                self.remove(cx, conn);
                self.end(cx, account, OfflineReason::TooSlow);
            }
            _ => self.detach(cx, conn),
        }
    }

    fn drained(&mut self, conn: ConnId, missed: Missed) {
        let publication = self.membership.publication_mut();
        publication.drained(conn);
        if missed == Missed::Changes && self.connections.online(conn).is_some() {
            publication.want_snapshot(conn);
        }
    }

    fn done(&mut self, cx: &mut Cx<'_>, job: JobId, result: JobResult) {
        let Some(pending) = cx.jobs.finish(job) else { return };
        match pending {
            PendingJob::Login { conn, purpose, from, attempt } => {
                let result = result.account();
                if purpose == Purpose::Register {
                    self.logins.registered(cx.now.mono, from, &result);
                }
                self.authenticated(cx, conn, purpose, attempt, result);
            }
            PendingJob::ChangePassword { conn, account, attempt } => {
                let result = result.account();
                self.logins.end_check(cx, attempt, &result);
                self.password_changed(cx, job, conn, account, result);
            }
            PendingJob::LookUp { conns } => self.looked_up(cx, conns, result.accounts()),
            PendingJob::Poll { at } => {
                let changed = self.accounts.polled(cx, at, result.accounts());
                self.accounts_changed(cx, changed);
            }
            PendingJob::Journal { run, numbers } => self.journal_done(cx, run, numbers, result.journal()),
            PendingJob::Hints => self.logins.hints_mut().into_iter().for_each(Hints::sent),
            PendingJob::Seen => self.accounts.reported(cx),
            PendingJob::VoidTickets { ids, until } => {
                self.void_tickets.reported(cx, &mut self.membership, &ids, until, result.voided());
            }
        }
    }

    fn tick(&mut self, cx: &mut Cx<'_>) {
        // Each timer comes up about once at most, even if an interval is configured as zero.
        for _ in 0..cx.timers.len() {
            let Some(timer) = cx.timers.pop(cx.now.mono) else { return };
            match timer {
                Timer::Login(conn) => {
                    cx.limit_reached(Limit::LoginTime);
                    self.close_rejected(cx, conn, Rejection::LoginTimeout);
                }
                Timer::Silence(conn) => self.close(cx, conn),
                Timer::Renew(conn) => self.renew_ticket(cx, conn),
                Timer::Refresh(conn) => self.membership.publication_mut().want_snapshot(conn),
                Timer::Move(conn) => self.move_deferred(cx, conn),
                Timer::Away(conn) => self.away_deferred(cx, conn),
                Timer::Grace(account) => self.end(cx, account, OfflineReason::Lost),
                Timer::Poll => self.accounts.poll(cx),
                Timer::Seen => {
                    let next = cx.after(cx.config.seen_interval);
                    cx.timers.set(Timer::Seen, next);
                    self.accounts.seen(cx, self.membership.accounts());
                }
                Timer::Proposal(conn) => self.stop_waiting(cx, conn),
                Timer::Round => self.round(cx),
                Timer::Rejoin => self.rejoin(cx),
                Timer::Hold => self.end_hold(cx),
                Timer::VoidTickets => self.void_tickets.retry(cx, &mut self.membership),
                // All are checked after every input.
                Timer::Publish | Timer::Journal | Timer::Stop => {}
            }
        }
    }

    /// Publishes what is due, and sends the snapshots that connections wait for.
    fn publish(&mut self, cx: &mut Cx<'_>) {
        let publication = self.membership.publication_mut();
        publication.publish_due(cx);
        let Some((frames, conns)) = publication.take_snapshot() else { return };
        let refresh_from = cx.after(cx.config.refresh_interval);
        for conn in conns {
            let Some(online) = self.connections.online(conn) else { continue };
            // The interval begins here, because only now does the client have something to read.
            online.refresh_from = refresh_from;
            cx.out.push(Output::Snapshot { conn, frames: frames.clone() });
        }
    }
}
