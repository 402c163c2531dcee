//! What a malicious member can draw from another one: how many bytes are sent to it for each byte that it sends.
//!
//! The attacker has an address that it has proven, and the keys of its link. Its victim has texts for it. The texts
//! themselves do not count as drawn: an honest member receives them too.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use chat_core::generator::Generator;
use chat_core::message::Recipient;
use chat_core::peer::{Input, Output, PeerConfig};
use chat_core::presence::OfflineReason;
use chat_core::roster::Change;
use chat_core::sim::{Group, Profile, SeededGenerator, SimDatagram};
use chat_core::wire::datagram::{Ack, Frame, Frames, HEADER, Range, TAG};

const VICTIM: usize = 0;
const ATTACKER: usize = 1;

/// The bytes that are sent again before the attacker sends anything (docs/PROTOCOL.md, section 3.6).
const BUDGET: usize = 1024 * 1024;

/// The bytes that are drawn at most for each byte that the attacker sends, beyond the budget.
const MAX_MULTIPLE: usize = 128;

const TEXTS: usize = 40;
const TEXT_BYTES: usize = 16_000;

/// Where the attacker goes if it changes its address.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 9, 9));

/// How long each script runs.
const DURATION: Duration = Duration::from_secs(60);

/// The time between two steps of a script.
const STEP: Duration = Duration::from_millis(5);

struct Attacker {
    group: Group,
    random: SeededGenerator,
    /// The number of its next packet.
    next: u64,
    steps: u32,
    /// The packets that arrived from the victim.
    arrived: BTreeSet<u64>,
    /// Those that it acknowledges.
    acked: BTreeSet<u64>,
    /// The challenges that it has not answered.
    challenges: Vec<[u8; 8]>,
    sent: usize,
    received: usize,
    texts: usize,
    is_violation: bool,
}

/// One step: reacts to the packets that have arrived since the step before.
type Script = fn(&mut Attacker, &[u64]);

const SCRIPTS: &[(&str, Script)] = &[
    ("honest acks", |attacker, new| {
        if !new.is_empty() {
            let ack = attacker.ack(attacker.arrived.iter().rev().copied());
            attacker.send(&[ack]);
        }
    }),
    ("Resend in every datagram", |attacker, _| {
        let ack = attacker.ack(attacker.arrived.iter().rev().copied());
        attacker.send(&[ack, Frame::Resend { after: 0 }]);
    }),
    ("Resend as often as permitted", |attacker, new| {
        let mut frames = Vec::new();
        if !new.is_empty() {
            frames.push(attacker.ack(attacker.arrived.iter().rev().copied()));
        }
        if attacker.is_time(Duration::from_secs(10)) {
            frames.push(Frame::Resend { after: 0 });
        }
        if !frames.is_empty() {
            attacker.send(&frames);
        }
    }),
    ("optimistic acks", |attacker, new| {
        if let Some(last) = new.last() {
            let ack = attacker.ack((0..=*last).rev());
            attacker.send(&[ack]);
        }
    }),
    ("optimistic acks and Resend", |attacker, new| {
        if let Some(last) = new.last() {
            let ack = attacker.ack((0..=*last).rev());
            attacker.send(&[ack, Frame::Resend { after: 0 }]);
        }
    }),
    ("acks of half", |attacker, new| {
        if !new.is_empty() {
            attacker.acked.extend(new.iter().filter(|number| **number % 2 == 0));
            let ack = attacker.ack(attacker.acked.iter().rev().copied());
            attacker.send(&[ack]);
        }
    }),
    ("acks of the last packet only", |attacker, new| {
        if let Some(last) = new.last() {
            let ack = attacker.ack([*last]);
            attacker.send(&[ack]);
        }
    }),
    ("one ack in 40 s", |attacker, _| {
        if attacker.is_time(Duration::from_secs(40)) {
            let ack = attacker.ack(attacker.arrived.last().copied());
            attacker.send(&[ack]);
        }
    }),
    ("acks of the last packet, from other addresses", |attacker, new| {
        if attacker.is_time(Duration::from_millis(50)) {
            let port = 5_000 + attacker.random.number() % 1_000;
            attacker.group.roam(ATTACKER, SocketAddr::new(ELSEWHERE, port as u16));
        }
        let mut frames: Vec<Frame<'_>> = attacker.challenges.drain(..).map(Frame::Pong).collect();
        frames.extend(new.last().map(|last| attacker.ack([*last])));
        if !frames.is_empty() {
            attacker.send(&frames);
        }
    }),
    ("Resend after each reopening", |attacker, new| {
        if attacker.is_time(Duration::from_secs(5)) {
            attacker.reopen();
        }
        if !new.is_empty() {
            let ack = attacker.ack(attacker.arrived.iter().rev().copied());
            attacker.send(&[ack, Frame::Resend { after: 0 }]);
        }
    }),
    ("pings", |attacker, _| attacker.send(&[Frame::Ping([7; 8])])),
    ("messages that are refused", |attacker, _| {
        let number = u64::from(attacker.steps);
        attacker.send(&[Frame::Message { number, body: b"x" }]);
    }),
    ("anything", |attacker, new| {
        let mut frames = Vec::new();
        for _ in 0..attacker.random.number() % 3 {
            let last = attacker.arrived.last().copied();
            frames.push(match attacker.random.number() % 7 {
                0 => attacker.ack(attacker.arrived.iter().rev().copied()),
                1 | 2 => attacker.ack(last),
                3 => {
                    let some = new.iter().copied().filter(|number| number % 3 == 0).collect::<Vec<_>>();
                    attacker.acked.extend(some);
                    attacker.ack(attacker.acked.iter().rev().copied())
                }
                4 if attacker.is_time(Duration::from_secs(1)) => Frame::Resend { after: 0 },
                5 => Frame::Ping([7; 8]),
                _ => Frame::Padding,
            });
        }
        if !frames.is_empty() {
            attacker.send(&frames);
        }
    }),
];

