//! Triangles, row by row. Two of them that share an edge share no pixel and leave none out.

use eframe::egui::Color32;

use super::Brush;
use super::canvas::first;

/// A corner of a triangle, in pixels of the canvas and texels of the texture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) u: f32,
    pub(super) v: f32,
    pub(super) colour: Color32,
}

/// Values that change evenly over a triangle: red, green, blue, alpha, and the place in the texture.
type Values = [f32; 6];

impl Corner {
    fn values(&self) -> Values {
        let [red, green, blue, alpha] = self.colour.to_array().map(f32::from);
        [red, green, blue, alpha, self.u, self.v]
    }

    fn is_like(&self, other: &Self) -> bool {
        self.colour == other.colour && self.u == other.u && self.v == other.v
    }
}

impl Brush<'_, '_> {
    pub(super) fn triangle(&mut self, mut corners: [Corner; 3]) {
        // In this order, an edge is the same for both triangles that share it.
        corners
            .sort_by(|one, other| (one.y, one.x).partial_cmp(&(other.y, other.x)).unwrap_or(std::cmp::Ordering::Equal));
        let [top, middle, bottom] = corners;
        if corners.iter().all(|corner| corner.colour == Color32::TRANSPARENT) {
            return;
        }
        let is_even = top.is_like(&middle) && top.is_like(&bottom);
        let slopes = Slopes::of(&corners).filter(|_| !is_even);
        if slopes.is_none() && !is_even {
            return;
        }
        let even = self.texture.sample(top.u, top.v) * top.colour;
        for y in first(top.y).max(self.clip.top)..first(bottom.y).min(self.clip.bottom) {
            let centre = y as f32 + 0.5;
            let long = crossing(&top, &bottom, centre);
            let short =
                if centre < middle.y { crossing(&top, &middle, centre) } else { crossing(&middle, &bottom, centre) };
            let left = first(long.min(short)).max(self.clip.left);
            let right = first(long.max(short)).min(self.clip.right);
            match &slopes {
                _ if left >= right => {}
                Some(slopes) => self.row(y, left, right, slopes),
                None => self.canvas.fill(y, left, right, even),
            }
        }
    }

    fn row(&mut self, y: usize, left: usize, right: usize, slopes: &Slopes) {
        let mut values = slopes.at(left as f32 + 0.5, y as f32 + 0.5);
        for x in left..right {
            let [red, green, blue, alpha, u, v] = values;
            let [red, green, blue, alpha] = [red, green, blue, alpha].map(|part| (part + 0.5) as u8);
            let colour = Color32::from_rgba_premultiplied(red, green, blue, alpha);
            self.canvas.blend(x, y, self.texture.sample(u, v) * colour);
            for (value, step) in values.iter_mut().zip(slopes.across) {
                *value += step;
            }
        }
    }
}

/// Where an edge crosses a row.
fn crossing(from: &Corner, to: &Corner, y: f32) -> f32 {
    from.x + (to.x - from.x) * ((y - from.y) / (to.y - from.y))
}

/// How the values of a triangle change from pixel to pixel.
struct Slopes {
    origin: (f32, f32),
    start: Values,
    across: Values,
    down: Values,
}

impl Slopes {
    /// `None` if the triangle has no area.
    fn of([a, b, c]: &[Corner; 3]) -> Option<Self> {
        let (right, below) = ((b.x - a.x, c.x - a.x), (b.y - a.y, c.y - a.y));
        let area = right.0 * below.1 - right.1 * below.0;
        if area.abs() < 1e-6 {
            return None;
        }
        let (start, b_values, c_values) = (a.values(), b.values(), c.values());
        let (mut across, mut down) = ([0.0; 6], [0.0; 6]);
        for (index, start) in start.iter().enumerate() {
            let (to_b, to_c) = (b_values[index] - start, c_values[index] - start);
            across[index] = (to_b * below.1 - to_c * below.0) / area;
            down[index] = (to_c * right.0 - to_b * right.1) / area;
        }
        Some(Self { origin: (a.x, a.y), start, across, down })
    }

    fn at(&self, x: f32, y: f32) -> Values {
        let (right, below) = (x - self.origin.0, y - self.origin.1);
        std::array::from_fn(|index| self.start[index] + right * self.across[index] + below * self.down[index])
    }
}
