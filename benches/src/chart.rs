//! Line charts over two logarithmic axes: panels side by side, written as SVG.

use std::error::Error;
use std::ops::Range;

use plotters::prelude::*;

/// One line: a name, a colour, and its points from left to right.
#[derive(Clone, Debug)]
pub struct Line {
    /// The text in the legend.
    pub name: String,
    /// Red, green and blue.
    pub colour: (u8, u8, u8),
    /// Both coordinates above 0.
    pub points: Vec<(f64, f64)>,
}

/// Lines over the same axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The text above the panel.
    pub title: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Panels with common axes.
#[derive(Clone, Debug)]
pub struct Chart {
    /// The text above all panels.
    pub title: String,
    /// The label of the horizontal axis.
    pub x_label: String,
    /// The label of the vertical axis.
    pub y_label: String,
    /// From left to right.
    pub panels: Vec<Panel>,
}

/// The size of a panel in pixels.
const PANEL: (u32, u32) = (480, 460);

const FONT: &str = "sans-serif";

impl Chart {
    /// Renders the chart.
    ///
    /// # Errors
    /// The drawing library refuses the values, which it does for none that are finite and above 0.
    pub fn svg(&self) -> Result<String, Box<dyn Error + '_>> {
        let points = self.panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
        let (x, y) = (decades(points.clone().map(|point| point.0)), decades(points.map(|point| point.1)));
        let mut svg = String::new();
        let size = (PANEL.0 * self.panels.len() as u32, PANEL.1);
        let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        root.fill(&WHITE)?;
        let below_title = root.titled(&self.title, (FONT, 18))?;
        for (panel, area) in self.panels.iter().zip(below_title.split_evenly((1, self.panels.len()))) {
            let mut plot = ChartBuilder::on(&area)
                .caption(&panel.title, (FONT, 14))
                .margin(12)
                .x_label_area_size(44)
                .y_label_area_size(64)
                .build_cartesian_2d(x.clone().log_scale(), y.clone().log_scale())?;
            plot.configure_mesh()
                .x_desc(&self.x_label)
                .y_desc(&self.y_label)
                .x_label_formatter(&|value| short(*value))
                .y_label_formatter(&|value| short(*value))
                .light_line_style(TRANSPARENT)
                .draw()?;
            for line in &panel.lines {
                let style = RGBColor(line.colour.0, line.colour.1, line.colour.2).stroke_width(2);
                plot.draw_series(LineSeries::new(line.points.iter().copied(), style).point_size(3))?
                    .label(&line.name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
            }
            plot.configure_series_labels()
                .position(SeriesLabelPosition::UpperLeft)
                .background_style(WHITE.mix(0.8))
                .draw()?;
        }
        root.present()?;
        drop(below_title);
        drop(root);
        Ok(svg)
    }
}

/// The powers of ten around all `values`.
fn decades(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        return 1.0..10.0;
    }
    let low = low.log10().floor() as i32;
    let high = (high.log10().ceil() as i32).max(low + 1);
    10_f64.powi(low)..10_f64.powi(high)
}

/// A number in few characters.
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
        assert_eq!(decades(std::iter::empty()), 1.0..10.0);
        assert_eq!([1.0, 1e3, 1e7].map(short), ["1", "1 k", "10 M"]);
    }

    #[test]
    fn every_panel_draws_and_names_its_lines() {
        let line =
            |name: &str| Line { name: name.to_owned(), colour: (0, 0, 0), points: vec![(1.0, 1e5), (10.0, 1e6)] };
        let panel = |title: &str| Panel { title: title.to_owned(), lines: vec![line("a < b"), line("c")] };
        let (x_label, y_label) = ("receivers".to_owned(), "per second".to_owned());
        let chart = Chart { title: "t".to_owned(), x_label, y_label, panels: vec![panel("one"), panel("two")] };
        let svg = chart.svg().unwrap();
        assert_eq!(svg.matches("a &lt; b").count(), 2);
        assert!(svg.matches("<polyline").count() >= 4, "{svg}");
        assert!(svg.matches("<circle").count() >= 8, "{svg}");
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
