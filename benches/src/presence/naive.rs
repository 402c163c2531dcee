//! The naive design for comparison: a list of users under a lock, a queue for each client, and the whole roster sent to
//! every client on every change. It has less to do than the real server: it checks no passwords or tickets, keeps no
//! log, and encodes the roster only once per change.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chat_core::extras::Extras;
use chat_core::id::{Epoch, Revision};
use chat_core::name::UserName;
use chat_core::roster::Entry;
use chat_core::time::Timestamp;
use chat_core::wire::control::{Reply, Request, Timings, Welcome, WelcomeKind};
use chat_core::wire::frame::{self, FrameDecoder, MAX_FRAME};
use chat_core::wire::hello::Hello;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;

use super::floor::listen;
use super::{net, tls};

/// Entries in a snapshot page. With one IPv4 address each, they fit into a frame.
const PAGE: usize = 500;

/// Serves until the process is killed.
///
/// # Errors
/// Returns an error if the listener cannot be opened or fails, or if the identity in the data directory is unusable.
pub async fn serve(data: &Path) -> io::Result<()> {
    let tls = tls::server(&data.join("identity.pem"))?;
    let listener = listen()?;
    let room = Arc::new(Room::default());
    loop {
        let (stream, from) = listener.accept().await?;
        let (tls, room) = (tls.clone(), Arc::clone(&room));
        tokio::spawn(async move {
            let mut user = None;
            // Whether the connection ended cleanly or not, its user leaves.
            drop(guest(stream, from, tls, &room, &mut user).await);
            if let Some(user) = user {
                room.change(|all| drop(all.remove(&user)));
            }
        });
    }
}

/// The revision, and the users that are online.
#[derive(Debug, Default)]
struct Room {
    state: Mutex<(u64, BTreeMap<UserName, OnlineUser>)>,
}

#[derive(Debug)]
struct OnlineUser {
    entry: Entry,
    queue: UnboundedSender<Bytes>,
}

impl Room {
    /// Applies a change and queues the whole roster for every user.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<UserName, OnlineUser>)) {
        let mut state: MutexGuard<'_, _> = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (revision, all) = &mut *state;
        change(all);
        *revision += 1;
        let mut bytes = Vec::new();
        let entries: Vec<Entry> = all.values().map(|present| present.entry.clone()).collect();
        entries.chunks(PAGE).for_each(|page| frame::encode(&Reply::SnapshotPage(page.to_vec()), &mut bytes));
        let (epoch, revision) = (Epoch::new(1), Revision::new(*revision));
        frame::encode(&Reply::SnapshotComplete { epoch, revision }, &mut bytes);
        let bytes = Bytes::from(bytes);
        // A send fails only if the user's connection has ended; its task then removes the user.
        all.values().for_each(|present| drop(present.queue.send(bytes.clone())));
    }
}

async fn guest(
    stream: TcpStream,
    from: SocketAddr,
    tls: TlsAcceptor,
    room: &Room,
    user: &mut Option<UserName>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = tls.accept(stream).await?;
    let (queue, mut queued) = unbounded_channel::<Bytes>();
    let mut decoder = FrameDecoder::new(MAX_FRAME);
    let mut read = [0; 4096];
    let mut said_hello = false;
    loop {
        tokio::select! {
            count = stream.read(&mut read) => {
                let mut input = &read[..count?];
                if input.is_empty() {
                    return Ok(());
                }
                while let Some(payload) = decoder.next(&mut input).map_err(io::Error::other)? {
                    if !std::mem::replace(&mut said_hello, true) {
                        let mut bytes = Vec::new();
                        frame::encode_raw(&Hello::OURS.encode(), &mut bytes);
                        stream.write_all(&bytes).await?;
                        stream.flush().await?;
                        continue;
                    }
                    match Request::decode(&payload).map_err(io::Error::other)? {
                        Request::Login(enter) => {
                            let name: UserName = enter.user.parse().map_err(io::Error::other)?;
                            let entry = Entry {
                                user: name.clone(),
                                key: enter.key,
                                addresses: vec![SocketAddr::new(from.ip(), enter.offer.port)],
                                since: now(),
                                versions: enter.versions,
                                extras: Extras::default(),
                            };
                            let welcome = welcome(entry.clone(), from);
                            queue.send(encoded(&Reply::Welcome(welcome))).map_err(io::Error::other)?;
                            *user = Some(name.clone());
                            let present = OnlineUser { entry, queue: queue.clone() };
                            room.change(|all| drop(all.insert(name, present)));
                        }
                        Request::Heartbeat { number } => {
                            queue.send(encoded(&Reply::Heartbeat { number, at: now() })).map_err(io::Error::other)?;
                        }
                        Request::Leave => return stream.shutdown().await,
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

fn encoded(reply: &Reply) -> Bytes {
    let mut bytes = Vec::new();
    frame::encode(reply, &mut bytes);
    bytes.into()
}

fn now() -> Timestamp {
    Timestamp::from_millis(net::wall() / 1_000_000)
}
