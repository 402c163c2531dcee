//! A server that says anything at any point: an error, never a panic, and never more than one end.

use proptest::prelude::*;

use super::*;
use crate::wire::control::Ended;
use crate::wire::rejection::Rejection;

fn replies() -> Vec<Reply> {
    let desk = Desk::asking();
    vec![
        Reply::Welcome(desk.welcome_for(Greeting { kind: WelcomeKind::LoggedIn, settling_ms: 1 })),
        Reply::Welcome(desk.welcome_for(Greeting { kind: WelcomeKind::Continued, settling_ms: 1 })),
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

/// In each state these bytes, which are no reply, have the one consequence of that state.
fn assert_breaks(bytes: &[u8]) {
    for (name, mut desk) in Desk::everywhere() {
        let lines = desk.input(Input::Frame(bytes));
        let expected: &[&str] = match name {
            "greeting" | "asking" | "loading" => &["protocol", "close"],
            "online" | "resuming" => &["reconnecting", "close"],
            _ => &[],
        };
        assert_eq!(lines, expected, "{name}: {bytes:?}");
    }
}

#[test]
fn every_truncation_of_every_reply_and_a_byte_too_many_break_the_conversation_in_every_state() {
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
fn a_reply_in_the_wrong_place_breaks_the_log_in() {
    for reply in replies() {
        let mut desk = Desk::greeting();
        assert_eq!(desk.reply(&reply), ["protocol", "close"], "{reply:?}");
        if !matches!(reply, Reply::Welcome(_) | Reply::Rejected(_) | Reply::Ended(_)) {
            assert_eq!(Desk::asking().reply(&reply), ["protocol", "close"], "{reply:?}");
            assert_eq!(Desk::resuming(&[]).reply(&reply), ["reconnecting", "close"], "{reply:?}");
        }
    }
    let mut desk = Desk::online(&[]);
    assert_eq!(desk.welcome(WelcomeKind::Continued, 0), ["reconnecting", "close"]);
    let mut desk = Desk::online(&[]);
    assert_eq!(desk.hello(), ["reconnecting", "close"]);
    assert_eq!(Desk::asking().hello(), ["protocol", "close"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn random_bytes_in_every_state_never_panic(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..6)) {
        for (_, mut desk) in Desk::everywhere() {
            for frame in &frames {
                desk.input(Input::Frame(frame));
            }
        }
    }

    #[test]
    fn replies_with_flipped_bytes_never_panic_and_the_machine_ends_or_goes_on(
        picks in prop::collection::vec((0..11_usize, any::<prop::sample::Index>(), any::<u8>()), 1..8),
        millis in 0..40_000_u64,
    ) {
        let replies = replies();
        for (_, mut desk) in Desk::everywhere() {
            for (reply, place, byte) in &picks {
                let mut frame = bytes(&replies[*reply]);
                let place = place.index(frame.len());
                frame[place] ^= byte;
                desk.input(Input::Frame(&frame));
                desk.pass(millis);
                desk.input(Input::Tick);
            }
            prop_assert!(desk.client.roster().get(&"alice".parse().unwrap()).is_none());
            desk.input(Input::Leave);
            prop_assert_eq!(desk.client.deadline(), None);
        }
    }
}
