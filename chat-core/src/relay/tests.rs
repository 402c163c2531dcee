//! What becomes of each parcel, and the bounds that no senders exceed.

use proptest::prelude::*;

use super::*;

const ALICE: SessionId = SessionId::new(0xa11c_e000_0000_0001);
const BOB: SessionId = SessionId::new(0xb0b0_0000_0000_0002);
const CAROL: SessionId = SessionId::new(0xca20_0000_0000_0003);

fn at(millis: u64) -> Mono {
    Mono::at(Duration::from_millis(millis))
}

/// A datagram of this session, with this length and this last byte.
fn datagram(from: SessionId, len: usize, mark: u8) -> Vec<u8> {
    let mut datagram = vec![mark; len];
    datagram[0] = VERSION;
    datagram[1..9].copy_from_slice(&from.get().to_be_bytes());
    datagram
}

/// A relay in which Alice, Bob and Carol are online.
fn relay(config: RelayConfig) -> Relay<u32> {
    let mut relay = Relay::new(config);
    for (session, connection) in [(ALICE, 1), (BOB, 2), (CAROL, 3)] {
        relay.admit(session, connection);
    }
    relay
}

fn send(relay: &mut Relay<u32>, now: Mono, from: SessionId, to: SessionId, datagram: &[u8]) -> Vec<SessionId> {
    let mut ready = Vec::new();
    relay.receive(now, from, [Parcel { to, datagram }], &mut ready);
    ready
}

/// Everything that waits for a session, datagram by datagram.
fn drain(relay: &mut Relay<u32>, now: Mono, session: SessionId) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut frame = DatagramFrame::new();
        let more = relay.drain(now, session, 16 * 1024, &mut frame);
        if let Some(bytes) = frame.take() {
            let mut payload = bytes[4..].to_vec();
            let datagrams = crate::wire::relay::Datagrams::split_mut(&mut payload).unwrap();
            all.extend(datagrams.map(|datagram| datagram.to_vec()));
        }
        if !more {
            return all;
        }
    }
}

/// The counts that are not zero.
fn counted(relay: &Relay<u32>) -> Vec<(&'static str, u64)> {
    let counts = relay.counts();
    let all = ParcelResult::ALL.iter().map(|result| (result.name(), counts.parcels(*result)));
    all.filter(|(_, parcels)| *parcels > 0).collect()
}

fn parcels(relay: &Relay<u32>) -> u64 {
    counted(relay).iter().map(|(_, parcels)| parcels).sum()
}

#[test]
fn a_datagram_passes_to_its_recipient_and_to_nobody_else() {
    let mut relay = relay(RelayConfig::default());
    let sent = datagram(ALICE, 200, 7);
    assert_eq!(send(&mut relay, at(0), ALICE, BOB, &sent), [BOB]);
    assert_eq!(send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 33, 8)), [], "Bob's connection knows already");
    assert_eq!(drain(&mut relay, at(0), CAROL), Vec::<Vec<u8>>::new());
    assert_eq!(drain(&mut relay, at(0), BOB), [sent, datagram(ALICE, 33, 8)]);
    assert_eq!(counted(&relay), [("passed", 2)]);
    assert_eq!((relay.counts().received_bytes, relay.counts().sent_bytes), (253, 233));
    assert_eq!(relay.waiting_bytes(), 0);
    assert_eq!(send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 1_200, 9)), [BOB]);
}

#[test]
fn every_other_parcel_is_dropped_and_counted() {
    let mut other_version = datagram(ALICE, 100, 0);
    other_version[0] = VERSION + 1;
    for (to, datagram, result) in [
        (SessionId::new(9), datagram(ALICE, 100, 0), "no_session"),
        (BOB, datagram(CAROL, 100, 0), "foreign"),
        (BOB, other_version, "malformed"),
        (BOB, datagram(ALICE, 32, 0), "malformed"),
        (BOB, datagram(ALICE, 1_201, 0), "malformed"),
        (BOB, vec![], "malformed"),
        (BOB, vec![VERSION], "malformed"),
    ] {
        let mut relay = relay(RelayConfig::default());
        assert_eq!(send(&mut relay, at(0), ALICE, to, &datagram), [], "{result}");
        assert_eq!(counted(&relay), [(result, 1)], "{} bytes", datagram.len());
        assert_eq!(relay.waiting_bytes(), 0);
    }
    for len in [33, 1_200] {
        let mut relay = relay(RelayConfig::default());
        assert_eq!(send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, len, 0)), [BOB], "{len}");
    }
}

