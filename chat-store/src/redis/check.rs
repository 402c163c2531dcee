//! The checks before a journal is used: the version of the server, the rights of the user, and whose roster it is.

use redis::{Cmd, Value, cmd, pipe};

use super::connection::{CALL_TIMEOUT, Purpose};
use super::error::RedisError;
use super::{FORMAT, RedisJournal, keys};

/// The oldest version of Redis that is tried.
const OLDEST: (u32, u32) = (6, 2);

/// Checks the server.
///
/// # Errors
/// It, or the user, cannot keep this roster.
pub(super) async fn check(journal: &RedisJournal) -> Result<(), RedisError> {
    let server = journal.url().server();
    let info = journal.command(cmd("INFO")).await?;
    let Value::BulkString(info) = info else {
        return Err(RedisError::NotRedis { server, source: "it does not describe itself".into() });
    };
    let info = String::from_utf8_lossy(&info);
    check_version(&server, &info)?;
    check_owner(journal).await?;
    try_rights(journal).await?;
    // Last, because a check that fails is repeated at every attempt to enter.
    if may_evict(&info) {
        log::warn!(
            "the Redis server at {server} drops keys when its memory is full, and with them the roster; set its \
             maxmemory-policy to noeviction"
        );
    }
    Ok(())
}

/// The value of a line `name:value`.
fn value<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn check_version(server: &str, info: &str) -> Result<(), RedisError> {
    let version = value(info, "redis_version").unwrap_or_default();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found >= OLDEST {
        return Ok(());
    }
    Err(RedisError::Version { server: server.to_owned(), version: version.to_owned() })
}

/// Whether the server may drop keys that do not expire.
fn may_evict(info: &str) -> bool {
    let is_limited = value(info, "maxmemory").is_some_and(|limit| limit != "0");
    is_limited && value(info, "maxmemory_policy").is_some_and(|policy| policy.starts_with("allkeys"))
}

/// Checks the form of the roster, and the keys of those who share it.
async fn check_owner(journal: &RedisJournal) -> Result<(), RedisError> {
    let mut command = cmd("HMGET");
    command.arg(journal.keys.head()).arg("format").arg("keys");
    let text = |value: &Value| match value {
        Value::BulkString(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    let room = journal.url().room.clone();
    match journal.command(command).await? {
        Value::Array(values) => match (values.first().and_then(text), values.get(1).and_then(text)) {
            (Some(format), _) if format != FORMAT => Err(RedisError::Format { room, format }),
            (Some(_), fingerprint) if fingerprint.as_ref() != Some(&journal.fingerprint) => {
                Err(RedisError::OtherKeys { room })
            }
            _ => Ok(()),
        },
        _ => Err(journal.damaged("the head is no list")),
    }
}

/// Tries every command that the journal uses, on keys of their own: a user who lacks a right learns it now, and from the
/// server. A full server, and a replica, refuse this too.
async fn try_rights(journal: &RedisJournal) -> Result<(), RedisError> {
    let [hash, stream] = journal.keys.trial();
    let command = |name: &str, key: &str, arguments: &[&str]| -> Cmd {
        let mut command = cmd(name);
        command.arg(key).arg(arguments);
        command
    };
    let mut commands = pipe();
    commands
        // These come first, so that nothing is left behind for long.
        .add_command(command("UNLINK", &hash, &[&stream]))
        .add_command(command("EXPIRE", &hash, &["60"]))
        .add_command(command("HSET", &hash, &["a", "1", "b", "1"]))
        .add_command(command("EXPIRE", &hash, &["60"]))
        .add_command(command("HGET", &hash, &["a"]))
        .add_command(command("HMGET", &hash, &["a"]))
        .add_command(command("HGETALL", &hash, &[]))
        .add_command(command("HLEN", &hash, &[]))
        .add_command(command("HSCAN", &hash, &["0", "MATCH", keys::ACCOUNTS_AND_NODES]))
        .add_command(command("HINCRBY", &hash, &["a", "1"]))
        .add_command(command("HDEL", &hash, &["a"]))
        .add_command(command("PERSIST", &hash, &[]))
        .add_command(command("XADD", &stream, &["MAXLEN", "~", "1", "1-0", "a", "1"]))
        .add_command(command("XADD", &stream, &["MAXLEN", "~", "1", "*", "a", "1"]))
        .add_command(command("XREAD", "STREAMS", &[&stream, "0"]))
        .add_command(command("EVAL", "return redis.call('HLEN', KEYS[1])", &["1", &hash]))
        .add_command(command("UNLINK", &hash, &[&stream]));
    let call = |mut connection| async move { commands.query_async::<Vec<Value>>(&mut connection).await };
    journal.limited(Purpose::Calls, CALL_TIMEOUT, call).await?;
    try_hints(journal).await?;
    // A hash that no script has.
    let evalsha = command("EVALSHA", &"0".repeat(40), &["1", &hash]);
    match journal.command(evalsha).await {
        Err(RedisError::Refused { answer, .. }) if answer.starts_with("NOSCRIPT") => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Ok(()),
    }
}

/// Tries to read and write the hints. Their key may be one that this user must not use, or may hold something else.
///
/// # Errors
/// [`RedisError::Hints`] if it is about their key.
pub(super) async fn try_hints(journal: &RedisJournal) -> Result<(), RedisError> {
    let key = journal.keys.hints();
    let (mut read, mut write) = (cmd("XREAD"), cmd("XADD"));
    read.arg("STREAMS").arg(&key).arg("$");
    // A mark, which readers ignore, and only if the stream is there: a room that nobody uses leaves nothing behind.
    write.arg(&key).arg("NOMKSTREAM").arg("*").arg(keys::MARK).arg("");
    for command in [read, write] {
        journal.command(command).await.map_err(|error| error.at_hints(&key))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_must_be_known_to_work() {
        for (info, is_right) in [
            ("# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:0\r\n", true),
            ("redis_version:6.2.0\r\n", true),
            ("redis_version:10.0.1", true),
            ("redis_version:6.0.16\r\n", false),
            ("redis_version:5.0.14\r\n", false),
            ("redis_version:x\r\n", false),
            ("", false),
        ] {
            assert_eq!(check_version("db:6379", info).is_ok(), is_right, "{info}");
        }
        let error = check_version("db:6379", "redis_version:5.0.14\r\n").unwrap_err().to_string();
        assert_eq!(error, "the Redis server at db:6379 has version 5.0.14, and a roster needs 6.2 or newer");
    }

    #[test]
    fn only_a_server_that_drops_any_key_is_warned_about() {
        let info = |limit, policy| format!("maxmemory:{limit}\r\nmaxmemory_policy:{policy}\r\n");
        assert!(may_evict(&info(1_000_000, "allkeys-lru")));
        assert!(!may_evict(&info(0, "allkeys-lru")), "no limit");
        assert!(!may_evict(&info(1_000_000, "noeviction")));
        assert!(!may_evict(&info(1_000_000, "volatile-ttl")), "the roster does not expire");
        assert!(!may_evict(""));
    }
}
