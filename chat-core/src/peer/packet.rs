//! One datagram while it is being filled.

use arrayvec::ArrayVec;

use super::config::BESIDE;
use super::recovery::{Item, MAX_ITEMS};
use crate::wire::datagram::{Ack, Frame};

/// Frames written one after another into the space of one datagram.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    space: &'a mut [u8],
    len: usize,
    items: ArrayVec<Item, MAX_ITEMS>,
    asks: Asks,
    patience: u16,
    padding: Padding,
}

/// Whether the packet is made as long as its space.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Padding {
    No,
    Yes,
}

/// Whether the packet has to be acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Asks {
    ForNothing,
    ForAck,
}

/// What `Patience` takes at most.
const PATIENCE: usize = 4;

impl<'a> Packet<'a> {
    pub(super) fn new(space: &'a mut [u8]) -> Self {
        Self { space, len: 0, items: ArrayVec::new(), asks: Asks::ForNothing, patience: 0, padding: Padding::No }
    }

    /// How many bytes are free.
    pub(super) const fn space(&self) -> usize {
        (self.space.len() - self.len).saturating_sub(PATIENCE)
    }

    /// The longest body that travels whole in a packet of this length.
    pub(super) const fn whole(&self) -> usize {
        self.space.len().saturating_sub(BESIDE)
    }

    pub(super) const fn asks(&self) -> Asks {
        self.asks
    }

    /// Writes a frame that asks for nothing.
    pub(super) fn tell(&mut self, frame: &Frame<'_>) -> bool {
        let end = self.space.len().saturating_sub(PATIENCE);
        let Some(space) = self.space.get_mut(self.len..end) else { return false };
        let written = postcard::to_slice(frame, space).map_or(0, |written| written.len());
        self.len += written;
        written > 0
    }

    /// Writes an ack, without making a frame of it: it is large, and goes with almost every datagram. `item` is what
    /// has to travel again if the packet is lost, and only with one is an ack of it asked for.
    pub(super) fn write_ack(&mut self, ack: &Ack, item: Option<Item>) -> bool {
        let end = self.space.len().saturating_sub(PATIENCE);
        let Some([tag, space @ ..]) = self.space.get_mut(self.len..end) else { return false };
        *tag = ACK;
        let Ok(written) = postcard::to_slice(ack, space).map(|written| written.len()) else { return false };
        if item.is_some_and(|item| !self.note(item)) {
            return false;
        }
        if item.is_some() {
            self.asks = Asks::ForAck;
        }
        self.len += 1 + written;
        true
    }

    /// Writes a frame that asks for an ack, and notes what has to travel again if the packet is lost. Writes nothing
    /// if it does not fit.
    pub(super) fn write(&mut self, frame: &Frame<'_>, item: Option<Item>) -> bool {
        let before = self.len;
        if !self.tell(frame) {
            return false;
        }
        if item.is_some_and(|item| !self.note(item)) {
            self.len = before;
            return false;
        }
        self.asks = Asks::ForAck;
        true
    }

    /// Writes a whole message, as [`Packet::write`] would: by hand, because most of what leaves is this.
    pub(super) fn write_text(&mut self, number: u64, body: &[u8]) -> bool {
        let item = Item::Whole { first: number, last: number };
        let mut head = ArrayVec::<u8, 21>::new();
        head.push(TEXT);
        put_varint(number, &mut head);
        put_varint(body.len() as u64, &mut head);
        if head.len() + body.len() > self.space() || !self.note(item) {
            return false;
        }
        let middle = self.len + head.len();
        let end = middle + body.len();
        self.space[self.len..middle].copy_from_slice(&head);
        self.space[middle..end].copy_from_slice(body);
        self.len = end;
        self.asks = Asks::ForAck;
        true
    }

    /// Notes what has to travel again if the packet is lost; gives whether there is room for that.
    fn note(&mut self, item: Item) -> bool {
        match (self.items.last_mut(), item) {
            (Some(Item::Whole { last, .. }), Item::Whole { first, last: end }) if *last + 1 == first => {
                *last = end;
                true
            }
            _ => self.items.try_push(item).is_ok(),
        }
    }

    /// Makes the packet as long as its space, with padding.
    pub(super) fn fill_up(&mut self) {
        self.padding = Padding::Yes;
    }

    /// Lets the ack of this packet wait for so many milliseconds if no other message in it asks for more.
    pub(super) fn be_patient(&mut self, millis: u16) {
        self.patience = self.patience.max(millis);
    }

