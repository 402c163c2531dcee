//! Each script against a real server.

use redis::aio::MultiplexedConnection;

use super::*;
use crate::testing::RedisServer;

const EPOCH: &str = "00000000000000aa";
const OTHER: &str = "00000000000000bb";
const NODE: &str = "0000000000000001";
const MOST: &str = "1000";

/// The keys of a room that only one test uses.
struct Room {
    connection: MultiplexedConnection,
    name: String,
}

impl Room {
    async fn new(name: &str) -> Self {
        let client = redis::Client::open(RedisServer::shared().url()).unwrap();
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
        Self { connection, name: format!("{{scripts:{name}}}") }
    }

    fn keys(&self) -> [String; 5] {
        ["", ":slots", ":fences", ":lives", ":log"].map(|key| format!("{}{key}", self.name))
    }

    async fn run(&mut self, script: &Script, values: &[&str]) -> Vec<String> {
        let new_slots = format!("{}:new", self.name);
        let arguments = Arguments::new(self.keys().into_iter().chain([new_slots])).with(values.iter().copied());
        list(script.run(&mut self.connection, &arguments).await.unwrap())
    }

    async fn execute(&mut self, name: &str, key: &str, arguments: &[&str]) -> Vec<String> {
        let mut command = redis::cmd(name);
        command.arg(format!("{}{key}", self.name)).arg(arguments);
        list(command.query_async(&mut self.connection).await.unwrap())
    }

    /// Founds an epoch with this position, and lets the node enter.
    async fn begin(&mut self, position: &str) {
        let founded = self.run(&FOUND, &["", EPOCH, "1", "keys", position, "0", "tip-0000", "5", "0"]).await;
        assert_eq!(founded, ["ok"]);
        let entered = self.enter("1").await;
        assert_eq!(entered[..2], ["ok", EPOCH]);
    }

    async fn enter(&mut self, fence: &str) -> Vec<String> {
        self.run(&ENTER, &[EPOCH, "1", "keys", MOST, NODE, fence, "row", "entered!act"]).await
    }

    async fn append(&mut self, proposals: &[&str]) -> Vec<String> {
        self.run(&APPEND, &[&[EPOCH, NODE, "1", MOST], proposals].concat()).await
    }
}

