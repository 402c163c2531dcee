//! Which addresses end up in the roster; the rules themselves are tested where they are written.

use super::*;

fn addresses_of(from: &str, offer: Offer) -> Vec<String> {
    let mut t = Bench::new();
    t.greet_from(1, from);
    if t.say(1, &Request::Login(Login { offer, ..enter(1, "alice") })) != ["job authenticate alice"] {
        return vec![];
    }
    t.answer(Ok(account("alice")));
    t.entry("alice").addresses.iter().map(ToString::to_string).collect()
}

fn offering(policy: OfferPolicy, addresses: &[&str]) -> Offer {
    Offer { policy, port: 40_001, addresses: addresses.iter().map(|address| address.parse().unwrap()).collect() }
}

#[test]
fn the_observed_address_leads() {
    assert_eq!(
        addresses_of(
            "[::ffff:203.0.113.7]:50000",
            offering(OfferPolicy::Detected, &["192.168.1.7:40001", "198.51.100.1:9999"])
        ),
        ["203.0.113.7:40001", "192.168.1.7:40001"]
    );
}

#[test]
fn advertised_addresses_are_all_there_is() {
    assert_eq!(
        addresses_of("172.17.0.2:50000", offering(OfferPolicy::Advertised, &["203.0.113.7:7000"])),
        ["203.0.113.7:7000"]
    );
}

#[test]
fn loopback_is_for_sessions_that_came_by_it() {
    let offer = || offering(OfferPolicy::Detected, &["192.168.1.7:40001"]);
    assert_eq!(addresses_of("127.0.0.1:50000", offer()), ["127.0.0.1:40001", "192.168.1.7:40001"]);
    let offer = || offering(OfferPolicy::Advertised, &["127.0.0.1:40001"]);
    assert_eq!(addresses_of("192.168.1.7:50000", offer()), [""; 0]);
}

#[test]
fn a_session_that_returns_has_the_addresses_of_its_new_connection() {
    let mut t = Bench::new();
    t.log_in(1, "alice");
    let mut t = t.restarted();
    t.greet_from(2, "10.0.0.9:50000");
    let ticket = t.tickets[&1].clone();
    t.say(2, &Request::Resume(Resume { offer: offering(OfferPolicy::Detected, &[]), ..resume(2, 1, &ticket) }));
    t.look_up(vec![account("alice")]);
    assert_eq!(t.entry("alice").addresses, ["10.0.0.9:40001".parse().unwrap()]);
}
