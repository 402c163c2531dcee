//! User names: any script, compared by their canonical form, look-alike mixing refused.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::{Deserialize, Serialize};
use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

/// A user name, shown as it was typed at registration.
///
/// Two names are equal if their canonical forms are: RFC 8265 UsernameCaseMapped (width, case and normalisation
/// folded). 1 to 32 characters, letters and digits of any script and `_ - .`; scripts may be mixed up to the
/// Highly Restrictive level of Unicode Technical Standard 39 (so `小明ming` is a name, Latin with Cyrillic is not).
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName {
    /// None if it is the canonical form: most names are, and every message carries a copy of one.
    shown: Option<Arc<str>>,
    canonical: Arc<str>,
}

impl UserName {
    /// The most characters a name may have, canonical or as typed.
    pub const MAX_CHARS: usize = 32;

    /// The most bytes a name may have, canonical or as typed.
    pub const MAX_BYTES: usize = Self::MAX_CHARS * 4;

    /// Words that the client uses itself and nobody may be called, however they are written.
    pub const RESERVED: [&str; 2] = ["everyone", "server"];

    /// Checks `typed` and computes its canonical form.
    ///
    /// # Errors
    /// The rule that `typed` breaks.
    pub fn parse(typed: &str) -> Result<Self, NameError> {
        if typed.is_empty() {
            return Err(NameError::Empty);
        }
        if typed.len() > Self::MAX_BYTES || typed.chars().count() > Self::MAX_CHARS {
            return Err(NameError::TooLong);
        }
        if let Some(ch) = typed.chars().find(|&ch| !is_allowed(ch)) {
            return Err(NameError::Char(ch));
        }
        let canonical = canonical(typed)?;
        if Self::RESERVED.iter().any(|word| skeleton(&canonical).eq(skeleton(word))) {
            return Err(NameError::Reserved);
        }
        let canonical: Arc<str> = canonical.into();
        let shown = (*canonical != *typed).then(|| typed.into());
        Ok(Self { shown, canonical })
    }

    /// The name as typed at registration.
    pub fn as_str(&self) -> &str {
        self.shown.as_deref().unwrap_or(&self.canonical)
    }

    /// The form that decides whether two names are the same.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// Letters and digits of any script with their combining marks, and `_ - .`; PRECIS narrows what is not ASCII further.
fn is_allowed(ch: char) -> bool {
    match ch {
        '_' | '-' | '.' => true,
        _ if ch.is_ascii() => ch.is_ascii_alphanumeric(),
        // Legal in some PRECIS contexts, but invisible or punctuation: not in a name.
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{200c}' | '\u{200d}' | '\u{30fb}' => false,
        _ => true,
    }
}

fn canonical(typed: &str) -> Result<String, NameError> {
    // ASCII is its own normal form, and a roster holds thousands of names: the tables are for the others.
    if typed.is_ascii() {
        return Ok(typed.to_ascii_lowercase());
    }
    let canonical = UsernameCaseMapped::enforce(typed).map_err(|_| refused_by_precis(typed))?;
    if canonical.is_empty() {
        return Err(NameError::Empty);
    }
    if canonical.chars().count() > UserName::MAX_CHARS {
        return Err(NameError::TooLong);
    }
    // Width folding may have made ASCII punctuation of a full-width form.
    if let Some(ch) = canonical.chars().find(|&ch| !is_allowed(ch)) {
        return Err(NameError::Char(ch));
    }
    if canonical.as_ref().detect_restriction_level() > RestrictionLevel::HighlyRestrictive {
        return Err(NameError::MixedScripts);
    }
    Ok(canonical.into_owned())
}

/// Names the character that PRECIS refuses: the first that is refused alone, if there is one. Arabic digits are refused
/// alone, and not behind a letter of their direction.
fn refused_by_precis(typed: &str) -> NameError {
    let is_refused = |ch: &char| {
        ["", "\u{627}"].into_iter().all(|before| UsernameCaseMapped::enforce(format!("{before}{ch}")).is_err())
    };
    typed.chars().find(is_refused).map_or(NameError::Direction, NameError::Char)
}

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(typed: &str) -> Result<Self, NameError> {
        Self::parse(typed)
    }
}

impl TryFrom<String> for UserName {
    type Error = NameError;

    fn try_from(typed: String) -> Result<Self, NameError> {
        Self::parse(&typed)
    }
}

