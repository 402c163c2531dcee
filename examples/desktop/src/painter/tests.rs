//! Small pictures, pixel by pixel.

use eframe::egui::epaint::{ColorImage, ImageDelta};
use eframe::egui::{Pos2, TextureOptions, pos2, vec2};
use proptest::prelude::*;

use super::*;

const WIDTH: usize = 12;
const HEIGHT: usize = 8;
const WHITE: Color32 = Color32::WHITE;
const RED: Color32 = Color32::RED;

/// A painter whose texture is one white texel.
fn painter() -> Painter {
    with_texture([1, 1], vec![WHITE])
}

fn with_texture(size: [usize; 2], texels: Vec<Color32>) -> Painter {
    let mut painter = Painter::default();
    change(&mut painter, None, size, texels);
    painter
}

fn change(painter: &mut Painter, pos: Option<[usize; 2]>, size: [usize; 2], texels: Vec<Color32>) {
    let mut delta = TexturesDelta::default();
    let image = ColorImage::new(size, texels).into();
    delta.push(TextureId::default(), ImageDelta { image, options: TextureOptions::LINEAR, pos });
    painter.set_textures(&delta);
    delta.clear();
}

fn vertex(pos: Pos2, color: Color32) -> Vertex {
    Vertex { pos, uv: Pos2::ZERO, color }
}

fn whole() -> Rect {
    Rect::from_min_max(Pos2::ZERO, pos2(WIDTH as f32, HEIGHT as f32))
}

fn paint(painter: &Painter, mesh: Mesh, clip_rect: Rect, scale: f32) -> Vec<u32> {
    let mut pixels = vec![0; WIDTH * HEIGHT];
    let primitive = Primitive::Mesh(mesh);
    let primitives = [ClippedPrimitive { clip_rect, primitive }];
    painter.paint(&mut Canvas::new(&mut pixels, WIDTH), scale, Color32::BLACK, &primitives, Rect::EVERYTHING);
    pixels
}

/// Triangles of one colour on black.
fn triangles(color: Color32, corners: &[Pos2]) -> Vec<u32> {
    let vertices = corners.iter().map(|corner| vertex(*corner, color)).collect();
    let indices = (0..).take(corners.len()).collect();
    paint(&painter(), Mesh { indices, vertices, ..Mesh::default() }, whole(), 1.0)
}

fn rectangle(rect: Rect, uv: Rect, color: Color32) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.add_rect_with_uv(rect, uv, color);
    mesh
}

