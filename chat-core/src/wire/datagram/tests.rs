//! Golden bytes of the datagram format, and the bytes that it rejects.

use super::*;

fn bytes(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
}

fn ack() -> Ack {
    Ack {
        largest: 300,
        delay_us: 5,
        ranges: [Range { length: 2, gap: 3 }, Range { length: 1, gap: 0 }].into_iter().collect(),
        accepted: 7,
        refused: [Refusal { number: 6, reason: RefusalReason::Application }].into_iter().collect(),
        room: 65_536,
    }
}

#[test]
fn golden_bytes_of_frames() {
    for (frame, golden) in [
        (Frame::Padding, &[0][..]),
        (Frame::Message { number: 1, body: b"xy" }, &[1, 1, 2, b'x', b'y']),
        (Frame::Fragment { number: 2, offset: 1000, total: 2000, bytes: b"z" }, &[2, 2, 0xe8, 7, 0xd0, 15, 1, b'z']),
        (Frame::Skip { up_to: 9, bytes: 300 }, &[3, 9, 0xac, 2]),
        (Frame::Ack(ack()), &[4, 0xac, 2, 5, 2, 2, 3, 1, 0, 7, 1, 6, 1, 0x80, 0x80, 4]),
        (Frame::Ping([1, 2, 3, 4, 5, 6, 7, 8]), &[5, 1, 2, 3, 4, 5, 6, 7, 8]),
        (Frame::Pong([8, 7, 6, 5, 4, 3, 2, 1]), &[6, 8, 7, 6, 5, 4, 3, 2, 1]),
        (Frame::Bye { reason: ByeReason::Leaving, last: 4 }, &[7, 0, 4]),
        (Frame::Bye { reason: ByeReason::Violation, last: 4 }, &[7, 1, 4]),
        (Frame::MaxAckDelay(250), &[8, 0xfa, 1]),
        (Frame::Resend { after: 300 }, &[9, 0xac, 2]),
    ] {
        assert_eq!(bytes(&frame), golden, "{frame:?}");
        let read: Vec<_> = Frames::new(golden).collect();
        if frame == Frame::Padding {
            assert!(read.is_empty());
        } else {
            assert_eq!(read, [Ok(frame)]);
            for cut in 1..golden.len() {
                assert_eq!(Frames::new(&golden[..cut]).last(), Some(Err(Malformed)), "the first {cut} bytes");
            }
        }
    }
}

#[test]
fn messages_decoded_by_hand_equal_those_that_postcard_decodes() {
    let (mut decoded_by_hand, mut left_to_postcard) = (0, 0);
    for number in [0, 1, 127, 128, 0x1fff, 1 << 27, (1 << 28) - 1, 1 << 28, u64::MAX] {
        for length in [0, 1, 127, 128, 1100] {
            let body = vec![7; length];
            let mut encoded = bytes(&Frame::Message { number, body: &body });
            encoded.push(9);
            let by_hand = message(&encoded);
            let read = postcard::take_from_bytes::<Frame<'_>>(&encoded).unwrap();
            if let Some(by_hand) = by_hand {
                assert_eq!(by_hand, read);
                decoded_by_hand += 1;
            } else {
                assert!(number >= 1 << 28);
                left_to_postcard += 1;
            }
            assert_eq!(message(&encoded[..encoded.len() - 2]).filter(|_| length > 0), None, "a truncated frame");
        }
    }
    assert_eq!((decoded_by_hand, left_to_postcard), (35, 10));
    // Both accept a varint that is longer than necessary.
    let long = [1, 0x85, 0x80, 0, 1, 7];
    assert_eq!(message(&long).unwrap(), postcard::take_from_bytes(&long).unwrap());
}

#[test]
fn texts_decoded_by_hand_equal_those_that_postcard_decodes() {
    for (id, sent_at) in [(0, 0), (127, 128), (1 << 55, (1 << 56) - 1), (1 << 56, 5), (5, u64::MAX)] {
        for scope in [BodyScope::Group, BodyScope::Private] {
            for content in ["", "x", "大家好", &"x".repeat(16_384)].map(BodyContent::Text) {
                let (body, mut encoded) = (Body { id, scope, sent_at, content }, Vec::new());
                body.encode(&mut encoded);
                let is_usual = id < 1 << 56 && sent_at < 1 << 56;
                assert_eq!(text(&encoded), is_usual.then(|| body.clone()));
                assert_eq!(Body::decode(&encoded), Ok(body));
                encoded.push(0);
                assert_eq!((text(&encoded), Body::decode(&encoded)), (None, Err(Malformed)));
            }
        }
    }
    let invalid = [1, 0, 1, 0, 2, 0xc3, 0x28];
    assert_eq!((text(&invalid), Body::decode(&invalid)), (None, Err(Malformed)));
}

