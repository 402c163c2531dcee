//! The network interfaces of this machine.

use if_addrs::Interface;

/// The addresses of all interfaces, with their states. An error counts as no interface.
pub(crate) fn list() -> Vec<Interface> {
    if_addrs::get_if_addrs().unwrap_or_else(|error| {
        log::debug!("cannot list the network interfaces: {error}");
        Vec::new()
    })
}
