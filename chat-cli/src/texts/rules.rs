//! The rules for names, texts, passwords, codes and addresses, as sentences.

use chat_core::away::AwayTextError;
use chat_core::invitation::InvitationCodeError;
use chat_core::name::NameError;
use chat_core::password::PasswordError;
use chat_core::roster::Entry;
use chat_core::text::TextError;
use chat_net::address::AddressError;
use chat_net::identity::FingerprintError;

use super::{Localised, Texts};
use crate::address::BindAddressError;
use crate::number::NumberError;

impl Localised for NameError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Empty => t.name_empty(),
            Self::TooLong => t.name_too_long(),
            Self::Char(ch) => t.name_character(character(texts, *ch)),
            Self::MixedScripts => t.name_mixed_scripts(),
            Self::Reserved => t.name_reserved(),
            Self::Direction => t.name_direction(),
            Self::Marks => t.name_marks(),
            _ => self.to_string(),
        }
    }
}

/// A character that may be invisible.
fn character(texts: &Texts, ch: char) -> String {
    let t = texts.say();
    if ch == ' ' {
        t.character_space()
    } else if ch.is_alphanumeric() || ch.is_ascii_graphic() {
        t.character_visible(ch.to_string())
    } else {
        t.character_invisible(code_point(ch))
    }
}

fn code_point(ch: char) -> String {
    format!("{:04X}", u32::from(ch))
}

impl Localised for TextError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Empty => t.text_empty(),
            Self::TooLong { bytes } => t.text_too_long(*bytes),
            Self::Char(ch) => t.text_character(code_point(*ch)),
        }
    }
}

impl Localised for AwayTextError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::TooLong { bytes } => t.away_too_long(*bytes),
            Self::Char(ch) => t.away_character(code_point(*ch)),
        }
    }
}

impl Localised for PasswordError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Empty => t.password_empty(),
            Self::TooShort => t.password_too_short(),
            Self::TooLong => t.password_too_long(),
            Self::Char => t.password_character(),
            _ => self.to_string(),
        }
    }
}

impl Localised for InvitationCodeError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Length => t.invitation_length(),
            Self::Char => t.invitation_character(),
            _ => self.to_string(),
        }
    }
}

impl Localised for FingerprintError {
    fn text(&self, texts: &Texts) -> String {
        texts.say().fingerprint_form()
    }
}

impl Localised for NumberError {
    fn text(&self, texts: &Texts) -> String {
        texts.say().number_range(self.typed(), self.min(), self.max())
    }
}

impl Localised for AddressError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Empty => t.address_empty(),
            Self::Url => t.address_url(),
            Self::NoHost => t.address_no_host(),
            Self::Host(typed) => t.address_host(typed),
            Self::Port(typed) => t.address_port(typed),
            Self::Bracket => t.address_brackets(),
            Self::NoZone { ip, example } => t.address_no_zone(ip.to_string(), example),
            Self::Zone(ip) => t.address_zone(ip.to_string()),
            Self::Advertised(typed) => t.address_not_advertised(typed),
            Self::AdvertisedPort(typed) => t.address_advertised_port(typed, Entry::LOWEST_PORT.to_string()),
            Self::AdvertisedZone(typed) => t.address_advertised_zone(typed),
            _ => self.to_string(),
        }
    }
}

impl Localised for BindAddressError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Empty => t.bind_address_empty(),
            Self::NoPort => t.bind_address_no_port(),
            Self::Brackets => t.bind_address_brackets(),
            Self::Host(typed) => t.bind_address_host(typed),
            Self::Port(typed) => t.bind_address_port(typed),
            Self::NoZone { ip, example } => t.address_no_zone(ip.to_string(), example),
            // The library describes it in English only, and names the interfaces of this machine.
            Self::Zone(error) => error.to_string(),
            Self::NotLinkLocal(ip) => t.address_zone(ip.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Display;

    use chat_net::identity::Fingerprint;

    use super::*;

    /// In English, the programs and the libraries say the same.
    fn assert_same(errors: &[impl Localised + Display]) {
        let english = Texts::default();
        for error in errors {
            assert_eq!(error.text(&english), error.to_string());
        }
    }

    #[test]
    fn english_rules_are_those_of_the_libraries() {
        use NameError::{Char, Direction, Empty, Marks, MixedScripts, Reserved, TooLong};
        assert_same(&[Empty, TooLong, Char(' '), Char('@'), Char('\0'), MixedScripts, Reserved, Direction, Marks]);
        assert_same(&[AwayTextError::TooLong { bytes: 129 }, AwayTextError::Char('\t')]);
        assert_same(&[TextError::Empty, TextError::TooLong { bytes: 16_385 }, TextError::Char('\x07')]);
        assert_same(&[PasswordError::Empty, PasswordError::TooShort, PasswordError::TooLong, PasswordError::Char]);
        assert_same(&[InvitationCodeError::Length, InvitationCodeError::Char]);
        assert_same(&["x".parse::<Fingerprint>().unwrap_err()]);
        assert_same(&["6".parse::<crate::number::Number<1, 5>>().unwrap_err()]);
    }

    #[test]
    fn english_addresses_are_those_of_the_libraries() {
        let (text, example, ip) = ("x".to_owned(), "eth0".to_owned(), "fe80::1".parse().unwrap());
        assert_same(&[
            AddressError::Empty,
            AddressError::Url,
            AddressError::NoHost,
            AddressError::Host(text.clone()),
            AddressError::Port(text.clone()),
            AddressError::Bracket,
            AddressError::NoZone { ip, example: example.clone() },
            AddressError::Zone(ip),
            AddressError::Advertised(text.clone()),
            AddressError::AdvertisedPort(text.clone()),
            AddressError::AdvertisedZone(text.clone()),
        ]);
        assert_same(&[
            BindAddressError::Empty,
            BindAddressError::NoPort,
            BindAddressError::Brackets,
            BindAddressError::Host(text.clone()),
            BindAddressError::Port(text),
            BindAddressError::NoZone { ip, example },
            BindAddressError::NotLinkLocal(ip.into()),
        ]);
    }
}
