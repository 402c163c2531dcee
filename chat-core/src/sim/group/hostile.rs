//! What malicious members, networks and servers do to a group.

use std::net::SocketAddr;

use super::Group;
use crate::seal::{LinkKeys, Party};
use crate::sim::SimDatagram;
use crate::wire::datagram::{Header, MAX_FRAMES};

impl Group {
    /// Delivers a datagram to the member at address `to`, bypassing the network.
    pub fn inject(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.arrive(SimDatagram { from, to, bytes: bytes.to_vec() });
    }

    /// Delivers a datagram to a member as if the server had relayed it: a malicious server.
    pub fn inject_relayed(&mut self, to: usize, bytes: &[u8]) {
        self.arrive_relayed(to, bytes.to_vec());
    }

    /// Passes a parcel of a member to the server, bypassing the member's machine: a malicious member.
    pub fn send_parcel(&mut self, from: usize, to: usize, datagram: &[u8]) {
        let to = self.members[to].entry.session();
        if let Some(relay) = &mut self.relay {
            relay.send(self.now, from, to, datagram);
        }
    }

    /// Seals `frames` with the keys of member `from` as packet `number`, and delivers the datagram to member `to`, bypassing
    /// the network: a malicious member. Frames beyond the size of a datagram are cut off.
    pub fn forge(&mut self, from: usize, to: usize, number: u64, frames: &[u8]) {
        let Some(bytes) = self.seal(from, to, number, frames) else { return };
        let (from, to) = (self.members[from].address, self.members[to].address);
        self.arrive(SimDatagram { from, to, bytes });
    }

    /// Like [`forge`](Self::forge), through the relay.
    pub fn forge_relayed(&mut self, from: usize, to: usize, number: u64, frames: &[u8]) {
        if let Some(bytes) = self.seal(from, to, number, frames) {
            self.inject_relayed(to, &bytes);
        }
    }

    fn seal(&self, from: usize, to: usize, number: u64, frames: &[u8]) -> Option<Vec<u8>> {
        let (sender, receiver) = (&self.members[from], &self.members[to]);
        let theirs = Party { key: receiver.entry.key, user: receiver.entry.user.clone() };
        let mut keys = LinkKeys::derive(&sender.keys, &sender.entry.user, &theirs).ok()?;
        let header = Header { session: sender.entry.session(), number }.encode();
        let mut sealed = frames[..frames.len().min(MAX_FRAMES)].to_vec();
        let tag = keys.seal(number, &header, &mut sealed);
        Some([&header[..], &sealed, &tag].concat())
    }

    /// Opens a datagram that member `from` sealed for member `to`, and returns its frames: what a malicious member does with
    /// what it receives. Returns none if it does not open.
    pub fn open_datagram(&self, from: usize, to: usize, datagram: &[u8]) -> Option<Vec<u8>> {
        let (sender, receiver) = (&self.members[from], &self.members[to]);
        let theirs = Party { key: sender.entry.key, user: sender.entry.user.clone() };
        let mut keys = LinkKeys::derive(&receiver.keys, &receiver.entry.user, &theirs).ok()?;
        let mut datagram = datagram.to_vec();
        let (header, header_bytes, sealed) = Header::split(&mut datagram).ok()?;
        keys.open(header.number, header_bytes, sealed).ok().map(|frames| frames.to_vec())
    }
}
