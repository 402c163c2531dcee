//! The threads that talk to a server, or run one: the only place with a runtime.
//!
//! Both queues are bounded. Behind a full queue of happenings waits the library's own, whose senders wait in turn.

mod client;
pub mod disk;
mod server;
mod trust;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::thread;

use chat_cli::server_desktop::ServerDesktopOptions;
use tokio::sync::mpsc;

pub(crate) use self::server::MAX_ACCOUNTS;

use crate::model::exchange::{Happening, Wish};
use crate::model::server::exchange::{Happening as ServerHappening, Wish as ServerWish};

/// The most wishes that wait. The window makes a few in a frame and repeats those that found no room.
const MAX_WISHES: usize = 64;

/// The most happenings that wait for the window.
const MAX_HAPPENINGS: usize = 1_024;

/// The window's end of the two queues.
#[derive(Debug)]
pub struct Port<W = Wish, H = Happening> {
    /// What the window wishes for.
    pub wishes: mpsc::Sender<W>,
    /// What happened.
    pub happenings: mpsc::Receiver<H>,
}

/// The other end of the two queues.
#[derive(Debug)]
pub struct FarPort<W = Wish, H = Happening> {
    /// What the window wishes for.
    pub wishes: mpsc::Receiver<W>,
    /// What happened.
    pub happenings: mpsc::Sender<H>,
}

/// The ends of the queues of a server's window.
pub type ServerPort = Port<ServerWish, ServerHappening>;

/// Two ends of two queues.
pub fn ports<W, H>() -> (Port<W, H>, FarPort<W, H>) {
    let (wishes, wished) = mpsc::channel(MAX_WISHES);
    let (happened, happenings) = mpsc::channel(MAX_HAPPENINGS);
    (Port { wishes, happenings }, FarPort { wishes: wished, happenings: happened })
}

/// The running thread. It ends, after a goodbye, when the port is dropped.
#[derive(Debug)]
pub struct Runtime<W = Wish, H = Happening> {
    port: Port<W, H>,
    thread: thread::JoinHandle<()>,
}

impl Runtime {
    /// Starts the thread that talks to a server. It calls `wake` when something happened.
    ///
    /// # Errors
    /// The system grants no thread or no runtime.
    pub fn start(wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        Self::spawn(|far| client::run(far, Arc::new(wake)))
    }
}

impl Runtime<ServerWish, ServerHappening> {
    /// Starts the thread that runs a server. It calls `wake` when something happened.
    ///
    /// # Errors
    /// The system grants no thread or no runtime.
    pub fn start_server(options: ServerDesktopOptions, wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        Self::spawn(|far| server::run(options, far, Arc::new(wake)))
    }
}

impl<W: Send + 'static, H: Send + 'static> Runtime<W, H> {
    fn spawn<F: Future<Output = ()> + Send + 'static>(run: impl FnOnce(FarPort<W, H>) -> F) -> io::Result<Self> {
        let (port, far) = ports();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let run = run(far);
        let thread = thread::Builder::new().name("chat".to_owned()).spawn(move || runtime.block_on(run))?;
        Ok(Self { port, thread })
    }

    /// The queues. The thread ends by itself.
    pub fn into_port(self) -> Port<W, H> {
        self.port
    }

    /// The queues and the thread, for those who wait for its end.
    pub fn into_parts(self) -> (Port<W, H>, thread::JoinHandle<()>) {
        (self.port, self.thread)
    }
}

/// Tells the window what happened, and wakes it.
struct Teller<H> {
    happenings: mpsc::Sender<H>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl<H> Teller<H> {
    fn new(happenings: mpsc::Sender<H>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { happenings, wake }
    }

    /// Waits while the queue is full. A window that is gone hears nothing, which its end of the other queue tells too.
    async fn tell(&self, happening: H) {
        let _gone = self.happenings.send(happening).await;
        (self.wake)();
    }

    /// Whether the window is still there.
    fn is_heard(&self) -> bool {
        !self.happenings.is_closed()
    }
}

impl<H> Clone for Teller<H> {
    fn clone(&self) -> Self {
        Self { happenings: self.happenings.clone(), wake: Arc::clone(&self.wake) }
    }
}
