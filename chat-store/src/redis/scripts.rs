//! The scripts that Redis runs, each as a whole or not at all.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use redis::aio::ConnectionLike;
use redis::{Cmd, ErrorKind, ServerErrorKind, Value};

/// One script. Its file says what it takes and returns.
#[derive(Debug)]
pub(super) struct Script {
    source: &'static str,
}

/// `common.lua` and the file of a script.
macro_rules! script {
    ($file:literal) => {
        Script { source: concat!(include_str!("scripts/common.lua"), "\n", include_str!($file)) }
    };
}

pub(super) const ENTER: Script = script!("scripts/enter.lua");
pub(super) const APPEND: Script = script!("scripts/append.lua");
pub(super) const RENEW: Script = script!("scripts/renew.lua");
pub(super) const FOUND: Script = script!("scripts/found.lua");

/// What a script works on.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    keys: Vec<Vec<u8>>,
    values: Vec<Vec<u8>>,
}

impl Arguments {
    pub(super) fn new(keys: impl IntoIterator<Item = String>) -> Self {
        Self { keys: keys.into_iter().map(String::into_bytes).collect(), values: Vec::new() }
    }

    /// Adds an argument.
    pub(super) fn push(&mut self, value: impl Into<Vec<u8>>) {
        self.values.push(value.into());
    }

    /// Adds arguments.
    pub(super) fn with<V: Into<Vec<u8>>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }
}

impl Script {
    /// Runs the script. Redis knows a script by its hash, and is sent the text only if it does not know the hash: at
    /// first, and after it has restarted or dropped its scripts. It has run nothing then.
    pub(super) async fn run(
        &self,
        connection: &mut impl ConnectionLike,
        arguments: &Arguments,
    ) -> Result<Value, redis::RedisError> {
        let is_unknown = |error: &redis::RedisError| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript);
        match command("EVALSHA", &self.hash(), arguments).query_async(connection).await {
            Err(error) if is_unknown(&error) => command("EVAL", self.source, arguments).query_async(connection).await,
            done => done,
        }
    }

    /// The SHA-1 of the text, in hexadecimal digits: the name that Redis gives it. Nothing depends on its strength.
    fn hash(&self) -> String {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, self.source.as_bytes());
        hash.as_ref().iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes any text");
            text
        })
    }
}

fn command(name: &str, script: &str, Arguments { keys, values }: &Arguments) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(script).arg(keys.len()).arg(keys).arg(values);
    command
}

#[cfg(test)]
mod tests;
