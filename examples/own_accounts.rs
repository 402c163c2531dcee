//! A server whose accounts are your own: here a fixed list of users, who log in with a word of the day.
//!
//! ```text
//! cargo run -p chat-examples --example own_accounts
//! ```
#![expect(clippy::print_stdout, reason = "the transcript is what this example is for")]

use std::error::Error;
use std::sync::Arc;

use chat_core::accounts::{Account, AccountError, Accounts, Status};
use chat_core::client::Credentials;
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_core::wire::control::Purpose;
use chat_net::client::{ClientOptions, ConnectError, connect};
use chat_net::identity::ServerIdentity;
use chat_net::server::{ServerOptions, serve};
use chat_net::trust::Trust;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The people of a class. A real one would hash with `chat_store::hashing` and look things up somewhere.
struct ClassList {
    users: Vec<UserName>,
    word: Password,
}

impl ClassList {
    fn account(&self, index: usize) -> Option<Account> {
        Some(Account {
            id: AccountId::new(index as u64),
            name: self.users.get(index)?.clone(),
            generation: 1,
            status: Status::Active,
            created: Timestamp::from_millis(0),
            last_seen: None,
        })
    }
}

impl Accounts for ClassList {
    async fn register(&self, _: UserName, _: Password, _: Timestamp) -> Result<Account, AccountError> {
        Err(AccountError::NameTaken)
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        let known = self.users.iter().position(|user| *user == name).and_then(|index| self.account(index));
        let right = password.expose() == self.word.expose();
        known.filter(|_| right).ok_or(AccountError::WrongCredentials)
    }

    async fn change_password(
        &self,
        _: AccountId,
        _: Password,
        _: Password,
        _: Timestamp,
    ) -> Result<Account, AccountError> {
        Err(AccountError::WrongCredentials)
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        Ok(ids.iter().filter_map(|id| self.account(usize::try_from(id.get()).ok()?)).collect())
    }

    async fn changed_since(&self, _: Timestamp) -> Result<Vec<Account>, AccountError> {
        Ok(Vec::new())
    }

    async fn mark_seen(&self, _: Vec<AccountId>, _: Timestamp) -> Result<(), AccountError> {
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let class = ClassList { users: vec!["alice".parse()?, "小明".parse()?], word: Password::parse("open sesame")? };
    let folder = tempfile::tempdir()?;
    let identity = ServerIdentity::load_or_create(folder.path())?;
    let fingerprint = identity.fingerprint();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async { drop(stopped.await) };
    let server = tokio::spawn(serve(listener, identity, Arc::new(class), ServerOptions::default(), |_| {}, shutdown));

    let enter = async |user: &str, word: &str| {
        let login = Credentials {
            user: user.parse()?,
            password: Password::parse(word)?,
            purpose: Purpose::Login,
            invitation: None,
        };
        let options = ClientOptions::new(address.into(), Trust::Fingerprint(fingerprint), login);
        Ok::<_, Box<dyn Error>>(connect(options).await)
    };
    let (client, _events) = enter("小明", "open sesame").await??;
    println!("{} is in the class and logged in", client.user());
    match enter("mallory", "open sesame").await? {
        Err(ConnectError::Rejected(rejection)) => println!("mallory is told: {rejection}"),
        other => return Err(format!("mallory is not in the class: {:?}", other.map(drop)).into()),
    }
    client.leave().await;
    drop(stop);
    server.await??;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_runs_to_its_end() {
        super::main().expect("one is let in and one is not");
    }
}
