//! Errors for a log: each with what stands behind it.

use std::error::Error;

/// An error with what caused it, in one line. What an error repeats of its cause is said once.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !line.contains(&more) {
            line.push_str(": ");
            line.push_str(&more);
        }
        cause = error.source();
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
    fn causes_are_told_once() {
        assert_eq!(error_chain(&Outer(io::Error::other("inner"))), "outer: inner");
        assert_eq!(error_chain(&Outer(io::Error::other("outer"))), "outer");
    }
}
