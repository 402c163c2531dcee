//! Two peer machines, anything that can happen to them in any order, and the delivery contract.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::id::{MessageId, SessionId};
use crate::message::{FailReason, Outcome, Recipient};
use crate::peer::{Input, Output, PeerConfig};
use crate::presence::OfflineReason;
use crate::roster::Change;
use crate::sim::{Application, Group, Profile, SimDatagram};

/// More than enough for any state, and few enough for thousands of runs a second.
const STEPS: usize = 120;

/// Longer than any outcome may stay open once nobody does anything: two times the link timeout.
const END: Duration = Duration::from_secs(90);

/// After so long even the most messages that one run can send are paid for, at 50 per second.
const PACE: Duration = Duration::from_secs(STEPS as u64 * 255 / 50);

/// Reads steps of two machines from `data`: the first byte says how bad the network is, each step is a byte and what
/// belongs to it.
///
/// # Panics
/// A promise is broken: a message given twice or out of order, an outcome told twice, falsely or never, or a link that
/// never rests.
pub fn link(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let Some(quality) = bytes.next() else { return };
    let profile = Profile {
        jitter: Duration::from_millis(u64::from(quality & 3) * 20),
        loss: f64::from(quality >> 2 & 3) / 10.0,
        duplication: f64::from(quality >> 4 & 3) / 10.0,
        ..Profile::GOOD
    };
    let mut run = Run::new(Group::new(2, profile, &PeerConfig::default(), quality.into()));
    for _ in 0..STEPS {
        if run.step(&mut bytes).is_none() {
            break;
        }
        run.check();
    }
    run.end();
}

struct Run {
    group: Group,
    applications: [Application; 2],
    flights: Vec<SimDatagram>,
    /// A member that lies is owed nothing.
    forged: bool,
    open: [usize; 2],
    delivered: [BTreeSet<MessageId>; 2],
    taken: [BTreeSet<MessageId>; 2],
    last: [BTreeMap<SessionId, u64>; 2],
    outcomes: BTreeMap<MessageId, Outcome>,
}

impl Run {
    fn new(mut group: Group) -> Self {
        group.network.capture();
        Self {
            group,
            applications: [Application::Accepts; 2],
            flights: Vec::new(),
            forged: false,
            open: [0; 2],
            delivered: Default::default(),
            taken: Default::default(),
            last: Default::default(),
            outcomes: BTreeMap::new(),
        }
    }

    /// Does one step; none at the end of the data.
    fn step(&mut self, bytes: &mut impl Iterator<Item = u8>) -> Option<()> {
        let (what, with) = (bytes.next()?, bytes.next()?);
        let (who, group) = (usize::from(what >> 7), &mut self.group);
        let (own, other) = (group.address(who), group.address(1 - who));
        match what & 15 {
            0 => group.send_text(who, Recipient::Everyone, &"x".repeat(1 + usize::from(with))),
            1 => group.send_text(who, Recipient::Everyone, &"y".repeat(1 + usize::from(with) * 64)),
            2 => (0..with).for_each(|_| group.send_text(who, Recipient::Everyone, "z")),
            3 => group.run(Duration::from_millis(with.into())),
            4 => group.run(Duration::from_millis(250) * u32::from(with)),
            5 => group.network.block(own, other),
            6 => group.network.unblock(),
            7 => {
                self.applications[who] = if with & 1 == 0 { Application::Accepts } else { Application::Stalled };
                group.set_application(who, self.applications[who]);
            }
            8 => {
                group.suspend(who);
                group.run(Duration::from_millis(100) * u32::from(with));
                group.resume(who);
            }
            9 => {
                let reason = if with & 1 == 0 { OfflineReason::Lost } else { OfflineReason::Asked };
                let change = Change::Offline { user: group.entry(1 - who).user.clone(), reason };
                group.input(who, Input::Change(change));
            }
            10 => {
                let entry = group.entry(1 - who).clone();
                group.input(who, Input::Change(Change::Online(entry)));
            }
            11 => {
                let strange = SocketAddr::from(([10, 7, 7, with], 7));
                let addresses = [strange, other].into_iter().skip((with & 1).into()).collect();
                let change = Change::Moved { user: group.entry(1 - who).user.clone(), addresses };
                group.input(who, Input::Change(change));
            }
            12 => group.roam(who, SocketAddr::from(([10, 8, who as u8, with], 8))),
            13 if with & 7 == 0 => group.input(who, Input::Leave),
            13 => {
                self.flights.extend(group.network.take_captured());
                if let Some(flight) = self.flights.get(usize::from(with)).cloned() {
                    let from = if with & 1 == 0 { flight.from } else { SocketAddr::from(([10, 6, 6, 6], 6)) };
                    group.inject(from, flight.to, &flight.bytes);
                }
            }
            _ => {
                let number = match with >> 6 {
                    0 => u64::from(with & 63),
                    1 => 1 << (with & 63),
                    2 => u64::MAX - u64::from(with & 63),
                    _ => 1000 + u64::from(with & 63),
                };
                let length = usize::from(bytes.next()?);
                let frames: Vec<u8> = bytes.take(length).collect();
                self.forged = true;
                group.forge(1, 0, number, &frames);
            }
        }
        Some(())
    }

