//! The form of the log-in: what is typed, and what is wrong with it, each beside its field.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chat_cli::desktop::TrustChoice;
use chat_cli::texts::{Sentence, WindowSentence};
use chat_core::invitation::InvitationCode;
use chat_core::name::UserName;
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_net::address::{AdvertisedAddress, ServerAddress};
use chat_net::client::{ClientSettingError, ConnectError, RejectionKind, ServerRejection};

use super::exchange::{KnownServer, LogIn, Purpose, TrustBy};
use super::secret::Secret;

/// A place at which a sentence about a wrong input stands.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Field {
    /// The server's address.
    Server,
    /// The user name.
    User,
    /// The password.
    Password,
    /// The password once more.
    Again,
    /// The invitation code.
    Invitation,
    /// The address on which to receive messages.
    OwnAddress,
    /// The port on which to receive messages.
    OwnPort,
    /// The addresses to advertise.
    Advertised,
    /// How to recognise the server.
    ServerTrust,
    /// Below the button: no field is to blame.
    Form,
}

/// What the button does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It logs in.
    LogIn,
    /// It registers an account.
    Register,
}

/// The form.
#[derive(Debug)]
pub struct Form {
    /// The typed server.
    pub server: String,
    /// The typed user name.
    pub user: String,
    /// The typed password.
    pub password: Secret,
    /// The password once more, for a registration.
    pub again: Secret,
    /// The typed invitation code, for a registration.
    pub invitation: String,
    /// The typed address on which to receive messages. Any if empty.
    pub own_address: String,
    /// The typed port on which to receive messages. Any if empty.
    pub own_port: String,
    /// The typed addresses to advertise, separated by commas. Those that are found if empty.
    pub advertised: String,
    /// The typed fingerprint of the server, or file of an authority. As the settings say if empty.
    pub server_trust: String,
    /// The servers that can be chosen instead of typed.
    pub servers: Vec<KnownServer>,
    /// What the button does.
    pub mode: Mode,
    /// Whether the fields about the network are shown.
    pub shows_network: bool,
    /// Whether a log-in is going on.
    pub is_busy: bool,
    /// Until when the server wants no further attempt.
    pub retry_at: Option<Timestamp>,
    /// The file of known servers.
    pub known_servers: PathBuf,
    /// Whether the next start of a program suggests the server and the user of a log-in.
    pub remembers: bool,
    trust: TrustChoice,
    /// The server to which a fingerprint of the settings belongs.
    trusted: Option<ServerAddress>,
    problems: BTreeMap<Field, Sentence>,
}

impl Form {
    /// A form for this file of known servers and this way to recognise the server.
    pub fn new(known_servers: PathBuf, trust: TrustChoice, trusted: Option<ServerAddress>) -> Self {
        Self {
            server: String::new(),
            user: String::new(),
            password: Secret::default(),
            again: Secret::default(),
            invitation: String::new(),
            own_address: String::new(),
            own_port: String::new(),
            advertised: String::new(),
            server_trust: String::new(),
            servers: Vec::new(),
            mode: Mode::LogIn,
            shows_network: false,
            is_busy: false,
            retry_at: None,
            known_servers,
            remembers: false,
            trust,
            trusted,
            problems: BTreeMap::new(),
        }
    }

    /// What is wrong with a field.
    pub fn problem(&self, field: Field) -> Option<&Sentence> {
        self.problems.get(&field)
    }

    /// The first field with a problem.
    pub fn first_problem(&self) -> Option<Field> {
        self.problems.keys().next().copied()
    }

    /// Shows a sentence beside a field.
    pub fn show(&mut self, field: Field, problem: impl Into<Sentence>) {
        self.problems.insert(field, problem.into());
        if matches!(field, Field::OwnAddress | Field::OwnPort | Field::Advertised | Field::ServerTrust) {
            self.shows_network = true;
        }
    }

    /// Removes the sentence beside a field, because it is being changed.
    pub fn clear(&mut self, field: Field) {
        self.problems.remove(&field);
        self.problems.remove(&Field::Form);
    }

