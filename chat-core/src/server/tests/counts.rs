//! The counts of logins and rejections.

use super::*;

#[test]
fn each_login_and_each_rejection_adds_one_to_its_count() {
    let grace = Duration::from_millis(1);
    let mut t = Bench::with(ServerConfig { max_connections: 3, grace, ..ServerConfig::default() });
    assert_eq!(t.server.counts(), Counts::default());
    t.login(1, "alice");
    t.disconnect(1);
    t.reconnect(2, 1, "alice");
    // A lost session leaves a valid ticket.
    t.disconnect(2);
    t.pass(1);
    t.reconnect(3, 2, "alice");
    let logins = Count::LOGINS.iter().map(|count| (*count, 1));
    assert_eq!(t.server.counts(), Counts::from_iter(logins.clone()));

    t.connect(4);
    t.request_login(4, "bob");
    assert_eq!(t.server.checks(), 1);
    t.answer(Err(AccountError::WrongCredentials));
    t.request_login(4, "bob");
    t.pass(1_000);
    t.request_login(4, "bob");
    t.answer(Err(unavailable()));
    t.request_login(4, "two words");
    t.connect(5);
    t.connect_from(6, "192.168.1.6:50000");
    let rejections = [Count::WrongCredentials, Count::Throttled, Count::StorageUnavailable, Count::Other, Count::Full];
    let mut expected: Counts = logins.chain(rejections.map(|count| (count, 1))).collect();
    assert_eq!((t.server.counts(), t.server.checks()), (expected, 0));
    t.pass_alive(&[3], 10);
    expected[Count::TooLate] = 2;
    assert_eq!(t.server.counts(), expected);
    assert_eq!(t.server.revision().get(), 3);
}
