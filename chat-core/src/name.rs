//! User names: letters and digits of any script, compared in canonical form; mixed scripts are refused.

mod marks;
mod skeletons;

use std::cmp::Ordering;
use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_script::Script;
use unicode_security::mixed_script::AugmentedScriptSet;
use unicode_security::skeleton;

use crate::precis::{self, Refused};

pub use self::skeletons::Skeletons;

/// A user name, shown as it was typed at registration.
///
/// A name has 1 to 32 characters: letters and digits of any script with their combining marks, `_`, `-` and `.`. Two
/// names are equal if their canonical forms are equal (RFC 8265, UsernameCaseMapped, which folds width, case and
/// normalisation; the final sigma counts as a sigma). Two names look alike if they have a [skeleton](Skeletons) in
/// common.
///
/// All letters belong to one script, or to Latin and one of the combinations that Chinese, Japanese and Korean use: the
/// script rules of the Highly Restrictive level of Unicode Technical Standard 39. So `小明ming` is a name, and Latin with
/// Cyrillic is not. Rare and historic characters are allowed, because people have them in their names.
///
/// These rules hold for every name. More rules hold for the names of new accounts, see [`UserName::check_new`].
#[derive(Clone)]
pub struct UserName {
    /// The canonical form and, if the name was typed in another form, that one behind it. One piece keeps names small and
    /// copies cheap: every message and every session has one.
    text: Arc<str>,
    /// The length of the canonical form.
    canonical: u8,
}

/// Whether a name contains letters that are written from right to left. In a line of other text, such a name needs
/// isolates (U+2068, U+2069) around it. Otherwise it is shown in another place than the digits beside it suggest.
pub fn is_right_to_left(name: &str) -> bool {
    precis::has_right_to_left(name)
}

impl UserName {
    /// The longest name, in characters, in its canonical form as well as typed.
    pub const MAX_CHARS: usize = 32;

    /// The longest name, 128 bytes, in its canonical form as well as typed.
    pub const MAX_BYTES: usize = Self::MAX_CHARS * 4;

    /// The longest sequence of nonspacing marks in the name of a new account, which Unicode Technical Standard 39
    /// recommends in section 5.4. Burmese needs four (`ရှို့`), and Hebrew and Khmer three (`יִשָּׂשכָר`, `ស៊ុំ`).
    pub const MAX_MARKS: usize = 4;

    /// Words with a meaning in the programs. No new account gets a name that looks like one of them.
    pub const RESERVED: [&str; 3] = ["everyone", "server", "所有人"];

    /// Parses a name as typed and computes its canonical form.
    ///
    /// # Errors
    /// The first rule that `typed` breaks.
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
        let len = u8::try_from(canonical.len()).map_err(|_| NameError::TooLong)?;
        let text = if canonical == typed { canonical } else { canonical + typed };
        Ok(Self { text: text.into(), canonical: len })
    }

    /// Checks the rules that hold for the names of new accounts only. Code that registers an account calls it: the server
    /// for its clients, and a program for its operator.
    ///
    /// [`UserName::parse`] does not check these rules, because they are newer than some accounts. An account whose name
    /// breaks one of them keeps its name: its owner can log in, and the programs of the others understand it.
    ///
    /// The name does not start with a combining mark, and has at most [`UserName::MAX_MARKS`] nonspacing marks in a
    /// row, none of them twice in succession: other names cannot be seen, or are drawn over the lines around them. It
    /// has no skeleton in common with a [reserved word](UserName::RESERVED).
    ///
    /// # Errors
    /// [`NameError::Marks`] or [`NameError::Reserved`].
    pub fn check_new(&self) -> Result<(), NameError> {
        if marks::has_stray_marks(self.canonical()) {
            return Err(NameError::Marks);
        }
        let own = self.skeletons();
        let is_reserved = |word: &str| [own.canonical(), own.shown()].contains(&&*skeletons::looks(word));
        if Self::RESERVED.into_iter().any(is_reserved) { Err(NameError::Reserved) } else { Ok(()) }
    }

    /// The forms of the name that are equal for names that look alike.
    pub fn skeletons(&self) -> Skeletons {
        Skeletons::new(self)
    }

    /// The name as typed at registration.
    pub fn as_str(&self) -> &str {
        let shown = usize::from(self.canonical);
        if shown < self.text.len() { &self.text[shown..] } else { &self.text }
    }

    /// The form in which names are compared.
    pub fn canonical(&self) -> &str {
        &self.text[..usize::from(self.canonical)]
    }
}

/// Letters and digits of any script with their combining marks, and `_`, `-`, `.`. PRECIS narrows non-ASCII characters
/// further.
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
    // A roster holds thousands of names. Most are ASCII, and their canonical form needs no tables.
    if typed.is_ascii() {
        return Ok(typed.to_ascii_lowercase());
    }
    let canonical = precis::user_name(typed)?;
    if canonical.is_empty() {
        return Err(NameError::Empty);
    }
    if canonical.chars().count() > UserName::MAX_CHARS {
        return Err(NameError::TooLong);
    }
    // Width folding turns full-width forms into ASCII, which may be punctuation.
    if let Some(ch) = canonical.chars().find(|&ch| !is_allowed(ch)) {
        return Err(NameError::Char(ch));
    }
    if mixes_scripts(&canonical) {
        return Err(NameError::MixedScripts);
    }
    Ok(canonical)
}

