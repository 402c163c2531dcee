//! Shared parts of the benchmark programs: tables, histograms, contenders, and a description of the machine.

#[cfg(feature = "brokers")]
pub mod broker;
pub mod chart;
pub mod contest;
pub mod crowd;
pub mod group;
pub mod instructions;
pub mod machine;
pub mod output;
pub mod presence;
pub mod stats;
pub mod window;
