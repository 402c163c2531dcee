//! Pictures of every screen.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{self as os, ExitCode};
use std::thread;

use chat_cli::texts::{Language, Texts};
use chat_core::name::UserName;
use chat_core::time::Timestamp;
use chat_desktop::app::{App, Start};
use chat_desktop::model::settings::Theme;
use chat_desktop::run::ports;
use chat_desktop::server_app::{ServerApp, ServerStart};
use chat_desktop::window::Window;
use eframe::egui::ColorImage;
use tokio::sync::mpsc;

use crate::driven::{self, Driver};
use crate::{client_pictures, server_pictures};

/// A window, the end that tells it what happens, and where its pictures go.
pub(crate) struct Studio<A, H> {
    pub(crate) driver: Driver<A>,
    pub(crate) texts: Texts,
    happenings: mpsc::Sender<H>,
    folder: PathBuf,
    prefix: String,
}

/// Takes pictures of all screens of a window.
pub(crate) fn take(window: &str, language: &str, theme: &str, folder: PathBuf) -> ExitCode {
    let prefix = format!("{window}-{language}-{theme}");
    let language = match language {
        "en" => Language::English,
        _ => Language::Chinese,
    };
    let theme = match theme {
        "dark" => Theme::Dark,
        _ => Theme::Light,
    };
    fs::create_dir_all(&folder).unwrap();
    let texts = Texts::new(language);
    let opened = match window {
        "client" => {
            let (port, far) = ports();
            let mut wishes = far.wishes;
            thread::spawn(move || while wishes.blocking_recv().is_some() {});
            let (made, happenings, shown) = (texts.clone(), far.happenings, texts.clone());
            let make = move |_: &_| {
                let log_file = Some("/home/ming/.local/share/chat-client/chat-desktop.log".into());
                let mut app = App::new(Start::empty("known-servers".into()), port, made, log_file);
                app.clock = now;
                app
            };
            driven::open(Window::client(&texts), make, move |driver: Driver<App>| {
                driver.count_frames();
                driver.ask(move |app| app.model.settings.theme = theme);
                client_pictures::take(&Studio { driver, texts: shown, happenings, folder, prefix });
                os::exit(0);
            })
        }
        _ => {
            let (port, far) = ports();
            let mut wishes = far.wishes;
            thread::spawn(move || while wishes.blocking_recv().is_some() {});
            let (made, happenings, shown) = (texts.clone(), far.happenings, texts.clone());
            let make = move |_: &_| {
                let log_file = Some("/home/ming/.local/share/chat-server/chat-server-desktop.log".into());
                let start = ServerStart::empty("/home/ming/.local/share/chat-server".into());
                let mut app = ServerApp::new(start, port, made, log_file);
                app.clock = now;
                app
            };
            driven::open(Window::server(&texts), make, move |driver: Driver<ServerApp>| {
                driver.count_frames();
                driver.ask(move |app| app.model.look.theme = theme);
                server_pictures::take(&Studio { driver, texts: shown, happenings, folder, prefix });
                os::exit(0);
            })
        }
    };
    match opened {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("there is no window: {error}");
            ExitCode::from(3)
        }
    }
}

impl<A: 'static, H: Send + 'static> Studio<A, H> {
    /// Something happened.
    pub(crate) fn tell(&self, happening: H) {
        self.happenings.blocking_send(happening).ok().unwrap();
        self.driver.settle();
    }

    /// Changes what the window shows.
    pub(crate) fn with(&self, change: impl FnOnce(&mut A) + Send + 'static) {
        self.driver.ask(change);
        self.driver.settle();
    }

    /// One text or the other, as the language is.
    pub(crate) fn either<T>(&self, english: T, chinese: T) -> T {
        if self.texts.language() == Language::English { english } else { chinese }
    }

    /// Takes a picture.
    pub(crate) fn shot(&self, name: &str) {
        self.driver.settle();
        let path = self.folder.join(format!("{}-{name}.ppm", self.prefix));
        self.driver.stand_still(true);
        write(&path, &self.driver.screenshot());
        self.driver.stand_still(false);
        println!("{}", path.display());
    }
}

/// Writes a picture in the simplest format that there is.
fn write(path: &Path, image: &ColorImage) {
    let mut file = fs::File::create(path).unwrap();
    let [width, height] = image.size;
    writeln!(file, "P6 {width} {height} 255").unwrap();
    let bytes: Vec<u8> = image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]).collect();
    file.write_all(&bytes).unwrap();
}

pub(crate) fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

/// The time in every picture: the 27th of November 2026, 14:05:09 in London.
fn now() -> Timestamp {
    Timestamp::from_millis(1_795_788_309_000)
}

/// So many minutes before that.
pub(crate) fn minutes_ago(minutes: u64) -> Timestamp {
    Timestamp::from_millis(now().as_millis() - minutes * 60_000)
}
