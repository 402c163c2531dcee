//! MySQL URLs. Everything before the last `@` may be a part of a password, so no error quotes it.

use std::fmt;
use std::path::{Path, PathBuf};

use mysql_async::{Opts, OptsBuilder};

use super::UrlError;
use crate::{percent, platform};

/// How to reach a MySQL database.
#[derive(Clone)]
pub(crate) struct MySqlLocation {
    pub(crate) opts: Opts,
    pub(crate) database: String,
}

impl MySqlLocation {
    pub(super) fn parse(url: &str) -> Result<Self, UrlError> {
        let rest = url.strip_prefix("mysql://").ok_or(UrlError::MySql)?;
        check_encoding(rest)?;
        let (url, ca_file) = take_ca_file(url);
        let opts = Opts::from_url(&url).map_err(|error| parse_error(&error))?;
        let database = opts.db_name().unwrap_or_default().to_owned();
        if database.is_empty() {
            return Err(UrlError::MySqlDatabase);
        }
        let tls = match (opts.ssl_opts().cloned(), ca_file) {
            (Some(_), Some(file)) if platform::is_device(Path::new(&file)) => {
                return Err(UrlError::MySqlOption("ca is a name that Windows reserves for a device".to_owned()));
            }
            (Some(tls), Some(file)) => {
                Some(tls.with_root_certs(vec![PathBuf::from(file).into()]).with_disable_built_in_roots(true))
            }
            (None, Some(_)) => return Err(UrlError::MySqlOption("ca requires require_ssl=true".to_owned())),
            (tls, None) => tls,
        };
        let opts = OptsBuilder::from_opts(opts)
            .ssl_opts(tls)
            // A server in a container reports a socket path that may belong to another server outside the container.
            .prefer_socket(false)
            // diesel-async has its own cache.
            .stmt_cache_size(0)
            // Makes an update report all rows that it found, not only those that it changed, as in SQLite.
            .client_found_rows(true);
        Ok(Self { opts: opts.into(), database })
    }

    /// The host and port, or the socket, for messages.
    pub(crate) fn server(&self) -> String {
        match self.socket() {
            Some(path) => format!("the socket {path}"),
            None => format!("{}:{}", self.host(), self.opts.tcp_port()),
        }
    }

    /// The host, with brackets around an IPv6 address.
    pub(crate) fn host(&self) -> String {
        let host = self.opts.ip_or_hostname();
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() }
    }

    /// The path of the socket that connections use instead of host and port.
    pub(crate) fn socket(&self) -> Option<&str> {
        self.opts.socket()
    }

    /// The user, for messages. If the colon after the user is percent-encoded, the driver takes the password for a part
    /// of the user. It is left out.
    pub(crate) fn shown_user(&self) -> String {
        self.login().0.to_owned()
    }

    /// The user, and whether there is a password.
    fn login(&self) -> (&str, bool) {
        let user = self.opts.user().unwrap_or_default();
        match user.split_once(':') {
            Some((user, _)) => (user, true),
            None => (user, self.opts.pass().is_some()),
        }
    }
}

/// The URL without its password and its options, except the socket.
impl fmt::Display for MySqlLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, has_password) = self.login();
        let password = if has_password { ":***" } else { "" };
        match self.socket() {
            Some(path) => write!(f, "mysql://{user}{password}@{}/{}?socket={path}", self.host(), self.database),
            None => write!(f, "mysql://{user}{password}@{}/{}", self.server(), self.database),
        }
    }
}

/// Refuses a special character in a place where a parser would take the rest of a password for a host, a path or an
/// option.
fn check_encoding(rest: &str) -> Result<(), UrlError> {
    let (login, address) = rest.rsplit_once('@').unwrap_or(("", rest));
    // URL parsers skip tabs and line ends.
    let is_special = |c: char| matches!(c, '/' | '?' | '#') || c.is_control();
    // `host:/database` is more likely the beginning of a password than a host without its port.
    let lacks_port = address.split('/').next().is_some_and(|host| host.ends_with(':'));
    if login.contains(is_special) || rest.contains('#') || lacks_port {
        return Err(UrlError::NotEncoded);
    }
    Ok(())
}

/// Converts the driver's errors, and drops the parts of the URL that they quote.
fn parse_error(error: &mysql_async::UrlError) -> UrlError {
    match error {
        mysql_async::UrlError::UnknownParameter { .. } => UrlError::MySqlOption(format!(
            "an option is unknown; allowed are {OPTIONS} (a question mark in a password is written %3F)"
        )),
        // The driver knows this name, so it is no part of a password.
        mysql_async::UrlError::InvalidParamValue { param, .. } => {
            UrlError::MySqlOption(format!("{param} has a value that is not allowed"))
        }
        _ => UrlError::MySql,
    }
}

/// Removes the option `ca=FILE`, which the driver does not know, from the URL. Returns the rest and the file.
fn take_ca_file(url: &str) -> (String, Option<String>) {
    let Some((base, options)) = url.split_once('?') else { return (url.to_owned(), None) };
    let ca_file = options.split('&').find_map(|option| option.strip_prefix("ca=")).map(percent::decoded);
    let rest: Vec<&str> = options.split('&').filter(|option| !option.starts_with("ca=")).collect();
    (format!("{base}?{}", rest.join("&")), ca_file)
}

/// The options that operators need.
const OPTIONS: &str = "require_ssl=true, ca=FILE and socket=PATH";
