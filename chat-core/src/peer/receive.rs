//! Receiving: a datagram finds its link, and the application's decisions return to it.

use std::net::SocketAddr;

use super::config::MAX_BUFFERED_TOTAL;
use super::link::{Decision, Memory};
use super::remote::RosterStatus;
use super::{Datagram, Delivery, Families, Output, Peer, Token, Way, body};
use crate::id::SessionId;
use crate::time::{Mono, Now};
use crate::wire::datagram::Header;

impl Peer {
    /// Processes a datagram, or drops it if it does not belong to a link or does not open. Its messages join the delivery
    /// that the last output is, if that is of the same session and not one of the first `before` outputs.
    pub(super) fn receive_datagram(&mut self, now: Now, datagram: Datagram<'_>, before: usize, out: &mut Vec<Output>) {
        let from = match datagram.from {
            Way::Direct(_) if self.local.reach.families == Families::Neither => return,
            Way::Direct(from) => Way::Direct(SocketAddr::new(from.ip().to_canonical(), from.port())),
            Way::Relay => Way::Relay,
        };
        let Ok((header, header_bytes, sealed)) = Header::split(datagram.bytes) else { return };
        let Some(index) = self.peers.index(&header.session) else { return };
        let Some(peer) = self.peers.get_mut(index) else { return };
        if peer.status == RosterStatus::Gone
            || peer.open_link(&self.local, &mut self.resumptions, &self.carrier, &mut self.cx).is_err()
        {
            return;
        }
        let Some(link) = &mut peer.link else { return };
        let memory = if self.buffered < MAX_BUFFERED_TOTAL { Memory::Available } else { Memory::Full };
        let buffered = link.buffered();
        let (user, received_at) = (&peer.entry.user, now.wall.offset_by(self.clock_offset));
        let packet = (header.number, header_bytes, sealed);
        link.receive(now.mono, from, packet, memory, &mut self.cx, |number, body| {
            body::deliver(number, body, received_at, || {
                delivery(before, out, header.session, || Delivery::new(header.session, user.clone(), received_at))
            })
        });
        self.buffered = self.buffered + link.buffered() - buffered;
        self.report_events(now.mono, index, out);
    }

    /// Records what the application decided about a message, or about all messages up to it.
    pub(super) fn decide(&mut self, now: Mono, token: Token, decision: Decision, out: &mut Vec<Output>) {
        let Some(index) = self.peers.index(&token.session) else { return };
        let Some(peer) = self.peers.get_mut(index) else { return };
        let Some(link) = &mut peer.link else { return };
        let buffered = link.buffered();
        let is_deadline_new = link.decide(now, token.number, decision);
        self.buffered = self.buffered + link.buffered() - buffered;
        if peer.status == RosterStatus::Gone {
            self.retire(index, out);
        } else if is_deadline_new {
            // `transmit` sets the timer: a fast application decides about many messages in a row.
            peer.mark_ready(now, index, &mut self.ready, &mut self.carrier);
        }
    }
}

/// The delivery to which the next message of a session belongs: the last output, or else a new one.
fn delivery(before: usize, out: &mut Vec<Output>, session: SessionId, new: impl FnOnce() -> Delivery) -> &mut Delivery {
    let takes = |last: &Output| matches!(last, Output::Deliver(delivery) if delivery.takes(session));
    if !out[before..].last().is_some_and(takes) {
        out.push(Output::Deliver(new()));
    }
    match out.last_mut() {
        Some(Output::Deliver(delivery)) => delivery,
        _ => unreachable!("the last output is a delivery"),
    }
}
