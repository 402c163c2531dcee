//! The contract suite: the tests that implementations of the port for the journal must pass.
//!
//! One function for each rule. A violation panics with a message that states what was expected.

use super::{
    Appended, Entering, Founding, Head, HintPosition, Journal, JournalError, LoggedAct, Proposal, Slot, State, Verdict,
    Writer,
};
use crate::id::{AccountId, Epoch, Fence, NodeId, Position, Revision, SessionId, Tag};
use crate::time::Timestamp;

const FIRST: Epoch = Epoch::new(11);
const SECOND: Epoch = Epoch::new(22);
const A: NodeId = NodeId::new(0xa);
const B: NodeId = NodeId::new(0xb);
const C: NodeId = NodeId::new(0xc);
const SINCE: Timestamp = Timestamp::from_millis(1_795_408_080_000);
const ALICE: Slot = Slot::Account(AccountId::new(1));
const BOB: Slot = Slot::Account(AccountId::new(2));
const ABSENT: Position = Position::new(0);

/// Asserts what [`Journal`] promises, on an **empty** journal.
///
/// # Panics
/// If the implementation violates the contract.
pub async fn journal_contract<J: Journal>(journal: &J) {
    an_empty_journal_says_so(journal).await;
    an_epoch_begins_once(journal).await;
    a_node_enters_under_a_rising_fence(journal).await;
    positions_have_no_gaps_and_each_act_names_the_one_before(journal).await;
    revisions_count_the_changes(journal).await;
    an_act_whose_guard_does_not_hold_is_refused_and_the_others_are_not(journal).await;
    a_proposal_changes_all_of_its_slots_or_none(journal).await;
    what_arrives_under_an_older_fence_is_refused(journal).await;
    signs_of_life_are_counted_for_each_node(journal).await;
    a_node_that_is_declared_lost_neither_writes_nor_enters(journal).await;
    slots_of_accounts_and_nodes_are_returned_with_their_positions(journal).await;
    hints_are_read_beside_the_acts_from_a_place_on(journal).await;
    hints_change_no_position_and_need_no_fence(journal).await;
    another_epoch_continues_positions_revisions_and_slots(journal).await;
    hints_outlast_an_epoch(journal).await;
}

async fn an_empty_journal_says_so<J: Journal>(journal: &J) {
    let entered = journal.enter(entering(A, 1, 1)).await;
    assert!(matches!(entered, Err(JournalError::Empty)), "enter: {entered:?}");
    for (call, result) in [
        ("renew", journal.renew(by(A, 1, FIRST)).await.map(drop)),
        ("append", journal.append(by(A, 1, FIRST), vec![]).await.map(drop)),
        ("states", journal.states(FIRST, 0).await.map(drop)),
        ("read", journal.read(FIRST, ABSENT, None).await.map(drop)),
        ("found another", journal.found(Some(FIRST), founding(SECOND)).await),
    ] {
        assert!(matches!(result, Err(JournalError::Empty)), "{call} of an empty journal: {result:?}");
    }
}

async fn an_epoch_begins_once<J: Journal>(journal: &J) {
    ok(journal.found(None, founding(FIRST)).await, "the first epoch");
    for old in [None, Some(SECOND)] {
        let result = journal.found(old, founding(SECOND)).await;
        assert!(matches!(result, Err(JournalError::OtherEpoch(FIRST))), "an epoch after {old:?}: {result:?}");
    }
    let read = journal.read(SECOND, ABSENT, None).await;
    assert!(matches!(read, Err(JournalError::OtherEpoch(FIRST))), "an epoch that lost: {read:?}");
}

async fn a_node_enters_under_a_rising_fence<J: Journal>(journal: &J) {
    let head = ok(journal.enter(entering(A, 5, 1)).await, "enter");
    let expected = Head { position: Position::new(1), tip: Tag::new(1), ..founding(FIRST).head };
    assert_eq!(head, expected, "the head after the node has entered");
    for fence in [4, 5] {
        let again = journal.enter(entering(A, fence, 2)).await;
        assert!(matches!(again, Err(JournalError::Fenced)), "a fence that does not rise: {again:?}");
    }
    assert_eq!(ok(journal.enter(entering(A, 6, 2)).await, "a higher fence").position, Position::new(2));
    assert_eq!(ok(journal.enter(entering(B, 1, 3)).await, "another node").position, Position::new(3));
}