impl Attacker {
    fn new(seed: u64) -> Self {
        let mut group = Group::new(2, Profile::GOOD, &PeerConfig::default(), seed);
        for index in [VICTIM, ATTACKER] {
            group.send_text(index, Recipient::Everyone, "hello");
        }
        assert!(group.run_until_idle(Duration::from_secs(1)));
        group.run(Duration::from_secs(1));
        group.network.capture();
        Self {
            group,
            random: SeededGenerator::new(seed),
            next: 1_000,
            steps: 0,
            arrived: BTreeSet::new(),
            acked: BTreeSet::new(),
            challenges: Vec::new(),
            sent: 0,
            received: 0,
            texts: 0,
            is_violation: false,
        }
    }

    /// The victim sends texts.
    fn send_texts(&mut self, count: usize) {
        self.texts += count;
        (0..count).for_each(|_| self.group.send_text(VICTIM, Recipient::Everyone, &"x".repeat(TEXT_BYTES)));
    }

    /// The attacker sends a packet.
    fn send(&mut self, frames: &[Frame<'_>]) {
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.encode(&mut bytes));
        self.group.forge(ATTACKER, VICTIM, self.next, &bytes);
        self.next += 1;
        self.sent += HEADER + bytes.len() + TAG;
    }

    /// An ack of these packets, the highest first, as far as its ranges suffice. It grants as much room as the victim
    /// wants, and accepts no message.
    fn ack(&self, numbers: impl IntoIterator<Item = u64>) -> Frame<'static> {
        let mut ack = Ack { room: 1 << 40, ..Ack::default() };
        let mut lowest = None;
        for number in numbers.into_iter().take(2_048) {
            let is_full = ack.ranges.is_full();
            match (lowest, ack.ranges.last_mut()) {
                (Some(lowest), Some(range)) if lowest == number + 1 => range.length += 1,
                (Some(_), Some(_)) if is_full => break,
                (Some(lowest), Some(range)) => {
                    range.gap = lowest - number - 1;
                    ack.ranges.push(Range { length: 1, gap: 0 });
                }
                _ => {
                    ack.largest = number;
                    ack.ranges.push(Range { length: 1, gap: 0 });
                }
            }
            lowest = Some(number);
        }
        Frame::Ack(ack)
    }

    /// Whether the script is at a multiple of `interval`.
    fn is_time(&self, interval: Duration) -> bool {
        let interval = (interval.as_millis() / STEP.as_millis()) as u32;
        self.steps.is_multiple_of(interval)
    }

    /// The victim sees the attacker leave and return, and sends another text.
    fn reopen(&mut self) {
        let entry = self.group.entry(ATTACKER).clone();
        let offline = Change::Offline { user: entry.user.clone(), reason: OfflineReason::Lost };
        self.group.input(VICTIM, Input::Change(offline));
        self.group.run(Duration::from_secs(4));
        self.group.input(VICTIM, Input::Change(Change::Online(entry)));
        self.send_texts(1);
    }

    /// Lets time pass, and returns the packets that have arrived.
    fn step(&mut self) -> Vec<u64> {
        self.group.run(STEP);
        self.steps += 1;
        let victim = self.group.address(VICTIM);
        let captured = self.group.network.take_captured();
        let mut new = Vec::new();
        for datagram in captured.into_iter().filter(|datagram| datagram.from == victim) {
            self.received += datagram.bytes.len();
            let number = u64::from_be_bytes(datagram.bytes[9..HEADER].try_into().expect("8 bytes"));
            if datagram.to.ip() == ELSEWHERE {
                self.remember_challenges(&datagram);
            }
            self.arrived.insert(number);
            new.push(number);
        }
        let outputs = self.group.take_outputs(VICTIM);
        self.is_violation |= outputs.iter().any(|output| matches!(output, Output::Violation(_)));
        new
    }

    fn remember_challenges(&mut self, datagram: &SimDatagram) {
        let frames = self.group.open_datagram(VICTIM, ATTACKER, &datagram.bytes).expect("it is for the attacker");
        let challenge = |frame| match frame {
            Ok(Frame::Ping(bytes)) if bytes != [0; 8] => Some(bytes),
            _ => None,
        };
        self.challenges.extend(Frames::new(&frames).filter_map(challenge));
    }

    fn run(&mut self, script: Script) {
        self.group.suspend(ATTACKER);
        self.send_texts(TEXTS);
        let end = self.group.now() + DURATION;
        while self.group.now() < end {
            let new = self.step();
            script(self, &new);
        }
    }
}

