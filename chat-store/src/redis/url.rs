//! URLs of rosters. Everything before the last `@` may be a part of a password, so no error quotes it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::percent;

/// The URL of a roster that several servers share: `redis://[user:password@]host[:port][/number]`, or `rediss://` for a
/// connection with TLS.
///
/// The number is that of the database on the Redis server, 0 if it is left out. Special characters of the user name and
/// the password are percent-encoded. `?room=NAME` separates the rosters of several groups of servers that use one database
/// on one Redis server; without it the room is `main`. TLS needs `?ca=FILE`, the PEM file of the certificate authorities
/// that may have issued the server's certificate.
///
/// `Display` and `Debug` omit the password and the file.
#[derive(Clone)]
pub struct RosterUrl {
    pub(super) user: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: u16,
    pub(super) room: String,
    /// The file of certificate authorities, if the connection uses TLS.
    pub(super) ca_file: Option<PathBuf>,
}

/// The port of Redis.
const DEFAULT_PORT: u16 = 6379;

/// The room of those who name none.
const DEFAULT_ROOM: &str = "main";

/// The longest name of a room. It is a part of every key.
const MAX_ROOM: usize = 64;

/// What is wrong with the URL of a roster. No text quotes the URL, because a part of it may be a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RosterUrlError {
    /// The URL begins with neither `redis://` nor `rediss://`.
    #[error("unknown kind of roster; allowed are redis://[user:password@]host[:port] and rediss://, which uses TLS")]
    Kind,
    /// A special character, usually of the password, is not percent-encoded.
    #[error(
        "the roster URL has a special character that is not percent-encoded; in the user name and the password write %2F \
         for /, %3F for ?, %23 for #, %3A for : and %25 for %, and write %40 for every @ except the one before the host"
    )]
    NotEncoded,
    /// The host is missing.
    #[error("the roster URL names no host; write redis://[user:password@]host[:port]")]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the roster URL has a port that is not a number from 1 to 65535")]
    Port,
    /// The path is not the number of a database.
    #[error("the roster URL has a path that is not the number of a database; write redis://host/0, or leave it out")]
    Database,
    /// An option is unknown.
    #[error("the roster URL has an unknown option; allowed are room=NAME and ca=FILE")]
    Option,
    /// The name of the room has other characters than it may have.
    #[error("the room in the roster URL may have 1 to 64 letters from a to z, digits, hyphens and underscores")]
    Room,
    /// TLS without a file of certificate authorities.
    #[error(
        "rediss:// needs ?ca=FILE: the PEM file of the certificate authorities that may have issued the Redis server's \
         certificate (for public authorities, for example /etc/ssl/certs/ca-certificates.crt)"
    )]
    NoCa,
    /// A file of certificate authorities without TLS.
    #[error("the roster URL has ca=FILE, which only rediss:// uses")]
    CaWithoutTls,
}

impl RosterUrl {
    /// Parses a URL.
    ///
    /// # Errors
    /// [`RosterUrlError`], whose text never contains the password.
    pub fn parse(url: &str) -> Result<Self, RosterUrlError> {
        let (is_tls, rest) = match (url.strip_prefix("redis://"), url.strip_prefix("rediss://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(RosterUrlError::Kind),
        };
        let (login, rest) = rest.rsplit_once('@').map_or((None, rest), |(login, rest)| (Some(login), rest));
        let is_special = |c: char| matches!(c, '/' | '?' | '#' | '@') || c.is_control();
        if login.is_some_and(|login| login.contains(is_special) || login.matches(':').count() > 1) || rest.contains('#')
        {
            return Err(RosterUrlError::NotEncoded);
        }
        let (user, password) = login.map_or((None, None), split_login);
        let (rest, options) = rest.split_once('?').map_or((rest, None), |(rest, options)| (rest, Some(options)));
        let (address, path) = rest.split_once('/').map_or((rest, ""), |(address, path)| (address, path));
        let (host, port) = split_address(address)?;
        let database = if path.is_empty() { 0 } else { path.parse().map_err(|_| RosterUrlError::Database)? };
        let mut url = Self { user, password, host, port, database, room: DEFAULT_ROOM.to_owned(), ca_file: None };
        for option in options.into_iter().flat_map(|options| options.split('&')) {
            match option.split_once('=') {
                Some(("room", room)) => url.room = checked_room(percent::decoded(room))?,
                Some(("ca", file)) => url.ca_file = Some(percent::decoded(file).into()),
                _ => return Err(RosterUrlError::Option),
            }
        }
        match (is_tls, &url.ca_file) {
            (true, None) => Err(RosterUrlError::NoCa),
            (false, Some(_)) => Err(RosterUrlError::CaWithoutTls),
            _ => Ok(url),
        }
    }

    /// The file of certificate authorities, if the connection uses TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// The host and port, for messages.
    pub(super) fn server(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// The user and the password. Either may be missing.
fn split_login(login: &str) -> (Option<String>, Option<Zeroizing<String>>) {
    let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
    let user = Some(percent::decoded(user)).filter(|user| !user.is_empty());
    (user, password.map(|password| Zeroizing::new(percent::decoded(password))))
}

fn split_address(address: &str) -> Result<(String, u16), RosterUrlError> {
    let (host, port) = match address.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, port))) => (host, port),
        Some(None) => return Err(RosterUrlError::Host),
        None => address.split_at(address.find(':').unwrap_or(address.len())),
    };
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(RosterUrlError::Host);
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => DEFAULT_PORT,
        None => return Err(RosterUrlError::Host),
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(RosterUrlError::Port)?,
    };
    Ok((host.to_owned(), port))
}

