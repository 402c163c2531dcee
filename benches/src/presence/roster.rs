//! The Redis server through which the servers of a trial share their roster, and what it has done.

use std::collections::BTreeMap;
use std::ops::Sub;
use std::time::Duration;

use chat_store::testing::{Keep, RedisServer};
use tokio::task::block_in_place;

/// A Redis server of this trial only.
#[derive(Debug)]
pub(crate) struct SharedRoster {
    server: RedisServer,
    pub(crate) url: String,
}

/// The counters of a Redis server since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RedisLoad {
    /// All commands, those within scripts included. Commands that this program sends for its own figures do not count.
    pub(crate) commands: f64,
    /// Scripts. Several acts share one.
    pub(crate) scripts: f64,
    /// Reads of the log.
    pub(crate) reads: f64,
    /// Acts that were appended to the log.
    pub(crate) acts: f64,
    /// Bytes that it has received and sent.
    pub(crate) bytes: f64,
    /// Processor time in seconds.
    pub(crate) processor: f64,
}

impl SharedRoster {
    /// Starts the installed Redis server, which keeps its data for a restart or not. Ends the program with a sentence if
    /// none is installed.
    pub(crate) fn start(keep: Keep) -> Self {
        let server = block_in_place(|| RedisServer::start(keep));
        Self { url: server.roster(), server }
    }

    /// Kills the server.
    pub(crate) fn stop(&mut self) {
        block_in_place(|| self.server.stop());
    }

    /// Starts the server again, and waits until it answers.
    pub(crate) fn restart(&mut self) {
        block_in_place(|| self.server.restart());
    }

    /// The epoch of the roster. `None` if there is none yet.
    pub(crate) fn epoch(&self) -> Option<String> {
        text(&self.execute(&["HGET", &self.key(), "epoch"])).map(str::to_owned)
    }

    /// How many servers share the roster.
    pub(crate) fn nodes(&self) -> usize {
        let Some(epoch) = self.epoch() else { return 0 };
        let lives = self.execute(&["HLEN", &format!("{}:{epoch}:lives", self.key())]);
        lives.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
    }

    pub(crate) fn load(&self) -> RedisLoad {
        let (commands, stats) = (self.info("commandstats"), self.info("stats"));
        let calls = |name: &str| {
            let stats = commands.get(&format!("cmdstat_{name}"));
            stats.and_then(|text| text.strip_prefix("calls=")?.split(',').next()?.parse().ok()).unwrap_or(0.0)
        };
        let all: f64 = commands.keys().filter_map(|name| name.strip_prefix("cmdstat_")).map(calls).sum();
        let own: f64 = OWN_COMMANDS.iter().copied().map(calls).sum();
        RedisLoad {
            commands: all - own,
            scripts: calls("evalsha") + calls("eval"),
            reads: calls("xread"),
            acts: calls("xadd"),
            bytes: number(&stats, "total_net_input_bytes") + number(&stats, "total_net_output_bytes"),
            processor: processor(&self.info("cpu")),
        }
    }

    /// The processor time of the server.
    pub(crate) fn time(&self) -> Duration {
        Duration::try_from_secs_f64(processor(&self.info("cpu"))).unwrap_or_default()
    }

    /// The key of the roster. Those of its parts begin with it.
    fn key(&self) -> String {
        let room = self.url.rsplit_once("room=").map_or("main", |(_, room)| room);
        format!("{{chat:{room}}}")
    }

    /// A section of what the server says about itself.
    fn info(&self, section: &str) -> BTreeMap<String, String> {
        let answer = self.execute(&["INFO", section]);
        let lines = answer.split("\\r\\n").filter_map(|line| line.split_once(':'));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn execute(&self, words: &[&str]) -> String {
        block_in_place(|| self.server.execute(words))
    }
}

/// The commands of this program, and those of each of its connections.
const OWN_COMMANDS: [&str; 5] = ["info", "hlen", "client|setinfo", "ping", "hello"];

fn number(info: &BTreeMap<String, String>, name: &str) -> f64 {
    info.get(name).and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// The processor time in seconds.
fn processor(info: &BTreeMap<String, String>) -> f64 {
    number(info, "used_cpu_user") + number(info, "used_cpu_sys")
}

/// The text in an answer in the notation of the driver.
fn text(answer: &str) -> Option<&str> {
    Some(answer.split_once('"')?.1.rsplit_once('"')?.0)
}

impl Sub for RedisLoad {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            commands: self.commands - earlier.commands,
            scripts: self.scripts - earlier.scripts,
            reads: self.reads - earlier.reads,
            acts: self.acts - earlier.acts,
            bytes: self.bytes - earlier.bytes,
            processor: self.processor - earlier.processor,
        }
    }
}

impl RedisLoad {
    /// Without figures below zero, which come from a difference of two measurements.
    pub(crate) fn at_least_none(self) -> Self {
        Self {
            commands: self.commands.max(0.0),
            scripts: self.scripts.max(0.0),
            reads: self.reads.max(0.0),
            acts: self.acts.max(0.0),
            bytes: self.bytes.max(0.0),
            processor: self.processor.max(0.0),
        }
    }

    /// This much, `factor` times.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            commands: self.commands * factor,
            scripts: self.scripts * factor,
            reads: self.reads * factor,
            acts: self.acts * factor,
            bytes: self.bytes * factor,
            processor: self.processor * factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_an_answer_is_between_the_outer_quotes() {
        assert_eq!(text(r#"bulk-string('"0123abcd"')"#), Some("0123abcd"));
        assert_eq!((text("nil"), text("int(3)")), (None, None));
    }

    #[test]
    fn loads_are_subtracted_and_multiplied() {
        let load = RedisLoad { commands: 6.0, scripts: 5.0, reads: 4.0, acts: 3.0, bytes: 2.0, processor: 1.0 };
        assert_eq!(load.times(3.0) - load, load.times(2.0));
        let less = load - load.times(2.0);
        assert_eq!((less.commands, less.at_least_none()), (-6.0, RedisLoad::default()));
        assert_eq!(load.at_least_none(), load);
    }
}
