//! Forwards datagrams between two clients that both advertise its address, and can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

pub(crate) struct Forwarder {
    address: SocketAddr,
    ends: Arc<Mutex<Option<[SocketAddr; 2]>>>,
    task: JoinHandle<()>,
}

impl Forwarder {
    /// Starts without ends: whatever comes is lost.
    pub(crate) async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let ends = Arc::<Mutex<Option<[SocketAddr; 2]>>>::default();
        let task = tokio::spawn({
            let ends = Arc::clone(&ends);
            async move {
                let mut buffer = [0; 2_048];
                while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
                    let to = match *ends.lock().unwrap() {
                        Some([one, other]) if from == one => other,
                        Some([one, other]) if from == other => one,
                        _ => continue,
                    };
                    drop(socket.send_to(&buffer[..len], to).await);
                }
            }
        });
        Self { address, ends, task }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forwards between these two from now on.
    pub(crate) fn connect(&self, one: SocketAddr, other: SocketAddr) {
        *self.ends.lock().unwrap() = Some([one, other]);
    }

    /// Loses whatever comes from now on.
    pub(crate) fn disconnect(&self) {
        *self.ends.lock().unwrap() = None;
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.task.abort();
    }
}
