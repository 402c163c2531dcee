//! Addresses as users type them: `HOST:PORT` of a server, and `IP[:PORT]` to advertise.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::str::FromStr;

use chat_core::roster::Entry;
use tokio::net::lookup_host;

use crate::interfaces::{self, needs_zone};

/// The TCP port of a server, unless configured otherwise.
pub const DEFAULT_PORT: u16 = 7777;

/// The address of a server: a host name or IP address, and a port. `Display` writes `HOST:PORT` in a normalized form,
/// which [`KnownServers`](crate::trust::KnownServers) stores.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ServerAddress {
    host: Box<str>,
    /// The interface of a link-local IPv6 address, as the user named it.
    zone: Option<Box<str>>,
    port: u16,
}

impl ServerAddress {
    /// Parses `HOST:PORT` or `HOST`. The port defaults to [`DEFAULT_PORT`]. An IPv6 address with a port needs brackets,
    /// and a link-local one its zone, such as `[fe80::1%eth0]:7777`.
    ///
    /// # Errors
    /// See [`AddressError`]. Each message says what to write instead.
    pub fn parse(typed: &str) -> Result<Self, AddressError> {
        // Chinese input methods type full-width colons and full stops, which no host name contains.
        let typed = &*typed.trim().replace('：', ":").replace('。', ".");
        if typed.is_empty() {
            return Err(AddressError::Empty);
        }
        if typed.contains("://") {
            return Err(AddressError::Url);
        }
        let (host, port) = match typed.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or(AddressError::Bracket)?;
                without_zone(host).parse::<Ipv6Addr>().map_err(|_| AddressError::Bracket)?;
                let port =
                    if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or(AddressError::Bracket)?) };
                (host, port)
            }
            None if without_zone(typed).parse::<Ipv6Addr>().is_ok() => match typed.split_once('%') {
                // Probably a port. In brackets, the name of an interface may contain a colon.
                Some((_, zone)) if zone.contains(':') => return Err(AddressError::Bracket),
                _ => (typed, None),
            },
            None if typed.matches(':').count() > 1 => return Err(AddressError::Bracket),
            None => typed.split_once(':').map_or((typed, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() {
            return Err(AddressError::NoHost);
        }
        if !is_host(host) {
            return Err(AddressError::Host(host.to_owned()));
        }
        let port = port.map_or(Ok(DEFAULT_PORT), parse_port)?;
        let (host, zone) = match host.split_once('%') {
            Some((host, zone)) => (host, Some(zone.into())),
            None => (host, None),
        };
        // Normalized, because known servers are compared by it.
        let host = match (host.parse::<IpAddr>(), &zone) {
            (Ok(IpAddr::V6(ip)), None) if needs_zone(ip) => return Err(AddressError::no_zone(ip)),
            (Ok(IpAddr::V6(ip)), Some(_)) if !needs_zone(ip) => return Err(AddressError::Zone(ip)),
            (Ok(ip), _) => ip.to_string().into(),
            (Err(_), _) => host.to_ascii_lowercase().into(),
        };
        Ok(Self { host, zone, port })
    }

    /// The host name in lower case, or the IP address without brackets and zone.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Looks up the addresses of the host, in the system's order of preference. Returns at least one.
    pub(crate) async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        if let (Some(zone), Ok(ip)) = (&self.zone, self.host.parse()) {
            // Looked up on each call, because an interface that returns has a new index.
            let zone = interfaces::zone(zone).map_err(io::Error::other)?;
            return Ok(vec![SocketAddrV6::new(ip, self.port, 0, zone.get()).into()]);
        }
        let addresses: Vec<_> = lookup_host((&*self.host, self.port)).await?.collect();
        if addresses.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
        }
        Ok(addresses)
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    fn from_str(typed: &str) -> Result<Self, AddressError> {
        Self::parse(typed)
    }
}

impl TryFrom<&str> for ServerAddress {
    type Error = AddressError;

