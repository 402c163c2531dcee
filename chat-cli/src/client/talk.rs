//! The conversation: what is typed goes out, what happens is shown, until one of the two ends.

use std::future::{Future, ready};
use std::pin::pin;
use std::time::Duration;

use chat_core::message::{Content, Message, Recipient};
use chat_core::password::Password;
use chat_net::client::{ChangePasswordError, Client, Event, Events, MessageToken, SendError};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::args::Format;
use super::fact::{Fact, Sent};
use super::form::Form;
use super::keyboard::{Console, Editing, Input};
use super::line::{Action, Say};
use super::notice::Notice;
use super::password_change::{self, PasswordChange};
use super::screen::{Batch, Screen};
use super::tally::Tally;
use super::{json_line, line};
use crate::error::{CliError, Exit};
use crate::input_error::{InputError, most_like};

/// How long outcomes are waited for after the end of the input: longer than a link takes to time out (45 s), so that
/// each of them is known.
pub const PATIENCE: Duration = Duration::from_secs(50);

/// After this long a wait deserves a word.
const SILENT_WAIT: Duration = Duration::from_secs(1);

/// How long leaving may take: the client says goodbye within 3 s, the rest is for a slow reader of our output.
const LEAVE_TIME: Duration = Duration::from_secs(5);

/// How long the answer about a password may take once the session is over, which has answered it.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// So many writes at the end show what is there already; a peer that goes on sending must not keep us.
const LAST_WRITES: usize = 16;

/// Events shown with one write: many, because each write waits for the screen; not all, so that senders of the first
/// need not wait for the last.
const EVENTS_PER_WRITE: usize = 256;

/// One conversation.
#[derive(Debug)]
pub struct Talk {
    client: Client,
    events: Events,
    screen: Screen,
    editing: Editing,
    form: Form,
    input: Format,
    tally: Tally,
    changing: PasswordChange,
    /// Whether people know already that the server is away: they are not told of every attempt to reach it.
    server: ServerSeen,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ServerSeen {
    Here,
    Away,
}

/// Whether the conversation goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    On,
    /// Leave, after waiting for outcomes.
    Finish,
    /// Leave at once.
    Quit,
    /// It is over: we left, or were ended by the server.
    Over(Ending),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ending {
    Left,
    ByServer,
}

impl Talk {
    /// Begins a conversation; `input` is the form of the lines that will come.
    pub fn new(client: Client, events: Events, console: &Console, form: Form, input: Format) -> Self {
        Self {
            client,
            events,
            screen: console.screen.clone(),
            editing: console.editing(),
            form,
            input,
            tally: Tally::default(),
            changing: PasswordChange::default(),
            server: ServerSeen::Here,
        }
    }

    /// Talks until the input ends, the server ends the session, or `stop` resolves; then leaves.
    ///
    /// # Errors
    /// The output cannot be written. The session was left all the same.
    pub async fn run(
        mut self,
        input: &mut mpsc::Receiver<Input>,
        stop: impl Future<Output = ()>,
    ) -> Result<Exit, CliError> {
        let mut stop = pin!(stop);
        let result = tokio::select! {
            result = self.until_end(input) => result,
            () = &mut stop => Ok(Flow::Quit),
        };
        self.editing.close();
        let result = match result {
            Ok(Flow::Over(ending)) => Ok(Flow::Over(ending)),
            Ok(_) => timeout(LEAVE_TIME, self.leave()).await.unwrap_or(Ok(Flow::Over(Ending::Left))),
            Err(error) => {
                // Nobody reads any more what happens; the others are told that we go.
                let _goodbye = timeout(LEAVE_TIME, self.client.clone().leave()).await;
                if error.is_quiet() { Ok(Flow::Over(Ending::Left)) } else { Err(error) }
            }
        };
        let over = result?;
        // The end of the session has answered it.
        if self.changing.is_under_way()
            && let Ok(answer) = timeout(ANSWER_TIME, self.changing.answered()).await
        {
            self.password_changed(answer).await?;
        }
        match over {
            Flow::Over(Ending::ByServer) => Ok(Exit::NotThere),
            _ => Ok(self.tally.exit()),
        }
    }

    async fn until_end(&mut self, input: &mut mpsc::Receiver<Input>) -> Result<Flow, CliError> {
        self.welcome().await?;
        loop {
            let flow = tokio::select! {
                event = self.events.next() => self.happened(event).await?,
                input = input.recv(), if self.tally.has_room() => match input {
                    Some(input) => self.typed(input).await?,
                    None => Flow::Finish,
                },
                result = self.changing.answered() => self.password_changed(result).await?,
            };
            match flow {
                Flow::On => {}
                Flow::Finish => return self.finish().await,
                Flow::Quit | Flow::Over(_) => return Ok(flow),
            }
        }
    }

