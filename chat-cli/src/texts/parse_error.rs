//! Errors in arguments, as sentences. clap has its own in English only.

use std::error::Error as _;

use chat_core::name::NameError;
use chat_net::address::AddressError;
use chat_net::identity::FingerprintError;
use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{Localised, Texts};
use crate::address::BindAddressError;
use crate::number::NumberError;
use crate::path::DeviceName;
use crate::server::days::DaysError;
use crate::server::presence_log::since::SinceError;

/// What is wrong with the arguments, and what the user can do about it.
pub(crate) struct Explained {
    pub(crate) sentence: String,
    pub(crate) hints: Vec<String>,
}

/// Describes an error of clap. `None` if clap shows the help of a command without arguments, and for errors that no user
/// can cause.
pub(crate) fn explain(error: &Error, texts: &Texts) -> Option<Explained> {
    let t = texts.say();
    let sentence = sentence(error, texts)?;
    let suggestions = [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand];
    let suggestion = suggestions.into_iter().find_map(|kind| context(error, kind, texts));
    let hints = suggestion.map(|suggestion| t.did_you_mean(suggestion)).into_iter().chain([t.hint_see_help()]);
    Some(Explained { sentence, hints: hints.collect() })
}

/// The error in the arguments, on one line.
pub(crate) fn on_one_line(error: &Error, texts: &Texts) -> String {
    let sentence = sentence(error, texts).unwrap_or_else(|| error.to_string());
    let paragraph = sentence.split("\n\n").next().unwrap_or_default();
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sentence(error: &Error, texts: &Texts) -> Option<String> {
    let t = texts.say();
    let option = || context(error, ContextKind::InvalidArg, texts);
    let value = || context(error, ContextKind::InvalidValue, texts);
    let command = || context(error, ContextKind::InvalidSubcommand, texts);
    Some(match error.kind() {
        ErrorKind::InvalidValue if value()?.is_empty() => t.arguments_no_value(option()?),
        ErrorKind::InvalidValue => {
            let sentence = t.arguments_value(value()?, option()?);
            match context(error, ContextKind::ValidValue, texts) {
                Some(values) => format!("{sentence}\n  {}", t.help_short_values(values)),
                None => sentence,
            }
        }
        ErrorKind::ValueValidation => t.arguments_value_because(value()?, option()?, reason(error, texts)),
        ErrorKind::UnknownArgument => t.arguments_unexpected(option()?),
        ErrorKind::InvalidSubcommand => t.arguments_unknown_command(command()?),
        ErrorKind::MissingSubcommand => t.arguments_no_command(command()?),
        ErrorKind::NoEquals => t.arguments_no_equal_sign(option()?),
        ErrorKind::TooManyValues => t.arguments_unexpected_value(value()?, option()?),
        ErrorKind::ArgumentConflict => {
            let (option, other) = (option()?, context(error, ContextKind::PriorArg, texts)?);
            if option == other { t.arguments_twice(option) } else { t.arguments_conflict(option, other) }
        }
        ErrorKind::MissingRequiredArgument => t.arguments_missing(option()?),
        ErrorKind::InvalidUtf8 => t.arguments_not_utf8(),
        _ => return None,
    })
}

fn context(error: &Error, kind: ContextKind, texts: &Texts) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(several) => Some(texts.list(several)),
        _ => None,
    }
}

/// Why a value is wrong.
pub(crate) fn reason(error: &Error, texts: &Texts) -> String {
    let Some(source) = error.source() else { return String::new() };
    let known = [
        source.downcast_ref::<NameError>().map(|error| error.text(texts)),
        source.downcast_ref::<AddressError>().map(|error| error.text(texts)),
        source.downcast_ref::<BindAddressError>().map(|error| error.text(texts)),
        source.downcast_ref::<FingerprintError>().map(|error| error.text(texts)),
        source.downcast_ref::<NumberError>().map(|error| error.text(texts)),
        source.downcast_ref::<DeviceName>().map(|error| error.text(texts)),
        source.downcast_ref::<DaysError>().map(|error| error.text(texts)),
        source.downcast_ref::<SinceError>().map(|error| error.text(texts)),
    ];
    known.into_iter().flatten().next().unwrap_or_else(|| source.to_string())
}
