//! A member that sends parcels.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use chat_core::generator::Generator;
use chat_core::id::SessionId;
use chat_core::key::PublicKey;
use chat_core::sim::SeededGenerator;
use chat_core::wire::datagram;
use chat_core::wire::relay::{Parcel, ParcelFrame};
use tokio::time::{MissedTickBehavior, interval};

use super::super::accounts::TestAccount;
use super::super::client::{Method, SharedState};
use super::super::clients::HEARTBEAT;
use super::super::connection::{Connection, Failure};
use super::super::counters::Counters;
use super::super::net::{Net, source, wall_nanos};
use super::super::view::View;

/// The port that all members offer. Nothing is sent there.
const PORT: u16 = 40_000;

/// The time between two writes of a flood: a member may send 200 frames a second.
const TICK: Duration = Duration::from_millis(10);

/// A session that is logged in.
pub(super) struct Member {
    connection: Connection,
    pub(super) session: SessionId,
}

/// What the members of a flood have done so far, and whether it goes on.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) sent: AtomicU64,
    /// The datagrams that came, for each member.
    pub(super) received: Vec<AtomicU64>,
    /// What they send together. While it is zero, they only read.
    datagrams_per_second: AtomicU64,
    /// All of them, once they have logged in.
    pub(super) sessions: OnceLock<Vec<SessionId>>,
}

impl Progress {
    pub(super) fn new(members: usize) -> Arc<Self> {
        Arc::new(Self { received: (0..members).map(|_| AtomicU64::new(0)).collect(), ..Self::default() })
    }

    pub(super) fn counts(&self) -> Vec<u64> {
        self.received.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// Lets the members send this many datagrams each second together, or none.
    pub(super) fn flow(&self, datagrams_per_second: u64) {
        self.datagrams_per_second.store(datagrams_per_second, Ordering::Relaxed);
    }
}

impl Member {
    /// Logs in with a password. `number` is that of the client among all in this process.
    pub(super) async fn join(net: &Net, number: usize, account: &TestAccount) -> io::Result<Self> {
        let offered = SocketAddr::new(source(number), PORT);
        let shared = Arc::new(SharedState::new(account.clone(), offered, View::new(None)));
        let mut key = [0; 32];
        SeededGenerator::new(wall_nanos().wrapping_add(number as u64)).fill(&mut key);
        let counters = Arc::<Counters>::default();
        let mut connection = Connection::open(net, number, &shared, &counters).await.map_err(io::Error::other)?;
        let request = shared.lock().login_request(Method::Password, PublicKey::new(key));
        connection.login(&request).await.map_err(io::Error::other)?;
        let session = shared.lock().entry.as_ref().map(chat_core::roster::Entry::session);
        let session = session.ok_or_else(|| io::Error::other("the session has ended at once"))?;
        Ok(Self { connection, session })
    }

    /// Exchanges a heartbeat: one leg of a relayed round trip.
    pub(super) async fn leg(&mut self) -> Result<(), Failure> {
        let number = self.connection.answered + 1;
        self.connection.send_heartbeat().await?;
        while self.connection.answered < number {
            self.connection.read().await?;
        }
        Ok(())
    }

    pub(super) async fn send(&mut self, frame: &[u8]) -> Result<(), Failure> {
        Ok(self.connection.write(frame).await?)
    }

    /// Waits for the next relayed datagram.
    pub(super) async fn receive(&mut self) -> Result<(), Failure> {
        let before = self.connection.relayed;
        while self.connection.relayed == before {
            self.connection.read().await?;
        }
        Ok(())
    }

    /// Sends datagrams to all other members in turn at the rate that `progress` says, and counts those that come.
    pub(super) async fn flood(mut self, place: usize, size: usize, progress: Arc<Progress>) -> Result<(), Failure> {
        let (mut ticks, mut heartbeats) = (interval(TICK), interval(HEARTBEAT));
        // A member that was late does not make up for it with a burst.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (datagram, mut next, mut owed) = (self.datagram(size), place, 0.0);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let Some(sessions) = progress.sessions.get() else { continue };
                    let rate = progress.datagrams_per_second.load(Ordering::Relaxed) as f64;
                    owed += rate / sessions.len() as f64 * TICK.as_secs_f64();
                    let others = |at: usize| sessions[(place + 1 + at % (sessions.len() - 1)) % sessions.len()];
                    let frames = frames(&datagram, others, &mut next, owed as usize);
                    for frame in frames {
                        self.send(&frame).await?;
                    }
                    progress.sent.fetch_add(owed as u64, Ordering::Relaxed);
                    owed = owed.fract();
                }
                _ = heartbeats.tick() => self.connection.send_heartbeat().await?,
                read = self.connection.read() => {
                    read?;
                    progress.received[place].store(self.connection.relayed, Ordering::Relaxed);
                }
            }
        }
    }

    /// A datagram of this session, as far as the server looks at it.
    pub(super) fn datagram(&self, size: usize) -> Vec<u8> {
        let mut datagram = vec![0; size];
        datagram[0] = datagram::VERSION;
        datagram[1..9].copy_from_slice(&self.session.get().to_be_bytes());
        datagram
    }
}

/// Frames with `count` parcels, each with this datagram, to the recipients `to` from number `next` on.
pub(super) fn frames(datagram: &[u8], to: impl Fn(usize) -> SessionId, next: &mut usize, count: usize) -> Vec<Bytes> {
    let (mut frames, mut frame) = (Vec::new(), ParcelFrame::new());
    for _ in 0..count {
        let parcel = Parcel { to: to(*next), datagram };
        *next += 1;
        if !frame.push(parcel) {
            frames.extend(frame.take());
            // It fits an empty frame.
            let _fits = frame.push(parcel);
        }
    }
    frames.extend(frame.take());
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_contain_every_parcel() {
        let mut next = 1;
        let frames = frames(&[7; 1_200], |at| SessionId::new(at as u64), &mut next, 100);
        assert_eq!((frames.len(), next), (2, 101));
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        assert!(bytes > 100 * (1_200 + Parcel::HEADER) && bytes < 100 * (1_200 + Parcel::HEADER) + 32, "{bytes}");
    }
}
