//! One line of JSON input: an object with a text and its recipient, or with an away text.

use std::collections::BTreeMap;

use chat_core::away::AwayText;
use chat_core::text::Text;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::line::{Action, Draft, recipient};
use crate::input_error::InputError;

/// The object, which docs/JSON.md describes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonLine {
    /// `everyone` or a user name.
    to: String,
    text: String,
    /// Any string. It is repeated in the answer.
    #[serde(rename = "ref")]
    reference: Option<String>,
}

/// The object of a user who goes away or comes back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AwayLine {
    /// The away text, or null.
    away: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

/// Parses a line.
///
/// # Errors
/// The line is none of these objects, or the name or text breaks a rule. The error comes with the `ref` of the line, if
/// the line is an object that has one.
pub fn parse(line: &str) -> Result<Action, (InputError, Option<String>)> {
    // serde would also accept an array of the fields' values.
    if !line.trim_start().starts_with('{') {
        return Err((InputError::JsonNoObject, None));
    }
    if serde_json::from_str::<BTreeMap<String, IgnoredAny>>(line).is_ok_and(|fields| fields.contains_key("away")) {
        return parse_away(line);
    }
    let JsonLine { to, text, reference } = match serde_json::from_str(line) {
        Ok(line) => line,
        Err(error) => return Err((InputError::Json(error.to_string()), reference(line))),
    };
    match (recipient(&to), Text::parse(&text)) {
        (Ok(to), Ok(text)) => Ok(Action::Send(Draft { to, text, reference })),
        (Err(error), _) => Err((error, reference)),
        (_, Err(error)) => Err((error.into(), reference)),
    }
}

fn parse_away(line: &str) -> Result<Action, (InputError, Option<String>)> {
    let AwayLine { away, reference } = match serde_json::from_str(line) {
        Ok(line) => line,
        Err(error) => return Err((InputError::Json(error.to_string()), reference(line))),
    };
    match away.map(AwayText::try_from).transpose() {
        Ok(away) => Ok(Action::SetAway { away, reference }),
        Err(error) => Err((error.into(), reference)),
    }
}

/// The `ref` of an object that lacks a field, has another one, or has a value of the wrong type.
fn reference(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Reference {
        #[serde(rename = "ref")]
        reference: Option<String>,
    }

    serde_json::from_str::<Reference>(line).ok()?.reference
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_core::name::NameError;
    use chat_core::text::TextError;

    use crate::view::samples::code_of;

    #[test]
    fn an_object_becomes_a_message_to_send() {
        let text = Text::parse("two\nlines").unwrap();
        for (line, to, reference) in [
            (r#"{"to":"everyone","text":"two\nlines"}"#, "everyone", None),
            (r#"{"text":"two\nlines","to":"小明","ref":"r1"}"#, "小明", Some("r1")),
            (r#"{"to":"bob","text":"two\nlines","ref":null}"#, "bob", None),
        ] {
            let draft =
                Draft { to: recipient(to).unwrap(), text: text.clone(), reference: reference.map(ToOwned::to_owned) };
            assert_eq!(parse(line), Ok(Action::Send(draft)), "{line}");
        }
    }

    #[test]
    fn an_away_text_or_null_says_whether_the_user_is_away() {
        let action = |away: Option<&str>, reference: Option<&str>| {
            let away = away.map(|text| text.parse().unwrap());
            Ok(Action::SetAway { away, reference: reference.map(ToOwned::to_owned) })
        };
        for (line, expected) in [
            (r#"{"away":"在开会"}"#, action(Some("在开会"), None)),
            (r#"{"ref":"r1","away":""}"#, action(Some(""), Some("r1"))),
            (r#"{"away":null,"ref":"r1"}"#, action(None, Some("r1"))),
        ] {
            assert_eq!(parse(line), expected, "{line}");
        }
        for (line, code) in [
            (r#"{"away":"two\nlines","ref":"a"}"#, "bad-away"),
            (r#"{"away":true,"ref":"a"}"#, "bad-json"),
            (r#"{"away":"x","text":"y","ref":"a"}"#, "bad-json"),
        ] {
            let (error, reference) = parse(line).unwrap_err();
            assert_eq!((code_of(&error).as_str(), reference.as_deref()), (code, Some("a")), "{line}");
        }
    }

    #[test]
    fn wrong_values_are_reported_with_the_ref_of_the_line() {
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
    fn anything_but_the_object_is_refused() {
        for line in [
            "",
            "hello",
            "[]",
            r#"["bob","x",null]"#,
            r#"{"to":"bob"}"#,
            r#"{"to":"bob","text":1}"#,
            r#"{"to":"bob","text":"x","extra":1}"#,
            r#"{"to":"bob","text":"x"} {}"#,
            r#"{"to":"bob","text":"x","ref":1}"#,
            r#"{"to":"bob","text":"x","ref":"a"} {}"#,
        ] {
            let (error, reference) = parse(line).unwrap_err();
            assert_eq!((code_of(&error).as_str(), reference), ("bad-json", None), "{line}");
        }
    }

    #[test]
    fn an_object_with_other_fields_keeps_its_ref() {
        for line in [
            r#"{"to":"bob","text":"x","extra":1,"ref":"a"}"#,
            r#"{"ref":"a","to":"bob"}"#,
            r#"{"to":"bob","text":1,"ref":"a"}"#,
        ] {
            let (error, reference) = parse(line).unwrap_err();
            assert_eq!((code_of(&error).as_str(), reference.as_deref()), ("bad-json", Some("a")), "{line}");
        }
    }
}
