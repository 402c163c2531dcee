//! A temporary folder in which programs run, with an environment that inherits nothing from the tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use super::{Finished, PASSWORD, finish};

/// The home folder and working directory of programs. Removed with its last clone.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    path: PathBuf,
    _root: Arc<TempDir>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { path: root.path().to_owned(), _root: Arc::new(root) }
    }

    /// A home inside this one, for another user.
    pub(crate) fn of_user(&self, user: &str) -> Self {
        let path = self.join("homes").join(user);
        std::fs::create_dir_all(&path).unwrap();
        Self { path, ..self.clone() }
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A command that starts `chat-server` or `chat-client` in this folder, without input. A program of that name in the
    /// folder that `CHAT_TEST_PROGRAMS` names is preferred: `scripts/test-windows` has programs for Windows there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let built = match program {
            "chat-server" => env!("CARGO_BIN_EXE_chat-server"),
            "chat-client" => env!("CARGO_BIN_EXE_chat-client"),
            other => other,
        };
        let other = other_programs().map(|folder| folder.join(program));
        let mut command = match other.filter(|other| other.exists()) {
            Some(other) => Command::new(other),
            None => Command::new(built),
        };
        command.env_clear().env("HOME", &self.path).env("LANG", "C.UTF-8").env("TZ", "UTC");
        command.current_dir(&self.path).stdin(Stdio::null());
        command
    }

    /// Runs a program to its end, with `CHAT_PASSWORD` set.
    #[must_use = "assert how the program ended"]
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> Finished {
        finish(self.command(program).env("CHAT_PASSWORD", PASSWORD).args(args))
    }

    /// Runs an operator's `chat-server` command on the data folder `data` to its end.
    #[must_use = "assert how the program ended"]
    pub(crate) fn operate(&self, args: &[&str]) -> Finished {
        self.run("chat-server", &[&["--data-dir", path_text(&self.join("data"))], args].concat())
    }
}

/// The folder of programs that the tests start instead of those that were built with them.
pub(crate) fn other_programs() -> Option<PathBuf> {
    std::env::var_os("CHAT_TEST_PROGRAMS").map(PathBuf::from)
}

/// A path as an argument.
pub(crate) fn path_text(path: &Path) -> &str {
    path.to_str().unwrap()
}
