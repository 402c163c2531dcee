//! The whole program except its window, with a server on SQLite and clients of the library.

use std::ffi::OsString;
use std::future::pending;
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use chat_cli::server_desktop::ServerDesktopOptions;
use chat_cli::texts::{Localised, ServerWindowSentence as S, Texts};
use chat_core::accounts::{NewStatus, Status};
use chat_core::presence::{OfflineReason, Presence, Record};
use chat_core::time::Timestamp;
use chat_desktop::model::secret::Secret;
use chat_desktop::model::server::accounts::{AccountField, Dialog};
use chat_desktop::model::server::arrivals::Line;
use chat_desktop::model::server::exchange::{Happening, Wish};
use chat_desktop::model::server::form::{DatabaseKind, Field, StartForm};
use chat_desktop::model::server::registration::{Choice, Registration};
use chat_desktop::model::server::{Action, Closing, Phase, ServerModel, Tab};
use chat_desktop::model::settings::Settings;
use chat_desktop::run::{Port, Runtime};
use chat_net::Client;
use chat_net::client::{ConnectError, EndReason, Event, Notice, RejectionKind};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::stage::user;

/// How long anything may take on a loaded machine before a story has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// An operator at the program.
struct Operator {
    model: ServerModel,
    port: Port<Wish, Happening>,
    thread: thread::JoinHandle<()>,
}

impl Operator {
    /// With a data folder of its own, at a port that the system chooses.
    fn new(folder: &Path) -> Self {
        Self::with(folder, pending())
    }

    /// As [`Self::new`], at a program that is asked to stop.
    fn with(folder: &Path, stop: impl Future<Output = ()> + Send + 'static) -> Self {
        let args = ["chat-server-desktop"].map(OsString::from);
        let options = ServerDesktopOptions::from_args(&args, &Texts::default()).unwrap();
        let mut form = StartForm::new(Some(folder.join("data")), None);
        form.address = "127.0.0.1:0".to_owned();
        let (port, thread) = Runtime::start_server(options, stop, || {}).unwrap().into_parts();
        let settings = Settings { file: Some(folder.join("settings")), ..Settings::default() };
        Self { model: ServerModel::new(form, Registration::default(), settings), port, thread }
    }

    fn started(folder: &Path) -> Self {
        let mut operator = Self::new(folder);
        operator.start();
        operator
    }

    fn start(&mut self) {
        self.act(Action::Start);
        self.until("the server runs", |model| model.phase == Phase::Running);
    }

    /// Starts, and waits until the start was refused beside this field. Returns the sentence.
    fn refused(&mut self, field: Field) -> String {
        self.act(Action::Start);
        self.until(&format!("{field:?} is wrong"), |model| model.form.problem(field).is_some());
        assert_eq!(self.model.phase, Phase::Stopped);
        self.model.form.problem(field).unwrap().text(&Texts::default())
    }

    fn act(&mut self, action: Action) {
        let wishes = self.model.act(action);
        self.wish(wishes);
    }

    fn wish(&self, wishes: Vec<Wish>) {
        for wish in wishes {
            self.port.wishes.blocking_send(wish).unwrap();
        }
    }

