//! Fuzzes the relay machine with arbitrary events, and checks its bounds.

use std::time::Duration;

use crate::id::SessionId;
use crate::relay::{ParcelResult, Relay, RelayConfig};
use crate::time::Mono;
use crate::wire::relay::{DatagramFrame, Parcel};

/// The sessions of a run.
const SESSIONS: u64 = 4;

/// Runs a relay through the steps in `data`. Each step is a byte and its arguments.
///
/// # Panics
/// If what waits exceeds the memory, or a parcel is counted not exactly once.
pub fn relay(data: &[u8]) {
    let least = RelayConfig::LEAST;
    let config =
        RelayConfig { lane: least as usize, memory: 2 * least as usize, burst: 4 * least, ..Default::default() };
    let mut relay = Relay::new(config);
    let (mut now, mut received, mut rest) = (Mono::ZERO, 0, data);
    while let Some((&[step, first, second], after)) = rest.split_first_chunk() {
        rest = after;
        let [session, other] = [first, second].map(|byte| SessionId::new(u64::from(byte) % SESSIONS));
        match step % 5 {
            0 => relay.admit(session, second),
            1 => relay.gone(session, &second),
            2 => {
                let (datagram, after) = rest.split_at(rest.len().min(usize::from(first) * 6));
                rest = after;
                let mut sent = datagram.to_vec();
                if step & 0x80 != 0 && sent.len() > 8 {
                    sent[0] = crate::wire::datagram::VERSION;
                    sent[1..9].copy_from_slice(&session.get().to_be_bytes());
                }
                let count = 1 + usize::from(second) / 8;
                let parcels = std::iter::repeat_n(Parcel { to: other, datagram: &sent }, count);
                relay.receive(now, session, parcels, &mut Vec::new());
                received += count;
            }
            3 => drop(relay.drain(now, session, usize::from(second) * 64, &mut DatagramFrame::new())),
            _ => {
                now = now + Duration::from_millis(u64::from(first) * u64::from(second));
                relay.tick(now);
            }
        }
        assert!(relay.waiting_bytes() <= config.memory, "what waits exceeds the memory");
    }
    for session in 0..SESSIONS {
        while relay.drain(now, SessionId::new(session), 4_096, &mut DatagramFrame::new()) {}
    }
    assert_eq!(relay.waiting_bytes(), 0, "nothing is left of what waited");
    let counted: u64 = ParcelResult::ALL.iter().map(|result| relay.counts().parcels(*result)).sum();
    assert_eq!(counted, received as u64, "every parcel is counted once");
}
