//! What the window shows, as plain values: [`Model::apply`] takes what happened, [`Model::act`] what the user did, and both
//! return what is wished for.

mod action;
pub mod conversation;
pub mod exchange;
pub mod heights;
pub mod login;
pub mod outcome;
pub mod password;
pub mod roster;
pub mod secret;
pub mod server;
pub mod session;
pub mod settings;
mod spelling;

use std::net::SocketAddr;

use chat_cli::texts::Sentence;
use chat_core::name::UserName;
use chat_core::time::Timestamp;
use chat_net::address::ServerAddress;
use chat_net::client::{ConnectError, EndReason, Event};

pub use self::action::{Action, Closing, Screen, Side};
use self::conversation::Partner;
use self::exchange::{Happening, People, Wish};
use self::login::{Field, Form, Mode};
use self::session::Session;
use self::settings::Settings;

/// Everything that the window shows.
#[derive(Debug)]
pub struct Model {
    /// What fills the window.
    pub screen: Screen,
    /// The form of the log-in.
    pub form: Form,
    /// The session, which stays after its end until another one begins.
    pub session: Option<Session>,
    /// How far the end of the program is.
    pub closing: Closing,
    /// The panel at the side of the session, if one is open.
    pub side: Option<Side>,
    /// The settings of the window.
    pub settings: Settings,
    /// Why the settings were not kept.
    pub settings_problem: Option<String>,
    /// Why a server was not forgotten.
    pub forget_problem: Option<Sentence>,
}

impl Model {
    /// A window that asks to log in.
    pub const fn new(form: Form, settings: Settings) -> Self {
        let (screen, closing) = (Screen::LogIn, Closing::No);
        Self {
            screen,
            form,
            session: None,
            closing,
            side: None,
            settings,
            settings_problem: None,
            forget_problem: None,
        }
    }

    /// Applies what happened. Messages that are now in the model are to be accepted.
    pub fn apply(&mut self, happenings: impl IntoIterator<Item = Happening>, now: Timestamp) -> Vec<Wish> {
        let (mut messages, mut reports) = (0, 0);
        for happening in happenings {
            match &happening {
                Happening::Message { .. } => messages += 1,
                Happening::Event(event) => reports += usize::from(matches!(**event, Event::Report(_))),
                _ => {}
            }
            self.apply_one(happening, now);
        }
        self.see_notices();
        let accept = (messages > 0).then_some(Wish::Accept(messages));
        let has_waited = self.closing == Closing::Asking && self.pending() == 0;
        let close = if has_waited { self.close() } else { None };
        let ask = if messages + reports > 0 { self.ask_way() } else { None };
        accept.into_iter().chain(close).chain(ask).collect()
    }

    /// Asks for the way to the partner of the open conversation until it is known. A first direct way is not an event.
    fn ask_way(&self) -> Option<Wish> {
        let session = self.session.as_ref()?;
        let Partner::One(user) = &session.open else { return None };
        if session.end.is_some() {
            return None;
        }
        let person = session.roster.get(user).filter(|person| person.is_online)?;
        let is_known = person.way.is_some_and(|way| way.round_trip.is_some());
        (!is_known).then(|| Wish::AskWay(user.clone()))
    }

    /// Whether there is a server to say goodbye to.
    fn has_session(&self) -> bool {
        self.screen == Screen::Chat && self.session.as_ref().is_some_and(|session| session.end.is_none())
    }

    fn pending(&self) -> usize {
        self.session.as_ref().map_or(0, Session::pending)
    }

