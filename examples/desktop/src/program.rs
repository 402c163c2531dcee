//! The start of the programs: their arguments, and why there may be no window.

use std::env;
use std::ffi::OsString;
use std::process::{self, ExitCode};
use std::time::Duration;

use chat_cli::desktop::{self, DesktopOptions};
use chat_cli::error::{self, CliError, Exit};
use chat_cli::server_desktop::{self, ServerDesktopOptions};
use chat_cli::texts::{Sentence, Texts, WindowSentence};
use eframe::egui::Context;

use crate::app::{self, App, Start};
use crate::run::Runtime;
use crate::server_app::{self, ServerApp, ServerStart};
use crate::window::{NoWindow, Window};

/// How long a window may take to end after a request to stop: twice the longest goodbye. A window that is minimised may
/// not run, and so cannot close itself.
const LONGEST_END: Duration = Duration::from_secs(10);

/// Runs `chat-desktop` with the arguments and environment of this process.
pub fn chat_desktop() -> ExitCode {
    let log_file = desktop::begin();
    let args: Vec<OsString> = env::args_os().collect();
    let settings = app::load_settings();
    let texts = Texts::new(desktop::language_or(&args, settings.language));
    let result = DesktopOptions::from_args(&args, &texts).and_then(|options| {
        let (start, own_texts) = (Start::new(options, settings), texts.clone());
        let shown = Window::client(&texts).open(move |context| {
            let runtime = Runtime::start(stop_requested(), waker(context))?;
            Ok(Box::new(App::new(start, runtime.into_port(), own_texts, log_file)))
        });
        shown.map_err(|error| no_window(error, "chat-client"))
    });
    end(result, &texts)
}

/// Runs `chat-server-desktop` with the arguments and environment of this process.
pub fn chat_server_desktop() -> ExitCode {
    let log_file = server_desktop::begin();
    let args: Vec<OsString> = env::args_os().collect();
    let remembered = server_app::load_remembered();
    let texts = Texts::new(server_desktop::language_or(&args, remembered.look.language));
    let result = ServerDesktopOptions::from_args(&args, &texts).and_then(|options| {
        let (start, own_texts) = (ServerStart::new(&options, remembered), texts.clone());
        let shown = Window::server(&texts).open(move |context| {
            let runtime = Runtime::start_server(options, stop_requested(), waker(context))?;
            Ok(Box::new(ServerApp::new(start, runtime.into_port(), own_texts, log_file)))
        });
        shown.map_err(|error| no_window(error, "chat-server"))
    });
    end(result, &texts)
}

/// Wakes the window.
fn waker(context: &Context) -> impl Fn() + Send + Sync + 'static {
    let context = context.clone();
    move || context.request_repaint()
}

/// Resolves when the system asks the program to stop, whose time is limited from then on.
async fn stop_requested() {
    desktop::stop_requested().await;
    tokio::spawn(async {
        tokio::time::sleep(LONGEST_END).await;
        process::exit(Exit::Fine.code().into());
    });
}

fn end(result: Result<(), CliError>, texts: &Texts) -> ExitCode {
    match result {
        Ok(()) => Exit::Fine.into(),
        Err(error) => {
            if cfg!(all(windows, not(debug_assertions))) {
                log_sentences(&error, texts);
            }
            error::report(&error, texts).into()
        }
    }
}

/// Writes to the log what a program without a console would say in vain.
fn log_sentences(error: &CliError, texts: &Texts) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    if error.show_in(texts, &mut out, &mut err).is_ok() {
        for text in [out, err].iter().filter(|text| !text.is_empty()) {
            log::error!("{}", String::from_utf8_lossy(text).trim_end());
        }
    }
}

/// Why there is no window, and what to do about it. `program` needs none.
fn no_window(error: NoWindow, program: &'static str) -> CliError {
    use WindowSentence as W;
    let (sentence, hint) = match error {
        NoWindow::Display(_) => (W::NoDisplay, Some(W::HintDisplay { program })),
        NoWindow::Drawing(error) => (W::NoDrawing { detail: error.to_string() }, Some(W::HintDrawing { program })),
        NoWindow::Graphics => (W::NoGraphics, Some(W::HintDrawing { program })),
        NoWindow::Broken => (W::DisplayFailed, Some(W::HintDrawing { program })),
        NoWindow::Program(error) => (W::NoWindow { detail: error.to_string() }, None),
    };
    let error = CliError::not_there(Sentence::about(sentence));
    match hint {
        Some(hint) => error.hint(Sentence::about(hint)),
        None => error,
    }
}
