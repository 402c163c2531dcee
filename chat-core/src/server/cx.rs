//! What every part of the machine works with while one input is handled.

use std::time::Duration;

use bytes::Bytes;

use super::config::ServerConfig;
use super::counts::Counts;
use super::io::{Job, Output};
use super::jobs::{Jobs, PendingJob};
use super::limit::Limit;
use super::timer::Timer;
use crate::id::{ConnId, JobId};
use crate::time::{Mono, Now};
use crate::timers::Timers;
use crate::wire::control::Reply;
use crate::wire::frame;
use crate::wire::hello::Hello;

/// The time of the input, the outputs, and what all parts share.
#[derive(Debug)]
pub(super) struct Cx<'a> {
    pub(super) now: Now,
    pub(super) config: &'a ServerConfig,
    pub(super) timers: &'a mut Timers<Timer>,
    pub(super) jobs: &'a mut Jobs,
    pub(super) counts: &'a mut Counts,
    pub(super) out: &'a mut Vec<Output>,
}

impl Cx<'_> {
    /// The time `pause` from now.
    pub(super) fn after(&self, pause: Duration) -> Mono {
        self.now.mono + pause
    }

    pub(super) fn send(&mut self, conn: ConnId, reply: &Reply) {
        self.out.push(Output::Send { conn, bytes: encode(reply) });
    }

    pub(super) fn send_hello(&mut self, conn: ConnId) {
        let mut bytes = Vec::new();
        frame::encode_raw(&Hello::OURS.encode(), &mut bytes);
        self.out.push(Output::Send { conn, bytes: bytes.into() });
    }

    pub(super) fn limit_reached(&mut self, limit: Limit) {
        self.out.push(Output::LimitReached(limit));
    }

    /// Hands a job to the driver.
    pub(super) fn start(&mut self, pending: PendingJob, job: Job) -> JobId {
        let id = self.jobs.start(pending);
        self.out.push(Output::Job { id, job });
        id
    }
}

/// One frame with `reply` in it.
pub(super) fn encode(reply: &Reply) -> Bytes {
    let mut bytes = Vec::new();
    frame::encode(reply, &mut bytes);
    bytes.into()
}
