//! A Unix-domain socket in the data folder. Only the user who runs the server, and root, are served: the mode of the socket
//! and a check of the user at the other end both ensure it.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::net::{UnixListener, UnixStream};

/// A connection between a command and the server.
pub type Connection = UnixStream;

/// The name of the socket in the data folder.
const SOCKET: &str = "control.socket";

/// The socket of a running server.
#[derive(Debug)]
pub struct Listener(UnixListener);

impl Listener {
    /// Creates the socket, and replaces one that a previous server left behind. The caller holds the lock of the folder.
    ///
    /// # Errors
    /// The folder allows no socket, or its path is too long.
    pub fn bind(folder: &Path) -> io::Result<Self> {
        let path = folder.join(SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self(listener))
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// The system refuses it, usually for lack of file descriptors.
    #[expect(clippy::needless_pass_by_ref_mut, reason = "other systems replace the pipe that was connected")]
    pub async fn accept(&mut self) -> io::Result<Connection> {
        self.0.accept().await.map(|(connection, _)| connection)
    }
}

/// Removes the socket of a server that ends.
pub fn remove(folder: &Path) {
    // If the socket file stays, it refuses connections, which commands report in the same way.
    drop(fs::remove_file(folder.join(SOCKET)));
}

/// Whether the user at the other end may ask the server of this process.
///
/// # Errors
/// The system does not name that user.
pub fn may_ask(connection: &Connection) -> io::Result<bool> {
    let user = connection.peer_cred()?.uid();
    Ok(user == rustix::process::geteuid().as_raw() || user == ROOT)
}

/// Connects to the server that runs with `folder`.
///
/// # Errors
/// [`ErrorKind::NotFound`] or [`ErrorKind::ConnectionRefused`] if no server runs, [`ErrorKind::PermissionDenied`] if the
/// server belongs to a user who is not trusted.
pub async fn connect(folder: &Path) -> io::Result<Connection> {
    let connection = UnixStream::connect(folder.join(SOCKET)).await?;
    if is_trusted(connection.peer_cred()?.uid(), rustix::process::geteuid().as_raw()) {
        Ok(connection)
    } else {
        Err(ErrorKind::PermissionDenied.into())
    }
}

const ROOT: u32 = 0;

/// Whether a command of `user` trusts the server that the user `server` runs. In a folder that everybody can write, any
/// user could answer with a fingerprint of their own. Root trusts every server, because root names the folder.
const fn is_trusted(server: u32, user: u32) -> bool {
    user == ROOT || server == ROOT || server == user
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_trusts_the_server_of_another_user() {
        for (server, user, trusted) in [(7, 7, true), (ROOT, 7, true), (7, ROOT, true), (8, 7, false)] {
            assert_eq!(is_trusted(server, user), trusted, "{server} {user}");
        }
    }
}