    /// Takes what happens until the model looks like this.
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut ServerModel) -> bool) {
        let begun = Instant::now();
        while !is_so(&mut self.model) {
            assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; {:#?}", self.model);
            match self.port.happenings.try_recv() {
                Ok(happening) => {
                    let wishes = self.model.apply([happening], Timestamp::from_millis(1));
                    self.wish(wishes);
                }
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn until_record(&mut self, name: &str, wanted: fn(Presence) -> bool) {
        let name = user(name);
        self.until(&format!("a record of {name}"), |model| {
            model.arrivals.lines().iter().any(|line| {
                matches!(line, Line::Record(Record::Presence(event)) if event.user == name && wanted(event.presence))
            })
        });
    }

    fn until_changed(&mut self, wanted: &S) {
        self.until(&format!("{wanted:?}"), |model| matches!(&model.accounts.result, Some(Ok(done)) if done == wanted));
    }

    fn until_listed(&mut self, name: &str, status: Status) {
        self.until(&format!("{name} is {status:?}"), |model| {
            model.accounts.rows().iter().any(|row| row.name == name && row.account.status == status)
        });
    }

    fn stop(&mut self) {
        self.act(Action::Stop);
        self.until("the server has stopped", |model| model.phase == Phase::Stopped);
    }

    /// A client of the running server.
    fn builder(&self) -> chat_net::client::ClientBuilder {
        let facts = &self.model.running.as_ref().unwrap().facts;
        let server = facts.addresses[0].to_string();
        Client::builder(server)
            .fingerprint(facts.fingerprint)
            .unwrap()
            .udp("127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap())
    }
}

fn runtime() -> runtime::Runtime {
    runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Waits for the end of a session.
async fn ended(client: &mut Client) -> EndReason {
    loop {
        match tokio::time::timeout(PATIENCE, client.next()).await.expect("the session ends in time") {
            Some(Event::Ended(reason)) => return reason,
            Some(_) => {}
            None => panic!("the session ended without a reason"),
        }
    }
}

fn type_into(secret: &mut Secret, text: &str) {
    secret.clear();
    secret.insert(0, text);
}

#[test]
fn arrivals_appear_and_a_disabled_account_is_kicked() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let mut operator = Operator::started(folder.path());
    let mut alice = runtime.block_on(operator.builder().register("alice", "correct horse")).unwrap();
    operator.until_record("alice", |presence| matches!(presence, Presence::Online(_)));
    operator.until("alice is online", |model| model.is_online(&user("alice")) && model.online.len() == 1);
    operator.until("the numbers", |model| {
        let status = model.running.as_ref().unwrap().status.as_ref();
        status.is_some_and(|status| (status.online(), status.logins()) == (1, 1))
    });
    operator.act(Action::Show(Tab::Accounts));
    operator.until_listed("alice", Status::Active);
    operator.act(Action::SetStatus(user("alice"), NewStatus::Disabled));
    operator.until_changed(&S::Changed { user: "alice".to_owned(), status: NewStatus::Disabled });
    operator.until_listed("alice", Status::Disabled);
    assert_eq!(runtime.block_on(ended(&mut alice)), EndReason::Kicked);
    operator.until_record("alice", |presence| presence == Presence::Offline(OfflineReason::Kicked));
    operator.until("nobody is online", |model| model.online.is_empty());
    operator.act(Action::SetStatus(user("alice"), NewStatus::Active));
    operator.until_listed("alice", Status::Active);
    runtime.block_on(operator.builder().login("alice", "correct horse")).unwrap();
}

#[test]
fn a_new_password_logs_in_and_a_removed_account_does_not() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let mut operator = Operator::started(folder.path());
    operator.act(Action::Show(Tab::Accounts));
    operator.act(Action::Add);
    let Some(Dialog::Account(form)) = &mut operator.model.dialog else { panic!() };
    form.user = "小明".to_owned();
    type_into(&mut form.password, "correct horse");
    operator.act(Action::Confirm);
    operator.until_listed("小明", Status::Active);
    operator.act(Action::Dismiss);
    operator.act(Action::Reset(user("小明")));
    operator.act(Action::Suggest);
    operator.until("a suggestion", |model| matches!(&model.dialog, Some(Dialog::Account(form)) if form.is_suggested));
    let Some(Dialog::Account(form)) = &operator.model.dialog else { panic!() };
    let suggested = form.password.as_str().to_owned();
    operator.act(Action::Confirm);
    operator.until(
        "the password is set",
        |model| matches!(&model.dialog, Some(Dialog::Account(form)) if form.done.is_some()),
    );
    let mut client = runtime.block_on(operator.builder().login("小明", suggested.as_str())).unwrap();
    operator.act(Action::Dismiss);
    operator.act(Action::Add);
    let Some(Dialog::Account(form)) = &mut operator.model.dialog else { panic!() };
    form.user = "小明".to_owned();
    type_into(&mut form.password, "correct horse");
    operator.act(Action::Confirm);
    operator.until(
        "the name is taken",
        |model| matches!(&model.dialog, Some(Dialog::Account(form)) if form.problem(AccountField::User).is_some()),
    );
    operator.act(Action::Dismiss);
    operator.act(Action::Remove(user("小明")));
    operator.act(Action::Confirm);
    operator.until_listed("小明", Status::Removed);
    assert_eq!(runtime.block_on(ended(&mut client)), EndReason::Kicked);
    let refused = runtime.block_on(operator.builder().login("小明", suggested.as_str())).unwrap_err();
    assert!(matches!(refused, ConnectError::Rejected(why) if why.kind() == RejectionKind::WrongCredentials));
}

#[test]
fn a_stop_says_goodbye_and_accounts_fingerprint_and_choices_outlive_it() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let mut operator = Operator::started(folder.path());
    let fingerprint = operator.model.running.as_ref().unwrap().facts.fingerprint;
    let client = runtime.block_on(operator.builder().register("alice", "correct horse")).unwrap();
    operator.act(Action::SetRegistration(Choice::Invited));
    operator.until("a code", |model| model.registration.code.is_some());
    let code = operator.model.registration.code.clone().unwrap();
    // The change counts once the thread has taken it.
    operator.act(Action::Refresh);
    operator.until("a list", |model| !model.accounts.is_listing);
    let uninvited = runtime.block_on(operator.builder().register("bob", "correct horse")).unwrap_err();
    assert!(matches!(uninvited, ConnectError::Rejected(why) if why.kind() == RejectionKind::NotInvited));
    let invited = operator.builder().invitation(code.clone()).unwrap();
    let bob = runtime.block_on(invited.register("bob", "correct horse")).unwrap();
    operator.stop();
    let line = operator.model.arrivals.lines().back().cloned();
    assert!(matches!(line, Some(Line::Record(Record::Stopping(_)))), "{line:?}");
    drop((client, bob));

    operator.start();
    let facts = &operator.model.running.as_ref().unwrap().facts;
    assert_eq!(facts.fingerprint, fingerprint);
    assert_eq!(facts.folder, folder.path().join("data"));
    runtime.block_on(operator.builder().login("alice", "correct horse")).unwrap();
    let uninvited = runtime.block_on(operator.builder().register("carol", "correct horse")).unwrap_err();
    assert!(matches!(uninvited, ConnectError::Rejected(why) if why.kind() == RejectionKind::NotInvited));
    let kept = std::fs::read_to_string(folder.path().join("settings")).unwrap();
    assert!(kept.contains("registration = invited") && kept.contains(code.expose()), "{kept}");

    operator.act(Action::Close);
    operator.act(Action::Confirm);
    operator.until("the window may go", |model| model.closing == Closing::Done);
    let Operator { port, thread, .. } = operator;
    drop(port);
    thread.join().unwrap();
}

#[test]
fn what_is_taken_or_unusable_stands_beside_its_field_and_the_right_input_follows() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut operator = Operator::new(folder.path());
    operator.model.form.address = taken.local_addr().unwrap().to_string();
    let sentence = operator.refused(Field::Address);
    assert!(sentence.contains("the address is in use; choose another port"), "{sentence}");
    // An address of the documentation (RFC 5737), which no machine has.
    operator.model.form.address = "192.0.2.1:7777".to_owned();
    let sentence = operator.refused(Field::Address);
    assert!(sentence.contains("not an address of this machine; 0.0.0.0"), "{sentence}");
    operator.model.form.address = "127.0.0.1:0".to_owned();

    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    operator.model.form.folder = file.join("data").display().to_string();
    let sentence = operator.refused(Field::Folder);
    assert!(sentence.contains("cannot be used") && sentence.contains("choose a folder of your own"), "{sentence}");

    let mut first = Operator::started(folder.path());
    operator.model.form.folder.clear();
    let sentence = operator.refused(Field::Folder);
    assert!(sentence.contains("in use by another server") && sentence.contains("; stop that server"), "{sentence}");
    first.stop();

    operator.model.form.set_database(DatabaseKind::Url);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    type_into(&mut operator.model.form.url, &format!("mysql://ann:hush@{nobody}/chat"));
    let sentence = operator.refused(Field::Database);
    assert!(sentence.contains("does not answer") && !sentence.contains("hush"), "{sentence}");
    assert!(operator.model.form.url.as_str().contains("hush"), "what was typed stays");
    std::fs::write(folder.path().join("data/chat.sqlite"), "this is not a database, and long enough to be read as one")
        .unwrap();
    operator.model.form.set_database(DatabaseKind::InFolder);
    let sentence = operator.refused(Field::Database);
    assert!(sentence.contains("chat.sqlite"), "{sentence}");
    std::fs::remove_file(folder.path().join("data/chat.sqlite")).unwrap();
    operator.start();
}

#[test]
fn a_start_can_be_given_up_while_the_database_hangs() {
    let folder = tempfile::tempdir().unwrap();
    // It accepts connections and never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut operator = Operator::new(folder.path());
    operator.model.form.set_database(DatabaseKind::Url);
    type_into(&mut operator.model.form.url, &format!("mysql://ann:hush@{}/chat", silent.local_addr().unwrap()));
    operator.act(Action::Start);
    assert_eq!(operator.model.phase, Phase::Starting);
    operator.act(Action::Cancel);
    operator.model.form.set_database(DatabaseKind::InFolder);
    operator.start();
}

#[test]
fn a_request_to_stop_says_goodbye_to_the_clients() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let (ask, asked) = oneshot::channel();
    let mut operator = Operator::with(folder.path(), async { drop(asked.await) });
    operator.start();
    let mut client = runtime.block_on(operator.builder().register("alice", "correct horse")).unwrap();
    ask.send(()).unwrap();
    // A server that says nothing is noticed a minute later.
    let said = async {
        loop {
            if let Some(Event::Notice(Notice::Reconnecting { .. })) = client.next().await {
                return;
            }
        }
    };
    runtime.block_on(async { tokio::time::timeout(PATIENCE / 2, said).await }).expect("the goodbye arrives");
    operator.until("the window may go", |model| model.closing == Closing::Done);
    let line = operator.model.arrivals.lines().back().cloned();
    assert!(matches!(line, Some(Line::Record(Record::Stopping(_)))), "{line:?}");
}

