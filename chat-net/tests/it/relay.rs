//! A TCP relay between clients and server that can be cut, as a cable can.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    cable: Arc<Mutex<Cable>>,
    accepting: tokio::task::JoinHandle<()>,
}

struct Cable {
    /// The server. `None` while the cable is cut.
    to: Option<SocketAddr>,
    connections: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let cable = Arc::new(Mutex::new(Cable { to: Some(server), connections: JoinSet::new() }));
        let accepting = tokio::spawn({
            let cable = Arc::clone(&cable);
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    let mut cable = cable.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some(to) = cable.to else { continue };
                    cable.connections.spawn(async move {
                        if let Ok(mut far) = TcpStream::connect(to).await {
                            drop(copy_bidirectional(&mut near, &mut far).await);
                        }
                    });
                }
            }
        });
        Self { address, cable, accepting }
    }

    /// Closes all connections. Accepts new ones and closes them immediately.
    pub(crate) fn cut(&self) {
        let mut cable = self.cable.lock().unwrap();
        cable.to = None;
        cable.connections.abort_all();
    }

    /// Relays new connections to `server` again.
    pub(crate) fn mend(&self, server: SocketAddr) {
        self.cable.lock().unwrap().to = Some(server);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
