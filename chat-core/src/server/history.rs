//! What was told of late. Who comes back soon is sent what it has missed, instead of a copy of everything.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::id::Revision;

/// The last frames that were told, one behind the other, and which revision each of them leads to. The oldest are
/// forgotten.
#[derive(Debug)]
pub(super) struct History {
    most: usize,
    /// The length of all sealed pieces.
    len: usize,
    /// From the oldest on; each begins where the one before ends, and the open one where the last ends.
    sealed: VecDeque<Piece<Bytes>>,
    open: Piece<Vec<u8>>,
    /// What is in the open piece, unless more was told since this was made.
    shared: Option<Bytes>,
}

/// Some frames in a row.
#[derive(Debug)]
struct Piece<B> {
    /// The revision before the first of them.
    from: Revision,
    /// Of each frame, the revision after it and where it ends in `bytes`.
    ends: Vec<(Revision, usize)>,
    bytes: B,
}

/// About how many pieces a full history has. A frame may be as short as 30 bytes, and ten thousand queues of hundreds of
/// frames each would take more memory than what they hold. On the other hand what is in the open piece is put together
/// anew for the first who comes back after each broadcast, so it should not be long.
const PIECES: usize = 64;

impl History {
    /// A history of at most `most` bytes, where nothing was told yet.
    pub(super) fn new(most: usize) -> Self {
        let open = Piece { from: Revision::new(0), ends: Vec::new(), bytes: Vec::new() };
        Self { most, len: 0, sealed: VecDeque::new(), open, shared: None }
    }

    /// The revision that was told last.
    pub(super) fn end(&self) -> Revision {
        self.open.to()
    }

    /// Notes frames that are told now. `ends` says of each which revision it leads to and where it ends in `frames`.
    pub(super) fn note(&mut self, frames: &[u8], ends: &[(Revision, usize)]) {
        let mut begin = 0;
        for (revision, end) in ends {
            self.open.bytes.extend_from_slice(&frames[begin..*end]);
            self.open.ends.push((*revision, self.open.bytes.len()));
            begin = *end;
            if self.open.bytes.len() > self.most / PIECES {
                self.seal();
            }
        }
        self.shared = None;
        while self.len > self.most
            && let Some(oldest) = self.sealed.pop_front()
        {
            self.len -= oldest.bytes.len();
        }
    }

    /// All frames after `revision`, if that is where a frame ends and the history reaches back so far.
    pub(super) fn since(&mut self, revision: Revision) -> Option<Vec<Bytes>> {
        if let Some(offset) = self.open.offset(revision) {
            return Some(self.behind(offset).into_iter().collect());
        }
        let after = self.sealed.partition_point(|piece| piece.from <= revision);
        let (first, later) = (after.checked_sub(1)?, self.sealed.range(after..));
        let piece = &self.sealed[first];
        let offset = piece.offset(revision)?;
        let later: Vec<Bytes> = later.map(|piece| piece.bytes.clone()).collect();
        let first = piece.bytes.slice(offset..);
        Some([first].into_iter().chain(later).chain(self.behind(0)).collect())
    }

    /// What is in the open piece behind `offset`, if anything; for as long as nothing is told all share its memory.
    fn behind(&mut self, offset: usize) -> Option<Bytes> {
        let Self { open, shared, .. } = self;
        let shared = shared.get_or_insert_with(|| Bytes::copy_from_slice(&open.bytes));
        (offset < shared.len()).then(|| shared.slice(offset..))
    }

    fn seal(&mut self) {
        let Piece { from, ends, bytes } = &mut self.open;
        let to = ends.last().map_or(*from, |(to, _)| *to);
        // Copies, so that what is kept has no room to grow in.
        let piece = Piece { from: *from, ends: ends.clone(), bytes: Bytes::copy_from_slice(bytes) };
        self.len += bytes.len();
        *from = to;
        ends.clear();
        bytes.clear();
        self.sealed.push_back(piece);
    }
}