    fn try_from(typed: &str) -> Result<Self, AddressError> {
        Self::parse(typed)
    }
}

impl TryFrom<String> for ServerAddress {
    type Error = AddressError;

    fn try_from(typed: String) -> Result<Self, AddressError> {
        Self::parse(&typed)
    }
}

/// As [`ServerAddress::parse`]: a link-local IPv6 address needs its zone, any other address has none, and port 0 is no
/// port.
impl TryFrom<SocketAddr> for ServerAddress {
    type Error = AddressError;

    fn try_from(address: SocketAddr) -> Result<Self, AddressError> {
        Self::parse(&address.to_string())
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, zone, port } = self;
        match zone {
            Some(zone) => write!(f, "[{host}%{zone}]:{port}"),
            None if host.contains(':') => write!(f, "[{host}]:{port}"),
            None => write!(f, "{host}:{port}"),
        }
    }
}

/// An address, named by the user, at which peers can reach this client: `IP` or `IP:PORT`. The port defaults to that of
/// the UDP socket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AdvertisedAddress {
    ip: IpAddr,
    port: Option<u16>,
}

impl AdvertisedAddress {
    /// Parses `IP` or `IP:PORT`. An IPv6 address with a port needs brackets.
    ///
    /// # Errors
    /// [`AddressError::Advertised`] if `typed` is neither, and for an unspecified or multicast address, to which no peer
    /// can send. [`AddressError::AdvertisedPort`] for a port below [`Entry::LOWEST_PORT`], 1024, which no server accepts.
    /// [`AddressError::AdvertisedZone`] if the address has a zone.
    pub fn parse(typed: &str) -> Result<Self, AddressError> {
        let typed = typed.trim();
        if typed.contains('%') {
            return Err(AddressError::AdvertisedZone(typed.to_owned()));
        }
        let bare = typed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(typed);
        let (ip, port) = match bare.parse::<IpAddr>() {
            Ok(ip) => (ip, None),
            Err(_) => {
                let address: SocketAddr = typed.parse().map_err(|_| AddressError::Advertised(typed.to_owned()))?;
                (address.ip(), Some(address.port()))
            }
        };
        if ip.is_unspecified() || ip.is_multicast() {
            return Err(AddressError::Advertised(typed.to_owned()));
        }
        if port.is_some_and(|port| port < Entry::LOWEST_PORT) {
            return Err(AddressError::AdvertisedPort(typed.to_owned()));
        }
        Ok(Self { ip, port })
    }

    /// The whole address for a socket bound to `port`.
    pub fn with_default_port(self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip, self.port.unwrap_or(port))
    }
}

impl FromStr for AdvertisedAddress {
    type Err = AddressError;

    fn from_str(typed: &str) -> Result<Self, AddressError> {
        Self::parse(typed)
    }
}

impl TryFrom<&str> for AdvertisedAddress {
    type Error = AddressError;

    fn try_from(typed: &str) -> Result<Self, AddressError> {
        Self::parse(typed)
    }
}

impl TryFrom<String> for AdvertisedAddress {
    type Error = AddressError;

    fn try_from(typed: String) -> Result<Self, AddressError> {
        Self::parse(&typed)
    }
}

impl TryFrom<IpAddr> for AdvertisedAddress {
    type Error = AddressError;

    fn try_from(ip: IpAddr) -> Result<Self, AddressError> {
        Self::parse(&ip.to_string())
    }
}

impl TryFrom<SocketAddr> for AdvertisedAddress {
    type Error = AddressError;

    fn try_from(address: SocketAddr) -> Result<Self, AddressError> {
        Self::parse(&address.to_string())
    }
}

/// Accepts letters of any script, because host files may contain them. Other characters are typing errors. Only an IPv6
/// address may have a zone.
fn is_host(host: &str) -> bool {
    let is_valid = |text: &str| text.chars().all(|ch| ch.is_alphanumeric() || matches!(ch, '-' | '.' | '_' | ':'));
    host.len() <= 253
        && host.split_once('%').map_or_else(
            || is_valid(host),
            |(ip, zone)| ip.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && is_valid(zone),
        )
}

