//! Parsing of `IP:PORT`, with a message for each kind of mistake.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use chat_net::interfaces::{self, UnknownZone, needs_zone};

/// Parses an address to bind to. With port 0 the system chooses a port. A link-local IPv6 address has a zone, the name or
/// the index of an interface: `[fe80::1%eth0]:7777`.
///
/// # Errors
/// `typed` is not of the form `IP:PORT`, with brackets around an IPv6 address, or its zone is missing or unknown.
pub fn parse(typed: &str) -> Result<SocketAddr, BindAddressError> {
    use BindAddressError::{Empty, Host, Port};
    if typed.is_empty() {
        return Err(Empty);
    }
    let (without_zone, zone) = split_zone(typed);
    if let Ok(address) = without_zone.parse() {
        return with_zone(address, zone);
    }
    let (ip, port) = typed.rsplit_once(':').ok_or(BindAddressError::NoPort)?;
    let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    match split_zone(bare).0.parse::<IpAddr>() {
        // Either an IPv6 address with a port that lacks its brackets, or one without a port.
        Ok(IpAddr::V6(_)) if bare == ip => Err(BindAddressError::Brackets),
        Ok(_) => Err(Port(port.to_owned())),
        Err(_) if typed.parse::<IpAddr>().is_ok() => Err(BindAddressError::Brackets),
        Err(_) => Err(Host(ip.to_owned())),
    }
}

/// Separates the zone from an address: the text between `%` and the closing bracket, or the end.
fn split_zone(typed: &str) -> (String, Option<&str>) {
    let Some((ip, rest)) = typed.split_once('%') else { return (typed.to_owned(), None) };
    let (zone, port) = rest.find(']').map_or((rest, ""), |end| rest.split_at(end));
    (format!("{ip}{port}"), Some(zone))
}

fn with_zone(address: SocketAddr, zone: Option<&str>) -> Result<SocketAddr, BindAddressError> {
    match (address, zone) {
        (SocketAddr::V6(mut address), Some(zone)) if needs_zone(*address.ip()) => {
            address.set_scope_id(interfaces::zone(zone)?.get());
            Ok(address.into())
        }
        (SocketAddr::V6(address), None) if needs_zone(*address.ip()) => {
            Err(BindAddressError::NoZone { ip: *address.ip(), example: interfaces::example_zone() })
        }
        (address, Some(_)) => Err(BindAddressError::NotLinkLocal(address.ip())),
        (address, None) => Ok(address),
    }
}

/// Why an address to bind to is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BindAddressError {
    /// The address is empty.
    #[error("the address is empty; write IP:PORT, for example 127.0.0.1:7777 or [::]:7777")]
    Empty,
    /// There is no colon, and so no port.
    #[error("the address has no port; write IP:PORT, for example 127.0.0.1:7777 or [::]:7777")]
    NoPort,
    /// An IPv6 address lacks its brackets, so the port cannot be distinguished from the address.
    #[error("an IPv6 address with a port is written in brackets, for example [::]:7777")]
    Brackets,
    /// The part before the port is not an IP address.
    #[error("'{0}' is not an IP address; write IP:PORT, for example 127.0.0.1:7777 or [::]:7777")]
    Host(String),
    /// The part after the last colon is not a port.
    #[error("'{0}' is not a port; ports are numbers from 0 to 65535, and 0 lets the system choose")]
    Port(String),
    /// A link-local IPv6 address lacks its zone.
    #[error("{ip} is link-local, so it needs the name of the network interface, for example [{ip}%{example}]:7777")]
    NoZone {
        /// The address.
        ip: Ipv6Addr,
        /// The name of an interface.
        example: String,
    },
    /// This machine has no interface of that name or index.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// An address that is not link-local has a zone.
    #[error("{0} is not link-local, so it has no zone; leave out % and the name after it")]
    NotLinkLocal(IpAddr),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_are_valid() {
        for typed in ["127.0.0.1:7777", "0.0.0.0:0", "[::]:0", "[2001:db8::1]:65535"] {
            assert_eq!(parse(typed).map(|address| address.to_string()), Ok(typed.to_owned()));
        }
    }

    #[test]
    fn a_link_local_address_has_the_zone_of_an_interface() {
        let zone = interfaces::zone("lo").unwrap();
        for typed in ["[fe80::1%lo]:7777".to_owned(), format!("[fe80::1%{zone}]:7777")] {
            assert_eq!(parse(&typed).map(|address| address.to_string()), Ok(format!("[fe80::1%{zone}]:7777")));
        }
        let ip = "fe80::1".parse().unwrap();
        assert_eq!(parse("[fe80::1]:1"), Err(BindAddressError::NoZone { ip, example: interfaces::example_zone() }));
        assert!(matches!(parse("[fe80::1%no-such]:1"), Err(BindAddressError::Zone(_))));
        assert_eq!(parse("[::1%lo]:1"), Err(BindAddressError::NotLinkLocal("::1".parse().unwrap())));
    }

    #[test]
    fn each_kind_of_mistake_has_its_own_error() {
        use BindAddressError::{Brackets, Empty, Host, NoPort, Port};
        for (typed, error) in [
            ("", Empty),
            ("127.0.0.1", NoPort),
            ("7777", NoPort),
            ("127.0.0.1:70000", Port("70000".into())),
            ("127.0.0.1:-1", Port("-1".into())),
            ("127.0.0.1:", Port(String::new())),
            ("[::]:x", Port("x".into())),
            ("[fe80::1%lo]:x", Port("x".into())),
            ("localhost:7777", Host("localhost".into())),
            ("1.2.3:80", Host("1.2.3".into())),
            (":80", Host(String::new())),
            ("::1", Brackets),
            ("fe80::1:7777", Brackets),
            ("fe80::1%lo:7777", Brackets),
        ] {
            assert_eq!(parse(typed), Err(error), "{typed:?}");
        }
    }
}
