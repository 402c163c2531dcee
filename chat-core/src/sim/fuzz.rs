//! What fuzzing feeds with bytes of its choice, and what the tests replay: nothing may panic, and no promise may break.
//!
//! The programs in `fuzz/` call these functions, and `tests/corpus.rs` calls them with everything that was kept.

mod link;

pub use link::link;

use crate::name::UserName;
use crate::password::Password;
use crate::text::Text;
use crate::wire::control::{self, Reply, Request, Resume, Welcome};
use crate::wire::datagram::{Body, Frame, Frames, HEADER, Header};
use crate::wire::frame::{self, FrameDecoder};
use crate::wire::hello::Hello;

/// Something to feed bytes to.
pub type Target = fn(&[u8]);

/// Every target and its name, which is also that of its corpus.
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
];

/// A stream of frames decodes to the same however it is cut up; the first byte says where.
pub fn frame(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else { return };
    let read = |pieces: &[&[u8]]| {
        let (mut decoder, mut frames) = (FrameDecoder::new(1024), Vec::new());
        for piece in pieces {
            let mut rest = *piece;
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
    let (first, second) = stream.split_at(usize::from(*cut).min(stream.len()));
    let (frames, fine) = read(&[stream]);
    assert_eq!(read(&[first, second]), (frames.clone(), fine));
    let mut again = Vec::new();
    frames.iter().for_each(|payload| frame::encode_raw(payload, &mut again));
    assert!(stream.starts_with(&again), "frames are written as they were read");
}

/// A hello that decodes encodes to the same bytes.
pub fn hello(data: &[u8]) {
    if let Ok(hello) = Hello::decode(data) {
        assert_eq!(hello.encode(), data);
        assert_eq!(hello.agree(hello), Ok(hello.high));
    }
}

/// A request is read or refused, and what it says of a copy as well.
pub fn request(data: &[u8]) {
    if let Ok(Request::Resume(resume)) = Request::decode(data)
        && let Some(copy) = resume.known_version()
    {
        let extras = [control::version_extra(control::KNOWN_VERSION, copy)].into_iter().collect();
        assert_eq!(Resume { extras, ..resume }.known_version(), Some(copy));
    }
}

/// A reply is read or refused, and what it says of a copy as well.
pub fn reply(data: &[u8]) {
    if let Ok(Reply::Welcome(welcome)) = Reply::decode(data)
        && let Ok(Some(missed)) = welcome.delta()
    {
        let extras = [control::version_extra(control::DELTA, missed)].into_iter().collect();
        assert_eq!(Welcome { extras, ..welcome }.delta(), Ok(Some(missed)));
    }
}

/// The content of a datagram is read or refused, and what is read is written as something that reads the same.
pub fn datagram(data: &[u8]) {
    if let Ok((header, ..)) = Header::split(&mut data.to_vec()) {
        assert_eq!(header.encode(), data[..HEADER]);
    }
    // A number may be written longer than it needs to be, so padding may look like a frame.
    for frame in Frames::new(data).flatten().filter(|frame| *frame != Frame::Padding) {
        if let Frame::Ack(ack) = &frame
            && let Ok(runs) = ack.runs()
        {
            assert!(runs.iter().all(|(low, high)| low <= high && *high <= ack.largest));
            assert!(runs.windows(2).all(|pair| pair[1].1 < pair[0].0), "runs fall");
        }
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        assert_eq!(Frames::new(&bytes).collect::<Vec<_>>(), [Ok(frame)]);
    }
}

/// The body of a message is read or refused, and what is read is written as something that reads the same.
pub fn body(data: &[u8]) {
    if let Ok(body) = Body::decode(data) {
        let mut bytes = Vec::new();
        body.encode(&mut bytes);
        assert_eq!(Body::decode(&bytes), Ok(body));
    }
}

/// A name that is accepted is accepted again, with the same canonical form.
pub fn name(data: &[u8]) {
    if let Ok(typed) = std::str::from_utf8(data)
        && let Ok(name) = UserName::parse(typed)
    {
        let again = UserName::parse(name.as_str()).expect("what was accepted is accepted");
        assert_eq!(again.canonical(), name.canonical());
        assert!(name.canonical().len() <= 128, "its length fits the derivation of keys");
    }
}

/// A text that is accepted has no control characters.
pub fn text(data: &[u8]) {
    if let Ok(typed) = std::str::from_utf8(data)
        && let Ok(text) = Text::parse(typed)
    {
        assert!(!text.as_str().is_empty() && text.as_str().len() <= Text::MAX_BYTES);
        assert!(!text.as_str().chars().any(|c| c.is_control() && c != '\n' && c != '\t'));
    }
}

/// A password that is accepted is accepted again as the same.
pub fn password(data: &[u8]) {
    if let Ok(typed) = std::str::from_utf8(data)
        && let Ok(password) = Password::parse(typed)
    {
        let again = Password::parse(password.expose()).expect("what was accepted is accepted");
        assert_eq!(again.expose(), password.expose());
    }
}
