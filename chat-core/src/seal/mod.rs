//! Sealing of datagrams: keys from the roster, AES-256-GCM, a window against replays.

mod keys;
mod replay;

pub use keys::{LinkKeys, NotOpened, Party};
pub use replay::ReplayWindow;
