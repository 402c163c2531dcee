//! A presence server without chat-net: a driver of [`chat_core::server::Server`], whose loop has about a hundred lines.
//!
//! ```text
//! cargo run -p chat-examples --example minimal_server
//! ```
//!
//! starts it, lets two clients talk to it in plain frames, and prints, with other ports:
//!
//! ```text
//! log: server started
//! alice: welcome, and 0 others are online
//! log: online alice 127.0.0.1:40001
//! bob: welcome, and 1 others are online
//! log: online bob 127.0.0.1:40002
//! alice: bob is online
//! log: offline bob asked
//! alice: bob is offline
//! log: server stopping
//! ```
//!
//! Read `driver` first: it is the loop. `connection` and `system` are what it needs of the world.
//!
//! **This is a lesson, not a server.** It speaks plain TCP on loopback, so `chat-client` refuses it: passwords must not
//! travel without TLS. It also logs nothing of limits, and ends a client that reads slowly instead of sending it a new
//! snapshot. `chat_net::Server` does all of that.

mod client;
mod connection;
mod driver;
mod system;

use std::error::Error;
use std::io::{Write, stdout};
use std::net::Ipv4Addr;
use std::sync::Arc;

use chat_core::accounts::memory::MemoryAccounts;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::client::{PlainClient, Seen};

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    run(&mut stdout()).await
}

async fn run(out: &mut impl Write) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let (records, mut log) = mpsc::unbounded_channel();
    let (stop, stopping) = oneshot::channel::<()>();
    let server = tokio::spawn(driver::serve(listener, Arc::new(MemoryAccounts::new()), records, stopping));
    print_record(out, log.recv().await)?;

    let mut alice = PlainClient::register(address, "alice", 40_001).await?;
    writeln!(out, "alice: welcome, and {} others are online", alice.others)?;
    print_record(out, log.recv().await)?;
    let bob = PlainClient::register(address, "bob", 40_002).await?;
    writeln!(out, "bob: welcome, and {} others are online", bob.others)?;
    print_record(out, log.recv().await)?;
    print_seen(out, alice.next().await?)?;
    bob.leave().await?;
    print_record(out, log.recv().await)?;
    print_seen(out, alice.next().await?)?;

    drop(stop);
    server.await??;
    print_record(out, log.recv().await)?;
    Ok(())
}

/// Prints a line of the presence log without its time.
fn print_record(out: &mut impl Write, record: Option<String>) -> Result<(), Failure> {
    let record = record.ok_or("the server has ended")?;
    let (_, what) = record.split_once(' ').ok_or("a record begins with its time")?;
    Ok(writeln!(out, "log: {what}")?)
}

fn print_seen(out: &mut impl Write, seen: Seen) -> Result<(), Failure> {
    match seen {
        Seen::Online(user) => writeln!(out, "alice: {user} is online")?,
        Seen::Offline(user) => writeln!(out, "alice: {user} is offline")?,
    }
    Ok(())
}

#[tokio::test]
async fn it_prints_what_its_header_says() {
    let mut out = Vec::new();
    run(&mut out).await.expect("the example succeeds");
    chat_examples::assert_prints_its_header("minimal_server/main.rs", &out);
}
