//! The two PRECIS profiles (RFC 8264, RFC 8265) that names and passwords follow, with current Unicode tables.
//!
//! Character properties come from ICU4X, normalisation from `unicode-normalization`. A newer Unicode version only adds
//! characters: normalised text stays normalised, so a password that was accepted once always normalises to the same bytes.

mod bidi;
mod context;

use icu_properties::props::{
    DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, HangulSyllableType, NoncharacterCodePoint,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use unicode_normalization::UnicodeNormalization;

/// Why a profile refuses a string.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refused {
    /// This character is not allowed, here or anywhere.
    Char(char),
    /// The string breaks the Bidi rule (RFC 5893, section 2).
    Direction,
}

/// The canonical form of a user name: the profile UsernameCaseMapped (RFC 8265, section 3.3).
///
/// Two deviations make more spellings of one name equal. Lower case is computed for the whole string, and the final
/// sigma `ς` is then mapped to `σ`, so that `Νίκος` and `ΝΊΚΟΣ` are one name.
///
/// # Errors
/// The first character that the identifier class does not contain, or the writing direction.
pub(crate) fn user_name(typed: &str) -> Result<String, Refused> {
    let mapped: String = typed.chars().map(map_width).collect();
    check(&mapped, Class::Identifier)?;
    let canonical: String = mapped.to_lowercase().replace('ς', "σ").nfc().collect();
    if bidi::breaks_rule(&canonical) { Err(Refused::Direction) } else { Ok(canonical) }
}

/// Whether `text` contains a letter that is written from right to left.
pub(crate) fn has_right_to_left(text: &str) -> bool {
    bidi::has_right_to_left(text)
}

/// Appends the normalised form of a password to `out`: the profile OpaqueString (RFC 8265, section 4.2).
///
/// `out` needs a capacity of three times the bytes of `typed`, the most that normalisation produces (UAX 15, section
/// 9). It then does not grow, and no copy of the password is left in memory.
///
/// # Errors
/// The first character that the freeform class does not contain, in `typed` or in the normalised form.
pub(crate) fn opaque_string(typed: &str, out: &mut String) -> Result<(), Refused> {
    check(typed, Class::Freeform)?;
    let begin = out.len();
    let is_space = |ch| CodePointMapData::<GeneralCategory>::new().get(ch) == GeneralCategory::SpaceSeparator;
    out.extend(typed.chars().map(|ch| if is_space(ch) { ' ' } else { ch }).nfc());
    // The profile must accept its own result (RFC 8264, section 7), because the server parses what the client has
    // normalised. Normalisation turns U+0387 into U+00B7, which only a context allows.
    check(&out[begin..], Class::Freeform)
}

/// A string class of RFC 8264, section 4.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Identifier,
    Freeform,
}

/// The derived property of a character (RFC 8264, section 8).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Derived {
    Valid,
    FreeformOnly,
    /// Valid where a rule of [`context`] says so.
    Contextual,
    Disallowed,
}

fn check(text: &str, class: Class) -> Result<(), Refused> {
    for (at, ch) in text.char_indices() {
        let is_valid = match derive(ch) {
            Derived::Valid => true,
            Derived::FreeformOnly => class == Class::Freeform,
            Derived::Contextual => context::allows(text, at, ch),
            Derived::Disallowed => false,
        };
        if !is_valid {
            return Err(Refused::Char(ch));
        }
    }
    Ok(())
}

/// The algorithm of RFC 8264, section 8, in its order. Unassigned characters are disallowed.
fn derive(ch: char) -> Derived {
    let category = CodePointMapData::<GeneralCategory>::new().get(ch);
    if let Some(derived) = exception(ch) {
        derived
    } else if category == GeneralCategory::Unassigned {
        Derived::Disallowed
    } else if ch.is_ascii_graphic() {
        Derived::Valid
    } else if matches!(ch, '\u{200c}' | '\u{200d}') {
        Derived::Contextual
    } else if is_old_hangul(ch) || is_ignorable(ch) || category == GeneralCategory::Control {
        Derived::Disallowed
    } else if has_compatibility_form(ch) {
        Derived::FreeformOnly
    } else if is_letter_or_digit(category) {
        Derived::Valid
    } else if is_freeform_only(category) {
        Derived::FreeformOnly
    } else {
        Derived::Disallowed
    }
}

/// The exceptions of RFC 5892, section 2.6, which RFC 8264, section 9.6 adopts.
fn exception(ch: char) -> Option<Derived> {
    match ch {
        'ß' | 'ς' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '〇' => Some(Derived::Valid),
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{30fb}' | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => {
            Some(Derived::Contextual)
        }
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            Some(Derived::Disallowed)
        }
        _ => None,
    }
}

