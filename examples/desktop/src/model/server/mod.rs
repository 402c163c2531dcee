//! What the window of a server shows, as plain values: [`ServerModel::apply`] takes what happened, [`ServerModel::act`] what
//! the operator did, and both return what is wished for.

pub mod accounts;
mod action;
pub mod arrivals;
pub mod exchange;
pub mod form;
pub mod registration;
pub mod settings;

use std::collections::BTreeSet;

use chat_cli::server_desktop::{HostFacts, HostStatus};
use chat_cli::texts::Sentence;
use chat_core::accounts::NewStatus;
use chat_core::name::UserName;
use chat_core::presence::{Presence, Record};
use chat_core::time::Timestamp;

use self::accounts::{AccountForm, AccountList, Dialog};
pub use self::action::{Action, Closing, Phase, Tab};
use self::arrivals::Arrivals;
use self::exchange::{AccountChange, Happening, OnlineUser, Wish};
use self::form::{Field, StartForm};
use self::registration::Registration;
use self::settings::Remembered;
use super::settings::Settings;

/// Everything that the window shows.
#[derive(Debug)]
pub struct ServerModel {
    /// How far the server is.
    pub phase: Phase,
    /// The form that starts the server.
    pub form: StartForm,
    /// Who may register.
    pub registration: Registration,
    /// The running server.
    pub running: Option<Running>,
    /// Arrivals and departures. They stay when the server stops.
    pub arrivals: Arrivals,
    /// Who is online, sorted by name.
    pub online: Vec<OnlineUser>,
    /// The accounts.
    pub accounts: AccountList,
    /// What fills the right part of the window while the server runs.
    pub tab: Tab,
    /// What is asked above everything else.
    pub dialog: Option<Dialog>,
    /// Theme and size of the text.
    pub look: Settings,
    /// Whether the settings are open.
    pub shows_settings: bool,
    /// Why the settings were not kept.
    pub settings_problem: Option<String>,
    /// How far the end of the program is.
    pub closing: Closing,
    online_names: BTreeSet<UserName>,
}

/// A running server.
#[derive(Debug)]
pub struct Running {
    /// What others need to know to join.
    pub facts: HostFacts,
    /// When it started.
    pub since: Timestamp,
    /// Its numbers, once they were read.
    pub status: Option<Box<HostStatus>>,
}

impl ServerModel {
    /// A window before the first start.
    pub fn new(form: StartForm, registration: Registration, look: Settings) -> Self {
        Self {
            phase: Phase::Stopped,
            form,
            registration,
            running: None,
            arrivals: Arrivals::default(),
            online: Vec::new(),
            accounts: AccountList::default(),
            tab: Tab::Arrivals,
            dialog: None,
            look,
            shows_settings: false,
            settings_problem: None,
            closing: Closing::No,
            online_names: BTreeSet::new(),
        }
    }

    /// Whether a user is online.
    pub fn is_online(&self, user: &UserName) -> bool {
        self.online_names.contains(user)
    }

    /// Applies what happened.
    pub fn apply(&mut self, happenings: impl IntoIterator<Item = Happening>, now: Timestamp) -> Vec<Wish> {
        happenings.into_iter().flat_map(|happening| self.apply_one(happening, now)).collect()
    }

    fn apply_one(&mut self, happening: Happening, now: Timestamp) -> Vec<Wish> {
        match happening {
            Happening::NotStarted(error) => {
                self.phase = Phase::Stopped;
                self.form.refuse(error);
                self.end_closing();
            }
            Happening::Running(facts) => return self.started(*facts, now),
            Happening::Stopped(problem) => self.stopped(problem),
            Happening::Records { records, left_out } => return self.records(records, left_out),
            Happening::Status(status) => {
                if let Some(running) = &mut self.running {
                    running.status = Some(status);
                }
            }
            Happening::Online(online) => {
                self.online_names = online.iter().map(|online| online.user.clone()).collect();
                self.online = online;
            }
            Happening::Accounts(accounts) => self.accounts.set(accounts),
            Happening::Changed(result) => {
                self.accounts.is_changing = false;
                match &mut self.dialog {
                    Some(Dialog::Account(form)) if form.is_busy => form.answer(result),
                    _ => self.accounts.result = Some(result.map_err(|problem| problem.sentence)),
                }
                return self.list();
            }
            Happening::Code(code) => {
                self.registration.code = Some(code);
                return self.apply_registration();
            }
            Happening::Suggested(password) => {
                if let Some(Dialog::Account(form)) = &mut self.dialog
                    && !form.is_busy
                {
                    form.suggest(&password);
                }
            }
            Happening::SettingsNotSaved(error) => self.settings_problem = Some(error),
            Happening::StopRequested => self.stop_requested(),
        }
        Vec::new()
    }

