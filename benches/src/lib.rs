//! Shared parts of the benchmark programs.

pub mod endpoints;
pub mod fanout;
pub mod machine;
pub mod output;
pub mod presence;
pub mod stats;
