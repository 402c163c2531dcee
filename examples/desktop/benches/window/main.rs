//! The real windows with their real drawing, whose other end this program plays: `figures` measures them for
//! scripts/desktop-figures, and `pictures` shows each of their screens for scripts/desktop-pictures. Needs a display.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failure ends this program, and its output is the result"
)]

mod client_pictures;
mod driven;
mod figures;
mod pictures;
mod process;
mod server_pictures;

use std::io::Write as _;
use std::process::{self as os, ExitCode};
use std::{env, io, panic};

use log::{LevelFilter, Log, Metadata, Record};

const USAGE: &str = "usage: window figures NAME, or window pictures client|server LANGUAGE THEME FOLDER";

/// Writes warnings to standard error, such as what draws the window.
struct Warnings;

impl Log for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= LevelFilter::Warn
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            drop(writeln!(io::stderr(), "{}", record.args()));
        }
    }

    fn flush(&self) {}
}

fn main() -> ExitCode {
    log::set_logger(&Warnings).unwrap();
    log::set_max_level(LevelFilter::Warn);
    // The window would stay open without the thread that drives it.
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        report(panic);
        os::exit(101);
    }));
    // cargo bench adds an argument of its own.
    let args: Vec<String> = env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["figures", name] => figures::measure(name),
        ["pictures", window, language, theme, folder] => pictures::take(window, language, theme, folder.into()),
        _ => {
            println!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
