//! Fresh copies of the roster: who waits for one, and who is still reading one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::id::ConnId;
use crate::time::Mono;

/// Connections that are to get a copy. A bounded number reads at once: every copy that is being read keeps the pages
/// alive that it was made of, and who waits gets one that is newer. Nobody gets one before it has read the last.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Those to whom a copy of what was told last is no news.
    new: BTreeSet<ConnId>,
    /// Those whom it would serve. Who has waited since an earlier telling goes first: who asks again and again would
    /// otherwise keep those from theirs who connected later and have none yet.
    waiting: BTreeSet<(u64, ConnId)>,
    /// Since which telling each of these waits, counted from the first that anybody waits for.
    since: BTreeMap<ConnId, u64>,
    reading: BTreeMap<ConnId, Reading>,
}

#[derive(Debug)]
struct Reading {
    /// Until when it holds up others.
    until: Mono,
    then: Then,
}

/// What follows once a copy is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Then {
    Nothing,
    AnotherCopy,
}

impl Copies {
    /// A connection is to get a copy, of what is told next or later.
    pub(super) fn want(&mut self, conn: ConnId) {
        match self.reading.get_mut(&conn) {
            Some(reading) => reading.then = Then::AnotherCopy,
            None if self.since.contains_key(&conn) => {}
            None => drop(self.new.insert(conn)),
        }
    }

    /// Whether somebody came for whom there is no copy before the next telling.
    pub(super) fn are_new(&self) -> bool {
        !self.new.is_empty()
    }

    /// Everything is told now, so that a copy of it is what all want.
    pub(super) fn told(&mut self) {
        let telling = self.waiting.last().map_or(0, |(last, _)| last + 1);
        for conn in std::mem::take(&mut self.new) {
            self.waiting.insert((telling, conn));
            self.since.insert(conn, telling);
        }
    }

    /// Whether there is somebody whom a copy of what was told last would serve.
    pub(super) fn are_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A connection has read all that it was sent.
    pub(super) fn drained(&mut self, conn: ConnId) {
        if let Some(Reading { then: Then::AnotherCopy, .. }) = self.reading.remove(&conn) {
            self.new.insert(conn);
        }
    }

    /// A connection is gone.
    pub(super) fn forget(&mut self, conn: ConnId) {
        self.new.remove(&conn);
        if let Some(telling) = self.since.remove(&conn) {
            self.waiting.remove(&(telling, conn));
        }
        self.reading.remove(&conn);
    }

    /// When the next copy may be sent: `now`, or, if `most` hold up others, when the first of them does no longer. None
    /// if nobody waits.
    pub(super) fn due(&self, now: Mono, most: usize) -> Option<Mono> {
        if self.waiting.is_empty() {
            return None;
        }
        let mut count = 0;
        let first = self.holding_up(now).inspect(|_| count += 1).min();
        Some(first.filter(|_| count >= most).unwrap_or(now))
    }

    /// The next that gets its copy, if one may read. It holds up others for `time` at most.
    pub(super) fn next(&mut self, now: Mono, most: usize, time: Duration) -> Option<ConnId> {
        if self.waiting.is_empty() || self.holding_up(now).count() >= most {
            return None;
        }
        let (_, conn) = self.waiting.pop_first()?;
        self.since.remove(&conn);
        self.reading.insert(conn, Reading { until: now + time, then: Then::Nothing });
        Some(conn)
    }

    fn holding_up(&self, now: Mono) -> impl Iterator<Item = Mono> {
        self.reading.values().map(|reading| reading.until).filter(move |until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    fn next(copies: &mut Copies, millis: u64) -> Option<u64> {
        copies.next(at(millis), 2, TIME).map(ConnId::get)
    }

    #[test]
    fn some_read_and_the_others_wait_for_them() {
        let mut copies = Copies::default();
        assert_eq!((copies.due(at(0), 2), next(&mut copies, 0)), (None, None));
        for conn in [3, 1, 2, 1] {
            copies.want(ConnId::new(conn));
        }
        assert_eq!((copies.are_new(), copies.are_waiting(), next(&mut copies, 0)), (true, false, None), "not told yet");
        copies.told();
        assert_eq!((copies.are_new(), copies.are_waiting()), (false, true));
        assert_eq!(copies.due(at(0), 2), Some(at(0)));
        assert_eq!([next(&mut copies, 0), next(&mut copies, 5), next(&mut copies, 5)], [Some(1), Some(2), None]);
        assert_eq!(copies.due(at(5), 2), Some(at(1_000)), "when the first holds up nobody any more");
        copies.drained(ConnId::new(2));
        assert_eq!(copies.due(at(6), 2), Some(at(6)));
        assert_eq!(next(&mut copies, 6), Some(3));
    }

    #[test]
    fn who_does_not_read_holds_up_others_for_a_while_only() {
        let mut copies = Copies::default();
        for conn in 1..=4 {
            copies.want(ConnId::new(conn));
        }
        copies.told();
        assert_eq!([next(&mut copies, 0), next(&mut copies, 0)], [Some(1), Some(2)]);
        assert_eq!(next(&mut copies, 999), None);
        assert_eq!([next(&mut copies, 1_000), next(&mut copies, 1_000)], [Some(3), Some(4)]);
    }

    #[test]
    fn who_has_waited_longer_goes_first() {
        let mut copies = Copies::default();
        for conn in [1, 2, 8, 9] {
            copies.want(ConnId::new(conn));
        }
        copies.told();
        assert_eq!([next(&mut copies, 0), next(&mut copies, 0)], [Some(1), Some(2)]);
        for conn in [1, 2, 7] {
            copies.want(ConnId::new(conn));
            copies.drained(ConnId::new(conn));
        }
        copies.told();
        let order = [0, 0, 1_000, 1_000, 2_000].map(|millis| next(&mut copies, millis));
        assert_eq!(order, [8, 9, 1, 2, 7].map(Some), "although others connected before them and ask again");
    }

    #[test]
    fn who_wants_another_copy_waits_until_the_last_is_read() {
        let mut copies = Copies::default();
        copies.want(ConnId::new(1));
        copies.told();
        assert_eq!(next(&mut copies, 0), Some(1));
        copies.want(ConnId::new(1));
        assert_eq!((copies.due(at(2_000), 2), next(&mut copies, 2_000)), (None, None));
        copies.drained(ConnId::new(1));
        assert_eq!(next(&mut copies, 2_000), None, "and until it is told what it waited for");
        copies.told();
        assert_eq!(next(&mut copies, 2_000), Some(1));
        copies.drained(ConnId::new(1));
        assert_eq!(copies.due(at(2_000), 2), None);
    }

    #[test]
    fn nothing_is_kept_of_who_is_gone() {
        let mut copies = Copies::default();
        for conn in 1..=2 {
            copies.want(ConnId::new(conn));
        }
        copies.told();
        assert_eq!(next(&mut copies, 0), Some(1));
        copies.want(ConnId::new(3));
        for conn in 1..=3 {
            copies.forget(ConnId::new(conn));
        }
        assert_eq!(format!("{copies:?}"), format!("{:?}", Copies::default()));
    }
}
