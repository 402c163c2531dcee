//! How others find the server: the addresses at which they reach it, and the invitation, which is the line that a
//! colleague types to join.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use chat_net::interfaces;
use serde::{Deserialize, Serialize};

use super::print;
use super::settings::Registration;
use super::status::json_lines;
use crate::error::{self, CliError, Exit};
use crate::format::Format;
use crate::texts::Texts;

/// The most addresses in a sentence: few machines have more that matter, and the line stays readable.
const MAX_LISTED: usize = 4;

/// The facts of an invitation, from the running server.
#[derive(Clone, Deserialize, Serialize)]
pub(super) struct InvitationFacts {
    pub(super) listening: SocketAddr,
    pub(super) fingerprint: String,
    pub(super) registration: Registration,
    /// A secret, for those who may register.
    pub(super) invitation_code: Option<String>,
    /// Whether clients connect to a forwarder, whose address the server does not know.
    pub(super) has_forwarder: bool,
}

/// Without the invitation code.
impl fmt::Debug for InvitationFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { listening, registration, .. } = self;
        f.debug_struct("InvitationFacts").field("listening", listening).field("registration", registration).finish()
    }
}

/// An invitation as JSON. docs/JSON.md documents the fields.
#[derive(Serialize)]
struct InvitationJson {
    command: String,
    /// The one in the command first.
    addresses: Vec<String>,
    fingerprint: String,
    registration: Registration,
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation_code: Option<String>,
}

/// An invitation as people read it.
#[cfg_attr(test, derive(Debug, Eq, PartialEq))]
struct Lines {
    /// What the colleague types, for standard output.
    command: String,
    /// What the operator and the colleague should know, for standard error.
    notes: Vec<String>,
}

impl InvitationFacts {
    /// The line that a colleague types, and what there is to say about it.
    ///
    /// # Errors
    /// The machine has no address.
    fn lines(&self, texts: &Texts) -> Result<Lines, CliError> {
        let t = texts.say();
        let addresses = self.addresses()?;
        let mut notes = Vec::new();
        if self.has_forwarder {
            // It may be on this machine, so that the server listens on loopback only.
            notes.push(t.invite_forwarder());
        } else if self.listening.ip().is_loopback() {
            notes.push(t.invite_only_here(quoted(wider(self.listening))));
        } else if let [_, others @ ..] = &*addresses
            && !others.is_empty()
        {
            notes.push(t.invite_other_addresses(listed(others, texts)));
        }
        if has_zone(self.listening) {
            notes.push(t.invite_zone(format!("[{}%eth0]", self.listening.ip())));
        }
        match (self.registration, &self.invitation_code) {
            (Registration::Invited, Some(code)) => notes.push(t.invite_code(code)),
            (Registration::Closed, _) => notes.push(t.invite_closed()),
            _ => {}
        }
        Ok(Lines { command: self.command(addresses[0]), notes })
    }

    /// The invitation for scripts.
    ///
    /// # Errors
    /// The machine has no address.
    fn json(&self) -> Result<String, CliError> {
        let addresses = self.addresses()?;
        Ok(json_lines([InvitationJson {
            command: self.command(addresses[0]),
            addresses: addresses.iter().map(ToString::to_string).collect(),
            fingerprint: self.fingerprint.clone(),
            registration: self.registration,
            invitation_code: self.invitation_code.clone(),
        }]))
    }

    /// At least one.
    fn addresses(&self) -> Result<Vec<SocketAddr>, CliError> {
        match self.reachable() {
            none if none.is_empty() => Err(CliError::failed(|texts: &Texts| texts.say().invite_no_address())
                .hint(|texts: &Texts| texts.say().hint_invite_no_address())),
            addresses => Ok(addresses),
        }
    }

    /// The addresses at which others reach the server, the most likely one first.
    pub(super) fn reachable(&self) -> Vec<SocketAddr> {
        reachable(self.listening)
    }

    /// Without `--register`: the client offers to register a name that is new, and the line works on later days too.
    pub(super) fn command(&self, address: SocketAddr) -> String {
        format!("chat-client {} --fingerprint {}", quoted(address), self.fingerprint)
    }
}

/// Prints the invitation: the line on standard output, and notes for people on standard error.
///
/// # Errors
/// The machine has no address, or standard output cannot be written.
pub(super) fn show(facts: &InvitationFacts, format: Format, texts: &Texts) -> Result<Exit, CliError> {
    if format == Format::Json {
        return print(&facts.json()?);
    }
    let Lines { command, notes } = facts.lines(texts)?;
    let exit = print(&format!("{command}\n"))?;
    notes.iter().for_each(|note| error::note(note, texts));
    Ok(exit)
}

