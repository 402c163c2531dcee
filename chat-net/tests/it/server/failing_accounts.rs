//! Accounts that fail while the server runs: what clients receive, and what the handle shows.

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_core::accounts::memory::MemoryAccounts;
use chat_core::accounts::{Account, AccountError, Accounts};
use chat_core::id::AccountId;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::server::Count;
use chat_core::time::Timestamp;
use chat_core::wire::control::Purpose;
use chat_net::Server;
use chat_net::client::{ChangePasswordError, ConnectError, LoginFailure, RejectionKind};
use chat_net::server::{Metric, ServerState};
use tempfile::TempDir;

use super::Running;
use crate::harness::{PASSWORD, options, rejection, text, to};

/// How every call fails.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Unavailable,
    Panic,
    Hang,
}

/// Accounts in memory, with a fault that a test switches on.
#[derive(Default)]
struct Flaky {
    accounts: MemoryAccounts,
    fault: Mutex<Option<Fault>>,
}

impl Flaky {
    fn set(&self, fault: Option<Fault>) {
        *self.fault.lock().unwrap() = fault;
    }

    async fn pass(&self) -> Result<(), AccountError> {
        let fault = *self.fault.lock().unwrap();
        match fault {
            None => Ok(()),
            Some(Fault::Unavailable) => {
                Err(AccountError::Unavailable(Arc::new(std::io::Error::other("the disk is full"))))
            }
            Some(Fault::Panic) => panic!("a bug in the accounts"),
            Some(Fault::Hang) => pending().await,
        }
    }
}

impl Accounts for Flaky {
    async fn register(&self, name: UserName, password: Password, at: Timestamp) -> Result<Account, AccountError> {
        self.pass().await?;
        self.accounts.register(name, password, at).await
    }

    async fn authenticate(&self, name: UserName, password: Password) -> Result<Account, AccountError> {
        self.pass().await?;
        self.accounts.authenticate(name, password).await
    }

    async fn change_password(
        &self,
        id: AccountId,
        old: Password,
        new: Password,
        at: Timestamp,
    ) -> Result<Account, AccountError> {
        self.pass().await?;
        self.accounts.change_password(id, old, new, at).await
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        self.pass().await?;
        self.accounts.look_up(ids).await
    }

    async fn changed_since(&self, since: Timestamp) -> Result<Vec<Account>, AccountError> {
        self.pass().await?;
        self.accounts.changed_since(since).await
    }

    async fn mark_seen(&self, ids: Vec<AccountId>, at: Timestamp) -> Result<(), AccountError> {
        self.pass().await?;
        self.accounts.mark_seen(ids, at).await
    }

    async fn void_tickets(&self, ids: Vec<AccountId>, until: Timestamp) -> Result<(), AccountError> {
        self.pass().await?;
        self.accounts.void_tickets(ids, until).await
    }
}

fn password(typed: &str) -> Password {
    typed.parse().unwrap()
}

async fn start(folder: &TempDir) -> (Running, Arc<Flaky>) {
    let accounts = Arc::new(Flaky::default());
    let mut config = options().machine;
    config.poll_interval = Duration::from_millis(100);
    let server = Server::builder(Arc::clone(&accounts)).data_dir(folder.path()).config(config);
    (Running::start(server.bind("127.0.0.1:0").await.unwrap()), accounts)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_accounts_fail_logins_are_rejected_and_sessions_go_on() {
    for fault in [Fault::Unavailable, Fault::Panic] {
        let folder = tempfile::tempdir().unwrap();
        let (running, accounts) = start(&folder).await;
        let (mut alice, bob) = (running.join("alice").await, running.join("bob").await);
        accounts.set(Some(fault));
        for purpose in [Purpose::Register, Purpose::Login] {
            let result = running.connect(running.options("carol", purpose)).await;
            let rejected = result.as_ref().err().and_then(rejection) == Some(RejectionKind::StorageUnavailable);
            assert!(rejected, "{fault:?}: {:?}", result.err());
        }
        let change = bob.client.change_password(password(PASSWORD), password("battery staple")).await;
        assert!(
            matches!(&change, Err(ChangePasswordError::Rejected(why)) if why.kind() == RejectionKind::StorageUnavailable),
            "{fault:?}: {change:?}"
        );
        bob.client.send(to("alice"), text("still here?")).await.unwrap();
        assert_eq!(alice.message().await.1, "still here?", "messages do not need the accounts");
        // The server polls the accounts for changes. It notices the fault without a client.
        while running.handle.metrics()[Metric::AccountsFailed] < 5 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let seen = running.handle.metrics();
        assert_eq!((seen.state, seen[Count::StorageUnavailable]), (ServerState::Serving, 2), "{fault:?}");
        assert_eq!(running.handle.roster().await.unwrap().len(), 2, "nobody is disconnected");
        accounts.set(None);
        drop(running.join("carol").await);
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_hang_delay_only_logins_and_do_not_keep_the_server_from_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let (running, accounts) = start(&folder).await;
    let (mut alice, bob) = (running.join("alice").await, running.join("bob").await);
    accounts.set(Some(Fault::Hang));
    let mut impatient = running.options("alice", Purpose::Login);
    impatient.machine.reply_timeout = Duration::from_millis(500);
    let result = running.connect(impatient).await;
    let error = result.err();
    assert!(matches!(&error, Some(ConnectError::LoginFailed { source: LoginFailure::Unanswered, .. })), "{error:?}");
    assert_eq!(running.handle.metrics()[Metric::PasswordChecks], 1, "the handle shows the check that hangs");
    bob.client.send(to("alice"), text("still here?")).await.unwrap();
    assert_eq!(alice.message().await.1, "still here?");
    running.stop().await;
}
