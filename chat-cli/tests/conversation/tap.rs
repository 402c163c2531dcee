//! Listens to the TCP connections between clients and the server, as somebody on the network could.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Passes connections on to a server and keeps every byte.
#[derive(Debug)]
pub(crate) struct TcpTap {
    /// What clients take for the server.
    pub(crate) address: SocketAddr,
    heard: Heard,
}

/// One recording per connection and direction, so that nothing is cut by bytes of another. The directions take turns,
/// towards the server first.
type Heard = Arc<Mutex<Vec<Recording>>>;
type Recording = Arc<Mutex<Vec<u8>>>;

impl TcpTap {
    pub(crate) fn new(server: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Heard::default();
        let keep = Arc::clone(&heard);
        // The threads end with the connections, and the listener with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                // While the server is away its clients find that out from us.
                let Ok(server) = TcpStream::connect(server) else { continue };
                let (up, down) = (Recording::default(), Recording::default());
                keep.lock().unwrap().extend([Arc::clone(&up), Arc::clone(&down)]);
                pass(client.try_clone().unwrap(), server.try_clone().unwrap(), up);
                pass(server, client, down);
            }
        });
        Self { address, heard }
    }

    /// All that was heard, each connection and direction by itself.
    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().iter().map(|recording| recording.lock().unwrap().clone()).collect()
    }

    /// How many bytes of sealed records went towards the server, for each connection.
    pub(crate) fn sealed_up(&self) -> Vec<usize> {
        self.heard().iter().step_by(2).map(|up| sealed(up)).collect()
    }
}

/// The bytes in the sealed records of a TLS stream: whatever the programs say to each other is in these.
fn sealed(mut stream: &[u8]) -> usize {
    const SEALED: u8 = 23;
    let mut bytes = 0;
    while let [kind, _, _, high, low, rest @ ..] = stream {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        if *kind == SEALED {
            bytes += length;
        }
        stream = &rest[length..];
    }
    bytes
}

fn pass(mut from: TcpStream, mut to: TcpStream, recording: Recording) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1_024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            recording.lock().unwrap().extend_from_slice(&buffer[..read]);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // The other side may have gone first.
        drop(to.shutdown(Shutdown::Write));
    });
}
