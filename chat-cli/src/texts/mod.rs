//! All sentences for people, in each language. Their one source is the folder `locales`, from which the build generates
//! a function for each sentence: `Texts::say` gives access to them.
//!
//! Codes for scripts, the presence log, metrics, and logs for developers are not translated.

mod connection;
pub(crate) mod help;
mod language;
pub(crate) mod parse_error;
mod rules;
mod sentence;
mod server_window;
mod storage;
mod window;

/// The generated functions.
mod generated {
    #![allow(missing_docs, unreachable_pub, unnameable_types, unused_imports, unused_qualifications)]
    #![allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]

    include!(concat!(env!("OUT_DIR"), "/sentences.rs"));
}

use std::fmt;
use std::sync::Arc;

use self::generated::{L10n, L10nLanguage};
pub use self::language::Language;
pub use self::sentence::{Localised, Sentence};
pub use self::server_window::ServerWindowSentence;
pub(crate) use self::storage::{chain, chain_of};
pub use self::window::WindowSentence;

/// The sentences of one language. Clones are cheap.
#[derive(Clone)]
pub struct Texts {
    language: Language,
    sentences: Arc<L10nLanguage>,
}

impl Texts {
    /// The sentences of a language.
    pub fn new(language: Language) -> Self {
        let sentences = match language {
            Language::English => L10n::En,
            Language::Chinese => L10n::ZhCN,
        };
        Self { language, sentences: Arc::new(sentences.load()) }
    }

    /// The language.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// The functions that return the sentences.
    // Not public, because the compiler would then no longer warn about unused sentences.
    pub(crate) fn say(&self) -> &L10nLanguage {
        &self.sentences
    }

    /// Joins the members of a list.
    pub(crate) fn list(&self, members: &[String]) -> String {
        members.join(&self.say().list_separator())
    }
}

/// The sentences in English.
impl Default for Texts {
    fn default() -> Self {
        Self::new(Language::default())
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texts").field("language", &self.language).finish_non_exhaustive()
    }
}
