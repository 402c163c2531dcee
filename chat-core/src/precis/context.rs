//! The contextual rules of RFC 5892, appendix A: characters that are allowed only beside certain others.

use icu_properties::CodePointMapData;
use icu_properties::props::{CanonicalCombiningClass, JoiningType, Script};

/// Whether the rule of `ch` allows it at byte `at` of `text`. Characters without a rule are refused.
pub(super) fn allows(text: &str, at: usize, ch: char) -> bool {
    let before = text[..at].chars().next_back();
    let after = text[at + ch.len_utf8()..].chars().next();
    let has_script = |ch: Option<char>, script| ch.is_some_and(|ch| script_of(ch) == script);
    match ch {
        '\u{200c}' => is_virama(before) || joins(text, at, ch),
        '\u{200d}' => is_virama(before),
        '\u{b7}' => before == Some('l') && after == Some('l'),
        '\u{375}' => has_script(after, Script::Greek),
        '\u{5f3}' | '\u{5f4}' => has_script(before, Script::Hebrew),
        '\u{30fb}' => text.chars().any(|ch| [Script::Hiragana, Script::Katakana, Script::Han].contains(&script_of(ch))),
        '\u{660}'..='\u{669}' => !text.chars().any(|ch| ('\u{6f0}'..='\u{6f9}').contains(&ch)),
        '\u{6f0}'..='\u{6f9}' => !text.chars().any(|ch| ('\u{660}'..='\u{669}').contains(&ch)),
        _ => false,
    }
}

fn script_of(ch: char) -> Script {
    CodePointMapData::<Script>::new().get(ch)
}

fn is_virama(ch: Option<char>) -> bool {
    ch.is_some_and(|ch| CodePointMapData::<CanonicalCombiningClass>::new().get(ch) == CanonicalCombiningClass::Virama)
}

/// Appendix A.1: between letters that join over it, transparent characters aside.
fn joins(text: &str, at: usize, ch: char) -> bool {
    let joining = |ch: char| CodePointMapData::<JoiningType>::new().get(ch);
    let is_transparent = |kind: &JoiningType| *kind == JoiningType::Transparent;
    let before = text[..at].chars().rev().map(joining).find(|kind| !is_transparent(kind));
    let after = text[at + ch.len_utf8()..].chars().map(joining).find(|kind| !is_transparent(kind));
    before.is_some_and(|kind| [JoiningType::LeftJoining, JoiningType::DualJoining].contains(&kind))
        && after.is_some_and(|kind| [JoiningType::RightJoining, JoiningType::DualJoining].contains(&kind))
}
