//! What is typed in the form, parsed: each field on its own, and all of them as a log-in.

use std::path::PathBuf;

use chat_cli::desktop::{self, TrustChoice};
use chat_cli::texts::{Sentence, WindowSentence};
use chat_core::invitation::InvitationCode;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_net::address::{AddressError, AdvertisedAddress, ServerAddress};
use chat_net::client::ClientOptions;
use chat_net::identity::Fingerprint;

use super::{Field, Form, Mode};
use crate::model::exchange::{LogIn, Purpose, TrustBy};

impl Form {
    /// Checks a field that was left. An empty one is not wrong before the button is pressed.
    pub fn check(&mut self, field: Field) {
        if field == Field::Server {
            self.take_invitation();
        }
        let is_empty = match field {
            Field::Server => self.server.trim().is_empty(),
            Field::User => self.user.trim().is_empty(),
            Field::Password => self.password.is_empty(),
            Field::Again => self.again.is_empty(),
            Field::Invitation => self.invitation.trim().is_empty(),
            Field::OwnAddress | Field::OwnPort | Field::Advertised | Field::ServerTrust | Field::Form => false,
        };
        if is_empty {
            self.problems.remove(&field);
            return;
        }
        let wrong = match field {
            Field::Server => self.parse_servers().err(),
            Field::User => self.parse_user().err(),
            Field::Password => self.parse_password().err(),
            Field::Again => self.compare().err(),
            Field::Invitation => self.parse_invitation().err(),
            Field::OwnAddress => desktop::own_address(&self.own_address).err(),
            Field::OwnPort => desktop::own_port(&self.own_port).err(),
            Field::Advertised => self.parse_advertised().err(),
            Field::ServerTrust => self.parse_trust().err(),
            Field::Form => None,
        };
        match wrong {
            Some(sentence) => self.show(field, sentence),
            // What is wrong with the whole stays until something is changed.
            None => drop(self.problems.remove(&field)),
        }
        if let (Field::Server, Ok((first, others))) = (field, self.parse_servers()) {
            // With the ports that count if none was typed.
            let all: Vec<String> = [first].iter().chain(&others).map(ServerAddress::to_string).collect();
            self.server = all.join(", ");
        }
    }

    /// Everything that a log-in needs. `None` if a field is wrong, beside which a sentence then stands.
    pub fn submit(&mut self) -> Option<LogIn> {
        self.problems.clear();
        self.take_invitation();
        let servers = self.parse_servers().map_err(|wrong| self.show(Field::Server, wrong));
        let user = self.parse_user().map_err(|wrong| self.show(Field::User, wrong));
        let password = self.parse_password().map_err(|wrong| self.show(Field::Password, wrong));
        let purpose = match self.mode {
            Mode::LogIn => Ok(Purpose::LogIn),
            Mode::Register => {
                if let Err(wrong) = self.compare() {
                    self.show(Field::Again, wrong);
                }
                self.parse_invitation()
                    .map(|invitation| Purpose::Register { invitation })
                    .map_err(|wrong| self.show(Field::Invitation, wrong))
            }
        };
        let address = desktop::own_address(&self.own_address);
        let address = address.map_err(|wrong| self.show(Field::OwnAddress, wrong));
        let port = desktop::own_port(&self.own_port).map_err(|wrong| self.show(Field::OwnPort, wrong));
        let advertise = self.parse_advertised().map_err(|wrong| self.show(Field::Advertised, wrong));
        let typed_trust = self.parse_trust().map_err(|wrong| self.show(Field::ServerTrust, wrong));
        self.is_refused = !self.problems.is_empty();
        if self.is_refused {
            return None;
        }
        let (server, other_servers) = servers.ok()?;
        let trust = typed_trust.ok()?.unwrap_or_else(|| self.trust_in(&server));
        let mut udp = address.ok()?;
        // A port of its own field counts more than one that was typed with the address.
        if let Some(port) = port.ok().filter(|port| *port != 0) {
            udp.set_port(port);
        }
        Some(LogIn {
            trust,
            server,
            other_servers,
            user: user.ok()?,
            password: password.ok()?,
            purpose: purpose.ok()?,
            udp,
            advertise: advertise.ok()?,
            reach: self.reach,
            is_remembered: self.remembers,
        })
    }

