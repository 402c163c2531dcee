//! Attempts to log in at one server in short intervals, to learn when it lets somebody in again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_core::key::PublicKey;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use super::client::{Method, SharedState};
use super::clients::{Clients, HEARTBEAT};
use super::connection::{Connection, Failure};
use super::net::{Net, wall_nanos};

/// The pause between two attempts. Real clients make longer ones.
const INTERVAL: Duration = Duration::from_millis(50);

/// The limit for one attempt. A server answers within 5 s that it cannot log anybody in.
const ATTEMPT_TIME: Duration = Duration::from_secs(10);

/// The sessions that have begun by attempts. Dropping them breaks their connections.
#[derive(Debug, Default)]
pub(crate) struct Newcomers(JoinSet<()>);

impl Newcomers {
    /// Lets the clients from number `first` on, which must be offline, log in with their tickets, one at each server and as
    /// often as needed within `patience`. Returns the time at which the last of them succeeded. `None` if one did not.
    pub(crate) async fn log_in(
        &mut self,
        net: &Arc<Net>,
        clients: &Clients,
        first: usize,
        patience: Duration,
    ) -> Option<Instant> {
        let mut attempts = JoinSet::new();
        for server in 0..net.servers() {
            let (number, net) = (first + server, Arc::clone(net));
            let (shared, counters) = (Arc::clone(&clients.states[number]), Arc::clone(&clients.counters));
            shared.lock().server = server;
            attempts.spawn(async move {
                let begin = Instant::now();
                while begin.elapsed() < patience {
                    let attempt = async {
                        let mut connection = Connection::open(&net, number, &shared, &counters).await?;
                        log_in(&mut connection, &shared, number).await?;
                        Ok::<_, Failure>(connection)
                    };
                    if let Ok(Ok(connection)) = timeout(ATTEMPT_TIME, attempt).await {
                        return Some((Instant::now(), connection));
                    }
                    sleep(INTERVAL).await;
                }
                None
            });
        }
        let mut last = None;
        for success in attempts.join_all().await {
            let (at, connection) = success?;
            last = last.max(Some(at));
            self.0.spawn(stay(connection));
        }
        last
    }
}

async fn log_in(connection: &mut Connection, shared: &SharedState, number: usize) -> Result<(), Failure> {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&wall_nanos().to_le_bytes());
    key[8..16].copy_from_slice(&(number as u64).to_le_bytes());
    let request = shared.lock().login_request(Method::Ticket, PublicKey::new(key));
    connection.login(&request).await
}

/// Keeps the session online until the connection breaks.
async fn stay(mut connection: Connection) {
    let mut heartbeats = interval(HEARTBEAT);
    loop {
        let result = tokio::select! {
            _ = heartbeats.tick() => connection.send_heartbeat().await,
            result = connection.read() => result,
        };
        if result.is_err() {
            return;
        }
    }
}