async fn positions_have_no_gaps_and_each_act_names_the_one_before<J: Journal>(journal: &J) {
    let proposals = (4..7).map(|tag| proposal(tag, 0, &[], &[])).collect();
    let appended = ok(journal.append(by(A, 6, FIRST), proposals).await, "append");
    assert_eq!(appended, Appended { verdicts: vec![Verdict::Appended; 3], head: Position::new(6) });
    for after in 0..6 {
        let acts = ok(journal.read(FIRST, Position::new(after), None).await, "read").acts;
        let expected: Vec<_> = (after + 1..=6)
            .map(|number| LoggedAct {
                position: Position::new(number),
                previous: Tag::new(number - 1),
                act: act(number),
            })
            .collect();
        assert_eq!(acts, expected, "the acts after {after}");
    }
}

async fn revisions_count_the_changes<J: Journal>(journal: &J) {
    let appended = journal.append(by(B, 1, FIRST), vec![proposal(7, 2, &[], &[]), proposal(8, 1, &[], &[])]).await;
    assert_eq!(ok(appended, "append").head, Position::new(8));
    let head = ok(journal.renew(by(B, 1, FIRST)).await, "renew").head;
    assert_eq!((head.revision, head.tip), (Revision::new(3), Tag::new(8)));
}

async fn an_act_whose_guard_does_not_hold_is_refused_and_the_others_are_not<J: Journal>(journal: &J) {
    let alice = |tag, guard| proposal(tag, 0, &[(ALICE, Position::new(guard))], &[(ALICE, Some("alice"))]);
    let proposals = vec![alice(9, 0), alice(10, 0), alice(10, 9), alice(11, 9)];
    let appended = ok(journal.append(by(A, 6, FIRST), proposals).await, "append");
    use Verdict::{Appended, Refused};
    assert_eq!(appended.verdicts, [Appended, Refused, Appended, Refused], "each is judged after those before it");
    assert_eq!(appended.head, Position::new(10));
}

async fn a_proposal_changes_all_of_its_slots_or_none<J: Journal>(journal: &J) {
    let id = Slot::Session(SessionId::new(7));
    let both = |tag, alice: u64, bob: u64| {
        let guards = [(ALICE, Position::new(alice)), (BOB, Position::new(bob)), (id, ABSENT)];
        proposal(tag, 0, &guards, &[(ALICE, None), (BOB, Some("bob")), (id, Some("2"))])
    };
    let proposals = vec![both(11, 10, 10), both(11, 10, 0), both(12, 0, 11)];
    let appended = ok(journal.append(by(A, 6, FIRST), proposals).await, "append");
    assert_eq!(appended.verdicts, [Verdict::Refused, Verdict::Appended, Verdict::Refused], "the id is in use");
    let freed = proposal(12, 0, &[(id, Position::new(11)), (ALICE, ABSENT)], &[(id, None), (ALICE, Some("alice"))]);
    assert_eq!(ok(journal.append(by(A, 6, FIRST), vec![freed]).await, "append").verdicts, [Verdict::Appended]);
}

async fn what_arrives_under_an_older_fence_is_refused<J: Journal>(journal: &J) {
    for by in [by(A, 5, FIRST), by(A, 7, FIRST), by(C, 1, FIRST)] {
        let appended = journal.append(by, vec![proposal(99, 0, &[], &[])]).await;
        assert!(matches!(appended, Err(JournalError::Fenced)), "append by {by:?}: {appended:?}");
        let renewed = journal.renew(by).await;
        assert!(matches!(renewed, Err(JournalError::Fenced)), "renew by {by:?}: {renewed:?}");
    }
    let other = journal.append(by(A, 6, SECOND), vec![]).await;
    assert!(matches!(other, Err(JournalError::OtherEpoch(FIRST))), "append to another epoch: {other:?}");
    assert_eq!(
        ok(journal.renew(by(A, 6, FIRST)).await, "renew").head.position,
        Position::new(12),
        "nothing is appended"
    );
}

