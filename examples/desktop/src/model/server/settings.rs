//! The settings of the window of a server, and what was typed before its last start. They have a private file, because
//! the invitation code is in it. Passwords and the URL of a database are not.

use std::fmt::Write as _;
use std::path::PathBuf;

use chat_core::invitation::InvitationCode;
use zeroize::Zeroizing;

use super::exchange::PrivateText;
use super::form::DatabaseKind;
use super::registration::{Choice, Registration};
use crate::model::settings::Settings;

/// What the window remembers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Remembered {
    /// Theme and size of the text. Its `file` is the file of all of this.
    pub look: Settings,
    /// The address to listen on.
    pub address: Option<String>,
    /// The data folder, if it is not the default one.
    pub folder: Option<PathBuf>,
    /// The kind of the database.
    pub database: DatabaseKind,
    /// Who may register.
    pub registration: Registration,
}

impl Remembered {
    /// Reads the lines of a file, `NAME = VALUE` each. A line that is wrong counts as absent: the window shows what it uses
    /// instead.
    pub fn parse(text: &str) -> Self {
        let mut all = Self { look: Settings::parse(text), ..Self::default() };
        for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
            let value = value.trim();
            match (name.trim(), value) {
                ("listen", address) => all.address = Some(address.to_owned()),
                ("data-dir", folder) => all.folder = Some(folder.into()),
                ("database", "url") => all.database = DatabaseKind::Url,
                ("registration", "invited") => all.registration.choice = Choice::Invited,
                ("registration", "closed") => all.registration.choice = Choice::Closed,
                ("invitation-code", code) => all.registration.code = InvitationCode::parse(code).ok(),
                _ => {}
            }
        }
        all
    }

    /// The lines of the file.
    pub fn to_text(&self) -> PrivateText {
        // Room for all of it, because a string that grows leaves copies behind.
        let mut text = Zeroizing::new(String::with_capacity(16 * 1024));
        text.push_str(&self.look.to_text());
        // Writing to a string cannot fail.
        if let Some(address) = &self.address {
            let _written = writeln!(text, "listen = {address}");
        }
        if let Some(folder) = &self.folder {
            let _written = writeln!(text, "data-dir = {}", folder.display());
        }
        if self.database == DatabaseKind::Url {
            text.push_str("database = url\n");
        }
        text.push_str(match self.registration.choice {
            Choice::Open => "registration = open\n",
            Choice::Invited => "registration = invited\n",
            Choice::Closed => "registration = closed\n",
        });
        if let Some(code) = &self.registration.code {
            let _written = writeln!(text, "invitation-code = {}", code.expose());
        }
        PrivateText(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_wrong_is_ignored() {
        let code = InvitationCode::parse("spring-2026").ok();
        for choice in [Choice::Open, Choice::Invited, Choice::Closed] {
            let all = Remembered {
                look: Settings { zoom: 130, ..Settings::default() },
                address: Some("[::]:7777".to_owned()),
                folder: Some("/srv/聊天 = data".into()),
                database: DatabaseKind::Url,
                registration: Registration { choice, code: code.clone() },
            };
            assert_eq!(Remembered::parse(&all.to_text().0), all);
            assert!(!format!("{:?}", all.to_text()).contains("spring"));
        }
        assert_eq!(Remembered::parse("registration = x\ninvitation-code = short\ndatabase = x"), Remembered::default());
    }
}
