//! A complete chat in one process: a server with a temporary SQLite file, and three clients on real sockets.
//!
//! ```text
//! cargo run -p chat-examples --example hello
//! ```
//!
//! prints, with another port:
//!
//! ```text
//! the server listens at 127.0.0.1:43561
//! alice is online with 0 others
//! bob is online with 1 others
//! 小明 is online with 2 others
//! bob reads from alice: 大家好, shall we start?
//! 小明 reads from alice: 大家好, shall we start?
//! alice reached 2 of 2
//! alice reads from 小明: 我准备好了
//! bob leaves
//! alice sees that bob is offline (asked)
//! alice cannot write to bob: bob is not online
//! ```

use std::error::Error;
use std::io::{Write, stdout};

use chat_net::{Client, Event, Presence, Recipient, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    converse(&mut stdout()).await
}

async fn converse(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    // The server: accounts in a database, and a folder for its keys.
    let folder = tempfile::tempdir()?;
    let accounts = chat_store::open(&format!("sqlite:{}", folder.path().join("chat.sqlite").display())).await?;
    let server = Server::builder(accounts).data_dir(folder.path()).bind("127.0.0.1:0").await?;
    let (address, fingerprint, handle) = (server.address(), server.fingerprint(), server.handle());
    let running = tokio::spawn(server.run());
    writeln!(out, "the server listens at {address}")?;

    // Three people. Their clients know the server's fingerprint, so they do not ask whether to trust it.
    let mut clients = Vec::new();
    for user in ["alice", "bob", "小明"] {
        let client = Client::builder(address).fingerprint(fingerprint)?.register(user, "correct horse").await?;
        writeln!(out, "{user} is online with {} others", client.roster().len())?;
        clients.push(client);
    }
    let [alice, bob, ming] = &mut clients[..] else { unreachable!("three clients") };

    // A message to everyone, with one outcome per recipient, and a message to one user.
    let sent = alice.send(Recipient::Everyone, "大家好, shall we start?").await?;
    read_message(bob, out).await?;
    read_message(ming, out).await?;
    let outcomes = sent.outcomes().await;
    let delivered = outcomes.iter().filter(|outcome| outcome.is_delivered()).count();
    writeln!(out, "alice reached {delivered} of {}", outcomes.len())?;
    ming.send(alice.user(), "我准备好了").await?;
    read_message(alice, out).await?;

    // Bob leaves. The others see it, and nobody can write to him any more.
    let gone = bob.user().clone();
    writeln!(out, "{gone} leaves")?;
    clients.remove(1).leave().await;
    let alice = &mut clients[0];
    while let Some(event) = alice.next().await {
        let Event::Presence(event) = event else { continue };
        let Presence::Offline(reason) = event.presence else { continue };
        writeln!(out, "alice sees that {} is offline ({reason})", event.user)?;
        break;
    }
    if let Err(error) = alice.send(&gone, "bob?").await {
        writeln!(out, "alice cannot write to {gone}: {error}")?;
    }
    handle.stop();
    Ok(running.await??)
}

async fn read_message(client: &mut Client, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    while let Some(event) = client.next().await {
        let Event::Message(message) = event else { continue };
        writeln!(out, "{} reads from {}: {}", client.user(), message.from(), message.text())?;
        break;
    }
    Ok(())
}

#[tokio::test]
async fn it_prints_what_its_header_says() {
    let mut out = Vec::new();
    converse(&mut out).await.expect("the conversation succeeds");
    chat_examples::assert_prints_its_header("hello.rs", &out);
}
