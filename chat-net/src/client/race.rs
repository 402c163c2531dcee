//! Happy Eyeballs (RFC 8305): connects to several addresses of a host in turn, each 250 ms after the previous one or as
//! soon as that has failed, and takes the first connection. An address that does not answer thus costs 250 ms instead
//! of a timeout.
//!
//! The system resolves both address families in one call, so the part of the RFC about resolving does not apply.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

/// How long an attempt runs before the next one begins beside it: the Connection Attempt Delay of RFC 8305, section 5.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Why no address answered.
#[derive(Debug)]
pub(super) enum Lost {
    /// No attempt succeeded. This is the last error that came from the network or the host, or else the last one, with its
    /// address.
    Refused(SocketAddr, io::Error),
    /// The deadline passed, and no error came from the network or the host.
    TimedOut,
}

/// Connects to the first address that answers before `deadline`. The other attempts are dropped.
///
/// # Errors
/// No address answered.
pub(super) async fn connect<T, F>(
    addresses: Vec<SocketAddr>,
    deadline: Instant,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Lost>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = addresses.into_iter();
    // Aborted when this future is dropped.
    let mut running = JoinSet::new();
    let mut error = None;
    let race = async {
        let mut next_at = Instant::now();
        loop {
            if next_at <= Instant::now()
                && let Some(address) = waiting.next()
            {
                log::debug!("connecting to {address}");
                let attempt = attempt(address);
                running.spawn(async move { (address, attempt.await) });
                next_at = Instant::now() + ATTEMPT_DELAY;
            }
            tokio::select! {
                ended = running.join_next() => match ended {
                    Some(Ok((_, Ok(connection)))) => return Some(connection),
                    Some(Ok((address, Err(failure)))) => {
                        log::debug!("cannot connect to {address}: {failure}");
                        if is_answer(&failure) || !error.as_ref().is_some_and(|(_, error)| is_answer(error)) {
                            error = Some((address, failure));
                        }
                        // This attempt is over, so the next one begins without the delay.
                        next_at = Instant::now();
                    }
                    // A runtime that shuts down cancels its tasks.
                    Some(Err(_)) => next_at = Instant::now(),
                    None => return None,
                },
                () = sleep_until(next_at), if waiting.len() > 0 => {}
            }
        }
    };
    match timeout_at(deadline, race).await {
        Ok(Some(connection)) => Ok(connection),
        Ok(None) => Err(error.map_or(Lost::TimedOut, |(address, error)| Lost::Refused(address, error))),
        Err(_) => Err(error
            .filter(|(_, error)| is_answer(error))
            .map_or(Lost::TimedOut, |(address, error)| Lost::Refused(address, error))),
    }
}

/// Whether an error came from the network or the host. Other errors come from this machine, for example because it has
/// no IPv6. They say nothing about the server, and would hide why its other address does not answer.
fn is_answer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, TimedOut};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | HostUnreachable | TimedOut)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::super::address_order::tests::{FOUR, SIX, addresses};
    use super::*;

    /// Connects to four addresses: the first does not answer, the others do what the test says.
    async fn race(rest: fn(SocketAddr) -> io::Result<SocketAddr>) -> (Result<SocketAddr, Lost>, Duration) {
        let begin = Instant::now();
        let all = addresses(&[SIX[0], FOUR[0], SIX[1], FOUR[1]]);
        let silent = all[0];
        let attempt = move |address| async move { if address == silent { pending().await } else { rest(address) } };
        let result = connect(all, begin + Duration::from_secs(10), attempt).await;
        (result, begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_costs_one_attempt_delay() {
        let (result, took) = race(Ok).await;
        assert_eq!(result.unwrap(), addresses(&FOUR)[0]);
        assert!((ATTEMPT_DELAY..ATTEMPT_DELAY * 2).contains(&took), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failure_the_next_address_follows_immediately() {
        let last = |address: SocketAddr| {
            if address == FOUR[1].parse().unwrap() { Ok(address) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
        };
        let (result, took) = race(last).await;
        assert_eq!(result.unwrap(), addresses(&FOUR)[1]);
        assert!(took < ATTEMPT_DELAY * 2, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_of_this_machine_hides_neither_a_refusal_nor_a_timeout() {
        // The resolver puts the addresses that this machine cannot reach last.
        let all = || addresses(&[FOUR[0], SIX[0]]);
        let deadline = || Instant::now() + Duration::from_secs(10);
        let unreachable = || io::Error::from(io::ErrorKind::NetworkUnreachable);
        let refused = connect(all(), deadline(), |address| async move {
            let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
            Err::<(), _>(if address.is_ipv6() { unreachable() } else { refused })
        });
        let kind = |result: Result<(), Lost>| match result {
            Err(Lost::Refused(address, error)) => Some((address, error.kind())),
            _ => None,
        };
        assert_eq!(kind(refused.await), Some((all()[0], io::ErrorKind::ConnectionRefused)));
        let silent = connect(all(), deadline(), |address| async move {
            if address.is_ipv6() { Err(unreachable()) } else { pending().await }
        });
        assert!(matches!(silent.await, Err::<(), _>(Lost::TimedOut)));
        let nowhere = connect(all(), deadline(), |_| async move { Err(unreachable()) });
        assert_eq!(kind(nowhere.await), Some((all()[1], io::ErrorKind::NetworkUnreachable)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_reported_rather_than_a_timeout() {
        let (result, took) = race(|_| Err(io::ErrorKind::ConnectionRefused.into())).await;
        assert!(matches!(result, Err(Lost::Refused(..))), "{result:?}");
        assert_eq!(took.as_secs(), 10, "the first address could still have answered");
        let silent =
            connect(addresses(&FOUR), Instant::now() + Duration::from_secs(10), |_| pending::<io::Result<()>>());
        assert!(matches!(silent.await, Err(Lost::TimedOut)));
        let nowhere = connect(Vec::new(), Instant::now() + Duration::from_secs(10), |_| pending::<io::Result<()>>());
        assert!(matches!(nowhere.await, Err(Lost::TimedOut)));
    }
}
