//! Fuzzes two peer machines with arbitrary events, and checks the delivery contract.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::id::{MessageId, SessionId};
use crate::message::{FailReason, Outcome, Recipient};
use crate::peer::{Input, Output, PeerConfig};
use crate::presence::OfflineReason;
use crate::roster::Change;
use crate::sim::{Application, Group, Profile, RelayLine, SimDatagram};

/// The most steps of one run: enough to reach any state, and few enough for thousands of runs a second.
const MAX_STEPS: usize = 120;

/// Longer than any outcome stays pending after the last event: twice the link timeout.
const QUIET: Duration = Duration::from_secs(90);

/// How long the rate limit needs for the most messages that one run can send, at 50 a second.
const RATE_LIMIT_TIME: Duration = Duration::from_secs(MAX_STEPS as u64 * 255 / 50);

/// Runs two peer machines through the steps in `data`. The first byte selects the quality of the network, and whether a server
/// relays. Each step is a byte and its arguments.
///
/// # Panics
/// If a message is delivered twice or out of order, an outcome is wrong, missing or reported twice, or a link never becomes
/// idle.
pub fn link(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let Some(quality) = bytes.next() else { return };
    let profile = Profile {
        jitter: Duration::from_millis(u64::from(quality & 3) * 20),
        loss: f64::from(quality >> 2 & 3) / 10.0,
        duplication: f64::from(quality >> 4 & 3) / 10.0,
        ..Profile::GOOD
    };
    let (config, seed) = (PeerConfig::default(), quality.into());
    let relays = quality & RELAY != 0;
    let group = match relays {
        false => Group::new(2, profile, &config, seed),
        true => Group::with_relay(2, profile, RelayLine::fast(), &config, seed),
    };
    let mut run = Run::new(group, relays);
    for _ in 0..MAX_STEPS {
        if run.step(&mut bytes).is_none() {
            break;
        }
        run.check();
    }
    run.end();
}

/// The bit of the first byte that says whether a server relays, and that of a step which says that it is about the relay.
const RELAY: u8 = 0x40;
const RELAY_STEP: u8 = 0x10;

struct Run {
    group: Group,
    relays: bool,
    applications: [Application; 2],
    captured: Vec<SimDatagram>,
    /// Whether member 1 sent forged packets. The contract then no longer covers it.
    forged: bool,
    pending: [usize; 2],
    delivered: [BTreeSet<MessageId>; 2],
    accepted: [BTreeSet<MessageId>; 2],
    last: [BTreeMap<SessionId, u64>; 2],
    outcomes: BTreeMap<MessageId, Outcome>,
}

impl Run {
    fn new(mut group: Group, relays: bool) -> Self {
        group.network.capture();
        Self {
            group,
            relays,
            applications: [Application::Accepts; 2],
            captured: Vec::new(),
            forged: false,
            pending: [0; 2],
            delivered: Default::default(),
            accepted: Default::default(),
            last: Default::default(),
            outcomes: BTreeMap::new(),
        }
    }

    /// Performs one step. Returns none at the end of the data.
    fn step(&mut self, bytes: &mut impl Iterator<Item = u8>) -> Option<()> {
        let (step, argument) = (bytes.next()?, bytes.next()?);
        if self.relays && step & RELAY_STEP != 0 {
            return self.relay_step(step, argument, bytes);
        }
        let (who, group) = (usize::from(step >> 7), &mut self.group);
        let (own, other) = (group.address(who), group.address(1 - who));
        match step & 15 {
            0 => group.send_text(who, Recipient::Everyone, &"x".repeat(1 + usize::from(argument))),
            1 => group.send_text(who, Recipient::Everyone, &"y".repeat(1 + usize::from(argument) * 64)),
            2 => (0..argument).for_each(|_| group.send_text(who, Recipient::Everyone, "z")),
            3 => group.run(Duration::from_millis(argument.into())),
            4 => group.run(Duration::from_millis(250) * u32::from(argument)),
            5 => group.network.block(own, other),
            6 => group.network.unblock(),
            7 => {
                self.applications[who] = if argument & 1 == 0 { Application::Accepts } else { Application::Stalled };
                group.set_application(who, self.applications[who]);
            }
            8 => {
                group.suspend(who);
                group.run(Duration::from_millis(100) * u32::from(argument));
                group.resume(who);
            }
            9 => {
                let reason = if argument & 1 == 0 { OfflineReason::Lost } else { OfflineReason::Asked };
                let change = Change::Offline { user: group.entry(1 - who).user.clone(), reason };
                group.input(who, Input::Change(change));
            }
            10 => {
                let entry = group.entry(1 - who).clone();
                group.input(who, Input::Change(Change::Online(entry)));
            }
            11 => {
                let strange = SocketAddr::from(([10, 7, 7, argument], 7));
                let addresses = [strange, other].into_iter().skip((argument & 1).into()).collect();
                let change = Change::Moved { user: group.entry(1 - who).user.clone(), addresses };
                group.input(who, Input::Change(change));
            }
            12 => group.roam(who, SocketAddr::from(([10, 8, who as u8, argument], 8))),
            13 if argument & 15 == 0 => group.input(who, Input::Leave),
            13 if argument & 15 == 8 => group.input(who, Input::Replaced),
            13 => {
                self.captured.extend(group.network.take_captured());
                if let Some(datagram) = self.captured.get(usize::from(argument)).cloned() {
                    let from = if argument & 1 == 0 { datagram.from } else { SocketAddr::from(([10, 6, 6, 6], 6)) };
                    group.inject(from, datagram.to, &datagram.bytes);
                }
            }
            _ => {
                let (number, frames) = forged(argument, bytes)?;
                self.forged = true;
                group.forge(1, 0, number, &frames);
            }
        }
        Some(())
    }

