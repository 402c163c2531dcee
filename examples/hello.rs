//! A complete chat in one process: a server with a temporary SQLite file, and three clients on real sockets.
//!
//! ```text
//! cargo run -p chat-examples --example hello
//! ```
#![expect(clippy::print_stdout, reason = "this example prints a transcript")]

use std::error::Error;
use std::time::Duration;

use chat_core::client::Credentials;
use chat_core::message::{Content, Recipient, Scope};
use chat_core::password::Password;
use chat_core::presence::Presence;
use chat_core::text::Text;
use chat_core::wire::control::Purpose;
use chat_net::Server;
use chat_net::client::{Client, ClientOptions, Event, Events, connect};
use chat_net::trust::Trust;

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
        let login = Credentials {
            user: user.parse()?,
            password: Password::parse("correct horse battery")?,
            purpose: Purpose::Register,
            invitation: None,
        };
        let options = ClientOptions::new(address.into(), Trust::Fingerprint(fingerprint), login);
        Ok::<_, Box<dyn Error>>(Person::arrive(connect(options).await?).await)
    };
    let mut alice = join("alice").await?;
    let mut bob = join("bob").await?;
    let mut ming = join("小明").await?;

    // A message to everyone, with one outcome per recipient.
    alice.send(Recipient::Everyone, "大家好, shall we start?").await?;
    bob.receive().await;
    ming.receive().await;
    alice.outcome().await;

    // A private message.
    ming.send(Recipient::One(alice.client.user().clone()), "我准备好了").await?;
    alice.receive().await;
    ming.outcome().await;

    // Bob leaves. The others see it, and messages to him fail.
    let gone = bob.client.user().clone();
    print_line(gone.as_str(), "goes offline");
    bob.client.leave().await;
    alice.see_leave().await;
    ming.see_leave().await;
    if let Err(error) = alice.send(Recipient::One(gone.clone()), "bob?").await {
        print_line("alice", &format!("cannot send to {gone} any more: {error}"));
    }

    alice.client.leave().await;
    ming.client.leave().await;
    handle.stop();
    running.await??;
    Ok(())
}

/// A person's client and its events.
struct Person {
    client: Client,
    events: Events,
}

impl Person {
    async fn arrive((client, events): (Client, Events)) -> Self {
        let others: Vec<String> = client.roster().await.iter().map(|entry| entry.user.to_string()).collect();
        let others =
            if others.is_empty() { "nobody else is online".into() } else { format!("online: {}", others.join(" ")) };
        print_line(client.user().as_str(), &format!("registered, {others}"));
        Self { client, events }
    }

    async fn send(&self, to: Recipient, text: &str) -> Result<(), Box<dyn Error>> {
        let sent = self.client.send(to.clone(), Content::Text(Text::parse(text)?)).await?;
        debug_assert!(sent.recipients > 0);
        print_line(self.client.user().as_str(), &format!("sends to {to}: {text}"));
        Ok(())
    }

    async fn receive(&mut self) {
        let line = self
            .until(|event| match event {
                Event::Message { message, .. } => {
                    let scope = if message.scope == Scope::Group { "to everyone" } else { "in private" };
                    let Content::Text(text) = &message.content else { return None };
                    Some(format!("receives from {}, {scope}: {}", message.from, text.as_str()))
                }
                _ => None,
            })
            .await;
        print_line(self.client.user().as_str(), &line);
    }

    async fn outcome(&mut self) {
        let outstanding = self.client.idle(Duration::from_secs(10)).await;
        assert_eq!(outstanding, 0, "everybody is online and answers");
        let line = self
            .until(|event| match event {
                Event::Summary { delivered, others, .. } => {
                    Some(format!("reached {delivered} of {}", delivered + others.len()))
                }
                Event::Report(report) if report.id.number == 1 && report.user.as_str() == "alice" => {
                    Some(format!("reached {}", report.user))
                }
                _ => None,
            })
            .await;
        print_line(self.client.user().as_str(), &line);
    }

    async fn see_leave(&mut self) {
        let line = self
            .until(|event| match event {
                Event::Presence(event) => match event.presence {
                    Presence::Offline(reason) => Some(format!("sees that {} is offline ({reason})", event.user)),
                    _ => None,
                },
                _ => None,
            })
            .await;
        print_line(self.client.user().as_str(), &line);
    }

    /// Reads events until `describe` returns a line for one.
    async fn until(&mut self, mut describe: impl FnMut(&Event) -> Option<String>) -> String {
        loop {
            match self.events.next().await {
                Some(event) => {
                    if let Some(line) = describe(&event) {
                        return line;
                    }
                }
                None => return "the session is over".to_owned(),
            }
        }
    }
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
