//! The rule on combining marks in the names of new accounts.

use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use unicode_normalization::UnicodeNormalization;

use super::UserName;

/// Whether `canonical` starts with a combining mark, or has more than [`UserName::MAX_MARKS`] nonspacing marks in a
/// row, or the same one twice in a row. Marks are counted in decomposed form, where the letter `á` is a letter and a
/// mark. Spacing marks take room of their own, so they end a row.
pub(super) fn has_stray_marks(canonical: &str) -> bool {
    let mut row: Vec<char> = Vec::new();
    for (index, ch) in canonical.nfd().enumerate() {
        match CodePointMapData::<GeneralCategory>::new().get(ch) {
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark if index == 0 => return true,
            GeneralCategory::NonspacingMark if row.last() == Some(&ch) || row.len() == UserName::MAX_MARKS => {
                return true;
            }
            GeneralCategory::NonspacingMark => row.push(ch),
            // The identifier class of PRECIS contains no enclosing mark.
            _ => row.clear(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::name::{NameError, UserName};

    #[test]
    fn the_marks_that_scripts_need_are_allowed() {
        for name in [
            // Vietnamese, composed and decomposed
            "Nguyễn_Thị_Ánh",
            "Nguye\u{302}\u{303}n",
            // Thai: a vowel and a tone; Lao: also a consonant below
            "สิทธิ์",
            "ปิ่นแก้ว",
            "ກຼ້ວຍ",
            // Hindi: a nukta, a vowel and an anusvara
            "ज़ाकिर_ख़ाँ",
            "ज़िंदगी",
            "लक्ष्मी",
            // Arabic with vowel signs
            "مُحَمَّدٌ",
            "عَلِيٌّ",
            // Hebrew with points: a vowel, a dagesh and the dot of a sin
            "מֹשֶׁה",
            "יִשָּׂשכָר",
            // Burmese: four nonspacing marks in a row
            "ကျော်",
            "မျှော်",
            "လျှို့",
            "ရှို့",
            // Tibetan, Khmer, Tamil, Bengali
            "སྒྲོལ",
            "ស៊ុំ",
            "கௌதம்",
            "শ্রীকান্ত",
            // Navajo and Dinka: a tone on a letter that has a mark already
            "ąą\u{301}h",
            "dɛ\u{331}\u{308}",
        ] {
            assert_eq!(UserName::parse(name).and_then(|name| name.check_new()), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_of_marks_alone_and_piles_of_marks_are_refused_for_new_accounts_only() {
        let eight = format!("a{}", "\u{300}\u{301}\u{302}\u{303}\u{304}\u{306}\u{307}\u{308}");
        let five = format!("a{}", "\u{300}\u{301}\u{302}\u{303}\u{304}");
        for name in
            ["\u{301}", "\u{301}\u{301}\u{301}", "\u{301}abc", "ိ", "ा", "a\u{301}\u{301}", "á\u{301}", &five, &eight]
        {
            let name = UserName::parse(name).unwrap_or_else(|error| panic!("{name:?} names an account: {error}"));
            assert_eq!(name.check_new(), Err(NameError::Marks), "{name:?}");
        }
    }
}
