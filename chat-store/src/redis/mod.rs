//! The journal in Redis: the roster that several servers share.
//!
//! Redis puts acts into one order and refuses those whose guards no longer hold; it knows no roster. A room has these keys:
//!
//! | key | kind | content |
//! | --- | --- | --- |
//! | `{chat:ROOM}` | hash | the head: epoch, position, revision, tag of the last act, and what all nodes must have in common |
//! | `{chat:ROOM}:EPOCH:slots` | hash | the slots: `a` and an account, `k` and a session id, `n` and a node |
//! | `{chat:ROOM}:EPOCH:log` | stream | the last acts, whose ids are their positions |
//! | `{chat:ROOM}:EPOCH:fences` | hash | the fence of each node that has entered and is not lost |
//! | `{chat:ROOM}:EPOCH:lives` | hash | the signs of life of each node |
//! | `{chat:ROOM}:hints` | stream | the last hints, whose ids Redis makes |
//!
//! Scripts change them, and Redis runs each script as a whole or not at all. Only hints are added without a script: no other
//! command depends on them.

mod check;
mod connection;
mod error;
mod keys;
mod reply;
mod scripts;
mod url;

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_core::id::{Epoch, Position};
use chat_core::journal::{
    Appended, Entering, Founding, Head, HintPosition, Journal, JournalError, Proposal, Reading, Signs, States, Verdict,
    Writer,
};
use redis::aio::MultiplexedConnection;
use redis::{Cmd, Value, cmd, pipe};
use tokio::time::timeout;

pub use self::error::RedisError;
pub use self::url::{RosterUrl, RosterUrlError};

use self::connection::{CALL_TIMEOUT, Connections, Purpose};
use self::keys::Keys;
use self::reply::{Answer, Entries, Streams, Unexpected};
use self::scripts::{APPEND, Arguments, ENTER, FOUND, RENEW, Script};

/// The form of what is stored. Servers that keep another one may not share the roster.
const FORMAT: &str = "1";

/// The most acts that are kept to be read, about: some minutes of a busy group. A node that was away for longer reads the
/// slots instead.
const MAX_LOG: usize = 20_000;

/// The most hints that are kept to be read, about: a megabyte. Nodes read them within a second, in which all of them
/// together check fewer passwords, and sources whose invitation codes are wrong are soon paused.
const MAX_HINTS: usize = 10_000;

/// The most acts of one read, and the most hints: half a megabyte or so.
const MAX_READ: usize = 1_000;

/// About as many slots in one piece: Redis serves nobody else while it collects them.
const PIECE: usize = 1_000;

/// How long Redis lets a read wait for an act or a hint.
const READ_TIME: Duration = Duration::from_secs(1);

/// When the driver gives up a read: the connection is dead.
const READ_TIMEOUT: Duration = Duration::from_secs(4);

/// How long the slots of an epoch are kept that is being founded. Afterwards they are kept for ever.
const FOUNDING_TIME: Duration = Duration::from_secs(600);

/// How often a node tries to enter if another epoch begins meanwhile.
const ENTER_ATTEMPTS: u32 = 3;

/// A journal in Redis, 6.2 or newer, or a server that speaks like it (Valkey, KeyDB).
///
/// All servers that share a roster name the same [`RosterUrl`], have the same accounts, and the same ticket key. A server
/// uses two connections, and opens them again when it needs them.
#[derive(Debug)]
pub struct RedisJournal {
    connections: Connections,
    keys: Keys,
    /// The fingerprint of the keys of those who share the roster.
    fingerprint: String,
    /// Whether [`Self::check`] has succeeded, and no call has failed since for a reason that lasts.
    is_checked: AtomicBool,
}

impl RedisJournal {
    /// A journal that is not connected yet. Unless [`Self::check`] succeeds before, the first server that enters does
    /// what it does, and so does one that enters after a refusal. `fingerprint` identifies the ticket key.
    ///
    /// # Errors
    /// [`RedisError::CaFile`].
    pub fn new(url: &RosterUrl, fingerprint: [u8; 16]) -> Result<Self, RedisError> {
        let keys = Keys::new(&url.room);
        let fingerprint = format!("{:032x}", u128::from_be_bytes(fingerprint));
        let connections = Connections::new(url.clone())?;
        Ok(Self { connections, keys, fingerprint, is_checked: AtomicBool::new(false) })
    }

