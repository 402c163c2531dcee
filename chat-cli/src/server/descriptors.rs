//! The limit of open files. Each connection needs a file descriptor, and the system limits those of a process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// File descriptors that the server needs besides connections: standard streams, listeners, the presence log, the
/// database pool, the runtime, and handshakes of connections that will be refused.
const OTHERS: u64 = 64;

/// Raises the soft limit of this process to what `connections` need, as far as the hard limit allows, and logs a warning
/// if that is not enough. The server works with fewer descriptors as well: it then accepts a connection only after another
/// one has ended.
pub(super) fn provide(connections: usize) {
    let needed = OTHERS.saturating_add(connections as u64);
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current.filter(|current| *current < needed) else { return };
    let raised = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
    let allowed = match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), ..limit }) {
        Ok(()) => raised,
        Err(_) => current,
    };
    if allowed < needed {
        log::warn!(
            "the system allows {allowed} open files, which is enough for about {} of max-connections ({connections}); raise \
             the limit (LimitNOFILE of the service, ulimit -n) or lower max-connections",
            allowed.saturating_sub(OTHERS)
        );
    }
}