#[test]
fn a_stop_right_after_the_start_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut operator = Operator::new(folder.path());
    for _ in 0..3 {
        operator.start();
        operator.stop();
    }
}

#[test]
fn a_window_that_does_not_look_keeps_nobody_from_stopping_the_server() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let mut operator = Operator::started(folder.path());
    // Each answer is a happening, and nobody takes them.
    while operator.port.happenings.len() < operator.port.happenings.max_capacity() {
        operator.port.wishes.try_send(Wish::Suggest).ok();
        thread::sleep(Duration::from_millis(1));
    }
    let alice = runtime.block_on(operator.builder().register("alice", "correct horse")).unwrap();
    drop(alice);
    operator.stop();
}

#[test]
fn accounts_are_in_mariadb_and_wrong_credentials_stand_beside_the_url() {
    let (folder, runtime) = (tempfile::tempdir().unwrap(), runtime());
    let database = runtime.block_on(chat_store::testing::mysql());
    let url = database.url_text();
    let (user, rest) = url.strip_prefix("mysql://").unwrap().split_once('@').unwrap();
    let name = user.split(':').next().unwrap();
    let mut operator = Operator::new(folder.path());
    operator.model.form.set_database(DatabaseKind::Url);
    type_into(&mut operator.model.form.url, &format!("mysql://{name}:hushhush@{rest}"));
    let sentence = operator.refused(Field::Database);
    assert!(sentence.contains("password") && !sentence.contains("hushhush"), "{sentence}");
    type_into(&mut operator.model.form.url, url);
    operator.start();
    let facts = &operator.model.running.as_ref().unwrap().facts;
    assert!(facts.database.starts_with("mysql://"), "{}", facts.database);
    runtime.block_on(operator.builder().register("alice", "correct horse")).unwrap();
    operator.act(Action::Show(Tab::Accounts));
    operator.until_listed("alice", Status::Active);
    operator.stop();
    assert!(!folder.path().join("data/chat.sqlite").exists(), "the accounts are elsewhere");
    let kept = std::fs::read_to_string(folder.path().join("settings")).unwrap();
    assert!(kept.contains("database = url") && !kept.contains("mysql"), "the URL has a password: {kept}");
}
