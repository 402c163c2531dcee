//! The start of the programs: their arguments, their windows, and why there may be none.

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use chat_cli::desktop::{self, DesktopOptions};
use chat_cli::error::{self, CliError, Exit};
use chat_cli::server_desktop::{self, ServerDesktopOptions};
use chat_cli::texts::{Language, Localised, Sentence, ServerWindowSentence, Texts, WindowSentence};
use eframe::egui::{ViewportBuilder, vec2};

use crate::app::{self, App, Start};
use crate::look;
use crate::run::Runtime;
use crate::server_app::{self, ServerApp, ServerStart};

/// The size of a window at its start, in points: two panels beside each other on a small laptop.
const SIZE: [f32; 2] = [960.0, 660.0];

/// The smallest size at which every screen can be used.
const MIN_SIZE: [f32; 2] = [560.0, 420.0];

/// The icons, drawn for these programs; `packaging/desktop` has them as SVG.
const ICON: &[u8] = include_bytes!("../../../packaging/desktop/chat-desktop.png");
const SERVER_ICON: &[u8] = include_bytes!("../../../packaging/desktop/chat-server-desktop.png");

/// A program with a window.
struct Program {
    name: &'static str,
    title: String,
    icon: &'static [u8],
    language: Language,
    /// The program that needs no window.
    instead: &'static str,
}

/// Runs `chat-desktop` with the arguments and environment of this process.
pub fn chat_desktop() -> ExitCode {
    let log_file = desktop::begin_with_log_file("chat-desktop");
    let args: Vec<OsString> = env::args_os().collect();
    let settings = app::load_settings();
    let texts = Texts::new(desktop::language_or(&args, settings.language));
    let program = Program {
        name: "chat-desktop",
        title: WindowSentence::Title.text(&texts),
        icon: ICON,
        language: texts.language(),
        instead: "chat-client",
    };
    let result = DesktopOptions::from_args(&args, &texts).and_then(|options| {
        let (start, texts) = (Start::new(options, settings), texts.clone());
        program.open(move |window| {
            let wake = window.egui_ctx.clone();
            let runtime = Runtime::start(move || wake.request_repaint())?;
            Ok(Box::new(App::new(start, runtime.into_port(), texts, log_file)))
        })
    });
    end(result, &texts)
}

/// Runs `chat-server-desktop` with the arguments and environment of this process.
pub fn chat_server_desktop() -> ExitCode {
    desktop::begin();
    let args: Vec<OsString> = env::args_os().collect();
    let remembered = server_app::load_remembered();
    let texts = Texts::new(server_desktop::language_or(&args, remembered.look.language));
    let program = Program {
        name: "chat-server-desktop",
        title: ServerWindowSentence::Title.text(&texts),
        icon: SERVER_ICON,
        language: texts.language(),
        instead: "chat-server",
    };
    let result = ServerDesktopOptions::from_args(&args, &texts).and_then(|options| {
        let (start, texts) = (ServerStart::new(&options, remembered), texts.clone());
        program.open(move |window| {
            let wake = window.egui_ctx.clone();
            let runtime = Runtime::start_server(options, move || wake.request_repaint())?;
            Ok(Box::new(ServerApp::new(start, runtime.into_port(), texts)))
        })
    });
    end(result, &texts)
}

fn end(result: Result<(), CliError>, texts: &Texts) -> ExitCode {
    match result {
        Ok(()) => Exit::Fine.into(),
        Err(error) => error::report(&error, texts).into(),
    }
}

/// What makes a program of an open window.
type Make<'a> = Result<Box<dyn eframe::App + 'a>, Box<dyn std::error::Error + Send + Sync>>;

impl Program {
    /// Shows the window until it is closed.
    fn open(self, make: impl FnOnce(&eframe::CreationContext<'_>) -> Make<'static>) -> Result<(), CliError> {
        let Self { name, title, icon, language, instead } = self;
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
        let shown = eframe::run_native(
            &title,
            native,
            Box::new(move |window| {
                look::install(&window.egui_ctx, language);
                make(window)
            }),
        );
        shown.map_err(|error| no_window(error, instead))
    }
}

/// Why there is no window, and what to do about it.
fn no_window(error: eframe::Error, program: &'static str) -> CliError {
    use WindowSentence as W;
    let (sentence, hint) = match error {
        // Its own text lists the settings of every buffer, which helps nobody without OpenGL.
        eframe::Error::NoGlutinConfigs(_, source) => {
            (W::NoOpengl { detail: source.to_string() }, Some(W::HintOpengl { program }))
        }
        eframe::Error::Glutin(_) | eframe::Error::OpenGL(_) => {
            (W::NoOpengl { detail: error.to_string() }, Some(W::HintOpengl { program }))
        }
        eframe::Error::WinitEventLoop(_) => (W::NoDisplay, Some(W::HintDisplay { program })),
        error => (W::NoWindow { detail: error.to_string() }, None),
    };
    let error = CliError::not_there(Sentence::about(sentence));
    match hint {
        Some(hint) => error.hint(Sentence::about(hint)),
        None => error,
    }
}
