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
    /// Starts the thread that talks to a server. It calls `wake` when something happened, and says goodbye when `stop`
    /// resolves.
    ///
    /// # Errors
    /// The system grants no thread or no runtime.
    pub fn start(
        stop: impl Future<Output = ()> + Send + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::spawn(wake, stop, (Wish::Leave, Happening::StopRequested), client::run)
    }
}

impl Runtime<ServerWish, ServerHappening> {
    /// Starts the thread that runs a server. It calls `wake` when something happened, and stops the server when `stop`
    /// resolves.
    ///
    /// # Errors
    /// The system grants no thread or no runtime.
    pub fn start_server(
        options: ServerDesktopOptions,
        stop: impl Future<Output = ()> + Send + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let last = (ServerWish::Stop, ServerHappening::StopRequested);
        Self::spawn(wake, stop, last, |wishes, tell| server::run(options, wishes, tell))
    }
}

impl<W: Send + 'static, H: Send + 'static> Runtime<W, H> {
    /// Starts a thread that fulfils wishes with `run`. When `stop` resolves, the window is told so, and the wish that says
    /// goodbye is fulfilled without it: a window that is minimised may not run.
    fn spawn<F: Future<Output = ()> + Send + 'static>(
        wake: impl Fn() + Send + Sync + 'static,
        stop: impl Future<Output = ()> + Send + 'static,
        (goodbye, stopping): (W, H),
        run: impl FnOnce(mpsc::Receiver<W>, Teller<H>) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let (port, FarPort { wishes, happenings }) = ports();
        // Not a sender of its own, which would hide that the window is gone.
        let own_wishes = port.wishes.downgrade();
        let tell = Teller::new(happenings, Arc::new(wake));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let running = async move {
            let (run, teller) = (run(wishes, tell.clone()), tell);
            tokio::spawn(async move {
                stop.await;
                if let Some(wishes) = own_wishes.upgrade() {
                    // The window may be gone by now, which says goodbye too.
                    let (_told, _gone) = tokio::join!(teller.tell(stopping), wishes.send(goodbye));
                }
            });
            run.await;
        };
        let thread = thread::Builder::new().name("chat".to_owned()).spawn(move || runtime.block_on(running))?;
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

    /// Whether the window takes another happening at once. One that is minimised may not.
    fn has_room(&self) -> bool {
        self.happenings.capacity() > 0
    }
}

impl<H> Clone for Teller<H> {
    fn clone(&self) -> Self {
        Self { happenings: self.happenings.clone(), wake: Arc::clone(&self.wake) }
    }
}