#[test]
fn nothing_passes_from_or_to_a_session_that_has_gone() {
    let mut relay = relay(RelayConfig::default());
    send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 100, 0));
    relay.gone(BOB, &9);
    assert!(relay.connection(BOB).is_some(), "another connection");
    relay.admit(BOB, 5);
    relay.gone(BOB, &2);
    assert_eq!(relay.connection(BOB), Some(&5), "the earlier connection");
    relay.gone(BOB, &5);
    assert_eq!((relay.connection(BOB), relay.waiting_bytes()), (None, 0));
    send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 100, 0));
    send(&mut relay, at(0), BOB, ALICE, &datagram(BOB, 100, 0));
    assert_eq!(counted(&relay), [("no_session", 3)]);
    relay.admit(BOB, 6);
    assert_eq!(drain(&mut relay, at(0), BOB), Vec::<Vec<u8>>::new());
    assert_eq!(send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 100, 0)), [BOB]);
}

#[test]
fn what_waits_goes_to_the_connection_on_which_a_session_continues() {
    let mut relay = relay(RelayConfig::default());
    send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 100, 1));
    relay.admit(BOB, 5);
    relay.gone(BOB, &2);
    assert_eq!(drain(&mut relay, at(0), BOB).len(), 1);
}

#[test]
fn a_sender_is_policed_at_a_quarter_more_than_its_terms_also_over_a_new_connection() {
    let config = RelayConfig { rate: 100_000, burst: 400_000, ..RelayConfig::default() };
    let mut relay = relay(config);
    let sent = datagram(ALICE, 990, 0);
    let passed = |millis: u64, relay: &mut Relay<u32>| {
        for _ in 0..1_000 {
            send(relay, at(millis), ALICE, BOB, &sent);
            drain(relay, at(millis), BOB);
        }
        relay.counts().parcels(ParcelResult::Passed)
    };
    assert_eq!(passed(1_000, &mut relay), 500);
    assert_eq!(passed(2_000, &mut relay), 625);
    relay.gone(ALICE, &1);
    relay.tick(relay.deadline().unwrap());
    let mut relay = self::relay(config);
    passed(1_000, &mut relay);
    relay.gone(ALICE, &1);
    relay.admit(ALICE, 9);
    assert_eq!(passed(1_000, &mut relay), 500, "no new burst");
    let bob = datagram(BOB, 990, 0);
    assert_eq!(send(&mut relay, at(1_000), BOB, CAROL, &bob), [CAROL], "others have their own");
}

#[test]
fn garbage_uses_up_the_rate_of_its_sender() {
    let mut relay = relay(RelayConfig::default());
    for _ in 0..2_000 {
        send(&mut relay, at(0), ALICE, BOB, &[0; 1_300]);
    }
    let RelayConfig { burst, .. } = RelayConfig::default();
    let within = u64::from(burst + burst / 4) / 1_310;
    assert_eq!(counted(&relay), [("rate", 2_000 - within), ("malformed", within)]);
}

#[test]
fn all_senders_together_keep_to_the_total() {
    let config = RelayConfig { total: 1_000_000, ..RelayConfig::default() };
    let mut relay = Relay::new(config);
    for number in 0..20 {
        relay.admit(SessionId::new(number), number as u32);
    }
    for number in 0..20 {
        let from = SessionId::new(number);
        let sent = datagram(from, 990, 0);
        for _ in 0..100 {
            send(&mut relay, at(1_000), from, SessionId::new((number + 1) % 20), &sent);
            drain(&mut relay, at(1_000), SessionId::new((number + 1) % 20));
        }
    }
    assert_eq!(counted(&relay), [("passed", 1_000), ("total", 1_000)]);
}

