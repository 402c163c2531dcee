//! Messages that arrived together: one output for all of them, which keeps their contents in one piece.
//!
//! With a backlog, hundreds of messages arrive at once. An allocation, a copy of the sender's name and an output for each
//! would cost more than decrypting them.

use std::fmt;

use super::io::Token;
use crate::id::{MessageId, SessionId};
use crate::message::{ContentRef, Message, Scope, SentAt};
use crate::name::UserName;
use crate::time::Timestamp;

/// Messages of one session that arrived together, in the order of their numbers. There is at least one.
///
/// ```
/// use chat_core::message::ContentRef;
/// use chat_core::peer::{Delivery, Input, Output, Peer};
/// use chat_core::time::Now;
///
/// fn read(peer: &mut Peer, now: Now, delivery: &Delivery, out: &mut Vec<Output>) {
///     for message in delivery {
///         if let ContentRef::Text(text) = message.content() {
///             println!("{}: {text}", delivery.from());
///         }
///     }
///     peer.handle(now, Input::AcceptUpTo(delivery.last_token()), out);
/// }
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Delivery {
    session: SessionId,
    from: UserName,
    received_at: Timestamp,
    messages: Vec<Item>,
    /// The texts, one behind the other.
    texts: String,
    /// The contents for programs, one behind the other.
    bytes: Vec<u8>,
}

/// A message of a [`Delivery`].
#[derive(Clone, Copy)]
pub struct Delivered<'a> {
    delivery: &'a Delivery,
    item: &'a Item,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Item {
    /// The number on the link.
    number: u64,
    /// The number in the message's id.
    id: u64,
    sent_at: SentAt,
    scope: Scope,
    content: Part,
}

/// Where a content begins and ends. A delivery is never so long that this exceeds 32 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    Text(u32, u32),
    Bytes(u32, u32),
}

/// The memory in bytes from which on a delivery takes no further message, so that it stays small enough for near caches.
const FULL: usize = 64 * 1024;

impl Delivery {
    pub(super) const fn new(session: SessionId, from: UserName, received_at: Timestamp) -> Self {
        Self { session, from, received_at, messages: Vec::new(), texts: String::new(), bytes: Vec::new() }
    }

    /// Whether a message of this session that arrives now belongs to the delivery.
    pub(super) fn takes(&self, session: SessionId) -> bool {
        let memory = self.texts.len() + self.bytes.len() + self.messages.len() * size_of::<Item>();
        self.session == session && memory < FULL
    }

    /// Adds the message with this number on the link.
    pub(super) fn push(&mut self, number: u64, id: u64, sent_at: SentAt, scope: Scope, content: ContentRef<'_>) {
        let content = match content {
            ContentRef::Text(text) => {
                let begin = self.texts.len();
                self.texts.push_str(text);
                Part::Text(begin as u32, self.texts.len() as u32)
            }
            ContentRef::Bytes(bytes) => {
                let begin = self.bytes.len();
                self.bytes.extend_from_slice(bytes);
                Part::Bytes(begin as u32, self.bytes.len() as u32)
            }
        };
        self.messages.push(Item { number, id, sent_at, scope, content });
    }
}

impl Delivery {
    /// The session that sent the messages.
    pub const fn session(&self) -> SessionId {
        self.session
    }

    /// The sender.
    pub const fn from(&self) -> &UserName {
        &self.from
    }

    /// The time of arrival, on the server's clock.
    pub const fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The number of messages.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one message")]
    pub const fn len(&self) -> usize {
        self.messages.len()
    }

    /// The messages, in the order of their numbers.
    pub fn iter(&self) -> DeliveryIter<'_> {
        DeliveryIter { delivery: self, items: self.messages.iter() }
    }

    /// The token of the last message. With it, [`Input::AcceptUpTo`](super::Input::AcceptUpTo) accepts all messages of the
    /// delivery, and all earlier ones of the session about which the application has not decided.
    pub fn last_token(&self) -> Token {
        Token { session: self.session, number: self.messages.last().map_or(0, |item| item.number) }
    }
}

/// The messages of a [`Delivery`].
#[derive(Clone, Debug)]
pub struct DeliveryIter<'a> {
    delivery: &'a Delivery,
    items: std::slice::Iter<'a, Item>,
}

impl<'a> Iterator for DeliveryIter<'a> {
    type Item = Delivered<'a>;

    fn next(&mut self) -> Option<Delivered<'a>> {
        self.items.next().map(|item| Delivered { delivery: self.delivery, item })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}

impl ExactSizeIterator for DeliveryIter<'_> {}

impl<'a> IntoIterator for &'a Delivery {
    type Item = Delivered<'a>;
    type IntoIter = DeliveryIter<'a>;

    fn into_iter(self) -> DeliveryIter<'a> {
        self.iter()
    }
}