    /// Closes the packet: its length, what it asks for, and what it carries.
    pub(super) fn finish(mut self) -> (usize, Asks, ArrayVec<Item, MAX_ITEMS>, u16) {
        if self.patience > 0 {
            let frame = Frame::Patience(self.patience);
            let written = postcard::to_slice(&frame, &mut self.space[self.len..]).map_or(0, |written| written.len());
            self.len += written;
        }
        if self.padding == Padding::Yes {
            self.space[self.len..].fill(0);
            self.len = self.space.len();
        }
        (self.len, self.asks, self.items, self.patience)
    }
}

/// The tag of [`Frame::Text`].
const TEXT: u8 = 1;

/// The tag of [`Frame::Ack`].
const ACK: u8 = 4;

/// Seven bits in a byte, the lowest first.
fn put_varint(mut value: u64, out: &mut ArrayVec<u8, 21>) {
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
    fn a_text_written_by_hand_is_the_frame() {
        let lengths = [1, 127, 128, 1100];
        for number in [1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX >> 1, u64::MAX] {
            for body in lengths.map(|length| vec![7; length]) {
                let (mut by_hand, mut space) = ([0; 1167], [0; 1167]);
                let mut packet = Packet::new(&mut by_hand);
                assert!(packet.write_text(number, &body));
                let mut other = Packet::new(&mut space);
                let item = Item::Whole { first: number, last: number };
                assert!(other.write(&Frame::Text { number, body: &body }, Some(item)));
                assert_eq!(packet.finish(), other.finish());
                assert_eq!(by_hand, space);
            }
        }
    }

    #[test]
    fn an_ack_written_by_itself_is_the_frame() {
        for item in [None, Some(Item::Refusals { up_to: 9 })] {
            let (mut by_itself, mut space) = ([0; 100], [0; 100]);
            let ack = Ack { largest: 300, delay_us: 70_000, settled: 8, room: 65_536, ..Ack::default() };
            let (mut packet, mut other) = (Packet::new(&mut by_itself), Packet::new(&mut space));
            assert!(packet.write_ack(&ack, item));
            let frame = Frame::Ack(ack.clone());
            assert!(if item.is_some() { other.write(&frame, item) } else { other.tell(&frame) });
            assert_eq!(packet.finish(), other.finish());
            assert_eq!(by_itself, space);
            assert!(!Packet::new(&mut [0; 12]).write_ack(&ack, item), "it does not fit");
        }
    }

    #[test]
    fn a_packet_is_filled_up_with_padding() {
        let mut space = [9; 100];
        let mut packet = Packet::new(&mut space);
        assert!(packet.write_text(1, b"x"));
        packet.be_patient(30);
        packet.fill_up();
        assert_eq!(packet.finish().0, 100);
        assert_eq!(Frames::new(&space).count(), 2);
    }

    #[test]
    fn messages_in_a_row_are_one_item() {
        let mut space = [0; 200];
        let mut packet = Packet::new(&mut space);
        for number in [4, 5, 6, 8] {
            let item = Item::Whole { first: number, last: number };
            assert!(packet.write(&Frame::Text { number, body: b"x" }, Some(item)));
        }
        packet.be_patient(250);
        packet.be_patient(30);
        let (len, asks, items, patience) = packet.finish();
        assert_eq!((asks, patience), (Asks::ForAck, 250));
        assert_eq!(items.as_slice(), [Item::Whole { first: 4, last: 6 }, Item::Whole { first: 8, last: 8 }]);
        let frames: Vec<_> = Frames::new(&space[..len]).map(Result::unwrap).collect();
        assert_eq!(frames.len(), 5);
        assert_eq!(frames[4], Frame::Patience(250));
    }

    #[test]
    fn what_does_not_fit_is_not_written_at_all() {
        let mut space = [0; 20];
        let mut packet = Packet::new(&mut space);
        assert!(packet.write(&Frame::Text { number: 1, body: b"0123456789" }, None));
        let space_before = packet.space();
        assert!(!packet.write(&Frame::Text { number: 2, body: b"0123456789" }, None));
        assert_eq!(packet.space(), space_before);
        let (len, ..) = packet.finish();
        assert_eq!(Frames::new(&space[..len]).count(), 1);
    }

    #[test]
    fn a_packet_carries_only_so_many_runs() {
        let mut space = [0; 200];
        let mut packet = Packet::new(&mut space);
        let written = (0..20).filter(|number| {
            let number = number * 2;
            packet.write(&Frame::Text { number, body: b"x" }, Some(Item::Whole { first: number, last: number }))
        });
        assert_eq!(written.count(), MAX_ITEMS);
    }
}
