//! Draws the results of `udp_fanout` and `alternatives`: reads their JSON lines from standard input and writes one SVG to
//! standard output, messages delivered per second over receivers.
#![expect(clippy::print_stderr, reason = "diagnostics of a program")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::ops::Range;
use std::process::ExitCode;

use clap::Parser;
use plotters::prelude::*;
use serde_json::{Deserializer, Value};

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
const CONTENDERS: [(&str, RGBColor); 8] = [
    ("chat", RGBColor(213, 94, 0)),
    ("plain sendmmsg", RGBColor(34, 34, 34)),
    ("plain send_to", RGBColor(153, 153, 153)),
    ("quinn streams", RGBColor(86, 180, 233)),
    ("quinn datagrams", RGBColor(230, 159, 0)),
    ("NATS", RGBColor(0, 114, 178)),
    ("Redis", RGBColor(0, 158, 115)),
    ("Mosquitto", RGBColor(204, 121, 167)),
];

/// The points of each contender in one panel: messages per second by receivers.
type Points = BTreeMap<String, BTreeMap<u64, f64>>;

fn main() -> ExitCode {
    match draw(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the chart cannot be drawn: {error}");
            ExitCode::from(2)
        }
    }
}

fn draw(args: &Args) -> Result<(), Box<dyn Error>> {
    let rows: Vec<Value> = Deserializer::from_reader(io::stdin())
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| format!("a row is not JSON ({error}); run the programs with --format json"))?;
    let panels: Vec<Points> = args.in_flight.iter().map(|in_flight| points(&rows, args.size, *in_flight)).collect();
    if let Some((_, in_flight)) = panels.iter().zip(&args.in_flight).find(|(panel, _)| panel.is_empty()) {
        return Err(format!("there are no rows with {} bytes and {in_flight} in flight", args.size).into());
    }
    let mut svg = String::new();
    svg_chart(args, &panels, &mut svg).map_err(|error| error.to_string())?;
    Ok(io::stdout().write_all(svg.as_bytes())?)
}

/// The points of the rows with this size and number in flight. If several rows describe the same point, the first
/// counts, so the figures of `udp_fanout`, which runs without brokers beside it, must come first.
fn points(rows: &[Value], size: u64, in_flight: u64) -> Points {
    let mut points = Points::new();
    for row in rows.iter().filter(|row| row["size"] == size && row["in_flight"] == in_flight) {
        if let (Some(who), Some(peers), Some(rate)) = (
            row["who"].as_str(),
            row["peers"].as_u64(),
            row["delivered_per_second"].as_f64().filter(|rate| *rate > 0.0),
        ) {
            points.entry(who.to_owned()).or_default().entry(peers).or_insert(rate);
        }
    }
    points
}

const FONT: &str = "sans-serif";

fn svg_chart<'a>(args: &Args, panels: &[Points], svg: &'a mut String) -> Result<(), Box<dyn Error + 'a>> {
    let all = panels.iter().flat_map(BTreeMap::values).flatten();
    let (x, y) = (decades(all.clone().map(|(peers, _)| *peers as f64)), decades(all.map(|(_, rate)| *rate)));
    let root = SVGBackend::with_string(svg, (480 * panels.len() as u32, 460)).into_drawing_area();
    root.fill(&WHITE)?;
    let below_title = root.titled(&format!("One sender, {} bytes to everyone", args.size), (FONT, 18))?;
    let areas = below_title.split_evenly((1, panels.len()));
    for ((points, in_flight), area) in panels.iter().zip(&args.in_flight).zip(areas) {
        let caption =
            if *in_flight == 1 { "one message at a time".to_owned() } else { format!("{in_flight} in flight") };
        let mut plot = ChartBuilder::on(&area)
            .caption(caption, (FONT, 14))
            .margin(12)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(x.clone().log_scale(), y.clone().log_scale())?;
        plot.configure_mesh()
            .x_desc("receivers")
            .y_desc("messages delivered per second")
            .x_label_formatter(&|value| short(*value))
            .y_label_formatter(&|value| short(*value))
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (name, colour) in CONTENDERS {
            let Some(line) = points.get(name) else { continue };
            let (line, style) = (line.iter().map(|(peers, rate)| (*peers as f64, *rate)), colour.stroke_width(2));
            plot.draw_series(LineSeries::new(line, style).point_size(3))?
                .label(name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        plot.configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .draw()?;
    }
    Ok(root.present()?)
}

/// The powers of ten around all `values`.
fn decades(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    let low = low.log10().floor();
    10_f64.powf(low)..10_f64.powf(high.log10().ceil().max(low + 1.0))
}

/// A power of ten in few characters.
fn short(value: f64) -> String {
    match value {
        1e6.. => format!("{} M", value / 1e6),
        1e3.. => format!("{} k", value / 1e3),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_span_whole_decades() {
        assert_eq!(decades([30.0, 9_000.0].into_iter()), 10.0..10_000.0);
        assert_eq!(decades([10.0].into_iter()), 10.0..100.0);
        assert_eq!([1.0, 1e3, 1e7].map(short), ["1", "1 k", "10 M"]);
    }
}
