//! The contract of the port `Journal`, and what a server does that is misconfigured, full, slow or gone.

use std::error::Error;
use std::time::{Duration, Instant};

use chat_core::id::{Epoch, Fence, NodeId, Position, Revision, Tag};
use chat_core::journal::contract::journal_contract;
use chat_core::journal::{Entering, Founding, Head, Journal, JournalError, Proposal, Reading, Slot, State, Writer};
use chat_core::time::Timestamp;
use chat_store::testing::{self, Keep, RedisServer};
use chat_store::{RedisError, RedisJournal, RosterUrl};

const KEYS: [u8; 16] = [7; 16];
const EPOCH: Epoch = Epoch::new(11);
const NODE: NodeId = NodeId::new(1);

async fn open(url: &str) -> RedisJournal {
    RedisJournal::open(&RosterUrl::parse(url).unwrap(), KEYS).await.unwrap()
}

async fn refused(url: &str) -> RedisError {
    RedisJournal::open(&RosterUrl::parse(url).unwrap(), KEYS).await.unwrap_err()
}

fn founding(epoch: Epoch) -> Founding {
    let (position, revision, tip) = (Position::new(0), Revision::new(0), Tag::new(0));
    Founding { head: Head { epoch, position, revision, tip, since: Timestamp::from_millis(1) }, states: vec![] }
}

fn entering(fence: u64) -> Entering {
    Entering { node: NODE, fence: Fence::new(fence), state: b"row".to_vec(), act: b"entered!".to_vec() }
}

fn writer(fence: u64) -> Writer {
    Writer { node: NODE, fence: Fence::new(fence), epoch: EPOCH }
}

fn proposal(act: &[u8; 8]) -> Proposal {
    Proposal { changes: 1, guards: vec![], writes: vec![], act: act.to_vec() }
}

/// A journal with one epoch, which the node has entered.
async fn begun(url: &str) -> RedisJournal {
    let journal = open(url).await;
    journal.found(None, founding(EPOCH)).await.unwrap();
    journal.enter(entering(1)).await.unwrap();
    journal
}