#[test]
fn a_full_lane_loses_the_oldest_of_the_heaviest_sender() {
    let config = RelayConfig { lane: RelayConfig::LEAST as usize, ..RelayConfig::default() };
    let mut relay = relay(config);
    for mark in 0..3 {
        send(&mut relay, at(0), CAROL, BOB, &datagram(CAROL, 60, mark));
    }
    for mark in 0..100 {
        send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 1_000, mark));
        assert!(relay.waiting_bytes() <= config.lane);
    }
    let dropped = relay.counts().parcels(ParcelResult::Lane);
    let passed = drain(&mut relay, at(0), BOB);
    let marks = |from: SessionId| -> Vec<u8> {
        let of = passed.iter().filter(|datagram| datagram[1..9] == from.get().to_be_bytes());
        of.map(|datagram| *datagram.last().unwrap()).collect()
    };
    assert_eq!(marks(CAROL), [0, 1, 2]);
    assert_eq!(marks(ALICE), (dropped as u8..100).collect::<Vec<_>>(), "the newest ones");
    assert!((80..95).contains(&dropped), "{dropped}");
    assert_eq!(parcels(&relay), 103);
}

#[test]
fn when_memory_is_full_the_longest_lane_loses_and_others_still_pass() {
    let lane = RelayConfig::LEAST as usize;
    let config = RelayConfig { lane, memory: 3 * lane, rate: 1 << 24, burst: 1 << 30, ..RelayConfig::default() };
    let mut relay = Relay::new(RelayConfig { total: 1 << 30, ..config });
    for number in 0..9 {
        relay.admit(SessionId::new(number), number as u32);
    }
    let sent = datagram(SessionId::new(0), 1_000, 0);
    for number in 1..8 {
        for _ in 0..20 {
            send(&mut relay, at(0), SessionId::new(0), SessionId::new(number), &sent);
            assert!(relay.waiting_bytes() <= config.memory);
        }
    }
    assert!(relay.waiting_bytes() > config.memory - 2_000, "it is in use");
    assert_eq!(send(&mut relay, at(0), SessionId::new(0), SessionId::new(8), &sent), [SessionId::new(8)]);
    assert_eq!(drain(&mut relay, at(0), SessionId::new(8)), [sent]);
}

#[test]
fn a_drain_takes_a_bounded_part() {
    let mut relay = relay(RelayConfig::default());
    for mark in 0..50 {
        send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 1_000, mark));
    }
    let mut frame = DatagramFrame::new();
    assert!(relay.drain(at(0), BOB, 16 * 1024, &mut frame));
    let taken = frame.content_len();
    assert!((16 * 1024..16 * 1024 + 1_202).contains(&taken), "{taken}");
    assert_eq!(send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 33, 0)), [], "some still wait");
}

#[test]
fn sessions_count_as_relayed_for_a_minute() {
    let mut relay = relay(RelayConfig::default());
    assert_eq!((relay.relayed_sessions(at(0)), relay.deadline()), (0, None));
    send(&mut relay, at(1_000), ALICE, BOB, &datagram(ALICE, 100, 0));
    assert_eq!(relay.relayed_sessions(at(1_000)), 1, "Bob has not read it yet");
    drain(&mut relay, at(2_000), BOB);
    assert_eq!(relay.relayed_sessions(at(60_999)), 2);
    assert_eq!(relay.relayed_sessions(at(61_000)), 1);
    let mut ticks = 0;
    while let Some(next) = relay.deadline() {
        relay.tick(next);
        ticks += 1;
    }
    assert!(ticks <= 3, "{ticks}");
}

