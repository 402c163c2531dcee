//! What the benchmark programs share: tables of percentiles, the crowds they compare with, the machine.

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