    fn started(&mut self, facts: HostFacts, now: Timestamp) -> Vec<Wish> {
        self.phase = Phase::Running;
        self.running = Some(Running { facts, since: now, status: None });
        if self.closing == Closing::Stopping {
            // The window was closed while the server started.
            self.phase = Phase::Stopping;
            return vec![Wish::Stop];
        }
        self.tab = Tab::Arrivals;
        let mut wishes = self.save();
        wishes.extend(self.list());
        wishes
    }

    fn stopped(&mut self, problem: Option<Sentence>) {
        self.phase = Phase::Stopped;
        self.running = None;
        self.online.clear();
        self.online_names.clear();
        self.accounts = AccountList::default();
        self.dialog = None;
        if let Some(problem) = problem {
            self.form.show(Field::Form, problem);
        }
        self.end_closing();
    }

    /// The thread stops the server without a question, because the system does not wait for an answer.
    fn stop_requested(&mut self) {
        self.dialog = None;
        match self.phase {
            Phase::Running | Phase::Stopping => {
                (self.phase, self.closing) = (Phase::Stopping, Closing::Stopping);
            }
            Phase::Stopped | Phase::Starting => self.closing = Closing::Done,
        }
    }

    const fn end_closing(&mut self) {
        if matches!(self.closing, Closing::Stopping) {
            self.closing = Closing::Done;
        }
    }

    fn records(&mut self, records: Vec<Record>, left_out: usize) -> Vec<Wish> {
        // A user whom the list lacks has just registered.
        let is_new = |record: &Record| match record {
            Record::Presence(event) if matches!(event.presence, Presence::Online(_)) => {
                !self.accounts.contains(&event.user)
            }
            _ => false,
        };
        let lists =
            self.tab == Tab::Accounts && !self.accounts.has_more && (left_out > 0 || records.iter().any(is_new));
        self.arrivals.add(records, left_out);
        if lists { self.list() } else { Vec::new() }
    }

    /// Asks for the list of accounts, unless it is on its way.
    fn list(&mut self) -> Vec<Wish> {
        if self.phase != Phase::Running || self.accounts.is_listing {
            return Vec::new();
        }
        self.accounts.is_listing = true;
        vec![Wish::List]
    }

    /// Applies what the operator did.
    pub fn act(&mut self, action: Action) -> Vec<Wish> {
        match action {
            Action::LeftField(field) => self.form.check(field),
            Action::ChangedField(field) => self.form.clear(field),
            Action::SetDatabase(database) => self.form.set_database(database),
            Action::SetRegistration(choice) => {
                self.registration.choice = choice;
                return self.apply_registration();
            }
            Action::NewCode => return vec![Wish::NewCode],
            Action::Start => return self.start(),
            Action::Cancel => {
                if self.phase == Phase::Starting {
                    self.phase = Phase::Stopped;
                    return vec![Wish::Cancel];
                }
            }
            Action::Stop => return self.stop(),
            Action::Show(tab) => {
                self.tab = tab;
                self.accounts.result = None;
                if tab == Tab::Accounts {
                    return self.list();
                }
            }
            Action::Refresh => return self.list(),
            Action::SetStatus(user, status) => return self.change(AccountChange::SetStatus(user, status)),
            Action::Add => self.dialog = Some(Dialog::Account(AccountForm::default())),
            Action::Reset(user) => {
                self.dialog = Some(Dialog::Account(AccountForm::of(user)));
            }
            Action::Remove(user) => self.dialog = Some(Dialog::Remove { user, frees_name: false }),
            Action::FreeName(frees) => {
                if let Some(Dialog::Remove { frees_name, .. }) = &mut self.dialog {
                    *frees_name = frees;
                }
            }
            Action::ChangedAccount(field) => {
                if let Some(Dialog::Account(form)) = &mut self.dialog {
                    form.clear(field);
                }
            }
            Action::Suggest => return vec![Wish::Suggest],
            Action::Confirm => return self.confirm(),
            Action::Dismiss => self.dialog = None,
            Action::ShowSettings(shows) => self.shows_settings = shows,
            Action::SetLook(look) => {
                self.look = look;
                return self.save();
            }
            Action::Close => return self.close(),
        }
        Vec::new()
    }

