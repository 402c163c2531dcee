//! Reads keys from the terminal.

use std::collections::VecDeque;
use std::io;

use zeroize::{Zeroize, Zeroizing};

use super::keys::{Key, KeyDecoder};
use crate::platform::terminal::{ControlCharacters, KeyInput};

/// The most bytes that one call reads: the size of the input queue of a Linux terminal.
const BUFFER_BYTES: usize = 4_096;

/// Keys from standard input. They may be passwords, so their bytes are wiped from the buffer.
pub(super) struct KeyReader {
    controls: ControlCharacters,
    input: KeyInput,
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
        Self { controls, input: KeyInput::new(), decoder, keys, buffer: Zeroizing::new([0; BUFFER_BYTES]) }
    }

    /// Whether no key has been read ahead, so that [`Self::next`] waits.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Waits for the next key. `None` at the end of the input.
    pub(super) fn next(&mut self) -> io::Result<Option<Key>> {
        while self.keys.is_empty() {
            match self.input.read(self.buffer.as_mut_slice())? {
                0 => return Ok(None),
                bytes => {
                    self.buffer[..bytes].iter().for_each(|&byte| self.decoder.decode(byte, &mut self.keys));
                    self.buffer.zeroize();
                }
            }
        }
        Ok(self.keys.pop_front())
    }

    /// Discards everything that was typed until now.
    pub(super) fn discard(&mut self) -> TypedAhead {
        let is_waiting = self.input.discard();
        let nothing = self.keys.is_empty() && !is_waiting;
        self.keys.clear();
        self.decoder = KeyDecoder::new(self.controls);
        if nothing { TypedAhead::Nothing } else { TypedAhead::Some }
    }
}
