//! Sending: a command becomes one body and a queue entry in the link of each recipient.

use super::messages::Reporting;
use super::remote::{NoAddress, RemotePeer, RosterStatus};
use super::table::PeerIndex;
use super::{Activity, Output, Peer, SendError, body};
use crate::message::{Content, FailReason, Outcome, Recipient};
use crate::time::{Mono, Timestamp};

/// The recipients of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Recipients {
    /// Every peer that is online: this many.
    Everyone(usize),
    One(PeerIndex),
}

impl Peer {
    pub(super) fn send(
        &mut self,
        now: Mono,
        tag: u64,
        to: &Recipient,
        content: &Content,
        sent_at: Timestamp,
        out: &mut Vec<Output>,
    ) {
        let recipients = match self.recipients(to) {
            Ok(recipients) => recipients,
            Err(error) => return out.push(Output::NotSent { tag, error }),
        };
        let number = self.cx.messages.next_number();
        let body = match body::encode(number, to, content, sent_at) {
            Ok(body) if self.cx.messages.has_room(body.len()) => body,
            Ok(_) => return out.push(Output::NotSent { tag, error: SendError::QueueFull }),
            Err(error) => return out.push(Output::NotSent { tag, error }),
        };
        let (count, reporting) = match recipients {
            Recipients::Everyone(count) => (count, Reporting::WithSummary),
            Recipients::One(_) => (1, Reporting::ReportsOnly),
        };
        let len = body.len();
        let gap = match recipients {
            Recipients::Everyone(_) => self.sent_to_everyone.replace(now).map(|before| now.since(before)),
            Recipients::One(_) => None,
        };
        let message = self.cx.messages.insert(body, body::ack_spread(count, gap));
        let mut failures = Vec::new();
        let Self { local, resumptions, cx, ready, carrier, peers, .. } = self;
        let mut enqueue = |index: PeerIndex, peer: &mut RemotePeer| {
            let link = peer.open_link(local, resumptions, carrier, cx);
            match link.and_then(|link| link.enqueue(now, message, len, cx)) {
                Ok(()) => peer.mark_ready(now, index, ready, carrier),
                Err(reason) => failures.push((index, reason)),
            }
        };
        match recipients {
            Recipients::Everyone(_) => {
                let online = peers.iter_mut().filter(|(_, peer)| peer.status == RosterStatus::Online);
                online.for_each(|(index, peer)| enqueue(index, peer));
            }
            Recipients::One(index) => peers.get_mut(index).into_iter().for_each(|peer| enqueue(index, peer)),
        }
        if reporting == Reporting::ReportsOnly && failures.iter().any(|(_, reason)| *reason == FailReason::QueueFull) {
            self.cx.messages.remove(message);
            return out.push(Output::NotSent { tag, error: SendError::QueueFull });
        }
        let id = self.cx.messages.open(now, message, count, reporting);
        out.push(Output::Queued { tag, id, recipients: count });
        for (index, reason) in failures {
            if let Some(peer) = self.peers.get_mut(index) {
                if reason == FailReason::NoAddress && peer.no_address == NoAddress::NotReported {
                    peer.no_address = NoAddress::Reported;
                    out.push(Output::NoAddress(peer.entry.user.clone()));
                }
                self.cx.messages.report(now, &peer.entry.user, [(message, Outcome::Failed(reason))], out);
            }
        }
    }

    fn recipients(&self, to: &Recipient) -> Result<Recipients, SendError> {
        if self.activity == Activity::Left {
            return Err(SendError::Leaving);
        }
        match to {
            Recipient::Everyone => {
                let online = self.peers.iter().filter(|peer| peer.status == RosterStatus::Online);
                Ok(Recipients::Everyone(online.count()))
            }
            Recipient::One(user) if *user == self.local.user => Err(SendError::ToOneself),
            Recipient::One(user) => match self.users.get(user).and_then(|session| self.peers.index(session)) {
                Some(index) => Ok(Recipients::One(index)),
                None => Err(SendError::UnknownRecipient(user.clone())),
            },
        }
    }
}
