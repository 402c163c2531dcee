//! How names are spelt in Latin letters, by which a list of Chinese names is sorted and searched.

use chat_core::name::UserName;
use pinyin::ToPinyin as _;

/// The spelling of a name: the pinyin of each Han character, and other characters as they are. Each syllable ends with a
/// space, so that 李丽 (li li) precedes 林 (lin).
pub(super) fn spelling(user: &UserName) -> String {
    let name = user.canonical();
    if name.is_ascii() {
        return name.to_owned();
    }
    let mut spelling = String::with_capacity(2 * name.len());
    for ch in name.chars() {
        match ch.to_pinyin() {
            Some(syllable) => {
                spelling.push_str(syllable.plain());
                spelling.push(' ');
            }
            None => spelling.push(ch),
        }
    }
    spelling
}

/// Whether the spelling of a Chinese name contains what is typed, or the first letters of its syllables begin with it.
pub(super) fn sounds_like(user: &UserName, typed: &str) -> bool {
    if user.canonical().is_ascii() || !typed.is_ascii() {
        return false;
    }
    let syllables = || user.canonical().chars().filter_map(|ch| ch.to_pinyin());
    let whole: String = syllables().map(|syllable| syllable.plain()).collect();
    let initials: String = syllables().map(|syllable| syllable.first_letter()).collect();
    whole.contains(typed) || initials.starts_with(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        name.parse().unwrap()
    }

    #[test]
    fn names_are_spelt_by_syllable() {
        let spelt = ["Anna", "李丽", "林", "小明2", "Ünal"].map(|name| spelling(&user(name)));
        assert_eq!(spelt, ["anna", "li li ", "lin ", "xiao ming 2", "ünal"]);
        assert!(spelt[1] < spelt[2]);
    }

    #[test]
    fn a_chinese_name_is_found_by_its_pinyin_and_by_initials() {
        let wang = user("王建国");
        for typed in ["wjg", "wang", "wangjian", "guo", "w"] {
            assert!(sounds_like(&wang, typed), "{typed}");
        }
        for typed in ["jg", "wjgx", "li", "王"] {
            assert!(!sounds_like(&wang, typed), "{typed}");
        }
        assert!(!sounds_like(&user("wang"), "wang"), "it is found as it is");
    }
}
