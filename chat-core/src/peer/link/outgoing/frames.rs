//! Bodies as frames: whole if they fit a datagram, in fragments otherwise.

use crate::peer::config::MIN_FRAGMENT;
use crate::peer::link::packet::Packet;
use crate::peer::link::recovery::SentFrame;
use crate::wire::datagram::Frame;

/// Writes as much of a body from `offset` on as fits, and returns the bytes written.
pub(super) fn write_part(packet: &mut Packet<'_>, number: u64, body: &[u8], offset: usize) -> usize {
    if offset == 0 && body.len() <= packet.max_whole_body() {
        return if packet.write_message(number, body) { body.len() } else { 0 };
    }
    write_fragment(packet, number, body, offset, body.len())
}

/// Writes a fragment of a body of `total` bytes: `part` from `offset` on, as far as it fits. Returns the bytes written.
pub(super) fn write_fragment(packet: &mut Packet<'_>, number: u64, part: &[u8], offset: usize, total: usize) -> usize {
    let left = part.len() - offset;
    let len = left.min(packet.remaining().saturating_sub(FRAGMENT_HEAD));
    if len < left.min(MIN_FRAGMENT) {
        return 0;
    }
    let sent = SentFrame::Fragment { number, offset: narrow(offset), len: narrow(len) };
    let (start, total) = (narrow(offset), narrow(total));
    let frame = Frame::Fragment { number, offset: start, total, bytes: &part[offset..offset + len] };
    if packet.write_ack_eliciting(&frame, Some(sent)) { len } else { 0 }
}

/// Converts an offset or a length within a body.
pub(super) fn narrow(length: usize) -> u16 {
    u16::try_from(length).expect("no body is longer than MAX_BODY")
}

/// The most bytes that tag, number, offset, total and length of a fragment take: 1 + 10 + 3 + 3 + 3.
const FRAGMENT_HEAD: usize = 20;
