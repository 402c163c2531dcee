//! Messages as bodies: encoded once for all recipients, read again by the rules that the sender should have kept.

use bytes::Bytes;

use super::SendError;
use super::config::{ACK_DELAY, CLOCK_TOLERANCE, SPREAD_ABOVE, SPREAD_MOST, SPREAD_PER_RECIPIENT};
use crate::id::{MessageId, SessionId};
use crate::message::{Content, Message, Recipient, Scope, SentAt};
use crate::name::UserName;
use crate::text::Text;
use crate::time::Timestamp;
use crate::wire::datagram::{Body, BodyContent, BodyScope};

/// Encodes message `number`.
pub(super) fn write(number: u64, to: &Recipient, content: &Content, sent_at: Timestamp) -> Result<Vec<u8>, SendError> {
    let content = match content {
        Content::Text(text) => BodyContent::Text(text.as_str()),
        Content::Bytes(bytes) if bytes.is_empty() || bytes.len() > Text::MAX_BYTES => return Err(SendError::Length),
        Content::Bytes(bytes) => BodyContent::Bytes(bytes),
    };
    let scope = if *to == Recipient::Everyone { BodyScope::Group } else { BodyScope::Private };
    let mut body = Vec::new();
    Body { id: number, scope, sent_at: sent_at.as_millis(), content }.encode(&mut body);
    Ok(body)
}

/// Reads a body; none if it breaks a rule.
pub(super) fn read(session: SessionId, from: &UserName, body: &[u8], received_at: Timestamp) -> Option<Message> {
    let body = Body::decode(body).ok()?;
    let content = match body.content {
        BodyContent::Text(text) => Content::Text(Text::parse(text).ok()?),
        BodyContent::Bytes(bytes) if bytes.is_empty() || bytes.len() > Text::MAX_BYTES => return None,
        BodyContent::Bytes(bytes) => Content::Bytes(Bytes::copy_from_slice(bytes)),
    };
    let claimed = Timestamp::from_millis(body.sent_at);
    let sent_at = if claimed.abs_diff(received_at) <= CLOCK_TOLERANCE {
        SentAt::Sender(claimed)
    } else {
        SentAt::Arrival(received_at)
    };
    let scope = match body.scope {
        BodyScope::Group => Scope::Group,
        BodyScope::Private => Scope::Private,
    };
    let id = MessageId { session, number: body.id };
    Some(Message { id, from: from.clone(), scope, content, sent_at, received_at })
}

/// How many milliseconds the acks of a message to so many may wait; 0 for as long as usual.
pub(super) fn patience(recipients: usize) -> u16 {
    if recipients <= SPREAD_ABOVE {
        return 0;
    }
    let recipients = u32::try_from(recipients).unwrap_or(u32::MAX);
    let spread = ACK_DELAY + SPREAD_PER_RECIPIENT.saturating_mul(recipients);
    u16::try_from(spread.min(SPREAD_MOST).as_millis()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_408_080_000);

    fn read_back(body: &[u8]) -> Option<Message> {
        read(SessionId::new(7), &"alice".parse().unwrap(), body, NOW)
    }

    fn text(text: &str) -> Content {
        Content::Text(Text::parse(text).unwrap())
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        for (to, scope) in
            [(Recipient::Everyone, Scope::Group), (Recipient::One("bob".parse().unwrap()), Scope::Private)]
        {
            for content in [text("大家好"), Content::Bytes(Bytes::from_static(&[0, 255]))] {
                let message = read_back(&write(3, &to, &content, NOW).unwrap()).unwrap();
                assert_eq!((message.id.number, message.scope, message.content), (3, scope, content));
            }
        }
    }

    #[test]
    fn a_text_that_breaks_the_rules_is_not_read() {
        for content in [BodyContent::Text("\u{1b}[2J"), BodyContent::Text(""), BodyContent::Bytes(&[])] {
            let mut body = Vec::new();
            Body { id: 1, scope: BodyScope::Group, sent_at: 0, content }.encode(&mut body);
            assert_eq!(read_back(&body), None);
        }
        assert_eq!(read_back(&[1, 2, 3]), None);
    }

    #[test]
    fn a_clock_more_than_two_minutes_off_is_not_believed() {
        for (offset, expected) in [
            (120_000, SentAt::Sender(NOW.offset_by(120_000))),
            (-120_000, SentAt::Sender(NOW.offset_by(-120_000))),
            (120_001, SentAt::Arrival(NOW)),
            (-120_001, SentAt::Arrival(NOW)),
        ] {
            let body = write(1, &Recipient::Everyone, &text("x"), NOW.offset_by(offset)).unwrap();
            assert_eq!(read_back(&body).unwrap().sent_at, expected, "{offset}");
        }
    }

    #[test]
    fn acks_of_large_groups_are_spread() {
        for (recipients, millis) in [(1, 0), (32, 0), (33, 20), (1_000, 30), (10_000, 120), (100_000, 250)] {
            assert_eq!(patience(recipients), millis, "{recipients}");
        }
    }
}
