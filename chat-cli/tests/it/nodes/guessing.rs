//! Guesses at a password count at all servers, whichever of them they are made at.

use chat_store::testing::Keep;

use crate::harness::Nodes;

#[test]
fn wrong_passwords_at_one_server_slow_down_attempts_at_the_others_until_the_right_one() {
    /// The pauses after them double: the last one is 8 s, after which the client tries again by itself.
    const GUESSES: u64 = 4;
    let nodes = Nodes::start(3, Keep::Nothing);
    let refused = |number: usize, why: &str| nodes.servers[number].status()["refused"][why].as_u64().unwrap_or(0);
    let alice = |number: usize| nodes.servers[number].client("alice");
    let guess = |number: usize| alice(number).env("CHAT_PASSWORD", "incorrect horse").run("").error_code();
    assert_eq!(alice(0).register().start().leave().0, Some(0));
    for _ in 0..GUESSES {
        assert_eq!(guess(0), "wrong-credentials");
    }
    assert_eq!(refused(0, "wrong_credentials"), GUESSES);
    assert_eq!((refused(1, "throttled"), refused(1, "wrong_credentials")), (0, 0));
    assert_eq!(guess(1), "wrong-credentials");
    assert!(refused(1, "throttled") > 0, "the first attempt at the second server had to wait");
    // Others behind the same source need not wait.
    let bob = nodes.servers[2].client("bob").register().start();
    assert_eq!(refused(2, "throttled"), 0);
    drop(bob);
    assert_eq!(alice(2).start().leave().0, Some(0));
    assert!(refused(2, "throttled") > 0, "she had to wait as well, because she comes from the source of the guesses");
    // The right password has ended that at all servers.
    let throttled = refused(0, "throttled");
    assert_eq!(guess(0), "wrong-credentials");
    assert_eq!(refused(0, "throttled"), throttled);
}
