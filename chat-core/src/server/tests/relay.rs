//! Relaying: to whom the server offers it, and what becomes of the link features that clients state.

use super::*;
use crate::roster::LinkFeatures;
use crate::wire::control::{LOGIN_LINK_FEATURES, RESUME_LINK_FEATURES};
use crate::wire::relay::{Parcel, ParcelFrame, RelayTerms};

pub(super) const TERMS: RelayTerms = RelayTerms { rate: 1_000, burst: 5_000, longest: 1_200 };

fn relaying() -> Bench {
    Bench::with(ServerConfig { relay: Some(TERMS), ..untimed() })
}

fn features_extra(tag: u16, features: LinkFeatures) -> Extra {
    Extra { tag, value: features.encode().into() }
}

/// Logs in a client that states that it takes relayed datagrams.
fn login_with_features(t: &mut Bench, conn: u64, user: &str) -> Vec<String> {
    t.connect(conn);
    let extras = [features_extra(LOGIN_LINK_FEATURES, LinkFeatures::RELAY)].into_iter().collect();
    t.send(conn, &Request::Login(Login { extras, ..login(conn, user) }));
    t.answer(Ok(account(user)))
}

/// The payload of a request with one parcel.
fn relay_request() -> Vec<u8> {
    let mut frame = ParcelFrame::new();
    assert!(frame.push(Parcel { to: key(2).session(), datagram: &[1; 40] }));
    frame.take().unwrap()[4..].to_vec()
}

#[test]
fn a_server_that_relays_says_so_to_clients_that_know_what_it_means() {
    let mut t = relaying();
    let lines = t.login(1, "alice");
    assert!(lines.contains(&"admit 1 to the relay".into()), "{lines:?}");
    assert_eq!(t.welcomes[&1].relay(), Some(TERMS));
    for features in [0, Hello::AWAY, !Hello::RELAY] {
        let conn = 2 + features % 5;
        t.connect_from(conn, "192.168.1.9:50000");
        t.bytes(conn, &Hello { features, ..Hello::OURS }.encode());
        t.request_login(conn, "bob");
        let lines = t.answer(Ok(account("bob")));
        assert!(lines.contains(&format!("admit {conn}")), "{lines:?}");
        assert_eq!(t.welcomes[&conn].extras, Extras::default());
    }
    let mut t = Bench::new();
    let lines = t.login(1, "alice");
    assert!(lines.contains(&"admit 1".into()), "{lines:?}");
    assert_eq!(t.welcomes[&1].extras, Extras::default(), "a server that does not relay says nothing");
}

#[test]
fn a_session_that_continues_is_offered_the_relay_again_with_its_delta() {
    let mut t = relaying();
    t.login(1, "alice");
    t.login(2, "bob");
    let revision = t.server.revision().get();
    t.disconnect(1);
    t.reconnect_at(3, 1, "alice", revision);
    let welcome = &t.welcomes[&3];
    assert_eq!((welcome.relay(), welcome.delta().unwrap().is_some()), (Some(TERMS), true));
}

#[test]
fn an_entry_has_the_link_features_that_the_client_stated_when_its_session_began() {
    let mut t = relaying();
    login_with_features(&mut t, 1, "alice");
    t.login(2, "bob");
    let of = |t: &Bench, user: &str| t.entry(user).link_features();
    assert_eq!((of(&t, "alice"), of(&t, "bob")), (LinkFeatures::RELAY, LinkFeatures::NONE));
    t.send(1, &Request::SetAway(Some("")));
    assert_eq!(of(&t, "alice"), LinkFeatures::RELAY);
    // A session that continues is the same: what its client states now changes nothing.
    t.disconnect(1);
    t.reconnect(3, 1, "alice");
    assert_eq!(of(&t, "alice"), LinkFeatures::RELAY);
    t.disconnect(2);
    t.reconnect_with(4, 2, "bob", features_extra(RESUME_LINK_FEATURES, LinkFeatures::RELAY));
    assert_eq!(of(&t, "bob"), LinkFeatures::NONE);
    // After a restart of the server it begins again.
    let mut t = t.restarted();
    t.reconnect_with(13, 3, "alice", features_extra(RESUME_LINK_FEATURES, LinkFeatures::RELAY));
    assert_eq!(of(&t, "alice"), LinkFeatures::RELAY);
}

#[test]
fn link_features_that_are_not_four_bytes_count_as_none() {
    for value in [vec![], vec![1], vec![0; 5], vec![1; 600]] {
        let mut t = relaying();
        t.connect(1);
        let extras = [Extra { tag: LOGIN_LINK_FEATURES, value }].into_iter().collect();
        t.send(1, &Request::Login(Login { extras, ..login(1, "alice") }));
        t.answer(Ok(account("alice")));
        assert_eq!(t.entry("alice").extras, Extras::default());
    }
}

/// The driver passes parcels to the relay. Those that reach the machine are beyond a limit, or the server does not relay.
#[test]
fn parcels_that_reach_the_machine_are_dropped_and_count_as_any_other_frame() {
    for mut t in [relaying(), Bench::new()] {
        t.login(1, "alice");
        t.login(2, "bob");
        let burst = ServerConfig::default().frame_burst - 2;
        for frame in 0..burst {
            assert_eq!(t.bytes(1, &relay_request()), [""; 0], "{frame}");
        }
        let lines = t.bytes(1, &relay_request());
        assert_eq!(lines, ["reached frames-per-second", "1 <- rejected TooManyRequests", "close 1"]);
    }
}

#[test]
fn a_guest_does_not_relay_and_malformed_parcels_end_the_connection() {
    let mut t = relaying();
    t.connect(1);
    assert_eq!(t.bytes(1, &relay_request()), ["1 <- rejected UnexpectedRequest"]);
    t.login(2, "bob");
    let cut = relay_request();
    assert_eq!(t.bytes(2, &cut[..cut.len() - 1]), ["2 <- rejected Malformed", "close 2"]);
}
