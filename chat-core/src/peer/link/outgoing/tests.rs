//! Tests of messages to the peer.

use arrayvec::ArrayVec;

use super::*;
use crate::id::SessionId;
use crate::peer::link::packet::FinishedPacket;
use crate::peer::link::recovery::MAX_SENT_FRAMES;
use crate::wire::datagram::{Frames, MAX_FRAMES, Refusal, RefusalReason};

const PROBE_TIMEOUT: Duration = Duration::from_millis(200);

const LEFT: (UnconfirmedReason, FailReason) = (UnconfirmedReason::Left, FailReason::Left);

/// A queue and its messages, which have names.
struct Queue {
    outgoing: Outgoing,
    messages: Messages,
    names: Vec<u64>,
    now: Mono,
}

impl Queue {
    fn resuming(number: u64, bytes: u64) -> Self {
        let messages = Messages::new(SessionId::new(1));
        let outgoing = Outgoing::resuming(Position { number, bytes });
        Self { outgoing, messages, names: Vec::new(), now: Mono::ZERO }
    }

    fn enqueue(&mut self, name: u64, len: usize) -> Result<(), QueueFull> {
        let handle = self.messages.insert(vec![7; len], 0);
        assert_eq!(handle.index(), self.names.len());
        self.names.push(name);
        self.outgoing.enqueue(handle, len)
    }

    fn has_work(&self) -> bool {
        self.outgoing.has_work(&self.messages)
    }

    fn on_resend(&mut self, after: u64) -> Result<(), Malformed> {
        self.now = self.now + Duration::from_secs(1);
        self.outgoing.on_resend(self.now, after, PROBE_TIMEOUT, &self.messages)
    }
}

impl std::ops::Deref for Queue {
    type Target = Outgoing;

    fn deref(&self) -> &Outgoing {
        &self.outgoing
    }
}

impl std::ops::DerefMut for Queue {
    fn deref_mut(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }
}

fn outgoing(bodies: &[usize]) -> Queue {
    let mut outgoing = Queue::resuming(0, 0);
    for (index, len) in bodies.iter().enumerate() {
        outgoing.enqueue(100 + index as u64, *len).unwrap();
    }
    outgoing
}

/// Writes one datagram. Returns the numbers of the messages in it, whole or in part, and the packet.
fn transmit(queue: &mut Queue) -> (Vec<u64>, SentPacket) {
    let mut space = [0; MAX_FRAMES];
    let mut packet = Packet::new(&mut space);
    queue.outgoing.write_skip(&mut packet);
    queue.outgoing.write(&mut packet, &queue.messages);
    let FinishedPacket { len, frames, .. } = packet.finish();
    let number = |frame| match frame {
        Ok(Frame::Message { number, .. } | Frame::Fragment { number, .. }) => Some(number),
        _ => None,
    };
    (Frames::new(&space[..len]).filter_map(number).collect(), packet_with(frames))
}

fn packet_with(frames: ArrayVec<SentFrame, MAX_SENT_FRAMES>) -> SentPacket {
    SentPacket { number: 0, at: Mono::ZERO, size: 0, frames }
}

fn acknowledge(queue: &mut Queue, accepted: u64, refused: &[u64]) -> Result<Vec<(u64, Outcome)>, Malformed> {
    let refused =
        refused.iter().map(|number| Refusal { number: *number, reason: RefusalReason::Application }).collect();
    let mut outcomes = Vec::new();
    let ack = Ack { accepted, refused, ..Ack::default() };
    let names = &queue.names;
    let report = |message: MessageHandle, outcome| outcomes.push((names[message.index()], outcome));
    queue.outgoing.on_ack(&ack, &queue.messages, report)?;
    Ok(outcomes)
}

fn abandon(queue: &mut Queue) -> Vec<(u64, Outcome)> {
    let mut outcomes = Vec::new();
    let names = &queue.names;
    let report = |message: MessageHandle, outcome| outcomes.push((names[message.index()], outcome));
    queue.outgoing.abandon(LEFT.0, LEFT.1, report);
    outcomes
}

#[test]
fn each_sent_message_has_one_outcome() {
    let mut outgoing = outgoing(&[10, 10, 10]);
    assert_eq!(acknowledge(&mut outgoing, 1, &[]), Err(Malformed), "nothing has been sent");
    assert_eq!(transmit(&mut outgoing).0, [1, 2, 3]);
    let refused = Outcome::Failed(FailReason::Refused);
    assert_eq!(acknowledge(&mut outgoing, 2, &[2]), Ok(vec![(100, Outcome::Delivered), (101, refused)]));
    assert_eq!(acknowledge(&mut outgoing, 2, &[1]), Ok(vec![]));
    assert_eq!(acknowledge(&mut outgoing, 1, &[]), Ok(vec![]), "an old ack");
    assert_eq!(acknowledge(&mut outgoing, 4, &[]), Err(Malformed));
    assert_eq!(acknowledge(&mut outgoing, 3, &[]), Ok(vec![(102, Outcome::Delivered)]));
    assert!(!outgoing.has_pending());
}

