//! Message brokers with the simplest possible clients, which is a broker's best case: the subscribers only count bytes,
//! because all messages have the same length.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use super::receivers::{Receivers, would_block_as_none};
use super::window::Window;
use super::{Case, Run, Watch};

/// A broker that may run on this machine at its usual port, unencrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Broker {
    /// NATS at port 4222.
    Nats,
    /// Redis at port 6379, with PUBLISH and SUBSCRIBE.
    Redis,
    /// Mosquitto at port 1883, with QoS 0.
    Mosquitto,
}

/// How long a broker may take to answer a greeting.
const GREETING_TIME: Duration = Duration::from_secs(5);

/// The bytes of a conversation with a broker.
struct Dialogue {
    /// The first bytes that publishers and subscribers send, and the end of the expected answer.
    publisher: (Vec<u8>, Vec<u8>),
    subscriber: (Vec<u8>, Vec<u8>),
    /// A message as it is published.
    message: Vec<u8>,
    /// The length of a message as it is delivered.
    delivered: usize,
}

impl Broker {
    /// All brokers.
    pub const ALL: [Self; 3] = [Self::Nats, Self::Redis, Self::Mosquitto];

    /// The name in the results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nats => "NATS",
            Self::Redis => "Redis",
            Self::Mosquitto => "Mosquitto",
        }
    }

    /// Checks that the broker runs.
    ///
    /// # Errors
    /// The broker does not accept a connection or does not answer.
    pub fn probe(self) -> io::Result<()> {
        self.connect(&self.dialogue(1).publisher).map(drop)
    }

    /// Connects, sends the greeting, and reads the answer.
    fn connect(self, (greeting, answer): &(Vec<u8>, Vec<u8>)) -> io::Result<TcpStream> {
        let port = match self {
            Self::Nats => 4222,
            Self::Redis => 6379,
            Self::Mosquitto => 1883,
        };
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(GREETING_TIME))?;
        stream.write_all(greeting)?;
        let (mut read, mut byte) = (Vec::new(), [0]);
        while !read.ends_with(answer) {
            stream.read_exact(&mut byte)?;
            read.push(byte[0]);
        }
        stream.set_nonblocking(true)?;
        Ok(stream)
    }

    /// The dialogue for messages of `size` bytes on a topic of this process.
    fn dialogue(self, size: usize) -> Dialogue {
        let topic = format!("chat-bench-{:08}", std::process::id());
        let payload = "x".repeat(size);
        match self {
            Self::Nats => {
                let greeting = |subscribe: String| {
                    (format!("CONNECT {{\"verbose\":false}}\r\n{subscribe}PING\r\n").into(), b"PONG\r\n".to_vec())
                };
                Dialogue {
                    publisher: greeting(String::new()),
                    subscriber: greeting(format!("SUB {topic} 1\r\n")),
                    message: format!("PUB {topic} {size}\r\n{payload}\r\n").into(),
                    delivered: format!("MSG {topic} 1 {size}\r\n{payload}\r\n").len(),
                }
            }
            Self::Redis => Dialogue {
                publisher: (redis(&["PING"]), b"+PONG\r\n".to_vec()),
                subscriber: (redis(&["SUBSCRIBE", &topic]), b":1\r\n".to_vec()),
                message: redis(&["PUBLISH", &topic, &payload]),
                delivered: redis(&["message", &topic, &payload]).len(),
            },
            Self::Mosquitto => {
                let connect = mqtt(0x10, &[b"\0\x04MQTT\x04\x02\0\0\0\0"]);
                let length = (topic.len() as u16).to_be_bytes();
                let subscribe = mqtt(0x82, &[b"\0\x01", &length, topic.as_bytes(), b"\0"]);
                let message = mqtt(0x30, &[&length, topic.as_bytes(), payload.as_bytes()]);
                Dialogue {
                    publisher: (connect.clone(), b"\x20\x02\0\0".to_vec()),
                    subscriber: ([connect, subscribe].concat(), b"\x90\x03\0\x01\0".to_vec()),
                    delivered: message.len(),
                    message,
                }
            }
        }
    }
}

/// A Redis command or message.
fn redis(words: &[&str]) -> Vec<u8> {
    let bulk = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
    format!("*{}\r\n{}", words.len(), bulk.collect::<String>()).into()
}

/// An MQTT packet.
fn mqtt(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut length: usize = parts.iter().map(|part| part.len()).sum();
    let mut packet = vec![kind];
    while length >= 0x80 {
        packet.push(length as u8 | 0x80);
        length >>= 7;
    }
    packet.push(length as u8);
    packet.extend(parts.concat());
    packet
}

/// Publishes messages until all are delivered to all subscribers.
pub(super) fn run(case: &Case, broker: Broker) -> io::Result<Run> {
    let dialogue = broker.dialogue(case.size);
    let subscribers: Vec<TcpStream> =
        (0..case.receivers).map(|_| broker.connect(&dialogue.subscriber)).collect::<io::Result<_>>()?;
    let (mut buffer, mut received, length) = ([0; 65_536], vec![0; case.receivers], dialogue.delivered as u64);
    let receive = move |index: usize, subscriber: &mut TcpStream, window: &Window| {
        let before = received[index] / length;
        received[index] += would_block_as_none(subscriber.read(&mut buffer))?.unwrap_or(0) as u64;
        let complete = received[index] / length;
        (before + 1..=complete).for_each(|number| window.arrived(number));
        Ok(complete - before)
    };
    let receivers = Receivers::poll(subscribers, receive)?;
    let window = &receivers.window;
    let mut publisher = broker.connect(&dialogue.publisher)?;
    let messages = case.comparison_messages();
    let total = messages * case.receivers as u64;
    let (mut sent, mut unwritten, mut answers) = (0, Vec::new(), [0; 65_536]);
    // The receivers sleep while they wait, because the broker needs the processors too.
    let mut watch = Watch::start();
    while !watch.is_over(window.delivered(), total) {
        while sent < messages && sent - window.complete() < case.in_flight {
            sent += 1;
            unwritten.extend(&dialogue.message);
        }
        let written = would_block_as_none(publisher.write(&unwritten))?;
        unwritten.drain(..written.unwrap_or(0));
        // Redis answers every message. The answers are discarded.
        if would_block_as_none(publisher.read(&mut answers))? == Some(0) {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        std::thread::yield_now();
    }
    Ok(watch.result(window.delivered(), total))
}
