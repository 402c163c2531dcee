//! A complete chat in one process: a server with a temporary SQLite file, and three clients on real sockets.
//!
//! ```text
//! cargo run -p chat-examples --example hello
//! ```
#![expect(clippy::print_stdout, reason = "this example prints a transcript")]

use std::error::Error;

use chat_net::{Client, Event, Presence, Recipient, Scope, SendError, Sent, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The server: accounts in a database, and a folder for its keys.
    let folder = tempfile::tempdir()?;
    let accounts = chat_store::open(&format!("sqlite:{}", folder.path().join("chat.sqlite").display())).await?;
    let server = Server::builder(accounts).data_dir(folder.path()).bind("127.0.0.1:0").await?;
    let (address, fingerprint) = (server.address(), server.fingerprint());
    let handle = server.handle();
    let running = tokio::spawn(server.run());
    print_line("server", &format!("listening on {address}, accounts in a temporary SQLite file"));

    // Three people. Their clients know the server's fingerprint, so they do not ask whether to trust it.
    let join = async |user: &str| {
        let client = Client::builder(address).fingerprint(fingerprint)?.register(user, "correct horse battery").await?;
        Ok::<_, Box<dyn Error>>(arrive(client))
    };
    let mut alice = join("alice").await?;
    let mut bob = join("bob").await?;
    let mut ming = join("小明").await?;

    // A message to everyone, with one outcome per recipient.
    let sent = send(&alice, Recipient::Everyone, "大家好, shall we start?").await?;
    receive(&mut bob).await;
    receive(&mut ming).await;
    let outcomes = sent.outcomes().await;
    let delivered = outcomes.iter().filter(|outcome| outcome.is_delivered()).count();
    print_line("alice", &format!("reached {delivered} of {}", outcomes.len()));

    // A private message.
    let sent = send(&ming, alice.user().into(), "我准备好了").await?;
    receive(&mut alice).await;
    if sent.outcomes().await[0].is_delivered() {
        print_line("小明", &format!("reached {}", alice.user()));
    }

    // Bob leaves. The others see it, and messages to him fail.
    let gone = bob.user().clone();
    print_line(gone.as_str(), "goes offline");
    bob.leave().await;
    see_leave(&mut alice).await;
    see_leave(&mut ming).await;
    if let Err(error) = alice.send(&gone, "bob?").await {
        print_line("alice", &format!("cannot send to {gone} any more: {error}"));
    }

    alice.leave().await;
    ming.leave().await;
    handle.stop();
    running.await??;
    Ok(())
}

fn arrive(client: Client) -> Client {
    let others: Vec<String> = client.roster().iter().map(|entry| entry.user().to_string()).collect();
    let others =
        if others.is_empty() { "nobody else is online".into() } else { format!("online: {}", others.join(" ")) };
    print_line(client.user().as_str(), &format!("registered, {others}"));
    client
}

async fn send(client: &Client, to: Recipient, text: &str) -> Result<Sent, SendError> {
    let sent = client.send(to.clone(), text).await?;
    print_line(client.user().as_str(), &format!("sends to {to}: {text}"));
    Ok(sent)
}

async fn receive(client: &mut Client) {
    let line = until(client, |event| match event {
        Event::Message(message) => {
            let scope = if message.scope() == Scope::Group { "to everyone" } else { "in private" };
            Some(format!("receives from {}, {scope}: {}", message.from(), message.text()))
        }
        _ => None,
    })
    .await;
    print_line(client.user().as_str(), &line);
}

async fn see_leave(client: &mut Client) {
    let line = until(client, |event| match event {
        Event::Presence(event) => match event.presence {
            Presence::Offline(reason) => Some(format!("sees that {} is offline ({reason})", event.user)),
            _ => None,
        },
        _ => None,
    })
    .await;
    print_line(client.user().as_str(), &line);
}

/// Reads events until `describe` returns a line for one.
async fn until(client: &mut Client, mut describe: impl FnMut(&Event) -> Option<String>) -> String {
    while let Some(event) = client.next().await {
        if let Some(line) = describe(&event) {
            return line;
        }
    }
    "the session is over".to_owned()
}

/// Prints one line of the transcript. Pads the name to a column, counting non-ASCII characters as two cells.
fn print_line(name: &str, text: &str) {
    let width: usize = name.chars().map(|ch| if ch.is_ascii() { 1 } else { 2 }).sum();
    println!("{name}{:pad$}{text}", "", pad = 10_usize.saturating_sub(width));
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs_to_its_end() {
        super::main().expect("the conversation succeeds");
    }
}