/// Conjoining jamo of old Korean: leading consonants, vowels and trailing consonants that form no precomposed syllable.
fn is_old_hangul(ch: char) -> bool {
    use HangulSyllableType as Type;
    let syllable = CodePointMapData::<Type>::new().get(ch);
    [Type::LeadingJamo, Type::VowelJamo, Type::TrailingJamo].contains(&syllable)
}

fn is_ignorable(ch: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(ch)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(ch)
}

fn has_compatibility_form(ch: char) -> bool {
    !std::iter::once(ch).nfkc().eq(std::iter::once(ch))
}

fn is_letter_or_digit(category: GeneralCategory) -> bool {
    use GeneralCategory as Category;
    GeneralCategoryGroup::CasedLetter
        .union(Category::ModifierLetter.into())
        .union(Category::OtherLetter.into())
        .union(Category::NonspacingMark.into())
        .union(Category::SpacingMark.into())
        .union(Category::DecimalNumber.into())
        .contains(category)
        && category != Category::TitlecaseLetter
}

fn is_freeform_only(category: GeneralCategory) -> bool {
    use GeneralCategory as Category;
    [Category::TitlecaseLetter, Category::LetterNumber, Category::OtherNumber, Category::EnclosingMark]
        .contains(&category)
        || category == Category::SpaceSeparator
        || GeneralCategoryGroup::Symbol.contains(category)
        || GeneralCategoryGroup::Punctuation.contains(category)
}

/// Maps full-width and half-width forms to the ordinary character.
pub(crate) fn map_width(ch: char) -> char {
    match ch {
        '\u{ff01}'..='\u{ffee}' | '\u{3000}' => std::iter::once(ch).nfkc().next().unwrap_or(ch),
        _ => ch,
    }
}

#[cfg(test)]
mod tests {
    use precis_profiles::precis_core::profile::PrecisFastInvocation;
    use precis_profiles::{OpaqueString, UsernameCaseMapped};

    use super::*;

    fn opaque(typed: &str) -> Result<String, Refused> {
        let mut out = String::new();
        opaque_string(typed, &mut out).map(|()| out)
    }

    /// The crate has the tables of Unicode 6.3, with which stored hashes and names were normalised.
    #[test]
    fn what_older_tables_allow_stays_allowed_and_means_the_same() {
        let mut refused = Vec::new();
        for ch in ('\0'..=char::MAX).filter(|ch| !matches!(ch, 'ς' | 'Σ')) {
            for typed in [ch.to_string(), format!("a{ch}b"), format!("\u{5d0}{ch}\u{5d0}"), format!("कः्{ch}क")]
            {
                if let Ok(old) = OpaqueString::enforce(&typed)
                    // No client could log in with a password that the server refuses in its normalised form.
                    && OpaqueString::enforce(&*old).is_ok()
                    && opaque(&typed).as_deref() != Ok(&*old)
                {
                    refused.push((typed.clone(), opaque(&typed)));
                }
                if let Ok(old) = UsernameCaseMapped::enforce(&typed)
                    && user_name(&typed).as_deref() != Ok(&*old)
                {
                    refused.push((typed.clone(), user_name(&typed)));
                }
            }
        }
        assert_eq!(refused, [], "{} strings", refused.len());
    }

    #[test]
    fn characters_of_newer_versions_are_allowed() {
        for typed in ["🤔🤔🤔🤔🤔🤔🤔🤔", "₽ 100 ₽", "🫠", "𠮷", "\u{1e900}"] {
            assert_eq!(opaque(typed).as_deref(), Ok(typed));
        }
    }

    #[test]
    fn passwords_that_look_alike_are_normalised_to_the_same_bytes() {
        assert_eq!(opaque("cafe\u{301}\u{3000}x").as_deref(), Ok("caf\u{e9} x"));
        assert_eq!(opaque("tab\there"), Err(Refused::Char('\t')));
    }

    #[test]
    fn a_password_that_is_refused_in_its_normalised_form_is_refused_as_typed() {
        assert_eq!(opaque("a\u{387}b"), Err(Refused::Char('\u{b7}')));
        assert_eq!(opaque("l\u{387}l").as_deref(), Ok("l\u{b7}l"));
    }

    #[test]
    fn a_name_keeps_one_form_in_every_spelling() {
        for (typed, canonical) in [("Νίκος", "νίκοσ"), ("ΝΊΚΟΣ", "νίκοσ"), ("ＡＢＣ", "abc"), ("İ", "i\u{307}")]
        {
            assert_eq!(user_name(typed).as_deref(), Ok(canonical), "{typed}");
        }
    }
}
