//! The names of keys, and of the fields in them.

use chat_core::id::{AccountId, Epoch, NodeId, Position, SessionId, Tag};
use chat_core::journal::{HintPosition, Slot};

/// The keys of one room. They have a part in braces in common, so that a Redis Cluster keeps them on one node.
#[derive(Clone, Debug)]
pub(super) struct Keys(String);

impl Keys {
    pub(super) fn new(room: &str) -> Self {
        Self(format!("{{chat:{room}}}"))
    }

    /// The head: a hash.
    pub(super) fn head(&self) -> String {
        self.0.clone()
    }

    /// The slots of an epoch: a hash. Its values begin with the position of the last act on the slot.
    pub(super) fn slots(&self, epoch: Epoch) -> String {
        format!("{}:{epoch}:slots", self.0)
    }

    /// The acts of an epoch: a stream.
    pub(super) fn log(&self, epoch: Epoch) -> String {
        format!("{}:{epoch}:log", self.0)
    }

    /// All keys of an epoch, in the order in which scripts take them: with the head, the fences of the nodes, and their
    /// signs of life, which are hashes.
    pub(super) fn all(&self, epoch: Epoch) -> [String; 5] {
        let fences = format!("{}:{epoch}:fences", self.0);
        let lives = format!("{}:{epoch}:lives", self.0);
        [self.head(), self.slots(epoch), fences, lives, self.log(epoch)]
    }

    /// The hints: a stream. It belongs to no epoch, because nobody minds the loss of hints or their order.
    pub(super) fn hints(&self) -> String {
        format!("{}:hints", self.0)
    }

    /// The keys that show at the start what this user of the server may do: a hash and a stream.
    pub(super) fn trial(&self) -> [String; 2] {
        [format!("{}:trial", self.0), format!("{}:trial:log", self.0)]
    }
}

/// The field of a hint in its entry, and that of a mark, which shows a reader where the hints end.
pub(super) const HINT: &[u8] = b"h";
pub(super) const MARK: &[u8] = b"m";

/// The name of an entry of a stream, as Redis makes it: a time and a number.
pub(super) fn entry(position: HintPosition) -> String {
    let number = position.get();
    format!("{}-{}", number >> 64, number & u128::from(u64::MAX))
}

/// The place of an entry with such a name.
pub(super) fn place(entry: &str) -> Option<HintPosition> {
    let (time, number) = entry.split_once('-')?;
    let (time, number): (u64, u64) = (time.parse().ok()?, number.parse().ok()?);
    Some(HintPosition::new(u128::from(time) << 64 | u128::from(number)))
}

/// The field of a slot.
pub(super) fn field(slot: Slot) -> String {
    match slot {
        Slot::Account(account) => format!("a{account}"),
        Slot::Session(session) => format!("k{session}"),
        Slot::Node(node) => format!("n{node}"),
    }
}

/// The fields of accounts and of nodes, as a pattern of Redis.
pub(super) const ACCOUNTS_AND_NODES: &str = "[an]*";

/// The slot of a field.
pub(super) fn slot(field: &[u8]) -> Option<Slot> {
    let (kind, id) = field.split_first()?;
    let id = std::str::from_utf8(id).ok()?;
    match kind {
        b'a' => id.parse().ok().map(|id| Slot::Account(AccountId::new(id))),
        b'k' => hex(id).map(|id| Slot::Session(SessionId::new(id))),
        b'n' => hex(id).map(|id| Slot::Node(NodeId::new(id))),
        _ => None,
    }
}

/// A number of 16 hexadecimal digits.
pub(super) fn hex(text: &str) -> Option<u64> {
    let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| is_hex)
}

/// A position as the scripts compare it.
pub(super) fn digits(position: Position) -> String {
    format!("{:016}", position.get())
}

/// The number of digits of a position before the value of a slot.
pub(super) const DIGITS: usize = 16;

/// A tag as it is stored.
pub(super) fn tag(tag: Tag) -> [u8; 8] {
    tag.get().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_place_and_later_entries_are_later_places() {
        let places = ["0-0", "1795408080000-0", "1795408080000-9", "1795408080001-0", "18446744073709551615-1"];
        let places = places.map(|name| {
            let place = place(name).unwrap();
            assert_eq!(entry(place), name);
            place
        });
        assert!(places.is_sorted());
        for name in ["", "5", "-", "a-1", "1-", "1-18446744073709551616"] {
            assert_eq!(place(name), None, "{name}");
        }
    }

    #[test]
    fn a_field_is_the_name_of_one_slot() {
        for (the_slot, name) in [
            (Slot::Account(AccountId::new(70)), "a70"),
            (Slot::Session(SessionId::new(0xab)), "k00000000000000ab"),
            (Slot::Node(NodeId::new(u64::MAX)), "nffffffffffffffff"),
        ] {
            assert_eq!(field(the_slot), name);
            assert_eq!(slot(name.as_bytes()), Some(the_slot));
        }
        for name in ["", "a", "ax", "k1", "nfffffffffffffffg", "x1", "n+00000000000000f"] {
            assert_eq!(slot(name.as_bytes()), None, "{name}");
        }
    }
}