#[test]
fn lost_frames_are_retransmitted_once_and_resolved_messages_are_not() {
    let mut outgoing = outgoing(&[10, 10, 3000]);
    let (_, sent) = transmit(&mut outgoing);
    outgoing.on_lost(&sent);
    outgoing.on_lost(&sent);
    acknowledge(&mut outgoing, 1, &[]).unwrap();
    assert_eq!(transmit(&mut outgoing).0, [2, 3], "the second message and the lost fragment");
    while outgoing.has_work() {
        assert!(transmit(&mut outgoing).0.iter().all(|number| *number == 3));
    }
}

#[test]
fn abandoned_messages_are_unconfirmed_if_any_part_was_sent_and_failed_otherwise() {
    let mut outgoing = outgoing(&[10, 5000, 10]);
    transmit(&mut outgoing);
    let unconfirmed = Outcome::Unconfirmed(LEFT.0);
    assert_eq!(abandon(&mut outgoing), [(100, unconfirmed), (101, unconfirmed), (102, Outcome::Failed(LEFT.1))]);
    assert_eq!(outgoing.last(), Position { number: 2, bytes: 5010 }, "numbers and bytes continue");
    assert!(!outgoing.is_skip_due() && !outgoing.has_work(), "the notice waits for another message");
    outgoing.enqueue(200, 5).unwrap();
    for _ in 0..2 {
        assert!(outgoing.has_work());
        let (numbers, sent) = transmit(&mut outgoing);
        assert_eq!(
            (numbers, sent.frames[0]),
            (vec![3], SentFrame::Skip),
            "the notice travels with each message until it is acknowledged"
        );
        outgoing.on_lost(&sent);
    }
    outgoing.on_acked(&packet_with([SentFrame::Skip].into_iter().collect()));
    assert!(!transmit(&mut outgoing).1.frames.contains(&SentFrame::Skip));
    assert_eq!(acknowledge(&mut outgoing, 3, &[]), Ok(vec![(200, Outcome::Delivered)]));
}

#[test]
fn a_resend_request_schedules_everything_that_was_sent_after_it() {
    let mut outgoing = outgoing(&[10, 10, 2500, 10, 10, 2000]);
    while outgoing.has_work() && outgoing.next < 6 {
        transmit(&mut outgoing);
    }
    outgoing.on_resend(1).unwrap();
    let runs: Vec<SentFrame> = outgoing.lost.iter().copied().take(3).collect();
    assert_eq!(runs[0], SentFrame::Messages { first: 2, last: 2 });
    assert_eq!(runs[1], SentFrame::Fragment { number: 3, offset: 0, len: 2500 });
    assert_eq!(runs[2], SentFrame::Messages { first: 4, last: 5 });
    assert_eq!(outgoing.on_resend(7), Err(Malformed), "message 7 was never sent");
    assert_eq!(outgoing.on_resend(u64::MAX), Err(Malformed));
}

#[test]
fn a_resend_request_that_asks_for_nothing_does_not_count() {
    let mut outgoing = outgoing(&[10, 10]);
    transmit(&mut outgoing);
    for _ in 0..100 {
        assert_eq!(outgoing.on_resend(2), Ok(()));
        assert!(!outgoing.has_lost());
    }
    assert_eq!(outgoing.on_resend(1), Ok(()));
    assert!(outgoing.has_lost());
}

#[test]
fn a_resumed_link_waits_for_room() {
    let mut outgoing = Queue::resuming(5, 500);
    outgoing.enqueue(1, 10).unwrap();
    assert_eq!(transmit(&mut outgoing).0, [], "only the skip notice is sent");
    let ack = Ack { room: 600, ..Ack::default() };
    assert_eq!(outgoing.outgoing.on_ack(&ack, &outgoing.messages, |_, _| {}), Ok(true));
    assert_eq!(transmit(&mut outgoing).0, [6]);
}

#[test]
fn the_queue_is_bounded_in_messages_and_bytes() {
    let mut outgoing = Queue::resuming(0, 0);
    (0..MAX_QUEUED).for_each(|message| outgoing.enqueue(message as u64, 1).unwrap());
    assert_eq!(outgoing.enqueue(0, 1), Err(QueueFull));
    let mut outgoing = Queue::resuming(0, 0);
    (0..64).for_each(|message| outgoing.enqueue(message, 16 * 1024).unwrap());
    assert_eq!(outgoing.enqueue(0, 1), Err(QueueFull));
}
