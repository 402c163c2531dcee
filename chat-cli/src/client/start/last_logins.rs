//! The file that remembers where the user logged in, and as whom: one line `HOST:PORT NAME` for each, the last login
//! first. It only suggests answers, so a file that cannot be read suggests none, and a line that is wrong is skipped.

use std::io;
use std::path::PathBuf;

use chat_core::name::UserName;
use chat_net::address::ServerAddress;

use crate::{folder, private_file, text_file};

/// The name of the file in the user's data folder.
const FILE: &str = "last-logins";

/// The most logins that are remembered: more servers and names than one person uses.
const MAX_LOGINS: usize = 32;

/// The largest file that is read, in bytes. The longest line has about 400.
const MAX_FILE_BYTES: usize = 64 * 1024;

/// The logins, the last one first.
#[derive(Debug)]
pub struct LastLogins {
    /// `None` if the user has no home folder.
    folder: Option<PathBuf>,
    logins: Vec<(ServerAddress, UserName)>,
}

impl LastLogins {
    /// Reads the file in the user's data folder.
    pub fn load() -> Self {
        Self::load_from(folder::default("chat-client", "--known-servers FILE").ok())
    }

    /// No logins, and no file that remembers later ones.
    pub const fn empty() -> Self {
        Self { folder: None, logins: Vec::new() }
    }

    fn load_from(folder: Option<PathBuf>) -> Self {
        let text = folder.as_ref().and_then(|folder| text_file::read(&folder.join(FILE), MAX_FILE_BYTES).ok());
        let logins = text.iter().flat_map(|text| text.lines()).filter_map(parse).take(MAX_LOGINS).collect();
        Self { folder, logins }
    }

    /// The server of the last login.
    pub fn server(&self) -> Option<&ServerAddress> {
        self.logins.first().map(|(server, _)| server)
    }

    /// The user of the last login at `server`.
    pub fn user(&self, server: &ServerAddress) -> Option<&UserName> {
        self.logins.iter().find(|(known, _)| known == server).map(|(_, user)| user)
    }

    /// The servers, each with the user of the last login there, the last login first.
    pub fn servers(&self) -> Vec<(&ServerAddress, &UserName)> {
        let mut servers: Vec<(&ServerAddress, &UserName)> = Vec::new();
        for (server, user) in &self.logins {
            if servers.iter().all(|(known, _)| *known != server) {
                servers.push((server, user));
            }
        }
        servers
    }

    /// Whether `user` has logged in at `server` from here.
    pub fn contains(&self, server: &ServerAddress, user: &UserName) -> bool {
        self.logins.iter().any(|(known, name)| known == server && name == user)
    }

    /// Puts a login first, and replaces the file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember(&mut self, server: ServerAddress, user: UserName) -> io::Result<()> {
        self.logins.retain(|login| login != &(server.clone(), user.clone()));
        self.logins.insert(0, (server, user));
        self.logins.truncate(MAX_LOGINS);
        let Some(folder) = &self.folder else { return Ok(()) };
        let text: String = self.logins.iter().map(|(server, user)| format!("{server} {user}\n")).collect();
        private_file::replace(&folder.join(FILE), &text)
    }
}

fn parse(line: &str) -> Option<(ServerAddress, UserName)> {
    let (server, user) = line.trim().split_once(' ')?;
    Some((server.parse().ok()?, UserName::parse(user).ok()?))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn server(typed: &str) -> ServerAddress {
        typed.parse().unwrap()
    }

    fn user(name: &str) -> UserName {
        UserName::parse(name).unwrap()
    }

    #[test]
    fn the_last_login_comes_first_and_each_is_kept_once() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("chat-client");
        let mut logins = LastLogins::load_from(Some(folder.clone()));
        assert_eq!((logins.server(), logins.user(&server("lab"))), (None, None));
        for (at, name) in [("lab", "alice"), ("[::1]:9", "小明"), ("lab", "bob"), ("lab", "alice")] {
            logins.remember(server(at), user(name)).unwrap();
        }
        let path = folder.join(FILE);
        assert_eq!(fs::read_to_string(&path).unwrap(), "lab:7777 alice\nlab:7777 bob\n[::1]:9 小明\n");
        let again = LastLogins::load_from(Some(folder));
        assert_eq!(again.server(), Some(&server("lab")));
        assert_eq!(
            (again.user(&server("lab")), again.user(&server("[::1]:9"))),
            (Some(&user("alice")), Some(&user("小明")))
        );
        let (lab, other) = (server("lab"), server("[::1]:9"));
        assert_eq!(again.servers(), [(&lab, &user("alice")), (&other, &user("小明"))]);
        assert!(again.contains(&server("lab"), &user("bob")) && !again.contains(&server("[::1]:9"), &user("bob")));
        let files = fs::read_dir(outer.path().join("chat-client")).unwrap().map(|file| file.unwrap().file_name());
        assert!(files.into_iter().all(|name| !name.to_string_lossy().contains("new-")));
    }

    #[cfg(unix)]
    #[test]
    fn the_file_and_its_folder_are_private() {
        use std::os::unix::fs::PermissionsExt;

        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("chat-client");
        LastLogins::load_from(Some(folder.clone())).remember(server("lab"), user("alice")).unwrap();
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
    }

    #[test]
    fn a_damaged_file_suggests_what_is_left_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let load = |content: &[u8]| {
            fs::write(folder.path().join(FILE), content).unwrap();
            LastLogins::load_from(Some(folder.path().to_owned())).logins.len()
        };
        assert_eq!(load("nonsense\nlab:1 two words\n\nlab alice\n".as_bytes()), 1);
        assert_eq!(load(b"lab:1 \xff\n"), 0);
        assert_eq!(load("a:1 alice\n".repeat(40).as_bytes()), MAX_LOGINS);
        assert_eq!(load(&vec![b'x'; MAX_FILE_BYTES + 1]), 0);
        assert_eq!(LastLogins::load_from(None).remember(server("lab"), user("alice")).map_err(|_| ()), Ok(()));
    }
}
