//! A bot that answers every private message, and reports what became of its answers.
//!
//! ```text
//! cargo run -p chat-examples --example echo_bot
//! ```
//!
//! starts a server and the bot, writes to the bot as alice, and prints, with other times:
//!
//! ```text
//! alice asks: 你好
//! echo answers: you said 你好
//! echo's answer: [(alice, Delivered, 4 ms)]
//! the bot's session ended: another login of this account has taken over
//! ```
//!
//! The bot itself is the function `echo`.

use std::error::Error;
use std::io::{Write, stdout};

use chat_core::accounts::memory::MemoryAccounts;
use chat_net::{Client, Event, Scope, Sent, Server};
use tokio::sync::mpsc;

type Failure = Box<dyn Error + Send + Sync>;

/// Answers until the session ends. `sent` receives every answer, so that its outcomes can be awaited without keeping
/// the next question waiting: a recipient that does not answer takes up to 45 s.
async fn echo(mut bot: Client, sent: mpsc::Sender<Sent>) -> Option<String> {
    while let Some(event) = bot.next().await {
        match event {
            // Two bots that answer messages to everyone would answer each other for ever.
            Event::Message(message) if message.scope() == Scope::Private => {
                match bot.send(message.from(), format!("you said {}", message.text())).await {
                    // A full queue means that nobody reads the outcomes, which are optional.
                    Ok(answer) => drop(sent.try_send(answer)),
                    // The sender is gone already, or the text is too long with the words in front of it. Neither is a
                    // reason for the bot to end.
                    Err(error) => log(&format!("no answer to {}: {error}", message.from())),
                }
            }
            // The client reconnects by itself. The session ends only if somebody ended it.
            Event::Ended(reason) => return Some(reason.to_string()),
            _ => {}
        }
    }
    None
}

#[expect(clippy::print_stderr, reason = "a program reports errors there")]
fn log(line: &str) {
    eprintln!("{line}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    converse(&mut stdout()).await
}

async fn converse(out: &mut impl Write) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let server = Server::builder(MemoryAccounts::new()).data_dir(folder.path()).bind("127.0.0.1:0").await?;
    let (address, fingerprint, handle) = (server.address(), server.fingerprint(), server.handle());
    let running = tokio::spawn(server.run());

    let bot = Client::builder(address).fingerprint(fingerprint)?.register("echo", "correct horse").await?;
    let (sender, mut answers) = mpsc::channel(100);
    let bot = tokio::spawn(echo(bot, sender));

    let mut alice = Client::builder(address).fingerprint(fingerprint)?.register("alice", "correct horse").await?;
    writeln!(out, "alice asks: 你好")?;
    // Messages go to users, whose names are values. `parse` checks the rules for names.
    let echo: chat_net::UserName = "echo".parse()?;
    drop(alice.send(&echo, "你好").await?);
    while let Some(event) = alice.next().await {
        let Event::Message(message) = event else { continue };
        writeln!(out, "{} answers: {}", message.from(), message.text())?;
        break;
    }
    let answer = answers.recv().await.ok_or("the bot has ended")?;
    writeln!(out, "echo's answer: {:?}", answer.outcomes().await)?;

    // A newer login of the bot's account replaces its session.
    let newer = Client::builder(address).fingerprint(fingerprint)?.login("echo", "correct horse").await?;
    if let Some(reason) = bot.await? {
        writeln!(out, "the bot's session ended: {reason}")?;
    }
    newer.leave().await;
    alice.leave().await;
    handle.stop();
    Ok(running.await??)
}

#[tokio::test]
async fn it_prints_what_its_header_says() {
    let mut out = Vec::new();
    converse(&mut out).await.expect("the conversation succeeds");
    chat_examples::assert_prints_its_header("echo_bot.rs", &out);
}
