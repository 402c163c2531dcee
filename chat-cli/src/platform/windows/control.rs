//! A named pipe. Its access list admits the user who runs the server, the administrators and the system. Its name is
//! random and stands in a file in the data folder, together with the server's process: a user who cannot write there
//! cannot answer in place of the server.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use interprocess::os::windows::named_pipe::PipeListenerOptions;
use interprocess::os::windows::named_pipe::pipe_mode::Bytes;
use interprocess::os::windows::named_pipe::tokio::{DuplexPipeStream, PipeListener};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use widestring::u16cstr;

/// A connection between a command and the server.
pub type Connection = DuplexPipeStream<Bytes>;

/// The name of the file in the data folder. It contains the name of the pipe and the process id, each in a line.
const FILE: &str = "control.pipe";

/// The pipe of a running server.
#[derive(Debug)]
pub struct Listener(PipeListener<Bytes, Bytes>);

impl Listener {
    /// Creates the pipe, and replaces the file that a previous server left behind. The caller holds the lock of the folder.
    ///
    /// # Errors
    /// The system refuses the pipe, or the folder the file.
    pub fn bind(folder: &Path) -> io::Result<Self> {
        // Full access for the owner, the administrators and the system, and no inherited entries.
        let access = SecurityDescriptor::deserialize(u16cstr!("D:P(A;;GA;;;OW)(A;;GA;;;BA)(A;;GA;;;SY)"))?;
        let mut number = [0; 16];
        getrandom::fill(&mut number)?;
        let name = format!(r"\\.\pipe\chat-server-{:032x}", u128::from_ne_bytes(number));
        let listener =
            PipeListenerOptions::new().path(name.as_str()).security_descriptor(Some(access)).create_tokio_duplex()?;
        fs::write(folder.join(FILE), format!("{name}\n{}\n", std::process::id()))?;
        Ok(Self(listener))
    }

    /// Waits for a connection.
    ///
    /// # Errors
    /// The system refuses another instance of the pipe.
    #[expect(clippy::needless_pass_by_ref_mut, reason = "the same signature on every system")]
    pub async fn accept(&mut self) -> io::Result<Connection> {
        self.0.accept().await
    }
}

/// Removes the file of a server that ends.
pub fn remove(folder: &Path) {
    // If the file stays, there is no pipe of that name, which commands report in the same way.
    drop(fs::remove_file(folder.join(FILE)));
}

/// Whether the user at the other end may ask the server of this process. The access list has decided it.
///
/// # Errors
/// None on this system.
#[expect(clippy::unnecessary_wraps, reason = "other systems can fail")]
pub const fn may_ask(_connection: &Connection) -> io::Result<bool> {
    Ok(true)
}

/// Connects to the server that runs with `folder`.
///
/// # Errors
/// [`ErrorKind::NotFound`] if no server runs, [`ErrorKind::PermissionDenied`] if another process answers at the pipe of the
/// server, or the access list does not admit this user.
pub async fn connect(folder: &Path) -> io::Result<Connection> {
    let file = fs::read_to_string(folder.join(FILE))?;
    let mut lines = file.lines();
    let (Some(name), Some(Ok(process))) = (lines.next(), lines.next().map(str::parse::<u32>)) else {
        return Err(ErrorKind::NotFound.into());
    };
    let connection = Connection::connect_by_path(name).await?;
    if connection.server_process_id()? == process { Ok(connection) } else { Err(ErrorKind::PermissionDenied.into()) }
}
