//! The conversation: sends what is typed and shows what happens, until the input or the session ends.

mod input;
mod output;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, ready};
use std::mem;
use std::pin::pin;
use std::time::Duration;

use chat_core::message::Recipient;
use chat_core::name::UserName;
use chat_net::client::{ClientHandle, Events, ReachMode};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use self::ways::Ways;
use super::ignored::Ignored;
use super::input::Input;
use super::last_message::LastMessage;
use super::outcomes::Outcomes;
use super::password_change::PasswordChange;
use super::task::EndOfInput;
use super::ui::Ui;
use crate::error::{CliError, Exit};
use crate::format::Format;
use crate::terminal;
use crate::texts::{Sentence, Texts};
use crate::view::{LinkTrouble, OnlineUser, ViewEvent};

/// How long to wait for outcomes after the end of the input: longer than a link takes to time out (45 s), so that every
/// outcome becomes known.
pub const OUTCOME_WAIT: Duration = Duration::from_secs(50);

/// The time after which a wait for outcomes is announced.
const SILENT_WAIT: Duration = Duration::from_secs(1);

/// How often the announcement at a terminal is renewed, which counts seconds.
const WAITING_INTERVAL: Duration = Duration::from_secs(1);

/// How long leaving may take. The client needs at most 3 s; the rest is for a slow reader of the output.
const LEAVE_TIME: Duration = Duration::from_secs(5);

/// How long to wait for the answer to a password change after the session has ended. The end of the session resolves
/// the request.
const ANSWER_TIME: Duration = Duration::from_millis(500);

/// The most writes before leaving, so that a peer that keeps sending cannot delay the end.
const LAST_WRITES: usize = 16;

/// A client in conversation with others.
#[derive(Debug)]
pub struct Conversation {
    client: ClientHandle,
    events: Events,
    ui: Ui,
    input: Format,
    input_state: InputState,
    end_of_input: EndOfInput,
    outcomes: Outcomes,
    password_change: PasswordChange,
    server: ServerState,
    /// Where lines without a command go.
    recipient: Recipient,
    /// The sender of the last private message.
    last_private: Option<UserName>,
    ignored: Ignored,
    last_message: Option<LastMessage>,
    /// The users that are online and to whom messages do not arrive.
    troubles: BTreeMap<UserName, LinkTrouble>,
    /// The users who are away, and of whom a notice has said so.
    told_away: BTreeSet<UserName>,
    /// Which ways this client uses.
    reach: ReachMode,
    ways: Ways,
}

/// What the client has read from the input so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum InputState {
    /// Nothing.
    Unused,
    /// At least one line.
    Used,
    /// The end of the input.
    Ended,
}

/// Whether the user knows that the connection to the server is broken. Text output then omits further attempts to
/// reconnect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum ServerState {
    Connected,
    Disconnected,
}

/// What the conversation does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Flow {
    /// Continue.
    Continue,
    /// Wait for outcomes, then leave.
    Finish,
    /// Leave immediately.
    Quit,
    /// Stop. The session is over.
    Stop(End),
}

/// Who ended the session.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    User,
    Server,
}

impl Conversation {
    /// Prepares a conversation. `input` is the format of the lines that will be typed.
    pub fn new(
        client: ClientHandle,
        events: Events,
        ui: Ui,
        input: Format,
        end_of_input: EndOfInput,
        reach: ReachMode,
    ) -> Self {
        Self {
            client,
            events,
            ui,
            input,
            input_state: InputState::Unused,
            end_of_input,
            outcomes: Outcomes::default(),
            password_change: PasswordChange::default(),
            server: ServerState::Connected,
            recipient: Recipient::Everyone,
            last_private: None,
            ignored: Ignored::default(),
            last_message: None,
            troubles: BTreeMap::new(),
            told_away: BTreeSet::new(),
            reach,
            ways: Ways::default(),
        }
    }

