//! Fonts, colours and spacing, for light and dark.

use std::sync::Arc;

use chat_cli::texts::Language;
use eframe::egui::epaint::text::{FallbackRequest, FontProvider};
use eframe::egui::{
    Color32, Context, CornerRadius, Event, FontDefinitions, FontFamily, FontId, Stroke, Style, TextStyle, Theme,
    ThemePreference, Ui, Visuals, vec2,
};
use egui_system_font_provider::SystemFontProvider;

use crate::model::settings::{self, Settings};

/// The colours of the time and the mark in an own bubble, on whose tinted ground those of other places are too pale.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    /// The time, and what is not known yet.
    pub quiet: Color32,
    /// Delivered.
    pub good: Color32,
    /// Not delivered to everyone, or unconfirmed.
    pub warning: Color32,
    /// Failed.
    pub bad: Color32,
}

/// The colours that egui has no name for.
#[derive(Clone, Copy, Debug)]
pub struct Palette {
    /// Buttons that lead on, marks and counts.
    pub accent: Color32,
    /// Text on a choice that is made, whose ground is a pale accent, and the edge of what has the focus.
    pub chosen: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// The list of people.
    pub side: Color32,
    /// The selected row of that list.
    pub selected: Color32,
    /// A row under the mouse.
    pub hovered: Color32,
    /// The conversation.
    pub ground: Color32,
    /// A form on the side's colour.
    pub card: Color32,
    /// What others said.
    pub theirs: Color32,
    /// What the user said.
    pub own: Color32,
    /// The time and the mark of what the user said.
    pub marks: Marks,
    /// Text.
    pub text: Color32,
    /// Text that matters less.
    pub quiet: Color32,
    /// Somebody is online, or has a message.
    pub good: Color32,
    /// Something needs attention.
    pub warning: Color32,
    /// Something is wrong.
    pub bad: Color32,
    /// The ground of a banner that needs attention.
    pub warning_ground: Color32,
    /// The ground of a banner about something wrong.
    pub bad_ground: Color32,
    /// Between two areas.
    pub line: Color32,
    /// Around what can be typed into or pressed.
    pub edge: Color32,
    /// The ground of a field.
    pub field: Color32,
}

const LIGHT: Palette = Palette {
    accent: Color32::from_rgb(0x1c, 0x70, 0xc0),
    chosen: Color32::from_rgb(0x12, 0x4f, 0x92),
    on_accent: Color32::WHITE,
    side: Color32::from_rgb(0xf7, 0xf8, 0xfa),
    selected: Color32::from_rgb(0xdc, 0xeb, 0xf9),
    hovered: Color32::from_rgb(0xec, 0xef, 0xf3),
    ground: Color32::from_rgb(0xff, 0xff, 0xff),
    card: Color32::WHITE,
    theirs: Color32::from_rgb(0xf0, 0xf2, 0xf5),
    own: Color32::from_rgb(0xdd, 0xee, 0xfd),
    marks: Marks {
        quiet: Color32::from_rgb(0x56, 0x60, 0x69),
        good: Color32::from_rgb(0x1a, 0x6e, 0x3c),
        warning: Color32::from_rgb(0x85, 0x58, 0x00),
        bad: Color32::from_rgb(0xb3, 0x26, 0x26),
    },
    text: Color32::from_rgb(0x1f, 0x29, 0x33),
    quiet: Color32::from_rgb(0x5c, 0x66, 0x70),
    good: Color32::from_rgb(0x2e, 0x9e, 0x5b),
    warning: Color32::from_rgb(0x9a, 0x66, 0x00),
    bad: Color32::from_rgb(0xc2, 0x2e, 0x2e),
    warning_ground: Color32::from_rgb(0xff, 0xf4, 0xd6),
    bad_ground: Color32::from_rgb(0xfd, 0xe7, 0xe7),
    line: Color32::from_rgb(0xe3, 0xe6, 0xea),
    edge: Color32::from_rgb(0xc3, 0xca, 0xd2),
    field: Color32::from_rgb(0xff, 0xff, 0xff),
};

