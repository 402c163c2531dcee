//! What a connection's frames become, and the places that the task fills.

use chat_core::relay::ParcelResult;
use chat_core::wire::frame::MAX_FRAME;
use chat_core::wire::relay::{Parcel, ParcelFrame};
use zeroize::Zeroizing;

use super::*;
use crate::connection::Bypass;
use crate::send_queue::{Next, Relayed};

const ALICE: SessionId = SessionId::new(1);
const BOB: SessionId = SessionId::new(2);

fn relay() -> (RelayTask, RelayLink, Arc<Counters>) {
    let counters = Arc::<Counters>::default();
    let (task, link) = RelayTask::new(RelayConfig::default(), Clock::start(), Arc::clone(&counters));
    (task, link, counters)
}

fn connection() -> Arc<ConnectionHandle> {
    Arc::new(ConnectionHandle::new(1024, MAX_FRAME))
}

/// The payload of a frame with as many parcels.
fn parcels(from: SessionId, to: SessionId, parcels: usize) -> Zeroizing<Vec<u8>> {
    let mut datagram = [7; 1_000];
    datagram[0] = 1;
    datagram[1..9].copy_from_slice(&from.get().to_be_bytes());
    let mut frame = ParcelFrame::new();
    for _ in 0..parcels {
        assert!(frame.push(Parcel { to, datagram: &datagram }));
    }
    Zeroizing::new(frame.take().unwrap()[4..].to_vec())
}

/// Runs the task until it waits.
async fn settle(task: RelayTask) {
    drop(tokio::time::timeout(Duration::from_millis(1), task.run()).await);
}

#[tokio::test(start_paused = true)]
async fn only_parcels_of_an_admitted_session_pass_by_the_hub() {
    let (_task, link, _) = relay();
    let handle = connection();
    assert!(handle.bypass.take(parcels(ALICE, BOB, 1)).is_some(), "it has no session");
    let _admission = link.admit(ALICE, &handle);
    assert!(handle.bypass.take(parcels(ALICE, BOB, 1)).is_none());
    for other in [&[0, 1][..], &[8, 1, 1], &[]] {
        assert!(handle.bypass.take(Zeroizing::new(other.to_vec())).is_some(), "{other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_hub_judges_frames_beyond_the_rate() {
    let (_task, link, _) = relay();
    let handle = connection();
    let _admission = link.admit(ALICE, &handle);
    let passed = (0..10_000).take_while(|_| handle.bypass.take(parcels(ALICE, BOB, 1)).is_none());
    assert_eq!(passed.count(), 5_000);
}

#[tokio::test(start_paused = true)]
async fn frames_that_find_no_place_are_dropped_and_counted_by_parcel() {
    let (task, link, counters) = relay();
    let (alice, bob) = (connection(), connection());
    let _admissions = [link.admit(ALICE, &alice), link.admit(BOB, &bob)];
    for _ in 0..FRAMES + 3 {
        assert!(alice.bypass.take(parcels(ALICE, BOB, 2)).is_none());
    }
    settle(task).await;
    let metrics = counters.metrics();
    assert_eq!(metrics[ParcelResult::Overload], 6);
    let counted: u64 = ParcelResult::ALL.iter().map(|result| metrics[*result]).sum();
    assert_eq!(counted + waiting(&metrics), 2 * (FRAMES as u64 + 3));
}

/// The datagrams that wait in lanes.
fn waiting(metrics: &super::super::Metrics) -> u64 {
    let bytes = metrics[super::super::Metric::RelayWaiting];
    bytes / (1_000 + 64)
}

#[tokio::test(start_paused = true)]
async fn a_connection_has_one_relayed_frame_at_a_time_and_the_next_when_it_is_written() {
    let (task, link, counters) = relay();
    let (alice, bob) = (connection(), connection());
    let _admissions = [link.admit(ALICE, &alice), link.admit(BOB, &bob)];
    assert!(alice.bypass.take(parcels(ALICE, BOB, 40)).is_none());
    let task = tokio::spawn(task.run());
    let mut written = Vec::new();
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let Ok(next) = tokio::time::timeout(Duration::from_millis(1), bob.queue.next()).await else { break };
        match next {
            Next::Write(frames) => written.push(bytes::Buf::remaining(&frames)),
            Next::Relayed(relayed) => bob.bypass.written(relayed),
            next => panic!("{next:?}"),
        }
    }
    assert_eq!(written.len(), 3, "{written:?}");
    assert!(written.iter().all(|bytes| *bytes <= 16 * 1024), "each is one TLS record: {written:?}");
    let metrics = counters.metrics();
    assert_eq!((metrics[ParcelResult::Passed], metrics.relay_time.count()), (40, 3));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_written_late_is_recorded_from_the_time_it_was_received() {
    let (task, link, counters) = relay();
    let (alice, bob) = (connection(), connection());
    let _admissions = [link.admit(ALICE, &alice), link.admit(BOB, &bob)];
    assert!(alice.bypass.take(parcels(ALICE, BOB, 1)).is_none());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let task = tokio::spawn(task.run());
    assert!(matches!(bob.queue.next().await, Next::Write(_)));
    let Next::Relayed(relayed @ Relayed { is_wanted: false, .. }) = bob.queue.next().await else { panic!() };
    bob.bypass.written(relayed);
    assert_eq!(counters.metrics().relay_time.sum(), Duration::from_secs(2));
    task.abort();
}