async fn signs_of_life_are_counted_for_each_node<J: Journal>(journal: &J) {
    let count =
        |signs: &super::Signs, node| signs.lives.iter().find(|(other, _)| *other == node).map(|(_, count)| *count);
    let before = ok(journal.renew(by(A, 6, FIRST)).await, "renew");
    let after = ok(journal.renew(by(A, 6, FIRST)).await, "renew");
    assert_eq!(count(&after, A), count(&before, A).map(|count| count + 1), "a sign of life");
    assert_eq!(count(&after, B), count(&before, B), "a node without one");
}

async fn a_node_that_is_declared_lost_neither_writes_nor_enters<J: Journal>(journal: &J) {
    let lost = proposal(13, 0, &[(Slot::Node(B), Position::new(3))], &[(Slot::Node(B), Some("lost"))]);
    let twice = vec![lost.clone(), lost];
    let appended = ok(journal.append(by(A, 6, FIRST), twice).await, "append");
    assert_eq!(appended.verdicts, [Verdict::Appended, Verdict::Refused]);
    let append = journal.append(by(B, 1, FIRST), vec![proposal(99, 0, &[], &[])]).await;
    assert!(matches!(append, Err(JournalError::Fenced)), "append by a lost node: {append:?}");
    let enter = journal.enter(entering(B, 2, 99)).await;
    assert!(matches!(enter, Err(JournalError::Fenced)), "a lost node enters: {enter:?}");
}

async fn slots_of_accounts_and_nodes_are_returned_with_their_positions<J: Journal>(journal: &J) {
    let many = |number| (Slot::Account(AccountId::new(number)), Some("many"));
    let writes: Vec<_> = (1_000..2_500).map(many).collect();
    ok(journal.append(by(A, 6, FIRST), vec![proposal(14, 0, &[], &writes)]).await, "append");
    let (mut states, mut cursor) = (Vec::new(), Some(0));
    while let Some(from) = cursor {
        let piece = ok(journal.states(FIRST, from).await, "states");
        states.extend(piece.states);
        cursor = piece.next;
    }
    states.sort_by_key(|state| state.slot);
    let state = |slot, position, value: &str| State { slot, position: Position::new(position), value: value.into() };
    let few = [state(ALICE, 12, "alice"), state(BOB, 11, "bob")];
    let many = writes.iter().map(|(slot, _)| state(*slot, 14, "many"));
    let nodes = [state(Slot::Node(A), 2, "row"), state(Slot::Node(B), 13, "lost")];
    let expected: Vec<_> = few.into_iter().chain(many).chain(nodes).collect();
    assert!(states == expected, "all slots but those of session ids");
}

/// Reads the hints from a place on, and returns the next one. The act at position 14 is there, so that no read waits.
async fn read_hints<J: Journal>(journal: &J, from: Option<HintPosition>) -> (Vec<Vec<u8>>, HintPosition) {
    let reading = ok(journal.read(FIRST, Position::new(13), from).await, "read");
    let positions: Vec<_> = reading.acts.iter().map(|logged| logged.position.get()).collect();
    assert_eq!(positions, [14], "the acts of a read that may have hints");
    (reading.hints, reading.next_hint)
}

async fn hints_are_read_beside_the_acts_from_a_place_on<J: Journal>(journal: &J) {
    ok(journal.hint(vec![b"early".to_vec()]).await, "hint");
    let (hints, first) = read_hints(journal, None).await;
    assert_eq!(hints, [b""; 0], "a read that names no place");
    ok(journal.hint(vec![vec![0, 255, b'\r'], vec![]]).await, "hint");
    ok(journal.hint(vec![b"late".to_vec()]).await, "hint");
    for attempt in 0..2 {
        let (mut hints, next) = read_hints(journal, Some(first)).await;
        hints.sort();
        assert_eq!(hints, [vec![], vec![0, 255, b'\r'], b"late".to_vec()], "attempt {attempt} from one place");
        assert_eq!(read_hints(journal, Some(next)).await, (vec![], next), "the rest of the hints");
    }
}