fn checked_room(room: String) -> Result<String, RosterUrlError> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let is_right = (1..=MAX_ROOM).contains(&room.len()) && room.bytes().all(is_allowed);
    if is_right { Ok(room) } else { Err(RosterUrlError::Room) }
}

impl FromStr for RosterUrl {
    type Err = RosterUrlError;

    fn from_str(url: &str) -> Result<Self, RosterUrlError> {
        Self::parse(url)
    }
}

/// The URL without its password and its file.
impl fmt::Display for RosterUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ca_file.is_some() { "rediss://" } else { "redis://" })?;
        match (&self.user, &self.password) {
            (None, None) => {}
            (user, None) => write!(f, "{}@", user.as_deref().unwrap_or_default())?,
            (user, Some(_)) => write!(f, "{}:***@", user.as_deref().unwrap_or_default())?,
        }
        f.write_str(&self.server())?;
        if self.database != 0 {
            write!(f, "/{}", self.database)?;
        }
        if self.room == DEFAULT_ROOM { Ok(()) } else { write!(f, "?room={}", self.room) }
    }
}

impl fmt::Debug for RosterUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RosterUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_and_debug_omit_the_password() {
        for (typed, shown) in [
            ("redis://db", "redis://db:6379"),
            ("redis://db:6380/2", "redis://db:6380/2"),
            ("redis://[::1]:6380/", "redis://[::1]:6380"),
            ("redis://:hush@db", "redis://:***@db:6379"),
            ("redis://chat:hu%40sh@db?room=north-2", "redis://chat:***@db:6379?room=north-2"),
            ("redis://chat@db?room=main", "redis://chat@db:6379"),
            ("rediss://chat:hush@db:6390?ca=/ca.pem", "rediss://chat:***@db:6390"),
        ] {
            let url = RosterUrl::parse(typed).unwrap();
            assert_eq!(url.to_string(), shown, "{typed}");
            assert_eq!(format!("{url:?}"), format!("RosterUrl({shown})"), "{typed}");
        }
    }

    #[test]
    fn all_parts_are_decoded() {
        let url = RosterUrl::parse("rediss://ch%3Aat:hu%40%2Fsh@[fe80::1]:1/15?ca=/a%20b.pem&room=a_b").unwrap();
        assert_eq!(url.user.as_deref(), Some("ch:at"));
        assert_eq!(url.password.as_deref().map(String::as_str), Some("hu@/sh"));
        assert_eq!((url.host.as_str(), url.port, url.database), ("fe80::1", 1, 15));
        assert_eq!((url.room.as_str(), url.ca_file()), ("a_b", Some(Path::new("/a b.pem"))));
    }

    #[test]
    fn each_mistake_has_its_own_error_and_none_shows_the_password() {
        use RosterUrlError::*;
        let long = format!("redis://db?room={}", "a".repeat(MAX_ROOM + 1));
        for (typed, expected) in [
            ("", Kind),
            ("db:6379", Kind),
            ("REDIS://chat:hush@db", Kind),
            ("mysql://chat:hush@db", Kind),
            ("redis:db", Kind),
            ("redis://chat:hu/sh@db", NotEncoded),
            ("redis://chat:hu@sh@db", NotEncoded),
            ("redis://chat:hu:sh@db", NotEncoded),
            ("redis://chat:hu?sh@db", NotEncoded),
            ("redis://chat:hush@db#x", NotEncoded),
            ("redis://", Host),
            ("redis://:6379", Host),
            ("redis://[::1", Host),
            ("redis://[::1]x", Host),
            ("redis://chat:hush@", Host),
            ("redis://chat:hush", Port),
            ("redis://db:0", Port),
            ("redis://db:65536", Port),
            ("redis://db/chat", Database),
            ("redis://db/99999", Database),
            ("redis://db?password=hush", Option),
            ("redis://db?", Option),
            ("redis://db?room=", Room),
            ("redis://db?room=A", Room),
            ("redis://db?room=%7B", Room),
            (&long, Room),
            ("rediss://db", NoCa),
            ("redis://db?ca=/ca.pem", CaWithoutTls),
        ] {
            let error = RosterUrl::parse(typed).map(|url| url.to_string()).unwrap_err();
            assert_eq!(error, expected, "{typed}");
            assert!(!format!("{error} {error:?}").contains("hush"), "{typed}");
        }
    }
}
