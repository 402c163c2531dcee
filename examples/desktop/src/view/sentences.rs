//! Sentences of the other programs, as a window shows them.
//!
//! At a terminal an error follows a word such as `error:`, and a notice a time, so both begin in lower case. In a window
//! they stand alone.

use std::borrow::Cow;

use chat_cli::texts::{Localised, WindowSentence as W};
use chat_cli::view::Notice;
use chat_net::client::ReachMode;

use super::View;

impl View {
    /// A notice, with what can be done about it in a window.
    pub(super) fn notice(&self, notice: &Notice) -> String {
        let text = match notice {
            Notice::NoRelay { reach: ReachMode::Relay } => self.say(W::NoRelayHidden),
            Notice::PeerNoAddress { user } => self.say(W::PeerNoAddress { user: user.as_str().to_owned() }),
            notice => notice.text(&self.texts),
        };
        match notice {
            // It begins with a name, which stays as it is.
            Notice::PeerAnswers { .. } | Notice::PeerAway { .. } | Notice::PeerSilent { .. } => text,
            _ => capital(&text).into_owned(),
        }
    }
}

/// A sentence with a capital letter at its beginning, if it begins with a word: not with an address, a path or a number.
pub(super) fn capital(text: &str) -> Cow<'_, str> {
    let word = text.split_whitespace().next().unwrap_or_default().trim_end_matches([',', ':', ';']);
    match text.split_at_checked(1) {
        Some((first, rest)) if word.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            Cow::Owned(first.to_ascii_uppercase() + rest)
        }
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_gets_a_capital_letter() {
        for (text, shown) in [
            ("wrong user name or password", "Wrong user name or password"),
            ("not sent: this client is offline", "Not sent: this client is offline"),
            ("lab:7777 does not answer", "lab:7777 does not answer"),
            ("lab.example:7777 does not answer", "lab.example:7777 does not answer"),
            ("/var/lib cannot be used", "/var/lib cannot be used"),
            ("'x y' is not a port", "'x y' is not a port"),
            ("用户名或密码不对", "用户名或密码不对"),
            ("Already so", "Already so"),
            ("", ""),
        ] {
            assert_eq!(capital(text), shown);
        }
    }
}
