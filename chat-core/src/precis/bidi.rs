//! The Bidi rule (RFC 5893, section 2): a name that contains right-to-left characters reads in one direction.

use icu_properties::CodePointMapData;
use icu_properties::props::BidiClass;

/// Whether a character of `text` is a letter that is written from right to left.
pub(super) fn has_right_to_left(text: &str) -> bool {
    let class = |ch| CodePointMapData::<BidiClass>::new().get(ch);
    text.chars().any(|ch| matches!(class(ch), BidiClass::RightToLeft | BidiClass::ArabicLetter))
}

/// Whether `text` contains a right-to-left character and breaks the rule. Combining marks are skipped: they may follow
/// any character, including the last.
pub(super) fn breaks_rule(text: &str) -> bool {
    use BidiClass as Class;
    let classes: Vec<Class> = text.chars().map(|ch| CodePointMapData::<Class>::new().get(ch)).collect();
    let has = |wanted: &[Class]| classes.iter().any(|class| wanted.contains(class));
    if !has(&[Class::RightToLeft, Class::ArabicLetter, Class::ArabicNumber]) {
        return false;
    }
    let starts_right_to_left =
        classes.first().is_some_and(|class| [Class::RightToLeft, Class::ArabicLetter].contains(class));
    let last = classes.iter().rfind(|class| **class != Class::NonspacingMark);
    let ends_well = last.is_some_and(|class| {
        [Class::RightToLeft, Class::ArabicLetter, Class::EuropeanNumber, Class::ArabicNumber].contains(class)
    });
    let strays = [
        Class::LeftToRight,
        Class::LeftToRightEmbedding,
        Class::LeftToRightOverride,
        Class::RightToLeftEmbedding,
        Class::RightToLeftOverride,
        Class::PopDirectionalFormat,
        Class::ParagraphSeparator,
        Class::SegmentSeparator,
        Class::WhiteSpace,
    ];
    let mixes_digits = has(&[Class::EuropeanNumber]) && has(&[Class::ArabicNumber]);
    !starts_right_to_left || !ends_well || has(&strays) || mixes_digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_direction_is_kept_and_marks_may_stand_anywhere() {
        for (text, breaks) in [
            ("alice", false),
            ("שָׁלוֹם", false),
            ("עָלִי", false),
            ("علي", false),
            ("عليّ", false),
            ("علي٣", false),
            ("علي9", false),
            ("علي_", true),
            ("٣علي", true),
            ("عليabc", true),
            ("abcعلي", true),
            ("علي٣9", true),
        ] {
            assert_eq!(breaks_rule(text), breaks, "{text}");
        }
    }
}
