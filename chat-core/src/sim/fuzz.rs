//! The fuzz targets: functions that process arbitrary bytes and panic if an invariant is violated.
//!
//! The programs in `fuzz/` call these functions with generated inputs, and `tests/corpus.rs` with the stored ones.

mod link;
mod relay;

pub use link::link;
pub use relay::relay;

use crate::away::AwayText;
use crate::extras::Extra;
use crate::name::UserName;
use crate::password::Password;
use crate::text::Text;
use crate::wire::control::{self, Reply, Request, Resume, Welcome};
use crate::wire::datagram::{Body, Frame, Frames, HEADER, Header};
use crate::wire::frame::{self, FrameDecoder};
use crate::wire::hello::Hello;

/// A fuzz target: processes one input, and panics if an invariant is violated.
pub type Target = fn(&[u8]);

/// Every target, with its name and the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("frame", frame),
    ("hello", hello),
    ("request", request),
    ("reply", reply),
    ("datagram", datagram),
    ("body", body),
    ("name", name),
    ("text", text),
    ("password", password),
    ("link", link),
    ("relay", relay),
];

/// A stream decodes to the same frames in one chunk and in two. The first byte says where to split it.
pub fn frame(data: &[u8]) {
    let Some((split, stream)) = data.split_first() else { return };
    let decode = |chunks: &[&[u8]]| {
        let (mut decoder, mut frames) = (FrameDecoder::new(1024), Vec::new());
        for chunk in chunks {
            let mut rest = *chunk;
            loop {
                match decoder.next(&mut rest) {
                    Ok(Some(frame)) => frames.push(frame.to_vec()),
                    Ok(None) => break,
                    Err(_) => return (frames, false),
                }
            }
        }
        (frames, true)
    };
    let (first, second) = stream.split_at(usize::from(*split).min(stream.len()));
    let (frames, is_valid) = decode(&[stream]);
    assert_eq!(decode(&[first, second]), (frames.clone(), is_valid));
    let mut encoded = Vec::new();
    frames.iter().for_each(|payload| frame::encode_raw(payload, &mut encoded));
    assert!(stream.starts_with(&encoded), "encoded frames equal the decoded ones");
}

/// A hello that decodes encodes to the same bytes.
pub fn hello(data: &[u8]) {
    if let Ok(hello) = Hello::decode(data) {
        assert_eq!(hello.encode(), data);
        assert_eq!(hello.agree(hello), Ok(hello.high));
    }
}

/// A request is decoded or refused, and so are the known version and the away text in it.
pub fn request(data: &[u8]) {
    let Ok(Request::Resume(resume)) = Request::decode(data) else { return };
    let (version, away) = (resume.known_version(), resume.away());
    let known_version = version.map(|version| control::version_extra(control::KNOWN_VERSION, version));
    let text = away.as_ref().map(|text| Extra { tag: control::RESUME_AWAY, value: text.as_str().into() });
    let resume = Resume { extras: known_version.into_iter().chain(text).collect(), ..resume };
    assert_eq!((resume.known_version(), resume.away()), (version, away));
}

/// A reply is decoded or refused, and so are the version of a delta and the away texts in it.
pub fn reply(data: &[u8]) {
    if let Ok(Reply::SnapshotPage(page)) = Reply::decode(data) {
        for mut entry in page {
            let away = entry.away();
            entry.set_away(away.as_ref());
            assert_eq!(entry.away(), away);
        }
    }
    if let Ok(Reply::Welcome(welcome)) = Reply::decode(data)
        && let Ok(Some(version)) = welcome.delta()
    {
        let extras = [control::version_extra(control::DELTA, version)].into_iter().collect();
        assert_eq!(Welcome { extras, ..welcome }.delta(), Ok(Some(version)));
    }
}

/// A datagram's header and frames are decoded or refused, and decoded ones survive a round trip.
pub fn datagram(data: &[u8]) {
    if let Ok((header, ..)) = Header::split(&mut data.to_vec()) {
        assert_eq!(header.encode(), data[..HEADER]);
    }
    // A varint may be longer than necessary, so frames cannot be compared byte by byte.
    for frame in Frames::new(data).flatten().filter(|frame| *frame != Frame::Padding) {
        if let Frame::Ack(ack) = &frame
            && let Ok(runs) = ack.runs()
        {
            assert!(runs.iter().all(|(low, high)| low <= high && *high <= ack.largest));
            assert!(runs.windows(2).all(|pair| pair[1].1 < pair[0].0), "runs are in descending order");
        }
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        assert_eq!(Frames::new(&bytes).collect::<Vec<_>>(), [Ok(frame)]);
    }
}

/// The body of a message is decoded or refused, and a decoded one survives a round trip.
pub fn body(data: &[u8]) {
    if let Ok(body) = Body::decode(data) {
        let mut bytes = Vec::new();
        body.encode(&mut bytes);
        assert_eq!(Body::decode(&bytes), Ok(body));
    }
}

/// A valid user name is valid again, with the same canonical form.
pub fn name(data: &[u8]) {
    if let Ok(typed) = std::str::from_utf8(data)
        && let Ok(name) = UserName::parse(typed)
    {
        let again = UserName::parse(name.as_str()).expect("a valid value is valid again");
        assert_eq!(again.canonical(), name.canonical());
        assert!(name.canonical().len() <= 128, "its length fits the key derivation");
    }
}

/// A valid text is bounded and has no control characters. A valid away text is a text on one line, or empty.
pub fn text(data: &[u8]) {
    let Ok(typed) = std::str::from_utf8(data) else { return };
    if let Ok(away) = AwayText::parse(typed) {
        assert!(away.is_empty() || Text::parse(away.as_str()).is_ok());
        assert!(away.as_str().len() <= AwayText::MAX_BYTES && !away.as_str().contains(['\n', '\t']));
    }
    if let Ok(text) = Text::parse(typed) {
        assert!(!text.as_str().is_empty() && text.as_str().len() <= Text::MAX_BYTES);
        assert!(!text.as_str().chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    }
}

/// A valid password is valid again and normalised to itself.
pub fn password(data: &[u8]) {
    if let Ok(typed) = std::str::from_utf8(data)
        && let Ok(password) = Password::parse(typed)
    {
        let again = Password::parse(password.expose()).expect("a valid value is valid again");
        assert_eq!(again.expose(), password.expose());
    }
}
