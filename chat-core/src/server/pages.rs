//! The encoded copy of the roster, page by page: after a change only one page is put together again, so that a thousand
//! who come back at once do not cost a thousand copies.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::name::UserName;
use crate::roster::{Change, Entry};
use crate::wire::{self, frame};

/// All entries, encoded, by user name.
#[derive(Debug, Default)]
pub(super) struct Pages(Vec<Page>);

/// The entries of neighbouring names; never none.
#[derive(Debug, Default)]
struct Page {
    entries: BTreeMap<UserName, Vec<u8>>,
    /// The length of all encodings together.
    len: usize,
    /// The whole frame, unless an entry has changed since.
    frame: Option<Bytes>,
}

/// The longest encoding of a page's beginning: the variant of the reply and how many entries follow.
const HEAD: usize = 1 + 5;

/// The most that the entries of a page may take.
const ROOM: usize = frame::MAX_FRAME - HEAD;

/// The number of `Reply::SnapshotPage` among the replies.
const VARIANT: u32 = 2;

impl Pages {
    /// Follows a change of the roster; `entry` is that of the change's user afterwards.
    pub(super) fn follow(&mut self, change: &Change, entry: Option<&Entry>) {
        match entry {
            Some(entry) => self.put(entry),
            None => self.remove(change.user()),
        }
    }

    /// One frame per page.
    pub(super) fn frames(&mut self) -> impl Iterator<Item = &Bytes> {
        self.0.iter_mut().map(|Page { entries, frame, .. }| &*frame.get_or_insert_with(|| encoded(entries)))
    }

    /// The length of all entries, which is that of the copy but for a little.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|page| page.len).sum()
    }

    fn put(&mut self, entry: &Entry) {
        let mut encoding = Vec::new();
        wire::encode(entry, &mut encoding);
        if self.0.is_empty() {
            self.0.push(Page::default());
        }
        let at = self.position(&entry.user);
        let page = &mut self.0[at];
        page.len += encoding.len();
        page.len -= page.entries.insert(entry.user.clone(), encoding).map_or(0, |before| before.len());
        page.frame = None;
        if page.len > ROOM {
            let half = page.split();
            self.0.insert(at + 1, half);
        }
    }

    fn remove(&mut self, user: &UserName) {
        let at = self.position(user);
        let Some(page) = self.0.get_mut(at) else { return };
        let Some(before) = page.entries.remove(user) else { return };
        page.len -= before.len();
        page.frame = None;
        if page.entries.is_empty() {
            self.0.remove(at);
        }
    }

    /// The page for a name: the last that does not begin after it, or else the first.
    fn position(&self, user: &UserName) -> usize {
        let after = self.0.partition_point(|page| page.entries.keys().next().is_some_and(|first| first <= user));
        after.saturating_sub(1)
    }
}

impl Page {
    /// Takes the second half of the entries out.
    fn split(&mut self) -> Self {
        let Some(middle) = self.entries.keys().nth(self.entries.len() / 2).cloned() else { return Self::default() };
        let entries = self.entries.split_off(&middle);
        let len = entries.values().map(Vec::len).sum();
        self.len -= len;
        Self { entries, len, frame: None }
    }
}

