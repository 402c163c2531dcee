//! The raw limit: plain datagrams, not sealed and not acknowledged, to a crowd of sockets that only count them. A datagram
//! begins with its number, 8 bytes, big-endian.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};

use crate::machine;
use crate::window::{REST, Window};

/// Sockets that one thread drains, each of which counts what it gets.
#[derive(Debug)]
pub struct Crowd {
    addresses: Vec<SocketAddr>,
    window: Arc<Window>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Crowd {
    /// Opens `size` sockets and drains them in a thread on processor `cpu`, at most `in_flight` datagrams of each.
    ///
    /// # Errors
    /// So many sockets cannot be opened.
    pub fn gather(size: usize, in_flight: u64, cpu: usize) -> io::Result<Self> {
        let mut sockets = Vec::with_capacity(size);
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        for index in 0..size {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            socket.set_nonblocking(true)?;
            socket2::SockRef::from(&socket).set_recv_buffer_size(4 * 1024 * 1024)?;
            epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
            sockets.push(socket);
        }
        let addresses = sockets.iter().map(UdpSocket::local_addr).collect::<io::Result<_>>()?;
        let window = Arc::new(Window::new(size));
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (window, stop) = (Arc::clone(&window), Arc::clone(&stop));
            move || {
                machine::pin(cpu);
                drain(&sockets, &epoll, in_flight, &window, &stop)
            }
        });
        Ok(Self { addresses, window, stop, thread: Some(thread) })
    }

    /// Where they are.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What has arrived.
    pub fn window(&self) -> &Window {
        &self.window
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it ended with was seen as messages that did not arrive.
            drop(thread.join());
        }
    }
}

fn drain(sockets: &[UdpSocket], epoll: &Epoll, in_flight: u64, window: &Window, stop: &AtomicBool) -> io::Result<()> {
    let mut events = [EpollEvent::empty(); 256];
    let mut buffer = [0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        let timeout = if window.is_busy() { Duration::ZERO } else { REST };
        let ready = epoll.wait(&mut events, timeout.as_millis() as u16)?;
        let mut count = 0;
        for event in &events[..ready] {
            let socket = &sockets[event.data() as usize];
            // With one in flight a second look would find nothing.
            for _ in 0..in_flight.min(64) {
                match socket.recv(&mut buffer) {
                    Ok(_) => {
                        let number = buffer.first_chunk().map_or(0, |number| u64::from_be_bytes(*number));
                        window.arrived(number);
                        count += 1;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error),
                }
            }
        }
        window.count(count);
    }
    Ok(())
}

/// How plain datagrams are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// `sendmmsg`, 64 datagrams in each call.
    Batches,
    /// `send_to` for each.
    Loop,
}

/// Datagrams in one call of `sendmmsg`.
const BATCH: usize = 64;

/// Sends the same datagram to everybody in a crowd.
#[derive(Debug)]
pub struct Sender {
    socket: UdpSocket,
    addresses: Vec<SocketAddr>,
    raw: Vec<Option<SockaddrIn>>,
    headers: MultiHeaders<SockaddrIn>,
}

impl Sender {
    /// A sender to these addresses, all of them IPv4.
    ///
    /// # Errors
    /// No socket can be opened.
    pub fn new(addresses: &[SocketAddr]) -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket2::SockRef::from(&socket).set_send_buffer_size(2 * 1024 * 1024)?;
        let raw = addresses.iter().map(|address| match address {
            SocketAddr::V4(address) => Some((*address).into()),
            SocketAddr::V6(_) => None,
        });
        let headers = MultiHeaders::preallocate(BATCH, None);
        Ok(Self { socket, addresses: addresses.to_vec(), raw: raw.collect(), headers })
    }

    /// Sends `bytes` to everybody once.
    ///
    /// # Errors
    /// The system takes no more.
    pub fn send(&mut self, bytes: &[u8], way: Way) -> io::Result<()> {
        match way {
            Way::Loop => self.addresses.iter().try_for_each(|to| self.socket.send_to(bytes, to).map(drop)),
            Way::Batches => {
                let slices = [[IoSlice::new(bytes)]; BATCH];
                for mut to in self.raw.chunks(BATCH) {
                    while !to.is_empty() {
                        let (fd, flags) = (self.socket.as_raw_fd(), MsgFlags::empty());
                        let sent = sendmmsg(fd, &mut self.headers, &slices[..to.len()], to, [], flags)?;
                        to = &to[sent.count()..];
                    }
                }
                Ok(())
            }
        }
    }
}