    /// Runs until the input ends (except with [`EndOfInput::Stay`]), the server ends the session, or `stop` resolves.
    /// Then leaves.
    ///
    /// # Errors
    /// The output cannot be written. The client leaves in this case too.
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
        self.ui.close_prompt();
        let end = match result {
            Ok(Flow::Stop(end)) => end,
            Ok(_) => timeout(LEAVE_TIME, self.leave()).await.unwrap_or(Ok(End::User))?,
            Err(error) => {
                // The output is gone, but the others still receive the goodbye.
                let _timed_out = timeout(LEAVE_TIME, self.client.clone().leave()).await;
                if !error.is_quiet() {
                    return Err(error);
                }
                End::User
            }
        };
        if self.password_change.is_pending()
            && let Ok(answer) = timeout(ANSWER_TIME, self.password_change.answer()).await
        {
            self.password_answered(answer).await?;
        }
        match end {
            End::Server => Ok(Exit::NotThere),
            End::User => Ok(self.outcomes.exit()),
        }
    }

    async fn until_end(&mut self, input: &mut mpsc::Receiver<Input>) -> Result<Flow, CliError> {
        self.welcome().await?;
        loop {
            let flow = tokio::select! {
                event = self.events.next() => self.show_events(event).await?,
                input = input.recv(), if self.input_state != InputState::Ended && self.outcomes.has_room() => match input {
                    Some(input) => {
                        self.input_state = InputState::Used;
                        self.typed(input).await?
                    }
                    None => self.input_ended().await?,
                },
                answer = self.password_change.answer() => self.password_answered(answer).await?,
                () = self.ui.crowd_due() => {
                    self.ui.show_crowd().await?;
                    Flow::Continue
                }
                () = self.ways.due() => self.tell_ways().await?,
            };
            match flow {
                Flow::Continue => {}
                Flow::Finish => return self.finish().await,
                Flow::Quit | Flow::Stop(_) => return Ok(flow),
            }
        }
    }

    async fn input_ended(&mut self) -> Result<Flow, CliError> {
        let state = mem::replace(&mut self.input_state, InputState::Ended);
        if self.end_of_input == EndOfInput::Stay {
            return Ok(Flow::Continue);
        }
        // Someone at a terminal ends the input on purpose.
        if state == InputState::Unused && !terminal::is_interactive() {
            // A service manager also starts a client without input, and its log shows this line.
            self.ui.advise(&Sentence::from(|texts: &Texts| texts.say().note_nothing_sent())).await;
        }
        Ok(Flow::Finish)
    }

    async fn welcome(&mut self) -> Result<(), CliError> {
        let online = self.client.roster();
        let welcome = ViewEvent::Welcome {
            user: self.client.user().clone(),
            session: self.client.session(),
            at: self.client.login_time(),
            online: online.iter().map(OnlineUser::from).collect(),
        };
        self.ui.show(&welcome).await
    }

    /// Waits until no outcome and no password change is outstanding, but at most [`OUTCOME_WAIT`].
    async fn finish(&mut self) -> Result<Flow, CliError> {
        let begin = Instant::now();
        let mut end = pin!(sleep_until(begin + OUTCOME_WAIT));
        let mut due = interval_at(begin + SILENT_WAIT, WAITING_INTERVAL);
        due.set_missed_tick_behavior(MissedTickBehavior::Skip);
        // The outcomes of which the user knows that the client waits for them.
        let mut announced = None;
        self.ui.show_crowd().await?;
        while self.outcomes.outstanding() > 0 || self.password_change.is_pending() {
            let mut is_due = false;
            let flow = tokio::select! {
                event = self.events.next() => self.show_events(event).await?,
                answer = self.password_change.answer() => self.password_answered(answer).await?,
                () = self.ways.due() => self.tell_ways().await?,
                _ = due.tick() => {
                    is_due = true;
                    Flow::Continue
                }
                () = &mut end => break,
            };
            if flow != Flow::Continue {
                return Ok(flow);
            }
            let outstanding = self.outcomes.outstanding();
            let has_changed = announced.is_some_and(|announced| announced != outstanding);
            if outstanding > 0 && (is_due || has_changed) {
                let left = OUTCOME_WAIT.saturating_sub(begin.elapsed());
                self.ui.show_waiting(outstanding, left, announced.is_none()).await?;
                announced = Some(outstanding);
            }
        }
        if announced.is_some() {
            self.ui.end_waiting().await?;
        }
        // A reader of the output that hangs must not delay the end.
        timeout(LEAVE_TIME, self.show_waiting_events()).await.unwrap_or(Ok(Flow::Finish))
    }

    /// Shows the events that have already arrived, so that the senders of these messages learn that they were accepted.
    async fn show_waiting_events(&mut self) -> Result<Flow, CliError> {
        for _ in 0..LAST_WRITES {
            let event = tokio::select! {
                biased;
                event = self.events.next() => event,
                () = ready(()) => break,
            };
            let flow = self.show_events(event).await?;
            if flow != Flow::Continue {
                return Ok(flow);
            }
        }
        Ok(Flow::Finish)
    }

    /// Leaves, and shows the events until the session has ended.
    async fn leave(&mut self) -> Result<End, CliError> {
        let mut leave = pin!(self.client.clone().leave());
        let mut left = false;
        loop {
            let shown = tokio::select! {
                // First, so that slow output does not delay the goodbye to the others.
                biased;
                () = &mut leave, if !left => {
                    left = true;
                    continue;
                }
                answer = self.password_change.answer() => self.password_answered(answer).await,
                event = self.events.next() => self.show_events(event).await,
            };
            match shown {
                Ok(Flow::Stop(end)) => return Ok(end),
                Ok(_) => {}
                Err(error) => {
                    // The output is gone, but the others still receive the goodbye.
                    if !left {
                        leave.as_mut().await;
                    }
                    return Err(error);
                }
            }
        }
    }
}
