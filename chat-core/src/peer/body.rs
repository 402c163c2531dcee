//! Message bodies: encoded once for all recipients, and decoded with the checks that the sender should have made.

use std::time::Duration;

use super::SendError;
use super::config::{
    ACK_DELAY, ACK_SPREAD_ABOVE, ACK_SPREAD_GAPS, ACK_SPREAD_PER_RECIPIENT, CLOCK_TOLERANCE, MAX_ACK_DELAY,
    MAX_ACK_SPREAD,
};
use super::delivery::Delivery;
use super::link::Validity;
use crate::message::{Content, ContentRef, Recipient, Scope, SentAt};
use crate::text::Text;
use crate::time::Timestamp;
use crate::wire::datagram::{Body, BodyContent, BodyScope};

/// Encodes the body of message `number`.
///
/// # Errors
/// The content has an invalid length.
pub(super) fn encode(number: u64, to: &Recipient, content: &Content, sent_at: Timestamp) -> Result<Vec<u8>, SendError> {
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

/// Decodes the body of the message with this number on its link, and adds the message to its delivery, which `delivery`
/// provides. Returns whether the content keeps to the rules; otherwise nothing is added.
///
/// A time of sending that is more than [`CLOCK_TOLERANCE`] off is replaced by the time of arrival.
pub(super) fn deliver<'a>(
    number: u64,
    body: &[u8],
    received_at: Timestamp,
    delivery: impl FnOnce() -> &'a mut Delivery,
) -> Validity {
    let Ok(body) = Body::decode(body) else { return Validity::Invalid };
    let content = match body.content {
        BodyContent::Text(text) if Text::check(text).is_ok() => ContentRef::Text(text),
        BodyContent::Bytes(bytes) if !bytes.is_empty() && bytes.len() <= Text::MAX_BYTES => ContentRef::Bytes(bytes),
        BodyContent::Text(_) | BodyContent::Bytes(_) => return Validity::Invalid,
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
    delivery().push(number, body.id, sent_at, scope, content);
    Validity::Valid
}

/// Returns the time in milliseconds over which the acks of a message are spread, or 0 if it has too few recipients for
/// that. `gap` is the time since the previous message to the group.
///
/// While messages follow each other the spread is long, so that one ack serves several of them. A message that follows none
/// keeps its short spread: nothing that comes later could share its ack.
pub(super) fn ack_spread(recipients: usize, gap: Option<Duration>) -> u16 {
    if recipients <= ACK_SPREAD_ABOVE {
        return 0;
    }
    let recipients = u32::try_from(recipients).unwrap_or(u32::MAX);
    let alone = (ACK_DELAY + ACK_SPREAD_PER_RECIPIENT.saturating_mul(recipients)).min(MAX_ACK_SPREAD);
    // With longer gaps no second message would arrive within the average delay.
    let following = gap.filter(|gap| *gap <= MAX_ACK_DELAY / 2).unwrap_or_default() * ACK_SPREAD_GAPS;
    let spread = alone.max(following.min(MAX_ACK_DELAY));
    u16::try_from(spread.as_millis()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::id::SessionId;
    use crate::message::Message;
    use crate::peer::Delivered;

    const NOW: Timestamp = Timestamp::from_millis(1_795_408_080_000);

    fn decoded(body: &[u8]) -> Option<Message> {
        let mut delivery = Delivery::new(SessionId::new(7), "alice".parse().unwrap(), NOW);
        let validity = deliver(1, body, NOW, || &mut delivery);
        assert_eq!(delivery.len(), usize::from(validity == Validity::Valid));
        delivery.iter().next().map(Delivered::to_message)
    }

    fn text(text: &str) -> Content {
        Content::Text(Text::parse(text).unwrap())
    }

    #[test]
    fn a_decoded_message_equals_the_encoded_one() {
        for (to, scope) in
            [(Recipient::Everyone, Scope::Group), (Recipient::One("bob".parse().unwrap()), Scope::Private)]
        {
            for content in [text("大家好"), Content::Bytes(Bytes::from_static(&[0, 255]))] {
                let message = decoded(&encode(3, &to, &content, NOW).unwrap()).unwrap();
                assert_eq!((message.id.number, message.scope, message.content), (3, scope, content));
            }
        }
    }

    #[test]
    fn invalid_content_is_not_decoded() {
        for content in [BodyContent::Text("\u{1b}[2J"), BodyContent::Text(""), BodyContent::Bytes(&[])] {
            let mut body = Vec::new();
            Body { id: 1, scope: BodyScope::Group, sent_at: 0, content }.encode(&mut body);
            assert_eq!(decoded(&body), None);
        }
        assert_eq!(decoded(&[1, 2, 3]), None);
    }

    #[test]
    fn a_time_more_than_two_minutes_off_is_replaced_by_the_arrival() {
        for (offset, expected) in [
            (120_000, SentAt::Sender(NOW.offset_by(120_000))),
            (-120_000, SentAt::Sender(NOW.offset_by(-120_000))),
            (120_001, SentAt::Arrival(NOW)),
            (-120_001, SentAt::Arrival(NOW)),
        ] {
            let body = encode(1, &Recipient::Everyone, &text("x"), NOW.offset_by(offset)).unwrap();
            assert_eq!(decoded(&body).unwrap().sent_at, expected, "{offset} ms off");
        }
    }

    #[test]
    fn the_acks_of_a_large_group_are_spread() {
        for (recipients, millis) in [(1, 0), (32, 0), (33, 20), (1_000, 30), (10_000, 120), (100_000, 250)] {
            assert_eq!(ack_spread(recipients, None), millis, "{recipients} recipients");
        }
    }

    #[test]
    fn the_acks_of_messages_that_follow_each_other_are_spread_over_several_of_them() {
        for (recipients, gap, millis) in
            [(32, 12, 0), (1_000, 0, 30), (1_000, 12, 192), (10_000, 200, 500), (1_000, 250, 500), (1_000, 251, 30)]
        {
            let spread = ack_spread(recipients, Some(Duration::from_millis(gap)));
            assert_eq!(spread, millis, "{recipients} recipients, {gap} ms apart");
        }
    }
}
