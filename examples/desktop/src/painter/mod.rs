//! Draws what egui tessellated with the processor alone, for machines without OpenGL.
//!
//! It follows egui's shaders: colours have premultiplied alpha and are multiplied and blended as they are (in gamma space),
//! and a pixel belongs to a triangle if its centre does.

mod canvas;
mod damage;
mod triangle;

use std::collections::HashMap;

use eframe::egui::epaint::{ClippedPrimitive, ImageData, Mesh, Primitive, Vertex};
use eframe::egui::{Color32, Rect, TextureId, TexturesDelta};

use self::canvas::Bounds;
pub(crate) use self::canvas::Canvas;
pub(crate) use self::damage::damage;
use self::triangle::Corner;

/// The textures that egui has given so far: its glyphs.
#[derive(Debug, Default)]
pub(crate) struct Painter {
    textures: HashMap<TextureId, Texture>,
}

#[derive(Debug)]
struct Texture {
    width: usize,
    height: usize,
    texels: Vec<Color32>,
}

impl Painter {
    /// Takes new and changed textures. To be called before [`Self::paint`].
    pub(crate) fn set_textures(&mut self, delta: &TexturesDelta) {
        for (id, changes) in &delta.set {
            for change in changes {
                let ImageData::Color(image) = &change.image;
                let [width, height] = image.size;
                match change.pos {
                    None => {
                        let texture = Texture { width, height, texels: image.pixels.clone() };
                        self.textures.insert(*id, texture);
                    }
                    Some([left, top]) => {
                        if let Some(texture) = self.textures.get_mut(id) {
                            texture.replace(left, top, width, &image.pixels);
                        }
                    }
                }
            }
        }
    }

    /// Drops textures that are not needed any more. To be called after [`Self::paint`].
    pub(crate) fn free_textures(&mut self, delta: &TexturesDelta) {
        for id in &delta.free {
            self.textures.remove(id);
        }
    }

    /// Draws a part of the canvas again, in points.
    pub(crate) fn paint(
        &self,
        canvas: &mut Canvas<'_>,
        pixels_per_point: f32,
        ground: Color32,
        primitives: &[ClippedPrimitive],
        part: Rect,
    ) {
        let part = scaled(part, pixels_per_point);
        canvas.clear(canvas.bounds_of(part), ground);
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            // The windows draw nothing by themselves, so that there is no other kind.
            let Primitive::Mesh(mesh) = primitive else { continue };
            let Some(texture) = self.textures.get(&mesh.texture_id) else { continue };
            let clip = canvas.bounds_of(scaled(*clip_rect, pixels_per_point).intersect(part));
            if !clip.is_empty() {
                Brush { canvas: &mut *canvas, texture, clip }.mesh(mesh, pixels_per_point);
            }
        }
    }
}

impl Texture {
    fn replace(&mut self, left: usize, top: usize, width: usize, texels: &[Color32]) {
        for (row, new) in texels.chunks_exact(width.max(1)).enumerate() {
            let start = (top + row) * self.width + left;
            if let Some(old) = self.texels.get_mut(start..start + width) {
                old.copy_from_slice(new);
            }
        }
    }

    fn texel(&self, x: i32, y: i32) -> Color32 {
        let inside = |at: i32, size: usize| usize::try_from(at).unwrap_or(0).min(size.saturating_sub(1));
        let at = inside(y, self.height) * self.width + inside(x, self.width);
        self.texels.get(at).copied().unwrap_or_default()
    }

    /// The colour at a place between texels, each of which counts by its distance. In texels from the left top.
    fn sample(&self, u: f32, v: f32) -> Color32 {
        let (u, v) = (u - 0.5, v - 0.5);
        let (left, top) = (u.floor(), v.floor());
        let (right_share, bottom_share) = (u - left, v - top);
        let (x, y) = (left as i32, top as i32);
        // A picture in its own size has a texel for each pixel.
        if right_share < 0.01 && bottom_share < 0.01 {
            return self.texel(x, y);
        }
        let across = |y| self.texel(x, y).lerp_to_gamma(self.texel(x + 1, y), right_share);
        across(y).lerp_to_gamma(across(y + 1), bottom_share)
    }
}

/// Draws one mesh.
struct Brush<'a, 'b> {
    canvas: &'a mut Canvas<'b>,
    texture: &'a Texture,
    clip: Bounds,
}

impl Brush<'_, '_> {
    fn mesh(&mut self, mesh: &Mesh, pixels_per_point: f32) {
        let [width, height] = [self.texture.width, self.texture.height].map(|size| size as f32);
        let corner = |index: u32| {
            let Vertex { pos, uv, color } = mesh.vertices.get(index as usize)?;
            let (u, v) = (uv.x * width, uv.y * height);
            Some(Corner { x: pos.x * pixels_per_point, y: pos.y * pixels_per_point, u, v, colour: *color })
        };
        let mut rest = mesh.indices.as_slice();
        while let [a, b, c, others @ ..] = rest {
            rest = others;
            let (Some(a_corner), Some(b_corner), Some(c_corner)) = (corner(*a), corner(*b), corner(*c)) else {
                continue;
            };
            // A glyph, and everything else that is a rectangle, is two triangles with four corners in this order.
            if let [d, e, f, after @ ..] = others
                && (d, e) == (c, b)
                && let Some(f_corner) = corner(*f)
                && self.rectangle([a_corner, b_corner, c_corner, f_corner])
            {
                rest = after;
                continue;
            }
            self.triangle([a_corner, b_corner, c_corner]);
        }
    }

    /// Draws a rectangle of one colour. Returns whether the corners are one.
    fn rectangle(&mut self, [a, b, c, d]: [Corner; 4]) -> bool {
        let is_upright = a.x == c.x && b.x == d.x && a.y == b.y && c.y == d.y && a.x <= b.x && a.y <= c.y;
        let is_even = a.u == c.u && b.u == d.u && a.v == b.v && c.v == d.v;
        if !is_upright || !is_even || [b, c, d].iter().any(|corner| corner.colour != a.colour) {
            return false;
        }
        let Bounds { left, top, right, bottom } = self.clip.within(a.x, a.y, d.x, d.y);
        if (a.u, a.v) == (d.u, d.v) {
            let colour = self.texture.sample(a.u, a.v) * a.colour;
            for y in top..bottom {
                self.canvas.fill(y, left, right, colour);
            }
            return true;
        }
        let (across, down) = ((d.u - a.u) / (d.x - a.x), (d.v - a.v) / (d.y - a.y));
        for y in top..bottom {
            let v = a.v + (y as f32 + 0.5 - a.y) * down;
            for x in left..right {
                let u = a.u + (x as f32 + 0.5 - a.x) * across;
                self.canvas.blend(x, y, self.texture.sample(u, v) * a.colour);
            }
        }
        true
    }
}

fn scaled(rect: Rect, by: f32) -> Rect {
    Rect::from_min_max(rect.min * by, rect.max * by)
}

#[cfg(test)]
mod tests;
