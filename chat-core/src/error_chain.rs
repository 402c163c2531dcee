//! Formats an error together with its sources, for logs.

use std::error::Error;

/// Formats an error and all its [sources](Error::source) in one line, separated by `: `. A source whose text is already
/// part of the line is left out.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        source = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] io::Error);

    #[test]
    fn a_repeated_source_appears_once() {
        assert_eq!(error_chain(&Outer(io::Error::other("inner"))), "outer: inner");
        assert_eq!(error_chain(&Outer(io::Error::other("outer"))), "outer");
    }
}
