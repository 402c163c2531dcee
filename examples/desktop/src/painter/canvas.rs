//! The pixels of a window.

use eframe::egui::{Color32, Rect};

/// The pixels of a window, row by row from the top, each as `0x00RRGGBB`.
#[derive(Debug)]
pub(crate) struct Canvas<'a> {
    pixels: &'a mut [u32],
    width: usize,
}

/// A part of a canvas, in pixels. The right and the bottom edge are outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Bounds {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
}

impl<'a> Canvas<'a> {
    /// A canvas with rows of this many pixels.
    pub(crate) fn new(pixels: &'a mut [u32], width: usize) -> Self {
        Self { pixels, width: width.max(1) }
    }

    /// Paints a part with an opaque colour.
    pub(super) fn clear(&mut self, part: Bounds, colour: Color32) {
        for y in part.top..part.bottom {
            self.fill(y, part.left, part.right, colour);
        }
    }

    /// The part of this canvas within a rectangle, whose edges go to the nearest pixels.
    pub(super) fn bounds_of(&self, rect: Rect) -> Bounds {
        let at = |edge: f32, size: usize| (edge.round().max(0.0) as usize).min(size);
        let height = self.pixels.len() / self.width;
        Bounds {
            left: at(rect.left(), self.width),
            top: at(rect.top(), height),
            right: at(rect.right(), self.width),
            bottom: at(rect.bottom(), height),
        }
    }

    /// Lays a colour over a part of a row.
    pub(super) fn fill(&mut self, y: usize, left: usize, right: usize, colour: Color32) {
        let row = y * self.width;
        let Some(pixels) = self.pixels.get_mut(row + left..row + right) else { return };
        match colour.a() {
            255 => pixels.fill(packed(colour)),
            _ if colour == Color32::TRANSPARENT => {}
            _ => pixels.iter_mut().for_each(|pixel| *pixel = over(colour, *pixel)),
        }
    }

    /// Lays a colour over a pixel.
    pub(super) fn blend(&mut self, x: usize, y: usize, colour: Color32) {
        if colour != Color32::TRANSPARENT
            && let Some(pixel) = self.pixels.get_mut(y * self.width + x)
        {
            *pixel = over(colour, *pixel);
        }
    }
}

impl Bounds {
    pub(super) const fn is_empty(&self) -> bool {
        self.left >= self.right || self.top >= self.bottom
    }

    /// The pixels of these bounds whose centres are inside a rectangle.
    pub(super) fn within(self, left: f32, top: f32, right: f32, bottom: f32) -> Self {
        let (left, right) = (first(left).max(self.left), first(right).min(self.right));
        let (top, bottom) = (first(top).max(self.top), first(bottom).min(self.bottom));
        Self { left: left.min(right), top: top.min(bottom), right, bottom }
    }
}

/// The first pixel whose centre is not before an edge.
pub(super) fn first(edge: f32) -> usize {
    (edge - 0.5).ceil().max(0.0) as usize
}

fn packed(colour: Color32) -> u32 {
    let [red, green, blue, _] = colour.to_array();
    u32::from_be_bytes([0, red, green, blue])
}

/// A colour over an opaque pixel. Its parts are premultiplied with its alpha.
fn over(colour: Color32, below: u32) -> u32 {
    let [red, green, blue, alpha] = colour.to_array();
    if alpha == 255 {
        return packed(colour);
    }
    let rest = u32::from(255 - alpha);
    // x * rest / 255, to the nearest number.
    let through = |part: u8| {
        let product = u32::from(part) * rest + 128;
        ((product + (product >> 8)) >> 8) as u8
    };
    let [_, below_red, below_green, below_blue] = below.to_be_bytes();
    let parts = [(red, below_red), (green, below_green), (blue, below_blue)];
    let [red, green, blue] = parts.map(|(part, below)| part.saturating_add(through(below)));
    u32::from_be_bytes([0, red, green, blue])
}
