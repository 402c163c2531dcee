//! The windows of the two programs, before they are open.

use chat_cli::texts::{Language, Localised, ServerWindowSentence, Texts, WindowSentence};
use eframe::egui::{Context, ViewportBuilder, vec2};

use crate::{input_method, look};

/// The size of a window at its start, in points: two panels beside each other on a small laptop.
const SIZE: [f32; 2] = [960.0, 660.0];

/// The smallest size at which every screen can be used.
const MIN_SIZE: [f32; 2] = [560.0, 420.0];

/// The icons, drawn for these programs; `packaging/desktop` has them as SVG.
const ICON: &[u8] = include_bytes!("../../../packaging/desktop/chat-desktop.png");
const SERVER_ICON: &[u8] = include_bytes!("../../../packaging/desktop/chat-server-desktop.png");

/// A window that is not open yet.
#[derive(Debug)]
pub struct Window {
    /// By which the system knows the program.
    name: &'static str,
    title: String,
    icon: &'static [u8],
    language: Language,
}

/// What becomes of making a program of an open window.
pub type Made<'a> = Result<Box<dyn eframe::App + 'a>, Box<dyn std::error::Error + Send + Sync>>;

impl Window {
    /// The window of a client.
    pub fn client(texts: &Texts) -> Self {
        let (title, language) = (WindowSentence::Title.text(texts), texts.language());
        Self { name: "chat-desktop", title, icon: ICON, language }
    }

    /// The window of a server.
    pub fn server(texts: &Texts) -> Self {
        let (title, language) = (ServerWindowSentence::Title.text(texts), texts.language());
        Self { name: "chat-server-desktop", title, icon: SERVER_ICON, language }
    }

    /// Shows the window until it is closed.
    ///
    /// # Errors
    /// There is no display, or nothing that draws on it.
    pub fn open(self, make: impl FnOnce(&Context) -> Made<'static>) -> eframe::Result {
        let Self { name, title, icon, language } = self;
        let mut viewport = ViewportBuilder::default()
            .with_app_id(name)
            .with_title(&title)
            .with_inner_size(vec2(SIZE[0], SIZE[1]))
            .with_min_inner_size(vec2(MIN_SIZE[0], MIN_SIZE[1]));
        match eframe::icon_data::from_png_bytes(icon) {
            Ok(icon) => viewport = viewport.with_icon(icon),
            Err(error) => log::warn!("the icon cannot be shown: {error}"),
        }
        let native = eframe::NativeOptions {
            viewport,
            // `look` installs the provider with the language of the texts.
            system_font_fallback: false,
            ..Default::default()
        };
        eframe::run_native(
            &title,
            native,
            Box::new(move |window| {
                look::install(&window.egui_ctx, language);
                input_method::install(window);
                make(&window.egui_ctx)
            }),
        )
    }
}
