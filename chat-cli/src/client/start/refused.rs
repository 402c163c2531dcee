//! A login that failed: which answers it makes wrong, and what is asked next.

use chat_core::invitation::InvitationCode;
use chat_core::name::UserName;
use chat_core::wire::control::Purpose;
use chat_net::address::ServerAddress;
use chat_net::client::{ConnectError, RejectionKind};

use super::questions::Questions;
use super::{Origin, Registration, Start};
use crate::client::connect::explain;
use crate::client::task::TrustChoice;
use crate::error::CliError;
use crate::texts::{Localised, Sentence, Texts};

impl Start {
    /// Says why a login failed, and forgets the answers that caused it, so that they are asked for again. Returns the
    /// error for the case that nobody asks again.
    ///
    /// # Errors
    /// No other answer helps, or the user does not want to give one.
    pub(super) async fn ask_again(
        &mut self,
        server: &ServerAddress,
        user: &UserName,
        error: ConnectError,
    ) -> Result<CliError, CliError> {
        use RejectionKind as Kind;
        let file = match &self.options.trust {
            TrustChoice::Known(path) | TrustChoice::AcceptNew(path) => Some(path.clone()),
            TrustChoice::Fingerprint(_) | TrustChoice::Ca(_) => None,
        };
        let rejection = match &error {
            ConnectError::Rejected(rejection) => Some(rejection.kind()),
            _ => None,
        };
        let about_server = matches!(
            error,
            ConnectError::Resolve { .. }
                | ConnectError::Unreachable { .. }
                | ConnectError::TimedOut { .. }
                | ConnectError::NotChat { .. }
                | ConnectError::Tls { .. }
                | ConnectError::NoCommonVersion(_)
        );
        let registered =
            matches!(error, ConnectError::RegistrationUnanswered { .. } | ConnectError::OnlyRegistered { .. });
        let sentence = error.text(self.questions.texts());
        let explained = explain(error, file.as_deref());
        let tell = |questions: &Questions| questions.tell(&Sentence::from(sentence.as_str()));
        match rejection {
            Some(Kind::WrongCredentials) if self.password_origin == Origin::Typed => {
                // The server does not say which of the two is wrong. A name with which somebody has logged in from here
                // exists.
                if self.registration == Registration::NotOffered
                    && self.options.purpose == Purpose::Login
                    && !self.last_logins.contains(server, user)
                {
                    self.offer_registration(user).await?;
                } else {
                    tell(&self.questions);
                    self.password = None;
                }
            }
            Some(Kind::NameTaken) if self.registration == Registration::Accepted => {
                let name = user.to_string();
                self.questions.tell(&Sentence::from(move |texts: &Texts| texts.say().start_name_exists(&name)));
                self.registration = Registration::Declined;
                self.options.purpose = Purpose::Login;
                self.password = None;
            }
            Some(Kind::NameTaken | Kind::Name) => {
                tell(&self.questions);
                (self.options.user, self.typed_user) = (None, None);
            }
            Some(Kind::Disabled) if self.password_origin == Origin::Typed => {
                tell(&self.questions);
                (self.options.user, self.typed_user, self.password) = (None, None, None);
                self.registration = Registration::NotOffered;
            }
            Some(Kind::Password) if self.password_origin == Origin::Typed => {
                tell(&self.questions);
                self.password = None;
            }
            Some(Kind::NotInvited) => {
                tell(&self.questions);
                self.options.invitation = Some(self.ask_invitation().await?);
            }
            Some(Kind::RegistrationClosed) if self.password_origin == Origin::Typed => {
                tell(&self.questions);
                self.options.purpose = Purpose::Login;
                (self.options.user, self.typed_user, self.password) = (None, None, None);
                self.registration = Registration::Declined;
            }
            Some(
                Kind::Busy
                | Kind::SlowDown
                | Kind::StorageUnavailable
                | Kind::Full
                | Kind::LoginTimeout
                | Kind::TooManyRegistrations
                | Kind::TooManyRequests
                | Kind::AccountsFull,
            ) => {
                tell(&self.questions);
                self.try_again(&explained).await?;
            }
            None if about_server && self.typed_server.is_some() => {
                tell(&self.questions);
                self.suggest_again();
            }
            None if registered => {
                tell(&self.questions);
                self.options.purpose = Purpose::Login;
                self.try_again(&explained).await?;
            }
            _ => return Err(explained),
        }
        Ok(explained)
    }

    /// Offers to register a user name that may have no account. If the user declines, the name is asked for again, and
    /// the password.
    async fn offer_registration(&mut self, user: &UserName) -> Result<(), CliError> {
        let name = user.to_string();
        let question = move |texts: &Texts| texts.say().start_ask_register(&name);
        if !self.questions.yes_or_no(question).await? {
            self.registration = Registration::Declined;
            self.password = None;
            if self.typed_user.is_some() {
                self.options.user = None;
            }
            return Ok(());
        }
        self.registration = Registration::Accepted;
        self.options.purpose = Purpose::Register;
        // As for every new password, because nobody sees what is typed.
        if let Some(password) = &self.password
            && !self.questions.repeat(password).await?
        {
            self.questions.tell(&Sentence::from(|texts: &Texts| texts.say().passwords_differ()));
            self.password = None;
        }
        Ok(())
    }

    async fn ask_invitation(&self) -> Result<InvitationCode, CliError> {
        self.questions
            .ask(
                None,
                |texts, _| texts.say().start_ask_invitation(),
                |typed| InvitationCode::parse(typed).map_err(Sentence::about),
            )
            .await
    }

    /// Asks whether to try the same once more.
    async fn try_again(&self, error: &CliError) -> Result<(), CliError> {
        if self.questions.yes_or_no(|texts: &Texts| texts.say().start_ask_try_again()).await? {
            Ok(())
        } else {
            Err(error.already_shown())
        }
    }
}
