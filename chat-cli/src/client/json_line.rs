//! One line of `--input json`: an object that says what to send to whom.

use chat_core::text::Text;
use serde::Deserialize;

use super::line::{Action, Say, recipient};
use crate::input_error::InputError;

/// What one line may hold; docs/JSON.md describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// `everyone` or a user name.
    to: String,
    text: String,
    /// Whatever the writer likes; comes back in `sent` and `error`.
    #[serde(rename = "ref")]
    reference: Option<String>,
}

/// Reads one line.
///
/// # Errors
/// What is wrong with it, and the `ref` of the line if that could be read.
pub fn parse(line: &str) -> Result<Action, (InputError, Option<String>)> {
    // A list of the fields' values would be read as well.
    if !line.trim_start().starts_with('{') {
        return Err((InputError::Json("it does not begin with {".to_owned()), None));
    }
    let Line { to, text, reference } = match serde_json::from_str(line) {
        Ok(line) => line,
        Err(error) => return Err((InputError::Json(error.to_string()), None)),
    };
    match (recipient(&to), Text::parse(&text)) {
        (Ok(to), Ok(text)) => Ok(Action::Say(Say { to, text, reference })),
        (Err(error), _) => Err((error, reference)),
        (_, Err(error)) => Err((error.into(), reference)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::name::NameError;
    use chat_core::text::TextError;

    #[test]
    fn an_object_becomes_a_text_to_send() {
        let text = Text::parse("two\nlines").unwrap();
        for (line, to, reference) in [
            (r#"{"to":"everyone","text":"two\nlines"}"#, "everyone", None),
            (r#"{"text":"two\nlines","to":"小明","ref":"r1"}"#, "小明", Some("r1")),
            (r#"{"to":"bob","text":"two\nlines","ref":null}"#, "bob", None),
        ] {
            let say =
                Say { to: recipient(to).unwrap(), text: text.clone(), reference: reference.map(ToOwned::to_owned) };
            assert_eq!(parse(line), Ok(Action::Say(say)), "{line}");
        }
    }

    #[test]
    fn wrong_values_are_told_with_the_reference_of_the_line() {
        for (line, error) in [
            (r#"{"to":"everyone","text":"","ref":"a"}"#, TextError::Empty.into()),
            (r#"{"to":"b b","text":"x","ref":"a"}"#, NameError::Char(' ').into()),
            (r#"{"to":"","text":"x","ref":"a"}"#, NameError::Empty.into()),
            (r#"{"to":"bob","text":"a\u001b[2J","ref":"a"}"#, TextError::Char('\u{1b}').into()),
        ] {
            assert_eq!(parse(line), Err((error, Some("a".to_owned()))), "{line}");
        }
    }

    #[test]
    fn what_is_not_the_object_is_refused() {
        for line in [
            "",
            "hello",
            "[]",
            r#"["bob","x",null]"#,
            r#"{"to":"bob"}"#,
            r#"{"to":"bob","text":1}"#,
            r#"{"to":"bob","text":"x","extra":1}"#,
            r#"{"to":"bob","text":"x"} {}"#,
        ] {
            let (error, reference) = parse(line).unwrap_err();
            assert_eq!((error.code(), reference), ("bad-json", None), "{line}");
        }
    }
}