    fn start(&mut self) -> Vec<Wish> {
        if self.phase != Phase::Stopped {
            return Vec::new();
        }
        // The code is on its way: it is made when the choice falls on it.
        let Some(policy) = self.registration.policy() else { return vec![Wish::NewCode] };
        let Some(settings) = self.form.submit(policy) else { return Vec::new() };
        self.phase = Phase::Starting;
        vec![Wish::Start(Box::new(settings))]
    }

    fn stop(&mut self) -> Vec<Wish> {
        match self.phase {
            Phase::Running => {
                self.phase = Phase::Stopping;
                self.dialog = None;
                vec![Wish::Stop]
            }
            _ => Vec::new(),
        }
    }

    /// Puts the choice of who may register into effect, and keeps it.
    fn apply_registration(&mut self) -> Vec<Wish> {
        let Some(policy) = self.registration.policy() else { return vec![Wish::NewCode] };
        let mut wishes = self.save();
        if self.phase == Phase::Running {
            wishes.push(Wish::SetRegistration(policy));
        }
        wishes
    }

    fn change(&mut self, change: AccountChange) -> Vec<Wish> {
        if self.phase != Phase::Running || self.accounts.is_changing {
            return Vec::new();
        }
        self.accounts.is_changing = true;
        self.accounts.result = None;
        vec![Wish::Change(change)]
    }

    fn confirm(&mut self) -> Vec<Wish> {
        match &mut self.dialog {
            Some(Dialog::Account(form)) if form.done.is_some() => self.dialog = None,
            Some(Dialog::Account(form)) if !form.is_busy => {
                if let Some(change) = form.submit() {
                    return self.change(change);
                }
            }
            Some(Dialog::Remove { user, frees_name }) => {
                let status = if *frees_name { NewStatus::RemovedAndFreed } else { NewStatus::Removed };
                let change = AccountChange::SetStatus(user.clone(), status);
                self.dialog = None;
                return self.change(change);
            }
            Some(Dialog::Close) => {
                self.dialog = None;
                self.closing = Closing::Stopping;
                return self.stop();
            }
            Some(Dialog::Account(_)) | None => {}
        }
        Vec::new()
    }

    fn close(&mut self) -> Vec<Wish> {
        match self.phase {
            Phase::Stopped => self.closing = Closing::Done,
            Phase::Running if matches!(self.dialog, Some(Dialog::Close)) => return self.confirm(),
            Phase::Running => self.dialog = Some(Dialog::Close),
            Phase::Starting => {
                self.closing = Closing::Done;
                return vec![Wish::Cancel];
            }
            Phase::Stopping => self.closing = Closing::Stopping,
        }
        Vec::new()
    }

    /// Keeps the settings, if they have a file.
    fn save(&mut self) -> Vec<Wish> {
        let Some(file) = self.look.file.clone() else { return Vec::new() };
        self.settings_problem = None;
        let folder = self.form.folder.trim();
        let remembered = Remembered {
            look: self.look.clone(),
            address: Some(self.form.address.trim().to_owned()).filter(|address| !address.is_empty()),
            folder: (!folder.is_empty()).then(|| folder.into()),
            database: self.form.database,
            registration: self.registration.clone(),
        };
        vec![Wish::SaveSettings { file, text: remembered.to_text() }]
    }
}

#[cfg(test)]
mod tests;
