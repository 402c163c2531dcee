//! Executes what is typed.

use chat_core::away::AwayText;
use chat_core::message::Recipient;
use chat_core::password::Password;
use chat_core::text::Text;
use chat_net::client::{ChangePasswordError, SendError};

use super::{Conversation, Flow};
use crate::client::input::Input;
use crate::client::last_message::LastMessage;
use crate::client::line::{Action, Draft};
use crate::client::prompt::RowId;
use crate::client::{json_line, line, password_change};
use crate::error::CliError;
use crate::format::Format;
use crate::input_error::{InputError, most_like};
use crate::view::{Link, Notice, RecipientPresence, SentMessage, ViewEvent};

impl Conversation {
    pub(super) async fn typed(&mut self, input: Input) -> Result<Flow, CliError> {
        let (line, row) = match input {
            Input::Passwords { old, new } => return self.change_password(old, new).await,
            Input::Line { text, row } => (text, row),
        };
        let action = line.map_err(|error| (error, None)).and_then(|line| match self.input {
            Format::Text => line::parse(&line).map_err(|error| (error, None)),
            Format::Json => json_line::parse(&line),
        });
        match action {
            Ok(Action::Say(text)) => self.say(text, row).await?,
            Ok(Action::Send(draft)) => self.send(draft, row).await?,
            Ok(Action::Reply(text)) => self.reply(text, row).await?,
            Ok(Action::ChooseRecipient(to)) => self.choose_recipient(to).await?,
            Ok(Action::Info) => match &self.last_message {
                Some(last) => self.ui.show(&last.info()).await?,
                None => self.refuse(InputError::NothingSent, None).await?,
            },
            Ok(Action::Resend) => self.resend().await?,
            Ok(Action::Who) => {
                let links = self.client.links().await;
                let links = links.iter().map(|status| (status.user().clone(), Link::from(status))).collect();
                let roster = ViewEvent::roster(&self.client.roster(), &links, &self.troubles);
                self.ui.show(&roster).await?;
            }
            Ok(Action::Ignore(user)) => {
                let answer = self.ignored.add(user, self.client.user());
                self.answer(answer).await?;
            }
            Ok(Action::Unignore(user)) => {
                let answer = self.ignored.remove(user);
                self.answer(answer).await?;
            }
            Ok(Action::ListIgnored) => self.ui.show(&self.ignored.list().into()).await?,
            // The line editor clears the screen itself.
            Ok(Action::Clear) => self.refuse(InputError::NoScreen, None).await?,
            Ok(Action::SetAway { away, reference }) => self.set_away(away, reference).await?,
            // At a terminal, the passwords arrive as `Input::Passwords` instead.
            Ok(Action::ChangePassword) => self.refuse(InputError::NoTerminal, None).await?,
            Ok(Action::Help) => self.ui.show(&Notice::Help.into()).await?,
            Ok(Action::Leave) => return Ok(Flow::Finish),
            Err((error, reference)) => self.refuse(error, reference).await?,
        }
        Ok(Flow::Continue)
    }

    /// Sends a line without a command. If its recipient is not online, it goes to nobody.
    async fn say(&mut self, text: Text, row: Option<RowId>) -> Result<(), CliError> {
        if let Recipient::One(name) = &self.recipient
            && self.client.roster().get(name).is_none()
        {
            let name = name.clone();
            return self.refuse(InputError::RecipientOffline { name }, None).await;
        }
        self.send(Draft { to: self.recipient.clone(), text, reference: None }, row).await
    }

    async fn reply(&mut self, text: Text, row: Option<RowId>) -> Result<(), CliError> {
        match self.last_private.clone() {
            Some(user) => self.send(Draft { to: Recipient::One(user), text, reference: None }, row).await,
            None => self.refuse(InputError::NothingToAnswer, None).await,
        }
    }

