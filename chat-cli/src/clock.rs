//! The clock on the wall.

use std::time::{SystemTime, UNIX_EPOCH};

use chat_core::time::Timestamp;

/// The time now; a clock that stands before 1970 shows its beginning.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