fn without_zone(host: &str) -> &str {
    host.split_once('%').map_or(host, |(ip, _)| ip)
}

fn parse_port(typed: &str) -> Result<u16, AddressError> {
    match typed.parse::<u16>() {
        Ok(port) if port > 0 && typed.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        _ => Err(AddressError::Port(typed.to_owned())),
    }
}

/// Why an address is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// The input is empty.
    #[error("the server's address is empty; write HOST:PORT, for example 192.168.1.5:7777")]
    Empty,
    /// The input is a URL.
    #[error("the server's address must not be a URL; write HOST:PORT without http://, for example 192.168.1.5:7777")]
    Url,
    /// There is no host before the colon.
    #[error("the server's address has no host; write HOST:PORT, for example 192.168.1.5:7777")]
    NoHost,
    /// The host is neither a host name nor an IP address.
    #[error("'{0}' is neither a host name nor an IP address; write HOST:PORT, for example 192.168.1.5:7777")]
    Host(String),
    /// The port is not a number from 1 to 65535.
    #[error("'{0}' is not a port; ports are numbers from 1 to 65535")]
    Port(String),
    /// An IPv6 address with a port has no brackets, or wrong ones.
    #[error("an IPv6 address with a port is written in brackets, for example [2001:db8::5]:7777")]
    Bracket,
    /// A link-local IPv6 address lacks its zone.
    #[error("{ip} is link-local, so it needs the name of the network interface, for example [{ip}%{example}]:7777")]
    NoZone {
        /// The address.
        ip: Ipv6Addr,
        /// The name of an interface.
        example: String,
    },
    /// An IPv6 address that is not link-local has a zone.
    #[error("{0} is not link-local, so it has no zone; leave out % and the name after it")]
    Zone(Ipv6Addr),
    /// The address cannot be advertised.
    #[error("'{0}' cannot be advertised; write IP or IP:PORT of one machine, for example 192.168.1.5:40001")]
    Advertised(String),
    /// The port to advertise is too low.
    #[error("'{0}' cannot be advertised: servers accept ports from {lowest} to 65535", lowest = Entry::LOWEST_PORT)]
    AdvertisedPort(String),
    /// The address to advertise has a zone.
    #[error("'{0}' cannot be advertised: the name after % means nothing on other machines; leave it out")]
    AdvertisedZone(String),
}