    /// Changes between log-in and registration. What was typed stays.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.again.clear();
        self.problems.clear();
    }

    /// Fills in a server that was chosen, with the user of the last log-in there.
    pub fn choose(&mut self, server: &ServerAddress) {
        self.server = server.to_string();
        if let Some(KnownServer { user: Some(user), .. }) = self.servers.iter().find(|known| known.server == *server) {
            self.user = user.as_str().to_owned();
            self.clear(Field::User);
        }
        self.clear(Field::Server);
    }

    /// Checks a field that was left. An empty one is not wrong before the button is pressed.
    pub fn check(&mut self, field: Field) {
        let is_empty = match field {
            Field::Server => self.server.trim().is_empty(),
            Field::User => self.user.trim().is_empty(),
            Field::Password => self.password.is_empty(),
            Field::Again => self.again.is_empty(),
            Field::Invitation => self.invitation.trim().is_empty(),
            Field::OwnAddress | Field::OwnPort | Field::Advertised | Field::ServerTrust | Field::Form => false,
        };
        if is_empty {
            self.clear(field);
            return;
        }
        let wrong = match field {
            Field::Server => self.parse_server().err(),
            Field::User => self.parse_user().err(),
            Field::Password => self.parse_password().err(),
            Field::Again => self.compare().err(),
            Field::Invitation => self.parse_invitation().err(),
            Field::OwnAddress => chat_cli::desktop::own_address(&self.own_address).err(),
            Field::OwnPort => chat_cli::desktop::own_port(&self.own_port).err(),
            Field::Advertised => self.parse_advertised().err(),
            Field::ServerTrust => self.parse_trust().err(),
            Field::Form => None,
        };
        match wrong {
            Some(sentence) => self.show(field, sentence),
            None => self.clear(field),
        }
        if let (Field::Server, Ok(server)) = (field, self.parse_server()) {
            // With the port that counts if none was typed.
            self.server = server.to_string();
        }
    }

    /// Everything that a log-in needs. `None` if a field is wrong, beside which a sentence then stands.
    pub fn submit(&mut self) -> Option<LogIn> {
        self.problems.clear();
        let server = self.parse_server().map_err(|wrong| self.show(Field::Server, wrong));
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
        let address = chat_cli::desktop::own_address(&self.own_address);
        let address = address.map_err(|wrong| self.show(Field::OwnAddress, wrong));
        let port = chat_cli::desktop::own_port(&self.own_port).map_err(|wrong| self.show(Field::OwnPort, wrong));
        let advertise = self.parse_advertised().map_err(|wrong| self.show(Field::Advertised, wrong));
        let typed_trust = self.parse_trust().map_err(|wrong| self.show(Field::ServerTrust, wrong));
        if !self.problems.is_empty() {
            return None;
        }
        let server = server.ok()?;
        let trust = typed_trust.ok()?.unwrap_or_else(|| self.trust_in(&server));
        let mut udp = address.ok()?;
        // A port of its own field counts more than one that was typed with the address.
        if let Some(port) = port.ok().filter(|port| *port != 0) {
            udp.set_port(port);
        }
        Some(LogIn {
            trust,
            server,
            user: user.ok()?,
            password: password.ok()?,
            purpose: purpose.ok()?,
            udp,
            advertise: advertise.ok()?,
            is_remembered: self.remembers,
        })
    }

    /// Puts the sentence about a failed log-in beside the field that caused it. Nothing but the password is cleared, and
    /// only if it is wrong.
    pub fn refuse(&mut self, error: ConnectError, now: Timestamp) {
        self.is_busy = false;
        let field = match place(&error) {
            // Then the field says what the server is recognised by.
            Field::Server if is_about_trust(&error) && !self.server_trust.trim().is_empty() => Field::ServerTrust,
            field => field,
        };
        if let ConnectError::Rejected(rejection) = &error {
            self.obey(rejection, now);
        }
        if matches!(error, ConnectError::OnlyRegistered { .. } | ConnectError::RegistrationUnanswered { .. }) {
            self.set_mode(Mode::LogIn);
        }
        self.show(field, Sentence::about(error));
    }

    fn obey(&mut self, rejection: &ServerRejection, now: Timestamp) {
        if rejection.kind() == RejectionKind::WrongCredentials {
            self.password.clear();
            self.again.clear();
        }
        self.retry_at = rejection.retry_after().map(|after| now + after);
    }

    fn parse_server(&self) -> Result<ServerAddress, Sentence> {
        self.server.trim().parse().map_err(|error: chat_net::address::AddressError| Sentence::about(error))
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
            return Ok(Some(TrustBy::Fingerprint(fingerprint)));
        }
        let path = PathBuf::from(typed);
        if path.is_file() {
            return Ok(Some(TrustBy::Authority(path)));
        }
        Err(Sentence::about(WindowSentence::ServerTrustWrong))
    }

    fn parse_advertised(&self) -> Result<Vec<AdvertisedAddress>, Sentence> {
        let typed = self.advertised.split([',', '，', ' ']).map(str::trim).filter(|typed| !typed.is_empty());
        typed
            .map(|typed| typed.parse().map_err(|error: chat_net::address::AddressError| Sentence::about(error)))
            .collect()
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

/// Whether the server was not recognised.
const fn is_about_trust(error: &ConnectError) -> bool {
    matches!(
        error,
        ConnectError::WrongFingerprint { .. } | ConnectError::Certificate { .. } | ConnectError::NotCertifiable { .. }
    )
}

/// The field beside which the sentence about a failed log-in stands.
fn place(error: &ConnectError) -> Field {
    match error {
        ConnectError::Resolve { .. }
        | ConnectError::Unreachable { .. }
        | ConnectError::TimedOut { .. }
        | ConnectError::NotChat { .. }
        | ConnectError::Tls { .. }
        | ConnectError::Certificate { .. }
        | ConnectError::NotCertifiable { .. }
        | ConnectError::Untrusted { .. }
        | ConnectError::WrongFingerprint { .. } => Field::Server,
        ConnectError::Authorities { .. } => Field::ServerTrust,
        ConnectError::Udp { .. } => Field::OwnAddress,
        ConnectError::Setting(ClientSettingError::TooManyAddresses { .. }) => Field::Advertised,
        ConnectError::Rejected(rejection) => match rejection.kind() {
            RejectionKind::Name | RejectionKind::NameTaken => Field::User,
            RejectionKind::Password | RejectionKind::WrongCredentials => Field::Password,
            RejectionKind::NotInvited => Field::Invitation,
            RejectionKind::Addresses => Field::Advertised,
            _ => Field::Form,
        },
        _ => Field::Form,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat_cli::texts::{Localised, Texts};
    use chat_net::identity::Fingerprint;
    use chat_net::trust::AuthoritiesError;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn form() -> Form {
        let mut form = Form::new("known".into(), TrustChoice::Known("known".into()), None);
        form.server = "lab".to_owned();
        form.user = "小明".to_owned();
        form.password.insert(0, "correct horse");
        form
    }

    fn problems(form: &Form) -> Vec<(Field, String)> {
        let texts = Texts::default();
        form.problems.iter().map(|(field, sentence)| (*field, sentence.text(&texts))).collect()
    }

    #[test]
    fn a_complete_form_becomes_a_log_in() {
        let login = form().submit().unwrap();
        assert_eq!((login.server.to_string().as_str(), login.user.as_str()), ("lab:7777", "小明"));
        assert_eq!(login.password.expose(), "correct horse");
        assert_eq!((login.purpose, login.trust), (Purpose::LogIn, TrustBy::Known("known".into())));
        assert_eq!((login.udp.to_string().as_str(), login.advertise.len()), ("[::]:0", 0));
    }

    #[test]
    fn every_wrong_field_is_told_at_once_and_in_its_place() {
        let mut form = form();
        form.set_mode(Mode::Register);
        form.server = "http://lab".to_owned();
        form.user = "two words".to_owned();
        form.password.clear();
        form.again.insert(0, "x");
        form.invitation = "短".to_owned();
        form.own_address = "40001".to_owned();
        form.own_port = "70000".to_owned();
        form.advertised = "everywhere".to_owned();
        form.server_trust = "/no/such/file".to_owned();
        assert!(form.submit().is_none());
        let fields: Vec<Field> = problems(&form).into_iter().map(|(field, _)| field).collect();
        use Field::{Advertised, Again, Invitation, OwnAddress, OwnPort, Password, Server, ServerTrust, User};
        assert_eq!(fields, [Server, User, Password, Again, Invitation, OwnAddress, OwnPort, Advertised, ServerTrust]);
        assert!(form.shows_network, "a wrong address is in a part that may be folded");
        assert_eq!(form.server, "http://lab", "what was typed stays");
    }

    #[test]
    fn an_empty_field_is_wrong_only_when_the_button_is_pressed() {
        let mut form = form();
        form.user.clear();
        form.check(Field::User);
        assert_eq!(problems(&form), []);
        assert!(form.submit().is_none());
        assert_eq!(form.first_problem(), Some(Field::User));
        form.user = "bob".to_owned();
        form.clear(Field::User);
        assert!(form.submit().is_some());
    }

    #[test]
    fn a_chosen_server_brings_the_user_of_the_last_log_in_there() {
        let mut form = form();
        let [lab, ship]: [ServerAddress; 2] = ["lab", "ship:7778"].map(|typed| typed.parse().unwrap());
        let user = UserName::parse("bob").ok();
        form.servers = vec![
            KnownServer { server: lab.clone(), user, fingerprint: None },
            KnownServer { server: ship.clone(), user: None, fingerprint: Some(Fingerprint::new([1; 32])) },
        ];
        form.server = "http://lab".to_owned();
        form.check(Field::Server);
        form.choose(&lab);
        assert_eq!((form.server.as_str(), form.user.as_str(), form.first_problem()), ("lab:7777", "bob", None));
        form.choose(&ship);
        assert_eq!((form.server.as_str(), form.user.as_str()), ("ship:7778", "bob"), "nobody is known there");
    }

    #[test]
    fn the_own_port_the_fingerprint_and_the_certificate_can_be_typed() {
        let mut form = form();
        form.own_port = "40001".to_owned();
        let digits = "ab".repeat(32);
        form.server_trust = format!(" {digits} ");
        let login = form.submit().unwrap();
        assert_eq!(login.udp.to_string(), "[::]:40001");
        assert_eq!(login.trust, TrustBy::Fingerprint(digits.parse().unwrap()));
        let file = tempfile::NamedTempFile::new().unwrap();
        form.own_address = "127.0.0.1".to_owned();
        form.server_trust = file.path().to_str().unwrap().to_owned();
        let login = form.submit().unwrap();
        assert_eq!(login.udp.to_string(), "127.0.0.1:40001");
        assert_eq!(login.trust, TrustBy::Authority(file.path().to_owned()));
    }

    #[test]
    fn a_server_that_does_not_fit_a_typed_fingerprint_is_told_beside_it() {
        let server: ServerAddress = "lab".parse().unwrap();
        let [wanted, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
        for (typed, field) in [("", Field::Server), ("01", Field::ServerTrust)] {
            let mut form = form();
            form.server_trust = typed.to_owned();
            form.refuse(ConnectError::WrongFingerprint { server: server.clone(), wanted, shown }, NOW);
            assert_eq!((form.first_problem(), form.shows_network), (Some(field), field == Field::ServerTrust));
        }
        let mut form = form();
        let error = ConnectError::Authorities { path: "ca.pem".into(), source: AuthoritiesError::Empty };
        form.refuse(error, NOW);
        assert_eq!(form.first_problem(), Some(Field::ServerTrust));
    }

    #[test]
    fn a_rejection_stands_beside_the_field_that_caused_it() {
        let time = Duration::from_secs(7);
        for (kind, field) in [
            (RejectionKind::WrongCredentials, Field::Password),
            (RejectionKind::NameTaken, Field::User),
            (RejectionKind::NotInvited, Field::Invitation),
            (RejectionKind::Addresses, Field::Advertised),
            (RejectionKind::RegistrationClosed, Field::Form),
            (RejectionKind::Disabled, Field::Form),
            (RejectionKind::StorageUnavailable, Field::Form),
            (RejectionKind::Full, Field::Form),
            (RejectionKind::SlowDown, Field::Form),
        ] {
            let mut form = form();
            form.is_busy = true;
            let rejection = ServerRejection::new(kind, Some(time));
            form.refuse(ConnectError::Rejected(rejection), NOW);
            let all = problems(&form);
            assert_eq!(all.iter().map(|(field, _)| *field).collect::<Vec<_>>(), [field], "{rejection:?}");
            assert_eq!(all[0].1, rejection.to_string());
            assert!(!form.is_busy);
            assert_eq!(form.password.is_empty(), kind == RejectionKind::WrongCredentials, "{rejection:?}");
            assert_eq!(form.retry_at, rejection.retry_after().map(|after| NOW + after));
        }
    }

    #[test]
    fn errors_of_the_network_stand_beside_the_server_or_the_own_address() {
        let server: ServerAddress = "lab".parse().unwrap();
        let cause = |kind: std::io::ErrorKind| std::io::Error::from(kind);
        for (error, field) in [
            (
                ConnectError::Resolve { server: server.clone(), source: cause(std::io::ErrorKind::NotFound) },
                Field::Server,
            ),
            (
                ConnectError::Unreachable {
                    server: server.clone(),
                    source: cause(std::io::ErrorKind::ConnectionRefused),
                },
                Field::Server,
            ),
            (ConnectError::TimedOut { server: server.clone() }, Field::Server),
            (ConnectError::NotChat { server: server.clone(), what: "it says hello" }, Field::Server),
            (
                ConnectError::Udp {
                    address: "[::]:1".parse().unwrap(),
                    source: cause(std::io::ErrorKind::PermissionDenied),
                },
                Field::OwnAddress,
            ),
            (ConnectError::Internal, Field::Form),
        ] {
            let mut form = form();
            form.refuse(error, NOW);
            assert_eq!(form.first_problem(), Some(field));
        }
    }

    #[test]
    fn an_account_that_may_exist_leads_back_to_the_log_in() {
        let mut form = form();
        form.set_mode(Mode::Register);
        form.refuse(ConnectError::OnlyRegistered { server: "lab".parse().unwrap() }, NOW);
        assert_eq!((form.mode, form.first_problem()), (Mode::LogIn, Some(Field::Form)));
    }

    #[test]
    fn a_fingerprint_of_the_settings_belongs_to_their_server_only() {
        let fingerprint = Fingerprint::new([7; 32]);
        let lab = "lab".parse().ok();
        let mut form = Form { trusted: lab, trust: TrustChoice::Fingerprint(fingerprint), ..form() };
        assert_eq!(form.submit().unwrap().trust, TrustBy::Fingerprint(fingerprint));
        form.server = "other".to_owned();
        assert_eq!(form.submit().unwrap().trust, TrustBy::Known("known".into()));
    }
}
