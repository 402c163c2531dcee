//! The limit on the peer's requests to resend messages.

use std::time::Duration;

use crate::rate_limit::RateLimit;
use crate::time::Mono;
use crate::wire::Malformed;

/// Counts the requests that are carried out, and recognises repeated ones.
#[derive(Debug)]
pub(super) struct ResendLimit {
    rate: RateLimit,
    /// The time of the last request that was carried out.
    last: Option<Mono>,
}

/// Whether to carry out a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Request {
    New,
    /// It repeats a request that was just carried out, because the ack has not arrived.
    Repeated,
}

/// The requests that a peer may make at once. An honest peer makes one, and may repeat it, each time our session returns
/// after the peer has removed the link. That takes longer than [`LINGER`](crate::peer::config::LINGER).
const MAX_RESENDS: u32 = 8;

/// The time after which one more request is permitted: far more often than sessions leave and come back.
const RESEND_INTERVAL: Duration = Duration::from_secs(10);

impl ResendLimit {
    pub(super) fn new() -> Self {
        Self { rate: RateLimit::new(RESEND_INTERVAL, MAX_RESENDS), last: None }
    }

    /// Judges a request. One that follows another within `probe_timeout` repeats it.
    ///
    /// # Errors
    /// The peer makes more requests than an honest one does.
    pub(super) fn take(&mut self, now: Mono, probe_timeout: Duration) -> Result<Request, Malformed> {
        if self.last.is_some_and(|last| now < last + probe_timeout) {
            return Ok(Request::Repeated);
        }
        self.rate.take(now).map_err(|_| Malformed)?;
        self.last = Some(now);
        Ok(Request::New)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE_TIMEOUT: Duration = Duration::from_millis(200);

    fn at(millis: u64) -> Mono {
        Mono::at(Duration::from_millis(millis))
    }

    #[test]
    fn a_request_within_a_probe_timeout_repeats_the_last_one() {
        let mut limit = ResendLimit::new();
        assert_eq!(limit.take(at(1_000), PROBE_TIMEOUT), Ok(Request::New));
        for millis in 1_000..1_200 {
            assert_eq!(limit.take(at(millis), PROBE_TIMEOUT), Ok(Request::Repeated));
        }
        assert_eq!(limit.take(at(1_200), PROBE_TIMEOUT), Ok(Request::New));
    }

    #[test]
    fn frequent_requests_are_malformed_and_occasional_ones_are_not() {
        let mut limit = ResendLimit::new();
        let made = (1..100).take_while(|number| limit.take(at(number * 200), PROBE_TIMEOUT).is_ok());
        assert_eq!(made.count(), MAX_RESENDS as usize);
        let mut limit = ResendLimit::new();
        assert!((1..1_000).all(|number| limit.take(at(number * 10_000), PROBE_TIMEOUT) == Ok(Request::New)));
    }
}
