//! Open files: each connection is one, and the system allows a process only so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the server opens besides connections: standard streams, listeners, the log, the database with its pool, the
/// runtime, and handshakes of connections that will be refused.
const OTHERS: u64 = 64;

/// Raises the limit that this process has set itself to what so many connections need, as far as the system lets it,
/// and warns if that is not enough. The server also works with fewer: it accepts nobody until somebody leaves.
pub(super) fn provide(connections: usize) {
    let needed = OTHERS.saturating_add(connections as u64);
    let now = getrlimit(Resource::Nofile);
    let Some(current) = now.current.filter(|current| *current < needed) else { return };
    let raised = now.maximum.map_or(needed, |maximum| maximum.min(needed));
    let allowed = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..now }) {
        Ok(()) => raised,
        Err(_) => current,
    };
    if allowed < needed {
        log::warn!(
            "the system allows {allowed} open files, enough for about {} of the {connections} connections of \
             max-connections; raise the limit (LimitNOFILE of the service, ulimit -n) or lower max-connections",
            allowed.saturating_sub(OTHERS)
        );
    }
}