    /// Compares what both were told with what was promised.
    fn check(&mut self) {
        let told = [self.group.take_outputs(0), self.group.take_outputs(1)];
        for (who, told) in told.iter().enumerate() {
            for output in told {
                if let Output::Deliver { message, .. } = output {
                    self.deliver(who, message.id);
                }
            }
            if self.applications[who] == Application::Accepts {
                self.taken[who].extend(&self.delivered[who]);
            }
        }
        for (who, told) in told.iter().enumerate() {
            for output in told {
                match output {
                    Output::Queued { recipients, .. } => self.open[who] += recipients,
                    Output::Report(report) => {
                        self.open[who] = self.open[who].checked_sub(1).expect("no more outcomes than recipients");
                        self.report(1 - who, report.id, report.outcome);
                    }
                    Output::Violation(_) => assert!(self.forged, "an honest member is shut out"),
                    _ => {}
                }
            }
            assert_eq!(self.group.open(who), self.open[who], "open outcomes are counted right");
        }
    }

    fn deliver(&mut self, who: usize, id: MessageId) {
        if self.forged {
            return;
        }
        assert!(self.delivered[who].insert(id), "{id} was given twice");
        let before = self.last[who].insert(id.session, id.number);
        assert!(before < Some(id.number), "{id} is out of order");
        self.never_failed(id);
    }

    fn report(&mut self, by: usize, id: MessageId, outcome: Outcome) {
        assert!(self.outcomes.insert(id, outcome).is_none(), "{id} has two outcomes");
        if self.forged {
            return;
        }
        if outcome == Outcome::Delivered {
            assert!(self.taken[by].contains(&id), "{id} was taken by nobody");
        } else if self.delivered[by].contains(&id) {
            self.never_failed(id);
        }
    }

    fn never_failed(&self, id: MessageId) {
        if let Some(Outcome::Failed(reason)) = self.outcomes.get(&id) {
            assert_eq!(*reason, FailReason::Refused, "{id} was given although it had failed");
        }
    }

    /// Lets everybody do what they should and sees that everything ends.
    fn end(mut self) {
        self.group.network.unblock();
        for who in 0..2 {
            self.applications[who] = Application::Accepts;
            self.group.set_application(who, Application::Accepts);
        }
        self.group.run(END);
        self.check();
        if self.forged {
            // A liar may have used a number before its own machine did, which then takes for arrived what did not. It is
            // waited for like somebody who does not read: until it leaves.
            let change = Change::Offline { user: self.group.entry(1).user.clone(), reason: OfflineReason::Lost };
            self.group.input(0, Input::Change(change));
            self.check();
        }
        // What a liar says in its own name its own machine does not know of, and may wait for ever.
        let owed = if self.forged { 1 } else { 2 };
        assert_eq!(self.open[..owed], [0; 2][..owed], "outcomes stay open");
        // The last word may be room that was held back because somebody wrote too fast.
        self.group.run(PACE);
        let sent = self.group.network.sent();
        self.group.run(END);
        self.check();
        if self.open[1] > 0 {
            return;
        }
        assert_eq!(self.group.network.sent(), sent, "somebody goes on talking");
    }
}
