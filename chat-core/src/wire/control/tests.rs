//! Golden bytes of all messages, and what decoders refuse.

use super::*;
use crate::presence::OfflineReason;
use crate::roster::Change;
use crate::wire::{assert_refuses_other_lengths, decode, encode};

fn bytes<T: Serialize>(message: &T) -> Vec<u8> {
    let mut out = Vec::new();
    encode(message, &mut out);
    out
}

fn offer() -> Offer {
    Offer {
        policy: OfferPolicy::Detected,
        port: 40_001,
        addresses: vec!["192.168.1.7:40001".parse().unwrap(), "[2001:db8::7]:40001".parse().unwrap()],
    }
}

const VERSION: RosterVersion = RosterVersion { epoch: Epoch::new(300), revision: Revision::new(2) };

const OFFER: &str = "00 c1b802 02 00c0a80107c1b802 0120010db8000000000000000000000007c1b802";

fn entry() -> Entry {
    Entry {
        user: "小明".parse().unwrap(),
        key: PublicKey::new([7; 32]),
        addresses: vec!["192.168.1.7:40001".parse().unwrap()],
        since: Timestamp::from_millis(1),
        versions: LinkVersions { low: 1, high: 1 },
        extras: Extras::default(),
    }
}

fn entry_hex() -> String {
    format!("06e5b08fe6988e {} 01 00c0a80107c1b802 01 0101 00", "07".repeat(32))
}

/// One parcel with the datagram `abc`.
fn relayed_parcel() -> Parcels<'static> {
    decode(b"\x0d\x01\x02\x03\x04\x05\x06\x07\x08\x00\x03abc").unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn golden_bytes_of_requests() {
    let (key, versions) = (PublicKey::new([7; 32]), LinkVersions { low: 1, high: 1 });
    let login = Login {
        purpose: Purpose::Register,
        user: "bob",
        password: "hunter22",
        offer: offer(),
        key,
        versions,
        extras: Extras::default(),
    };
    let resume = |extras| Resume { ticket: &[1, 2], offer: offer(), next_key: key, versions, extras };
    let known = [version_extra(KNOWN_VERSION, VERSION)].into_iter().collect();
    let away = || Extra { tag: RESUME_AWAY, value: "开会".into() };
    let both = [version_extra(KNOWN_VERSION, VERSION), away()].into_iter().collect();
    let sevens = "07".repeat(32);
    let features = |tag| Extra { tag, value: LinkFeatures::RELAY.encode().into() };
    let stating = || Login {
        purpose: Purpose::Login,
        user: "bob",
        password: "hunter22",
        offer: offer(),
        key,
        versions,
        extras: [features(LOGIN_LINK_FEATURES)].into_iter().collect(),
    };
    assert!(stating().link_features().contains(LinkFeatures::RELAY));
    for (request, golden) in [
        (Request::Login(login), format!("00 01 03626f62 0868756e7465723232 {OFFER} {sevens} 0101 00")),
        (
            Request::Login(stating()),
            format!("00 00 03626f62 0868756e7465723232 {OFFER} {sevens} 0101 01 02 04 00000001"),
        ),
        (Request::Resume(resume(Extras::default())), format!("01 020102 {OFFER} {sevens} 0101 00")),
        (Request::Resume(resume(known)), format!("01 020102 {OFFER} {sevens} 0101 01 01 03 ac0202")),
        (
            Request::Resume(resume([away()].into_iter().collect())),
            format!("01 020102 {OFFER} {sevens} 0101 01 02 06 e5bc80e4bc9a"),
        ),
        (Request::Resume(resume(both)), format!("01 020102 {OFFER} {sevens} 0101 02 01 03 ac0202 02 06 e5bc80e4bc9a")),
        (
            Request::Resume(resume([features(RESUME_LINK_FEATURES)].into_iter().collect())),
            format!("01 020102 {OFFER} {sevens} 0101 01 03 04 00000001"),
        ),
        (Request::Leave, "02".into()),
        (Request::Heartbeat { number: 300 }, "03 ac02".into()),
        (Request::Move(offer()), format!("04 {OFFER}")),
        (Request::Refresh, "05".into()),
        (Request::ChangePassword(ChangePassword { old: "a", new: "b" }), "06 0161 0162".into()),
        (Request::SetAway(Some("开会")), "07 01 06e5bc80e4bc9a".into()),
        (Request::SetAway(Some("")), "07 01 00".into()),
        (Request::SetAway(None), "07 00".into()),
        (Request::Relay(relayed_parcel()), "08 0d 0102030405060708 0003 616263".into()),
    ] {
        let encoded = bytes(&request);
        assert_eq!(encoded, unhex(&golden), "{request:?}");
        assert_eq!(Request::decode(&encoded).as_ref(), Ok(&request));
        let longer = [&encoded[..], &[0]].concat();
        assert_refuses_other_lengths::<Request<'_>>(&encoded, &longer);
    }
}

