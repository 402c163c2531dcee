//! Which addresses the roster shows. The rules themselves have their tests beside them.

use super::*;

fn addresses_of(from: &str, offer: Offer) -> Vec<String> {
    let mut t = Bench::new();
    t.greet_from(1, from);
    if t.send(1, &Request::Login(Login { offer, ..login(1, "alice") })) != ["job authenticate alice"] {
        return vec![];
    }
    t.answer(Ok(account("alice")));
    t.entry("alice").addresses.iter().map(ToString::to_string).collect()
}

fn offering(policy: OfferPolicy, addresses: &[&str]) -> Offer {
    Offer { policy, port: 40_001, addresses: addresses.iter().map(|address| address.parse().unwrap()).collect() }
}

#[test]
fn the_observed_address_comes_first() {
    assert_eq!(
        addresses_of(
            "[::ffff:203.0.113.7]:50000",
            offering(OfferPolicy::Detected, &["192.168.1.7:40001", "198.51.100.1:9999"])
        ),
        ["203.0.113.7:40001", "192.168.1.7:40001"]
    );
}

#[test]
fn advertised_addresses_replace_all_others() {
    assert_eq!(
        addresses_of("172.17.0.2:50000", offering(OfferPolicy::Advertised, &["203.0.113.7:7000"])),
        ["203.0.113.7:7000"]
    );
}

#[test]
fn only_a_session_that_connects_by_loopback_has_a_loopback_address() {
    let offer = || offering(OfferPolicy::Detected, &["192.168.1.7:40001"]);
    assert_eq!(addresses_of("127.0.0.1:50000", offer()), ["192.168.1.7:40001"], "came through a forwarder");
    let offer = || offering(OfferPolicy::Detected, &["127.0.0.1:40001", "192.168.1.7:40001"]);
    assert_eq!(addresses_of("127.0.0.1:50000", offer()), ["192.168.1.7:40001", "127.0.0.1:40001"]);
    let offer = || offering(OfferPolicy::Advertised, &["127.0.0.1:40001"]);
    assert_eq!(addresses_of("192.168.1.7:50000", offer()), [""; 0]);
}

/// Logs in from a connection at `from` whose client has detected the address 192.168.1.(conn). Returns the line that
/// publishes its arrival.
fn arrive(t: &mut Bench, conn: u64, user: &str, from: &str) -> Vec<String> {
    t.greet_from(conn, from);
    let own = format!("192.168.1.{conn}:40001");
    t.send(conn, &Request::Login(Login { offer: offering(OfferPolicy::Detected, &[&own]), ..login(conn, user) }));
    let lines = t.answer(Ok(account(user)));
    lines.into_iter().filter(|line| line.starts_with("* <- ") || line.starts_with("forwarder ")).collect()
}

#[test]
fn sessions_that_share_a_strange_address_get_those_that_they_offer() {
    let mut t = Bench::new();
    assert_eq!(arrive(&mut t, 1, "alice", "172.17.0.1:50001"), ["* <- 0..1 online alice 172.17.0.1:40001"]);
    assert_eq!(
        arrive(&mut t, 2, "bob", "172.17.0.1:50002"),
        ["forwarder 172.17.0.1 192.168.1.2", "* <- 1..3 moved alice 192.168.1.1:40001, online bob 192.168.1.2:40001"]
    );
    assert_eq!(t.entry("alice").addresses[1..], ["172.17.0.1:40001".parse().unwrap()], "the last resort");
    assert_eq!(t.disconnect(1), [""; 0]);
    assert_eq!(t.disconnect(2), [""; 0]);
    t.pass(20_000);
    assert_eq!(
        arrive(&mut t, 3, "carol", "172.17.0.1:50003"),
        ["forwarder 172.17.0.1 192.168.1.3", "* <- 5..6 online carol 192.168.1.3:40001"]
    );
}

#[test]
fn a_session_that_has_the_shared_address_itself_keeps_it() {
    let mut t = Bench::new();
    arrive(&mut t, 1, "alice", "10.0.0.1:50001");
    arrive(&mut t, 2, "bob", "10.0.0.1:50002");
    t.greet_from(3, "10.0.0.1:50003");
    let offer = offering(OfferPolicy::Detected, &["10.0.0.1:40001", "192.168.1.3:40001"]);
    t.send(3, &Request::Login(Login { offer, ..login(3, "carol") }));
    t.answer(Ok(account("carol")));
    assert_eq!(t.entry("carol").address(), "10.0.0.1:40001".parse().unwrap());
}

#[test]
fn an_operator_can_say_that_observed_addresses_mislead() {
    let mut t = Bench::with(ServerConfig { observed_addresses: ObservedAddresses::Ignored, ..untimed() });
    assert_eq!(arrive(&mut t, 1, "alice", "172.17.0.1:50001"), ["* <- 0..1 online alice 192.168.1.1:40001"]);
    assert_eq!(t.entry("alice").addresses, ["192.168.1.1:40001".parse().unwrap()]);
}

#[test]
fn a_session_that_returns_after_a_restart_has_the_addresses_of_its_new_connection() {
    let mut t = Bench::new();
    t.login(1, "alice");
    let mut t = t.restarted();
    t.greet_from(2, "10.0.0.9:50000");
    let ticket = t.tickets[&1].clone();
    t.send(2, &Request::Resume(Resume { offer: offering(OfferPolicy::Detected, &[]), ..resume(2, 1, &ticket) }));
    t.look_up(vec![account("alice")]);
    assert_eq!(t.entry("alice").addresses, ["10.0.0.9:40001".parse().unwrap()]);
}
