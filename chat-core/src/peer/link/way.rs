//! The way of a link: when its datagrams go to the relay, when they come back, and over which way acks leave.
//!
//! Either end decides for its own datagrams. An address that has answered is left only for silence, and the relay only when
//! a direct address answers a challenge. Acks go where the peer is heard: if its newest packet came through the relay, a
//! direct way back may be blocked.

use std::time::Duration;

use super::datagram_size::DatagramSize;
use super::incoming::ResendRequest;
use super::path::RelayStanding;
use super::recovery::{Medium, SentFrame};
use super::{Context, Link, LinkEvent, LinkState, UNACKED_PROBES_BEFORE_MOVE};
use crate::generator::Generator;
use crate::peer::Way;
use crate::peer::config::ACK_DELAY;
use crate::time::Mono;

/// How long a proven address may be silent before the relay takes over: longer than a burst of losses on a bad radio.
const SILENCE: Duration = Duration::from_millis(500);

/// The shortest time between two events about the way of a link.
const EVENT_INTERVAL: Duration = Duration::from_secs(1);

/// What the link knows about the ways of both ends.
#[derive(Debug)]
pub(super) struct WayState {
    /// When the way last changed, for measuring the peer's silence.
    changed: Mono,
    /// One more than the highest number of a packet that tells which way the peer uses.
    next_telling: u64,
    /// The way over which that packet came.
    heard: Heard,
    /// The way that the last event stated, or the first one, and the time from which it is known.
    told: Option<(Way, Mono)>,
}

/// The way over which the peer's newest packet came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Heard {
    Directly,
    Relayed,
}

/// Whether a packet tells which way its sender uses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Telling {
    Yes,
    /// It only asks for, or gives, the proof of an address (compare the probing packets of RFC 9000 section 9.1).
    No,
}

impl WayState {
    /// Numbers below `next` belong to an earlier link.
    pub(super) const fn starting_at(next: u64) -> Self {
        Self { changed: Mono::ZERO, next_telling: next, heard: Heard::Directly, told: None }
    }

    /// Postpones all times that measure the peer's silence.
    pub(super) fn shift(&mut self, by: Duration) {
        self.changed = self.changed + by;
    }
}

impl Link {
    /// Changes whether the relay may be used.
    pub(in crate::peer) fn set_relay(&mut self, now: Mono, standing: RelayStanding, generator: &mut dyn Generator) {
        let was_relayed = self.path.is_relayed();
        if self.path.relay_standing() == standing {
            return;
        }
        self.path.set_relay(standing);
        let waits_in_vain = self.awaits_ack() && !self.path.is_proven() && self.unacked_probes > 0;
        if self.path.is_relayed() || (self.path.is_relay_ready() && waits_in_vain) {
            self.use_relay(now, generator);
        } else if was_relayed {
            self.on_way_changed(now, Medium::Datagrams);
        }
    }

    /// Whether the relay is what the link waits for: it has no address, and both sessions can relay.
    pub(super) fn waits_for_relay(&self) -> bool {
        self.path.relay_standing() != RelayStanding::Absent
    }

    /// Our own addresses have changed, so a direct way may work now.
    pub(in crate::peer) fn on_moved(&mut self, now: Mono, generator: &mut dyn Generator) {
        self.path.restart_asking(now);
        if self.awaits_ack() {
            self.path.ask_if_due(now, generator);
        }
    }

    /// Whether acks, and perhaps everything, go to the relay.
    pub(in crate::peer) fn answers_over_relay(&self) -> bool {
        self.path.is_relayed() || (self.way.heard == Heard::Relayed && self.path.relay_standing() == RelayStanding::Up)
    }

    /// Begins to use the relay. What was sent over the way before is sent again.
    pub(super) fn use_relay(&mut self, now: Mono, generator: &mut dyn Generator) {
        self.path.use_relay(now, generator);
        for packet in self.recovery.take_in_flight() {
            self.outgoing.on_lost(&packet);
            if packet.frames.contains(&SentFrame::Resend) {
                self.incoming.set_resend(ResendRequest::Due);
            }
        }
        self.on_way_changed(now, Medium::Relay);
        self.probe_due = self.unacked_since.is_some();
    }