impl From<UserName> for String {
    fn from(name: UserName) -> Self {
        name.as_str().to_owned()
    }
}

impl PartialEq for UserName {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for UserName {}

impl Ord for UserName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical.cmp(&other.canonical)
    }
}

impl PartialOrd for UserName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for UserName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical.hash(state);
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserName({})", self.as_str())
    }
}

/// Why a user name is refused. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
pub enum NameError {
    /// Nothing was typed.
    #[error("the user name is empty; it needs 1 to 32 characters")]
    Empty,
    /// More than [`UserName::MAX_CHARS`] characters.
    #[error("the user name is too long; at most 32 characters are allowed")]
    TooLong,
    /// A character that no name may hold.
    #[error("the user name contains {}; allowed are letters and digits of any script, '_', '-' and '.'", shown(*.0))]
    Char(char),
    /// Scripts mixed above the Highly Restrictive level.
    #[error("the user name mixes letters of different scripts that look alike; write it in one script")]
    MixedScripts,
    /// One of [`UserName::RESERVED`], or something that looks like it.
    #[error("the user name looks like a word that the program uses itself (everyone, server); choose another")]
    Reserved,
    /// Letters written from right to left mixed with others (RFC 5893).
    #[error("the user name mixes writing directions; write it in one direction")]
    Direction,
}

/// A character for a sentence: itself if it can be seen, else its number.
fn shown(ch: char) -> String {
    if ch == ' ' {
        "a space".to_owned()
    } else if ch.is_alphanumeric() || ch.is_ascii_graphic() {
        format!("'{ch}'")
    } else {
        format!("the character U+{:04X}", u32::from(ch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_ordinary() {
        for (typed, canonical) in [
            ("alice", "alice"),
            ("Alice", "alice"),
            ("小明", "小明"),
            ("小明ming", "小明ming"),
            ("ａｌｉｃｅ", "alice"),
            ("キャロルcarol", "キャロルcarol"),
            ("Иван", "иван"),
            ("José", "josé"),
            ("Jose\u{301}", "josé"),
            ("a_b-c.d9", "a_b-c.d9"),
            ("हिन्दी", "हिन्दी"),
            ("x", "x"),
        ] {
            let name = UserName::parse(typed);
            assert_eq!(name.as_ref().map(UserName::canonical), Ok(canonical), "{typed:?}");
            assert_eq!(name.as_ref().map(UserName::as_str), Ok(typed), "{typed:?}");
        }
    }

    #[test]
    fn each_broken_rule_has_its_own_error() {
        use NameError::{Char, Direction, Empty, MixedScripts, Reserved, TooLong};
        for (typed, error) in [
            ("", Empty),
            (&"x".repeat(33), TooLong),
            (&"长".repeat(33), TooLong),
            ("two words", Char(' ')),
            ("a@b", Char('@')),
            ("a\u{0}b", Char('\0')),
            ("a\u{202e}b", Char('\u{202e}')),
            ("a\u{200d}b", Char('\u{200d}')),
            ("party🎉", Char('🎉')),
            ("раураl", MixedScripts),
            ("alіce", MixedScripts),
            ("αlice", MixedScripts),
            ("everyone", Reserved),
            ("Server", Reserved),
            ("ｅｖｅｒｙｏｎｅ", Reserved),
            ("ｂａｄ＠", Char('@')),
            ("½علي", Char('½')),
            ("٣علي", Direction),
            ("عليabc", Direction),
        ] {
            assert_eq!(UserName::parse(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn equality_is_of_the_canonical_form() {
        let (typed, other) = (UserName::parse("Ming").unwrap(), UserName::parse("ｍｉｎｇ").unwrap());
        assert_eq!(typed, other);
        assert_ne!(typed.as_str(), other.as_str());
    }

    #[test]
    fn every_accepted_name_is_accepted_again_in_its_canonical_form() {
        proptest::proptest!(|(typed in "\\PC{1,33}")| {
            if let Ok(name) = UserName::parse(&typed) {
                let again = UserName::parse(name.canonical()).expect("canonical names are names");
                proptest::prop_assert_eq!(again.canonical(), name.canonical());
            }
        });
    }

    #[test]
    fn sentences_name_the_character() {
        assert_eq!(
            NameError::Char(' ').to_string(),
            "the user name contains a space; allowed are letters and digits of any script, '_', '-' and '.'"
        );
        assert!(NameError::Char('\u{202e}').to_string().contains("U+202E"));
    }
}
