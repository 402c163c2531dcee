//! Environment variables. An empty one counts as not set, because service managers and containers cannot always leave a
//! variable out.

use std::env::{self, VarError};
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::{ArgMatches, Command};
use zeroize::Zeroizing;

use crate::error::CliError;
use crate::texts::{Localised, Sentence, Texts};

/// The value of a variable that may hold a secret. `None` if the variable is not set, or empty.
///
/// # Errors
/// The value is not UTF-8.
pub(crate) fn secret(variable: &str) -> Result<Option<Zeroizing<String>>, CliError> {
    match env::var(variable).map(Zeroizing::new) {
        Ok(value) => Ok((!value.is_empty()).then_some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => {
            Err(CliError::usage(unusable(variable, Sentence::from(|texts: &Texts| texts.say().file_not_utf8()))))
        }
    }
}

/// The sentence about a variable with a wrong value, which it does not quote.
pub(crate) fn unusable(variable: &str, reason: impl Localised + Send + Sync + 'static) -> Sentence {
    let variable = variable.to_owned();
    Sentence::from(move |texts: &Texts| texts.say().variable_unusable(&variable, reason.text(texts)))
}

/// Whether a variable has a value.
pub(crate) fn is_set(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// Parses the arguments of a program, and the variables of its options.
///
/// # Errors
/// A value is wrong, or the user asked for help or the version.
pub(crate) fn parse(
    command: &Command,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<ArgMatches, clap::Error> {
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    match without_empty(command.clone()).try_get_matches_from(&args) {
        // The help names every variable, including those that are empty.
        Err(error) if error.kind() == ErrorKind::DisplayHelp => command.clone().try_get_matches_from(args),
        result => result,
    }
}

/// Makes clap ignore empty variables, which it would otherwise use as empty values.
fn without_empty(command: Command) -> Command {
    let is_empty =
        |arg: &clap::Arg| arg.get_env().is_some_and(|name| env::var_os(name).is_some_and(|it| it.is_empty()));
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::<clap::builder::OsStr>::Reset) } else { arg })
        .mut_subcommands(without_empty)
}
