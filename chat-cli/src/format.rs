//! The two formats of input and output: text for people, JSON for scripts.

use clap::ValueEnum;
use serde::Deserialize;

/// How a program reads or writes lines.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object per line, for scripts
    Json,
}