/// The reason why a journal is away.
fn reason<T: std::fmt::Debug>(result: Result<T, JournalError>) -> RedisError {
    match result {
        Err(JournalError::Away(reason)) => match reason.downcast_ref::<RedisError>() {
            Some(RedisError::Silent { server, seconds }) => {
                RedisError::Silent { server: server.clone(), seconds: *seconds }
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn sentence<T: std::fmt::Debug>(result: Result<T, JournalError>) -> String {
    match result {
        Err(JournalError::Away(reason)) => reason.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn redis_keeps_the_contract() {
    let url = testing::roster();
    journal_contract(&RedisJournal::open(&url, KEYS).await.unwrap()).await;
}

#[tokio::test]
async fn redis_keeps_the_contract_with_tls() {
    journal_contract(&open(&RedisServer::shared().tls_roster()).await).await;
}

#[tokio::test]
async fn redis_keeps_the_contract_while_it_forgets_its_scripts() {
    let server = RedisServer::start(Keep::Nothing);
    let journal = open(&server.roster()).await;
    let mut contract = std::pin::pin!(journal_contract(&journal));
    loop {
        tokio::select! {
            () = &mut contract => break,
            () = tokio::time::sleep(Duration::from_millis(1)) => drop(server.execute(&["SCRIPT", "FLUSH"])),
        }
    }
}

#[tokio::test]
async fn a_read_waits_for_an_act_and_for_about_a_second_at_most() {
    let journal = begun(&RedisServer::shared().roster()).await;
    let hints = journal.read(EPOCH, Position::new(1), None).await.unwrap().next_hint;
    let begin = Instant::now();
    let nothing = Reading { acts: vec![], hints: vec![], next_hint: hints };
    assert_eq!(journal.read(EPOCH, Position::new(1), Some(hints)).await.unwrap(), nothing);
    let waited = begin.elapsed();
    assert!(waited > Duration::from_millis(900) && waited < Duration::from_secs(3), "{waited:?}");
    let append = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        journal.append(writer(1), vec![proposal(b"an act--")]).await.unwrap();
    };
    let begin = Instant::now();
    let (reading, ()) = tokio::join!(journal.read(EPOCH, Position::new(1), Some(hints)), append);
    assert_eq!(reading.unwrap().acts.len(), 1);
    assert!(begin.elapsed() < Duration::from_millis(900), "{:?}", begin.elapsed());
    let hint = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        journal.hint(vec![b"a hint".to_vec()]).await.unwrap();
    };
    let begin = Instant::now();
    let (reading, ()) = tokio::join!(journal.read(EPOCH, Position::new(2), Some(hints)), hint);
    assert_eq!(reading.unwrap().hints, [b"a hint"]);
    assert!(begin.elapsed() < Duration::from_millis(900), "{:?}", begin.elapsed());
}

/// The old ones are dropped in pieces of a hundred or so.
#[tokio::test]
async fn only_the_latest_hints_are_kept() {
    let journal = begun(&RedisServer::shared().roster()).await;
    let mut from = journal.read(EPOCH, Position::new(1), None).await.unwrap().next_hint;
    for number in 0..60_u32 {
        journal.hint((0..200).map(|index| (number * 200 + index).to_be_bytes().to_vec()).collect()).await.unwrap();
    }
    let mut hints = Vec::new();
    while hints.last() != Some(&11_999_u32.to_be_bytes().to_vec()) {
        let reading = journal.read(EPOCH, Position::new(1), Some(from)).await.unwrap();
        assert!(reading.hints.len() <= 1_000 && !reading.hints.is_empty());
        hints.extend(reading.hints);
        from = reading.next_hint;
    }
    assert!((10_000..=10_200).contains(&hints.len()), "{}", hints.len());
}

/// A node goes on when a hint is lost. Had that made a connection, the node would not learn that the server has restarted.
#[tokio::test]
async fn a_hint_does_not_reconnect() {
    let mut server = RedisServer::start(Keep::Aof);
    let journal = begun(&server.roster()).await;
    journal.hint(vec![b"a hint".to_vec()]).await.unwrap();
    server.stop();
    server.restart();
    for _ in 0..2 {
        assert!(sentence(journal.hint(vec![b"a hint".to_vec()]).await).contains("broke"));
    }
    assert!(sentence(journal.renew(writer(1)).await).contains("broke"));
    journal.enter(entering(2)).await.unwrap();
    journal.hint(vec![b"a hint".to_vec()]).await.unwrap();
}

/// Entries without a hint: the marks of nodes that begin to read, and what a later version may add.
#[tokio::test]
async fn entries_without_a_hint_are_ignored_and_a_key_of_another_type_is_named() {
    let server = RedisServer::shared();
    let url = server.roster();
    let journal = begun(&url).await;
    let from = journal.read(EPOCH, Position::new(1), None).await.unwrap().next_hint;
    journal.read(EPOCH, Position::new(1), None).await.unwrap();
    let key = format!("{{chat:{}}}:hints", url.rsplit('=').next().unwrap());
    server.execute(&["XADD", &key, "*", "x", "y"]);
    journal.hint(vec![b"a hint".to_vec()]).await.unwrap();
    let reading = journal.read(EPOCH, Position::new(1), Some(from)).await.unwrap();
    assert_eq!(reading.hints, [b"a hint"]);
    assert!(reading.next_hint > from);
    server.execute(&["DEL", &key]);
    server.execute(&["SET", &key, "x"]);
    let names_key = |text: String| text.contains(&format!("the key '{key}' as a stream"));
    assert!(names_key(refused(&url).await.to_string()), "at the start");
    assert!(names_key(sentence(journal.read(EPOCH, Position::new(1), Some(from)).await)), "later");
    assert!(names_key(sentence(journal.enter(entering(2)).await)), "then");
}

#[tokio::test]
async fn what_is_founded_in_pieces_is_there_as_a_whole() {
    let url = RedisServer::shared().roster();
    let (journal, loser) = (begun(&url).await, open(&url).await);
    let states: Vec<_> = (0..2_500)
        .map(|number| State {
            slot: Slot::Account(chat_core::id::AccountId::new(number)),
            position: Position::new(number + 1),
            value: vec![0; 200],
        })
        .collect();
    let second = Epoch::new(22);
    journal.found(Some(EPOCH), Founding { states: states.clone(), ..founding(second) }).await.unwrap();
    let late = loser.found(Some(EPOCH), Founding { states, ..founding(Epoch::new(33)) }).await;
    assert!(matches!(late, Err(JournalError::OtherEpoch(epoch)) if epoch == second), "{late:?}");
    let (mut found, mut cursor) = (0, Some(0));
    while let Some(from) = cursor {
        let piece = journal.states(second, from).await.unwrap();
        found += piece.states.len();
        cursor = piece.next;
    }
    assert_eq!(found, 2_500);
}

/// The old log is dropped in pieces of a hundred or so.
#[tokio::test]
async fn only_the_latest_acts_can_be_read() {
    let journal = begun(&RedisServer::shared().roster()).await;
    for _ in 0..50 {
        journal.append(writer(1), vec![proposal(b"an act--"); 500]).await.unwrap();
    }
    let acts = journal.read(EPOCH, Position::new(0), None).await.unwrap().acts;
    let first = acts.first().unwrap().position.get();
    assert!((4_500..=5_002).contains(&first), "{first}");
    assert!(acts.len() <= 1_000);
}

#[tokio::test]
async fn a_call_that_is_answered_late_has_no_effect_once_the_node_has_entered_again() {
    let server = RedisServer::start(Keep::Nothing);
    let url = server.roster();
    let journal = begun(&url).await;
    server.pause();
    let reason = reason(journal.append(writer(1), vec![proposal(b"late act")]).await);
    assert!(matches!(reason, RedisError::Silent { seconds: 3, .. }), "{reason:?}");
    // Redis has not read it yet, and its connection is closed.
    let entered = tokio::spawn({
        let journal = open_later(url.clone());
        async move { journal.await.enter(entering(2)).await }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.resume();
    let head = entered.await.unwrap().unwrap();
    let again = journal.append(writer(1), vec![proposal(b"old act!")]).await;
    assert!(matches!(again, Err(JournalError::Fenced)), "{again:?}");
    journal.append(writer(2), vec![proposal(b"new act!")]).await.unwrap();
    let acts = journal.read(EPOCH, head.position, None).await.unwrap().acts;
    assert_eq!(acts.iter().map(|logged| logged.act.as_slice()).collect::<Vec<_>>(), [b"new act!"]);
}

async fn open_later(url: String) -> RedisJournal {
    open(&url).await
}

#[tokio::test]
async fn a_server_that_was_killed_has_everything_that_it_acknowledged() {
    let mut server = RedisServer::start(Keep::Aof);
    let journal = begun(&server.roster()).await;
    let mut last = Position::new(0);
    for _ in 0..20 {
        last = journal.append(writer(1), vec![proposal(b"an act--"); 10]).await.unwrap().head;
    }
    server.stop();
    let gone = sentence(journal.renew(writer(1)).await);
    assert!(gone.contains("broke") || gone.contains("does not answer"), "{gone}");
    server.restart();
    assert_eq!(journal.enter(entering(2)).await.unwrap().position, last.next());
}

#[tokio::test]
async fn a_server_that_has_lost_everything_says_so() {
    let mut server = RedisServer::start(Keep::Nothing);
    let journal = begun(&server.roster()).await;
    server.stop();
    assert!(matches!(journal.renew(writer(1)).await, Err(JournalError::Away(_))));
    server.restart();
    assert!(matches!(journal.enter(entering(2)).await, Err(JournalError::Empty)));
    server.execute(&["FLUSHALL"]);
    assert!(matches!(journal.read(EPOCH, Position::new(1), None).await, Err(JournalError::Empty)));
}

#[tokio::test]
async fn what_is_misconfigured_is_said_in_one_sentence() {
    let server = RedisServer::start(Keep::Nothing);
    let port = server.port();
    let at = format!("127.0.0.1:{port}");
    for (url, expected) in [
        (format!("redis://ann:hush@{at}"), format!("the Redis server at {at} refuses the login; ")),
        (format!("redis://:hush@{at}"), format!("the Redis server at {at} refuses the login; ")),
        (format!("redis://{at}/99"), format!("the Redis server at {at} refuses: ")),
        ("redis://127.0.0.1:1".to_owned(), "the Redis server at 127.0.0.1:1 does not answer; ".to_owned()),
        ("redis://no.such.host.invalid".to_owned(), "the host 'no.such.host.invalid' of the Redis server ".to_owned()),
        (format!("rediss://{at}?ca=/no/such/file"), "the file /no/such/file of certificate authorities ".to_owned()),
        (
            server.tls_roster().replace(&tls_port(&server), &port.to_string()),
            format!("the Redis server at {at} has not answered the beginning of TLS for 3 s; "),
        ),
    ] {
        let error = refused(&url).await;
        assert!(error.to_string().starts_with(&expected), "{url}: {error}");
        assert!(!format!("{error} {error:?} {:?}", error.source()).contains("hush"), "{error:?}");
    }
}

fn tls_port(server: &RedisServer) -> String {
    let url = server.tls_roster();
    url["rediss://127.0.0.1:".len()..].split('?').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_without_all_rights_is_refused_at_the_start() {
    let server = RedisServer::start(Keep::Nothing);
    let user = |rules: &[&str]| server.execute(&[&["ACL", "SETUSER", "chat", "reset", "on", ">hush"], rules].concat());
    let url = format!("redis://chat:hush@127.0.0.1:{}", server.port());
    let commands = [
        "+info", "+eval", "+evalsha", "+hget", "+hmget", "+hgetall", "+hlen", "+hscan", "+hset", "+hincrby", "+hdel",
        "+xadd", "+xread", "+unlink", "+expire", "+persist",
    ];
    user(&[&["~{chat:*"], &commands[..]].concat());
    journal_contract(&open(&url).await).await;
    for missing in commands {
        let rest: Vec<_> = commands.into_iter().filter(|command| *command != missing).collect();
        user(&[&["~{chat:*"], &rest[..]].concat());
        let error = refused(&url).await;
        assert!(matches!(error, RedisError::Rights { .. }), "{missing}: {error:?}");
        let named = error.source().unwrap().to_string();
        assert!(named.contains(&format!("'{}'", &missing[1..])), "{missing}: {named}");
    }
    user(&[&["~other:*"], &commands[..]].concat());
    assert!(matches!(refused(&url).await, RedisError::Rights { .. }), "the keys");
}

#[tokio::test]
async fn other_keys_another_form_and_other_data_are_refused() {
    let server = RedisServer::shared();
    let url = server.roster();
    let journal = begun(&url).await;
    let other = RedisJournal::open(&RosterUrl::parse(&url).unwrap(), [8; 16]).await.unwrap_err();
    assert!(other.to_string().contains("have another ticket.key"), "{other}");
    let head = format!("{{chat:{}}}", url.rsplit('=').next().unwrap());
    server.execute(&["HSET", &head, "keys", "x"]);
    assert!(sentence(journal.enter(entering(2)).await).contains("have another ticket.key"));
    server.execute(&["HSET", &head, "format", "2"]);
    assert!(sentence(journal.enter(entering(2)).await).contains("in another form (2)"));
    assert!(refused(&url).await.to_string().contains("in another form (2)"));
    server.execute(&["HSET", &head, "epoch", "x"]);
    assert!(sentence(journal.enter(entering(2)).await).contains("did not write"));
    server.execute(&["DEL", &head]);
    server.execute(&["SET", &head, "x"]);
    assert!(refused(&url).await.to_string().contains("WRONGTYPE"));
}

#[tokio::test]
async fn a_full_server_refuses_a_call_as_a_whole() {
    let server = RedisServer::start(Keep::Nothing);
    let url = server.roster();
    let journal = begun(&url).await;
    server.execute(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = sentence(journal.append(writer(1), vec![proposal(b"an act--"); 3]).await);
    assert!(error.contains("has reached its limit of memory"), "{error}");
    assert!(sentence(journal.enter(entering(2)).await).contains("has reached its limit of memory"));
    assert!(matches!(refused(&url).await, RedisError::Full { .. }));
    server.execute(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(journal.enter(entering(2)).await.unwrap().position, Position::new(2), "nothing was appended");
}

/// Only signs of life need this right. Without the check, the server would enter, be refused, and enter again.
#[tokio::test]
async fn a_server_that_loses_a_right_enters_only_after_a_check_of_all() {
    let server = RedisServer::start(Keep::Nothing);
    let journal = begun(&server.roster()).await;
    server.execute(&["ACL", "SETUSER", "default", "-hincrby"]);
    assert!(sentence(journal.renew(writer(1)).await).contains("does not give its user all rights"));
    assert!(sentence(journal.enter(entering(2)).await).contains("does not give its user all rights"));
    server.execute(&["ACL", "SETUSER", "default", "+hincrby"]);
    journal.enter(entering(3)).await.unwrap();
    journal.renew(writer(3)).await.unwrap();
}

#[tokio::test]
async fn a_replica_is_refused() {
    let server = RedisServer::start(Keep::Nothing);
    let url = server.roster();
    let journal = begun(&url).await;
    server.execute(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = sentence(journal.append(writer(1), vec![proposal(b"an act--")]).await);
    assert!(error.contains("is a replica"), "{error}");
    let error = refused(&url).await;
    assert!(matches!(error, RedisError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_redis_server_is_said() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(stream.read(&mut [0; 100]).await);
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let error = refused(&format!("redis://{address}")).await;
    assert!(error.to_string().starts_with(&format!("what answers at {address} is no Redis server; ")), "{error:?}");
}

#[tokio::test]
async fn only_what_is_wrong_with_tls_itself_stays_so() {
    // It accepts connections, as a suspended server does, and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = RedisServer::shared();
    let at = |port: &str| server.tls_roster().replace(&format!(":{}?", tls_port(server)), &format!(":{port}?"));
    let error = refused(&at(&silent.local_addr().unwrap().port().to_string())).await;
    assert!(matches!(error, RedisError::SilentTls { seconds: 3, .. }) && error.is_temporary(), "{error:?}");
    // It closes them, as one that stops does.
    let closing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closing.local_addr().unwrap().port().to_string();
    tokio::spawn(async move { while closing.accept().await.is_ok() {} });
    let error = refused(&at(&port)).await;
    assert!(matches!(error, RedisError::Broken { .. }) && error.is_temporary(), "{error:?}");
    // Its certificate is from another authority.
    let other = RedisServer::start(Keep::Nothing);
    let error = refused(&at(&tls_port(&other))).await;
    assert!(matches!(error, RedisError::Tls { .. }) && !error.is_temporary(), "{error:?}");
}

#[tokio::test]
async fn a_server_that_was_away_at_the_start_is_checked_before_the_first_node_enters() {
    let mut server = RedisServer::start(Keep::Nothing);
    let journal = RedisJournal::new(&RosterUrl::parse(&server.roster()).unwrap(), KEYS).unwrap();
    server.stop();
    let away = journal.check().await.unwrap_err();
    assert!(matches!(away, RedisError::Unreachable { .. }) && away.is_temporary(), "{away:?}");
    assert!(sentence(journal.enter(entering(1)).await).contains("does not answer"));
    server.restart();
    // Nothing but the check needs this right.
    server.execute(&["ACL", "SETUSER", "default", "-info"]);
    let refused = journal.check().await.unwrap_err();
    assert!(matches!(refused, RedisError::Rights { .. }) && !refused.is_temporary(), "{refused:?}");
    assert!(sentence(journal.enter(entering(1)).await).contains("does not give its user all rights"));
    server.execute(&["ACL", "SETUSER", "default", "+info"]);
    assert!(matches!(journal.enter(entering(1)).await, Err(JournalError::Empty)));
}