    /// Returns the time at which the relay takes over, unless an ack comes before: once the first probe of an unproven address
    /// was due, or once two probes of a proven one were and it has been silent for [`SILENCE`].
    pub(super) fn gives_up_address_at(&self) -> Option<Mono> {
        let silent_since = self.unacked_since?.max(self.way.changed);
        if !self.path.is_relay_ready() || self.state != LinkState::Open || !self.awaits_ack() {
            None
        } else if self.path.is_proven() {
            (self.unacked_probes >= UNACKED_PROBES_BEFORE_MOVE).then(|| silent_since + SILENCE)
        } else {
            (self.unacked_probes > 0).then_some(silent_since)
        }
    }

    /// A direct address with this round-trip time takes over from the relay. Without it, an address further away than the
    /// first probes expect would seem silent before its first ack, and the two would take turns.
    pub(super) fn leave_relay(&mut self, now: Mono, round_trip: Option<Duration>) {
        self.on_way_changed(now, Medium::Datagrams);
        if let Some(round_trip) = round_trip {
            self.recovery.rtt.sample(round_trip, Duration::ZERO);
        }
    }

    fn on_way_changed(&mut self, now: Mono, medium: Medium) {
        self.recovery.restart(medium);
        self.datagram_size = DatagramSize::new();
        self.way.changed = now;
        // The permission belonged to packets of the other way.
        self.recovery.max_ack_delay = ACK_DELAY;
        self.probes = 0;
        self.unacked_probes = 0;
        self.probe_timer_start = now;
    }

    /// Records over which way a packet came.
    pub(super) fn on_heard(
        &mut self,
        now: Mono,
        number: u64,
        from: Way,
        telling: Telling,
        generator: &mut dyn Generator,
    ) {
        let tells = from == Way::Relay || telling == Telling::Yes;
        if !tells || number < self.way.next_telling {
            // A direct address that is heard may well answer.
            if from != Way::Relay {
                self.path.ask_if_due(now, generator);
            }
            return;
        }
        self.way.next_telling = number + 1;
        let heard = if from == Way::Relay { Heard::Relayed } else { Heard::Directly };
        let before = std::mem::replace(&mut self.way.heard, heard);
        match heard {
            // The peer has found no direct way, and we have proven none.
            Heard::Relayed if self.path.is_relay_ready() && !self.path.is_proven() => self.use_relay(now, generator),
            Heard::Relayed => {}
            Heard::Directly => {
                // The peer has come back to a direct way.
                if before == Heard::Relayed {
                    self.path.restart_asking(now);
                }
                self.path.ask_if_due(now, generator);
            }
        }
    }

    /// Reports which way has answered, unless that is known or an event came a moment ago. The first address is what everybody
    /// expects, so it is not reported.
    pub(super) fn tell_way(&mut self, now: Mono, cx: &mut Context) {
        if self.tell_way_at().is_some_and(|at| at <= now)
            && let Some(way) = self.path.answering()
        {
            let is_expected = self.way.told.is_none() && way != Way::Relay;
            self.way.told = Some((way, now));
            if !is_expected {
                cx.events.push(LinkEvent::Way(way));
            }
        }
    }

    /// Returns the time from which the way that has answered may be told, if it is not the one told last.
    pub(super) fn tell_way_at(&self) -> Option<Mono> {
        let answering = self.path.answering()?;
        match self.way.told {
            None => Some(Mono::ZERO),
            Some((told, _)) if told == answering => None,
            Some((_, at)) => Some(at + EVENT_INTERVAL),
        }
    }

    /// The way in use if it has answered, and since when it is this one, unless it changed a moment ago.
    pub(in crate::peer) fn answering_way(&self) -> Option<(Way, Option<Mono>)> {
        let way = self.path.answering()?;
        Some((way, self.way.told.filter(|(told, _)| *told == way).map(|(_, since)| since)))
    }

    /// Returns the share of the last 64 packets that were lost, and the bytes in flight.
    pub(in crate::peer) fn load(&self) -> (f32, usize) {
        (self.recovery.loss_share(), self.recovery.in_flight_bytes())
    }
}
