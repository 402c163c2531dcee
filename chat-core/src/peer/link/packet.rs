//! A packet while it is being written.

use arrayvec::ArrayVec;

use super::recovery::{MAX_SENT_FRAMES, SentFrame};
use crate::peer::config::RESERVED_FOR_ACK;
use crate::wire::datagram::{Ack, Frame};

/// Writes frames one after another into the space of one datagram. A frame that does not fit is not written at all.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    space: &'a mut [u8],
    len: usize,
    frames: ArrayVec<SentFrame, MAX_SENT_FRAMES>,
    ack_eliciting: AckEliciting,
    max_ack_delay: u16,
    padding: Padding,
}

/// A packet with all its frames.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct FinishedPacket {
    /// The length of all frames.
    pub(super) len: usize,
    pub(super) ack_eliciting: AckEliciting,
    /// The frames that are retransmitted if the packet is lost.
    pub(super) frames: ArrayVec<SentFrame, MAX_SENT_FRAMES>,
    /// The time in milliseconds for which the ack may be delayed, or 0 for the usual delay.
    pub(super) max_ack_delay: u16,
}

/// Whether the receiver must acknowledge a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum AckEliciting {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Padding {
    No,
    Yes,
}

/// The space that is reserved for [`Frame::MaxAckDelay`].
const RESERVED_FOR_MAX_ACK_DELAY: usize = 4;

impl<'a> Packet<'a> {
    pub(super) fn new(space: &'a mut [u8]) -> Self {
        let (frames, ack_eliciting, padding) = (ArrayVec::new(), AckEliciting::No, Padding::No);
        Self { space, len: 0, frames, ack_eliciting, max_ack_delay: 0, padding }
    }

    /// Writes a frame that is neither acknowledged nor retransmitted. Returns whether it fits.
    pub(super) fn write(&mut self, frame: &Frame<'_>) -> bool {
        let end = self.space.len().saturating_sub(RESERVED_FOR_MAX_ACK_DELAY);
        let Some(space) = self.space.get_mut(self.len..end) else { return false };
        let written = postcard::to_slice(frame, space).map_or(0, |written| written.len());
        self.len += written;
        written > 0
    }

    /// Writes an ack-eliciting frame. `retransmit` describes it if it is retransmitted after a loss. Returns whether it
    /// fits.
    pub(super) fn write_ack_eliciting(&mut self, frame: &Frame<'_>, retransmit: Option<SentFrame>) -> bool {
        let before = self.len;
        if !self.write(frame) {
            return false;
        }
        if retransmit.is_some_and(|sent| !self.record(sent)) {
            self.len = before;
            return false;
        }
        self.ack_eliciting = AckEliciting::Yes;
        true
    }

    /// Writes an ack. It is ack-eliciting only with `refusals`. Returns whether it fits.
    ///
    /// An ack is large and travels with almost every datagram, so it is encoded without building a [`Frame`].
    pub(super) fn write_ack(&mut self, ack: &Ack, refusals: Option<SentFrame>) -> bool {
        let end = self.space.len().saturating_sub(RESERVED_FOR_MAX_ACK_DELAY);
        let Some([tag, space @ ..]) = self.space.get_mut(self.len..end) else { return false };
        *tag = ACK_TAG;
        let Ok(written) = postcard::to_slice(ack, space).map(|written| written.len()) else { return false };
        if refusals.is_some_and(|refusals| !self.record(refusals)) {
            return false;
        }
        if refusals.is_some() {
            self.ack_eliciting = AckEliciting::Yes;
        }
        self.len += 1 + written;
        true
    }

    /// Writes a whole message. Returns whether it fits.
    ///
    /// Most frames are whole messages, so they are encoded by hand.
    pub(super) fn write_message(&mut self, number: u64, body: &[u8]) -> bool {
        let sent = SentFrame::Messages { first: number, last: number };
        let mut head = ArrayVec::<u8, 21>::new();
        head.push(MESSAGE_TAG);
        push_varint(number, &mut head);
        push_varint(body.len() as u64, &mut head);
        if head.len() + body.len() > self.remaining() || !self.record(sent) {
            return false;
        }
        let middle = self.len + head.len();
        let end = middle + body.len();
        self.space[self.len..middle].copy_from_slice(&head);
        self.space[middle..end].copy_from_slice(body);
        self.len = end;
        self.ack_eliciting = AckEliciting::Yes;
        true
    }

    /// Permits the receiver to delay its ack by this many milliseconds. The largest value counts.
    pub(super) fn allow_ack_delay(&mut self, millis: u16) {
        self.max_ack_delay = self.max_ack_delay.max(millis);
    }

    /// Withdraws the permission to delay the ack.
    pub(super) fn forbid_ack_delay(&mut self) {
        self.max_ack_delay = 0;
    }

    /// Extends the packet to its full space.
    pub(super) fn pad(&mut self) {
        self.padding = Padding::Yes;
    }

    /// Writes the permitted ack delay and the padding.
    pub(super) fn finish(mut self) -> FinishedPacket {
        if self.max_ack_delay > 0 {
            let frame = Frame::MaxAckDelay(self.max_ack_delay);
            let written = postcard::to_slice(&frame, &mut self.space[self.len..]).map_or(0, |written| written.len());
            self.len += written;
        }
        if self.padding == Padding::Yes {
            self.space[self.len..].fill(0);
            self.len = self.space.len();
        }
        let Self { len, ack_eliciting, frames, max_ack_delay, .. } = self;
        FinishedPacket { len, ack_eliciting, frames, max_ack_delay }
    }

