//! Tests of messages going out.

use arrayvec::ArrayVec;

use super::*;
use crate::id::SessionId;
use crate::peer::recovery::MAX_ITEMS;
use crate::time::Mono;
use crate::wire::datagram::{Frames, MAX_FRAMES, Refusal, RefusalReason};

const LEFT: (UnconfirmedReason, FailReason) = (UnconfirmedReason::Left, FailReason::Left);

/// A queue and the messages in it, with names for them.
struct Queue {
    outgoing: Outgoing,
    messages: Messages,
    names: Vec<u64>,
}

impl Queue {
    fn resuming(settled: u64, bytes: u64) -> Self {
        let messages = Messages::new(SessionId::new(1));
        Self { outgoing: Outgoing::resuming(settled, bytes), messages, names: Vec::new() }
    }

    fn push(&mut self, name: u64, len: usize) -> Result<(), QueueFull> {
        let handle = self.messages.keep(vec![7; len], 0);
        assert_eq!(handle.index(), self.names.len());
        self.names.push(name);
        self.outgoing.push(handle, len)
    }

    fn has_work(&self) -> bool {
        self.outgoing.has_work(&self.messages)
    }

    fn on_missing(&mut self, after: u64) -> Result<(), Malformed> {
        self.outgoing.on_missing(after, &self.messages)
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
        outgoing.push(100 + index as u64, *len).unwrap();
    }
    outgoing
}

/// Fills one datagram: the numbers of the messages that are in it, whole or in part, and what it carries.
fn fill(queue: &mut Queue) -> (Vec<u64>, Sent) {
    let mut space = [0; MAX_FRAMES];
    let mut packet = Packet::new(&mut space);
    queue.outgoing.write_skip(&mut packet);
    queue.outgoing.write(&mut packet, &queue.messages);
    let (len, _, items, _) = packet.finish();
    let number = |frame| match frame {
        Ok(Frame::Text { number, .. } | Frame::Piece { number, .. }) => Some(number),
        _ => None,
    };
    (Frames::new(&space[..len]).filter_map(number).collect(), carrying(items))
}

fn carrying(items: ArrayVec<Item, MAX_ITEMS>) -> Sent {
    Sent { number: 0, at: Mono::ZERO, size: 0, items }
}

fn settle(queue: &mut Queue, settled: u64, refused: &[u64]) -> Result<Vec<(u64, Outcome)>, Malformed> {
    let refused =
        refused.iter().map(|number| Refusal { number: *number, reason: RefusalReason::Application }).collect();
    let mut outcomes = Vec::new();
    let ack = Ack { settled, refused, ..Ack::default() };
    let names = &queue.names;
    let told = |message: Handle, outcome| outcomes.push((names[message.index()], outcome));
    queue.outgoing.on_ack(&ack, &queue.messages, told)?;
    Ok(outcomes)
}

fn give_up(queue: &mut Queue) -> Vec<(u64, Outcome)> {
    let mut outcomes = Vec::new();
    let names = &queue.names;
    let told = |message: Handle, outcome| outcomes.push((names[message.index()], outcome));
    queue.outgoing.give_up(LEFT.0, LEFT.1, told);
    outcomes
}

#[test]
fn outcomes_come_once_and_only_for_what_was_sent() {
    let mut outgoing = outgoing(&[10, 10, 10]);
    assert_eq!(settle(&mut outgoing, 1, &[]), Err(Malformed), "nothing was sent yet");
    assert_eq!(fill(&mut outgoing).0, [1, 2, 3]);
    let refused = Outcome::Failed(FailReason::Refused);
    assert_eq!(settle(&mut outgoing, 2, &[2]), Ok(vec![(100, Outcome::Delivered), (101, refused)]));
    assert_eq!(settle(&mut outgoing, 2, &[1]), Ok(vec![]));
    assert_eq!(settle(&mut outgoing, 1, &[]), Ok(vec![]), "an old ack");
    assert_eq!(settle(&mut outgoing, 4, &[]), Err(Malformed));
    assert_eq!(settle(&mut outgoing, 3, &[]), Ok(vec![(102, Outcome::Delivered)]));
    assert!(!outgoing.is_open());
}

