//! What a copy of a ticket is good for.

use std::path::Path;

use chat_core::wire::control::{Purpose, Reply, Request, Welcome};
use chat_core::wire::rejection::Rejection;

use crate::harness::{Home, RawConnection, Server};

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
    assert_eq!(code, Some(1));
    assert_eq!(events.last().map(String::as_str), Some("notice rejected: the session cannot be resumed; log in again"));
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
