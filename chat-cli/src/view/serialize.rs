//! The form of values in JSON, where it differs from that on the wire.

use std::fmt::Display;
use std::time::Duration;

use chat_core::away::AwayText;
use chat_core::peer::Rung;
use chat_core::text::Text;
use serde::Serializer;

/// As a person would read it: ids, recipients, reasons.
pub(super) fn as_display<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// As a string.
pub(super) fn as_str<S: Serializer>(text: &Text, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.as_str())
}

/// As whole microseconds. Only called for `Some`.
pub(super) fn as_micros<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    let micros = time.unwrap_or_default().as_micros();
    serializer.serialize_u64(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// By its name.
pub(super) fn as_name<S: Serializer>(rung: &Rung, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rung.name())
}

/// By its name. Only called for `Some`.
pub(super) fn as_optional_name<S: Serializer>(rung: &Option<Rung>, serializer: S) -> Result<S::Ok, S::Error> {
    as_name(&rung.unwrap_or(Rung::None), serializer)
}

/// A share between 0 and 1 with three decimals: links count the last 64 packets, so that more mean nothing.
pub(super) fn as_share<S: Serializer>(share: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*share) * 1_000.0).round() / 1_000.0)
}

/// As a string.
pub(super) fn as_text<S: Serializer>(away: &AwayText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(away.as_str())
}

/// As a string. Only called for `Some`.
pub(super) fn as_optional_away<S: Serializer>(away: &Option<AwayText>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(away.as_ref().map_or("", AwayText::as_str))
}

/// As whole milliseconds.
pub(super) fn as_millis<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