    fn apply_one(&mut self, happening: Happening, now: Timestamp) {
        match happening {
            Happening::FirstMeeting { server, shown } => self.screen = Screen::FirstMeeting { server, shown },
            Happening::NotLoggedIn(error) => self.not_logged_in(*error, now),
            Happening::Welcome { server, user, people, own_addresses } => {
                self.welcome(server, user, people, own_addresses);
            }
            Happening::NotForgotten(error) => self.not_forgotten(*error),
            Happening::Servers(servers) => self.form.servers = servers,
            Happening::AwaySet { away, result } => {
                if let Some(session) = &mut self.session {
                    session.away_set(away, result);
                }
            }
            Happening::FileRead { partner, text } => {
                if let Some(session) = &mut self.session {
                    session.take_file(partner, text);
                }
            }
            Happening::People(people) => {
                if let Some(session) = &mut self.session {
                    session.set_people(people);
                }
            }
            Happening::Queued { line, id, recipients, at } => {
                if let Some(session) = &mut self.session {
                    session.queued(line, id, recipients, at);
                }
            }
            Happening::NotSent { line, error } => {
                if let Some(session) = &mut self.session {
                    session.not_sent(line, error);
                }
            }
            Happening::Message { from, scope, content, at } => {
                if let Some(session) = &mut self.session {
                    session.receive(from, scope, &content, at);
                }
            }
            Happening::Way { user, way } => {
                if let Some(session) = &mut self.session {
                    session.set_way(user, way, now);
                }
            }
            Happening::PasswordAnswer(answer) => {
                if let Some(session) = &mut self.session {
                    session.password.answer(answer);
                }
            }
            Happening::SettingsNotSaved(error) => self.settings_problem = Some(error),
            Happening::StopRequested => {
                self.closing = if self.has_session() { Closing::Leaving } else { Closing::Done };
            }
            Happening::Event(event) => self.event(*event, now),
        }
    }

    /// Where the user sees it: in the settings, and in the form.
    fn not_forgotten(&mut self, error: ConnectError) {
        let sentence = Sentence::about(error);
        if self.screen == Screen::LogIn {
            self.form.show(Field::Form, sentence);
        } else {
            self.forget_problem = Some(sentence);
        }
    }

    fn not_logged_in(&mut self, error: ConnectError, now: Timestamp) {
        self.screen = match &error {
            ConnectError::FingerprintChanged { server, known, shown } => {
                Screen::OtherKey { server: server.clone(), known: *known, shown: *shown }
            }
            _ => Screen::LogIn,
        };
        self.form.refuse(error, now);
    }

    fn welcome(&mut self, server: ServerAddress, user: UserName, people: People, own_addresses: Vec<SocketAddr>) {
        self.form.is_busy = false;
        self.form.retry_at = None;
        self.form.password.clear();
        self.form.again.clear();
        self.form.mode = Mode::LogIn;
        self.screen = Screen::Chat;
        self.close_outcomes();
        match &mut self.session {
            Some(session) if session.server == server && session.user == user => {
                session.begin_again(people, own_addresses);
            }
            session => *session = Some(Session::new(server, user, people, own_addresses)),
        }
        if let Some(session) = &mut self.session {
            session.reach = self.form.reach;
        }
    }

    fn event(&mut self, event: Event, now: Timestamp) {
        match &event {
            Event::Left if self.closing == Closing::Leaving => self.closing = Closing::Done,
            Event::Left => self.screen = Screen::LogIn,
            // An account that was disabled or got another password leads to nothing but the log-in.
            Event::Ended(reason @ EndReason::Kicked) => {
                self.screen = Screen::LogIn;
                self.form.show(Field::Form, Sentence::about(*reason));
            }
            _ => {}
        }
        if matches!(event, Event::Ended(_)) && self.closing == Closing::Leaving {
            self.closing = Closing::Done;
        }
        if let Some(session) = &mut self.session {
            session.apply(event, now);
        }
    }

    /// Applies what the user did.
    pub fn act(&mut self, action: Action, now: Timestamp) -> Vec<Wish> {
        match action {
            Action::SendAgain(line) => {
                self.session.as_mut().map_or_else(Vec::new, |session| session.send_again(line, now))
            }
            action => self.act_once(action, now).into_iter().collect(),
        }
    }

