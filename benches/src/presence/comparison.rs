//! The comparison of several servers that share a roster with one server that has the same sessions, in the same run.

use std::collections::BTreeMap;
use std::time::Duration;

use super::trial::Usage;
use super::{Case, Settings};
use crate::output::Row;

/// The figures of the server that is alone.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// Whether there are rows with several servers. Rows of a run without them have no further figures.
    is_wanted: bool,
    alone: BTreeMap<(Case, &'static str), f64>,
}

impl Comparison {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { is_wanted: settings.nodes > 1, alone: BTreeMap::new() }
    }

    /// Adds the number of servers, the ratio of `figure`, which measures `what`, to that of one server, and the processor
    /// time of each process. The case with one server must come first.
    pub(crate) fn add_to(&mut self, row: Row, case: Case, what: &'static str, figure: f64, usage: &Usage) -> Row {
        if !self.is_wanted {
            return row;
        }
        let alone = (Case { nodes: 1, ..case }, what);
        let ratio = match case.nodes {
            1 => {
                self.alone.insert(alone, figure);
                None
            }
            _ => self.alone.get(&alone).map(|alone| figure / alone),
        };
        let servers: Vec<f64> = usage.servers.iter().map(Duration::as_secs_f64).collect();
        row.with("nodes", case.nodes)
            .with("ratio", ratio)
            .with("servers_cpu_s", servers)
            .with("redis_cpu_s", usage.redis.as_secs_f64())
    }
}
