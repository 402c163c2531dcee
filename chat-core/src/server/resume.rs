//! Coming back with a ticket: the account is looked up, and the session goes on, returns, or makes room for a new one.

use std::collections::{BTreeMap, BTreeSet};

use super::connection::{Checking, Newcomer};
use super::io::{Job, Output};
use super::jobs::Pending;
use super::sessions::Standing;
use super::tickets::Ticket;
use super::watch::MAX_IDS;
use super::{Server, connection::State};
use crate::accounts::{Account, AccountError, Status};
use crate::id::{AccountId, ConnId};
use crate::roster::Change;
use crate::time::Now;
use crate::wire::control::{Resume, WelcomeKind};
use crate::wire::rejection::Rejection;

/// Connections whose accounts are to be looked up. One job is in flight at a time; whoever comes meanwhile goes with the
/// next, so that everybody's return after a restart is a few jobs.
#[derive(Debug, Default)]
pub(super) struct LookUps {
    waiting: BTreeSet<ConnId>,
    in_flight: bool,
}

impl LookUps {
    /// A connection is gone.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.waiting.remove(&conn);
    }
}

impl Server {
    pub(super) fn resume(
        &mut self,
        now: Now,
        conn: ConnId,
        resume: &Resume<'_>,
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        let ticket = Ticket::open(resume.ticket, &self.ticket_key, now.wall, self.config.ticket_life)
            .ok_or(Rejection::TicketRefused)?;
        let next = self.newcomer(conn, resume.next_key, &resume.offer, resume.versions)?;
        let next = Newcomer { copy: resume.known_version(), ..next };
        if resume.next_key == ticket.key {
            return Err(Rejection::KeyInUse);
        }
        self.check(conn, Checking::Ticket { ticket, next });
        self.look_ups.waiting.insert(conn);
        self.look_up(out);
        Ok(())
    }

    /// Asks for the accounts of those who wait, unless an answer is outstanding.
    fn look_up(&mut self, out: &mut Vec<Output>) {
        if self.look_ups.in_flight {
            return;
        }
        let (mut asked, mut ids) = (Vec::new(), Vec::new());
        // In the order in which they connected.
        while asked.len() < MAX_IDS
            && let Some(conn) = self.look_ups.waiting.pop_first()
        {
            let Some(connection) = self.connections.get(conn) else { continue };
            let State::Checking(Checking::Ticket { ticket, .. }) = &connection.state else { continue };
            asked.push(conn);
            ids.push(ticket.account);
        }
        if asked.is_empty() {
            return;
        }
        ids.sort_unstable();
        ids.dedup();
        self.look_ups.in_flight = true;
        self.jobs.start(Pending::LookUp { conns: asked }, Job::LookUp { ids }, out);
    }

    /// The accounts were looked up.
    pub(super) fn looked_up(
        &mut self,
        now: Now,
        conns: Vec<ConnId>,
        result: Result<Vec<Account>, AccountError>,
        out: &mut Vec<Output>,
    ) {
        let accounts = result.map(|accounts| -> BTreeMap<AccountId, Account> {
            accounts.into_iter().map(|account| (account.id, account)).collect()
        });
        for conn in conns {
            let Some(Checking::Ticket { ticket, next }) = self.connections.take_checking(conn) else { continue };
            let resumed = match &accounts {
                Ok(accounts) => self.judge(now, conn, &ticket, next, accounts.get(&ticket.account), out),
                Err(error) => Err(Rejection::from(error)),
            };
            if let Err(why) = resumed {
                self.reject(now, conn, why, out);
            }
        }
        self.look_ups.in_flight = false;
        self.look_up(out);
    }

    /// Decides what a valid ticket leads to.
    fn judge(
        &mut self,
        now: Now,
        conn: ConnId,
        ticket: &Ticket,
        next: Newcomer,
        account: Option<&Account>,
        out: &mut Vec<Output>,
    ) -> Result<(), Rejection> {
        let account = match account {
            Some(account) if account.status == Status::Disabled => return Err(Rejection::Disabled),
            Some(account) if account.status == Status::Active && account.generation == ticket.generation => account,
            _ => return Err(Rejection::TicketRefused),
        };
        match self.sessions.standing(now.mono, ticket, self.roster_log.epoch()) {
            Standing::Superseded => Err(Rejection::Superseded),
            Standing::Live => {
                self.go_on(now, conn, account.id, next, out);
                Ok(())
            }
            Standing::Returning => {
                self.evict(now, ticket, account.id, out);
                let before = Newcomer { key: ticket.key, ..next };
                self.begin(now, conn, account, ticket.since, before, WelcomeKind::Continued, out)
            }
            Standing::Ended => {
                let since = self.sessions.next_since(now.mono, account.id, now.wall);
                self.begin(now, conn, account, since, next, WelcomeKind::Fresh, out)
            }
        }
    }

    /// Ends the session of another account that began with the key of this ticket's session since the restart: a ticket
    /// is proof of a key and a log-in is not, as keys are public. Of two tickets the earlier session is the real one.
    fn evict(&mut self, now: Now, ticket: &Ticket, account: AccountId, out: &mut Vec<Output>) {
        let other = self.sessions.account(ticket.key.session()).filter(|other| *other != account);
        let Some(other) = other else { return };
        if self.sessions.get(other).is_some_and(|session| session.since > ticket.since) {
            self.kick(now, other, out);
        }
    }

    /// A live session goes on with another connection. Others are told only if its addresses are others now. If its
    /// client says how far its copy is, what it has missed since is all it needs.
    fn go_on(&mut self, now: Now, conn: ConnId, account: AccountId, next: Newcomer, out: &mut Vec<Output>) {
        let Some(session) = self.sessions.get(account) else { return };
        let user = session.user.clone();
        // Who claims to know an older roster would be told of people who left before it came.
        let copy = next.copy.filter(|step| step.revision >= session.arrival);
        // The connection before may be broken in a way that only the client knows of.
        if let Some(before) = session.conn {
            out.push(Output::Close { conn: before });
            self.forget(before);
        }
        if self.roster().get(&user).is_some_and(|entry| entry.addresses != next.addresses) {
            self.roster_log.make(now.wall, Change::Moved { user, addresses: next.addresses });
        }
        self.admit(now, conn, account, WelcomeKind::Continued, copy, out);
    }
}