impl<B> Piece<B> {
    /// The revision after the last frame.
    fn to(&self) -> Revision {
        self.ends.last().map_or(self.from, |(to, _)| *to)
    }

    /// Where the frame after `revision` begins, or would begin.
    fn offset(&self, revision: Revision) -> Option<usize> {
        if revision == self.from {
            return Some(0);
        }
        self.ends.binary_search_by_key(&revision, |(to, _)| *to).ok().map(|index| self.ends[index].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames as the tests tell them: each leads `step` revisions on and has the length `len`; its bytes are the revision
    /// before it.
    fn tell(history: &mut History, frames: &[(u64, usize)]) {
        let (mut bytes, mut ends, mut revision) = (Vec::new(), Vec::new(), history.end().get());
        for (step, len) in frames {
            bytes.extend(vec![revision as u8; *len]);
            revision += step;
            ends.push((Revision::new(revision), bytes.len()));
        }
        history.note(&bytes, &ends);
    }

    /// The bytes that follow on a revision.
    fn since(history: &mut History, revision: u64) -> Option<Vec<u8>> {
        history.since(Revision::new(revision)).map(|pieces| pieces.concat())
    }

    #[test]
    fn it_goes_on_from_where_a_frame_ends_and_from_nowhere_else() {
        for most in [1_000_000, 640] {
            let mut history = History::new(most);
            assert_eq!((since(&mut history, 0), since(&mut history, 1)), (Some(vec![]), None));
            tell(&mut history, &[(2, 3), (1, 4)]);
            tell(&mut history, &[(5, 8)]);
            let all = [&[0; 3][..], &[2; 4], &[3; 8]].concat();
            assert_eq!(since(&mut history, 0), Some(all.clone()), "at most {most}");
            assert_eq!(since(&mut history, 2).as_deref(), Some(&all[3..]));
            assert_eq!(since(&mut history, 3).as_deref(), Some(&all[7..]));
            assert_eq!((since(&mut history, 8), history.end()), (Some(vec![]), Revision::new(8)));
            for between in [1, 4, 5, 6, 7, 9, u64::MAX] {
                assert_eq!(since(&mut history, between), None, "{between}");
            }
        }
    }

    #[test]
    fn it_is_bounded_and_forgets_the_oldest() {
        let most = 640;
        let mut history = History::new(most);
        for _ in 0..200 {
            tell(&mut history, &[(1, 7)]);
            let kept = history.len + history.open.bytes.len();
            assert!(kept <= most + most / PIECES, "{kept} bytes");
            assert_eq!(history.sealed.iter().map(|piece| piece.bytes.len()).sum::<usize>(), history.len);
        }
        let oldest = (0..=200).find(|revision| since(&mut history, *revision).is_some()).unwrap();
        assert!((110..130).contains(&oldest), "from {oldest}");
        for revision in oldest..=200 {
            let expected: Vec<u8> = (revision..200).flat_map(|revision| [revision as u8; 7]).collect();
            assert_eq!(since(&mut history, revision), Some(expected));
        }
        tell(&mut history, &[(1, 2 * most)]);
        assert_eq!((since(&mut history, 200), since(&mut history, 201)), (None, Some(vec![])), "a frame beyond it");
    }

    #[test]
    fn it_comes_in_few_pieces_that_share_their_memory() {
        let mut history = History::new(64_000);
        for _ in 0..10_000 {
            tell(&mut history, &[(1, 30)]);
        }
        let first = history.end().get() - 2_000;
        let pieces = history.since(Revision::new(first)).unwrap();
        let others = history.since(Revision::new(first)).unwrap();
        assert_eq!(pieces.iter().map(Bytes::len).sum::<usize>(), 2_000 * 30);
        assert!((2..=PIECES + 1).contains(&pieces.len()), "{} pieces", pieces.len());
        assert!(pieces.iter().zip(&others).all(|(one, other)| one.as_ptr() == other.as_ptr()));
    }
}
