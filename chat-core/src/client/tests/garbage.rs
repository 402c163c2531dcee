//! A server that sends anything in any state causes an error: never a panic, and never more than one end.

use proptest::prelude::*;

use super::*;
use crate::wire::control::Ended;
use crate::wire::rejection::Rejection;

fn replies() -> Vec<Reply> {
    let harness = Harness::logging_in();
    vec![
        Reply::Welcome(harness.welcome_for(WelcomeOptions { kind: WelcomeKind::LoggedIn, settling_ms: 1 })),
        Reply::Welcome(harness.welcome_for(WelcomeOptions { kind: WelcomeKind::Continued, settling_ms: 1 })),
        Reply::Rejected(Rejection::NameTaken),
        Reply::SnapshotPage(vec![entry("bob", 2), entry("alice", 3)]),
        complete(1, 300),
        update(
            1,
            10,
            vec![Change::Online(entry("eve", 4)), offline("bob", OfflineReason::Lost), moved("bob", "[::1]:1")],
        ),
        Reply::Heartbeat { number: 300, at: Timestamp::from_millis(u64::MAX) },
        Reply::Ticket(vec![1; 40]),
        Reply::PasswordChange(Ok(())),
        Reply::PasswordChange(Err(Rejection::WrongCredentials)),
        Reply::Ended(Ended::TooSlow),
    ]
}

/// In every state, bytes that are no reply are a protocol violation.
fn assert_breaks(bytes: &[u8]) {
    for (name, mut harness) in Harness::in_every_state() {
        let lines = harness.input(Input::Frame(bytes));
        let expected: &[&str] = match name {
            "handshaking" | "logging in" | "loading" => &["protocol", "close"],
            "online" | "resuming" => &["reconnecting", "close"],
            _ => &[],
        };
        assert_eq!(lines, expected, "{name}: {bytes:?}");
    }
}

#[test]
fn truncated_and_extended_replies_are_violations_in_every_state() {
    for reply in replies() {
        let whole = bytes(&reply);
        for cut in 0..whole.len() {
            assert_breaks(&whole[..cut]);
        }
        assert_breaks(&[&whole[..], &[0]].concat());
    }
    for cut in 0..Hello::LEN {
        assert_breaks(&Hello::OURS.encode()[..cut]);
    }
    assert_breaks(b"HTTP/1.1 400 Bad Request\r\n\r\n");
}

#[test]
fn an_unexpected_reply_breaks_the_connection() {
    for reply in replies() {
        let mut harness = Harness::handshaking();
        assert_eq!(harness.reply(&reply), ["protocol", "close"], "{reply:?}");
        if !matches!(reply, Reply::Welcome(_) | Reply::Rejected(_) | Reply::Ended(_)) {
            assert_eq!(Harness::logging_in().reply(&reply), ["protocol", "close"], "{reply:?}");
            assert_eq!(Harness::resuming(&[]).reply(&reply), ["reconnecting", "close"], "{reply:?}");
        }
    }
    let mut harness = Harness::online(&[]);
    assert_eq!(harness.welcome(WelcomeKind::Continued, 0), ["reconnecting", "close"]);
    let mut harness = Harness::online(&[]);
    assert_eq!(harness.hello(), ["reconnecting", "close"]);
    assert_eq!(Harness::logging_in().hello(), ["protocol", "close"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_in_every_state_never_panic(
        frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..6),
    ) {
        for (_, mut harness) in Harness::in_every_state() {
            for frame in &frames {
                harness.input(Input::Frame(frame));
            }
        }
    }

    #[test]
    fn replies_with_flipped_bytes_never_panic(
        picks in prop::collection::vec((0..11_usize, any::<prop::sample::Index>(), any::<u8>()), 1..8),
        millis in 0..40_000_u64,
    ) {
        let replies = replies();
        for (_, mut harness) in Harness::in_every_state() {
            for (reply, place, byte) in &picks {
                let mut frame = bytes(&replies[*reply]);
                let place = place.index(frame.len());
                frame[place] ^= byte;
                harness.input(Input::Frame(&frame));
                harness.advance(millis);
                harness.input(Input::Tick);
            }
            prop_assert!(harness.client.roster().get(&"alice".parse().unwrap()).is_none());
            harness.input(Input::Leave);
            prop_assert_eq!(harness.client.deadline(), None);
        }
    }
}
