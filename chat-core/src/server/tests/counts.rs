//! What the machine counts of attempts to log in.

use super::*;

#[test]
fn each_answer_is_counted_once_and_under_its_name() {
    let mut t = Bench::with(ServerConfig { max_connections: 3, ..ServerConfig::default() });
    assert_eq!(t.server.counts(), Counts::default());
    t.log_in(1, "alice");
    t.break_off(1);
    t.come_back(2, 1, "alice");
    t.say(2, &Request::Leave);
    t.come_back(3, 2, "alice");
    let ends = Counts { entered: 1, continued: 1, fresh: 1, ..Counts::default() };
    assert_eq!(t.server.counts(), ends);

    t.connect(4);
    t.enter(4, "bob");
    assert_eq!(t.server.checks(), 1);
    t.answer(Err(AccountError::WrongCredentials));
    t.enter(4, "bob");
    t.pass(1_000);
    t.enter(4, "bob");
    t.answer(Err(unavailable()));
    t.enter(4, "two words");
    t.connect(5);
    t.connect_from(6, "192.168.1.6:50000");
    let refused = Counts { wrong_credentials: 1, throttled: 1, storage_unavailable: 1, other: 1, full: 1, ..ends };
    assert_eq!((t.server.counts(), t.server.checks()), (refused, 0));
    t.pass_alive(&[3], 10);
    assert_eq!(t.server.counts(), Counts { too_late: 2, ..refused });
    assert_eq!(t.server.revision().get(), 3);
}