    /// Returns the space for further frames, in bytes.
    pub(super) const fn remaining(&self) -> usize {
        (self.space.len() - self.len).saturating_sub(RESERVED_FOR_MAX_ACK_DELAY)
    }

    /// Returns the longest body that travels unfragmented in a packet of this size.
    pub(super) const fn max_whole_body(&self) -> usize {
        self.space.len().saturating_sub(RESERVED_FOR_ACK)
    }

    pub(super) const fn ack_eliciting(&self) -> AckEliciting {
        self.ack_eliciting
    }

    /// Records a frame for retransmission. Returns whether there is room for it.
    fn record(&mut self, sent: SentFrame) -> bool {
        match (self.frames.last_mut(), sent) {
            (Some(SentFrame::Messages { last, .. }), SentFrame::Messages { first, last: end })
                if *last + 1 == first =>
            {
                *last = end;
                true
            }
            _ => self.frames.try_push(sent).is_ok(),
        }
    }
}

/// The position of [`Frame::Message`] in its enum.
const MESSAGE_TAG: u8 = 1;

/// The position of [`Frame::Ack`] in its enum.
const ACK_TAG: u8 = 4;

/// Appends a LEB128 varint.
fn push_varint(mut value: u64, out: &mut ArrayVec<u8, 21>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::datagram::Frames;

    #[test]
    fn a_message_encoded_by_hand_equals_the_frame() {
        let lengths = [1, 127, 128, 1100];
        for number in [1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            for body in lengths.map(|length| vec![7; length]) {
                let (mut by_hand, mut space) = ([0; 1167], [0; 1167]);
                let mut packet = Packet::new(&mut by_hand);
                assert!(packet.write_message(number, &body));
                let mut other = Packet::new(&mut space);
                let sent = SentFrame::Messages { first: number, last: number };
                assert!(other.write_ack_eliciting(&Frame::Message { number, body: &body }, Some(sent)));
                assert_eq!(packet.finish(), other.finish());
                assert_eq!(by_hand, space);
            }
        }
    }

    #[test]
    fn an_ack_encoded_without_a_frame_equals_the_frame() {
        for refusals in [None, Some(SentFrame::Refusals { up_to: 9 })] {
            let (mut without, mut space) = ([0; 100], [0; 100]);
            let ack = Ack { largest: 300, delay_us: 70_000, accepted: 8, room: 65_536, ..Ack::default() };
            let (mut packet, mut other) = (Packet::new(&mut without), Packet::new(&mut space));
            assert!(packet.write_ack(&ack, refusals));
            let frame = Frame::Ack(ack.clone());
            let fits =
                if refusals.is_some() { other.write_ack_eliciting(&frame, refusals) } else { other.write(&frame) };
            assert!(fits);
            assert_eq!(packet.finish(), other.finish());
            assert_eq!(without, space);
            assert!(!Packet::new(&mut [0; 12]).write_ack(&ack, refusals), "the ack does not fit");
        }
    }

    #[test]
    fn padding_extends_a_packet_to_its_space() {
        let mut space = [9; 100];
        let mut packet = Packet::new(&mut space);
        assert!(packet.write_message(1, b"x"));
        packet.allow_ack_delay(30);
        packet.pad();
        assert_eq!(packet.finish().len, 100);
        assert_eq!(Frames::new(&space).count(), 2);
    }

    #[test]
    fn consecutive_messages_are_recorded_as_one_run() {
        let mut space = [0; 200];
        let mut packet = Packet::new(&mut space);
        for number in [4, 5, 6, 8] {
            let sent = SentFrame::Messages { first: number, last: number };
            assert!(packet.write_ack_eliciting(&Frame::Message { number, body: b"x" }, Some(sent)));
        }
        packet.allow_ack_delay(250);
        packet.allow_ack_delay(30);
        let FinishedPacket { len, ack_eliciting, frames, max_ack_delay } = packet.finish();
        assert_eq!((ack_eliciting, max_ack_delay), (AckEliciting::Yes, 250));
        assert_eq!(
            frames.as_slice(),
            [SentFrame::Messages { first: 4, last: 6 }, SentFrame::Messages { first: 8, last: 8 }]
        );
        let written: Vec<_> = Frames::new(&space[..len]).map(Result::unwrap).collect();
        assert_eq!(written.len(), 5);
        assert_eq!(written[4], Frame::MaxAckDelay(250));
    }

    #[test]
    fn a_frame_that_does_not_fit_is_not_written_at_all() {
        let mut space = [0; 20];
        let mut packet = Packet::new(&mut space);
        assert!(packet.write_ack_eliciting(&Frame::Message { number: 1, body: b"0123456789" }, None));
        let remaining = packet.remaining();
        assert!(!packet.write_ack_eliciting(&Frame::Message { number: 2, body: b"0123456789" }, None));
        assert_eq!(packet.remaining(), remaining);
        let len = packet.finish().len;
        assert_eq!(Frames::new(&space[..len]).count(), 1);
    }

    #[test]
    fn the_number_of_recorded_runs_is_bounded() {
        let mut space = [0; 200];
        let mut packet = Packet::new(&mut space);
        let written = (0..20).filter(|number| {
            let number = number * 2;
            let sent = SentFrame::Messages { first: number, last: number };
            packet.write_ack_eliciting(&Frame::Message { number, body: b"x" }, Some(sent))
        });
        assert_eq!(written.count(), MAX_SENT_FRAMES);
    }
}