/// For values that are valid already, so that their conversion cannot fail.
impl From<Infallible> for AddressError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl AddressError {
    fn no_zone(ip: Ipv6Addr) -> Self {
        Self::NoZone { ip, example: interfaces::example_zone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_server_have_one_spelling() {
        for (typed, shown) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("chat.Example", "chat.example:7777"),
            (" lab-3:7000 ", "lab-3:7000"),
            ("[::1]:9000", "[::1]:9000"),
            ("[0:0::1]", "[::1]:7777"),
            ("::1", "[::1]:7777"),
            ("服务器:80", "服务器:80"),
            ("192.168.1。5：9000", "192.168.1.5:9000"),
            ("[fe80:0::1%eth0]:9000", "[fe80::1%eth0]:9000"),
            ("fe80::1%3", "[fe80::1%3]:7777"),
            ("[fe80::1%eth0:1]", "[fe80::1%eth0:1]:7777"),
        ] {
            let address = ServerAddress::parse(typed).unwrap();
            assert_eq!(address.to_string(), shown, "{typed}");
            assert_eq!(ServerAddress::parse(shown).as_ref(), Ok(&address), "{typed}");
        }
    }

    #[test]
    fn each_typing_error_has_its_own_message() {
        use AddressError::{Bracket, Empty, Host, NoHost, Port, Url, Zone};
        for (typed, error) in [
            ("", Empty),
            ("  ", Empty),
            ("http://host:7777", Url),
            ("https://127.0.0.1", Url),
            (":7777", NoHost),
            ("host:", Port(String::new())),
            ("host:0", Port("0".into())),
            ("host:+1", Port("+1".into())),
            ("host:65536", Port("65536".into())),
            ("host:http", Port("http".into())),
            ("two words:1", Host("two words".into())),
            ("http//x", Host("http//x".into())),
            ("fe80::1:99999", Bracket),
            ("fe80::1%eth0:9000", Bracket),
            ("[::1", Bracket),
            ("[::1]7", Bracket),
            ("[host]:7", Bracket),
            ("[host%eth0]:7", Bracket),
            ("host%eth0:7", Host("host%eth0".into())),
            ("[fe80::1%]:7", Host("fe80::1%".into())),
            ("[::1%lo]:7", Zone("::1".parse().unwrap())),
            ("[fe80::1]:7", AddressError::no_zone("fe80::1".parse().unwrap())),
        ] {
            assert_eq!(ServerAddress::parse(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn a_socket_address_obeys_the_same_rules_as_a_typed_one() {
        use std::net::SocketAddrV6;

        let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
        let v6 = |ip, zone| ServerAddress::try_from(SocketAddr::from(SocketAddrV6::new(ip, 7_000, 0, zone)));
        assert_eq!(v6(link_local, 3), ServerAddress::parse("[fe80::1%3]:7000"));
        assert_eq!(v6(link_local, 0), Err(AddressError::no_zone(link_local)));
        assert_eq!(v6(Ipv6Addr::LOCALHOST, 3), Err(AddressError::Zone(Ipv6Addr::LOCALHOST)));
        assert_eq!(v6(Ipv6Addr::LOCALHOST, 0), ServerAddress::parse("[::1]:7000"));
        let no_port = SocketAddr::from(([127, 0, 0, 1], 0));
        assert_eq!(ServerAddress::try_from(no_port), Err(AddressError::Port("0".into())));
    }

    #[test]
    fn an_advertised_address_is_made_from_each_form() {
        let (typed, ip) = ("10.0.0.7", IpAddr::from([10, 0, 0, 7]));
        let parsed = AdvertisedAddress::parse(typed);
        assert!(parsed.is_ok());
        assert_eq!(
            (typed.try_into(), typed.to_owned().try_into(), ip.try_into()),
            (parsed.clone(), parsed.clone(), parsed)
        );
        assert!(AdvertisedAddress::try_from(IpAddr::from([0, 0, 0, 0])).is_err());
    }

    #[test]
    fn advertised_addresses_default_to_the_port_of_the_socket() {
        for (typed, whole) in [
            ("10.0.0.7", "10.0.0.7:40001"),
            ("10.0.0.7:5000", "10.0.0.7:5000"),
            ("2001:db8::7", "[2001:db8::7]:40001"),
            ("[2001:db8::7]", "[2001:db8::7]:40001"),
            ("[2001:db8::7]:5000", "[2001:db8::7]:5000"),
        ] {
            let whole: SocketAddr = whole.parse().unwrap();
            assert_eq!(AdvertisedAddress::parse(typed).unwrap().with_default_port(40_001), whole, "{typed}");
        }
        for bad in ["", "host", "0.0.0.0", "[::]:7", "224.0.0.1:7", "10.0.0.7:70000"] {
            assert_eq!(AdvertisedAddress::parse(bad), Err(AddressError::Advertised(bad.into())));
        }
        for low in ["10.0.0.7:0", "10.0.0.7:443", "[2001:db8::7]:1023"] {
            assert_eq!(AdvertisedAddress::parse(low), Err(AddressError::AdvertisedPort(low.into())));
        }
        for zoned in ["fe80::1%eth0", "[fe80::1%2]:7"] {
            assert_eq!(AdvertisedAddress::parse(zoned), Err(AddressError::AdvertisedZone(zoned.into())));
        }
    }
}