/// `#` for each pixel that is not black.
fn drawn(pixels: &[u32]) -> String {
    let row = |row: &[u32]| row.iter().map(|pixel| if *pixel == 0 { '.' } else { '#' }).collect::<String>();
    pixels.chunks(WIDTH).map(row).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_pixel_belongs_to_a_rectangle_if_its_centre_does() {
    let rect = Rect::from_min_max(pos2(1.4, 2.5), pos2(4.5, 4.6));
    let expected = "............\n\
                    ............\n\
                    .###........\n\
                    .###........\n\
                    .###........\n\
                    ............\n\
                    ............\n\
                    ............";
    let at_once = rectangle(rect, Rect::ZERO, WHITE);
    assert_eq!(drawn(&paint(&painter(), at_once, whole(), 1.0)), expected);
    let [left_top, right_top, left_bottom, right_bottom] =
        [rect.left_top(), rect.right_top(), rect.left_bottom(), rect.right_bottom()];
    let as_triangles = triangles(WHITE, &[left_top, right_top, right_bottom, right_bottom, left_bottom, left_top]);
    assert_eq!(drawn(&as_triangles), expected);
}

#[test]
fn nothing_is_drawn_outside_the_clip_rectangle_and_the_canvas() {
    let mesh = || rectangle(Rect::from_min_max(pos2(-50.0, -50.0), pos2(50.0, 50.0)), Rect::ZERO, WHITE);
    let clip = Rect::from_min_max(pos2(2.0, 1.0), pos2(5.0, 3.0));
    let clipped = paint(&painter(), mesh(), clip, 2.0);
    let expected = "............\n\
                    ............\n\
                    ....######..\n\
                    ....######..\n\
                    ....######..\n\
                    ....######..\n\
                    ............\n\
                    ............";
    assert_eq!(drawn(&clipped), expected);
    assert_eq!(paint(&painter(), mesh(), Rect::EVERYTHING, 1.0), [0x00ff_ffff; WIDTH * HEIGHT]);
    assert_eq!(paint(&painter(), mesh(), Rect::NOTHING, 1.0), [0; WIDTH * HEIGHT]);
}

#[test]
fn a_colour_with_alpha_lets_through_what_is_below() {
    let half = Color32::from_rgba_premultiplied(128, 0, 0, 128);
    let mut pixels = vec![0x00ff_ff00; 4];
    let mut canvas = Canvas::new(&mut pixels, 2);
    canvas.fill(0, 0, 2, half);
    canvas.blend(0, 1, half);
    canvas.blend(1, 1, Color32::TRANSPARENT);
    assert_eq!(pixels, [0x00ff_7f00, 0x00ff_7f00, 0x00ff_7f00, 0x00ff_ff00]);
}

#[test]
fn colours_change_evenly_between_corners() {
    let [left_top, right_top] = [pos2(0.0, 0.0), pos2(WIDTH as f32, 0.0)];
    let bottom = [pos2(0.0, HEIGHT as f32), pos2(WIDTH as f32, HEIGHT as f32)];
    let mut mesh = Mesh { indices: vec![0, 1, 2, 2, 1, 3], ..Mesh::default() };
    mesh.vertices = vec![
        vertex(left_top, Color32::BLACK),
        vertex(right_top, RED),
        vertex(bottom[0], Color32::BLACK),
        vertex(bottom[1], RED),
    ];
    let pixels = paint(&painter(), mesh, whole(), 1.0);
    for row in pixels.chunks(WIDTH) {
        for (x, pixel) in (0_u32..).zip(row) {
            let wanted = f64::from(x) + 0.5;
            let red = f64::from(pixel >> 16) / 255.0 * WIDTH as f64;
            assert!((red - wanted).abs() < 0.05 && pixel & 0xffff == 0, "{pixel:06x} at {x}");
        }
    }
}

#[test]
fn what_has_its_own_size_is_copied_and_what_is_larger_is_smooth() {
    let [a, b, c, d] = [10, 20, 30, 40].map(Color32::from_gray);
    let painter = with_texture([2, 2], vec![a, b, c, d]);
    let uv = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
    let same = paint(&painter, rectangle(Rect::from_min_max(pos2(3.0, 1.0), pos2(5.0, 3.0)), uv, WHITE), whole(), 1.0);
    let at = |pixels: &[u32], x: usize, y: usize| pixels[y * WIDTH + x] & 0xff;
    assert_eq!([at(&same, 3, 1), at(&same, 4, 1), at(&same, 3, 2), at(&same, 4, 2)], [10, 20, 30, 40]);
    let double = paint(&painter, rectangle(Rect::from_min_max(Pos2::ZERO, pos2(4.0, 4.0)), uv, WHITE), whole(), 1.0);
    let row: Vec<u32> = (0..4).map(|x| at(&double, x, 0)).collect();
    // A quarter and three quarters of the way, rounded.
    assert_eq!(row, [10, 13, 18, 20]);
    assert_eq!(at(&double, 4, 0), 0);
}

#[test]
fn a_frame_that_is_drawn_in_part_looks_like_one_that_is_drawn_whole() {
    let frame = |left: f32, color| {
        let primitive = |rect, color| ClippedPrimitive {
            clip_rect: whole(),
            primitive: Primitive::Mesh(rectangle(rect, Rect::ZERO, color)),
        };
        let caret = Rect::from_min_size(pos2(left, 2.5), vec2(1.5, 3.0));
        vec![primitive(whole(), Color32::from_gray(90)), primitive(caret, color)]
    };
    let (painter, before, after) = (painter(), frame(2.5, WHITE), frame(4.0, RED));
    let mut pixels = vec![0; WIDTH * HEIGHT];
    let mut paint = |frame: &[ClippedPrimitive], part| {
        painter.paint(&mut Canvas::new(&mut pixels, WIDTH), 1.0, Color32::BLACK, frame, part);
        pixels.clone()
    };
    let whole = paint(&after, Rect::EVERYTHING);
    paint(&before, Rect::EVERYTHING);
    let part = damage(&before, &after).unwrap();
    assert!(part.width() < 6.0 && part.height() < 6.0, "{part:?}");
    assert_eq!(paint(&after, part), whole);
    assert_eq!(damage(&after, &after), None);
    assert_eq!(damage(&after, &after[..1]), Some(Rect::EVERYTHING));
}

#[test]
fn a_part_of_a_texture_is_replaced_and_a_texture_is_dropped() {
    let mut painter = with_texture([3, 2], vec![WHITE; 6]);
    change(&mut painter, Some([1, 1]), [2, 1], vec![RED; 2]);
    // Beyond the edge.
    change(&mut painter, Some([2, 5]), [2, 2], vec![RED; 4]);
    assert_eq!(painter.textures[&TextureId::default()].texels, [WHITE, WHITE, WHITE, WHITE, RED, RED]);
    let mut delta = TexturesDelta::default();
    delta.free(TextureId::default());
    painter.free_textures(&delta);
    delta.clear();
    let mesh = rectangle(whole(), Rect::ZERO, WHITE);
    assert_eq!(paint(&painter, mesh, whole(), 1.0), [0; WIDTH * HEIGHT]);
}

fn place() -> impl Strategy<Value = Pos2> {
    // On pixel centres and edges too, where a careless rule draws twice or not at all.
    (-4_i16..32, -4_i16..24).prop_map(|(x, y)| pos2(f32::from(x) / 2.0, f32::from(y) / 2.0))
}

proptest! {
    /// Where triangles meet, each pixel is drawn exactly once: three around a point draw what one does.
    #[test]
    fn triangles_that_share_an_edge_neither_overlap_nor_leave_a_gap(
        corners in [place(), place(), place()],
        shares in (1_u8..8, 1_u8..8),
    ) {
        let [a, b, c] = corners;
        let half = Color32::from_rgba_premultiplied(100, 100, 100, 100);
        let whole = triangles(half, &corners);
        let twice = triangles(half, &[a, b, c, a, b, c]);
        // Where coordinates are halves and shares are eighths, the numbers are exact.
        let [first, second] = [shares.0, shares.1].map(|share| f32::from(share) / 8.0);
        let inside = a + (b - a) * first * 0.5 + (c - a) * second * 0.5;
        let parts = triangles(half, &[a, b, inside, b, c, inside, c, a, inside]);
        let area = (b - a).x * (c - a).y - (b - a).y * (c - a).x;
        if area.abs() > 4.0 {
            prop_assert_eq!(drawn(&parts), drawn(&whole));
            prop_assert_eq!(parts, whole.clone());
        }
        let is_drawn = whole.iter().any(|pixel| *pixel != 0);
        prop_assert!(!is_drawn || twice != whole, "what is drawn twice looks different");
    }
}