/// Whether the letters of `canonical` break the script rules of the Highly Restrictive level (UTS 39, section 5.2).
fn mixes_scripts(canonical: &str) -> bool {
    let mut all = AugmentedScriptSet::default();
    let mut besides_latin = AugmentedScriptSet::default();
    for ch in canonical.chars() {
        let scripts = AugmentedScriptSet::for_char(ch);
        all.intersect_with(scripts);
        if !scripts.base.contains_script(Script::Latin) {
            besides_latin.intersect_with(scripts);
        }
    }
    all.is_empty() && !(besides_latin.hanb || besides_latin.jpan || besides_latin.kore)
}

impl From<Refused> for NameError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Char(ch) => Self::Char(ch),
            Refused::Direction => Self::Direction,
        }
    }
}

impl FromStr for UserName {
    type Err = NameError;

    fn from_str(typed: &str) -> Result<Self, NameError> {
        Self::parse(typed)
    }
}

impl TryFrom<&str> for UserName {
    type Error = NameError;

    fn try_from(typed: &str) -> Result<Self, NameError> {
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
        self.canonical() == other.canonical()
    }
}

impl Eq for UserName {}

impl Ord for UserName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.canonical().cmp(other.canonical())
    }
}

impl PartialOrd for UserName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for UserName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

/// As the text that was typed.
impl Serialize for UserName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for UserName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Typed;

        impl Visitor<'_> for Typed {
            type Value = UserName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a user name")
            }

            fn visit_str<E: de::Error>(self, typed: &str) -> Result<UserName, E> {
                UserName::parse(typed).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Typed)
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

/// The rule that a user name breaks. On the wire: append only.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The name has no characters.
    #[error("the user name is empty; it needs 1 to 32 characters")]
    Empty,
    /// The name has more than [`UserName::MAX_CHARS`] characters.
    #[error("the user name is too long; at most 32 characters are allowed")]
    TooLong,
    /// The name contains a character that is neither letter, digit nor one of `_`, `-`, `.`.
    #[error("the user name contains {}; only letters and digits of any script, '_', '-' and '.' are allowed", shown(*.0))]
    Char(char),
    /// The name mixes scripts beyond the Highly Restrictive level.
    #[error("the user name mixes scripts; use letters of one script, or Latin beside Chinese, Japanese or Korean")]
    MixedScripts,
    /// The name looks like one of [`UserName::RESERVED`].
    #[error("the user name is reserved or looks like a reserved one (everyone, server, 所有人); choose another")]
    Reserved,
    /// The name mixes right-to-left letters with others (RFC 5893).
    #[error("the user name mixes writing directions; use letters of one direction")]
    Direction,
    /// The name of a new account starts with a combining mark, has more than [`UserName::MAX_MARKS`] nonspacing marks
    /// in a row, or has one of them twice in succession.
    #[error(
        "the user name starts with a combining mark, or has more than four on one letter or one of them twice; start it \
         with a letter or digit, and put at most four different marks on a letter"
    )]
    Marks,
}

/// For values that are valid already, so that their conversion cannot fail.
impl From<Infallible> for NameError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A character as an error text shows it: quoted if it is visible, otherwise by its code point.
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
            ("𠮷田", "𠮷田"),
            ("㛃", "㛃"),
            ("ㄅㄆㄇ", "ㄅㄆㄇ"),
            ("張三ㄅ", "張三ㄅ"),
            ("李𬍛", "李𬍛"),
            ("ᏣᎳᎩ", "ꮳꮃꭹ"),
            ("שָׁלוֹם", "שָׁלוֹם"),
            ("Νίκος", "νίκοσ"),
            ("ΝΊΚΟΣ", "νίκοσ"),
            ("Nguyễn", "nguyễn"),
            ("김철수", "김철수"),
            ("สมชาย", "สมชาย"),
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
            ("a\u{20dd}b", Char('\u{20dd}')),
            ("小明иван", MixedScripts),
        ] {
            assert_eq!(UserName::parse(typed), Err(error), "{typed:?}");
        }
    }

    #[test]
    fn new_accounts_get_no_name_that_looks_like_a_reserved_one() {
        for typed in ["every0ne", "EVERY0NE"] {
            let name = UserName::parse(typed).unwrap();
            assert_eq!(name.check_new(), Err(NameError::Reserved), "{typed}");
        }
        for typed in ["alice", "servers", "everyone2"] {
            assert_eq!(UserName::parse(typed).unwrap().check_new(), Ok(()), "{typed}");
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
                let again = UserName::parse(name.canonical()).expect("canonical names are names");
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
