//! One run of one contender: so many messages to everyone, so many of them in flight.

use std::time::{Duration, Instant};

use chat_core::message::{Content, Outcome, Recipient};
use chat_core::peer::{Output, SendError};
use chat_net::peers::Endpoint;

use crate::crowd::{Crowd, Sender, Way};
use crate::group::Group;
use crate::machine;
use crate::stats::Histogram;

/// What one contender did in one run.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Messages delivered to receiving applications per second.
    pub per_second: f64,
    /// Processor time of this process per delivered message, both ends, in nanoseconds.
    pub cpu_ns: f64,
    /// The time per delivered message in which the sender had something to do, in nanoseconds: the rest of its time it
    /// waits for the receivers, without sleeping.
    pub busy_ns: f64,
    /// Messages that did not arrive, or without the outcome `delivered`.
    pub lost: u64,
}

/// After so long without a delivery the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sends messages to everyone until all are delivered, and then waits for their outcomes, untimed.
///
/// # Errors
/// A message is not accepted.
#[expect(clippy::missing_panics_doc, reason = "the loop ends with a run")]
pub async fn publish(
    us: &mut Endpoint,
    group: &Group,
    content: &Content,
    messages: u64,
    in_flight: u64,
    peers: u64,
    outcomes: &mut Histogram,
) -> std::io::Result<Run> {
    let window = group.window();
    let before = window.delivered();
    // Between runs nothing is in flight.
    let (mut sent, mut confirmed, mut last, mut more) = (0, 0, window.complete(), false);
    let mut events = Vec::with_capacity(4096);
    let mut run = None;
    window.work();
    let mut watch = Watch::start();
    while run.is_none() || us.pending_outcomes() > 0 {
        let (turn, before_turn) = (Instant::now(), sent);
        while sent < messages && last - window.complete() < in_flight {
            match us.send(Recipient::Everyone, content.clone()) {
                Ok(message) => {
                    last = message.id.number;
                    sent += 1;
                }
                Err(SendError::QueueFull) => break,
                Err(error) => return Err(std::io::Error::other(error)),
            }
        }
        // A turn has something to do if there was something to send, to go on with, or to hear.
        let goes_on = std::mem::replace(&mut more, us.try_next(&mut events));
        let is_busy = sent > before_turn || goes_on || more || !events.is_empty();
        for event in events.drain(..) {
            if let Output::Report(report) = event {
                outcomes.record(report.after);
                confirmed += u64::from(report.outcome == Outcome::Delivered);
            }
        }
        if is_busy {
            watch.busy += turn.elapsed();
        }
        let delivered = window.delivered() - before;
        if run.is_none() && (delivered == messages * peers || watch.is_over(delivered)) {
            run = Some(watch.result(delivered, messages * peers - delivered));
            window.rest();
        }
        tokio::task::yield_now().await;
    }
    let mut run = run.expect("the loop ends with it");
    run.lost = run.lost.max(messages * peers - confirmed);
    Ok(run)
}

/// Sends plain datagrams to everyone until all are delivered.
///
/// # Errors
/// The system takes no more.
pub fn plain(
    sender: &mut Sender,
    crowd: &Crowd,
    bytes: &mut [u8],
    messages: u64,
    in_flight: u64,
    way: Way,
) -> std::io::Result<Run> {
    let (window, peers) = (crowd.window(), crowd.addresses().len());
    let (before, all) = (window.delivered(), messages * peers as u64);
    let (mut sent, mut last) = (0, window.complete());
    window.work();
    let mut watch = Watch::start();
    loop {
        if sent < messages && last - window.complete() < in_flight {
            last += 1;
            sent += 1;
            bytes[..8].copy_from_slice(&last.to_be_bytes());
            let turn = Instant::now();
            sender.send(bytes, way)?;
            watch.busy += turn.elapsed();
            continue;
        }
        let delivered = window.delivered() - before;
        if delivered == all || watch.is_over(delivered) {
            window.rest();
            return Ok(watch.result(delivered, all - delivered));
        }
        std::hint::spin_loop();
    }
}

/// Times one run.
#[derive(Debug)]
pub struct Watch {
    start: Instant,
    process: Duration,
    busy: Duration,
    last: (u64, Instant),
}

impl Watch {
    /// Starts.
    pub fn start() -> Self {
        let now = Instant::now();
        Self { start: now, process: machine::process_time(), busy: Duration::ZERO, last: (0, now) }
    }

    /// Whether nothing was delivered for so long that nothing will be.
    pub fn is_over(&mut self, delivered: u64) -> bool {
        if delivered > self.last.0 {
            self.last = (delivered, Instant::now());
        }
        self.last.1.elapsed() > PATIENCE
    }

    /// What was measured until now.
    pub fn result(&self, delivered: u64, lost: u64) -> Run {
        let each = |time: Duration| time.as_nanos() as f64 / delivered.max(1) as f64;
        Run {
            per_second: delivered as f64 / self.start.elapsed().as_secs_f64(),
            cpu_ns: each(machine::process_time() - self.process),
            busy_ns: each(self.busy),
            lost,
        }
    }
}
