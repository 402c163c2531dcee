//! A relay between clients and server that can be cut, as a cable can.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: tokio::task::JoinHandle<()>,
}

struct State {
    /// Where connections go; none while the cable is cut.
    to: Option<SocketAddr>,
    connections: JoinSet<()>,
}

impl Relay {
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { to: Some(server), connections: JoinSet::new() }));
        let accepting = tokio::spawn({
            let state = Arc::clone(&state);
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
                    let Some(to) = state.to else { continue };
                    state.connections.spawn(async move {
                        if let Ok(mut far) = TcpStream::connect(to).await {
                            drop(copy_bidirectional(&mut near, &mut far).await);
                        }
                    });
                }
            }
        });
        Self { address, state, accepting }
    }

    /// Ends all connections, and new ones as soon as they are made.
    pub(crate) fn cut(&self) {
        let mut state = self.state.lock().unwrap();
        state.to = None;
        state.connections.abort_all();
    }

    /// Lets new connections through again.
    pub(crate) fn mend(&self, server: SocketAddr) {
        self.state.lock().unwrap().to = Some(server);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
