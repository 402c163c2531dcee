//! The limit of open files. Each connection needs a file descriptor, and the system limits those of a process.

use chat_net::server::MAX_UNFINISHED_HANDSHAKES;

use crate::platform::process;

/// File descriptors that the server needs besides connections: standard streams, listeners, the presence log, the
/// database pool and the runtime.
const OTHERS: u64 = 64;

/// Raises the soft limit of this process to what `connections` and a flood of handshakes need, as far as the hard limit
/// allows, and logs a warning if that is not enough for the connections. The server works with fewer descriptors as well:
/// it then accepts a connection only after another one has ended.
pub(super) fn provide(connections: usize) {
    let needed = OTHERS.saturating_add(connections as u64);
    let wanted = needed.saturating_add(MAX_UNFINISHED_HANDSHAKES as u64);
    let Some(allowed) = process::raise_open_files(wanted) else { return };
    if allowed < needed {
        log::warn!(
            "the system allows {allowed} open files, which is enough for about {} of max-connections ({connections}); raise \
             the limit (LimitNOFILE of the service, ulimit -n) or lower max-connections",
            allowed.saturating_sub(OTHERS)
        );
    }
}
