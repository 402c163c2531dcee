//! Skeletons: the forms of a user name that are equal for names that look alike.

use unicode_security::skeleton;

use super::UserName;
use crate::precis;

/// The two skeletons of a user name (Unicode Technical Standard 39, section 4). Two names look alike if their canonical
/// skeletons are equal, or their shown ones.
///
/// One alone would miss names. Others see a name as it was typed, where a capital may look like another letter: `AIice`
/// like `Alice`, and a Cyrillic `ТОМ` like `TOM`. Only the shown skeleton finds these. The canonical skeleton does not
/// depend on how somebody typed a name, and reads the digit one as `i`, because the standard reads it as `l` only. So
/// `al1ce` looks like `alice` and like `allce`, while `Elia` and `Ella` can be two people.
///
/// A newer version of the Unicode tables may change skeletons. Stored ones are then not computed again: new names are
/// compared with what older tables made of the names before them, which misses some pairs or refuses a few names more.
/// Nobody's login depends on it, because accounts are found by their canonical name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skeletons {
    canonical: String,
    shown: String,
}

impl Skeletons {
    /// The longest skeleton, in bytes. A Hangul syllable has the longest skeleton of a character, with 21 bytes. MySQL
    /// can index this many bytes in every row format.
    pub const MAX_BYTES: usize = UserName::MAX_CHARS * 21;

    pub(super) fn new(name: &UserName) -> Self {
        let shown: String = name.as_str().chars().map(precis::map_width).collect();
        Self { canonical: looks(&name.canonical().replace('1', "i")), shown: looks(&shown) }
    }

    /// The skeleton of the canonical form.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The skeleton of the name as it is shown.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// Whether names with these skeletons look alike.
    pub fn look_alike(&self, other: &Self) -> bool {
        self.canonical == other.canonical || self.shown == other.shown
    }
}

/// The skeleton of `text` without regard to case: the skeleton, its lower case, and the skeleton of that, because each
/// changes letters that the other maps (`0` to `O`, `I` to `l`, `М` to `M`). A dot above adds nothing to a letter that
/// has one (UTS 39, section 5.4).
pub(super) fn looks(text: &str) -> String {
    // Each character in itself, because the lower case of a final sigma depends on what follows.
    let lower: String =
        skeleton(text).flat_map(char::to_lowercase).map(|ch| if ch == 'ς' { 'σ' } else { ch }).collect();
    let dotted: String = skeleton(&lower).collect();
    let mut looks = dotted.replace("i\u{307}", "i").replace("j\u{307}", "j");
    // Never shortens anything with today's tables, but the column has this width.
    looks.truncate(looks.floor_char_boundary(Skeletons::MAX_BYTES));
    looks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn skeletons(typed: &str) -> Skeletons {
        UserName::parse(typed).unwrap().skeletons()
    }

    #[test]
    fn names_that_look_alike_have_a_skeleton_in_common() {
        for (one, other) in [
            ("соре", "cope"),
            ("сосо", "coco"),
            ("Соре", "COPE"),
            ("al1ce", "alice"),
            ("al1ce", "Allce"),
            ("AIice", "alice"),
            ("pau1", "Paul"),
            ("b0b", "bob"),
            ("rnark", "Mark"),
            ("ТОМ", "tom"),
            ("МАРК", "mapk"),
            ("ΝΙΝΑ", "NINA"),
            ("ali\u{307}ce", "alice"),
            ("İrem", "irem"),
            ("ı\u{307}rem", "irem"),
            ("タ", "夕"),
            ("力", "カ"),
        ] {
            let (one, other) = (skeletons(one), skeletons(other));
            assert!(one.look_alike(&other), "{one:?}, {other:?}");
        }
    }

    #[test]
    fn names_that_people_tell_apart_share_no_skeleton() {
        for (one, other) in [
            ("Elia", "Ella"),
            ("neil", "nell"),
            ("bob", "bób"),
            ("strasse", "straße"),
            ("user2", "user3"),
            ("иван", "іван"),
            ("张三", "张叁"),
            ("小明", "小朋"),
            ("민수", "민주"),
            ("أحمد", "محمد"),
            ("राम", "रामा"),
        ] {
            assert!(!skeletons(one).look_alike(&skeletons(other)), "{one}, {other}");
        }
    }

    /// Every character that the tables confuse among those of ordinary Chinese names. Each pair looks alike.
    #[test]
    fn common_chinese_names_look_alike_only_if_they_differ_in_these_characters() {
        let surnames =
            "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈";
        let given = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华慧巧美晶莹雪琳晗瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯\
                     毓悦昭冰爽琬茗羽希宁欣飘育滢馥筠柔竹霭凝晓欢霄枫芸菲寒伊亚宜可姬舒影荔枝思丽未末土士日曰天夫人入大太子孑己已巳戊戌戍千干玉主木术本刀力\
                     鸟乌免兔午牛贝见今令庄压厂广石右名各目自白百乐东车方万开井元无儿几九丸";
        let mut names: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let given: std::collections::BTreeSet<char> = given.chars().filter(|ch| !ch.is_whitespace()).collect();
        for surname in surnames.chars() {
            for &ch in &given {
                let Skeletons { canonical, shown } = skeletons(&format!("{surname}{ch}"));
                names.entry((canonical, shown)).or_default().push(format!("{surname}{ch}"));
            }
        }
        let mut alike: Vec<String> = names.into_values().filter(|names| names.len() > 1).flatten().collect();
        alike.iter_mut().for_each(|name| *name = name.chars().skip(1).collect());
        alike.sort();
        alike.dedup();
        assert_eq!(alike.concat(), "土士日曰未末", "{} given names", given.len());
    }

    #[test]
    fn a_skeleton_has_at_most_its_limit_of_bytes() {
        let longest = ('\0'..=char::MAX).filter_map(|ch| {
            let name = UserName::parse(&ch.to_string()).ok()?;
            let skeletons = name.skeletons();
            Some((skeletons.canonical.len().max(skeletons.shown.len()), ch))
        });
        let (bytes, ch) = longest.max().unwrap();
        assert_eq!(bytes * UserName::MAX_CHARS, Skeletons::MAX_BYTES, "{ch}");
        let longest = skeletons(&ch.to_string().repeat(UserName::MAX_CHARS));
        assert_eq!(longest.canonical.len(), Skeletons::MAX_BYTES);
    }

    #[test]
    fn skeletons_do_not_depend_on_width_and_normalisation() {
        for (one, other) in [("ａｌｉｃｅ", "alice"), ("Jose\u{301}", "José"), ("ｷｬﾛﾙ", "キャロル"), ("Νίκος", "Νίκοσ")]
        {
            assert_eq!(skeletons(one), skeletons(other), "{one}, {other}");
        }
    }
}
