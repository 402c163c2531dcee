//! What a copy of a ticket is good for.

use std::path::Path;

use chat_core::accounts::{ListedAccount, Operator};
use chat_core::time::Timestamp;
use chat_core::wire::control::{Purpose, Reply, Request, Welcome};
use chat_core::wire::rejection::Rejection;
use chat_store::testing::TestDatabase;
use chat_store::{SqlAccounts, StoreOptions};

use crate::harness::{Home, RawConnection, Server, block_on, on_both_databases, until};

#[test]
fn a_ticket_of_another_database_with_the_same_key_is_refused() {
    let mut server = Server::start_in(&Home::new(), &[]);
    let alice = server.client("alice").register().start();
    let (bob, ticket) = log_in(&server, Purpose::Register, "bob");
    // The first user of each database has the account id 1.
    server.stop();
    remove_database(&server.data_dir());
    server.restart();
    drop(bob);
    for user in ["carol", "dave"] {
        let (connection, _) = log_in(&server, Purpose::Register, user);
        leave(connection);
    }
    assert_eq!(resume(&server, &ticket), Reply::Rejected(Rejection::TicketRefused));
    let (code, events) = alice.end();
    assert_eq!(code, Some(3));
    assert_eq!(events.last().map(String::as_str), Some("notice ended"));
}

#[test]
fn a_copied_ticket_is_refused_once_its_user_has_left_also_by_a_killed_and_restarted_server() {
    on_both_databases(|database| {
        let mut server = Server::start(database.clone());
        let (lost, lost_ticket) = log_in(&server, Purpose::Register, "bob");
        drop(lost);
        let (left, ticket) = log_in(&server, Purpose::Register, "alice");
        leave(left);
        assert_eq!(resume(&server, &ticket), Reply::Rejected(Rejection::TicketRefused));
        until("the database has it", || void_until(&database, "alice").is_some());
        server.process.kill();
        server.restart();
        assert_eq!(resume(&server, &ticket), Reply::Rejected(Rejection::TicketRefused));
        let (again, ticket) = log_in(&server, Purpose::Login, "alice");
        drop(again);
        for (user, ticket) in [("alice", ticket), ("bob", lost_ticket)] {
            let reply = resume(&server, &ticket);
            assert!(matches!(&reply, Reply::Welcome(_)), "{user} did not leave: {reply:?}");
        }
    });
}

#[test]
fn a_copied_ticket_is_refused_once_its_user_has_logged_in_again() {
    let server = Server::start_in(&Home::new(), &[]);
    let (first, ticket) = log_in(&server, Purpose::Register, "alice");
    drop(first);
    let alice = server.client("alice").start();
    assert_eq!(resume(&server, &ticket), Reply::Rejected(Rejection::Superseded));
    assert_eq!(alice.leave(), (Some(0), vec![]));
    assert_eq!(resume(&server, &ticket), Reply::Rejected(Rejection::TicketRefused));
}

/// Until when the tickets of a user are void, according to the database.
fn void_until(database: &TestDatabase, user: &str) -> Option<Timestamp> {
    block_on(async {
        let accounts = SqlAccounts::open_for_reading(&database.url(), StoreOptions::default()).await.unwrap();
        let accounts = accounts.list(None, 10).await.unwrap();
        let named = |account: &ListedAccount| account.name.as_ref().is_ok_and(|name| name.as_str() == user);
        accounts.into_iter().find(named).and_then(|account| account.tickets_void_until)
    })
}

fn remove_database(folder: &Path) {
    for file in ["chat.sqlite", "chat.sqlite-wal", "chat.sqlite-shm"] {
        drop(std::fs::remove_file(folder.join(file)));
    }
    assert!(folder.join("ticket.key").exists());
}

/// Logs in, and returns the connection with the ticket.
fn log_in(server: &Server, purpose: Purpose, user: &str) -> (RawConnection, Vec<u8>) {
    let mut connection = RawConnection::greeted([127, 0, 0, 1], server.address);
    match connection.log_in(purpose, user) {
        Some(Reply::Welcome(Welcome { ticket, .. })) => (connection, ticket),
        other => panic!("{user}: {other:?}"),
    }
}

/// The first reply to a ticket on a connection of its own.
fn resume(server: &Server, ticket: &[u8]) -> Reply {
    RawConnection::greeted([127, 0, 0, 1], server.address).resume(ticket).expect("the server answers")
}

/// Leaves the session, and waits until the server has closed the connection.
fn leave(mut connection: RawConnection) {
    connection.send(&[const { Request::Leave }]).unwrap();
    while connection.reply().is_some() {}
}