#[test]
fn what_is_lost_travels_again_once_and_what_is_settled_does_not() {
    let mut outgoing = outgoing(&[10, 10, 3000]);
    let (_, sent) = fill(&mut outgoing);
    outgoing.on_lost(&sent);
    outgoing.on_lost(&sent);
    settle(&mut outgoing, 1, &[]).unwrap();
    assert_eq!(fill(&mut outgoing).0, [2, 3], "the second and the lost piece");
    while outgoing.has_work() {
        assert!(fill(&mut outgoing).0.iter().all(|number| *number == 3));
    }
}

#[test]
fn giving_up_tells_what_was_begun_from_what_was_not() {
    let mut outgoing = outgoing(&[10, 5000, 10]);
    fill(&mut outgoing);
    let unconfirmed = Outcome::Unconfirmed(LEFT.0);
    assert_eq!(give_up(&mut outgoing), [(100, unconfirmed), (101, unconfirmed), (102, Outcome::Failed(LEFT.1))]);
    assert_eq!(outgoing.last(), (2, 5010), "numbers and bytes run on");
    assert!(!outgoing.has_skip() && !outgoing.has_work(), "nobody is bothered until there is another message");
    outgoing.push(200, 5).unwrap();
    for _ in 0..2 {
        assert!(outgoing.has_work());
        let (numbers, sent) = fill(&mut outgoing);
        assert_eq!((numbers, sent.items[0]), (vec![3], Item::Skip), "with each message, until it is acknowledged");
        outgoing.on_lost(&sent);
    }
    outgoing.on_acked(&carrying([Item::Skip].into_iter().collect()));
    assert!(!fill(&mut outgoing).1.items.contains(&Item::Skip));
    assert_eq!(settle(&mut outgoing, 3, &[]), Ok(vec![(200, Outcome::Delivered)]));
}

#[test]
fn all_that_the_peer_has_lost_travels_again() {
    let mut outgoing = outgoing(&[10, 10, 2500, 10, 10, 2000]);
    while outgoing.has_work() && outgoing.next < 6 {
        fill(&mut outgoing);
    }
    outgoing.on_missing(1).unwrap();
    let runs: Vec<Item> = outgoing.lost.iter().copied().take(3).collect();
    assert_eq!(runs[0], Item::Whole { first: 2, last: 2 });
    assert_eq!(runs[1], Item::Piece { number: 3, offset: 0, len: 2500 });
    assert_eq!(runs[2], Item::Whole { first: 4, last: 5 });
    assert_eq!(outgoing.on_missing(7), Err(Malformed), "that was never sent");
    assert_eq!(outgoing.on_missing(u64::MAX), Err(Malformed));
}

#[test]
fn a_link_that_comes_back_waits_for_room_and_one_that_begins_does_not() {
    let mut outgoing = Queue::resuming(5, 500);
    outgoing.push(1, 10).unwrap();
    assert_eq!(fill(&mut outgoing).0, [], "only the notice");
    let ack = Ack { room: 600, ..Ack::default() };
    assert_eq!(outgoing.outgoing.on_ack(&ack, &outgoing.messages, |_, _| {}), Ok(true));
    assert_eq!(fill(&mut outgoing).0, [6]);
}

#[test]
fn the_queue_is_bounded_in_messages_and_in_bytes() {
    let mut outgoing = Queue::resuming(0, 0);
    (0..MAX_QUEUED).for_each(|message| outgoing.push(message as u64, 1).unwrap());
    assert_eq!(outgoing.push(0, 1), Err(QueueFull));
    let mut outgoing = Queue::resuming(0, 0);
    (0..64).for_each(|message| outgoing.push(message, 16 * 1024).unwrap());
    assert_eq!(outgoing.push(0, 1), Err(QueueFull));
}
