//! The name of a server among those that share its roster.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use crate::platform::process;
use crate::texts::{Localised, Texts};

/// The name by which operators tell servers apart: 1 to 64 visible characters of ASCII.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NodeName(String);

/// The longest name. Each server keeps the names of all, and a status shows them on one line.
const MAX: usize = 64;

/// Why a name was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the name of a server has 1 to 64 ASCII letters, digits or signs, without spaces")]
pub struct NodeNameError;

impl NodeName {
    /// The name of a server that none is given: that of its machine, with the port, because a machine may have several.
    pub(super) fn default(listen: SocketAddr) -> Self {
        Self::of_machine(process::host_name().as_deref(), listen)
    }

    fn of_machine(host: Option<&str>, listen: SocketAddr) -> Self {
        /// The length of the longest port, with its colon.
        const PORT: usize = ":65535".len();
        let visible = host.unwrap_or_default().chars().filter(char::is_ascii_graphic);
        let host: String = visible.take(MAX - PORT).collect();
        if host.is_empty() { Self(listen.to_string()) } else { Self(format!("{host}:{}", listen.port())) }
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(typed: &str) -> Result<Self, NodeNameError> {
        let is_right = (1..=MAX).contains(&typed.len()) && typed.bytes().all(|byte| byte.is_ascii_graphic());
        if is_right { Ok(Self(typed.to_owned())) } else { Err(NodeNameError) }
    }
}

impl<'de> Deserialize<'de> for NodeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Localised for NodeNameError {
    fn text(&self, texts: &Texts) -> String {
        texts.say().node_name_rule()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_visible_characters_only() {
        for name in ["a", "north-1", "10.0.0.1:7777", &"a".repeat(MAX)] {
            assert_eq!(name.parse::<NodeName>().unwrap().to_string(), name);
        }
        for name in ["", "a b", "小", "a\n", &"a".repeat(MAX + 1)] {
            assert_eq!(name.parse::<NodeName>(), Err(NodeNameError), "{name:?}");
        }
    }

    #[test]
    fn a_server_without_a_name_has_that_of_its_machine() {
        let listen: SocketAddr = "[::]:65535".parse().unwrap();
        let name = |host: Option<&str>| NodeName::of_machine(host, listen).to_string();
        assert_eq!(name(Some("north")), "north:65535");
        assert_eq!(name(Some("小 north\n")), "north:65535");
        assert_eq!(name(Some(&"a".repeat(MAX))).len(), MAX);
        assert_eq!(name(None), "[::]:65535");
        NodeName::default(listen).to_string().parse::<NodeName>().unwrap();
    }
}
