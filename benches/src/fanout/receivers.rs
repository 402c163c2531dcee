//! The thread in which all receivers of a contender run.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use super::window::{IDLE_CHECK, Window};
use crate::machine;

/// The processor of the receiving thread. The sender has processor 0.
const PROCESSOR: usize = 1;

/// The receivers of one contender. Dropping it stops their thread and closes their sockets.
#[derive(Debug)]
pub(super) struct Receivers {
    pub(super) window: Arc<Window>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Receivers {
    /// Starts a thread for `count` receivers that calls `run`, which returns once the window is stopped.
    pub(super) fn start(count: usize, run: impl FnOnce(&Arc<Window>) -> io::Result<()> + Send + 'static) -> Self {
        let window = Arc::new(Window::new(count));
        let thread = std::thread::spawn({
            let window = Arc::clone(&window);
            move || {
                machine::pin(PROCESSOR);
                run(&window)
            }
        });
        Self { window, thread: Some(thread) }
    }

    /// Starts a thread that calls `receive` with each readable socket and its index. `receive` returns how many messages
    /// it received.
    pub(super) fn poll<S: AsFd + Send + 'static>(
        mut sockets: Vec<S>,
        mut receive: impl FnMut(usize, &mut S, &Window) -> io::Result<u64> + Send + 'static,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for (index, socket) in sockets.iter().enumerate() {
            epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
        }
        Ok(Self::start(sockets.len(), move |window| {
            let mut events = [EpollEvent::empty(); 256];
            while !window.is_stopped.load(Ordering::Acquire) {
                let timeout = if window.is_running.load(Ordering::Acquire) { Duration::ZERO } else { IDLE_CHECK };
                let ready = match epoll.wait(&mut events, timeout.as_millis() as u16) {
                    Err(Errno::EINTR) => 0,
                    ready => ready?,
                };
                let mut count = 0;
                for event in &events[..ready] {
                    let index = event.data() as usize;
                    count += receive(index, &mut sockets[index], window)?;
                }
                window.count(count);
            }
            Ok(())
        }))
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        self.window.is_stopped.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // If the thread failed, the run has counted the missing messages as lost.
            drop(thread.join());
        }
    }
}

/// The number of bytes that a call of a nonblocking socket moved, or `None` if it would have to wait.
pub(super) fn would_block_as_none(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
