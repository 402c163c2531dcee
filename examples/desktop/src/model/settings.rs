//! The settings of the window, and their file.

use std::fmt::Write as _;
use std::path::PathBuf;

use chat_cli::texts::Language;

/// The largest and the smallest text, in percent.
pub const ZOOM: std::ops::RangeInclusive<u16> = 70..=200;

/// Light, dark, or as the system is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Theme {
    /// As the system is.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Which key sends a text.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum SendKey {
    /// Enter sends, and Shift+Enter begins a new line.
    #[default]
    Enter,
    /// Ctrl+Enter sends, and Enter begins a new line.
    ControlEnter,
}

/// Which messages call for attention while another window has the focus.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Attention {
    /// All.
    #[default]
    All,
    /// Private ones.
    Private,
    /// None.
    Nothing,
}

/// The settings of the window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The language that was chosen in the window. If none was, that of the arguments and the system.
    pub language: Option<Language>,
    /// Light or dark.
    pub theme: Theme,
    /// The size of the text, in percent.
    pub zoom: u16,
    /// Which key sends.
    pub send_key: SendKey,
    /// Which messages call for attention.
    pub attention: Attention,
    /// The file that keeps them. `None` if the user has no home folder, and in tests.
    pub file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: None,
            theme: Theme::System,
            zoom: 100,
            send_key: SendKey::Enter,
            attention: Attention::All,
            file: None,
        }
    }
}

impl Settings {
    /// Reads the lines of a file, `NAME = VALUE` each. A line that is wrong counts as absent: the window shows what it
    /// uses instead, and writes the whole file with the next change.
    pub fn parse(text: &str) -> Self {
        let mut settings = Self::default();
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            match (name.trim(), value.trim()) {
                ("language", name) => {
                    settings.language =
                        [Language::English, Language::Chinese].into_iter().find(|language| language.name() == name);
                }
                ("theme", "light") => settings.theme = Theme::Light,
                ("theme", "dark") => settings.theme = Theme::Dark,
                ("send-key", "control-enter") => settings.send_key = SendKey::ControlEnter,
                ("attention", "private") => settings.attention = Attention::Private,
                ("attention", "none") => settings.attention = Attention::Nothing,
                ("text-size", percent) => {
                    if let Some(zoom) = percent.parse().ok().filter(|percent| ZOOM.contains(percent)) {
                        settings.zoom = zoom;
                    }
                }
                _ => {}
            }
        }
        settings
    }

    /// The lines of the file.
    pub fn to_text(&self) -> String {
        let theme = match self.theme {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        };
        let key = match self.send_key {
            SendKey::Enter => "enter",
            SendKey::ControlEnter => "control-enter",
        };
        let attention = match self.attention {
            Attention::All => "all",
            Attention::Private => "private",
            Attention::Nothing => "none",
        };
        let mut text = String::new();
        if let Some(language) = self.language {
            // Writing to a string cannot fail.
            let _written = writeln!(text, "language = {}", language.name());
        }
        let zoom = self.zoom;
        let _written = writeln!(text, "theme = {theme}\ntext-size = {zoom}\nsend-key = {key}\nattention = {attention}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_wrong_is_ignored() {
        for theme in [Theme::System, Theme::Light, Theme::Dark] {
            for send_key in [SendKey::Enter, SendKey::ControlEnter] {
                for attention in [Attention::All, Attention::Private, Attention::Nothing] {
                    for language in [None, Some(Language::English), Some(Language::Chinese)] {
                        let settings = Settings { language, theme, zoom: 130, send_key, attention, file: None };
                        assert_eq!(Settings::parse(&settings.to_text()), settings);
                    }
                }
            }
        }
        for wrong in [
            "",
            "theme = blue",
            "text-size = 900",
            "text-size = x",
            "send-key = f1",
            "attention = x",
            "language = xx",
            "nonsense",
        ] {
            assert_eq!(Settings::parse(wrong), Settings::default(), "{wrong}");
        }
    }
}