impl<'a> Delivered<'a> {
    /// The id, which is the same for all recipients.
    pub const fn id(self) -> MessageId {
        MessageId { session: self.delivery.session, number: self.item.id }
    }

    /// Whether the message was sent to everyone.
    pub const fn scope(self) -> Scope {
        self.item.scope
    }

    /// The content.
    pub fn content(self) -> ContentRef<'a> {
        match self.item.content {
            Part::Text(begin, end) => ContentRef::Text(&self.delivery.texts[begin as usize..end as usize]),
            Part::Bytes(begin, end) => ContentRef::Bytes(&self.delivery.bytes[begin as usize..end as usize]),
        }
    }

    /// The time of sending, on the server's clock.
    pub const fn sent_at(self) -> SentAt {
        self.item.sent_at
    }

    /// Identifies the message in the application's answer.
    pub const fn token(self) -> Token {
        Token { session: self.delivery.session, number: self.item.number }
    }

    /// A copy that owns its content.
    pub fn to_message(self) -> Message {
        Message {
            id: self.id(),
            from: self.delivery.from.clone(),
            scope: self.scope(),
            content: self.content().to_content(),
            sent_at: self.sent_at(),
            received_at: self.delivery.received_at,
        }
    }
}

/// Prints no text: texts do not belong in logs.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Prints no text: texts do not belong in logs.
impl fmt::Debug for Delivered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivered")
            .field("id", &self.id())
            .field("from", self.delivery.from())
            .field("scope", &self.scope())
            .field("content", &self.content())
            .field("sent_at", &self.sent_at())
            .finish()
    }
}

/// Two messages are equal if everything is that an application sees of them, whatever arrived together with them.
impl PartialEq for Delivered<'_> {
    fn eq(&self, other: &Self) -> bool {
        let rest = |message: &Self| (message.token(), message.scope(), message.sent_at(), message.delivery.received_at);
        self.id() == other.id()
            && self.content() == other.content()
            && rest(self) == rest(other)
            && self.delivery.from == other.delivery.from
    }
}

impl Eq for Delivered<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Content;
    use crate::text::Text;

    const NOW: Timestamp = Timestamp::from_millis(1_795_408_080_000);

    fn delivery(contents: &[ContentRef<'_>]) -> Delivery {
        let mut delivery = Delivery::new(SessionId::new(7), "alice".parse().unwrap(), NOW);
        for (number, content) in (11..).zip(contents) {
            delivery.push(number, number + 100, SentAt::Sender(NOW), Scope::Group, *content);
        }
        delivery
    }

    #[test]
    fn each_message_has_its_own_content_id_and_token() {
        let contents = [ContentRef::Text("大家好"), ContentRef::Bytes(&[0, 255]), ContentRef::Text("x")];
        let delivery = delivery(&contents);
        let found: Vec<_> = delivery.iter().map(|message| (message.id().number, message.content())).collect();
        assert_eq!(found, [(111, contents[0]), (112, contents[1]), (113, contents[2])]);
        let tokens: Vec<_> = delivery.iter().map(|message| message.token().number).collect();
        assert_eq!((tokens, delivery.last_token().number, delivery.len()), (vec![11, 12, 13], 13, 3));
    }

    #[test]
    fn a_copy_has_everything_that_the_delivery_says() {
        let message = delivery(&[ContentRef::Text("hello")]).iter().next().unwrap().to_message();
        let content = Content::Text(Text::parse("hello").unwrap());
        let mut expected = Message::new(message.id, "alice".parse().unwrap(), content, NOW);
        expected.scope = Scope::Group;
        assert_eq!((message, expected.id.session), (expected, SessionId::new(7)));
    }

    #[test]
    fn a_delivery_takes_messages_of_its_session_until_it_is_full() {
        let text = "x".repeat(FULL / 4);
        let mut delivery = delivery(&[ContentRef::Text(&text); 3]);
        assert!(delivery.takes(SessionId::new(7)) && !delivery.takes(SessionId::new(8)));
        delivery.push(14, 114, SentAt::Sender(NOW), Scope::Private, ContentRef::Text(&text));
        assert!(!delivery.takes(SessionId::new(7)));
    }

    #[test]
    fn short_messages_fill_a_delivery_too() {
        let delivery = delivery(&[ContentRef::Text("x"); FULL / size_of::<Item>() + 1]);
        assert!(!delivery.takes(SessionId::new(7)));
    }

    #[test]
    fn a_message_equals_the_same_one_of_another_delivery() {
        let [alone, two] = [1, 2].map(|count| delivery(&[ContentRef::Text("x"), ContentRef::Text("y")][..count]));
        assert_eq!(alone.iter().next(), two.iter().next());
        assert_ne!(alone.iter().next(), two.iter().nth(1));
    }

    #[test]
    fn debug_prints_no_text() {
        let delivery = delivery(&[ContentRef::Text("secret")]);
        assert!(!format!("{delivery:?} {:?}", delivery.iter()).contains("secret"));
    }
}