    /// Connects, and checks that the server and this user's rights suffice, and that the roster belongs to servers with
    /// the same keys.
    ///
    /// # Errors
    /// [`RedisError`]. The operator can correct each, but one that [is temporary](RedisError::is_temporary) may also pass.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    pub async fn check(&self) -> Result<(), RedisError> {
        check::check(self).await?;
        self.is_checked.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// [`Self::new`] and [`Self::check`].
    ///
    /// # Errors
    /// [`RedisError`].
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time enabled.
    pub async fn open(url: &RosterUrl, fingerprint: [u8; 16]) -> Result<Self, RedisError> {
        let journal = Self::new(url, fingerprint)?;
        journal.check().await?;
        Ok(journal)
    }

    /// The URL.
    pub fn url(&self) -> &RosterUrl {
        self.connections.url()
    }

    /// Makes a call, for a limited time. If the server does not answer, the call may still take effect. Then, and if the
    /// connection broke, all connections are dropped, so that nothing more follows on them.
    async fn limited<T, F: Future<Output = Result<T, redis::RedisError>>>(
        &self,
        purpose: Purpose,
        limit: Duration,
        call: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, RedisError> {
        let (connection, run) = self.connections.get(purpose).await?;
        let result = match timeout(limit, call(connection)).await {
            Ok(result) => result.map_err(|error| RedisError::new(&self.url().server(), error)),
            Err(_) => Err(self.connections.silent(limit)),
        };
        if let Err(error) = &result {
            if error.breaks_connections() {
                self.connections.drop_all(run);
            }
            if !error.is_temporary() {
                // Without a right that only some calls need, entering would succeed, again and again.
                self.is_checked.store(false, Ordering::Relaxed);
            }
        }
        result
    }

    async fn command(&self, command: Cmd) -> Result<Value, RedisError> {
        self.limited(Purpose::Calls, CALL_TIMEOUT, |mut connection| async move {
            command.query_async(&mut connection).await
        })
        .await
    }

    async fn run(&self, script: Script, arguments: Arguments) -> Result<Entries, JournalError> {
        let call = |mut connection| async move { script.run(&mut connection, &arguments).await };
        let value = self.limited(Purpose::Calls, CALL_TIMEOUT, call).await.map_err(JournalError::away)?;
        let room = || self.url().room.clone();
        match self.expect(Answer::parse(value))? {
            Answer::Ok(entries) => Ok(entries),
            Answer::Empty => Err(JournalError::Empty),
            Answer::Other(epoch) => Err(JournalError::OtherEpoch(epoch)),
            Answer::Fenced => Err(JournalError::Fenced),
            Answer::Format(format) => Err(JournalError::away(RedisError::Format { room: room(), format })),
            Answer::OtherKeys => Err(JournalError::away(RedisError::OtherKeys { room: room() })),
            Answer::Incomplete => Err(JournalError::away(self.damaged("the slots of a new epoch are gone"))),
        }
    }

    /// The epoch in which the journal is.
    async fn epoch(&self) -> Result<Option<Epoch>, JournalError> {
        let value = self.command(get_epoch(&self.keys)).await.map_err(JournalError::away)?;
        self.expect(reply::current(value))
    }

    fn expect<T>(&self, parsed: Result<T, Unexpected>) -> Result<T, JournalError> {
        parsed.map_err(|what| JournalError::away(self.damaged(what)))
    }

    fn damaged(&self, what: Unexpected) -> RedisError {
        RedisError::Damaged { room: self.url().room.clone(), what }
    }

    async fn enter_epoch(&self, epoch: Epoch, entering: &Entering) -> Result<Head, JournalError> {
        let Entering { node, fence, state, act } = entering;
        let arguments = Arguments::new(self.keys.all(epoch))
            .with([epoch.to_string(), FORMAT.to_owned(), self.fingerprint.clone(), MAX_LOG.to_string()])
            .with([node.to_string(), fence.to_string()])
            .with([state.clone(), act.clone()]);
        let mut answer = self.run(ENTER, arguments).await?;
        self.expect(answer.head())
    }
}

impl Journal for RedisJournal {
    async fn enter(&self, entering: Entering) -> Result<Head, JournalError> {
        if !self.is_checked.load(Ordering::Relaxed) {
            self.check().await.map_err(JournalError::away)?;
        }
        let mut epoch = self.epoch().await?.ok_or(JournalError::Empty)?;
        for _ in 1..ENTER_ATTEMPTS {
            match self.enter_epoch(epoch, &entering).await {
                Err(JournalError::OtherEpoch(other)) => epoch = other,
                done => return done,
            }
        }
        self.enter_epoch(epoch, &entering).await
    }

