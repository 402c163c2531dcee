//! Relaying: what a client states about itself, and what it learns of the server.

use super::*;
use crate::roster::LinkFeatures;
use crate::wire::control::{LOGIN_LINK_FEATURES, RESUME_LINK_FEATURES, relay_extra};
use crate::wire::relay::{DatagramFrame, RelayTerms};

const TERMS: RelayTerms = RelayTerms { rate: 1_000, burst: 5_000, longest: 1_200 };

/// What a client of before sent in [`sent_to_an_older_server`], recorded with it.
const RECORDED: &str = include_str!("recorded.txt");

fn relaying() -> ClientConfig {
    ClientConfig { link_features: LinkFeatures::RELAY, ..ClientConfig::default() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The frames that a client sends to a server of the first version that knew being away: it logs in, says that the user
/// is away, loses the connection, and resumes.
fn sent_to_an_older_server(config: ClientConfig) -> Vec<String> {
    let mut harness = Harness::with_config(1, config);
    let mut sent = Vec::new();
    let older = Hello { low: 1, high: 1, features: 1 }.encode();
    let mut feed = |harness: &mut Harness, input: Input<'_>| {
        let now = harness.now();
        harness.client.handle(now, input, &mut harness.out);
        for output in &harness.out {
            if let Output::Send(frame) = output {
                sent.push(hex(frame));
            }
        }
        harness.lines();
    };
    feed(&mut harness, Input::Connected);
    feed(&mut harness, Input::Frame(&older));
    let welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
    harness.session = welcome.entry.key;
    feed(&mut harness, Input::Frame(&bytes(&Reply::Welcome(welcome))));
    feed(&mut harness, Input::Frame(&bytes(&complete(1, 5))));
    feed(&mut harness, Input::SetAway(Some("lunch".parse().unwrap())));
    feed(&mut harness, Input::Disconnected);
    harness.advance(harness.millis_to_deadline());
    feed(&mut harness, Input::Tick);
    feed(&mut harness, Input::Connected);
    feed(&mut harness, Input::Frame(&older));
    let welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::Continued, settling_ms: 0 });
    feed(&mut harness, Input::Frame(&bytes(&Reply::Welcome(welcome))));
    sent
}

#[test]
fn an_older_server_is_sent_what_it_was_sent_before() {
    let mut sent = sent_to_an_older_server(ClientConfig::default());
    let recorded: Vec<&str> = RECORDED.lines().collect();
    // A client says in its hello what is new.
    let hellos: Vec<usize> = (0..sent.len()).filter(|at| recorded[*at].starts_with("0000001043484154")).collect();
    assert_eq!(hellos.len(), 2);
    for at in hellos {
        assert_eq!(std::mem::replace(&mut sent[at], recorded[at].into()), hex(&crate::client::requests::hello()));
    }
    assert_eq!(sent, recorded);
    // Link features are an extra, which an older server skips.
    let stating = sent_to_an_older_server(relaying());
    let extras = |tag: u16| format!("{tag:02x}0400000001");
    let differing: Vec<(&str, &str)> =
        stating.iter().map(String::as_str).zip(recorded).filter(|(now, before)| now[8..] != before[8..]).collect();
    let [_, (login, before_login), _, (resume, before_resume)] = &differing[..] else { panic!("{differing:?}") };
    let without_extras = before_login[8..].strip_suffix("00").unwrap();
    assert_eq!(login[8..], format!("{without_extras}01{}", extras(LOGIN_LINK_FEATURES)));
    assert!(resume.ends_with(&extras(RESUME_LINK_FEATURES)));
    assert_eq!(resume.len(), before_resume.len() + 12);
}

/// The terms in the event of a welcome with these extras, from a server with these features.
fn learned(features: u64, extras: Extras) -> Option<RelayTerms> {
    let mut harness = Harness::with_config(1, relaying());
    harness.input(Input::Connected);
    harness.input(Input::Frame(&Hello { features, ..Hello::OURS }.encode()));
    let welcome = harness.welcome_for(WelcomeOptions { kind: WelcomeKind::LoggedIn, settling_ms: 0 });
    let payload = bytes(&Reply::Welcome(Welcome { extras, ..welcome }));
    harness.client.handle(harness.now(), Input::Frame(&payload), &mut harness.out);
    let events = harness.out.iter().filter_map(|output| match output {
        Output::Event(Event::Welcome { relay, .. }) => Some(*relay),
        _ => None,
    });
    events.last().expect("the session begins")
}

#[test]
fn a_client_learns_what_the_server_relays() {
    let extra = || -> Extras { [relay_extra(&TERMS)].into_iter().collect() };
    assert_eq!(learned(Hello::OURS.features, extra()), Some(TERMS));
    assert_eq!(learned(Hello::OURS.features, Extras::default()), None, "the operator has switched it off");
    assert_eq!(learned(Hello::AWAY, extra()), None, "the server does not know the request");
    let mut malformed = extra();
    malformed.set(crate::wire::control::RELAY, Some(vec![1, 2]));
    assert_eq!(learned(Hello::OURS.features, malformed), None);
}

#[test]
fn relayed_datagrams_are_left_to_the_driver() {
    let mut frame = DatagramFrame::new();
    assert!(frame.push(&[1; 40]));
    let frame = frame.take().unwrap();
    let mut harness = Harness::online(&[]);
    assert_eq!(harness.input(Input::Frame(&frame[4..])), [""; 0]);
    assert_eq!(harness.input(Input::Frame(&frame[4..frame.len() - 1])), ["reconnecting", "close"], "malformed");
    let mut harness = Harness::logging_in();
    assert_eq!(harness.input(Input::Frame(&frame[4..])), ["protocol", "close"], "no welcome came before");
}
