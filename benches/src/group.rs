//! A sender and its receivers on real sockets, through [`chat_net::peers`]: sealed, acknowledged, in order, with outcomes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use chat_core::peer::{Output, PeerConfig};
use chat_core::roster::Entry;
use chat_net::peers::{Endpoint, EndpointOptions};
use tokio::runtime::{Builder, Runtime};

use crate::machine;
use crate::window::{REST, Window};

/// Receivers in one thread, each of which knows the sender only.
#[derive(Debug)]
pub struct Group {
    window: Arc<Window>,
    disorder: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What the links of a benchmark are like: everything as usual, but nobody is slowed down for talking much.
pub fn peer_config() -> PeerConfig {
    PeerConfig { rate: 0, window: 1024 * 1024, ..PeerConfig::default() }
}

/// A runtime for one thread.
///
/// # Errors
/// The system gives none.
pub fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Binds an endpoint on this machine.
///
/// # Errors
/// No socket can be opened.
///
/// # Panics
/// If `user` is no user name.
pub fn endpoint(user: &str) -> io::Result<Endpoint> {
    let user = user.parse().expect("benchmarks use plain names");
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Endpoint::bind(EndpointOptions { peer: peer_config(), ..EndpointOptions::new(user, address) })
}

impl Group {
    /// Opens a sender on `runtime` and `size` receivers who know each other, these to be run by a thread on processor `cpu`.
    ///
    /// # Errors
    /// So many sockets cannot be opened.
    pub fn around_sender(runtime: &Runtime, size: usize, cpu: usize) -> io::Result<(Endpoint, Self)> {
        let guard = runtime.enter();
        let mut sender = endpoint("sender")?;
        drop(guard);
        let (group, entries) = Self::gather(size, &sender.entry(), cpu)?;
        sender.add_to_roster(entries);
        Ok((sender, group))
    }

    /// Opens `size` receivers for `sender`, to be run by a thread on processor `cpu`; gives their roster entries.
    fn gather(size: usize, sender: &Entry, cpu: usize) -> io::Result<(Self, Vec<Entry>)> {
        let mut group =
            Self { window: Arc::new(Window::new(size)), disorder: Arc::default(), stop: Arc::default(), thread: None };
        let (tell, told) = std::sync::mpsc::channel();
        let (window, disorder) = (Arc::clone(&group.window), Arc::clone(&group.disorder));
        let (stop, sender) = (Arc::clone(&group.stop), sender.clone());
        let thread = std::thread::spawn(move || {
            machine::pin(cpu);
            let entries = runtime().and_then(|runtime| {
                let guard = runtime.enter();
                let endpoints: Vec<_> =
                    (0..size).map(|index| endpoint(&format!("peer{index}"))).collect::<io::Result<_>>()?;
                drop(guard);
                Ok((runtime, endpoints))
            });
            let (runtime, endpoints) = match entries {
                Ok(parts) => parts,
                Err(error) => return drop(tell.send(Err(error))),
            };
            let entries = endpoints.iter().map(Endpoint::entry).collect();
            for mut endpoint in endpoints {
                endpoint.add_to_roster([sender.clone()]);
                let (window, disorder) = (Arc::clone(&window), Arc::clone(&disorder));
                runtime.spawn(async move { receive(endpoint, &window, &disorder).await });
            }
            drop(tell.send(Ok(entries)));
            runtime.block_on(async {
                while !stop.load(Ordering::Relaxed) {
                    if window.is_busy() {
                        tokio::task::yield_now().await;
                    } else {
                        tokio::time::sleep(REST).await;
                    }
                }
            });
        });
        group.thread = Some(thread);
        let entries = told.recv().unwrap_or_else(|_| Err(io::Error::other("the receiving thread ended")))?;
        Ok((group, entries))
    }

    /// What has arrived.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// How many messages came twice or out of order.
    pub fn disorder(&self) -> u64 {
        self.disorder.load(Ordering::Acquire)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it ended with was seen as messages that did not arrive.
            drop(thread.join());
        }
    }
}

async fn receive(mut endpoint: Endpoint, window: &Window, disorder: &AtomicU64) {
    let mut events = Vec::new();
    let mut last = 0;
    loop {
        endpoint.next(&mut events).await;
        let mut count = 0;
        for event in events.drain(..) {
            if let Output::Deliver { message, .. } = event {
                count += 1;
                if message.id.number != last + 1 {
                    disorder.fetch_add(1, Ordering::Relaxed);
                }
                last = message.id.number;
                window.arrived(last);
            }
        }
        window.count(count);
    }
}
