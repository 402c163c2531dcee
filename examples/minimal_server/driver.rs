//! The loop around the machine: [`serve`] is the whole contract between a driver and the machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use chat_core::accounts::Accounts;
use chat_core::generator::Generator;
use chat_core::id::{ConnId, JobId};
use chat_core::server::{Closed, Input, JobResult, Missed, Output, Server, ServerConfig, TicketKey};
use chat_core::wire::frame::{MAX_FRAME, MAX_GUEST_FRAME};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use crate::connection::serve_connection;
use crate::system::{SystemGenerator, now, run, sleep_or_forever};

/// What the tasks around the machine tell its owner. Each becomes one input.
pub(crate) enum Event {
    Connected(TcpStream, SocketAddr),
    Frame(ConnId, Zeroizing<Vec<u8>>),
    Drained(ConnId),
    Closed(ConnId),
    Done(JobId, JobResult),
    Stop,
    Tick,
}

/// What the driver keeps of a connection. Dropping it closes the connection once its queue is written.
struct Connection {
    queue: mpsc::Sender<Bytes>,
    max_frame: Arc<AtomicUsize>,
    has_snapshot: bool,
}

/// The most outputs that wait for one connection. A client that lets more wait does not read, and is ended.
const QUEUE: usize = 256;

/// Runs the server until `stop` is dropped.
pub(crate) async fn serve<A: Accounts>(
    listener: TcpListener,
    accounts: Arc<A>,
    records: mpsc::UnboundedSender<String>,
    mut stop: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let begin = Instant::now();
    let (events, mut inbox) = mpsc::channel(1_024);
    let mut connections: BTreeMap<ConnId, Connection> = BTreeMap::new();
    let mut next_conn = ConnId::new(1);
    // A server that keeps its ticket key in a file lets sessions continue after a restart.
    let mut ticket_key = [0; TicketKey::LEN];
    SystemGenerator.fill(&mut ticket_key);
    let (config, mut outputs, mut is_stopping) = (ServerConfig::default(), Vec::new(), false);
    let mut machine =
        Server::new(now(begin), config, TicketKey::new(ticket_key), Box::new(SystemGenerator), &mut outputs);
    loop {
        // Step 1: perform all outputs, in order. None of this waits: a slow client must not delay the others.
        let mut too_slow = Vec::new();
        for output in outputs.drain(..) {
            let mut send = |conn: ConnId, connection: &Connection, bytes: Bytes| {
                if connection.queue.try_send(bytes).is_err() {
                    too_slow.push(conn);
                }
            };
            match output {
                Output::Send { conn, bytes } => {
                    if let Some(connection) = connections.get(&conn) {
                        send(conn, connection, bytes);
                    }
                }
                Output::Snapshot { conn, frames } => {
                    let Some(connection) = connections.get_mut(&conn) else { continue };
                    connection.has_snapshot = true;
                    send(conn, connection, frames.concat().into());
                }
                // Broadcasts go to those that have the state to which they apply.
                Output::Broadcast { bytes } => {
                    for (conn, connection) in connections.iter().filter(|(_, connection)| connection.has_snapshot) {
                        send(*conn, connection, bytes.clone());
                    }
                }
                Output::Admit { conn, .. } => {
                    if let Some(connection) = connections.get(&conn) {
                        connection.max_frame.store(MAX_FRAME, Ordering::Relaxed);
                    }
                }
                Output::Close { conn } => drop(connections.remove(&conn)),
                Output::Job { id, job } => {
                    let (accounts, events) = (Arc::clone(&accounts), events.clone());
                    tokio::spawn(async move { events.send(Event::Done(id, run(&*accounts, job).await)).await });
                }
                Output::Record(record) => drop(records.send(record.to_string())),
                Output::LimitReached(_) | Output::Forwarder { .. } => {}
            }
        }
        for conn in too_slow {
            if connections.remove(&conn).is_some() {
                machine.handle(now(begin), Input::Closed { conn, why: Closed::TooSlow }, &mut outputs);
            }
        }
        if machine.is_stopped() {
            return Ok(());
        }

        // Step 2: wait for one event, or for the deadline of the machine.
        let until_tick = machine.deadline().map(|deadline| now(begin).mono.until(deadline));
        let event = tokio::select! {
            Some(event) = inbox.recv() => event,
            Ok((stream, from)) = listener.accept(), if !is_stopping => Event::Connected(stream, from),
            _ = &mut stop, if !is_stopping => Event::Stop,
            () = sleep_or_forever(until_tick) => Event::Tick,
        };

        // Step 3: read both clocks once, and pass one input.
        let now = now(begin);
        match event {
            Event::Connected(stream, from) => {
                let conn = next_conn;
                next_conn = conn.next();
                let ((queue, queued), max_frame) = (mpsc::channel(QUEUE), Arc::new(AtomicUsize::new(MAX_GUEST_FRAME)));
                tokio::spawn(serve_connection(conn, stream, events.clone(), queued, Arc::clone(&max_frame)));
                connections.insert(conn, Connection { queue, max_frame, has_snapshot: false });
                machine.handle(now, Input::Connected { conn, from }, &mut outputs);
            }
            Event::Frame(conn, payload) => {
                machine.handle(now, Input::Frame { conn, payload: &payload }, &mut outputs);
            }
            Event::Drained(conn) => {
                machine.handle(now, Input::Drained { conn, missed: Missed::Nothing }, &mut outputs);
            }
            Event::Closed(conn) => {
                // The machine is told only of connections that it did not close itself.
                if connections.remove(&conn).is_some() {
                    machine.handle(now, Input::Closed { conn, why: Closed::Broken }, &mut outputs);
                }
            }
            Event::Done(job, result) => machine.handle(now, Input::Done { job, result }, &mut outputs),
            Event::Stop => {
                is_stopping = true;
                machine.handle(now, Input::Stop, &mut outputs);
            }
            Event::Tick => machine.handle(now, Input::Tick, &mut outputs),
        }
    }
}
