//! The deadlines of a link, and what happens at each of them.

use std::time::Duration;

use super::incoming::ResendRequest;
use super::recovery::{SentFrame, SentPacket};
use super::{Context, Link, LinkEvent, LinkState, Responsiveness, UNACKED_PROBES_BEFORE_MOVE};
use crate::message::{FailReason, UnconfirmedReason};
use crate::peer::config::{ACK_DELAY, PeerConfig};
use crate::time::Mono;

/// Whether our own brake holds a link back: the terms of the relay, or a connection that does not take more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::peer) enum Brake {
    Off,
    On,
}

impl Link {
    /// Handles every deadline that has passed. While our own brake holds the link back, nothing that the peer did not answer
    /// counts.
    pub(in crate::peer) fn on_timeout(&mut self, now: Mono, brake: Brake, cx: &mut Context) {
        if self.recovery.loss_deadline().is_some_and(|at| at <= now) {
            let mut losses = Vec::new();
            self.recovery.detect_losses(now, |packet| losses.push(packet));
            losses.iter().for_each(|packet| self.on_lost(now, packet));
        }
        if self.received.ack_due().is_none() && self.incoming.grant_deadline().is_some_and(|at| at <= now) {
            self.received.schedule_ack(now);
        }
        if let Some(since) = self.unacked_since.filter(|_| brake == Brake::Off) {
            if since + cx.config.link_timeout <= now {
                self.abandon(UnconfirmedReason::TimedOut, FailReason::TimedOut, cx);
            } else if since + cx.config.unresponsive_after <= now && self.responsiveness == Responsiveness::Responsive {
                self.responsiveness = Responsiveness::Unresponsive;
                cx.events.push(LinkEvent::Unresponsive);
            }
        }
        if brake == Brake::Off && self.probe_deadline().is_some_and(|at| at <= now) {
            self.probes += 1;
            self.unacked_probes += 1;
            self.probe_due = true;
            self.probe_timer_start = now;
            if self.unacked_probes >= UNACKED_PROBES_BEFORE_MOVE && !self.path.is_relayed() {
                self.path.rechallenge_others(now);
            }
        }
        if brake == Brake::Off && self.gives_up_address_at().is_some_and(|at| at <= now) {
            self.use_relay(now, cx.generator.as_mut());
        }
        if self.ask_deadline().is_some_and(|at| at <= now) {
            self.path.ask_if_due(now, cx.generator.as_mut());
        }
        self.tell_way(now, cx);
        self.release_if_idle(now);
    }

    /// Returns the next deadline. An ack or ping that is already due sets none, because it waits only for the socket. Each
    /// deadline must move when [`on_timeout`](Self::on_timeout) handles it.
    pub(in crate::peer) fn deadline(&self, now: Mono, brake: Brake, config: &PeerConfig) -> Option<Mono> {
        let unacked_since = self.unacked_since.filter(|_| brake == Brake::Off);
        let is_responsive = self.responsiveness == Responsiveness::Responsive;
        [
            self.received.ack_due().filter(|at| *at > now),
            self.recovery.loss_deadline(),
            self.probe_deadline().filter(|_| brake == Brake::Off),
            self.gives_up_address_at().filter(|_| brake == Brake::Off),
            self.ask_deadline(),
            self.tell_way_at(),
            self.path.next_challenge_after(now),
            // A scheduled ack grants the room that is available then.
            self.incoming.grant_deadline().filter(|_| self.received.ack_due().is_none()),
            unacked_since.filter(|_| is_responsive).map(|at| at + config.unresponsive_after),
            unacked_since.map(|at| at + config.link_timeout),
        ]
        .into_iter()
        .flatten()
        .min()
        .or_else(|| self.idle_deadline())
    }

    /// Postpones all times that measure the peer's silence, because our own process was stalled for this long.
    pub(in crate::peer) fn shift(&mut self, by: Duration) {
        self.unacked_since = self.unacked_since.map(|at| at + by);
        self.probe_timer_start = self.probe_timer_start + by;
        self.way.shift(by);
        self.recovery.shift(by);
    }

    /// Postpones what counts as silence, because our own brake held the link back for this long. What was in flight before
    /// was on its way meanwhile, so its times stay.
    pub(in crate::peer) fn excuse(&mut self, now: Mono, by: Duration) {
        self.unacked_since = self.unacked_since.map(|at| now.min(at + by));
        self.probe_timer_start = now.min(self.probe_timer_start + by);
        self.way.shift(by);
    }

    /// Schedules the frames of a lost packet for retransmission.
    pub(super) fn on_lost(&mut self, now: Mono, packet: &SentPacket) {
        self.outgoing.on_lost(packet);
        let apart = self.recovery.rtt.probe_timeout(ACK_DELAY, 0);
        // The relay carries every size.
        if !self.path.is_relayed() && self.datagram_size.on_lost(now, packet.at, packet.size, apart) {
            // Shorter datagrams are a new attempt, so the probe timeout starts over.
            self.probes = 0;
        }
        if packet.frames.contains(&SentFrame::Resend) {
            self.incoming.set_resend(ResendRequest::Due);
        }
    }

    /// While messages wait, direct addresses are asked from time to time.
    fn ask_deadline(&self) -> Option<Mono> {
        let waits = self.state == LinkState::Open && self.awaits_ack();
        self.path.ask_at().filter(|_| waits)
    }

    fn probe_deadline(&self) -> Option<Mono> {
        let waits = self.state == LinkState::Open && self.unacked_since.is_some() && self.awaits_ack();
        waits.then(|| self.probe_timer_start + self.recovery.probe_timeout(self.probes))
    }
}
