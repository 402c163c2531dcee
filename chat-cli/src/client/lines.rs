//! Lines from a reader that is no terminal: bounded, and wrong ones told instead of ending everything.

use std::io::{self, BufRead};

use chat_core::text::Text;

use crate::input_error::InputError;

/// The most bytes of one line: the longest text with each byte written as a six-byte JSON escape, and room for the
/// rest of the object.
pub const MAX_LINE: usize = 6 * Text::MAX_BYTES + 4_096;

/// Reads the next line, without its line end (`\n` or `\r\n`). `None` at the end of the input; a last line without a
/// line end counts.
///
/// # Errors
/// Reading failed. A line that is too long or not UTF-8 is skipped whole and given as the inner error.
pub fn next(input: &mut impl BufRead) -> io::Result<Option<Result<String, InputError>>> {
    let mut line = Vec::new();
    let mut bytes = 0_usize;
    loop {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok((bytes > 0).then(|| finished(line, bytes)));
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        bytes = bytes.saturating_add(part.len());
        if bytes <= MAX_LINE {
            line.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(finished(line, bytes)));
        }
    }
}

fn finished(mut line: Vec<u8>, bytes: usize) -> Result<String, InputError> {
    if bytes > MAX_LINE {
        return Err(InputError::LineTooLong { most: MAX_LINE });
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| InputError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn all(input: &[u8]) -> Vec<Result<String, InputError>> {
        // A tiny buffer, so that lines cross its end.
        let mut reader = BufReader::with_capacity(3, input);
        std::iter::from_fn(|| next(&mut reader).unwrap()).collect()
    }

    fn ok(lines: &[&str]) -> Vec<Result<String, InputError>> {
        lines.iter().map(|&line| Ok(line.to_owned())).collect()
    }

    #[test]
    fn line_ends_are_taken_off() {
        for (input, lines) in [
            ("", &[][..]),
            ("a", &["a"]),
            ("hello\nworld\n", &["hello", "world"]),
            ("dos\r\n\r\nx", &["dos", "", "x"]),
            ("\n\n", &["", ""]),
            ("你好\n", &["你好"]),
            ("a\rb\n", &["a\rb"]),
        ] {
            assert_eq!(all(input.as_bytes()), ok(lines), "{input:?}");
        }
    }

    #[test]
    fn a_wrong_line_is_told_and_the_next_one_is_read() {
        let long = [vec![b'x'; MAX_LINE + 1], b"\nok\n".to_vec()].concat();
        assert_eq!(all(&long), [Err(InputError::LineTooLong { most: MAX_LINE }), Ok("ok".to_owned())]);
        assert_eq!(all(b"\xff\nok"), [Err(InputError::NotUtf8), Ok("ok".to_owned())]);
        let longest = vec![b'x'; MAX_LINE];
        assert_eq!(all(&longest), [Ok("x".repeat(MAX_LINE))]);
    }
}
