//! Golden bytes of parcels and datagrams, what their decoders refuse, and what their encoders bound.

use proptest::prelude::*;

use super::*;
use crate::wire::control::{Reply, Request};
use crate::wire::datagram::MAX_DATAGRAM;

const TO: SessionId = SessionId::new(0x0102_0304_0506_0708);

fn parcels<'a>(parcels: &[(u64, &'a [u8])]) -> Vec<Parcel<'a>> {
    parcels.iter().map(|(to, datagram)| Parcel { to: SessionId::new(*to), datagram }).collect()
}

/// The payload of a frame, after a check of its length.
fn payload(frame: &Bytes) -> &[u8] {
    let (length, payload) = frame.split_first_chunk().expect("a frame has a length");
    assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
    payload
}

fn request(parcels: &[Parcel<'_>]) -> Option<Bytes> {
    let mut frame = ParcelFrame::new();
    for parcel in parcels {
        assert!(frame.push(*parcel), "{parcel:?} fits");
    }
    frame.take()
}

fn reply(datagrams: &[&[u8]]) -> Option<Bytes> {
    let mut frame = DatagramFrame::new();
    for datagram in datagrams {
        assert!(frame.push(datagram));
    }
    frame.take()
}

#[test]
fn golden_bytes() {
    let frame = request(&[Parcel { to: TO, datagram: b"abc" }, Parcel { to: SessionId::new(9), datagram: b"" }]);
    let golden = b"\0\0\0\x19\x08\x17\x01\x02\x03\x04\x05\x06\x07\x08\0\x03abc\0\0\0\0\0\0\0\x09\0\0";
    assert_eq!(frame.unwrap(), &golden[..]);
    assert_eq!(reply(&[b"abc", b""]).unwrap(), &b"\0\0\0\x09\x09\x07\0\x03abc\0\0"[..]);
    let terms = RelayTerms { rate: 300, burst: 1, longest: 1_200 };
    let mut encoded = Vec::new();
    encode(&terms, &mut encoded);
    assert_eq!(encoded, [0xac, 2, 1, 0xb0, 9]);
}

#[test]
fn frames_are_recognised_by_their_first_byte() {
    let (request, reply) = (request(&[Parcel { to: TO, datagram: b"x" }]).unwrap(), reply(&[b"x"]).unwrap());
    assert!(Parcels::are_in(payload(&request)) && !Datagrams::are_in(payload(&request)));
    assert!(Datagrams::are_in(payload(&reply)) && !Parcels::are_in(payload(&reply)));
    assert!(!Parcels::are_in(&[]) && !Datagrams::are_in(&[]));
    let mut heartbeat = Vec::new();
    encode(&Request::Heartbeat { number: 8 }, &mut heartbeat);
    assert!(!Parcels::are_in(&heartbeat));
}

#[test]
fn every_truncation_and_every_longer_frame_is_malformed() {
    let frame = request(&parcels(&[(1, b"abc"), (2, b"defg")])).unwrap();
    let whole = payload(&frame);
    assert!(Request::decode(whole).is_ok());
    for cut in 0..whole.len() {
        assert_eq!(Request::decode(&whole[..cut]), Err(Malformed), "{cut}");
    }
    assert_eq!(Request::decode(&[whole, &[0]].concat()), Err(Malformed));
    let frame = reply(&[b"abc", b"defg"]).unwrap();
    let whole = payload(&frame);
    assert!(Reply::decode(whole).is_ok());
    for cut in 0..whole.len() {
        assert_eq!(Reply::decode(&whole[..cut]), Err(Malformed), "{cut}");
        assert!(Datagrams::split_mut(&mut whole[..cut].to_vec()).is_err(), "{cut}");
    }
    assert_eq!(Reply::decode(&[whole, &[0]].concat()), Err(Malformed));
}

#[test]
fn a_content_that_ends_within_a_parcel_is_malformed() {
    let content = b"\0\0\0\0\0\0\0\x01\0\x03abc";
    for cut in 1..content.len() {
        let payload = [&[RELAY, cut as u8], &content[..cut]].concat();
        assert_eq!(Request::decode(&payload), Err(Malformed), "{cut}");
    }
    for cut in 1..5 {
        let payload = [&[RELAYED, cut as u8], &content[8..8 + cut]].concat();
        assert_eq!(Reply::decode(&payload), Err(Malformed), "{cut}");
    }
    assert_eq!(Request::decode(&[RELAY, 0]), Ok(Request::Relay(Parcels(&[]))));
}

#[test]
fn a_frame_holds_what_fits_its_limit_and_no_more() {
    let longest = [7; MAX_DATAGRAM];
    let mut frame = ParcelFrame::new();
    let count = std::iter::repeat_with(|| frame.push(Parcel { to: TO, datagram: &longest })).take_while(|fits| *fits);
    assert_eq!(count.count(), MAX_CONTENT / (Parcel::HEADER + MAX_DATAGRAM));
    let rest = MAX_CONTENT % (Parcel::HEADER + MAX_DATAGRAM) - Parcel::HEADER;
    assert!(!frame.push(Parcel { to: TO, datagram: &longest[..=rest] }));
    assert!(frame.push(Parcel { to: TO, datagram: &longest[..rest] }));
    assert!(!frame.push(Parcel { to: TO, datagram: &[] }));
    let full = frame.take().unwrap();
    assert_eq!(payload(&full).len(), MAX_FRAME);
    assert!(Request::decode(payload(&full)).is_ok());
    assert!(frame.take().is_none() && frame.push(Parcel { to: TO, datagram: &longest }), "another frame begins");
    assert!(!ParcelFrame::new().push(Parcel { to: TO, datagram: &[0; 70_000] }));
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded(
        sent in proptest::collection::vec((any::<u64>(), proptest::collection::vec(any::<u8>(), 0..300)), 1..200),
    ) {
        let sent: Vec<_> = sent.iter().map(|(to, datagram)| (*to, datagram.as_slice())).collect();
        let frame = request(&parcels(&sent)).unwrap();
        let Ok(Request::Relay(decoded)) = Request::decode(payload(&frame)) else { panic!("it is well-formed") };
        prop_assert_eq!(decoded.iter().collect::<Vec<_>>(), parcels(&sent));
        let bytes: usize = decoded.iter().map(|parcel| parcel.len()).sum();
        prop_assert_eq!(bytes, decoded.0.len());
        let mut again = Vec::new();
        encode(&Request::Relay(decoded), &mut again);
        prop_assert_eq!(again.as_slice(), payload(&frame));

        let datagrams: Vec<&[u8]> = sent.iter().map(|(_, datagram)| *datagram).collect();
        let frame = reply(&datagrams).unwrap();
        let Ok(Reply::Relayed(decoded)) = Reply::decode(payload(&frame)) else { panic!("it is well-formed") };
        prop_assert_eq!(decoded.iter().collect::<Vec<_>>(), datagrams.clone());
        let mut copy = payload(&frame).to_vec();
        let in_place: Vec<Vec<u8>> = Datagrams::split_mut(&mut copy).unwrap().map(|datagram| datagram.to_vec()).collect();
        prop_assert_eq!(in_place, datagrams);
        let mut again = Vec::new();
        encode(&Reply::Relayed(decoded), &mut again);
        prop_assert_eq!(again.as_slice(), payload(&frame));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..400), variant in 0..2) {
        let variant = if variant == 0 { RELAY } else { RELAYED };
        let length = bytes.len();
        let mut payload = vec![variant];
        encode(&length, &mut payload);
        payload.append(&mut bytes);
        if let Ok(Request::Relay(parcels)) = Request::decode(&payload) {
            prop_assert_eq!(parcels.iter().map(|parcel| parcel.len()).sum::<usize>(), length);
        }
        if let Ok(Reply::Relayed(datagrams)) = Reply::decode(&payload) {
            prop_assert_eq!(datagrams.iter().map(|datagram| LENGTH + datagram.len()).sum::<usize>(), length);
        }
    }
}