    async fn append(&self, by: Writer, proposals: Vec<Proposal>) -> Result<Appended, JournalError> {
        let Writer { node, fence, epoch } = by;
        let mut arguments = Arguments::new(self.keys.all(epoch)).with([
            epoch.to_string(),
            node.to_string(),
            fence.to_string(),
            MAX_LOG.to_string(),
        ]);
        let count = proposals.len();
        proposals.into_iter().for_each(|proposal| push_proposal(&mut arguments, proposal));
        let mut answer = self.run(APPEND, arguments).await?;
        let head = Position::new(self.expect(answer.number())?);
        let verdict = |number| if number == 0 { Verdict::Refused } else { Verdict::Appended };
        let verdicts = (0..count).map(|_| answer.number().map(verdict)).collect();
        Ok(Appended { verdicts: self.expect(verdicts)?, head })
    }

    async fn read(&self, epoch: Epoch, after: Position, hints: Option<HintPosition>) -> Result<Reading, JournalError> {
        let (log, hints_key) = (self.keys.log(epoch), self.keys.hints());
        let mut commands = pipe();
        commands.cmd("XREAD").arg("COUNT").arg(MAX_READ);
        match hints {
            Some(from) => commands
                .arg("BLOCK")
                .arg(READ_TIME.as_millis() as u64)
                .arg("STREAMS")
                .arg(&[&log, &hints_key])
                .arg(format!("{after}-0"))
                .arg(keys::entry(from)),
            // The end of the hints is where Redis puts one. This read does not wait, so that hints are read from now on.
            None => commands.arg("STREAMS").arg(&log).arg(format!("{after}-0")).add_command(add_hint(
                &self.keys,
                keys::MARK,
                b"",
            )),
        };
        // An epoch that is over has no log, so a read of it would wait in vain. The head is read afterwards.
        commands.add_command(get_epoch(&self.keys));
        let call = |mut connection| async move { commands.query_async::<Vec<Value>>(&mut connection).await };
        let values = match self.limited(Purpose::Reads, READ_TIMEOUT, call).await {
            // The answer does not say which of the two streams it is about.
            Err(error) if !error.is_temporary() => {
                let error = check::try_hints(self).await.err().unwrap_or(error);
                return Err(JournalError::away(error));
            }
            done => done.map_err(JournalError::away)?,
        };
        let mut values = values.into_iter();
        let mut next = || self.expect(values.next().ok_or("an answer is missing"));
        let streams = next()?;
        let mark = hints.is_none().then(&mut next).transpose()?;
        reply::require(self.expect(reply::current(next()?))?, epoch)?;
        let mut streams = self.expect(Streams::parse(streams))?;
        let acts = self.expect(streams.take(&log).and_then(reply::acts))?;
        let (read, last) = self.expect(streams.take(&hints_key).and_then(reply::hints))?;
        let mark = mark.map(|mark| self.expect(reply::place(mark))).transpose()?;
        let next_hint = last.or(mark).or(hints).ok_or("a read has no place among the hints");
        Ok(Reading { acts, hints: read, next_hint: self.expect(next_hint)? })
    }

    async fn hint(&self, hints: Vec<Vec<u8>>) -> Result<(), JournalError> {
        if hints.is_empty() {
            return Ok(());
        }
        let mut commands = pipe();
        for hint in hints {
            commands.add_command(add_hint(&self.keys, keys::HINT, &hint)).ignore();
        }
        // The node goes on if this fails. So this neither makes a connection nor drops one: if it is broken, the next call
        // has to say so, because the server may have restarted, and then the node must enter again.
        let mut connection = self.connections.existing(Purpose::Calls).map_err(JournalError::away)?;
        match timeout(CALL_TIMEOUT, commands.query_async::<()>(&mut connection)).await {
            Ok(result) => result.map_err(|error| JournalError::away(RedisError::new(&self.url().server(), error))),
            Err(_) => Err(JournalError::away(self.connections.silent(CALL_TIMEOUT))),
        }
    }

