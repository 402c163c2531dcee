//! The deadlines of a link, and what happens at each of them.

use std::time::Duration;

use super::incoming::ResendRequest;
use super::recovery::{SentFrame, SentPacket};
use super::{Context, Link, LinkEvent, LinkState, Responsiveness, UNACKED_PROBES_BEFORE_MOVE};
use crate::message::{FailReason, UnconfirmedReason};
use crate::peer::config::{ACK_DELAY, PeerConfig};
use crate::time::Mono;

impl Link {
    /// Handles every deadline that has passed.
    pub(in crate::peer) fn on_timeout(&mut self, now: Mono, cx: &mut Context) {
        if self.recovery.loss_deadline().is_some_and(|at| at <= now) {
            let mut losses = Vec::new();
            self.recovery.detect_losses(now, |packet| losses.push(packet));
            losses.iter().for_each(|packet| self.on_lost(now, packet));
        }
        if self.received.ack_due().is_none() && self.incoming.grant_deadline().is_some_and(|at| at <= now) {
            self.received.schedule_ack(now);
        }
        if let Some(since) = self.unacked_since {
            if since + cx.config.link_timeout <= now {
                self.abandon(UnconfirmedReason::TimedOut, FailReason::TimedOut, cx);
            } else if since + cx.config.unresponsive_after <= now && self.responsiveness == Responsiveness::Responsive {
                self.responsiveness = Responsiveness::Unresponsive;
                cx.events.push(LinkEvent::Unresponsive);
            }
        }
        if self.probe_deadline().is_some_and(|at| at <= now) {
            self.probes += 1;
            self.unacked_probes += 1;
            self.probe_due = true;
            self.probe_timer_start = now;
            if self.unacked_probes >= UNACKED_PROBES_BEFORE_MOVE {
                self.path.rechallenge_others(now);
            }
        }
        self.release_if_idle(now);
    }

    /// Returns the next deadline. An ack or ping that is already due sets none, because it waits only for the socket.
    pub(in crate::peer) fn deadline(&self, now: Mono, config: &PeerConfig) -> Option<Mono> {
        let is_responsive = self.responsiveness == Responsiveness::Responsive;
        [
            self.received.ack_due().filter(|at| *at > now),
            self.recovery.loss_deadline(),
            self.probe_deadline(),
            self.path.next_challenge_after(now),
            // A scheduled ack grants the room that is available then.
            self.incoming.grant_deadline().filter(|_| self.received.ack_due().is_none()),
            self.unacked_since.filter(|_| is_responsive).map(|at| at + config.unresponsive_after),
            self.unacked_since.map(|at| at + config.link_timeout),
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
        self.recovery.shift(by);
    }

    /// Schedules the frames of a lost packet for retransmission.
    pub(super) fn on_lost(&mut self, now: Mono, packet: &SentPacket) {
        self.outgoing.on_lost(packet);
        let apart = self.recovery.rtt.probe_timeout(ACK_DELAY, 0);
        if self.datagram_size.on_lost(now, packet.at, packet.size, apart) {
            // Shorter datagrams are a new attempt, so the probe timeout starts over.
            self.probes = 0;
        }
        if packet.frames.contains(&SentFrame::Resend) {
            self.incoming.set_resend(ResendRequest::Due);
        }
    }

    fn probe_deadline(&self) -> Option<Mono> {
        let waits = self.state == LinkState::Open && self.unacked_since.is_some() && self.awaits_ack();
        waits.then(|| self.probe_timer_start + self.recovery.rtt.probe_timeout(self.max_ack_delay, self.probes))
    }
}
