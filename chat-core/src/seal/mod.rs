//! Sealing of datagrams: keys derived from the roster, AES-256-GCM, and a replay window.

mod keys;
mod replay;

pub use keys::{LinkKeys, NotOpened, Party};
pub use replay::ReplayWindow;
