//! Sentences whose language is chosen when they are shown.

use std::fmt;
use std::sync::Arc;

use super::Texts;

/// A value that a sentence describes to people, such as an error of a library.
pub trait Localised {
    /// The sentence.
    fn text(&self, texts: &Texts) -> String;
}

/// A sentence that is not shown yet.
#[derive(Clone)]
pub struct Sentence(Arc<dyn Fn(&Texts) -> String + Send + Sync>);

impl Sentence {
    /// The sentence about a value.
    pub fn about(value: impl Localised + Send + Sync + 'static) -> Self {
        Self::from(move |texts: &Texts| value.text(texts))
    }
}

impl Localised for Sentence {
    fn text(&self, texts: &Texts) -> String {
        (self.0)(texts)
    }
}

impl<F: Fn(&Texts) -> String + Send + Sync + 'static> From<F> for Sentence {
    fn from(say: F) -> Self {
        Self(Arc::new(say))
    }
}

/// The same text in all languages.
impl From<String> for Sentence {
    fn from(text: String) -> Self {
        Self::from(move |_: &Texts| text.clone())
    }
}

/// The same text in all languages.
impl From<&str> for Sentence {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// The same text in all languages.
impl From<fmt::Arguments<'_>> for Sentence {
    fn from(text: fmt::Arguments<'_>) -> Self {
        text.to_string().into()
    }
}

/// The English text.
impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&Texts::default()))
    }
}