    /// Chooses where lines without a command go. A user who is not online can be chosen: if that were an error, lines that
    /// are typed ahead for this user would go to everyone.
    async fn choose_recipient(&mut self, to: Recipient) -> Result<(), CliError> {
        let presence = match &to {
            Recipient::One(user) if user == self.client.user() => {
                return self.refuse(InputError::ToOneself, None).await;
            }
            Recipient::One(user) if self.client.roster().get(user).is_none() => RecipientPresence::Absent,
            _ => RecipientPresence::Online,
        };
        self.recipient = to.clone();
        self.ui.show_recipient(&to).await?;
        self.ui.show(&Notice::LinesTo { to, presence }.into()).await
    }

    /// Shows what a command has done.
    async fn answer(&mut self, answer: Result<Notice, InputError>) -> Result<(), CliError> {
        match answer {
            Ok(notice) => self.ui.show(&notice.into()).await,
            Err(error) => self.refuse(error, None).await,
        }
    }

    /// Tells everybody that the user is away or back.
    async fn set_away(&mut self, away: Option<AwayText>, reference: Option<String>) -> Result<(), CliError> {
        match self.client.set_away(away.clone()).await {
            Ok(()) => {
                let notice = match away {
                    Some(away) => Notice::Away { away, reference },
                    None => Notice::Back { reference },
                };
                self.ui.show(&notice.into()).await
            }
            Err(error) => self.refuse(InputError::AwayNotSet(error), reference).await,
        }
    }

    /// Says that the recipient of a private message is away: once, until the recipient is back or away with another text.
    async fn tell_away(&mut self, to: &Recipient) -> Result<(), CliError> {
        let Recipient::One(name) = to else { return Ok(()) };
        let roster = self.client.roster();
        let Some((user, away)) = roster.get(name).and_then(|entry| Some((entry.user().clone(), entry.away()?))) else {
            return Ok(());
        };
        if self.told_away.insert(user.clone()) {
            self.ui.show(&Notice::PeerAway { user, away }.into()).await?;
        }
        Ok(())
    }

    async fn send(&mut self, draft: Draft, row: Option<RowId>) -> Result<(), CliError> {
        let Draft { to, text, reference } = draft;
        let roster = self.client.roster();
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
                self.last_message = Some(LastMessage::new(id, to.clone(), text.clone(), at, roster));
                let sent = ViewEvent::Sent { id, to: to.clone(), recipients, at, reference };
                self.ui.show_sent(&sent, &text, row).await?;
                self.tell_away(&to).await
            }
            Err(error) => {
                let error = self.explain(&to, &error);
                self.refuse(error, reference).await
            }
        }
    }

    /// Sends the last message again to those for whom it certainly failed, each in private. Never to those who may have it.
    async fn resend(&mut self) -> Result<(), CliError> {
        let Some(last) = &mut self.last_message else { return self.refuse(InputError::NothingSent, None).await };
        let failed = last.failed();
        if failed.is_empty() {
            return self.refuse(InputError::NothingToResend, None).await;
        }
        let (mut users, mut not_sent, unconfirmed) = (Vec::new(), Vec::new(), last.unconfirmed());
        for user in failed {
            let to = Recipient::One(user.clone());
            match self.client.send(to.clone(), last.text.clone()).await {
                Ok(copy) => {
                    last.sent_again(&user, copy.id());
                    let sent = SentMessage::new(to.clone(), &last.text);
                    self.outcomes.add_message(copy.id(), copy.recipients(), last.text.as_str().len(), sent);
                    let (id, recipients, at) = (copy.id(), copy.recipients(), copy.at());
                    drop(copy);
                    self.ui.show(&ViewEvent::Sent { id, to, recipients, at, reference: None }).await?;
                    users.push(user);
                }
                Err(_) => not_sent.push(user),
            }
        }
        let excerpt = last.as_sent().excerpt;
        self.ui.show(&Notice::Resent { users, not_sent, unconfirmed, excerpt }.into()).await
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
