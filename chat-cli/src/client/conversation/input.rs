//! Executes what is typed.

use chat_core::message::Recipient;
use chat_core::password::Password;
use chat_net::client::{ChangePasswordError, SendError};

use super::{Conversation, Flow};
use crate::client::input::Input;
use crate::client::line::{Action, Draft};
use crate::client::{json_line, line, password_change};
use crate::error::CliError;
use crate::format::Format;
use crate::input_error::{InputError, most_like};
use crate::view::{Notice, SentMessage, ViewEvent};

impl Conversation {
    pub(super) async fn typed(&mut self, input: Input) -> Result<Flow, CliError> {
        let line = match input {
            Input::Passwords { old, new } => return self.change_password(old, new).await,
            Input::Line(line) => line,
        };
        let action = line.map_err(|error| (error, None)).and_then(|line| match self.input {
            Format::Text => line::parse(&line).map_err(|error| (error, None)),
            Format::Json => json_line::parse(&line),
        });
        match action {
            Ok(Action::Send(draft)) => self.send(draft).await?,
            Ok(Action::Who) => {
                let online = self.client.roster();
                self.ui.show(&ViewEvent::roster(&online)).await?;
            }
            // At a terminal, the passwords arrive as `Input::Passwords` instead.
            Ok(Action::ChangePassword) => self.refuse(InputError::NoTerminal, None).await?,
            Ok(Action::Help) => self.ui.show(&Notice::Help.into()).await?,
            Ok(Action::Leave) => return Ok(Flow::Finish),
            Err((error, reference)) => self.refuse(error, reference).await?,
        }
        Ok(Flow::Continue)
    }

    async fn send(&mut self, draft: Draft) -> Result<(), CliError> {
        let Draft { to, text, reference } = draft;
        match self.client.send(to.clone(), text.clone()).await {
            Ok(message) if message.recipients() == 0 => {
                self.outcomes.add_without_recipients();
                self.ui.show(&Notice::NobodyThere { reference }.into()).await
            }
            Ok(message) => {
                let (id, recipients, at) = (message.id(), message.recipients(), message.at());
                // The outcomes are read from the events.
                drop(message);
                let sent = SentMessage::new(to.clone(), &text);
                self.outcomes.add_message(id, recipients, text.as_str().len(), sent);
                self.ui.show(&ViewEvent::Sent { id, to, recipients, at, reference }).await
            }
            Err(error) => {
                let error = self.explain(&to, &error);
                self.refuse(error, reference).await
            }
        }
    }

    /// Why a message was not sent.
    fn explain(&self, to: &Recipient, error: &SendError) -> InputError {
        match (error, to) {
            (SendError::UnknownRecipient(_), Recipient::One(name)) => {
                let online = self.client.roster();
                let names = online.iter().map(|entry| entry.user().as_str());
                InputError::UnknownRecipient { name: name.clone(), suggestion: most_like(name.as_str(), names) }
            }
            (SendError::ToOneself, _) => InputError::ToOneself,
            (SendError::Offline, _) => InputError::SessionOver,
            // The text is valid, so only limits remain.
            _ => InputError::QueueFull,
        }
    }

    /// Requests a password change. The conversation continues until the server answers.
    async fn change_password(&mut self, old: Password, new: Password) -> Result<Flow, CliError> {
        match self.password_change.begin(self.client.clone(), old, new) {
            Ok(()) => Ok(Flow::Continue),
            Err(error) => self.password_answered(Err(error)).await,
        }
    }

    pub(super) async fn password_answered(
        &mut self,
        answer: Result<(), ChangePasswordError>,
    ) -> Result<Flow, CliError> {
        match password_change::describe(answer) {
            Ok(notice) => self.ui.show(&notice.into()).await?,
            Err(error) => self.refuse(error, None).await?,
        }
        Ok(Flow::Continue)
    }

    async fn refuse(&mut self, error: InputError, reference: Option<String>) -> Result<(), CliError> {
        self.outcomes.add_failure();
        self.ui.show(&ViewEvent::Error { error, reference }).await
    }
}
