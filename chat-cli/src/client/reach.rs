//! Which ways messages may take, as an option.

use chat_net::client::ReachMode;
use clap::ValueEnum;
use serde::Deserialize;

/// Which ways messages may take. The names are the values of `--reach`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ReachChoice {
    /// Straight from machine to machine only
    Direct,
    /// Straight where there is a way, and through the server otherwise
    #[default]
    Auto,
    /// Through the server only, so that nobody learns an address
    Relay,
}

/// The library's form.
impl From<ReachChoice> for ReachMode {
    fn from(choice: ReachChoice) -> Self {
        match choice {
            ReachChoice::Direct => Self::Direct,
            ReachChoice::Auto => Self::Auto,
            ReachChoice::Relay => Self::Relay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_of_the_library() {
        for choice in ReachChoice::value_variants() {
            let name = choice.to_possible_value().unwrap().get_name().to_owned();
            assert_eq!(name.parse(), Ok(ReachMode::from(*choice)));
        }
        assert_eq!(ReachMode::from(ReachChoice::default()), ReachMode::default());
    }
}