/// The frame that `Reply::SnapshotPage` would give for these entries.
fn encoded(entries: &BTreeMap<UserName, Vec<u8>>) -> Bytes {
    let mut payload = Vec::new();
    let count = u32::try_from(entries.len()).expect("a page has far fewer entries than bytes");
    wire::encode(&(VARIANT, count), &mut payload);
    payload.extend(entries.values().flatten());
    let mut bytes = Vec::with_capacity(payload.len() + 4);
    frame::encode_raw(&payload, &mut bytes);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extras::Extras;
    use crate::key::PublicKey;
    use crate::presence::OfflineReason;
    use crate::roster::{LinkVersions, Roster};
    use crate::time::Timestamp;
    use crate::wire::control::Reply;

    /// An entry with a long name and all addresses that it may have.
    fn entry(number: usize) -> Entry {
        Entry {
            user: UserName::parse(&format!("{}{number:04}", "明".repeat(UserName::MAX_CHARS - 4))).unwrap(),
            key: PublicKey::new([7; 32]),
            addresses: vec!["[2001:db8::ffff]:65535".parse().unwrap(); Entry::MAX_ADDRESSES],
            since: Timestamp::from_millis(u64::MAX),
            versions: LinkVersions { low: 255, high: 255 },
            extras: Extras::default(),
        }
    }

    /// Reads the copy as a client does; gives it with the number of its pages.
    fn read(pages: &mut Pages) -> (Vec<Entry>, usize) {
        let mut entries = Vec::new();
        let mut count = 0;
        for frame in pages.frames() {
            let (length, payload) = frame.split_first_chunk().unwrap();
            assert_eq!(u32::from_be_bytes(*length) as usize, payload.len());
            assert!(payload.len() <= frame::MAX_FRAME, "{} bytes", payload.len());
            let reply = Reply::decode(payload).unwrap();
            let mut typed = Vec::new();
            frame::encode(&reply, &mut typed);
            assert_eq!(typed, *frame);
            let Reply::SnapshotPage(page) = reply else { panic!("not a page") };
            assert!(!page.is_empty());
            entries.extend(page);
            count += 1;
        }
        (entries, count)
    }

    /// The numbers below 1,009 in a mixed order, as 1,009 is prime.
    fn mixed() -> impl Iterator<Item = usize> {
        (0..1_009).map(|number| number * 577 % 1_009)
    }

    #[test]
    fn a_copy_holds_everybody_in_few_pages_that_fit_into_frames() {
        let mut pages = Pages::default();
        let mut roster = Roster::new();
        for number in mixed() {
            let change = Change::Online(entry(number));
            roster.apply(&change);
            pages.follow(&change, roster.get(change.user()));
        }
        let (entries, count) = read(&mut pages);
        assert!(entries.iter().eq(roster.iter()));
        let bytes: usize = pages.frames().map(Bytes::len).sum();
        assert!(count <= 2 * bytes.div_ceil(frame::MAX_FRAME), "{count} pages for {bytes} bytes");
        for number in mixed().skip(9) {
            let user = entry(number).user;
            let change = Change::Offline { user, reason: OfflineReason::Lost };
            roster.apply(&change);
            pages.follow(&change, None);
        }
        assert!(read(&mut pages).0.iter().eq(roster.iter()));
        assert_eq!(roster.len(), 9);
    }

    #[test]
    fn a_page_is_filled_to_the_last_byte_before_it_is_split() {
        let mut encoding = Vec::new();
        wire::encode(&entry(0), &mut encoding);
        let fits = ROOM / encoding.len();
        let mut pages = Pages::default();
        for number in 0..fits {
            pages.put(&entry(number));
        }
        assert_eq!(read(&mut pages).1, 1);
        pages.put(&entry(fits));
        assert_eq!(read(&mut pages).1, 2);
        pages.put(&entry(fits));
        assert_eq!(read(&mut pages).0.len(), fits + 1, "the same entry again");
    }

    #[test]
    fn only_the_page_that_changed_is_put_together_again() {
        let mut pages = Pages::default();
        for number in 0..1_000 {
            pages.put(&entry(number));
        }
        let frames = |pages: &mut Pages| -> Vec<*const u8> { pages.frames().map(|frame| frame.as_ptr()).collect() };
        // Kept, so that no frame takes the place of another in memory.
        let kept: Vec<Bytes> = pages.frames().cloned().collect();
        let before = frames(&mut pages);
        assert_eq!(frames(&mut pages), before);
        pages.put(&entry(0));
        let after = frames(&mut pages);
        assert_ne!(after[0], before[0]);
        assert_eq!(after[1..], before[1..]);
        assert!(kept.len() > 2);
    }

    #[test]
    fn the_copy_of_nobody_has_no_page_and_removing_nobody_does_nothing() {
        let mut pages = Pages::default();
        pages.remove(&entry(1).user);
        assert_eq!(read(&mut pages).1, 0);
        pages.put(&entry(2));
        pages.remove(&entry(1).user);
        pages.remove(&entry(3).user);
        assert_eq!(read(&mut pages).0, [entry(2)]);
        pages.remove(&entry(2).user);
        assert_eq!(read(&mut pages).1, 0);
    }
}
