//! Draws the results of `udp_fanout` and `alternatives`: reads their JSON lines from standard input and writes one SVG to
//! standard output, messages delivered per second over receivers.
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
    /// Draw only rows with texts of this many bytes.
    #[arg(long, default_value_t = 64)]
    size: u64,
    /// Numbers of messages in flight, one panel each.
    #[arg(long, value_delimiter = ',', default_value = "1,256")]
    in_flight: Vec<u64>,
}

/// The contenders in the order of the legend, in colours that most colour-blind people can tell apart.
const CONTENDERS: [(&str, (u8, u8, u8)); 6] = [
    ("chat", (213, 94, 0)),
    ("plain sendmmsg", (34, 34, 34)),
    ("plain send_to", (153, 153, 153)),
    ("NATS", (0, 114, 178)),
    ("Redis", (0, 158, 115)),
    ("Mosquitto", (204, 121, 167)),
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
            Some(Line { name: (*name).to_owned(), colour: *colour, points })
        });
        let title = if in_flight == 1 { "one message at a time".to_owned() } else { format!("{in_flight} in flight") };
        panels.push(Panel { title, lines: lines.collect() });
    }
    if panels.iter().any(|panel| panel.lines.is_empty()) {
        eprintln!("one of the panels is empty: there are no rows with that size and number in flight");
        return ExitCode::from(2);
    }
    let chart = Chart {
        title: format!("One sender, {} bytes to everyone", args.size),
        x_label: "receivers".to_owned(),
        y_label: "messages delivered per second".to_owned(),
        panels,
    };
    let written = chart.svg().and_then(|svg| Ok(std::io::stdout().write_all(svg.as_bytes())?));
    if let Err(error) = written {
        eprintln!("the chart cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The readings of a row: contender, receivers, messages per second. The readings of `chat` and of plain datagrams come
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
