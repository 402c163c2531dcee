//! User names: of any script, compared in canonical form, without confusing mixtures of scripts.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::{Deserialize, Serialize};
use unicode_security::{RestrictionLevel, RestrictionLevelDetection, skeleton};

/// A user name, displayed as it was typed at registration.
///
/// A name has 1 to 32 characters: letters and digits of any script, `_`, `-` and `.`. Scripts may be mixed up to the
/// Highly Restrictive level of Unicode Technical Standard 39: `小明ming` is valid, a mixture of Latin and Cyrillic is not.
/// Names are compared in their canonical form (RFC 8265, UsernameCaseMapped), which folds width, case and
/// normalisation.
#[derive(Clone, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserName {
    /// None if equal to the canonical form, as for most names. Saves memory: every message carries a name.
    shown: Option<Arc<str>>,
    canonical: Arc<str>,
}

impl UserName {
    /// The most characters of a name, both as typed and in canonical form.
    pub const MAX_CHARS: usize = 32;

    /// The most bytes of a name, both as typed and in canonical form.
    pub const MAX_BYTES: usize = Self::MAX_CHARS * 4;

    /// Words that the programs use themselves. Names that look like one of them are refused.
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

    /// The form in which names are compared.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// Whether a character may be part of a name. PRECIS further restricts characters outside ASCII.
fn is_allowed(ch: char) -> bool {
    match ch {
        '_' | '-' | '.' => true,
        _ if ch.is_ascii() => ch.is_ascii_alphanumeric(),
        // PRECIS allows these in some contexts, but they are invisible or punctuation.
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{200c}' | '\u{200d}' | '\u{30fb}' => false,
        _ => true,
    }
}

fn canonical(typed: &str) -> Result<String, NameError> {
    // For ASCII the canonical form is the lower case. Skipping the tables matters for rosters of thousands of names.
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
    // Width folding can turn a full-width character into ASCII punctuation.
    if let Some(ch) = canonical.chars().find(|&ch| !is_allowed(ch)) {
        return Err(NameError::Char(ch));
    }
    if canonical.as_ref().detect_restriction_level() > RestrictionLevel::HighlyRestrictive {
        return Err(NameError::MixedScripts);
    }
    Ok(canonical.into_owned())
}

/// Finds the first character that PRECIS refuses by itself. Each is also tried after an Arabic letter, because Arabic
/// digits are valid only after a letter of their direction.
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
    /// The name is empty.
    #[error("the user name is empty; it needs 1 to 32 characters")]
    Empty,
    /// The name has more than [`UserName::MAX_CHARS`] characters.
    #[error("the user name is too long; at most 32 characters are allowed")]
    TooLong,
    /// The name contains this character, which is not allowed.
    #[error("the user name contains {}; only letters and digits of any script, '_', '-' and '.' are allowed", shown(*.0))]
    Char(char),
    /// The name mixes scripts beyond the Highly Restrictive level.
    #[error("the user name mixes scripts whose letters look alike; use letters of one script")]
    MixedScripts,
    /// The name is one of [`UserName::RESERVED`], or looks like one.
    #[error("the user name is reserved or looks like a reserved one (everyone, server); choose another")]
    Reserved,
    /// The name mixes writing directions (RFC 5893).
    #[error("the user name mixes writing directions; use letters of one direction")]
    Direction,
}

/// Describes a character for an error text: the character itself if it is visible, and its code point otherwise.
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
    fn names_of_any_script_are_accepted() {
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
    fn names_are_equal_if_their_canonical_forms_are() {
        let (typed, other) = (UserName::parse("Ming").unwrap(), UserName::parse("ｍｉｎｇ").unwrap());
        assert_eq!(typed, other);
        assert_ne!(typed.as_str(), other.as_str());
    }

    #[test]
    fn the_canonical_form_of_a_name_is_a_name() {
        proptest::proptest!(|(typed in "\\PC{1,33}")| {
            if let Ok(name) = UserName::parse(&typed) {
                let again = UserName::parse(name.canonical()).expect("a canonical form is a name");
                proptest::prop_assert_eq!(again.canonical(), name.canonical());
            }
        });
    }

    #[test]
    fn error_texts_name_the_character() {
        assert_eq!(
            NameError::Char(' ').to_string(),
            "the user name contains a space; only letters and digits of any script, '_', '-' and '.' are allowed"
        );
        assert!(NameError::Char('\u{202e}').to_string().contains("U+202E"));
    }
}