async fn hints_change_no_position_and_need_no_fence<J: Journal>(journal: &J) {
    let (_, from) = read_hints(journal, None).await;
    let before = ok(journal.renew(by(A, 6, FIRST)).await, "renew").head;
    ok(journal.hint(vec![b"a hint".to_vec(); 100]).await, "hint");
    assert_eq!(ok(journal.renew(by(A, 6, FIRST)).await, "renew").head, before, "the head after hints");
    // Behind the last act, a read waits for the next one of either.
    let reading = ok(journal.read(FIRST, before.position, Some(from)).await, "read");
    assert_eq!((reading.acts, reading.hints), (vec![], vec![b"a hint".to_vec(); 100]), "hints without an act");
    ok(journal.hint(vec![]).await, "no hint");
}

async fn hints_outlast_an_epoch<J: Journal>(journal: &J) {
    let (position, act) = (Position::new(15), Position::new(16));
    let from = ok(journal.read(SECOND, position, None).await, "read").next_hint;
    ok(journal.hint(vec![b"a hint".to_vec()]).await, "hint");
    let head = ok(journal.renew(by(A, 7, SECOND)).await, "renew").head;
    let third = Epoch::new(33);
    ok(journal.found(Some(SECOND), Founding { head: Head { epoch: third, ..head }, states: vec![] }).await, "found");
    assert_eq!(head.position, act);
    let reading = ok(journal.read(third, act, Some(from)).await, "read");
    assert_eq!(reading.hints, [b"a hint"], "hints of another epoch");
}

async fn another_epoch_continues_positions_revisions_and_slots<J: Journal>(journal: &J) {
    let head = Head { epoch: SECOND, ..ok(journal.renew(by(A, 6, FIRST)).await, "renew").head };
    let states = vec![State { slot: ALICE, position: Position::new(12), value: b"alice".to_vec() }];
    ok(journal.found(Some(FIRST), Founding { head, states }).await, "another epoch");
    let renewed = journal.renew(by(A, 6, FIRST)).await;
    assert!(matches!(renewed, Err(JournalError::OtherEpoch(SECOND))), "a node of the old epoch: {renewed:?}");
    let entered = ok(journal.enter(entering(A, 7, 15)).await, "enter");
    assert_eq!(entered, Head { position: Position::new(15), tip: Tag::new(15), ..head });
    let guards = [(ALICE, Position::new(12)), (BOB, ABSENT)];
    let appended = journal.append(by(A, 7, SECOND), vec![proposal(16, 0, &guards, &[])]).await;
    assert_eq!(ok(appended, "append").verdicts, [Verdict::Appended], "the slots are those of the founder");
    let acts = ok(journal.read(SECOND, head.position, None).await, "read").acts;
    let previous: Vec<_> = acts.iter().map(|logged| logged.previous).collect();
    assert_eq!(previous, [head.tip, Tag::new(15)], "the first act names the last one of the epoch before");
    assert_eq!(ok(journal.renew(by(A, 7, SECOND)).await, "renew").lives, [(A, 1)], "signs of life begin again");
}

fn founding(epoch: Epoch) -> Founding {
    let (position, revision, tip) = (ABSENT, Revision::new(0), Tag::new(0));
    Founding { head: Head { epoch, position, revision, tip, since: SINCE }, states: vec![] }
}

fn entering(node: NodeId, fence: u64, tag: u64) -> Entering {
    Entering { node, fence: Fence::new(fence), state: b"row".to_vec(), act: act(tag) }
}

fn by(node: NodeId, fence: u64, epoch: Epoch) -> Writer {
    Writer { node, fence: Fence::new(fence), epoch }
}

fn act(tag: u64) -> Vec<u8> {
    [&tag.to_be_bytes()[..], b"act"].concat()
}

fn proposal(tag: u64, changes: u32, guards: &[(Slot, Position)], writes: &[(Slot, Option<&str>)]) -> Proposal {
    let writes = writes.iter().map(|(slot, value)| (*slot, value.map(|value| value.as_bytes().to_vec()))).collect();
    Proposal { changes, guards: guards.to_vec(), writes, act: act(tag) }
}

#[track_caller]
fn ok<T>(result: Result<T, JournalError>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: expected success, got {error:?}"),
    }
}