const DARK: Palette = Palette {
    accent: Color32::from_rgb(0x4c, 0x9f, 0xe8),
    chosen: Color32::from_rgb(0xa9, 0xd3, 0xfb),
    on_accent: Color32::from_rgb(0x0d, 0x14, 0x1b),
    side: Color32::from_rgb(0x17, 0x1e, 0x26),
    selected: Color32::from_rgb(0x25, 0x3c, 0x53),
    hovered: Color32::from_rgb(0x20, 0x29, 0x33),
    ground: Color32::from_rgb(0x10, 0x16, 0x1d),
    card: Color32::from_rgb(0x1e, 0x28, 0x33),
    theirs: Color32::from_rgb(0x1e, 0x28, 0x33),
    own: Color32::from_rgb(0x24, 0x46, 0x68),
    marks: Marks {
        quiet: Color32::from_rgb(0xb4, 0xc2, 0xd1),
        good: Color32::from_rgb(0x6f, 0xd8, 0x9a),
        warning: Color32::from_rgb(0xe8, 0xb3, 0x4b),
        bad: Color32::from_rgb(0xff, 0x9d, 0x9d),
    },
    text: Color32::from_rgb(0xdd, 0xe3, 0xea),
    quiet: Color32::from_rgb(0x93, 0xa1, 0xb0),
    good: Color32::from_rgb(0x56, 0xc2, 0x82),
    warning: Color32::from_rgb(0xe8, 0xb3, 0x4b),
    bad: Color32::from_rgb(0xf0, 0x74, 0x74),
    warning_ground: Color32::from_rgb(0x3a, 0x30, 0x16),
    bad_ground: Color32::from_rgb(0x43, 0x1f, 0x22),
    line: Color32::from_rgb(0x26, 0x30, 0x3b),
    edge: Color32::from_rgb(0x42, 0x50, 0x5f),
    field: Color32::from_rgb(0x14, 0x1b, 0x23),
};

/// The colours of names, so that people in a conversation can be told apart. Each has enough contrast with its ground.
const NAMES: [[Color32; 2]; 6] = [
    [Color32::from_rgb(0xb2, 0x3b, 0x3b), Color32::from_rgb(0xf0, 0x8c, 0x8c)],
    [Color32::from_rgb(0x99, 0x5c, 0x00), Color32::from_rgb(0xe8, 0xb0, 0x5c)],
    [Color32::from_rgb(0x6a, 0x45, 0xb8), Color32::from_rgb(0xb8, 0x9c, 0xf2)],
    [Color32::from_rgb(0x1f, 0x7a, 0x42), Color32::from_rgb(0x7a, 0xd1, 0x9b)],
    [Color32::from_rgb(0x0f, 0x74, 0x85), Color32::from_rgb(0x6c, 0xcb, 0xdb)],
    [Color32::from_rgb(0x1f, 0x66, 0xad), Color32::from_rgb(0x7d, 0xbb, 0xf2)],
];

/// The bundled fonts that have emoji.
const LINED_EMOJI: &str = "emoji-icon-font";
const FILLED_EMOJI: &str = "NotoEmoji-Regular";

/// How long the caret blinks after the last key, in seconds. Then it stands: each blink is a frame, which costs a processor
/// without a GPU 20 ms, and somebody who reads looks elsewhere.
const BLINKING: f64 = 5.0;

/// Lets the caret blink while somebody types.
#[derive(Debug, Default)]
pub struct Caret {
    /// When a key was last pressed, in seconds of the context's clock.
    typed_at: Option<f64>,
    blinks: bool,
}

impl Caret {
    /// Looks at the keys of this frame.
    pub fn turn(&mut self, context: &Context) {
        let (now, is_typing) = context.input(|input| {
            let is_key = |event: &Event| {
                matches!(event, Event::Key { pressed: true, .. } | Event::Text(_) | Event::Paste(_) | Event::Ime(_))
            };
            (input.time, input.events.iter().any(is_key))
        });
        if is_typing {
            self.typed_at = Some(now);
        }
        let blinks = self.typed_at.is_some_and(|typed_at| now - typed_at < BLINKING);
        if blinks != self.blinks {
            self.blinks = blinks;
            context.all_styles_mut(|style| style.visuals.text_cursor.blink = blinks);
        }
    }
}

/// The palette of the current theme.
pub fn palette(ui: &Ui) -> Palette {
    if ui.visuals().dark_mode { DARK } else { LIGHT }
}