#[test]
fn golden_bytes_of_replies() {
    let welcome = Welcome {
        kind: WelcomeKind::Fresh,
        entry: entry(),
        at: Timestamp::from_millis(300),
        observed: "192.168.1.7:5".parse().unwrap(),
        timings: Timings { heartbeat_ms: 1, silence_ms: 2, grace_ms: 3 },
        ticket: vec![9],
        settling_ms: 4,
        extras: Extras::default(),
    };
    let with_delta = Welcome { extras: [version_extra(DELTA, VERSION)].into_iter().collect(), ..welcome.clone() };
    let terms = RelayTerms { rate: 256 * 1024, burst: 1024 * 1024, longest: 1_200 };
    let relaying = Welcome { extras: [relay_extra(&terms)].into_iter().collect(), ..welcome.clone() };
    assert_eq!((relaying.relay(), welcome.relay()), (Some(terms), None));
    let (epoch, revision, at) = (Epoch::new(1), Revision::new(2), Timestamp::from_millis(5));
    let user = || "bob".parse().unwrap();
    let changes = vec![
        (at, Change::Online(entry())),
        (at, Change::Offline { user: user(), reason: OfflineReason::Kicked }),
        (at, Change::Replaced(entry())),
        (at, Change::Moved { user: user(), addresses: vec!["10.0.0.1:1024".parse().unwrap()] }),
    ];
    let update = Update { epoch, from: revision, to: Revision::new(6), changes };
    let entry_hex = entry_hex();
    let mut away = entry();
    away.set_away(Some(&"开会".parse().unwrap()));
    let mut linked = entry();
    linked.set_link_features(LinkFeatures::RELAY);
    let update_hex =
        format!("01 02 06 04 05 00 {entry_hex} 05 01 03626f62 02 05 02 {entry_hex} 05 03 03626f62 01 000a0000018008");
    for (reply, golden) in [
        (Reply::Welcome(welcome), format!("00 02 {entry_hex} ac02 00c0a8010705 010203 0109 04 00")),
        (Reply::Welcome(with_delta), format!("00 02 {entry_hex} ac02 00c0a8010705 010203 0109 04 01 01 03 ac0202")),
        (
            Reply::Welcome(relaying),
            format!("00 02 {entry_hex} ac02 00c0a8010705 010203 0109 04 01 03 08 808010 808040 b009"),
        ),
        (Reply::Rejected(Rejection::NameTaken), "01 02".into()),
        (Reply::SnapshotPage(vec![entry()]), format!("02 01 {entry_hex}")),
        (
            Reply::SnapshotPage(vec![away]),
            format!("02 01 {} 01 01 06 e5bc80e4bc9a", entry_hex.strip_suffix("00").unwrap()),
        ),
        (
            Reply::SnapshotPage(vec![linked]),
            format!("02 01 {} 01 02 04 00000001", entry_hex.strip_suffix("00").unwrap()),
        ),
        (Reply::SnapshotComplete { epoch, revision }, "03 01 02".into()),
        (Reply::Update(update), format!("04 {update_hex}")),
        (Reply::Heartbeat { number: 1, at }, "05 01 05".into()),
        (Reply::Ticket(vec![8, 9]), "06 02 0809".into()),
        (Reply::PasswordChange(Ok(())), "07 00".into()),
        (Reply::PasswordChange(Err(Rejection::WrongCredentials)), "07 01 03".into()),
        (Reply::Ended(Ended::Replaced), "08 00".into()),
        (Reply::Ended(Ended::Kicked), "08 01".into()),
        (Reply::Ended(Ended::TooSlow), "08 02".into()),
        (Reply::Ended(Ended::Stopping), "08 03".into()),
        (Reply::Relayed(decode(&[5, 0, 3, b'a', b'b', b'c']).unwrap()), "09 05 0003 616263".into()),
    ] {
        let encoded = bytes(&reply);
        assert_eq!(encoded, unhex(&golden), "{reply:?}");
        assert_eq!(Reply::decode(&encoded).as_ref(), Ok(&reply));
        let longer = [&encoded[..], &[0]].concat();
        assert_refuses_other_lengths::<Reply>(&encoded, &longer);
    }
}

#[test]
fn a_malformed_known_version_is_ignored() {
    let resume = |extras| {
        let (next_key, versions) = (PublicKey::new([7; 32]), LinkVersions { low: 1, high: 1 });
        Resume { ticket: &[], offer: offer(), next_key, versions, extras }
    };
    assert_eq!(resume([version_extra(KNOWN_VERSION, VERSION)].into_iter().collect()).known_version(), Some(VERSION));
    assert_eq!(resume([version_extra(KNOWN_VERSION + 1, VERSION)].into_iter().collect()).known_version(), None);
    let whole = version_extra(KNOWN_VERSION, VERSION).value.clone();
    let longer = [&whole[..], &[0]].concat();
    for value in (0..whole.len()).map(|len| &whole[..len]).chain([&longer[..], &[0xff; 20]]) {
        let extra = Extra { tag: KNOWN_VERSION, value: value.to_vec() };
        assert_eq!(resume([extra].into_iter().collect()).known_version(), None, "{value:?}");
    }
}

/// The first clients dropped all extras, and took an entry with the same key and addresses for the one that they had.
#[test]
fn an_older_client_reads_a_user_who_goes_away_as_no_change() {
    let golden =
        format!("04 01 02 03 01 05 02 {} 01 01 06 e5bc80e4bc9a", entry_hex().strip_suffix("00").expect("no extras"));
    let Ok(Reply::Update(update)) = Reply::decode(&unhex(&golden)) else { panic!("it is an update as before") };
    let [(_, Change::Replaced(away))] = &update.changes[..] else { panic!("{update:?}") };
    assert_eq!(away.away().unwrap().as_str(), "开会");
    assert_eq!(Entry { extras: Extras::default(), ..away.clone() }, entry());
}

#[test]
fn an_entry_with_an_invalid_user_name_is_refused() {
    let mut encoded = bytes(&Reply::SnapshotPage(vec![entry()]));
    encoded[3] = b' ';
    assert_eq!(Reply::decode(&encoded), Err(Malformed));
}

#[test]
fn a_claimed_length_is_not_allocated() {
    assert_eq!(Reply::decode(&[2, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(Malformed));
}

#[test]
fn debug_prints_no_password() {
    let change = Request::ChangePassword(ChangePassword { old: "hunter22", new: "hunter23" });
    assert!(!format!("{change:?}").contains("hunter"));
}
