//! The naive design for comparison: a list of users under a lock, a queue for each client, and the whole roster sent to
//! every client on every change. It has less to do than the real server: it checks no passwords or tickets, keeps no
//! log, and encodes the roster only once per change.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chat_core::extras::Extras;
use chat_core::id::{Epoch, Revision};
use chat_core::name::UserName;
use chat_core::roster::Entry;
use chat_core::time::Timestamp;
use chat_core::wire::control::{Login, Reply, Request, Timings, Welcome, WelcomeKind};
use chat_core::wire::frame::{self, FrameDecoder, MAX_FRAME};
use chat_core::wire::hello::Hello;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::server::TlsStream;

use super::floor::accept_all;
use super::{encoded, net};

/// Entries in a snapshot page. With one IPv4 address each, they fit into a frame.
const PAGE: usize = 500;

/// Serves until the process is killed.
pub(super) async fn serve(data: &Path) -> io::Result<()> {
    let room = Arc::new(Room::default());
    accept_all(data, move |stream, from| {
        let room = Arc::clone(&room);
        async move {
            let mut user = None;
            let result = follow(stream, from, &room, &mut user).await;
            // The user leaves, whether or not the connection ended cleanly.
            if let Some(user) = user {
                room.change(|online| drop(online.remove(&user)));
            }
            result
        }
    })
    .await
}

/// The revision, and the users that are online with their queues.
#[derive(Debug, Default)]
struct Room(Mutex<(u64, Online)>);

type Online = BTreeMap<UserName, (Entry, UnboundedSender<Bytes>)>;

impl Room {
    /// Applies a change and queues the whole roster for every user.
    fn change(&self, change: impl FnOnce(&mut Online)) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (revision, online) = &mut *state;
        change(online);
        *revision += 1;
        let mut bytes = Vec::new();
        let entries: Vec<Entry> = online.values().map(|(entry, _)| entry.clone()).collect();
        entries.chunks(PAGE).for_each(|page| frame::encode(&Reply::SnapshotPage(page.to_vec()), &mut bytes));
        let (epoch, revision) = (Epoch::new(1), Revision::new(*revision));
        frame::encode(&Reply::SnapshotComplete { epoch, revision }, &mut bytes);
        let bytes = Bytes::from(bytes);
        // A send fails only if the user's connection has ended; its task then removes the user.
        online.values().for_each(|(_, queue)| drop(queue.send(bytes.clone())));
    }
}

/// Serves one connection. Stores the user that logged in.
async fn follow(
    mut stream: TlsStream<TcpStream>,
    from: SocketAddr,
    room: &Room,
    user: &mut Option<UserName>,
) -> io::Result<()> {
    let (queue, mut queued) = unbounded_channel::<Bytes>();
    let send = |reply: &Reply| queue.send(encoded(reply).into()).map_err(io::Error::other);
    let (mut decoder, mut buffer) = (FrameDecoder::new(MAX_FRAME), [0; 4096]);
    let mut has_hello = false;
    loop {
        tokio::select! {
            count = stream.read(&mut buffer) => {
                let mut input = &buffer[..count?];
                if input.is_empty() {
                    return Ok(());
                }
                while let Some(payload) = decoder.next(&mut input).map_err(io::Error::other)? {
                    if !std::mem::replace(&mut has_hello, true) {
                        let mut bytes = Vec::new();
                        frame::encode_raw(&Hello::OURS.encode(), &mut bytes);
                        queue.send(bytes.into()).map_err(io::Error::other)?;
                        continue;
                    }
                    match Request::decode(&payload).map_err(io::Error::other)? {
                        Request::Login(login) => {
                            let entry = entry(&login, from)?;
                            let name = user.insert(entry.user.clone()).clone();
                            send(&Reply::Welcome(welcome(entry.clone(), from)))?;
                            room.change(|online| drop(online.insert(name, (entry, queue.clone()))));
                        }
                        Request::Heartbeat { number } => send(&Reply::Heartbeat { number, at: now() })?,
                        _ => {}
                    }
                }
            }
            Some(bytes) = queued.recv() => {
                stream.write_all(&bytes).await?;
                stream.flush().await?;
            }
        }
    }
}

fn entry(login: &Login<'_>, from: SocketAddr) -> io::Result<Entry> {
    Ok(Entry {
        user: login.user.parse().map_err(io::Error::other)?,
        key: login.key,
        addresses: vec![SocketAddr::new(from.ip(), login.offer.port)],
        since: now(),
        versions: login.versions,
        extras: Extras::default(),
    })
}

fn welcome(entry: Entry, observed: SocketAddr) -> Welcome {
    Welcome {
        kind: WelcomeKind::LoggedIn,
        entry,
        at: now(),
        observed,
        timings: Timings { heartbeat_ms: 10_000, silence_ms: 25_000, grace_ms: 15_000 },
        ticket: Vec::new(),
        settling_ms: 0,
        extras: Extras::default(),
    }
}

fn now() -> Timestamp {
    Timestamp::from_millis(net::wall_nanos() / 1_000_000)
}