/// All texts of an answer, without its structure.
fn list(value: Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.into_iter().flat_map(list).collect(),
        Value::BulkString(bytes) => vec![String::from_utf8(bytes).unwrap()],
        Value::Int(number) => vec![number.to_string()],
        Value::Okay => vec!["OK".to_owned()],
        Value::Nil => vec![],
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_script_says_so_if_the_room_is_empty_or_another_epoch_has_begun() {
    let mut room = Room::new("empty").await;
    for is_begun in [false, true] {
        let expected = if is_begun { vec!["other", EPOCH] } else { vec!["empty"] };
        for (script, values) in [
            (&ENTER, &[OTHER, "1", "keys", MOST, NODE, "9", "row", "entered!act"][..]),
            (&APPEND, &[OTHER, NODE, "1", MOST]),
            (&RENEW, &[OTHER, NODE, "1"]),
            (&FOUND, &[OTHER, EPOCH, "1", "keys", "0", "0", "tip-0000", "5", "0"]),
        ] {
            assert_eq!(room.run(script, values).await, expected, "{script:?}");
        }
        if !is_begun {
            room.begin("0").await;
        }
    }
}

#[tokio::test]
async fn a_node_of_another_form_or_with_other_keys_does_not_enter() {
    let mut room = Room::new("owner").await;
    room.begin("0").await;
    let format = room.run(&ENTER, &[EPOCH, "2", "keys", MOST, NODE, "9", "row", "entered!act"]).await;
    assert_eq!(format, ["format", "1"]);
    let keys = room.run(&ENTER, &[EPOCH, "1", "others", MOST, NODE, "9", "row", "entered!act"]).await;
    assert_eq!(keys, ["keys"]);
}

#[tokio::test]
async fn fences_are_compared_as_numbers() {
    let mut room = Room::new("fences").await;
    room.begin("0").await;
    assert_eq!(room.enter("9").await[0], "ok");
    assert_eq!(room.enter("10").await[0], "ok");
    for fence in ["9", "10"] {
        assert_eq!(room.enter(fence).await, ["fenced"]);
    }
}

#[tokio::test]
async fn an_act_names_the_one_before_and_its_position_is_its_id() {
    let mut room = Room::new("log").await;
    room.begin("41").await;
    assert_eq!(room.append(&["1", "0", "0", "first---act"]).await, ["ok", "43", "1"]);
    let log = room.execute("XRANGE", ":log", &["-", "+"]).await;
    assert_eq!(log, ["42-0", "p", "tip-0000", "a", "entered!act", "43-0", "p", "entered!", "a", "first---act"]);
    let head = room.execute("HMGET", "", &["position", "revision", "tip"]).await;
    assert_eq!(head, ["43", "1", "first---"]);
}

/// Lua writes a number from 10^14 on as 1e+14, unless it is told otherwise.
#[tokio::test]
async fn positions_have_all_their_digits() {
    let mut room = Room::new("digits").await;
    room.begin("4503599627370495").await;
    let appended = room.append(&["0", "1", "a1", "0000000000000000", "1", "a1", "set", "x", "first---act"]).await;
    assert_eq!(appended, ["ok", "4503599627370497", "1"]);
    assert_eq!(room.execute("HGET", ":slots", &["a1"]).await, ["4503599627370497x"]);
    assert_eq!(room.execute("XREVRANGE", ":log", &["+", "-", "COUNT", "1"]).await[0], "4503599627370497-0");
}

#[tokio::test]
async fn a_refused_proposal_changes_nothing() {
    let mut room = Room::new("refused").await;
    room.begin("0").await;
    let alice = |guard: &'static str, value: &'static str| {
        ["1", "2", "a1", guard, "k1", "0000000000000000", "2", "a1", "set", value, "a2", "set", value, "alice---act"]
    };
    let (first, second) = (alice("0000000000000000", "new"), alice("0000000000000009", "wrong"));
    let appended = room.append(&[first, second].concat()).await;
    assert_eq!(appended, ["ok", "2", "1", "0"]);
    assert_eq!(room.execute("HMGET", ":slots", &["a1", "a2"]).await, ["0000000000000002new", "0000000000000002new"]);
    assert_eq!(room.execute("HMGET", "", &["position", "revision"]).await, ["2", "1"]);
    let emptied = room.append(&["0", "1", "a1", "0000000000000002", "1", "a1", "empty", "", "emptied-act"]).await;
    assert_eq!(emptied, ["ok", "3", "1"]);
    assert!(room.execute("HGET", ":slots", &["a1"]).await.is_empty());
}

#[tokio::test]
async fn a_node_that_is_declared_lost_has_no_fence_and_gives_no_signs_of_life() {
    let mut room = Room::new("lost").await;
    room.begin("0").await;
    let signs = room.run(&RENEW, &[EPOCH, NODE, "1"]).await;
    assert_eq!(signs, ["ok", EPOCH, "1", "0", "entered!", "5", NODE, "1"]);
    let slot = format!("n{NODE}");
    let lost = room.append(&["0", "1", &slot, "0000000000000001", "1", &slot, "set", "lost", "is-lost-act"]).await;
    assert_eq!(lost, ["ok", "2", "1"]);
    assert_eq!(room.run(&RENEW, &[EPOCH, NODE, "1"]).await, ["fenced"]);
    assert_eq!(room.append(&[]).await, ["fenced"]);
    assert_eq!(room.enter("2").await, ["fenced"]);
    assert_eq!(room.execute("HLEN", ":lives", &[]).await, ["0"]);
}

#[tokio::test]
async fn an_epoch_needs_all_of_its_slots_and_keeps_them() {
    let mut room = Room::new("found").await;
    room.begin("0").await;
    let found = [EPOCH, OTHER, "1", "keys", "7", "3", "tip-0000", "5", "2"];
    room.execute("HSET", ":new", &["a1", "x"]).await;
    room.execute("EXPIRE", ":new", &["100"]).await;
    assert_eq!(room.run(&FOUND, &found).await, ["incomplete"]);
    room.execute("HSET", ":new", &["a2", "x"]).await;
    assert_eq!(room.run(&FOUND, &found).await, ["ok"]);
    assert_eq!(room.execute("TTL", ":new", &[]).await, ["-1"]);
    let head = room.execute("HMGET", "", &["epoch", "position", "revision", "since"]).await;
    assert_eq!(head, [OTHER, "7", "3", "5"]);
    for key in [":slots", ":fences", ":lives", ":log"] {
        assert_eq!(room.execute("EXISTS", key, &[]).await, ["0"], "{key} of the epoch before");
    }
}

#[tokio::test]
async fn redis_gives_a_script_the_name_that_it_is_called_by() {
    let mut room = Room::new("hash").await;
    for script in [ENTER, APPEND, RENEW, FOUND] {
        let mut command = redis::cmd("SCRIPT");
        command.arg("LOAD").arg(script.source);
        let name: String = command.query_async(&mut room.connection).await.unwrap();
        assert_eq!(name, script.hash());
    }
}
