//! The roster of the front door: shared snapshots and a watch.

use chat_net::{Event, Presence, Roster};
use tokio::time::timeout;

use crate::harness::{PASSWORD, PATIENCE, Server, name};

fn users(roster: &Roster) -> Vec<String> {
    roster.iter().map(|entry| entry.user().to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_wakes_for_each_change_and_ends_with_the_session() {
    let server = Server::start().await;
    let alice = server.builder().register("alice", PASSWORD).await.unwrap();
    let mut watch = alice.watch_roster();
    let mut revision = alice.roster().revision();
    let mut changed = async || {
        let roster = timeout(PATIENCE, watch.changed()).await.expect("a change in time")?;
        assert!(roster.revision() > revision, "{} after {revision}", roster.revision());
        revision = roster.revision();
        Some(users(&roster))
    };
    let bob = server.builder().register("bob", PASSWORD).await.unwrap();
    assert_eq!(changed().await, Some(vec!["bob".to_owned()]));
    let _carol = server.builder().register("carol", PASSWORD).await.unwrap();
    assert_eq!(changed().await, Some(vec!["bob".to_owned(), "carol".to_owned()]));
    bob.leave().await;
    assert_eq!(changed().await, Some(vec!["carol".to_owned()]));
    let handle = alice.handle();
    alice.leave().await;
    assert_eq!(changed().await, Some(vec![]));
    assert_eq!(changed().await, None);
    assert!(handle.roster().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_comes_after_its_change() {
    let server = Server::start().await;
    let mut alice = server.builder().register("alice", PASSWORD).await.unwrap();
    for round in 0..10 {
        let user = format!("user{round}");
        let other = server.builder().register(user.as_str(), PASSWORD).await.unwrap();
        let leave = other.handle();
        for is_online in [true, false] {
            let presence = timeout(PATIENCE, async {
                loop {
                    if let Event::Presence(event) = alice.next().await.unwrap() {
                        return event.presence;
                    }
                }
            });
            assert_eq!(matches!(presence.await.expect("an event in time"), Presence::Online(_)), is_online);
            assert_eq!(alice.roster().get(&name(&user)).is_some(), is_online);
            if is_online {
                leave.clone().leave().await;
            }
        }
        drop(other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_stays_as_it_was() {
    let server = Server::start().await;
    let [alice, bob, mut carol] = server.three().await;
    let before = alice.client.roster();
    bob.client.leave().await;
    carol.presence("bob").await;
    let mut watch = alice.client.watch_roster();
    while watch.roster().len() > 1 {
        timeout(PATIENCE, watch.changed()).await.expect("bob leaves the roster").unwrap();
    }
    assert_eq!(
        (users(&before), users(&alice.client.roster())),
        (vec!["bob".into(), "carol".into()], vec!["carol".into()])
    );
    let entry = before.get(&name("carol")).unwrap();
    assert_eq!((entry.session(), entry.since()), (carol.client.session(), carol.client.login_time()));
    assert_eq!(entry.addresses(), [carol.client.udp_address()]);
}
