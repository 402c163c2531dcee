//! Records the TCP connections between clients and a server, as an eavesdropper on the network could.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Forwards connections to a server and records every byte.
#[derive(Debug)]
pub(crate) struct TcpTap {
    /// The address that clients connect to instead of the server's.
    pub(crate) address: SocketAddr,
    recordings: Recordings,
}

/// Two recordings for each connection: the bytes to the server, then the bytes from it.
type Recordings = Arc<Mutex<Vec<Recording>>>;
type Recording = Arc<Mutex<Vec<u8>>>;

impl TcpTap {
    pub(crate) fn new(server: SocketAddr) -> Self {
        Self::at((Ipv4Addr::LOCALHOST, 0).into(), server)
    }

    /// Listens on `listen`.
    pub(crate) fn at(listen: SocketAddr, server: SocketAddr) -> Self {
        let listener = TcpListener::bind(listen).unwrap();
        let address = listener.local_addr().unwrap();
        let recordings = Recordings::default();
        let keep = Arc::clone(&recordings);
        // The threads end with the connections, and the listener with the process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                // Without the server, dropping the connection is what its clients would observe.
                let Ok(server) = TcpStream::connect(server) else { continue };
                let (up, down) = (Recording::default(), Recording::default());
                keep.lock().unwrap().extend([Arc::clone(&up), Arc::clone(&down)]);
                forward(client.try_clone().unwrap(), server.try_clone().unwrap(), up);
                forward(server, client, down);
            }
        });
        Self { address, recordings }
    }

    /// The bytes of each connection and direction.
    pub(crate) fn recorded(&self) -> Vec<Vec<u8>> {
        self.recordings.lock().unwrap().iter().map(|recording| recording.lock().unwrap().clone()).collect()
    }

    /// For each connection, the number of bytes in encrypted TLS records to the server.
    pub(crate) fn encrypted_to_server(&self) -> Vec<usize> {
        self.recorded().iter().step_by(2).map(|up| encrypted(up)).collect()
    }
}

/// The number of bytes in the records of type application data of a TLS stream.
fn encrypted(mut stream: &[u8]) -> usize {
    const APPLICATION_DATA: u8 = 23;
    let mut bytes = 0;
    while let [kind, _, _, high, low, rest @ ..] = stream {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        if *kind == APPLICATION_DATA {
            bytes += length;
        }
        stream = &rest[length..];
    }
    bytes
}

fn forward(mut from: TcpStream, mut to: TcpStream, recording: Recording) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1_024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            recording.lock().unwrap().extend_from_slice(&buffer[..read]);
            if to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        // The other side may have closed the connection first.
        drop(to.shutdown(Shutdown::Write));
    });
}
