//! Several servers of one world that share a journal, and the misfortunes of that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::journal::SimJournal;
use super::medium::{Caller, Event};
use super::{ServerId, World, WorldConfig};
use crate::id::{Epoch, Position, Revision, Tag};
use crate::journal::JournalCall;
use crate::roster::Roster;
use crate::server::{JournalState, JournalStatus, Server};
use crate::sim::Profile;

/// What nodes were seen to have applied.
#[derive(Debug, Default)]
pub(super) struct Observed {
    tips: BTreeMap<(Epoch, Position), Tag>,
    rosters: BTreeMap<(Epoch, Revision), Roster>,
    last: BTreeMap<ServerId, (Epoch, Position)>,
    /// The epochs in which the journal has forgotten acts. Until the nodes notice, within a second, those that know them
    /// and those that do not apply different ones.
    forked: BTreeSet<Epoch>,
}

impl World {
    /// Creates a world of `nodes` servers that share one journal, whose answers take up to `delay` each way. All servers
    /// have the same accounts. Users dial them in random order.
    ///
    /// The world checks all the time that nodes apply the same acts in the same order and have the same roster after
    /// each of them, and that the journal has at most one session of each account, and no act of a node that is lost.
    pub fn sharing(profile: Profile, config: WorldConfig, nodes: usize, delay: Duration, seed: u64) -> Self {
        let mut world = Self::empty(profile, config, seed);
        world.journal = Some(SimJournal::new(delay, seed));
        for _ in 0..nodes {
            world.add_node();
        }
        world
    }

    /// Adds and starts a server that shares the journal.
    fn add_node(&mut self) -> ServerId {
        let id = self.add_stopped_server();
        let first = &self.servers[0];
        let (accounts, key) = (Arc::clone(&first.accounts), first.ticket_key);
        let node = &mut self.servers[id.0];
        node.shares = true;
        node.accounts = accounts;
        node.ticket_key = key;
        self.start_server(id);
        id
    }

    /// All servers.
    pub fn servers(&self) -> Vec<ServerId> {
        (0..self.servers.len()).map(ServerId).collect()
    }

    /// The server that the user's program has dialled last.
    pub fn server_of(&self, user: super::UserId) -> ServerId {
        self.users[user.0].server
    }

    /// How far a server is with the journal.
    pub fn journal_status(&self, server: ServerId) -> Option<JournalStatus> {
        self.servers[server.0].machine().and_then(Server::journal)
    }

    /// The number of acts in the journal, and its epoch.
    pub fn journal_head(&self) -> Option<(Epoch, Position)> {
        let head = self.journal.as_ref()?.table().head()?;
        Some((head.epoch, head.position))
    }

    /// Cuts a server off from the journal.
    pub fn cut_off(&mut self, server: ServerId) {
        if let Some(journal) = &mut self.journal {
            journal.cut(server, &mut self.medium);
        }
    }

    /// Lets a server reach the journal again.
    pub fn reconnect(&mut self, server: ServerId) {
        if let Some(journal) = &mut self.journal {
            journal.mend(server);
        }
    }

    /// Stops the process of the journal, which keeps what it has.
    pub fn stop_journal(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.stop(&mut self.medium);
        }
    }

    /// Starts the process of the journal, and ends a stall.
    pub fn start_journal(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.start();
        }
    }

    /// Lets the journal answer nothing for a time, and carry out everything then.
    pub fn stall_journal(&mut self, time: Duration) {
        let until = self.now() + time;
        if let Some(journal) = &mut self.journal {
            journal.stall(until);
        }
    }

    /// Saves what the journal has: [`World::forget_acts`] goes back to it, or to what it saves by itself.
    pub fn save_journal(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.save();
        }
    }

    /// Restarts the journal without the last `acts` acts, and without a few more.
    pub fn forget_acts(&mut self, acts: u64) {
        let epoch = self.journal_head().map(|(epoch, _)| epoch);
        self.observed.forked.extend(epoch);
        if let Some(journal) = &mut self.journal {
            journal.forget(acts, &mut self.medium);
            // What was saved may be of an earlier epoch.
            let epoch = journal.table().head().map(|head| head.epoch);
            self.observed.forked.extend(epoch);
        }
    }

    /// Lets the journal lose everything.
    pub fn empty_journal(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.empty();
        }
    }

    /// Loses the answer to the next acts that a server appends.
    pub fn lose_answer(&mut self, server: ServerId) {
        if let Some(journal) = &mut self.journal {
            journal.lose_answer(server);
        }
    }

    /// Delays the next acts that a server appends until after the time-out of the call.
    pub fn delay_append(&mut self, server: ServerId) {
        if let Some(journal) = &mut self.journal {
            journal.be_late(server);
        }
    }

    /// Drops the acts of the journal, and keeps its slots.
    pub fn trim_journal(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.trim();
        }
    }

    /// Suspends the process of a server. Its clocks go on, and what arrives waits.
    pub fn suspend_server(&mut self, server: ServerId) {
        self.asleep.entry(server).or_default();
    }

    /// Resumes the process of a server.
    pub fn wake_server(&mut self, server: ServerId) {
        for event in self.asleep.remove(&server).unwrap_or_default() {
            self.medium.schedule(Duration::ZERO, event);
        }
    }

    pub(super) fn call_journal(&mut self, caller: Caller, call: JournalCall) {
        if let Some(journal) = &mut self.journal {
            journal.call(caller, call, &mut self.medium);
        }
    }

    pub(super) fn end_read(&mut self, caller: Caller) {
        if let Some(journal) = &mut self.journal {
            journal.end_read(caller, &mut self.medium);
        }
    }

    /// Keeps an event for a server that is suspended, or returns it.
    pub(super) fn keep_for_sleeper(&mut self, event: Event) -> Option<Event> {
        if self.asleep.is_empty() {
            return Some(event);
        }
        let server = match &event {
            Event::Dialled { conn } | Event::Bytes { conn, at: super::medium::End::Server, .. } => {
                self.medium.connection(*conn).map(|conn| conn.server)
            }
            Event::Gone { conn, at: super::medium::End::Server } => {
                self.medium.connection(*conn).map(|conn| conn.server)
            }
            Event::Done { server, .. } => Some(*server),
            _ => None,
        };
        match server.and_then(|server| self.asleep.get_mut(&server)) {
            Some(waiting) => {
                waiting.push(event);
                None
            }
            None => Some(event),
        }
    }

    /// Checks that each node has what the others had at the same position.
    pub(super) fn observe_nodes(&mut self) {
        if self.journal.is_none() {
            return;
        }
        for node in &self.servers {
            let Some(machine) = node.machine() else { continue };
            let Some(JournalStatus { state, epoch, position, tip, revision, .. }) = machine.journal() else { continue };
            let is_forked = self.observed.forked.contains(&epoch);
            if state != JournalState::Ready
                || is_forked
                || self.observed.last.insert(node.id, (epoch, position)) == Some((epoch, position))
            {
                continue;
            }
            let known = *self.observed.tips.entry((epoch, position)).or_insert(tip);
            assert_eq!(known, tip, "two nodes have applied different acts at {position} of {epoch}");
            let roster = machine.roster();
            let known = self.observed.rosters.entry((epoch, revision)).or_insert_with(|| roster.clone());
            assert_eq!(known, roster, "two nodes have different rosters at revision {revision} of {epoch}");
        }
    }
}
