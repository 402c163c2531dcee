//! How often the addresses of an account change, and which of them a session has immediately.

use std::net::IpAddr;

use super::*;

fn offering(policy: OfferPolicy, addresses: &[&str]) -> Offer {
    Offer { policy, port: 40_001, addresses: addresses.iter().map(|address| address.parse().unwrap()).collect() }
}

/// Logs in from `from`.
fn arrive(t: &mut Bench, conn: u64, user: &str, from: &str, offer: Offer) {
    t.greet_from(conn, from);
    t.send(conn, &Request::Login(Login { offer, ..login(conn, user) }));
    t.answer(Ok(account(user)));
}

/// Breaks the connection `before` of alice and resumes from `from`. Returns the addresses in the welcome.
fn roam(t: &mut Bench, conn: u64, before: u64, from: &str, offer: Offer) -> Vec<String> {
    t.disconnect(before);
    t.greet_from(conn, from);
    let ticket = t.tickets[&before].clone();
    t.send(conn, &Request::Resume(Resume { offer, ..resume(conn, before, &ticket) }));
    t.look_up(vec![account("alice")]);
    assert_eq!(t.welcomes[&conn].entry, *t.entry("alice"));
    addresses(t)
}

fn addresses(t: &Bench) -> Vec<String> {
    t.entry("alice").addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn a_client_that_resumes_keeps_to_the_pause() {
    let mut t = Bench::new();
    arrive(&mut t, 1, "alice", "10.0.0.1:50000", offering(OfferPolicy::Detected, &[]));
    for conn in 2..7 {
        let from = format!("10.0.0.{conn}:50000");
        let welcomed = roam(&mut t, conn, conn - 1, &from, offering(OfferPolicy::Detected, &[]));
        assert_eq!(welcomed, ["10.0.0.2:40001"], "the first change is immediate, the others are not");
    }
    assert_eq!(t.pass(999), [""; 0]);
    assert_eq!(t.pass(1), ["* <- 2..3 moved alice 10.0.0.6:40001", "log moved alice 10.0.0.6:40001"]);
    assert_eq!(t.pass(5_000), [""; 0]);
}

#[test]
fn a_new_session_does_not_reset_the_pause() {
    let mut t = Bench::new();
    t.login(1, "alice");
    t.send(1, &Request::Move(offering(OfferPolicy::Advertised, &["10.0.0.1:40001"])));
    t.login(2, "alice");
    assert_eq!(addresses(&t), ["192.168.1.2:40001"]);
    assert_eq!(t.send(2, &Request::Move(offering(OfferPolicy::Advertised, &["10.0.0.2:40001"]))), [""; 0]);
    t.pass(1_000);
    assert_eq!(addresses(&t), ["10.0.0.2:40001"]);
}

/// For an hour, an attacker offers other public addresses every second, with each kind of request in turn.
#[test]
fn an_account_names_one_third_party_of_each_family_a_minute() {
    let mut t = Bench::new();
    let mut named = Vec::new();
    let offer = |step: u64| {
        let [high, low, ..] = (step as u16).to_be_bytes();
        let four = [1, 2].map(|last| format!("9.{high}.{low}.{last}:40001"));
        let six = [1, 2].map(|last| format!("[2001:db8::{step:x}:{last}]:40001"));
        offering(OfferPolicy::Advertised, &[&four[0], &six[0], &four[1], &six[1]])
    };
    arrive(&mut t, 1, "alice", "192.168.1.7:50000", offer(0));
    let mut conn = 1;
    for step in 1..3_600 {
        // A session begins every 10 s, as often as an account may begin one.
        match step % 10 {
            0 => arrive(&mut t, conn + 1, "alice", "192.168.1.7:50000", offer(step)),
            1 | 4 | 7 => drop(roam(&mut t, conn + 1, conn, "192.168.1.7:50000", offer(step))),
            _ => drop(t.send(conn, &Request::Move(offer(step)))),
        }
        conn += u64::from([0, 1, 4, 7].contains(&(step % 10)));
        t.pass(1_000);
        let now = t.entry("alice").addresses.iter().map(SocketAddr::ip);
        named.extend(now.filter(|ip| *ip != IpAddr::from([192, 168, 1, 7])));
    }
    named.sort_unstable();
    named.dedup();
    println!("{} addresses of third parties in an hour", named.len());
    assert!((2..=120).contains(&named.len()), "{}", named.len());
}

#[test]
fn a_client_that_changes_networks_is_published_at_its_observed_address_immediately() {
    let mut t = Bench::new();
    let offer = || offering(OfferPolicy::Detected, &["10.0.0.7:40001"]);
    arrive(&mut t, 1, "alice", "203.0.113.7:50000", offer());
    // A walk between the networks of a home, a street and an office.
    for (conn, from) in [(2, "198.51.100.9"), (3, "203.0.113.7"), (4, "192.0.2.1"), (5, "198.51.100.9")] {
        t.pass_alive(&[conn - 1], 15);
        let welcomed = roam(&mut t, conn, conn - 1, &format!("{from}:50000"), offer());
        assert_eq!(welcomed, [format!("{from}:40001"), "10.0.0.7:40001".to_owned()]);
    }
}

#[test]
fn behind_a_forwarder_an_unobserved_address_that_comes_too_early_follows() {
    let mut t = Bench::new();
    let offer = |host: u8| {
        let (private, public) = (format!("10.0.0.{host}:40001"), format!("[2001:db8::{host}]:40001"));
        // A loopback address proves that the server's observed address is that of a forwarder.
        offering(OfferPolicy::Detected, &[&private, &public, "127.0.0.1:40001"])
    };
    let forwarder = "172.17.0.1:50000";
    arrive(&mut t, 1, "alice", forwarder, offer(1));
    assert_eq!(addresses(&t), ["10.0.0.1:40001", "[2001:db8::1]:40001", "172.17.0.1:40001"]);
    t.pass_alive(&[1], 20);
    let welcomed = roam(&mut t, 2, 1, forwarder, offer(2));
    assert_eq!(welcomed, ["10.0.0.2:40001", "172.17.0.1:40001"], "all but the second public address");
    t.pass_alive(&[2], 40);
    assert_eq!(addresses(&t), ["10.0.0.2:40001", "[2001:db8::2]:40001", "172.17.0.1:40001"]);
}

#[test]
fn a_session_that_begins_too_early_with_another_unobserved_address_has_it_later() {
    let mut t = Bench::new();
    let offer = |public: &str| offering(OfferPolicy::Advertised, &[public]);
    arrive(&mut t, 1, "alice", "192.168.1.7:50000", offer("203.0.113.8:40001"));
    t.send(1, &Request::Leave);
    t.pass(10_000);
    arrive(&mut t, 2, "alice", "192.168.1.7:50000", offer("203.0.113.7:40001"));
    assert_eq!(addresses(&t), ["192.168.1.7:40001"], "the observed address takes its place");
    t.pass_alive(&[2], 50);
    assert_eq!(addresses(&t), ["203.0.113.7:40001"]);
}

#[test]
fn a_session_that_hides_its_addresses_shows_none_however_early_it_comes() {
    let mut t = Bench::new();
    let offer = |public: &str| offering(OfferPolicy::Advertised, &[public]);
    arrive(&mut t, 1, "alice", "[fd00::7]:50000", offer("[2001:db8::7]:40001"));
    t.send(1, &Request::Leave);
    t.pass(10_000);
    let hidden = Entry::HIDDEN_ADDRESS.to_string();
    arrive(&mut t, 2, "alice", "[fd00::7]:50000", offer(&hidden));
    assert_eq!(addresses(&t), [hidden]);
}

#[test]
fn the_correction_behind_a_forwarder_replaces_a_deferred_change() {
    let mut t = Bench::new();
    let own = |host: u8| offering(OfferPolicy::Detected, &[&format!("192.168.1.{host}:40001")]);
    arrive(&mut t, 1, "alice", "172.17.0.1:50001", own(1));
    t.send(1, &Request::Move(own(2)));
    assert_eq!(t.send(1, &Request::Move(own(3))), [""; 0]);
    arrive(&mut t, 2, "bob", "172.17.0.1:50002", own(9));
    t.pass(1_000);
    assert_eq!(addresses(&t), ["192.168.1.3:40001", "172.17.0.1:40001"]);
    assert_eq!(t.pass(5_000), [""; 0]);
}
