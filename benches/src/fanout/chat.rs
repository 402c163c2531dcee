//! This project as a contender: a sender and its receivers, all of them endpoints of [`chat_net::peers`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use chat_core::message::{Content, Outcome, Recipient};
use chat_core::peer::{Output, SendError};
use chat_net::peers::Endpoint;
use tokio::runtime::Runtime;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::receivers::Receivers;
use super::window::{IDLE_CHECK, Window};
use super::{Case, Run, Watch};
use crate::endpoints::{introduce, open, open_peers, runtime, text};

/// Sends messages to everyone until all are delivered, and then waits for their outcomes, untimed.
pub(super) fn run(case: &Case) -> io::Result<Run> {
    let runtime = runtime()?;
    let mut group = Group::open(&runtime, case.receivers)?;
    let content = text(case.size)?;
    // The first messages derive the keys of the links and do not count.
    runtime.block_on(group.publish(&content, case.in_flight.max(10), case.in_flight))?;
    let mut run = runtime.block_on(group.publish(&content, case.messages, case.in_flight))?;
    run.lost += group.receivers.window.disorder.load(Ordering::Acquire);
    Ok(run)
}

struct Group {
    sender: Endpoint,
    receivers: Receivers,
    size: u64,
}

impl Group {
    /// Opens a sender on `runtime`, and `size` receivers in a thread of their own, each of which knows only the sender.
    fn open(runtime: &Runtime, size: usize) -> io::Result<Self> {
        let theirs = self::runtime()?;
        let mut sender = runtime.block_on(async { open("sender") })?;
        let mut peers = theirs.block_on(async { open_peers(size) })?;
        introduce(&mut sender, &mut peers);
        let receivers = Receivers::start(size, move |window| {
            for peer in peers {
                theirs.spawn(receive(peer, Arc::clone(window)));
            }
            theirs.block_on(async {
                while !window.is_stopped.load(Ordering::Acquire) {
                    if window.is_running.load(Ordering::Acquire) { yield_now().await } else { sleep(IDLE_CHECK).await }
                }
            });
            Ok(())
        });
        Ok(Self { sender, receivers, size: size as u64 })
    }

    async fn publish(&mut self, content: &Content, messages: u64, in_flight: u64) -> io::Result<Run> {
        let (window, total) = (&self.receivers.window, messages * self.size);
        // Between runs nothing is in flight.
        let (before, mut last) = (window.delivered(), window.complete());
        let (mut sent, mut confirmed, mut can_progress) = (0, 0, false);
        let mut outcomes = crate::stats::Histogram::default();
        let mut events = Vec::with_capacity(4096);
        let mut result = None;
        window.begin_run();
        let mut watch = Watch::start();
        while result.is_none() || self.sender.pending_outcomes() > 0 {
            let (turn, before_turn) = (Instant::now(), sent);
            while sent < messages && last - window.complete() < in_flight {
                match self.sender.send(Recipient::Everyone, content.clone()) {
                    Ok(message) => (last, sent) = (message.id.number, sent + 1),
                    Err(SendError::QueueFull) => break,
                    Err(error) => return Err(io::Error::other(error)),
                }
            }
            // The sender is busy in a turn in which it sends, continues, or receives.
            let could_progress = std::mem::replace(&mut can_progress, self.sender.try_next(&mut events));
            let is_busy = sent > before_turn || could_progress || can_progress || !events.is_empty();
            for event in events.drain(..) {
                let Output::Report(reports) = event else { continue };
                for report in reports.iter() {
                    outcomes.record(report.elapsed());
                    confirmed += u64::from(report.outcome() == Outcome::Delivered);
                }
            }
            if is_busy {
                watch.busy += turn.elapsed();
            }
            let delivered = window.delivered() - before;
            if result.is_none() && watch.is_over(delivered, total) {
                result = Some(watch.result(delivered, total));
                window.is_running.store(false, Ordering::Release);
            }
            yield_now().await;
        }
        let run = result.expect("the loop ends with a result");
        Ok(Run { lost: run.lost.max(total - confirmed), outcomes, ..run })
    }
}

async fn receive(mut endpoint: Endpoint, window: Arc<Window>) {
    let (mut events, mut last) = (Vec::new(), 0);
    loop {
        endpoint.next(&mut events).await;
        let mut count = 0;
        for event in events.drain(..) {
            let Output::Deliver(delivery) = event else { continue };
            count += delivery.len() as u64;
            for message in &delivery {
                let number = message.id().number;
                if number != last + 1 {
                    window.disorder.fetch_add(1, Ordering::Relaxed);
                }
                last = number;
                window.arrived(last);
            }
        }
        window.count(count);
    }
}
