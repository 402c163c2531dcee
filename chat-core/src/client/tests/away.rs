//! Being away: the user of the client, and others.

use super::*;

fn text(text: &str) -> Option<AwayText> {
    Some(text.parse().unwrap())
}

/// An entry of a user who is away.
fn away(user: &str, key: u8, what: &str) -> Entry {
    let mut entry = entry(user, key);
    entry.set_away(text(what).as_ref());
    entry
}

#[test]
fn a_user_who_goes_away_or_comes_back_is_reported_once_and_known_in_the_roster() {
    let mut harness = Harness::online(&[entry("bob", 2), away("carol", 3, "early")]);
    let lines = |harness: &mut Harness, from, entry| harness.reply(&update(1, from, vec![Change::Replaced(entry)]));
    assert_eq!(lines(&mut harness, 10, away("bob", 2, "在开会")), ["bob is away: 在开会"]);
    assert_eq!(lines(&mut harness, 11, away("bob", 2, "在开会")), [""; 0]);
    let bob = "bob".parse().unwrap();
    assert_eq!(harness.client.roster().get(&bob).unwrap().away(), text("在开会"));
    assert_eq!(harness.reply(&update(1, 12, vec![moved("bob", "10.0.0.2:5000")])), ["moved bob 10.0.0.2:5000"]);
    assert_eq!(harness.client.roster().get(&bob).unwrap().away(), text("在开会"));
    assert_eq!(lines(&mut harness, 13, entry("bob", 4)), ["replaced bob 4"], "another session is not away");
    assert_eq!(lines(&mut harness, 14, away("bob", 4, "")), ["bob is away: "], "without a text");
    assert_eq!(lines(&mut harness, 15, away("bob", 5, "tea")), ["replaced bob 5", "bob is away: tea"]);
    assert_eq!(lines(&mut harness, 16, entry("carol", 3)), ["carol is back"]);
}

#[test]
fn a_snapshot_after_a_reconnect_shows_who_went_away_and_came_back_meanwhile() {
    let others = [entry("bob", 2), away("carol", 3, "lunch"), away("dave", 4, "ill")];
    let mut harness = Harness::resuming(&others);
    harness.welcome(WelcomeKind::Continued, 0);
    let moved = Entry { addresses: vec!["10.0.0.2:5000".parse().unwrap()], ..away("bob", 2, "tea") };
    assert_eq!(
        harness.snapshot(&[moved, entry("carol", 3), others[2].clone()], complete(2, 1)),
        ["moved bob 10.0.0.2:5000", "bob is away: tea", "carol is back", "reconnected"]
    );
}

#[test]
fn after_a_restart_of_the_server_a_user_who_is_still_away_is_not_reported_again() {
    let mut harness = Harness::resuming(&[away("bob", 2, "lunch")]);
    harness.welcome(WelcomeKind::Continued, 45_000);
    assert_eq!(harness.snapshot(&[], complete(2, 1)), ["reconnected"], "bob has not returned yet");
    assert_eq!(harness.reply(&update(2, 1, vec![Change::Online(away("bob", 2, "lunch"))])), [""; 0]);
}

#[test]
fn the_client_says_that_its_user_is_away_whenever_the_server_does_not_know() {
    let mut harness = Harness::online(&[]);
    assert_eq!(harness.input(Input::SetAway(text("lunch"))), [r#"set away Some("lunch")"#]);
    // The server knows it from the request, also after a restart.
    harness.input(Input::Disconnected);
    harness.reconnect_with("resume [1, 2, 3] away: lunch");
    let mut welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::Continued, settling_ms: 0 });
    welcome.entry.set_away(text("lunch").as_ref());
    assert_eq!(harness.reply(&Reply::Welcome(welcome.clone())), ["welcome Continued own key", "heartbeat 1"]);
    // It still has the text from before the connection broke.
    harness.input(Input::Disconnected);
    assert_eq!(harness.input(Input::SetAway(text("tea"))), [""; 0], "nothing can be sent now");
    harness.reconnect_with("resume [1, 2, 3] away: tea");
    assert_eq!(
        harness.reply(&Reply::Welcome(welcome.clone())),
        ["welcome Continued own key", "heartbeat 1", r#"set away Some("tea")"#]
    );
    // The user is away in a fresh session too.
    harness.input(Input::Disconnected);
    harness.reconnect_with("resume [1, 2, 3] away: tea");
    assert_eq!(
        harness.welcome(WelcomeKind::Fresh, 0),
        ["welcome Fresh own key", "heartbeat 1", r#"set away Some("tea")"#]
    );
    // The user came back while there was no connection.
    harness.input(Input::Disconnected);
    assert_eq!(harness.input(Input::SetAway(None)), [""; 0]);
    harness.reconnect();
    welcome.entry.key = harness.session;
    assert_eq!(harness.reply(&Reply::Welcome(welcome)), ["welcome Continued own key", "heartbeat 1", "set away None"]);
}

#[test]
fn an_older_server_is_not_told() {
    let mut harness = Harness::handshaking();
    let older = Hello { features: 0, ..Hello::OURS };
    assert_eq!(harness.input(Input::Frame(&older.encode())), ["login alice correct horse"]);
    harness.welcome(WelcomeKind::LoggedIn, 0);
    assert_eq!(harness.snapshot(&[], complete(1, 10)), ["online"]);
    assert!(!harness.client.supports_away());
    assert_eq!(harness.input(Input::SetAway(text("lunch"))), [""; 0]);
    assert!(Harness::online(&[]).client.supports_away());
}

#[test]
fn a_user_who_goes_away_and_comes_back_all_the_time_does_not_flood_the_server() {
    let mut harness = Harness::online(&[]);
    let requests: Vec<usize> =
        (0..100).map(|number| harness.input(Input::SetAway(text(&number.to_string()))).len()).collect();
    assert_eq!((requests.iter().sum::<usize>(), &requests[..5]), (4, &[1, 1, 1, 1, 0][..]));
    assert_eq!(harness.tick(), [r#"set away Some("99")"#], "the last one counts");
    assert_eq!(harness.input(Input::SetAway(None)), [""; 0]);
    // A reconnect tells the server as well.
    harness.input(Input::Disconnected);
    harness.reconnect();
    harness.welcome(WelcomeKind::Continued, 0);
    harness.snapshot(&[], complete(1, 10));
    assert!(harness.tick()[0].starts_with("heartbeat"), "nothing else is due");
}
