//! What the kernel reports about the UDP socket of another program.

use std::fs;
use std::net::SocketAddr;

/// The receive queue of a socket. Linux only.
pub(crate) struct UdpQueue {
    /// Bytes that the program has not read yet.
    pub(crate) unread: u64,
    /// Datagrams that the kernel dropped because the queue was full.
    pub(crate) dropped: u64,
}

impl UdpQueue {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let table = fs::read_to_string("/proc/net/udp").expect("this test needs Linux");
        let port = format!(":{:04X}", address.port());
        let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let row = row.into_iter().find(|row| row[1].ends_with(&port)).expect("the program has a socket");
        let unread = row[4].split(':').nth(1).unwrap();
        Self { unread: u64::from_str_radix(unread, 16).unwrap(), dropped: row.last().unwrap().parse().unwrap() }
    }
}
