//! A server with your own implementation of `Accounts`: here a fixed list of users, who log in with a shared password.
//!
//! ```text
//! cargo run -p chat-examples --example own_accounts
//! ```
#![expect(clippy::print_stdout, reason = "this example prints a transcript")]

use std::error::Error;

use chat_core::accounts::{Account, AccountError, Accounts, Status};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_net::{Client, ConnectError, Server, Trust};
use subtle::ConstantTimeEq;

/// The members of a class. Ids are positions in the list.
///
/// A shared password is acceptable only in an example. A real implementation stores password hashes, which
/// `chat_store::hashing` computes and compares.
struct ClassList {
    users: Vec<UserName>,
    password: Password,
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
            tickets_void_until: None,
        })
    }
}

impl Accounts for ClassList {
    async fn register(&self, _: UserName, _: Password, _: Timestamp) -> Result<Account, AccountError> {
        Err(AccountError::NameTaken)
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        let known = self.users.iter().position(|user| *user == name).and_then(|index| self.account(index));
        // The comparison takes the same time wherever the passwords differ, and it runs for unknown names too.
        // Otherwise the response time would help an attacker to guess names and passwords.
        let is_right: bool = password.expose().as_bytes().ct_eq(self.password.expose().as_bytes()).into();
        known.filter(|_| is_right).ok_or(AccountError::WrongCredentials)
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

    // Here the ticket key is lost when the server ends, and with it all tickets. An implementation behind a server that
    // keeps its ticket key stores the time.
    async fn void_tickets(&self, _: Vec<AccountId>, _: Timestamp) -> Result<(), AccountError> {
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let class =
        ClassList { users: vec!["alice".parse()?, "小明".parse()?], password: Password::parse("open sesame")? };
    let folder = tempfile::tempdir()?;
    let server = Server::builder(class).data_dir(folder.path()).bind("127.0.0.1:0").await?;
    let (address, fingerprint) = (server.address(), server.fingerprint());
    let handle = server.handle();
    let running = tokio::spawn(server.run());

    let log_in = async |user: &str| {
        Client::builder(address).trust(Trust::Fingerprint(fingerprint)).login(user, "open sesame").await
    };
    let client = log_in("小明").await?;
    println!("{} is in the class and logged in", client.user());
    match log_in("mallory").await {
        Err(ConnectError::Rejected(rejection)) => println!("mallory is rejected: {rejection}"),
        other => return Err(format!("mallory is not in the class: {:?}", other.map(drop)).into()),
    }
    client.leave().await;
    handle.stop();
    running.await??;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs_to_its_end() {
        super::main().expect("one login succeeds and one is rejected");
    }
}
