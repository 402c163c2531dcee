//! Addresses of web pages in what people say.

use std::ops::Range;

use chat_cli::texts::WindowSentence as W;
use eframe::egui::{
    self, Align, CursorIcon, FontSelection, Galley, OpenUrl, Response, RichText, Ui, Vec2, text::LayoutJob,
};

use super::View;

/// The beginnings of what counts as the address of a page. Other kinds would start programs.
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// The most links of one text that can be followed. A person follows one or two.
const MAX_LINKS: usize = 20;

/// How much of a link its menu shows, in characters.
const SHOWN: usize = 50;

/// The places of the links of a text, in bytes.
///
/// A link ends at the first character outside ASCII, because no space follows it in Chinese.
pub(super) fn links(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while found.len() < MAX_LINKS
        && let Some(start) = text[from..].find("http").map(|place| from + place)
    {
        let rest = &text[start..];
        from = start + "http".len();
        let is_inside = text[..start].chars().next_back().is_some_and(|before| before.is_ascii_alphanumeric());
        let Some(scheme) = SCHEMES.iter().find(|scheme| rest.starts_with(**scheme)) else { continue };
        let end = rest.find(|ch: char| !ch.is_ascii_graphic() || "\"<>\\^`{|}".contains(ch)).unwrap_or(rest.len());
        // What ends a sentence, or the brackets around a link, do not belong to it.
        let link = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~']);
        let link = if link.contains('(') { link } else { link.trim_end_matches([')', ']', '.', ',']) };
        if !is_inside && link.len() > scheme.len() {
            found.push(start..start + link.len());
            from = start + link.len();
        }
    }
    found
}

/// A text whose links look like links.
pub(super) fn text_with_links(ui: &Ui, text: &str, links: &[Range<usize>]) -> LayoutJob {
    let mut job = LayoutJob::default();
    let mut append = |part: RichText| part.append_to(&mut job, ui.style(), FontSelection::Default, Align::Center);
    let mut from = 0;
    for link in links {
        append(RichText::new(&text[from..link.start]));
        append(RichText::new(&text[link.clone()]).color(ui.visuals().hyperlink_color).underline());
        from = link.end;
    }
    append(RichText::new(&text[from..]));
    job
}

/// The link at a place of a text that is laid out.
fn link_at<'a>(text: &str, links: &'a [Range<usize>], galley: &Galley, place: Vec2) -> Option<&'a Range<usize>> {
    // The cursor beside a row is that of its end.
    galley.rows.iter().find(|row| row.rect().contains(place.to_pos2()))?;
    let cursor = galley.cursor_from_pos(place);
    let byte = text.char_indices().nth(cursor.index.into()).map_or(text.len(), |(byte, _)| byte);
    // The cursor stands on either side of the character.
    links.iter().find(|link| (link.start..=link.end).contains(&byte))
}

/// Opens the link that is pressed, in the browser of the system.
pub(super) fn follow(ui: &Ui, words: &Response, text: &str, links: &[Range<usize>], galley: &Galley) {
    let pointed = words.hover_pos().or_else(|| words.interact_pointer_pos());
    let Some(link) = pointed.and_then(|place| link_at(text, links, galley, place - words.rect.min)) else { return };
    ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
    if words.clicked() {
        open(ui, &text[link.clone()]);
    }
}

fn open(ui: &Ui, link: &str) {
    ui.ctx().open_url(OpenUrl::new_tab(link));
}

impl View {
    /// The entries of a menu that open links.
    pub(super) fn link_menu(&self, ui: &mut Ui, text: &str) {
        for link in links(text) {
            let link = &text[link];
            let mut shown: String = link.chars().take(SHOWN).collect();
            if shown.len() < link.len() {
                shown.push('…');
            }
            if ui.button(self.say(W::OpenLink { link: shown })).clicked() {
                open(ui, link);
            }
        }
    }
}

/// Opens the first link of a text that has the focus and gets this key.
pub(super) fn follow_by_key(ui: &Ui, whole: &Response, text: &str) {
    if whole.has_focus()
        && ui.input(|input| input.key_pressed(egui::Key::Enter))
        && let Some(link) = links(text).into_iter().next()
    {
        open(ui, &text[link]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_looks_like_one_and_the_words_around_it_do_not() {
        let text = "see https://a.example, please";
        egui::__run_test_ui(|ui| {
            let job = text_with_links(ui, text, &links(text));
            let colour = ui.visuals().hyperlink_color;
            let shown: Vec<(&str, bool)> = job
                .sections
                .iter()
                .map(|section| {
                    (&text[section.byte_range.start.0..section.byte_range.end.0], section.format.color == colour)
                })
                .collect();
            assert_eq!(shown, [("see ", false), ("https://a.example", true), (", please", false)]);
        });
    }

    #[test]
    fn a_link_ends_where_a_reader_would_end_it() {
        let long = format!("http://a/{}", "b".repeat(10_000));
        for (text, expected) in [
            ("see https://rooms.example/2f.", &["https://rooms.example/2f"][..]),
            ("看https://a.example/x?y=1&z=2吧", &["https://a.example/x?y=1&z=2"]),
            ("(http://a.example/b)，http://c.example！", &["http://a.example/b", "http://c.example"]),
            ("https://a.example/wiki/B_(c)", &["https://a.example/wiki/B_(c)"]),
            ("<https://a.example> \"http://b.example\"", &["https://a.example", "http://b.example"]),
            ("https:// http xhttps://a file:///etc/passwd javascript:alert(1) HTTP", &[]),
            ("", &[]),
            (&long, &[&long]),
        ] {
            let found: Vec<&str> = links(text).into_iter().map(|link| &text[link]).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(links(&"http://a ".repeat(1_000)).len(), MAX_LINKS);
    }
}
