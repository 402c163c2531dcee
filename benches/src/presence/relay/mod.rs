//! Benchmarks of the relay, measured from outside: the real program runs as a separate process.
//!
//! Members send parcels over the wire as they are. Their contents are not sealed, because the server cannot tell, and
//! sealing would only cost this process time.
//!
//! Each scenario is one module, whose documentation defines what it measures.

mod member;
pub mod presence;
pub mod round_trip;
pub mod throughput;

use clap::builder::RangedU64ValueParser;

/// What all floods have in common.
#[derive(clap::Args, Clone, Copy, Debug)]
pub struct Flood {
    /// Members that send parcels to each other.
    #[arg(long, default_value_t = 16, value_parser = RangedU64ValueParser::<usize>::from(2..=1_000))]
    members: usize,
    /// Bytes of each datagram.
    #[arg(long, default_value_t = 256, value_parser = RangedU64ValueParser::<usize>::from(33..=1_200))]
    size: usize,
}

/// Limits of the relay, as arguments of the server: `rate` and `total` in KiB each second.
fn limits(rate: u64, total: u64) -> Vec<String> {
    let arguments = [("--relay-rate", rate), ("--relay-burst", rate), ("--relay-total", total)];
    arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value.to_string()]).collect()
}
