//! Connecting: from the settings of a client to its first complete roster.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};

use super::command::MAX_WAITING_COMMANDS;
use super::dial::Dialer;
use super::driver::{Driver, Parts, Started};
use super::events::EventQueue;
use super::{Client, ClientHandle, ClientOptions, ConnectError, Events, Roster};
use crate::udp::Udp;

/// Connects to the server, logs in, and returns once the roster is complete.
///
/// [`Client::builder`] uses this function.
///
/// # Errors
/// See [`ConnectError`]: its variants distinguish errors of the user, the operator and the network.
///
/// # Panics
/// Outside a tokio runtime with I/O and time enabled.
///
/// # Cancel safety
/// If the future is dropped after the session began, the client leaves the session. An account that was registered
/// stays.
pub async fn connect(options: ClientOptions) -> Result<Client, ConnectError> {
    options.check()?;
    let ClientOptions {
        server,
        other_servers,
        trust,
        login,
        udp: address,
        advertise,
        reach,
        accept,
        outcome_events,
        machine,
        peer,
    } = options;
    let udp = Udp::bind(address).map_err(|source| ConnectError::Udp { address, source })?;
    let udp_address = udp.local_address();
    let (dialer, stream) = Dialer::dial_first(server.clone(), other_servers, &trust, machine.connect_timeout).await?;
    let (command_sender, commands) = mpsc::channel(MAX_WAITING_COMMANDS);
    let (pending_outcomes, pending_seen) = watch::channel(0);
    let (roster, roster_seen) = watch::channel(Roster::default());
    let (started, start) = oneshot::channel();
    let events = Arc::new(EventQueue::default());
    let parts = Parts {
        server,
        login,
        machine,
        peer,
        advertise,
        reach_mode: reach,
        outcome_events,
        udp,
        dialer,
        commands,
        events: Arc::clone(&events),
        pending_outcomes,
        roster,
        started,
    };
    tokio::spawn(Driver::new(parts, stream).run());
    // From here on this future holds the senders, so dropping it ends the driver.
    let stream = Events::new(Arc::clone(&events), accept, command_sender.clone());
    let Started { user, session, at } = start.await.unwrap_or(Err(ConnectError::Internal))?;
    let handle = ClientHandle::new(super::handle::Shared {
        user,
        session,
        at,
        udp_address,
        commands: command_sender,
        events,
        pending_outcomes: pending_seen,
        roster: roster_seen,
    });
    Ok(Client::new(handle, stream))
}
