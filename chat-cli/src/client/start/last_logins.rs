//! The file that remembers where the user logged in, and as whom: one line `HOST:PORT NAME` for each, the last login
//! first. Servers that share a roster have one line, with commas between them. The file only suggests answers, so one that
//! cannot be read suggests none, and a line that is wrong is skipped.

use std::io;
use std::path::PathBuf;

use chat_core::name::UserName;
use chat_net::address::ServerAddress;
use chat_net::client::ClientOptions;

use crate::client::named_servers::{join_addresses, split_addresses};
use crate::{folder, private_file, text_file};

/// The name of the file in the user's data folder.
const FILE: &str = "last-logins";

/// The most logins that are remembered: more servers and names than one person uses.
const MAX_LOGINS: usize = 32;

/// The largest file that is read or written, in bytes. A line has about 400 for the longest name of one server, so that all
/// logins may have several servers of usual length. The oldest ones are left out if they are longer.
const MAX_FILE_BYTES: usize = 64 * 1024;

/// The logins, the last one first.
#[derive(Debug)]
pub struct LastLogins {
    /// `None` if the user has no home folder.
    folder: Option<PathBuf>,
    logins: Vec<LastLogin>,
}

/// One login.
#[derive(Clone, Debug, Eq, PartialEq)]
struct LastLogin {
    /// At least one. If there are several, they share a roster.
    servers: Vec<ServerAddress>,
    user: UserName,
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

    /// The servers of the last login. Empty if there is none.
    pub fn last_servers(&self) -> &[ServerAddress] {
        self.logins.first().map_or(&[], |login| &login.servers)
    }

    /// The user of the last login at `server`.
    pub fn user(&self, server: &ServerAddress) -> Option<&UserName> {
        self.logins.iter().find(|login| login.servers.contains(server)).map(|login| &login.user)
    }

    /// The servers, each with the user of the last login there, the last login first. Of several that share a roster, the
    /// first.
    pub fn servers(&self) -> Vec<(&ServerAddress, &UserName)> {
        let mut servers: Vec<(&ServerAddress, &UserName)> = Vec::new();
        for LastLogin { servers: of_login, user } in &self.logins {
            if let Some(server) = of_login.first()
                && servers.iter().all(|(known, _)| *known != server)
            {
                servers.push((server, user));
            }
        }
        servers
    }

    /// Whether `user` has logged in at `server` from here.
    pub fn contains(&self, server: &ServerAddress, user: &UserName) -> bool {
        self.logins.iter().any(|login| login.servers.contains(server) && login.user == *user)
    }

    /// Puts a login first, and replaces the file. `others` share the roster of `server`. Of the logins of one user at one
    /// first server only the last is kept. A login that names no others keeps those of the one before.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember(&mut self, server: ServerAddress, others: &[ServerAddress], user: UserName) -> io::Result<()> {
        let is_same = |login: &LastLogin| login.servers.first() == Some(&server) && login.user == user;
        let before = self.logins.iter().position(is_same).map(|index| self.logins.remove(index));
        let servers = match before {
            Some(before) if others.is_empty() => before.servers,
            _ => [server].iter().chain(others).take(ClientOptions::MAX_SERVERS).cloned().collect(),
        };
        self.logins.insert(0, LastLogin { servers, user });
        self.logins.truncate(MAX_LOGINS);
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut text = String::new();
        for LastLogin { servers, user } in &self.logins {
            let line = format!("{} {user}\n", join_addresses(servers));
            if text.len() + line.len() > MAX_FILE_BYTES {
                break;
            }
            text.push_str(&line);
        }
        private_file::replace(&folder.join(FILE), &text)
    }
}

fn parse(line: &str) -> Option<LastLogin> {
    let (servers, user) = line.trim().split_once(' ')?;
    let mut servers = split_addresses(servers).ok()?;
    servers.truncate(ClientOptions::MAX_SERVERS);
    Some(LastLogin { servers, user: UserName::parse(user).ok()? })
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
        assert_eq!((logins.last_servers(), logins.user(&server("lab"))), (&[][..], None));
        for (at, name) in [("lab", "alice"), ("[::1]:9", "小明"), ("lab", "bob"), ("lab", "alice")] {
            logins.remember(server(at), &[], user(name)).unwrap();
        }
        let path = folder.join(FILE);
        assert_eq!(fs::read_to_string(&path).unwrap(), "lab:7777 alice\nlab:7777 bob\n[::1]:9 小明\n");
        let again = LastLogins::load_from(Some(folder));
        assert_eq!(again.last_servers(), [server("lab")]);
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

    #[test]
    fn servers_that_share_a_roster_are_one_login() {
        let folder = tempfile::tempdir().unwrap();
        let load = || LastLogins::load_from(Some(folder.path().to_owned()));
        let (north, east, south) = (server("north"), server("[::1]:9"), server("south:1"));
        load().remember(north.clone(), std::slice::from_ref(&south), user("alice")).unwrap();
        load().remember(north.clone(), &[east.clone(), south.clone()], user("alice")).unwrap();
        let text = fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(text, "north:7777,[::1]:9,south:1 alice\n", "the list of the last login");
        let mut logins = load();
        assert_eq!(logins.last_servers(), [north.clone(), east, south.clone()]);
        assert!([&north, &south].into_iter().all(|server| logins.user(server) == Some(&user("alice"))));
        assert!(logins.contains(&south, &user("alice")) && !logins.contains(&server("west"), &user("alice")));
        assert_eq!(logins.servers(), [(&north, &user("alice"))]);
        logins.remember(north.clone(), &[], user("alice")).unwrap();
        assert_eq!(load().last_servers().len(), 3, "the others are kept");
        let many: Vec<_> = (1..=40).map(|port| server(&format!("south:{port}"))).collect();
        logins.remember(north, &many, user("alice")).unwrap();
        assert_eq!(load().last_servers().len(), ClientOptions::MAX_SERVERS, "as many as a client takes");
        let long = |number: u32| server(&format!("{number}.{}.example:1", ["a"; 60].join(&"b".repeat(2))));
        for number in 0..40 {
            let others: Vec<_> = (1..16).map(|other| long(number * 16 + other)).collect();
            load().remember(long(number * 16), &others, user("alice")).unwrap();
        }
        assert_eq!(load().last_servers()[0], long(39 * 16), "the file is never longer than what is read");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_and_its_folder_are_private() {
        use std::os::unix::fs::PermissionsExt;

        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("chat-client");
        LastLogins::load_from(Some(folder.clone())).remember(server("lab"), &[], user("alice")).unwrap();
        assert_eq!((mode(&folder), mode(&folder.join(FILE))), (0o700, 0o600));
    }

    #[test]
    fn a_damaged_file_suggests_what_is_left_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let load = |content: &[u8]| {
            fs::write(folder.path().join(FILE), content).unwrap();
            LastLogins::load_from(Some(folder.path().to_owned())).logins.len()
        };
        assert_eq!(load("nonsense\nlab:1 two words\n\nlab, alice\nlab alice\n".as_bytes()), 1);
        assert_eq!(load(b"lab:1 \xff\n"), 0);
        assert_eq!(load("a:1 alice\n".repeat(40).as_bytes()), MAX_LOGINS);
        assert_eq!(load(&vec![b'x'; MAX_FILE_BYTES + 1]), 0);
        assert_eq!(LastLogins::load_from(None).remember(server("lab"), &[], user("alice")).map_err(|_| ()), Ok(()));
    }
}