#[test]
fn acks_decoded_by_hand_equal_those_that_postcard_decodes() {
    let (mut decoded_by_hand, mut left_to_postcard) = (0, 0);
    for value in [0, 1, 127, 128, 1 << 27, (1 << 28) - 1, 1 << 28, (1 << 56) - 1, 1 << 56, u64::MAX] {
        for runs in [0, 1, 32] {
            let ranges = (0..runs).map(|_| Range { length: value, gap: value }).collect();
            let delay_us = u32::try_from(value.min(1 << 27)).unwrap();
            let ack = Ack { largest: value, delay_us, ranges, accepted: value, room: value, ..ack() };
            for refused in [ArrayVec::new(), ack.refused.clone()] {
                let mut encoded = bytes(&Frame::Ack(Ack { refused, ..ack.clone() }));
                encoded.push(9);
                let read = postcard::take_from_bytes::<Frame<'_>>(&encoded).unwrap();
                match super::ack(&encoded) {
                    Some((ack, rest)) => {
                        assert_eq!((Frame::Ack(ack), rest), read);
                        decoded_by_hand += 1;
                    }
                    None => left_to_postcard += 1,
                }
                for cut in 0..encoded.len() - 1 {
                    assert_eq!(super::ack(&encoded[..cut]), None, "a truncated frame");
                }
            }
        }
    }
    assert_eq!(
        (decoded_by_hand, left_to_postcard),
        (24, 36),
        "acks without refusals and with numbers below 2^56 are decoded by hand"
    );
    let mut many = vec![4, 1, 5, 33];
    many.extend([1, 1].repeat(33));
    many.extend([7, 0, 0]);
    assert_eq!(super::ack(&many), None, "the ack has too many runs");
}

#[test]
fn golden_bytes_of_a_body() {
    for (content, golden) in [
        (BodyContent::Text("hé"), &[3, 0, 0xac, 2, 0, 3, b'h', 0xc3, 0xa9][..]),
        (BodyContent::Bytes(&[0]), &[3, 0, 0xac, 2, 1, 1, 0]),
    ] {
        let body = Body { id: 3, scope: BodyScope::Group, sent_at: 300, content };
        let mut out = Vec::new();
        body.encode(&mut out);
        assert_eq!(out, golden);
        assert_eq!(Body::decode(&out), Ok(body));
        assert_eq!(Body::decode(&out[..out.len() - 1]), Err(Malformed));
        out.push(0);
        assert_eq!(Body::decode(&out), Err(Malformed));
    }
}

#[test]
fn the_longest_text_fits_the_longest_body() {
    let text = "x".repeat(Text::MAX_BYTES);
    let content = BodyContent::Text(&text);
    let mut out = Vec::new();
    Body { id: u64::MAX, scope: BodyScope::Private, sent_at: u64::MAX, content }.encode(&mut out);
    assert!(out.len() <= MAX_BODY, "{}", out.len());
    assert!(MAX_BODY <= u16::MAX as usize, "offsets fit their field");
}

#[test]
fn frames_follow_each_other_with_padding_anywhere() {
    let content =
        [&[0, 0][..], &bytes(&Frame::Skip { up_to: 9, bytes: 1 }), &[0], &bytes(&Frame::MaxAckDelay(1)), &[0]].concat();
    let frames: Vec<_> = Frames::new(&content).map(Result::unwrap).collect();
    assert_eq!(frames, [Frame::Skip { up_to: 9, bytes: 1 }, Frame::MaxAckDelay(1)]);
}

#[test]
fn unknown_frames_and_too_many_ranges_are_malformed() {
    assert_eq!(Frames::new(&[10, 1, 2]).collect::<Vec<_>>(), [Err(Malformed)]);
    let mut many = vec![4, 0xac, 2, 5, 33];
    many.extend([1, 1].repeat(33));
    many.extend([7, 0, 0]);
    assert_eq!(Frames::new(&many).collect::<Vec<_>>(), [Err(Malformed)]);
}

#[test]
fn runs_of_an_ack_never_reach_below_zero() {
    assert_eq!(ack().runs().unwrap().as_slice(), [(299, 300), (295, 295)]);
    for ranges in [
        &[Range { length: 0, gap: 0 }][..],
        &[Range { length: 302, gap: 0 }],
        &[Range { length: 300, gap: u64::MAX }, Range { length: 1, gap: 0 }],
    ] {
        let ack = Ack { ranges: ranges.iter().copied().collect(), ..ack() };
        assert_eq!(ack.runs(), Err(Malformed), "{ranges:?}");
    }
}

#[test]
fn a_header_is_split_off_and_datagrams_of_other_lengths_or_versions_are_rejected() {
    let header = Header { session: SessionId::new(0x0102_0304_0506_0708), number: 9 };
    assert_eq!(header.encode(), [1, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9]);
    let mut datagram = [&header.encode()[..], &[0xaa; 20]].concat();
    let (read, _, sealed) = Header::split(&mut datagram).unwrap();
    assert_eq!((read, sealed.len()), (header, 20));
    for length in 0..HEADER + TAG {
        assert!(Header::split(&mut datagram.clone()[..length]).is_err(), "{length} bytes");
    }
    datagram[0] = 2;
    assert!(Header::split(&mut datagram).is_err());
    assert!(Header::split(&mut [1; MAX_DATAGRAM + 1]).is_err());
}