/// The colour of a name.
pub fn name_colour(ui: &Ui, name: &str) -> Color32 {
    let sum = name.bytes().fold(7_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    NAMES[sum % NAMES.len()][usize::from(ui.visuals().dark_mode)]
}

/// Makes a context look like this program. Characters that the bundled fonts lack come from the system's fonts, those of
/// Chinese in the shapes that the language expects.
pub fn install(context: &Context, language: Language) {
    let locale = match language {
        Language::Chinese => Some("zh-Hans"),
        Language::English => None,
    };
    let provider = SystemFontProvider::new();
    let provider = if locale.is_some() { provider.with_locale(locale) } else { provider };
    let mut fonts = FontDefinitions::default();
    // First, so that Latin letters have the weight of Chinese characters and stand on the same line, and rows have room for
    // them. The bundled fonts are the net below.
    let request = FallbackRequest { cluster: "中", family: &FontFamily::Proportional };
    if let Some(font) = provider.font_for(&request) {
        if let Some(names) = fonts.families.get_mut(&FontFamily::Proportional) {
            names.insert(0, font.name.clone());
        }
        fonts.font_data.insert(font.name, Arc::new(font.data));
    }
    // Its faces are drawn with lines. Those of the other one are filled, and look like blobs at the size of a text.
    for names in fonts.families.values_mut() {
        if let (Some(lines), Some(filled)) =
            (names.iter().position(|name| name == LINED_EMOJI), names.iter().position(|name| name == FILLED_EMOJI))
            && filled < lines
        {
            names.swap(lines, filled);
        }
    }
    context.set_fonts(fonts);
    context.add_font_provider(Arc::new(provider));
    // The size of the text is a setting of the window, which the same keys change.
    context.options_mut(|options| {
        options.zoom_with_keyboard = false;
        // Of a system that does not say what it prefers, as most with X11.
        options.fallback_theme = Theme::Light;
    });
    dress(context);
}

/// Applies the settings of the window.
pub fn set(context: &Context, settings: &Settings) {
    let theme = match settings.theme {
        settings::Theme::System => ThemePreference::System,
        settings::Theme::Light => ThemePreference::Light,
        settings::Theme::Dark => ThemePreference::Dark,
    };
    if context.options(|options| options.theme_preference) != theme {
        context.set_theme(theme);
    }
    let zoom = f32::from(settings.zoom) / 100.0;
    if (context.zoom_factor() - zoom).abs() > f32::EPSILON {
        context.set_zoom_factor(zoom);
    }
}

/// Sets colours and spacing.
pub fn dress(context: &Context) {
    for (theme, palette) in [(Theme::Light, LIGHT), (Theme::Dark, DARK)] {
        context.style_mut_of(theme, |style| {
            space(style);
            paint(&mut style.visuals, &palette);
        });
    }
}

fn space(style: &mut Style) {
    let font = |size| FontId::new(size, FontFamily::Proportional);
    style.text_styles.insert(TextStyle::Body, font(15.0));
    style.text_styles.insert(TextStyle::Button, font(15.0));
    style.text_styles.insert(TextStyle::Small, font(12.0));
    style.text_styles.insert(TextStyle::Heading, font(22.0));
    style.text_styles.insert(TextStyle::Monospace, FontId::new(15.0, FontFamily::Monospace));
    style.spacing.item_spacing = vec2(8.0, 6.0);
    style.spacing.button_padding = vec2(14.0, 7.0);
    style.spacing.interact_size.y = 34.0;
    style.spacing.icon_width = 16.0;
    style.spacing.icon_spacing = 7.0;
    // Rows of Chinese stand too tight otherwise.
    style.spacing.extra_text_line_spacing = 3.0;
}

fn paint(visuals: &mut Visuals, palette: &Palette) {
    visuals.panel_fill = palette.ground;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.edge);
    visuals.window_corner_radius = CornerRadius::same(12);
    visuals.menu_corner_radius = CornerRadius::same(8);
    visuals.extreme_bg_color = palette.field;
    visuals.text_edit_bg_color = Some(palette.field);
    visuals.selection.bg_fill = palette.accent.gamma_multiply(0.35);
    visuals.selection.stroke = Stroke::new(1.5, palette.chosen);
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.warning;
    visuals.error_fg_color = palette.bad;
    visuals.weak_text_color = Some(palette.quiet);
    // [`Caret`] turns it on.
    visuals.text_cursor.blink = false;
    let round = CornerRadius::same(8);
    let widgets = &mut visuals.widgets;
    for state in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        state.corner_radius = round;
        state.expansion = 0.0;
        // What can be ticked.
        state.bg_fill = palette.field;
    }
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.line);
    widgets.noninteractive.fg_stroke.color = palette.text;
    widgets.inactive.fg_stroke.color = palette.text;
    widgets.inactive.bg_stroke = Stroke::new(1.0, palette.edge);
    widgets.inactive.weak_bg_fill = palette.hovered;
    widgets.hovered.weak_bg_fill = palette.selected;
    widgets.hovered.bg_stroke = Stroke::new(1.0, palette.accent);
    widgets.active.weak_bg_fill = palette.selected;
    widgets.active.bg_stroke = Stroke::new(1.5, palette.accent);
}

#[cfg(test)]
mod tests {
    use eframe::egui::Rgba;

    use super::*;

    /// The contrast of two colours (WCAG 2.2).
    fn contrast(one: Color32, other: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let linear = Rgba::from(colour);
            0.2126 * linear.r() + 0.7152 * linear.g() + 0.0722 * linear.b()
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn small_text_has_the_contrast_that_wcag_asks_for() {
        for palette in [LIGHT, DARK] {
            let Marks { quiet, good, warning, bad } = palette.marks;
            let marks = [quiet, good, warning, bad].map(|colour| (colour, palette.own));
            let others =
                [palette.theirs, palette.side, palette.ground, palette.card].map(|ground| (palette.quiet, ground));
            for (colour, ground) in marks.into_iter().chain(others) {
                let contrast = contrast(colour, ground);
                assert!(contrast >= 4.5, "{contrast} between {colour:?} and {ground:?}");
            }
        }
    }
}
