//! Message brokers with the plainest clients there can be, which is their best case: no library, nothing is looked at
//! but the number of bytes, because all messages are equally long.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};

use crate::contest::{Run, Watch};
use crate::machine;
use crate::window::{REST, Window};

/// A broker that this machine may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broker {
    /// NATS at 127.0.0.1:4222.
    Nats,
    /// Redis at 127.0.0.1:6379, by PUBLISH and SUBSCRIBE.
    Redis,
    /// Mosquitto at 127.0.0.1:1883, QoS 0.
    Mosquitto,
}

/// What is said at the beginning, and what a message looks like.
struct Speech {
    address: SocketAddr,
    hello: Vec<u8>,
    /// How the answer to `hello` ends.
    ready: &'static [u8],
    /// The bytes of a message to a subscriber.
    delivered: usize,
    /// A message as it is published.
    published: Vec<u8>,
}

/// How long a broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

impl Broker {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nats, Self::Redis, Self::Mosquitto];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nats => "NATS",
            Self::Redis => "Redis",
            Self::Mosquitto => "Mosquitto",
        }
    }

    /// Messages of `size` bytes on a topic of this process's own; `role` subscribes or does not.
    fn speech(self, size: usize, role: Role) -> Speech {
        let topic = format!("chat-bench-{:08}", std::process::id());
        let payload = "x".repeat(size);
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        match self {
            Self::Nats => {
                let subscribe = if role == Role::Subscriber { format!("SUB {topic} 1\r\n") } else { String::new() };
                Speech {
                    address: at(4222),
                    hello: format!("CONNECT {{\"verbose\":false}}\r\n{subscribe}PING\r\n").into(),
                    ready: b"PONG\r\n",
                    delivered: format!("MSG {topic} 1 {size}\r\n{payload}\r\n").len(),
                    published: format!("PUB {topic} {size}\r\n{payload}\r\n").into(),
                }
            }
            Self::Redis => {
                let (hello, ready): (_, &[u8]) = match role {
                    Role::Subscriber => (bulk(&["SUBSCRIBE", &topic]), b":1\r\n"),
                    Role::Publisher => (bulk(&["PING"]), b"+PONG\r\n"),
                };
                let delivered = bulk(&["message", &topic, &payload]).len();
                Speech { address: at(6379), hello, ready, delivered, published: bulk(&["PUBLISH", &topic, &payload]) }
            }
            Self::Mosquitto => {
                let mut hello = mqtt(0x10, &[b"\0\x04MQTT\x04\x02\0\0\0\0"]);
                let length = (topic.len() as u16).to_be_bytes();
                let published = mqtt(0x30, &[&length, topic.as_bytes(), payload.as_bytes()]);
                let ready: &[u8] = match role {
                    Role::Subscriber => {
                        hello.extend(mqtt(0x82, &[b"\0\x01", &length, topic.as_bytes(), b"\0"]));
                        b"\x90\x03\0\x01\0"
                    }
                    Role::Publisher => b"\x20\x02\0\0",
                };
                Speech { address: at(1883), hello, ready, delivered: published.len(), published }
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    Publisher,
    Subscriber,
}

/// A Redis command or message.
fn bulk(words: &[&str]) -> Vec<u8> {
    let words_ = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), words_.collect::<String>()).into()
}

/// An MQTT packet.
fn mqtt(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut left: usize = parts.iter().map(|part| part.len()).sum();
    let mut packet = vec![kind];
    while left >= 0x80 {
        packet.push(left as u8 | 0x80);
        left >>= 7;
    }
    packet.push(left as u8);
    packet.extend(parts.concat());
    packet
}

fn open(speech: &Speech) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(speech.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(&speech.hello)?;
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(speech.ready) {
        stream.read_exact(&mut byte)?;
        seen.push(byte[0]);
    }
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Subscribers of a broker, and a connection to publish by.
#[derive(Debug)]
pub struct Subscribers {
    window: Arc<Window>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    publisher: TcpStream,
    message: Vec<u8>,
    size: u64,
}

impl Subscribers {
    /// Connects so many, to be drained by a thread on processor `cpu`.
    ///
    /// # Errors
    /// The broker is not there, or does not answer as it should.
    pub fn gather(broker: Broker, count: usize, size: usize, cpu: usize) -> io::Result<Self> {
        let speech = broker.speech(size, Role::Subscriber);
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let mut streams = Vec::new();
        for index in 0..count {
            let stream = open(&speech)?;
            epoll.add(&stream, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))?;
            streams.push((stream, 0));
        }
        let publishing = broker.speech(size, Role::Publisher);
        let (publisher, message) = (open(&publishing)?, publishing.published);
        let (window, stop) = (Arc::new(Window::new(count)), Arc::new(AtomicBool::new(false)));
        let thread = std::thread::spawn({
            let (window, stop) = (Arc::clone(&window), Arc::clone(&stop));
            move || {
                machine::pin(cpu);
                drain(&mut streams, &epoll, speech.delivered as u64, &window, &stop);
            }
        });
        Ok(Self { window, stop, thread: Some(thread), publisher, message, size: count as u64 })
    }

    /// Publishes messages until all are delivered.
    ///
    /// # Errors
    /// The broker closes the connection.
    pub fn run(&mut self, messages: u64, in_flight: u64) -> io::Result<Run> {
        let (before, all) = (self.window.delivered(), messages * self.size);
        let (mut sent, mut last) = (0, self.window.complete());
        let mut waiting: Vec<u8> = Vec::new();
        let mut answers = [0; 65_536];
        // Nobody spins here: the broker needs the processors too.
        let mut watch = Watch::start();
        loop {
            while sent < messages && last - self.window.complete() < in_flight {
                (last, sent) = (last + 1, sent + 1);
                waiting.extend(&self.message);
            }
            match self.publisher.write(&waiting) {
                Ok(written) => drop(waiting.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            // Redis answers each; nobody needs that.
            match self.publisher.read(&mut answers) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            let delivered = self.window.delivered() - before;
            if delivered == all || watch.is_over(delivered) {
                return Ok(watch.result(delivered, all - delivered));
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it ended with was seen as messages that did not arrive.
            drop(thread.join());
        }
    }
}

fn drain(streams: &mut [(TcpStream, u64)], epoll: &Epoll, each: u64, window: &Window, stop: &AtomicBool) {
    let mut events = [EpollEvent::empty(); 256];
    let mut buffer = [0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        let Ok(ready) = epoll.wait(&mut events, REST.as_millis() as u16) else { continue };
        let mut count = 0;
        for event in &events[..ready] {
            let (stream, bytes) = &mut streams[event.data() as usize];
            if let Ok(len) = stream.read(&mut buffer) {
                let before = *bytes / each;
                *bytes += len as u64;
                (before + 1..=*bytes / each).for_each(|number| window.arrived(number));
                count += *bytes / each - before;
            }
        }
        window.count(count);
    }
}
