//! Draws what the other programs measured: reads the JSON lines of `udp_fanout` and `alternatives` from standard input and
//! writes one SVG to standard output, delivered messages per second over receivers.
#![expect(clippy::print_stderr, reason = "diagnostics of a program")]

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;

use chat_benches::chart::{Chart, Line, Panel};
use clap::Parser;
use serde_json::Value;

/// A chart of delivered messages per second.
#[derive(Debug, Parser)]
struct Args {
    /// Only rows with texts of so many bytes.
    #[arg(long, default_value_t = 64)]
    size: u64,
    /// One panel for each number of messages in flight.
    #[arg(long, value_delimiter = ',', default_value = "1,256")]
    in_flight: Vec<u64>,
}

/// The contenders in the order of the legend, with colours that most colour-blind people can tell apart.
const CONTENDERS: [(&str, &str); 6] = [
    ("chat", "#d55e00"),
    ("plain sendmmsg", "#222222"),
    ("plain send_to", "#999999"),
    ("NATS", "#0072b2"),
    ("Redis", "#009e73"),
    ("Mosquitto", "#cc79a7"),
];

fn main() -> ExitCode {
    let args = Args::parse();
    let mut panels = Vec::new();
    let rows: Result<Vec<Value>, _> =
        std::io::stdin().lock().lines().map_while(Result::ok).map(|line| serde_json::from_str(&line)).collect();
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            eprintln!("a line is not JSON ({error}); give the programs --format json");
            return ExitCode::from(2);
        }
    };
    for &in_flight in &args.in_flight {
        let here = rows.iter().filter(|row| row["size"] == args.size && row["in_flight"] == in_flight);
        let mut points: BTreeMap<&str, BTreeMap<u64, f64>> = BTreeMap::new();
        for (name, peers, rate) in here.flat_map(readings) {
            points.entry(name).or_default().insert(peers, rate);
        }
        let lines = CONTENDERS.iter().filter_map(|(name, colour)| {
            let points = points.get(name)?.iter().map(|(peers, rate)| (*peers as f64, *rate)).collect();
            Some(Line { name: (*name).to_owned(), colour, points })
        });
        let title = if in_flight == 1 { "one message at a time".to_owned() } else { format!("{in_flight} in flight") };
        panels.push(Panel { title, lines: lines.collect() });
    }
    if panels.iter().any(|panel| panel.lines.is_empty()) {
        eprintln!("there is nothing to draw for one of the panels: no rows with that size and number in flight");
        return ExitCode::from(2);
    }
    let chart = Chart {
        title: format!("One sender, {} bytes to everyone", args.size),
        across: "receivers".to_owned(),
        up: "messages delivered per second".to_owned(),
        panels,
    };
    match std::io::stdout().write_all(chart.svg().as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the chart cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a row says: of which contender, with how many receivers, how many per second. Ours and plain datagrams are taken
/// from `udp_fanout`, where they run without brokers beside them.
fn readings(row: &Value) -> Vec<(&'static str, u64, f64)> {
    let peers = row["peers"].as_u64().unwrap_or(0);
    let columns = [
        ("chat", "delivered_per_second"),
        ("plain sendmmsg", "sendmmsg_per_second"),
        ("plain send_to", "send_to_per_second"),
    ];
    let readings: Vec<(&'static str, Option<f64>)> = match row["who"].as_str() {
        None => columns.iter().map(|(name, column)| (*name, row[*column].as_f64())).collect(),
        Some(who) => {
            let broker = CONTENDERS[3..].iter().find(|(name, _)| *name == who);
            broker.map(|(name, _)| (*name, row["delivered_per_second"].as_f64())).into_iter().collect()
        }
    };
    readings.into_iter().filter_map(|(name, rate)| Some((name, peers, rate.filter(|rate| *rate > 0.0)?))).collect()
}
