//! Text into records, as few as there have to be: each costs 22 bytes, and more time than some hundred bytes of text.

use std::io::{self, ErrorKind, IoSlice};

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus};

/// How much is sealed at once, two of the longest records: each call to the system takes them together, and who does not
/// read costs no more than that. The rest waits in the outbox, where it is counted.
const TOGETHER: usize = 32 * 1024;

/// The longest text of a record (RFC 8446, 5.1).
const RECORD: usize = 1 << 14;

/// Texts that are shorter share a record; longer ones are not worth the copy.
const SHORT: usize = 2 * 1024;

/// What a record adds to its text: header, kind and tag.
const OVERHEAD: usize = 5 + 1 + 16;

/// Puts what lies in `texts`, up to a bound, behind `outgoing` in records. How much of it that was. `incoming` is what has
/// not come whole: TLS may remember places in it.
///
/// # Errors
/// The session has failed or is closed.
pub(super) fn seal(
    session: &mut UnbufferedServerConnection,
    incoming: &mut [u8],
    texts: &[IoSlice<'_>],
    outgoing: &mut Vec<u8>,
) -> io::Result<usize> {
    let UnbufferedStatus { state, .. } = session.process_tls_records(incoming);
    let ConnectionState::WriteTraffic(mut traffic) = state.map_err(io::Error::other)? else {
        return Err(ErrorKind::NotConnected.into());
    };
    let all = texts.iter().map(|text| text.len()).sum::<usize>().min(TOGETHER);
    // Each long text has a record or two of its own, and short ones share theirs.
    outgoing.reserve_exact(all + OVERHEAD * (3 + all / SHORT * 2));
    let mut seal = |text: &[u8]| {
        let room = text.len() + OVERHEAD * text.len().div_ceil(RECORD);
        append(outgoing, room, |room| traffic.encrypt(text, room)).map_err(io::Error::other)
    };
    let mut taken = 0;
    let mut joined = Vec::new();
    for text in texts {
        let text = &text[..text.len().min(TOGETHER - taken)];
        taken += text.len();
        if texts.len() > 1 && text.len() < SHORT && joined.len() + text.len() <= RECORD {
            joined.extend_from_slice(text);
        } else {
            seal(&joined)?;
            joined.clear();
            seal(text)?;
        }
    }
    seal(&joined)?;
    Ok(taken)
}

/// Puts the end of what is sent behind `outgoing`, once. A session that has failed has said its last word already.
pub(super) fn say_goodbye(
    session: &mut UnbufferedServerConnection,
    incoming: &mut [u8],
    outgoing: &mut Vec<u8>,
) -> io::Result<()> {
    let UnbufferedStatus { state, .. } = session.process_tls_records(incoming);
    match state {
        Ok(ConnectionState::WriteTraffic(mut traffic)) => {
            append(outgoing, OVERHEAD + 2, |room| traffic.queue_close_notify(room)).map_err(io::Error::other)
        }
        _ => Ok(()),
    }
}

/// Puts what TLS has to say for itself behind `outgoing`.
pub(super) fn encode<D>(data: &mut EncodeTlsData<'_, D>, outgoing: &mut Vec<u8>) -> Result<(), EncryptError> {
    append(outgoing, 0, |room| match data.encode(room) {
        Err(EncodeError::InsufficientSize(size)) => Err(EncryptError::InsufficientSize(size)),
        Ok(count) => Ok(count),
        Err(EncodeError::AlreadyEncoded) => Ok(0),
    })
}

/// Lets `write` put something behind `outgoing`, into as much room or into as much as it says that it needs.
fn append(
    outgoing: &mut Vec<u8>,
    mut room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), EncryptError> {
    let start = outgoing.len();
    loop {
        outgoing.resize(start + room, 0);
        let written = write(&mut outgoing[start..]);
        outgoing.truncate(start + *written.as_ref().unwrap_or(&0));
        match written {
            Ok(_) => return Ok(()),
            Err(EncryptError::InsufficientSize(size)) => room = size.required_size,
            Err(error) => return Err(error),
        }
    }
}
