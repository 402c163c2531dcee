//! Reads frames from a byte stream.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use chat_core::wire::frame::{FrameDecoder, FrameError};
use tokio::io::{AsyncRead, ReadBuf};
use zeroize::{Zeroize, Zeroizing};

/// The size of one read. The buffer is on the stack and wiped: an idle connection has none, and no password stays in
/// it.
const READ: usize = 4096;

/// Reads frames. Between two calls it keeps the bytes after the last frame.
pub(crate) struct FrameReader<R> {
    stream: R,
    decoder: FrameDecoder,
    /// Bytes after the last returned frame, from `at` on. Usually empty, without an allocation.
    rest: Zeroizing<Vec<u8>>,
    at: usize,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(stream: R, limit: usize) -> Self {
        Self { stream, decoder: FrameDecoder::new(limit), rest: Zeroizing::default(), at: 0 }
    }

    pub(crate) fn into_inner(self) -> R {
        self.stream
    }

    /// Reads the payload of the next frame. `None` if the stream ends between two frames. `limit` is called once per
    /// read, so a raised limit applies to the next bytes.
    ///
    /// # Cancel safety
    /// Cancel safe: the next call continues where this one stopped.
    pub(crate) async fn next(&mut self, limit: impl Fn() -> usize) -> Result<Option<Zeroizing<Vec<u8>>>, ReadError> {
        poll_fn(|cx| self.poll_next(cx, &limit)).await
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        limit: &impl Fn() -> usize,
    ) -> Poll<Result<Option<Zeroizing<Vec<u8>>>, ReadError>> {
        loop {
            if self.at < self.rest.len() {
                let mut input = &self.rest[self.at..];
                let frame = self.decoder.next(&mut input)?;
                self.at = self.rest.len() - input.len();
                if self.at == self.rest.len() {
                    self.rest = Zeroizing::default();
                    self.at = 0;
                }
                if let Some(frame) = frame {
                    return Poll::Ready(Ok(Some(frame)));
                }
            }
            let mut stack = [const { MaybeUninit::uninit() }; READ];
            let mut buffer = ReadBuf::uninit(&mut stack);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                let clean = self.decoder.is_between_frames();
                return Poll::Ready(if clean { Ok(None) } else { Err(ReadError::HalfFrame) });
            }
            self.decoder.set_limit(limit());
            let mut input = buffer.filled();
            let frame = self.decoder.next(&mut input);
            if !input.is_empty() {
                self.rest = Zeroizing::new(input.to_vec());
            }
            buffer.filled_mut().zeroize();
            if let Some(frame) = frame? {
                return Poll::Ready(Ok(Some(frame)));
            }
        }
    }
}

/// Why no further frame can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the stream ended in the middle of a frame")]
    HalfFrame,
}

#[cfg(test)]
mod tests {
    use chat_core::wire::frame;
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn frames(payloads: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        for payload in payloads {
            frame::encode_raw(payload, &mut out);
        }
        out
    }

    #[tokio::test]
    async fn frames_of_one_read_are_returned_one_by_one() {
        let bytes = frames(&[b"a", b"", &[7; 9_000], b"b"]);
        let mut reader = FrameReader::new(&bytes[..], 10_000);
        let mut lengths = Vec::new();
        while let Some(frame) = reader.next(|| 10_000).await.unwrap() {
            lengths.push(frame.len());
        }
        assert_eq!(lengths, [1, 0, 9_000, 1]);
    }

    #[tokio::test]
    async fn a_cancelled_read_loses_nothing() {
        let bytes = frames(&[b"first", b"second"]);
        let (mut near, far) = tokio::io::duplex(64);
        let mut reader = FrameReader::new(far, 100);
        for cut in [&bytes[..3], &bytes[3..6], &bytes[6..12]] {
            near.write_all(cut).await.unwrap();
            tokio::select! {
                biased;
                frame = reader.next(|| 100) => assert_eq!(&frame.unwrap().unwrap()[..], b"first"),
                () = std::future::ready(()) => {}
            }
        }
        near.write_all(&bytes[12..]).await.unwrap();
        drop(near);
        assert_eq!(&reader.next(|| 100).await.unwrap().unwrap()[..], b"second");
        assert!(reader.next(|| 100).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_truncated_frame_and_a_frame_beyond_the_limit_are_errors() {
        let bytes = frames(&[b"first"]);
        let mut reader = FrameReader::new(&bytes[..7], 100);
        assert!(matches!(reader.next(|| 100).await, Err(ReadError::HalfFrame)));
        let mut reader = FrameReader::new(&[0xff; 8][..], 100);
        assert!(matches!(reader.next(|| 100).await, Err(ReadError::Frame(FrameError::TooLong { .. }))));
    }

    #[tokio::test]
    async fn a_raised_limit_applies_to_the_next_bytes() {
        let bytes = frames(&[b"12345"]);
        let mut reader = FrameReader::new(&bytes[..], 1);
        assert!(reader.next(|| 5).await.unwrap().is_some());
    }
}
