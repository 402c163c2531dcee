//! What a program shows in both languages, as one snapshot.

/// The languages of the programs.
pub(crate) const LANGUAGES: [&str; 2] = ["en", "zh-CN"];

/// Compares what `shown` returns for each language with the snapshot of this name in `tests/snapshots`.
#[track_caller]
pub(crate) fn assert_in_both_languages(name: &str, mut shown: impl FnMut(&str) -> String) {
    let both = LANGUAGES.map(|language| format!("# {language}\n\n{}\n", shown(language).trim_end()));
    insta::with_settings!({ snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, both.join("\n"));
    });
}
