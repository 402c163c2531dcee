//! The most recent published updates. A client that resumes soon gets those it missed instead of a snapshot.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::id::Revision;

/// The last frames that were published, up to a number of bytes. The oldest are dropped first.
#[derive(Debug)]
pub(super) struct UpdateLog {
    limit: usize,
    /// The length of all frames.
    len: usize,
    /// The revision before the oldest frame.
    start: Revision,
    /// Each frame with the revision after it.
    frames: VecDeque<(Revision, Bytes)>,
    /// All frames in one piece, made for the first delta after a publication and shared by all until the next.
    joined: Option<Bytes>,
}

impl UpdateLog {
    /// An empty log that begins at revision 0 and keeps at most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, len: 0, start: Revision::new(0), frames: VecDeque::new(), joined: None }
    }

    /// An empty log that begins at `start`, with the same limit.
    pub(super) fn restarted(&self, start: Revision) -> Self {
        Self { start, ..Self::new(self.limit) }
    }

    /// The revision after the newest frame: the one that is published.
    pub(super) fn end(&self) -> Revision {
        self.frames.back().map_or(self.start, |(to, _)| *to)
    }

    /// Adds a frame that leads to revision `to`.
    pub(super) fn push(&mut self, to: Revision, frame: Bytes) {
        self.joined = None;
        self.len += frame.len();
        self.frames.push_back((to, frame));
        while self.len > self.limit
            && let Some((to, oldest)) = self.frames.pop_front()
        {
            self.len -= oldest.len();
            self.start = to;
        }
    }

    /// The revision at which the frame begins that leads on from `revision`: that revision, or an earlier one if
    /// `revision` is within the frame. `None` if the log does not reach back so far.
    pub(super) fn begin(&self, revision: Revision) -> Option<Revision> {
        let earlier = self.frames.partition_point(|(to, _)| *to <= revision);
        let begin = earlier.checked_sub(1).map_or(self.start, |last| self.frames[last].0);
        (begin <= revision).then_some(begin)
    }

    /// All frames after `revision`, one after another, from the one on that holds it if it is within a frame: the client
    /// passes over what it has. `None` if the log does not reach back so far, if `revision` comes after the newest frame,
    /// or if the frames have `max_len` bytes or more.
    pub(super) fn since(&mut self, revision: Revision, max_len: usize) -> Option<Bytes> {
        if revision > self.end() {
            return None;
        }
        let mut len = 0;
        let mut newest_first = self.frames.iter().rev();
        loop {
            match newest_first.next() {
                Some((to, _)) if *to <= revision => break,
                Some((_, frame)) => len += frame.len(),
                None if self.start <= revision => break,
                None => return None,
            }
            if len >= max_len {
                return None;
            }
        }
        let Self { frames, joined, len: all, .. } = self;
        let joined = joined.get_or_insert_with(|| {
            let mut bytes = Vec::with_capacity(*all);
            frames.iter().for_each(|(_, frame)| bytes.extend_from_slice(frame));
            bytes.into()
        });
        Some(joined.slice(joined.len() - len..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes frames, each of which leads `step` revisions on and has the length `len`. The bytes of a frame are the
    /// revision before it.
    fn push(log: &mut UpdateLog, frames: &[(u64, usize)]) {
        for (step, len) in frames {
            let before = log.end().get();
            log.push(Revision::new(before + step), vec![before as u8; *len].into());
        }
    }

    fn since(log: &mut UpdateLog, revision: u64) -> Option<Vec<u8>> {
        log.since(Revision::new(revision), usize::MAX).map(|delta| delta.to_vec())
    }

    #[test]
    fn a_delta_begins_with_the_frame_that_holds_the_revision() {
        let mut log = UpdateLog::new(1_000_000);
        assert_eq!((since(&mut log, 0), since(&mut log, 1)), (Some(vec![]), None));
        push(&mut log, &[(2, 3), (1, 4)]);
        push(&mut log, &[(5, 8)]);
        let all = [&[0; 3][..], &[2; 4], &[3; 8]].concat();
        assert_eq!(since(&mut log, 0), Some(all.clone()));
        assert_eq!(since(&mut log, 2).as_deref(), Some(&all[3..]));
        assert_eq!(since(&mut log, 3).as_deref(), Some(&all[7..]));
        assert_eq!((since(&mut log, 8), log.end()), (Some(vec![]), Revision::new(8)));
        for (within, begin, frames) in [(1, 0, &all[..]), (4, 3, &all[7..]), (7, 3, &all[7..])] {
            assert_eq!(since(&mut log, within).as_deref(), Some(frames), "{within}");
            assert_eq!(log.begin(Revision::new(within)), Some(Revision::new(begin)));
        }
        assert_eq!(log.begin(Revision::new(3)), Some(Revision::new(3)));
        for after in [9, u64::MAX] {
            assert_eq!(since(&mut log, after), None, "{after}");
        }
        let mut log = log.restarted(Revision::new(8));
        assert_eq!((since(&mut log, 8), since(&mut log, 7), log.begin(Revision::new(7))), (Some(vec![]), None, None));
    }

    #[test]
    fn the_log_is_bounded_and_drops_the_oldest_frames() {
        let limit = 640;
        let mut log = UpdateLog::new(limit);
        for _ in 0..200 {
            push(&mut log, &[(1, 7)]);
            assert!(log.len <= limit, "{} bytes", log.len);
            assert_eq!(log.frames.iter().map(|(_, frame)| frame.len()).sum::<usize>(), log.len);
        }
        let oldest = (0..=200).find(|revision| since(&mut log, *revision).is_some()).unwrap();
        assert_eq!(oldest, 200 - 640 / 7);
        for revision in oldest..=200 {
            let expected: Vec<u8> = (revision..200).flat_map(|revision| [revision as u8; 7]).collect();
            assert_eq!(since(&mut log, revision), Some(expected));
        }
        push(&mut log, &[(1, 2 * limit)]);
        assert_eq!((since(&mut log, 200), since(&mut log, 201)), (None, Some(vec![])), "a frame beyond the limit");
    }

    #[test]
    fn deltas_share_their_memory_until_the_next_publication() {
        let mut log = UpdateLog::new(640_000);
        for _ in 0..10_000 {
            push(&mut log, &[(1, 30)]);
        }
        let delta =
            |log: &mut UpdateLog, missed| log.since(Revision::new(log.end().get() - missed), usize::MAX).unwrap();
        let (one, other) = (delta(&mut log, 2_000), delta(&mut log, 1_999));
        assert_eq!((one.len(), other.len()), (2_000 * 30, 1_999 * 30));
        assert_eq!(one[30..].as_ptr(), other.as_ptr());
        push(&mut log, &[(1, 30)]);
        assert_eq!(delta(&mut log, 1).len(), 30);
    }

    #[test]
    fn a_delta_of_the_given_length_or_more_is_not_made() {
        let mut log = UpdateLog::new(1_000);
        push(&mut log, &[(1, 10), (1, 10)]);
        let len = |log: &mut UpdateLog, max_len| log.since(Revision::new(0), max_len).map(|delta| delta.len());
        assert_eq!((len(&mut log, 20), len(&mut log, 21)), (None, Some(20)));
    }
}