/// The bytes that an honest member receives from the victim for each text.
fn bytes_per_text() -> usize {
    let mut honest = Attacker::new(0);
    honest.send_texts(TEXTS);
    assert!(honest.group.run_until_idle(Duration::from_secs(60)));
    honest.step();
    honest.received.div_ceil(TEXTS)
}

#[test]
fn a_member_draws_at_most_a_fixed_multiple_of_the_bytes_that_it_sends() {
    let each = bytes_per_text();
    println!("{:46} {:>10} {:>10} {:>9} {:>12}", "script", "sent", "drawn", "multiple", "beyond 1 MiB");
    for (name, script) in SCRIPTS {
        let seeds = if *name == "anything" { 0..8 } else { 0..1 };
        for seed in seeds {
            let mut attacker = Attacker::new(seed);
            attacker.run(*script);
            let Attacker { sent, received, texts, is_violation, .. } = attacker;
            let drawn = received.saturating_sub(texts * each);
            let end = if is_violation { ", ended as a violation" } else { "" };
            let [multiple, beyond] = [drawn, drawn.saturating_sub(BUDGET)].map(|bytes| bytes as f64 / sent as f64);
            println!("{name:46} {sent:>10} {drawn:>10} {multiple:>9.1} {beyond:>12.1}{end}");
            let most = BUDGET + MAX_MULTIPLE * sent;
            assert!(drawn <= most, "{name}: {drawn} bytes for {sent} bytes, more than {most}");
        }
    }
}

#[test]
fn a_member_that_keeps_requesting_to_resend_is_excluded() {
    let mut attacker = Attacker::new(1);
    attacker.run(|attacker, _| {
        let ack = attacker.ack(attacker.arrived.iter().rev().copied());
        attacker.send(&[ack, Frame::Resend { after: 0 }]);
    });
    assert!(attacker.is_violation);
}

#[test]
fn a_member_that_acknowledges_packets_before_they_arrive_is_excluded() {
    for seed in 0..20 {
        let mut attacker = Attacker::new(seed);
        attacker.run(|attacker, new| {
            if let Some(last) = new.last() {
                let ack = attacker.ack((0..=*last).rev());
                attacker.send(&[ack]);
            }
        });
        assert!(attacker.is_violation, "seed {seed}");
        assert!(attacker.arrived.len() <= 200, "seed {seed}: after {} packets", attacker.arrived.len());
    }
}
