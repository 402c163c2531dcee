//! Checks that the documents name tests that exist: SECURITY.md and docs/DELIVERY.md claim nothing that no test shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The documents that name tests, each with the least number that it names, so that a change of the format cannot make
/// this check vacuous.
const DOCUMENTS: [(&str, usize); 2] = [("SECURITY.md", 40), ("docs/DELIVERY.md", 25)];

/// The folders with Rust code.
const CRATES: [&str; 6] = ["chat-core", "chat-store", "chat-net", "chat-cli", "examples", "benches"];

/// The least number of underscores in the name of a test. Names of options, metrics and columns have fewer.
const UNDERSCORES: usize = 4;

#[test]
fn each_test_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let functions: BTreeSet<String> = CRATES
        .iter()
        .flat_map(|name| rust_files(&root.join(name)))
        .flat_map(|path| functions(&fs::read_to_string(path).unwrap()))
        .collect();
    for (document, least) in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let named = named_tests(&text);
        assert!(named.len() >= least, "{document} names {} tests only", named.len());
        let missing: Vec<&str> = named.into_iter().filter(|name| !functions.contains(*name)).collect();
        assert!(missing.is_empty(), "{document} names tests that do not exist: {missing:#?}");
    }
}

#[test]
fn names_of_tests_are_found_with_and_without_their_module() {
    let text = "(`links::a_b_c_d_e`, `a_b_c_d_f`) and `chat_log_ins_total`, `cargo test`, `a_b_c_d_g()`";
    assert_eq!(named_tests(text).into_iter().collect::<Vec<_>>(), ["a_b_c_d_e", "a_b_c_d_f"]);
    assert_eq!(functions("#[test]\nfn a_b() {\n    async fn c_d<T>() {}\n"), ["a_b", "c_d"]);
}

/// The names of tests that stand between backquotes, without their modules.
fn named_tests(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let names = quoted.map(|quoted| quoted.rsplit("::").next().unwrap_or(quoted));
    let is_part = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit() || ch == '_';
    names.filter(|name| name.matches('_').count() >= UNDERSCORES && name.chars().all(is_part)).collect()
}

/// The names of the functions in a source file.
fn functions(code: &str) -> Vec<String> {
    let words: Vec<&str> = code.split_whitespace().collect();
    let name = |rest: &str| rest.split(['(', '<']).next().unwrap_or(rest).to_owned();
    words.windows(2).filter(|pair| pair[0] == "fn").map(|pair| name(pair[1])).collect()
}

/// The Rust files in `folder` and the folders in it, except for build output.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