    fn act_once(&mut self, action: Action, now: Timestamp) -> Option<Wish> {
        match action {
            Action::LeftField(field) => self.form.check(field),
            Action::ChangedField(field) => self.form.changed(field),
            Action::SetMode(mode) => self.form.set_mode(mode),
            Action::ChooseServer(server) => self.form.choose(&server),
            Action::Submit => return self.submit(now),
            Action::Cancel => {
                self.form.is_busy = false;
                self.screen = Screen::LogIn;
                return Some(Wish::Cancel);
            }
            Action::Trust(is_right) => {
                self.screen = Screen::LogIn;
                return Some(Wish::Trust(is_right));
            }
            Action::Back => self.screen = Screen::LogIn,
            Action::ForgetKey => {
                if let Screen::OtherKey { server, .. } = &self.screen {
                    let server = server.clone();
                    let wish = self.forget(server);
                    self.screen = Screen::LogIn;
                    self.form.clear(Field::Form);
                    return Some(wish);
                }
            }
            Action::ForgetServer(server) => return Some(self.forget(server)),
            Action::RetryNow => return self.session.as_ref()?.retry_now(),
            Action::GoAway => return self.session.as_mut()?.go_away(),
            Action::BeBack => return Some(Wish::SetAway(None)),
            Action::DropFile(path) => {
                let partner = self.session.as_ref()?.open.clone();
                return Some(Wish::ReadFile { partner, path });
            }
            Action::Open(partner) => return self.open(partner),
            Action::OpenNextUnread => {
                let partner = self.session.as_ref()?.next_unread()?;
                return self.open(partner);
            }
            Action::Send => return self.session.as_mut().and_then(|session| session.send(now)),
            Action::Read => {
                if let Some(session) = &mut self.session {
                    session.open_conversation().read();
                }
            }
            Action::GoOffline => {
                if self.session.as_ref().is_some_and(|session| session.end.is_none()) {
                    return Some(Wish::Leave);
                }
                self.screen = Screen::LogIn;
            }
            Action::ShowSide(side) => {
                self.side = Some(side);
                self.see_notices();
            }
            Action::CloseSide => self.side = None,
            // [`Self::act`] does this, because it has several wishes.
            Action::SendAgain(_) => {}
            Action::ClearNotices => {
                if let Some(session) = &mut self.session {
                    session.clear_notices();
                }
            }
            Action::SetSettings(settings) => {
                self.settings = settings;
                self.settings_problem = None;
                let file = self.settings.file.clone()?;
                return Some(Wish::SaveSettings { file, text: self.settings.to_text() });
            }
            Action::ChangePassword => return self.session.as_mut()?.password.submit(),
            Action::Close => return self.close(),
            Action::Stay => self.closing = Closing::No,
            Action::LeaveNow if self.has_session() => {
                self.closing = Closing::Leaving;
                return Some(Wish::Leave);
            }
            // The session ended meanwhile, so there is nobody to say goodbye to.
            Action::LeaveNow => self.closing = Closing::Done,
        }
        None
    }

    /// Notices that come while their panel is open are seen.
    const fn see_notices(&mut self) {
        if let (Some(Side::Notices), Some(session)) = (self.side, &mut self.session) {
            session.see_notices();
        }
    }

    /// Shows a conversation, for which the time there and back is measured again.
    fn open(&mut self, partner: Partner) -> Option<Wish> {
        self.close_outcomes();
        let session = self.session.as_mut()?;
        session.open(partner.clone());
        match partner {
            Partner::One(user) if session.end.is_none() && session.roster.is_online(&user) => Some(Wish::AskWay(user)),
            _ => None,
        }
    }

    fn forget(&mut self, server: ServerAddress) -> Wish {
        self.forget_problem = None;
        Wish::Forget { known_servers: self.form.known_servers.clone(), server }
    }

    /// The lines of an open panel belong to the conversation that is left.
    const fn close_outcomes(&mut self) {
        if matches!(self.side, Some(Side::Outcomes(_))) {
            self.side = None;
        }
    }

    fn submit(&mut self, now: Timestamp) -> Option<Wish> {
        if self.form.is_busy || self.form.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        let login = self.form.submit()?;
        self.form.is_busy = true;
        self.form.retry_at = None;
        Some(Wish::LogIn(Box::new(login)))
    }

    fn close(&mut self) -> Option<Wish> {
        if !self.has_session() {
            self.closing = Closing::Done;
            return None;
        }
        if self.pending() > 0 && self.closing == Closing::No {
            self.closing = Closing::Asking;
            return None;
        }
        self.closing = Closing::Leaving;
        Some(Wish::Leave)
    }
}

#[cfg(test)]
mod tests;
