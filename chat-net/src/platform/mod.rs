//! What differs between operating systems in this crate, except the batches of UDP datagrams in `udp/linux.rs`. Every system
//! has the same functions.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use self::unix::*;
#[cfg(windows)]
pub(crate) use self::windows::*;