    async fn welcome(&self) -> Result<(), CliError> {
        let online = self.client.roster().await;
        let (user, session, at) = (self.client.user(), self.client.session(), self.client.login_time());
        let mut batch = Batch::default();
        self.form.add(&Fact::Welcome { user, session, at, online: &online }, &mut batch);
        self.write(batch).await
    }

    /// Waits until no outcome is outstanding and no answer about a password, but not for ever.
    async fn finish(&mut self) -> Result<Flow, CliError> {
        let mut end = pin!(sleep(PATIENCE));
        let mut word = pin!(sleep(SILENT_WAIT));
        let mut said = false;
        while self.tally.outstanding() > 0 || self.changing.is_under_way() {
            let flow = tokio::select! {
                event = self.events.next() => self.happened(event).await?,
                result = self.changing.answered() => self.password_changed(result).await?,
                () = &mut word, if !said && self.tally.outstanding() > 0 => {
                    said = true;
                    self.show(&Fact::Notice(&Notice::Waiting { outcomes: self.tally.outstanding() })).await?;
                    Flow::On
                }
                () = &mut end => break,
            };
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        // A reader of the output that is stuck does not keep us.
        timeout(LEAVE_TIME, self.catch_up()).await.unwrap_or(Ok(Flow::Finish))
    }

    /// Shows what is there already, so that its senders are told that it was taken.
    async fn catch_up(&mut self) -> Result<Flow, CliError> {
        for _ in 0..LAST_WRITES {
            let event = tokio::select! {
                biased;
                event = self.events.next() => event,
                () = ready(()) => break,
            };
            let flow = self.happened(event).await?;
            if flow != Flow::On {
                return Ok(flow);
            }
        }
        Ok(Flow::Finish)
    }

    /// Leaves, and shows what is told until then.
    async fn leave(&mut self) -> Result<Flow, CliError> {
        let mut leave = pin!(self.client.clone().leave());
        let mut left = false;
        loop {
            let shown = tokio::select! {
                // First, so that the others are told that we go, however long the output takes.
                biased;
                () = &mut leave, if !left => {
                    left = true;
                    continue;
                }
                answer = self.changing.answered() => self.password_changed(answer).await,
                event = self.events.next() => self.happened(event).await,
            };
            match shown {
                Ok(flow @ Flow::Over(_)) => return Ok(flow),
                Ok(_) => {}
                Err(error) => {
                    // Nobody reads any more what happens; the others are told all the same that we go.
                    if !left {
                        leave.as_mut().await;
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Shows an event and what else has happened by now, and says which messages were taken: those whose lines are
    /// written.
    async fn happened(&mut self, first: Option<Event>) -> Result<Flow, CliError> {
        let (mut batch, mut taken) = (Batch::default(), Vec::new());
        let mut next = first;
        let mut flow = Flow::On;
        for left in (0..EVENTS_PER_WRITE).rev() {
            let Some(event) = next else {
                flow = Flow::Over(Ending::Left);
                break;
            };
            flow = self.add(event, &mut batch, &mut taken);
            // What is taken off the queue has to be shown.
            if flow != Flow::On || left == 0 {
                break;
            }
            next = tokio::select! {
                biased;
                event = self.events.next() => event,
                () = ready(()) => break,
            };
        }
        if matches!(flow, Flow::Over(_)) {
            // The program is about to end, maybe before the editor shows what it is given.
            self.editing.close();
        }
        self.write(batch).await?;
        for token in taken {
            self.client.accept(token);
        }
        Ok(flow)
    }

    fn add(&mut self, event: Event, batch: &mut Batch, taken: &mut Vec<MessageToken>) -> Flow {
        match event {
            Event::Presence(event) => self.form.add(&Fact::Presence(&event), batch),
            Event::Message { message, token } => self.message(&message, token, batch, taken),
            Event::Report(report) => {
                let sent = self.tally.outcome(&report);
                self.form.add(&Fact::Outcome { report: &report, sent: sent.as_ref() }, batch);
            }
            Event::Summary { id, delivered, others } => {
                // A line that nobody was there for was told as that.
                if let Some(sent) = self.tally.summary(id) {
                    let fact = Fact::Summary { id, delivered, failed: &others, sent: &sent };
                    self.form.add(&fact, batch);
                }
            }
            Event::Notice(notice) => self.notice(notice.into(), batch),
            Event::Ended(reason) => {
                self.form.add(&Fact::Notice(&reason.into()), batch);
                return Flow::Over(Ending::ByServer);
            }
            Event::Left => return Flow::Over(Ending::Left),
        }
        Flow::On
    }

    fn notice(&mut self, notice: Notice, batch: &mut Batch) {
        let before = self.server;
        match notice {
            Notice::Reconnecting { .. } => self.server = ServerSeen::Away,
            Notice::Reconnected => self.server = ServerSeen::Here,
            _ => {}
        }
        let is_known = before == ServerSeen::Away && self.server == ServerSeen::Away;
        let is_again = is_known && matches!(notice, Notice::Reconnecting { .. });
        if !(is_again && matches!(self.form, Form::Text(_))) {
            self.form.add(&Fact::Notice(&notice), batch);
        }
    }

    /// Texts are shown; bytes are for programs that know what they mean, so their sender is told that this one does not.
    fn message(&self, message: &Message, token: MessageToken, batch: &mut Batch, taken: &mut Vec<MessageToken>) {
        match &message.content {
            Content::Text(text) => {
                self.form.add(&Fact::Message { message, text, me: self.client.user() }, batch);
                taken.push(token);
            }
            Content::Bytes(_) => self.client.refuse(token),
        }
    }

    async fn typed(&mut self, input: Input) -> Result<Flow, CliError> {
        let line = match input {
            Input::Passwords { old, new } => return self.change_password(old, new).await,
            Input::Line(line) => line,
        };
        let action = line.map_err(|error| (error, None)).and_then(|line| match self.input {
            Format::Text => line::parse(&line).map_err(|error| (error, None)),
            Format::Json => json_line::parse(&line),
        });
        match action {
            Ok(Action::Say(say)) => self.say(say).await?,
            Ok(Action::Who) => {
                let online = self.client.roster().await;
                self.show(&Fact::Roster(&online)).await?;
            }
            // Where passwords can be typed, they come as such.
            Ok(Action::ChangePassword) => self.wrong(InputError::NoTerminal, None).await?,
            Ok(Action::Help) => self.show(&Fact::Notice(&Notice::Help)).await?,
            Ok(Action::Leave) => return Ok(Flow::Finish),
            Err((error, reference)) => self.wrong(error, reference).await?,
        }
        Ok(Flow::On)
    }

    async fn say(&mut self, say: Say) -> Result<(), CliError> {
        let Say { to, text, reference } = say;
        match self.client.send(to.clone(), Content::Text(text.clone())).await {
            Ok(chat_net::client::Sent { recipients: 0, .. }) => {
                self.tally.nobody_there();
                self.show(&Fact::Notice(&Notice::NobodyThere { reference })).await
            }
            Ok(chat_net::client::Sent { id, recipients, at }) => {
                self.tally.sent(id, recipients, text.as_str().len(), Sent::new(to.clone(), &text));
                self.show(&Fact::Sent { id, to: &to, recipients, at, reference: reference.as_deref() }).await
            }
            Err(error) => {
                let error = self.explain(&to, &error).await;
                self.wrong(error, reference).await
            }
        }
    }

    /// What was wrong with a line that was not accepted.
    async fn explain(&self, to: &Recipient, error: &SendError) -> InputError {
        use chat_core::peer::SendError as Refused;
        match (error, to) {
            (SendError::NotQueued(Refused::UnknownRecipient(_)), Recipient::One(name)) => {
                let online = self.client.roster().await;
                let names = online.iter().map(|entry| entry.user.as_str());
                InputError::UnknownRecipient { name: name.clone(), suggestion: most_like(name.as_str(), names) }
            }
            (SendError::NotQueued(Refused::ToOneself), _) => InputError::ToOneself,
            (SendError::NotQueued(Refused::Leaving) | SendError::Offline, _) => InputError::SessionOver,
            // The text was checked, so what is left are the bounds.
            (SendError::NotQueued(_) | SendError::OutcomesUnread, _) => InputError::QueueFull,
        }
    }

    /// Begins it: messages come and go while the server thinks.
    async fn change_password(&mut self, old: Password, new: Password) -> Result<Flow, CliError> {
        match self.changing.begin(self.client.clone(), old, new) {
            Ok(()) => Ok(Flow::On),
            Err(error) => self.password_changed(Err(error)).await,
        }
    }

    async fn password_changed(&mut self, result: Result<(), ChangePasswordError>) -> Result<Flow, CliError> {
        match password_change::outcome(result) {
            Ok(notice) => self.show(&Fact::Notice(&notice)).await?,
            Err(error) => self.wrong(error, None).await?,
        }
        Ok(Flow::On)
    }

    async fn wrong(&mut self, error: InputError, reference: Option<String>) -> Result<(), CliError> {
        self.tally.failed();
        self.show(&Fact::Error { error: &error, reference: reference.as_deref() }).await
    }

    async fn show(&self, fact: &Fact<'_>) -> Result<(), CliError> {
        let mut batch = Batch::default();
        self.form.add(fact, &mut batch);
        self.write(batch).await
    }

    async fn write(&self, batch: Batch) -> Result<(), CliError> {
        self.screen.write(batch).await.map_err(|error| CliError::output(&error))
    }
}