/// The lines of a starting server that say how others reach it.
pub(super) fn greeting(listening: SocketAddr, has_forwarder: bool, texts: &Texts) -> Vec<String> {
    let t = texts.say();
    let mut lines = Vec::new();
    let open = if listening.ip().is_loopback() { wider(listening) } else { listening };
    if open != listening {
        lines.push(t.start_loopback(quoted(open)));
    }
    let addresses = reachable(open);
    // The server does not know the address of a forwarder, and others do not reach it at its own.
    if has_forwarder || addresses.is_empty() {
        return lines;
    }
    lines.push(if open == listening {
        t.start_reachable(listed(&addresses, texts))
    } else {
        t.start_then_reachable(addresses[0].to_string())
    });
    lines
}

/// All addresses of the machine, at the port of `listening`.
fn wider(listening: SocketAddr) -> SocketAddr {
    SocketAddr::from((Ipv6Addr::UNSPECIFIED, listening.port()))
}

/// The addresses at which others reach a server that listens at `listening`, the most likely one first.
fn reachable(listening: SocketAddr) -> Vec<SocketAddr> {
    among(listening, interfaces::reachable())
}

fn among(listening: SocketAddr, here: Vec<IpAddr>) -> Vec<SocketAddr> {
    if !listening.ip().is_unspecified() {
        return vec![without_zone(listening)];
    }
    // A socket on `[::]` accepts IPv4 too.
    let heard = here.into_iter().filter(|ip| listening.is_ipv6() || ip.is_ipv4());
    heard.map(|ip| SocketAddr::new(ip, listening.port())).collect()
}

/// A zone means nothing on the machine of a colleague.
fn without_zone(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V6(address) => SocketAddrV6::new(*address.ip(), address.port(), 0, 0).into(),
        SocketAddr::V4(_) => address,
    }
}

/// An address as it is typed in any shell. Some take what is between brackets as a pattern of file names.
fn quoted(address: SocketAddr) -> String {
    if address.is_ipv6() { format!("\"{address}\"") } else { address.to_string() }
}

fn has_zone(address: SocketAddr) -> bool {
    without_zone(address) != address
}

fn listed(addresses: &[SocketAddr], texts: &Texts) -> String {
    texts.list(&addresses.iter().take(MAX_LISTED).map(ToString::to_string).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    fn facts(listening: &str, registration: Registration) -> InvitationFacts {
        InvitationFacts {
            listening: listening.parse().unwrap(),
            fingerprint: "ab".repeat(32),
            registration,
            invitation_code: (registration == Registration::Invited).then(|| "spring-2026".to_owned()),
            has_forwarder: false,
        }
    }

    #[test]
    fn the_line_is_address_and_fingerprint_and_the_notes_say_what_else_is_needed() {
        let digits = "ab".repeat(32);
        let mut shown = String::new();
        let mut forwarded = facts("127.0.0.1:7777", Registration::Open);
        forwarded.has_forwarder = true;
        for (case, facts) in [
            ("open", facts("192.0.2.7:7777", Registration::Open)),
            ("closed", facts("192.0.2.7:7777", Registration::Closed)),
            ("by invitation, on this machine only", facts("127.0.0.1:7777", Registration::Invited)),
            ("IPv6, link-local", facts("[fe80::1%2]:7777", Registration::Open)),
            ("behind a forwarder", forwarded),
        ] {
            assert!(!format!("{facts:?}").contains("spring"), "{facts:?}");
            shown += &format!("# {case}\n");
            for language in [Language::English, Language::Chinese] {
                let Lines { command, notes } = facts.lines(&Texts::new(language)).unwrap();
                shown += &format!("{}\n", command.replace(&digits, "⟨fingerprint⟩"));
                notes.iter().for_each(|note| shown += &format!("  {note}\n"));
            }
            shown += &format!("{}\n", facts.json().unwrap().replace(&digits, "⟨fingerprint⟩"));
        }
        insta::assert_snapshot!("invitations", shown);
    }

    #[test]
    fn a_server_on_all_interfaces_is_reachable_at_those_of_its_family() {
        let here: Vec<IpAddr> = ["192.168.1.7", "2001:db8::7", "10.0.0.7"].map(|ip| ip.parse().unwrap()).into();
        let found = |listening: &str| {
            let addresses = among(listening.parse().unwrap(), here.clone());
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(found("[::]:7"), ["192.168.1.7:7", "[2001:db8::7]:7", "10.0.0.7:7"]);
        assert_eq!(found("0.0.0.0:7"), ["192.168.1.7:7", "10.0.0.7:7"]);
        assert_eq!(found("10.0.0.7:7"), ["10.0.0.7:7"]);
        let many: Vec<SocketAddr> = (1..20).map(|last| SocketAddr::from(([10, 0, 0, last], 7))).collect();
        assert_eq!(listed(&many, &Texts::default()), "10.0.0.1:7, 10.0.0.2:7, 10.0.0.3:7, 10.0.0.4:7");
    }
}
