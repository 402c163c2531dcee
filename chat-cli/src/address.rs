//! Parsing of `IP:PORT`, with a message for each kind of mistake.

use std::net::{IpAddr, SocketAddr};

/// Parses an address to bind to. With port 0 the system chooses a port.
///
/// # Errors
/// `typed` is not of the form `IP:PORT`, with brackets around an IPv6 address.
pub fn parse(typed: &str) -> Result<SocketAddr, BindAddressError> {
    use BindAddressError::{Empty, Host, Port};
    if typed.is_empty() {
        return Err(Empty);
    }
    if let Ok(address) = typed.parse() {
        return Ok(address);
    }
    let (ip, port) = typed.rsplit_once(':').ok_or(BindAddressError::NoPort)?;
    let bare = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    match bare.parse::<IpAddr>() {
        // Either an IPv6 address with a port that lacks its brackets, or one without a port.
        Ok(IpAddr::V6(_)) if bare == ip => Err(BindAddressError::Brackets),
        Ok(_) => Err(Port(port.to_owned())),
        Err(_) if typed.parse::<IpAddr>().is_ok() => Err(BindAddressError::Brackets),
        Err(_) => Err(Host(ip.to_owned())),
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
    /// An IPv6 address lacks its brackets, so that the port cannot be told from it.
    #[error("an IPv6 address with a port is written in brackets, for example [::]:7777")]
    Brackets,
    /// The part before the port is not an IP address.
    #[error("'{0}' is not an IP address; write IP:PORT, for example 127.0.0.1:7777 or [::]:7777")]
    Host(String),
    /// The part after the last colon is not a port.
    #[error("'{0}' is not a port; ports are numbers from 0 to 65535, and 0 lets the system choose")]
    Port(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_both_families_are_valid() {
        for typed in ["127.0.0.1:7777", "0.0.0.0:0", "[::]:0", "[fe80::1]:65535"] {
            assert_eq!(parse(typed).map(|address| address.to_string()), Ok(typed.to_owned()));
        }
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
            ("localhost:7777", Host("localhost".into())),
            ("1.2.3:80", Host("1.2.3".into())),
            (":80", Host(String::new())),
            ("::1", Brackets),
            ("fe80::1:7777", Brackets),
        ] {
            assert_eq!(parse(typed), Err(error), "{typed:?}");
        }
    }
}
