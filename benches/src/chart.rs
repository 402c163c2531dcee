//! Charts of one kind: lines over two logarithmic axes, panels side by side, written as SVG.

/// One line: a name, a colour, and its points from left to right.
#[derive(Clone, Debug)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// As in HTML.
    pub colour: &'static str,
    /// Both values above 0.
    pub points: Vec<(f64, f64)>,
}

/// Lines over the same axes.
#[derive(Clone, Debug)]
pub struct Panel {
    /// What stands above it.
    pub title: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// What all panels have in common.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What stands above all.
    pub title: String,
    /// What the horizontal axis counts.
    pub across: String,
    /// What the vertical axis counts.
    pub up: String,
    /// From left to right.
    pub panels: Vec<Panel>,
}

/// Of the drawing area of a panel, in pixels.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 320.0;
const TOP: f64 = 84.0;
const LEFT: f64 = 76.0;
const BETWEEN: f64 = 64.0;
const BELOW: f64 = 84.0;

/// Whole powers of ten.
#[derive(Clone, Copy, Debug)]
struct Decades {
    low: i32,
    high: i32,
}

impl Decades {
    /// Those around all `values`.
    fn around(values: impl Iterator<Item = f64> + Clone) -> Self {
        let low = values.clone().fold(f64::MAX, f64::min).log10().floor() as i32;
        let high = values.fold(f64::MIN, f64::max).log10().ceil() as i32;
        Self { low, high: high.max(low + 1) }
    }

    /// Where a value lies between the lowest and the highest, from 0 to 1.
    fn share(self, value: f64) -> f64 {
        (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low)
    }

    fn each(self) -> impl Iterator<Item = i32> {
        self.low..=self.high
    }
}

impl Chart {
    /// The SVG; of a chart without points the frame alone.
    pub fn svg(&self) -> String {
        let points = self.panels.iter().flat_map(|panel| &panel.lines).flat_map(|line| &line.points);
        let across = Decades::around(points.clone().map(|(x, _)| *x).chain([1.0]));
        let up = Decades::around(points.map(|(_, y)| *y).chain([1e5]));
        let width = LEFT + (WIDTH + BETWEEN) * self.panels.len() as f64;
        let height = TOP + HEIGHT + BELOW;
        let mut out = String::new();
        let mut put = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        put(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#333\">"
        ));
        put(format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"));
        put(text(width / 2.0, 26.0, "middle", " font-size=\"17\"", &self.title));
        let middle = TOP + HEIGHT / 2.0;
        let turned = format!(" transform=\"rotate(-90 18 {middle})\"");
        put(text(18.0, middle, "middle", &turned, &self.up));
        for (index, panel) in self.panels.iter().enumerate() {
            let left = LEFT + (WIDTH + BETWEEN) * index as f64;
            let at = |x: f64, y: f64| (left + WIDTH * across.share(x), TOP + HEIGHT * (1.0 - up.share(y)));
            put(text(left + WIDTH / 2.0, TOP - 14.0, "middle", " font-size=\"14\"", &panel.title));
            for decade in up.each() {
                let value = 10_f64.powi(decade);
                let (_, y) = at(1.0, value);
                put(grid(left, y, left + WIDTH, y));
                put(text(left - 6.0, y + 4.0, "end", "", &short(value)));
            }
            for decade in across.each() {
                let value = 10_f64.powi(decade);
                let (x, _) = at(value, 1.0);
                put(grid(x, TOP, x, TOP + HEIGHT));
                put(text(x, TOP + HEIGHT + 18.0, "middle", "", &short(value)));
            }
            put(text(left + WIDTH / 2.0, TOP + HEIGHT + 38.0, "middle", "", &self.across));
            panel.lines.iter().for_each(|line| put(curve(line, at)));
        }
        put(self.legend(width, height - 18.0));
        put("</svg>".to_owned());
        out
    }

    /// Each name once, in a row.
    fn legend(&self, width: f64, y: f64) -> String {
        let mut lines: Vec<&Line> = Vec::new();
        for line in self.panels.iter().flat_map(|panel| &panel.lines) {
            if !lines.iter().any(|known| known.name == line.name) {
                lines.push(line);
            }
        }
        let each = (width - 2.0 * BETWEEN) / lines.len().max(1) as f64;
        let mut out = String::new();
        for (index, line) in lines.iter().enumerate() {
            let (x, colour) = (BETWEEN + each * index as f64, line.colour);
            let (end, up) = (x + 24.0, y - 4.0);
            let stroke = format!("stroke=\"{colour}\" stroke-width=\"3\"");
            out.push_str(&format!("<line x1=\"{x:.0}\" y1=\"{up:.0}\" x2=\"{end:.0}\" y2=\"{up:.0}\" {stroke}/>"));
            out.push_str(&text(end + 6.0, y, "start", "", &line.name));
        }
        out
    }
}

fn curve(line: &Line, at: impl Fn(f64, f64) -> (f64, f64)) -> String {
    let places: Vec<(f64, f64)> = line.points.iter().map(|(x, y)| at(*x, *y)).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let colour = line.colour;
    let mut out = format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2.5\" stroke-linejoin=\"round\"/>",
        path.join(" ")
    );
    for (x, y) in places {
        out.push_str(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>"));
    }
    out
}

fn grid(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#ddd\"/>")
}

fn text(x: f64, y: f64, anchor: &str, more: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"{anchor}\"{more}>{text}</text>")
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
    fn points_stand_where_the_axes_say() {
        let decades = Decades::around([30.0, 9_000.0].into_iter());
        assert_eq!((decades.low, decades.high), (1, 4));
        assert_eq!((decades.share(10.0), decades.share(10_000.0)), (0.0, 1.0));
        assert_eq!([1.0, 1e3, 1e7].map(short), ["1", "1 k", "10 M"]);
    }

    #[test]
    fn every_line_is_drawn_and_named_once() {
        let line = |name: &str| Line { name: name.to_owned(), colour: "#000", points: vec![(1.0, 1e5), (10.0, 1e6)] };
        let panel = |title: &str| Panel { title: title.to_owned(), lines: vec![line("a < b"), line("c")] };
        let (across, up) = ("receivers".to_owned(), "per second".to_owned());
        let svg = Chart { title: "t".to_owned(), across, up, panels: vec![panel("one"), panel("two")] }.svg();
        assert_eq!(svg.matches("<polyline").count(), 4);
        assert_eq!(svg.matches("<circle").count(), 8);
        assert_eq!(svg.matches(">a &lt; b</text>").count(), 1);
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
