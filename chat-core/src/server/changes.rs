//! The roster as the server keeps it: every change goes through one function, which numbers it and tells everybody.

use bytes::Bytes;

use super::doors::Output;
use super::pages::Pages;
use crate::id::{ConnId, Epoch, Revision};
use crate::presence::Record;
use crate::roster::{Change, Roster, Update};
use crate::time::Timestamp;
use crate::wire::control::Reply;
use crate::wire::frame;

/// The roster, its revision, and the encoded copy of it.
#[derive(Debug)]
pub(super) struct Changes {
    epoch: Epoch,
    revision: Revision,
    roster: Roster,
    pages: Pages,
}

impl Changes {
    /// A roster of nobody at revision 0.
    pub(super) fn new(epoch: Epoch) -> Self {
        Self { epoch, revision: Revision::new(0), roster: Roster::new(), pages: Pages::default() }
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Makes one change: everybody who is admitted is told, and it is recorded. Whoever is to get a fresh copy instead
    /// is admitted afterwards.
    pub(super) fn make(&mut self, at: Timestamp, change: Change, out: &mut Vec<Output>) {
        self.roster.apply(&change);
        self.pages.follow(&change, self.roster.get(change.user()));
        let from = self.revision;
        self.revision = from.next();
        let record = Record::Presence(change.event(at));
        let update = Update { epoch: self.epoch, from, to: self.revision, changes: vec![(at, change)] };
        out.push(Output::Broadcast { except: None, bytes: encoded(&Reply::Update(update)) });
        out.push(Output::Record(record));
    }

    /// Sends a fresh copy: the pages, and then that this was all.
    pub(super) fn send_copy(&mut self, conn: ConnId, out: &mut Vec<Output>) {
        out.extend(self.pages.frames().map(|bytes| Output::Send { conn, bytes: bytes.clone() }));
        let complete = Reply::Complete { epoch: self.epoch, revision: self.revision };
        out.push(Output::Send { conn, bytes: encoded(&complete) });
    }
}

/// One frame with `reply` in it.
pub(super) fn encoded(reply: &Reply) -> Bytes {
    let mut bytes = Vec::new();
    frame::encode(reply, &mut bytes);
    bytes.into()
}
