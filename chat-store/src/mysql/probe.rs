//! Finds out what answers at an address where the driver could not connect.

use std::io::{self, ErrorKind};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::error::Stranger;
use crate::platform;
use crate::url::MySqlLocation;

/// What answers at an address.
#[derive(Debug)]
pub(super) enum Answer {
    /// A MySQL server, by its greeting.
    MySql,
    /// A server that does not speak MySQL.
    Stranger(Stranger),
    /// A server that accepts connections and sends nothing.
    Silence,
    /// Nothing answers.
    None(io::Error),
    /// The host has no address.
    UnknownHost(io::Error),
}

/// Connects again and reads the first bytes, which a MySQL server sends unasked.
pub(super) async fn probe(location: &MySqlLocation) -> Answer {
    if let Some(path) = location.socket() {
        return match limited(platform::connect_socket(path)).await {
            Ok(stream) => listen(stream).await,
            Err(error) => Answer::None(error),
        };
    }
    // Brackets belong to the URL, not to the address.
    let host = location.opts.ip_or_hostname().trim_matches(['[', ']']).to_owned();
    let addresses: Vec<_> = match limited(lookup_host((host, location.opts.tcp_port()))).await {
        Ok(addresses) => addresses.collect(),
        Err(error) => return Answer::UnknownHost(error),
    };
    match limited(TcpStream::connect(&*addresses)).await {
        Ok(stream) => listen(stream).await,
        Err(error) => Answer::None(error),
    }
}

async fn listen(mut stream: impl AsyncRead + Unpin) -> Answer {
    let mut first = [0; GREETING_START];
    let mut length = 0;
    while length < first.len() {
        match limited(stream.read(&mut first[length..])).await {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::TimedOut && length == 0 => return Answer::Silence,
            Err(_) => break,
        }
    }
    judge(&first[..length])
}

fn judge(first: &[u8]) -> Answer {
    match first {
        [] => Answer::Stranger(Stranger::Closes),
        // The length of the packet, its number, and then the version of the protocol or the mark of an error.
        [_, _, _, 0, 10 | 0xff, ..] => Answer::MySql,
        [b'H', b'T', b'T', b'P', ..] => Answer::Stranger(Stranger::Http),
        [b'S', b'S', b'H', b'-', ..] => Answer::Stranger(Stranger::Ssh),
        [b'-', b'E', b'R', b'R', ..] | [b'-', b'D', b'E', b'N', ..] | [b'-', b'N', b'O', b'A', ..] => {
            Answer::Stranger(Stranger::Redis)
        }
        _ => Answer::Stranger(Stranger::Other),
    }
}

async fn limited<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PROBE_TIMEOUT, work).await.unwrap_or_else(|elapsed| Err(io::Error::new(ErrorKind::TimedOut, elapsed)))
}

/// The number of bytes that distinguish a MySQL server from others.
const GREETING_START: usize = 5;
/// The limit for each step of a probe. It is short, because the user has already waited for the failed attempt.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_answers() {
        for (first, expected) in [
            (&b"\x5b\0\0\0\x0a"[..], None),
            (b"\x45\0\0\0\xff", None),
            (b"", Some(Stranger::Closes)),
            (b"HTTP/", Some(Stranger::Http)),
            (b"-DENI", Some(Stranger::Redis)),
            (b"-ERR ", Some(Stranger::Redis)),
            (b"SSH-2", Some(Stranger::Ssh)),
            (b"220 m", Some(Stranger::Other)),
            (b"\x5b\0", Some(Stranger::Other)),
        ] {
            let found = match judge(first) {
                Answer::MySql => None,
                Answer::Stranger(found) => Some(found),
                other => panic!("{first:?}: {other:?}"),
            };
            assert_eq!(found, expected, "{first:?}");
        }
    }
}
