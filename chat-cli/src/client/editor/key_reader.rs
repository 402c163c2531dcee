//! Reads keys from the terminal.

use std::collections::VecDeque;
use std::io;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, ioctl_fionread, read};
use rustix::termios::{QueueSelector, tcflush};
use zeroize::{Zeroize, Zeroizing};

use super::keys::{Key, KeyDecoder};
use crate::client::raw_mode::ControlCharacters;

/// The most bytes that one call reads: the size of the input queue of a Linux terminal.
const BUFFER_BYTES: usize = 4_096;

/// Keys from standard input. They may be passwords, so their bytes are wiped from the buffer.
pub(super) struct KeyReader {
    controls: ControlCharacters,
    decoder: KeyDecoder,
    keys: VecDeque<Key>,
    buffer: Zeroizing<[u8; BUFFER_BYTES]>,
}

/// Whether something was typed before it was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TypedAhead {
    Nothing,
    Some,
}

impl KeyReader {
    pub(super) fn new(controls: ControlCharacters) -> Self {
        let (decoder, keys) = (KeyDecoder::new(controls), VecDeque::new());
        Self { controls, decoder, keys, buffer: Zeroizing::new([0; BUFFER_BYTES]) }
    }

    /// Whether no key has been read ahead, so that [`Self::next`] waits.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Waits for the next key. `None` at the end of the input.
    pub(super) fn next(&mut self) -> io::Result<Option<Key>> {
        while self.keys.is_empty() {
            match read(io::stdin(), self.buffer.as_mut_slice()) {
                Ok(0) => return Ok(None),
                Ok(bytes) => {
                    self.buffer[..bytes].iter().for_each(|&byte| self.decoder.decode(byte, &mut self.keys));
                    self.buffer.zeroize();
                }
                Err(Errno::INTR) => {}
                // Another program has left the terminal in non-blocking mode.
                Err(Errno::AGAIN) => wait_for_input()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.keys.pop_front())
    }

    /// Discards everything that was typed until now.
    pub(super) fn discard(&mut self) -> TypedAhead {
        // If the terminal does not report it, only keys that were already read count.
        let waiting = ioctl_fionread(io::stdin()).unwrap_or(0);
        let nothing = self.keys.is_empty() && waiting == 0;
        let _refused = tcflush(io::stdin(), QueueSelector::IFlush);
        self.keys.clear();
        self.decoder = KeyDecoder::new(self.controls);
        if nothing { TypedAhead::Nothing } else { TypedAhead::Some }
    }
}

fn wait_for_input() -> io::Result<()> {
    let stdin = io::stdin();
    match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
