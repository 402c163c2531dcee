//! The start of the program: its arguments, its window, and why there may be none.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use chat_cli::desktop::{self, DesktopOptions};
use chat_cli::error::{self, CliError, Exit};
use chat_cli::texts::{Localised, Sentence, Texts, WindowSentence};
use eframe::egui::{ViewportBuilder, vec2};

use crate::app::{self, App, Start};
use crate::look;
use crate::run::Runtime;

/// The size of the window at its start, in points: roster and conversation beside each other on a small laptop.
const SIZE: [f32; 2] = [960.0, 660.0];

/// The smallest size at which every screen can be used.
const MIN_SIZE: [f32; 2] = [560.0, 420.0];

/// The icon, drawn for this program; `packaging/desktop` has it as SVG.
const ICON: &[u8] = include_bytes!("../../../packaging/desktop/chat-desktop.png");

/// Runs `chat-desktop` with the arguments and environment of this process.
pub fn chat_desktop() -> ExitCode {
    let log_file = desktop::begin_with_log_file("chat-desktop");
    let args: Vec<OsString> = env::args_os().collect();
    let settings = app::load_settings();
    let texts = Texts::new(desktop::language_or(&args, settings.language));
    let result = DesktopOptions::from_args(&args, &texts)
        .and_then(|options| open(Start::new(options, settings), texts.clone(), log_file));
    match result {
        Ok(()) => Exit::Fine.into(),
        Err(error) => error::report(&error, &texts).into(),
    }
}

/// Shows the window until it is closed.
fn open(start: Start, texts: Texts, log_file: Option<PathBuf>) -> Result<(), CliError> {
    let title = WindowSentence::Title.text(&texts);
    let mut viewport = ViewportBuilder::default()
        .with_app_id("chat-desktop")
        .with_title(&title)
        .with_inner_size(vec2(SIZE[0], SIZE[1]))
        .with_min_inner_size(vec2(MIN_SIZE[0], MIN_SIZE[1]));
    match eframe::icon_data::from_png_bytes(ICON) {
        Ok(icon) => viewport = viewport.with_icon(icon),
        Err(error) => log::warn!("the icon cannot be shown: {error}"),
    }
    let native = eframe::NativeOptions {
        viewport,
        // `look` installs the provider with the language of the texts.
        system_font_fallback: false,
        ..Default::default()
    };
    let shown = eframe::run_native(
        &title,
        native,
        Box::new(move |window| {
            look::install(&window.egui_ctx, texts.language());
            let wake = window.egui_ctx.clone();
            let runtime = Runtime::start(move || wake.request_repaint())?;
            Ok(Box::new(App::new(start, runtime.into_port(), texts, log_file)))
        }),
    );
    shown.map_err(no_window)
}

/// Why there is no window, and what to do about it.
fn no_window(error: eframe::Error) -> CliError {
    use WindowSentence as W;
    let (sentence, hint) = match error {
        // Its own text lists the settings of every buffer, which helps nobody without OpenGL.
        eframe::Error::NoGlutinConfigs(_, source) => (W::NoOpengl { detail: source.to_string() }, Some(W::HintOpengl)),
        eframe::Error::Glutin(_) | eframe::Error::OpenGL(_) => {
            (W::NoOpengl { detail: error.to_string() }, Some(W::HintOpengl))
        }
        eframe::Error::WinitEventLoop(_) => (W::NoDisplay, Some(W::HintDisplay)),
        error => (W::NoWindow { detail: error.to_string() }, None),
    };
    let error = CliError::not_there(Sentence::about(sentence));
    match hint {
        Some(hint) => error.hint(Sentence::about(hint)),
        None => error,
    }
}
