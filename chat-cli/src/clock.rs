//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use chat_core::time::Timestamp;

/// The current time. A clock before 1970 counts as 1970.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
