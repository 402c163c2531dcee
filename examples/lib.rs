//! What the tests of the examples and of the documents share. The examples themselves do not use it.

use std::path::Path;

/// Asserts that an example printed what the header of its source says: the last block of code in it that is marked as
/// `text`. Numbers may differ, because ports and times do.
///
/// # Panics
/// If the two differ, or the source cannot be read.
pub fn assert_prints_its_header(file: &str, printed: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = std::fs::read_to_string(&path).expect("the source of the example can be read");
    let printed = std::str::from_utf8(printed).expect("examples print UTF-8");
    assert_eq!(without_numbers(printed), without_numbers(&last_block(&source)), "what {file} prints, and its header");
}

/// The last block of code in the header that is marked as `text`.
fn last_block(source: &str) -> String {
    let header = source.lines().map_while(|line| line.strip_prefix("//!"));
    let (mut blocks, mut is_inside) = (Vec::new(), false);
    for line in header.map(|line| line.strip_prefix(' ').unwrap_or(line)) {
        match (line, is_inside) {
            ("```text", false) => {
                blocks.push(String::new());
                is_inside = true;
            }
            ("```", true) => is_inside = false,
            (line, true) => blocks.last_mut().expect("a block began").extend([line, "\n"]),
            _ => {}
        }
    }
    blocks.pop().expect("the header has a block of text")
}

/// The text with `#` in place of each sequence of digits.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for ch in text.chars() {
        match ch {
            '0'..='9' if out.ends_with('#') => {}
            '0'..='9' => out.push('#'),
            other => out.push(other),
        }
    }
    out
}

/// Compiles and runs the code of the guided tour.
#[cfg(doctest)]
#[doc = include_str!("../docs/EMBEDDING.md")]
pub struct Embedding;

/// Compiles the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// Compiles the code of the Chinese README.
#[cfg(doctest)]
#[doc = include_str!("../README.zh-CN.md")]
pub struct ChineseReadme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_block_of_text_is_compared_without_numbers() {
        let source =
            "//! A.\n//!\n//! ```text\n//! run\n//! ```\n//! ```text\n//! port 17\n//!\n//! end\n//! ```\nuse std;\n";
        assert_eq!(last_block(source), "port 17\n\nend\n");
        assert_eq!(without_numbers("port 4711: 5 ms"), without_numbers("port 9: 30 ms"));
        assert_ne!(without_numbers("port 9"), without_numbers("ports 9"));
    }
}
