//! The thread that talks to the server: the only place with a runtime.
//!
//! Both queues are bounded. Behind a full queue of happenings waits the library's own, whose senders wait in turn.

mod client;
pub mod disk;
mod trust;

use std::io;
use std::thread;

use tokio::sync::mpsc;

use crate::model::exchange::{Happening, Wish};

/// The most wishes that wait. The window makes a few in a frame and repeats those that found no room.
const MAX_WISHES: usize = 64;

/// The most happenings that wait for the window.
const MAX_HAPPENINGS: usize = 1_024;

/// The window's end of the two queues.
#[derive(Debug)]
pub struct Port {
    /// What the window wishes for.
    pub wishes: mpsc::Sender<Wish>,
    /// What happened.
    pub happenings: mpsc::Receiver<Happening>,
}

/// The other end of the two queues.
#[derive(Debug)]
pub struct FarPort {
    /// What the window wishes for.
    pub wishes: mpsc::Receiver<Wish>,
    /// What happened.
    pub happenings: mpsc::Sender<Happening>,
}

/// Two ends of two queues.
pub fn ports() -> (Port, FarPort) {
    let (wishes, wished) = mpsc::channel(MAX_WISHES);
    let (happened, happenings) = mpsc::channel(MAX_HAPPENINGS);
    (Port { wishes, happenings }, FarPort { wishes: wished, happenings: happened })
}

/// The running thread. It ends, after a goodbye to the server, when the port is dropped.
#[derive(Debug)]
pub struct Runtime {
    port: Port,
    thread: thread::JoinHandle<()>,
}

impl Runtime {
    /// Starts the thread. It calls `wake` when something happened.
    ///
    /// # Errors
    /// The system grants no thread or no runtime.
    pub fn start(wake: impl Fn() + Send + Sync + 'static) -> io::Result<Self> {
        let (port, far) = ports();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name("chat".to_owned())
            .spawn(move || runtime.block_on(client::run(far, std::sync::Arc::new(wake))))?;
        Ok(Self { port, thread })
    }

    /// The queues. The thread ends by itself.
    pub fn into_port(self) -> Port {
        self.port
    }

    /// The queues and the thread, for those who wait for its end.
    pub fn into_parts(self) -> (Port, thread::JoinHandle<()>) {
        (self.port, self.thread)
    }
}