    /// Performs one step that is about the relay. Returns none at the end of the data.
    fn relay_step(&mut self, step: u8, argument: u8, bytes: &mut impl Iterator<Item = u8>) -> Option<()> {
        let (who, group) = (usize::from(step >> 7), &mut self.group);
        match step & 15 {
            0..=2 => group.connect_relay(who, argument & 1 == 0),
            3..=5 => group.network.block_all(),
            6..=7 => group.input(who, Input::Moved),
            8..=13 => {
                self.captured.extend(group.network.take_captured());
                if let Some(datagram) = self.captured.get(usize::from(argument)).cloned() {
                    match step & 1 {
                        // A malicious server, and a member that relays what is not its own.
                        0 => group.inject_relayed(who, &datagram.bytes),
                        _ => group.send_parcel(who, 1 - who, &datagram.bytes),
                    }
                }
            }
            _ => {
                let (number, frames) = forged(argument, bytes)?;
                self.forged = true;
                group.forge_relayed(1, 0, number, &frames);
            }
        }
        Some(())
    }

    /// Checks the outputs of both members.
    fn check(&mut self) {
        let outputs = [self.group.take_outputs(0), self.group.take_outputs(1)];
        for (who, outputs) in outputs.iter().enumerate() {
            for output in outputs {
                if let Output::Deliver(delivery) = output {
                    delivery.iter().for_each(|message| self.deliver(who, message.id()));
                }
            }
            if self.applications[who] == Application::Accepts {
                self.accepted[who].extend(&self.delivered[who]);
            }
        }
        for (who, outputs) in outputs.iter().enumerate() {
            for output in outputs {
                match output {
                    Output::Queued { recipients, .. } => self.pending[who] += recipients,
                    Output::Report(reports) => {
                        let pending = self.pending[who].checked_sub(reports.len());
                        self.pending[who] = pending.expect("there are no more outcomes than recipients");
                        reports.iter().for_each(|report| self.report(1 - who, report.id(), report.outcome()));
                    }
                    Output::Violation(_) => assert!(self.forged, "an honest member is excluded"),
                    _ => {}
                }
            }
            assert_eq!(self.group.pending_outcomes(who), self.pending[who], "the number of pending outcomes is wrong");
        }
    }

    fn deliver(&mut self, who: usize, id: MessageId) {
        if self.forged {
            return;
        }
        assert!(self.delivered[who].insert(id), "{id} was delivered twice");
        let before = self.last[who].insert(id.session, id.number);
        assert!(before < Some(id.number), "{id} is out of order");
        self.assert_not_failed(id);
    }

    fn report(&mut self, by: usize, id: MessageId, outcome: Outcome) {
        assert!(self.outcomes.insert(id, outcome).is_none(), "{id} has two outcomes");
        if self.forged {
            return;
        }
        if outcome == Outcome::Delivered {
            assert!(self.accepted[by].contains(&id), "{id} was accepted by nobody");
        } else if self.delivered[by].contains(&id) {
            self.assert_not_failed(id);
        }
    }

    fn assert_not_failed(&self, id: MessageId) {
        if let Some(Outcome::Failed(reason)) = self.outcomes.get(&id) {
            assert_eq!(*reason, FailReason::Refused, "{id} was delivered although it had failed");
        }
    }

    /// Removes all faults and checks that every outcome is reported and that the links become idle.
    fn end(mut self) {
        self.group.network.unblock();
        for who in 0..2 {
            self.group.connect_relay(who, true);
            self.applications[who] = Application::Accepts;
            self.group.set_application(who, Application::Accepts);
        }
        self.group.run(QUIET);
        self.check();
        if self.forged {
            // A forged packet may have used a packet number of the member's own machine, which then counts its own
            // packet as acknowledged. The other member waits until the forger leaves.
            let change = Change::Offline { user: self.group.entry(1).user.clone(), reason: OfflineReason::Lost };
            self.group.input(0, Input::Change(change));
            self.check();
        }
        // The forger's own machine does not know of the forged packets and may wait for ever.
        let honest = if self.forged { 1 } else { 2 };
        assert_eq!(self.pending[..honest], [0; 2][..honest], "outcomes stay pending");
        // The rate limit may have delayed an ack that grants room.
        self.group.run(RATE_LIMIT_TIME);
        let sent = |group: &Group| (group.network.sent(), group.relay_counts().received_bytes);
        let before = sent(&self.group);
        self.group.run(QUIET);
        self.check();
        if self.pending[1] > 0 {
            return;
        }
        assert_eq!(sent(&self.group), before, "a link never becomes idle");
    }
}

/// The number and the frames of a forged packet, of which the first byte says how the number is chosen.
fn forged(argument: u8, bytes: &mut impl Iterator<Item = u8>) -> Option<(u64, Vec<u8>)> {
    let number = match argument >> 6 {
        0 => u64::from(argument & 63),
        1 => 1 << (argument & 63),
        2 => u64::MAX - u64::from(argument & 63),
        _ => 1000 + u64::from(argument & 63),
    };
    let length = usize::from(bytes.next()?);
    Some((number, bytes.take(length).collect()))
}