    /// Takes an invitation apart that was pasted into the field of the server: the line for `chat-client` that the
    /// server's window and `chat-server invite` give.
    fn take_invitation(&mut self) {
        let words: Vec<&str> = self.server.split_whitespace().collect();
        if let ["chat-client", server, "--fingerprint", digits] = words[..]
            && digits.parse::<Fingerprint>().is_ok()
        {
            // An IPv6 address is in quotation marks.
            (self.server, self.server_trust) = (server.trim_matches('"').to_owned(), digits.to_owned());
            self.clear(Field::ServerTrust);
        }
    }

    /// The first server, and those that share its roster.
    fn parse_servers(&self) -> Result<(ServerAddress, Vec<ServerAddress>), Sentence> {
        let parse = |typed: &str| typed.parse().map_err(|error: AddressError| Sentence::about(error));
        let mut typed = self.server.split([',', '，']).map(str::trim).filter(|typed| !typed.is_empty());
        let first = parse(typed.next().unwrap_or_default())?;
        let others = typed.map(parse).collect::<Result<Vec<ServerAddress>, Sentence>>()?;
        match 1 + others.len() {
            count if count > ClientOptions::MAX_SERVERS => {
                Err(Sentence::about(WindowSentence::TooManyServers { count }))
            }
            _ => Ok((first, others)),
        }
    }

    fn parse_user(&self) -> Result<UserName, Sentence> {
        UserName::parse(self.user.trim()).map_err(Sentence::about)
    }

    fn parse_password(&self) -> Result<Password, Sentence> {
        Password::parse(self.password.as_str()).map_err(Sentence::about)
    }

    fn compare(&self) -> Result<(), Sentence> {
        if self.again.as_str() == self.password.as_str() {
            Ok(())
        } else {
            Err(Sentence::about(WindowSentence::PasswordsDiffer))
        }
    }

    fn parse_invitation(&self) -> Result<Option<InvitationCode>, Sentence> {
        let typed = self.invitation.trim();
        if typed.is_empty() {
            return Ok(None);
        }
        InvitationCode::parse(typed).map(Some).map_err(Sentence::about)
    }

    /// How to recognise the server, if that was typed.
    fn parse_trust(&self) -> Result<Option<TrustBy>, Sentence> {
        let typed = self.server_trust.trim();
        if typed.is_empty() {
            return Ok(None);
        }
        if let Ok(fingerprint) = typed.parse() {
            return Ok(Some(TrustBy::Invited(self.known_servers.clone(), fingerprint)));
        }
        let path = PathBuf::from(typed);
        if path.is_file() {
            return Ok(Some(TrustBy::Authority(path)));
        }
        Err(Sentence::about(WindowSentence::ServerTrustWrong))
    }

    fn parse_advertised(&self) -> Result<Vec<AdvertisedAddress>, Sentence> {
        let typed = self.advertised.split([',', '，', ' ']).map(str::trim).filter(|typed| !typed.is_empty());
        typed.map(|typed| typed.parse().map_err(|error: AddressError| Sentence::about(error))).collect()
    }

    fn trust_in(&self, server: &ServerAddress) -> TrustBy {
        // A fingerprint belongs to the server that the settings name, and to no other.
        match &self.trust {
            TrustChoice::Fingerprint(fingerprint) if self.trusted.as_ref() == Some(server) => {
                TrustBy::Fingerprint(*fingerprint)
            }
            TrustChoice::Ca(file) => TrustBy::Authority(file.clone()),
            _ => TrustBy::Known(self.known_servers.clone()),
        }
    }
}
