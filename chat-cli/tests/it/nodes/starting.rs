//! What a server says at its start about a roster that it cannot use.

use std::fs;
use std::net::SocketAddr;

use chat_core::id::{Fence, NodeId};
use chat_core::journal::{Entering, Journal};
use chat_net::identity::ServerIdentity;
use chat_store::testing::{Keep, RedisServer};
use chat_store::{RedisJournal, RosterUrl};
use tokio::runtime::Runtime;

use crate::harness::{Finished, Home, Nodes, Server, assert_contains, finish, until};

/// How a server ends that is started with this roster.
#[track_caller]
fn refused(roster: &str) -> String {
    let home = Home::new();
    let mut command = home.command("chat-server");
    command.args(["--listen", "127.0.0.1:0"]).env("CHAT_ROSTER", roster);
    let Finished { code, out, err } = finish(&mut command);
    assert_eq!(code, Some(3), "{out} {err}");
    assert!(!err.contains("hush"), "{err}");
    assert_eq!(err.matches("error: ").count(), 1, "{err}");
    err
}

#[test]
fn a_roster_that_is_configured_wrongly_is_refused_in_one_sentence() {
    let redis = RedisServer::start(Keep::Nothing);
    let at = format!("127.0.0.1:{}", redis.port());
    let wrong = refused(&format!("redis://chat:hush@{at}"));
    assert_contains(&wrong, &format!("error: the Redis server at {at} refuses the login; check the user name "));
    redis.execute(&["ACL", "SETUSER", "chat", "on", ">hush", "~{chat:*", "+@all", "-xadd"]);
    let poor = refused(&format!("redis://chat:hush@{at}"));
    assert_contains(&poor, "does not give its user all rights that a roster needs; see the ACL rule in the manual");
    assert_contains(&poor, "xadd");
    redis.execute(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_contains(&refused(&redis.url()), "has reached its limit of memory; raise its maxmemory, or free memory");
    let nowhere = refused("redis://no.such.host.invalid");
    assert_contains(&nowhere, "error: the host 'no.such.host.invalid' of the Redis server is unknown; ");
}

#[test]
fn a_server_with_another_ticket_key_is_refused_and_one_that_redis_may_drop_is_warned() {
    let nodes = Nodes::start(1, Keep::Nothing);
    let home = nodes.new_home();
    fs::remove_file(home.join("data").join("ticket.key")).unwrap();
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let Finished { code, err, .. } = finish(&mut nodes.command(&home, 1, any_port));
    assert_eq!(code, Some(3), "{err}");
    assert_contains(
        &err,
        "have another ticket.key; copy theirs to this server, or give this group of servers another ",
    );
    nodes.redis.execute(&["CONFIG", "SET", "maxmemory", "100mb"]);
    nodes.redis.execute(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let home = nodes.new_home();
    let server = Server::start_command(&home, &mut nodes.command(&home, 1, any_port));
    assert_contains(&server.process.errors_with("noeviction"), "drops keys when its memory is full");
}

#[test]
fn a_server_that_meets_a_later_version_ends_with_a_code_after_which_no_service_starts_it_again() {
    let mut nodes = Nodes::start(1, Keep::Nothing);
    let identity = ServerIdentity::load_or_create(&nodes.servers[0].data_dir()).unwrap();
    let roster = RosterUrl::parse(&nodes.roster).unwrap();
    let journal = RedisJournal::new(&roster, identity.ticket_key_fingerprint()).unwrap();
    // A node without a name: the numbers of two variants, and an empty text. Its act has a number that nobody knows yet.
    let entering = Entering { node: NodeId::new(7), fence: Fence::new(1), state: vec![0, 0], act: vec![0xff; 20] };
    Runtime::new().unwrap().block_on(journal.enter(entering)).unwrap();
    let code = nodes.servers[0].process.exit().code();
    let errors = nodes.servers[0].process.errors();
    assert_eq!(code, Some(2), "{errors}");
    assert_contains(
        &errors,
        "error: the roster that the servers share has an entry of a later version of this program; ",
    );
    let unit = include_str!("../../../../packaging/chat-server.service");
    assert_contains(&unit, "\nRestartPreventExitStatus=2\n");
}

#[test]
fn a_server_starts_while_redis_is_away_and_lets_users_in_when_it_comes() {
    let mut redis = RedisServer::start(Keep::Nothing);
    redis.stop();
    let home = Home::new();
    let mut command = home.command("chat-server");
    command.args(["--data-dir", home.join("data").to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let server = Server::start_command(&home, command.env("CHAT_ROSTER", redis.url()));
    let errors = server.process.errors_with("is away");
    assert_contains(&errors, "does not answer; check that it runs and that its address is right");
    let refused = server.client("alice").register().run("");
    assert_eq!((refused.code, refused.error_code().as_str()), (Some(3), "storage-unavailable"));
    redis.restart();
    until("the server has entered", || server.status()["shared"]["state"] == "ready");
    assert_eq!(server.client("alice").register().start().welcome, "welcome alice: ");
}