    async fn renew(&self, by: Writer) -> Result<Signs, JournalError> {
        let Writer { node, fence, epoch } = by;
        let arguments =
            Arguments::new(self.keys.all(epoch)).with([epoch.to_string(), node.to_string(), fence.to_string()]);
        let mut answer = self.run(RENEW, arguments).await?;
        let head = self.expect(answer.head())?;
        Ok(Signs { head, lives: self.expect(answer.lives())? })
    }

    async fn states(&self, epoch: Epoch, cursor: u64) -> Result<States, JournalError> {
        let mut commands = pipe();
        commands
            .cmd("HSCAN")
            .arg(self.keys.slots(epoch))
            .arg(cursor)
            .arg("MATCH")
            .arg(keys::ACCOUNTS_AND_NODES)
            .arg("COUNT")
            .arg(PIECE)
            .add_command(get_epoch(&self.keys));
        let call = |mut connection| async move { commands.query_async::<[Value; 2]>(&mut connection).await };
        let values = self.limited(Purpose::Calls, CALL_TIMEOUT, call).await.map_err(JournalError::away)?;
        let [states, current] = values;
        reply::require(self.expect(reply::current(current))?, epoch)?;
        let (states, next) = self.expect(reply::states(states))?;
        Ok(States { states, next })
    }

    async fn found(&self, old: Option<Epoch>, new: Founding) -> Result<(), JournalError> {
        let Founding { head, states } = new;
        match old {
            Some(old) => reply::require(self.epoch().await?, old)?,
            None => self.epoch().await?.map_or(Ok(()), |other| Err(JournalError::OtherEpoch(other)))?,
        }
        let slots = self.keys.slots(head.epoch);
        for piece in states.chunks(PIECE) {
            let mut commands = pipe();
            let command = commands.cmd("HSET").arg(&slots);
            for state in piece {
                let value = [keys::digits(state.position).as_bytes(), &state.value].concat();
                command.arg(keys::field(state.slot)).arg(value);
            }
            // Until another script makes the epoch the current one.
            commands.cmd("EXPIRE").arg(&slots).arg(FOUNDING_TIME.as_secs());
            let call = |mut connection| async move { commands.query_async::<[Value; 2]>(&mut connection).await };
            self.limited(Purpose::Calls, CALL_TIMEOUT, call).await.map_err(JournalError::away)?;
        }
        // Without an epoch before, its keys are those of the new one, of which only the slots exist.
        let arguments = Arguments::new(self.keys.all(old.unwrap_or(head.epoch)).into_iter().chain([slots.clone()]))
            .with([old.map(|old| old.to_string()).unwrap_or_default(), head.epoch.to_string(), FORMAT.to_owned()])
            .with([self.fingerprint.clone(), head.position.to_string(), head.revision.to_string()])
            .with([keys::tag(head.tip)])
            .with([head.since.as_millis().to_string(), states.len().to_string()]);
        let result = self.run(FOUND, arguments).await;
        if matches!(result, Err(JournalError::OtherEpoch(_) | JournalError::Empty)) {
            // Nobody uses them. Without this they expire.
            let mut remove = cmd("UNLINK");
            remove.arg(&slots);
            drop(self.command(remove).await);
        }
        result.map(drop)
    }
}

/// Adds an entry with one field to the hints.
fn add_hint(keys: &Keys, field: &[u8], value: &[u8]) -> Cmd {
    let mut command = cmd("XADD");
    command.arg(keys.hints()).arg("MAXLEN").arg("~").arg(MAX_HINTS).arg("*").arg(field).arg(value);
    command
}

fn get_epoch(keys: &Keys) -> Cmd {
    let mut command = cmd("HGET");
    command.arg(keys.head()).arg("epoch");
    command
}

/// Adds a proposal to the arguments of a script.
fn push_proposal(arguments: &mut Arguments, Proposal { changes, guards, writes, act }: Proposal) {
    arguments.push(changes.to_string());
    arguments.push(guards.len().to_string());
    for (slot, position) in guards {
        arguments.push(keys::field(slot));
        arguments.push(keys::digits(position));
    }
    arguments.push(writes.len().to_string());
    for (slot, value) in writes {
        arguments.push(keys::field(slot));
        arguments.push(if value.is_some() { "set" } else { "empty" });
        arguments.push(value.unwrap_or_default());
    }
    arguments.push(act);
}
