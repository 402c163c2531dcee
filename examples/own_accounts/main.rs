//! A server with an account system of its own: accounts in a text file, with argon2id hashes from
//! `chat_store::hashing`.
//!
//! ```text
//! cargo run -p chat-examples --example own_accounts
//! ```
//!
//! prints
//!
//! ```text
//! Alice registers
//! alice logs in after a restart
//! mallory is rejected: wrong user name or password
//! al1ce is rejected: that user name is taken, or looks like one that is taken; choose another
//! the file has 1 account, and no password
//! ```
//!
//! `file_accounts` implements the port, [`chat_core::accounts::Accounts`], and its test runs the contract suite that
//! every implementation must pass. `table` contains the rules and the format of the file.

mod file_accounts;
mod table;

use std::error::Error;
use std::io::{Write, stdout};

use chat_net::{Client, ConnectError, Server};
use chat_store::hashing::HashOptions;

use crate::file_accounts::FileAccounts;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    run(&mut stdout()).await
}

async fn run(out: &mut impl Write) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("accounts.txt");
    for restart in [false, true] {
        // `open` reads the file again, as a server does that was restarted.
        let accounts = FileAccounts::open(&file, HashOptions::default()).await?;
        let server = Server::builder(accounts).data_dir(folder.path().join("keys")).bind("127.0.0.1:0").await?;
        let (address, fingerprint, handle) = (server.address(), server.fingerprint(), server.handle());
        let running = tokio::spawn(server.run());
        let client = || Client::builder(address).fingerprint(fingerprint);
        if restart {
            client()?.login("alice", "correct horse").await?.leave().await;
            writeln!(out, "alice logs in after a restart")?;
            writeln!(out, "mallory is rejected: {}", rejection(client()?.login("mallory", "correct horse").await)?)?;
            writeln!(out, "al1ce is rejected: {}", rejection(client()?.register("al1ce", "battery staple").await)?)?;
        } else {
            client()?.register("Alice", "correct horse").await?.leave().await;
            writeln!(out, "Alice registers")?;
        }
        handle.stop();
        running.await??;
    }
    let text = std::fs::read_to_string(&file)?;
    let has_password = if text.contains("correct horse") { "a" } else { "no" };
    // The first line is the highest id.
    writeln!(out, "the file has {} account, and {has_password} password", text.lines().count() - 1)?;
    Ok(())
}

/// The reason of a login that the server rejected.
fn rejection(login: Result<Client, ConnectError>) -> Result<String, Failure> {
    match login {
        Err(ConnectError::Rejected(rejection)) => Ok(rejection.to_string()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("the login succeeded".into()),
    }
}

#[tokio::test]
async fn it_prints_what_its_header_says() {
    let mut out = Vec::new();
    run(&mut out).await.expect("the example succeeds");
    chat_examples::assert_prints_its_header("own_accounts/main.rs", &out);
}