#[test]
fn sessions_that_have_gone_are_forgotten() {
    let mut relay = Relay::new(RelayConfig::default());
    for number in 0..1_000 {
        let session = SessionId::new(number);
        relay.admit(session, 1_u32);
        send(&mut relay, at(number), session, session, &datagram(session, 100, 0));
        relay.gone(session, &1);
    }
    assert_eq!((relay.relaying.len(), relay.connections.len()), (1_000, 0));
    while let Some(next) = relay.deadline() {
        relay.tick(next);
    }
    assert_eq!((relay.relaying.len(), relay.waiting_bytes()), (0, 0));
}

#[test]
fn an_idle_session_costs_its_connection_only() {
    let mut relay = relay(RelayConfig::default());
    assert!(relay.relaying.is_empty(), "only a connection");
    send(&mut relay, at(0), ALICE, BOB, &datagram(ALICE, 100, 0));
    assert_eq!(relay.relaying.len(), 2);
    while let Some(next) = relay.deadline() {
        drain(&mut relay, next, BOB);
        relay.tick(next);
    }
    assert!(relay.relaying.is_empty(), "again only a connection");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Two members do to the relay what they want. Carol's datagrams to Bob are within the terms and pass in order.
    #[test]
    fn a_hostile_pair_exceeds_no_bound_and_displaces_nothing_of_others(
        steps in proptest::collection::vec((0..8_u8, any::<u8>(), 0..1_400_usize), 1..400),
    ) {
        let lane = 3 * RelayConfig::LEAST as usize;
        let config = RelayConfig { lane, memory: 2 * lane, ..RelayConfig::default() };
        let mut relay = relay(config);
        let mallory = SessionId::new(66);
        relay.admit(mallory, 66);
        let (mut now, mut sent, mut received, mut carols) = (at(1_000), 0, Vec::new(), 0_u8);
        for (step, byte, len) in steps {
            let from = if byte & 1 == 0 { ALICE } else { mallory };
            match step {
                0..=3 => {
                    let claimed = if byte & 2 == 0 { from } else { CAROL };
                    let mut bad = datagram(claimed, len.max(9), byte);
                    bad.truncate(len);
                    let to = [BOB, BOB, CAROL, mallory, SessionId::new(5)][usize::from(byte) % 5];
                    for _ in 0..20 {
                        send(&mut relay, now, from, to, &bad);
                        sent += 1;
                    }
                }
                4 => {
                    // At most 5 of these wait at any time.
                    if carols % 5 == 0 {
                        received.extend(drain(&mut relay, now, BOB));
                    }
                    send(&mut relay, now, CAROL, BOB, &datagram(CAROL, 500, carols));
                    carols = carols.wrapping_add(1);
                    sent += 1;
                }
                5 => now = now + Duration::from_millis(byte.into()),
                6 => {
                    relay.gone(mallory, &66);
                    relay.admit(mallory, 66);
                }
                _ => received.extend(drain(&mut relay, now, BOB)),
            }
            prop_assert!(relay.waiting_bytes() <= config.memory);
            let costs = || relay.relaying.values().map(|of| of.lane.cost());
            prop_assert_eq!(costs().sum::<usize>(), relay.waiting_bytes());
            prop_assert!(costs().all(|cost| cost <= config.lane));
            prop_assert_eq!(relay.lanes.iter().map(|(cost, _)| cost).sum::<usize>(), relay.waiting_bytes());
        }
        for session in [ALICE, BOB, CAROL, mallory] {
            received.extend(drain(&mut relay, now, session).into_iter().filter(|_| session == BOB));
        }
        prop_assert_eq!(relay.waiting_bytes(), 0);
        prop_assert_eq!(parcels(&relay), sent, "each parcel is counted once");
        let of_carol: Vec<u8> = received
            .iter()
            .filter(|datagram| datagram[1..9] == CAROL.get().to_be_bytes())
            .map(|datagram| *datagram.last().unwrap())
            .collect();
        prop_assert_eq!(of_carol, (0..carols).collect::<Vec<u8>>(), "in order, none lost, none forged");
    }
}
