//! One connection: bytes become frames for the machine, and its frames become bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use chat_core::id::ConnId;
use chat_core::wire::frame::{FrameDecoder, MAX_GUEST_FRAME};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::driver::Event;

/// Splits what arrives into frames, and writes what is queued, until either ends.
pub(crate) async fn serve_connection(
    conn: ConnId,
    mut stream: TcpStream,
    events: mpsc::Sender<Event>,
    mut queued: mpsc::Receiver<Bytes>,
    max_frame: Arc<AtomicUsize>,
) {
    let (mut reader, mut writer) = stream.split();
    let reading = async {
        let mut decoder = FrameDecoder::new(MAX_GUEST_FRAME);
        // Wiped, because it may contain a password.
        let mut buffer = Zeroizing::new([0; 4_096]);
        while let Ok(length @ 1..) = reader.read(&mut buffer[..]).await {
            let mut input = &buffer[..length];
            loop {
                decoder.set_limit(max_frame.load(Ordering::Relaxed));
                match decoder.next(&mut input) {
                    Ok(Some(frame)) => drop(events.send(Event::Frame(conn, frame)).await),
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    };
    let writing = async {
        while let Some(bytes) = queued.recv().await {
            if writer.write_all(&bytes).await.is_err() {
                return;
            }
            if queued.is_empty() {
                drop(events.send(Event::Drained(conn)).await);
            }
        }
        drop(writer.shutdown().await);
    };
    tokio::select! {
        () = reading => {}
        () = writing => {}
    }
    drop(events.send(Event::Closed(conn)).await);
}
