//! The languages, and how a program chooses one.

use clap::ValueEnum;
use serde::Deserialize;

/// A language in which the programs can speak to people. Its name is that of its folder in `locales`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    #[value(name = "en")]
    English,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    #[value(name = "zh-CN")]
    Chinese,
}

/// The variables that name the locale of messages; the first that is set decides (POSIX, 8.2).
const LOCALE_VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

impl Language {
    /// The name, as `--lang` takes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// Chooses the language: that of the option, else that of the environment variable, else that of the configuration
    /// file, else that of the locale. `variable` returns the value of an environment variable.
    pub fn choose(
        option: Option<&str>,
        environment: Option<&str>,
        file: impl FnOnce() -> Option<Self>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        // A name that does not exist is reported when all options are parsed.
        let named = |name: Option<&str>| name.and_then(|name| Self::from_str(name, true).ok());
        named(option).or_else(|| named(environment)).or_else(file).unwrap_or_else(|| {
            let locale = LOCALE_VARIABLES.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
            locale.map_or_else(Self::default, |locale| Self::of_locale(&locale))
        })
    }

    /// The language of a locale such as `zh_CN.UTF-8`. English for all others.
    fn of_locale(locale: &str) -> Self {
        let name = locale.split(['.', '@']).next().unwrap_or_default().replace('_', "-").to_ascii_lowercase();
        match name.as_str() {
            "zh" | "zh-cn" | "zh-sg" | "zh-hans" => Self::Chinese,
            name if name.starts_with("zh-hans-") => Self::Chinese,
            _ => Self::English,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_environment_file_and_locale_decide_in_this_order() {
        use Language::{Chinese, English};
        for (option, environment, file, locale, chosen) in [
            (Some("en"), Some("zh-CN"), Some(Chinese), "zh_CN.UTF-8", English),
            (None, Some("en"), Some(Chinese), "zh_CN.UTF-8", English),
            (None, None, Some(English), "zh_CN.UTF-8", English),
            (None, None, None, "zh_CN.UTF-8", Chinese),
            (Some("zh-cn"), None, None, "C.UTF-8", Chinese),
            (Some("xx"), Some("zh-CN"), None, "C.UTF-8", Chinese),
            (None, None, None, "", English),
        ] {
            let variable = |name: &str| (name == "LANG").then(|| locale.to_owned());
            assert_eq!(Language::choose(option, environment, || file, variable), chosen, "{option:?} {environment:?}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_is_the_locale() {
        for (all, messages, lang, chosen) in [
            ("zh_CN.UTF-8", "C", "C", Language::Chinese),
            ("C", "zh_CN.UTF-8", "zh_CN.UTF-8", Language::English),
            ("", "zh_CN", "en_US.UTF-8", Language::Chinese),
            ("", "", "zh_SG.UTF-8", Language::Chinese),
        ] {
            let variable = |name: &str| {
                let value = match name {
                    "LC_ALL" => all,
                    "LC_MESSAGES" => messages,
                    _ => lang,
                };
                Some(value.to_owned())
            };
            assert_eq!(Language::choose(None, None, || None, variable), chosen, "{all} {messages} {lang}");
        }
    }

    #[test]
    fn locales_of_simplified_chinese_are_chinese_and_all_others_english() {
        for (locale, chinese) in [
            ("zh", true),
            ("zh_CN", true),
            ("zh_CN.GB18030", true),
            ("zh_SG.UTF-8", true),
            ("zh-Hans", true),
            ("zh_Hans_HK", true),
            ("zh_CN.UTF-8@pinyin", true),
            ("zh_TW.UTF-8", false),
            ("zh_HK", false),
            ("zh-Hant", false),
            ("C", false),
            ("POSIX", false),
            ("en_US.UTF-8", false),
            ("de_DE@euro", false),
            ("nonsense", false),
        ] {
            assert_eq!(Language::of_locale(locale) == Language::Chinese, chinese, "{locale}");
        }
    }
}
