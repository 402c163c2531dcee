//! The whole program except its window, against a server on SQLite in this process.

use std::future::pending;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_cli::desktop::TrustChoice;
use chat_core::accounts::{NewStatus, Operator};
use chat_core::password::Password;
use chat_core::time::Timestamp;
use chat_desktop::model::conversation::{Partner, What};
use chat_desktop::model::exchange::Wish;
use chat_desktop::model::login::{Field, Form, Mode};
use chat_desktop::model::outcome::Mark;
use chat_desktop::model::password::PasswordField;
use chat_desktop::model::settings::Settings;
use chat_desktop::model::{Action, Model, Screen};
use chat_desktop::run::{Port, Runtime};
use chat_net::client::EndReason;
use chat_net::{Server, ServerHandle};
use tokio::runtime;

/// How long anything may take on a loaded machine before a story has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a thread of its own.
struct TestServer {
    handle: ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl TestServer {
    /// A server with its accounts in this folder, at a port of its own or at the port that it had.
    fn start(folder: &Path, address: &str) -> Self {
        let (data, url) = (folder.join("server"), format!("sqlite:{}", folder.join("accounts.sqlite").display()));
        let (ready, started) = std::sync::mpsc::channel();
        let address = address.to_owned();
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let accounts = chat_store::open(&url).await.unwrap();
                let server = Server::builder(accounts).data_dir(data).bind(address).await.unwrap();
                ready.send(server.handle()).unwrap();
                server.run_until(pending::<()>()).await.unwrap();
            });
        });
        Self { handle: started.recv_timeout(PATIENCE).unwrap(), thread: Some(thread) }
    }

    fn address(&self) -> String {
        self.handle.address().to_string()
    }

    fn stop(mut self) {
        self.handle.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A person at the program.
struct Person {
    model: Model,
    port: Port,
}

impl Person {
    fn new(folder: &Path, server: &str, name: &str) -> Self {
        Self::with(folder, server, name, pending(), || {})
    }

    /// As [`Self::new`], at a program that is asked to stop, and whose thread wakes a window.
    fn with(
        folder: &Path,
        server: &str,
        name: &str,
        stop: impl Future<Output = ()> + Send + 'static,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let known = folder.join(format!("known-servers-{name}"));
        let mut form = Form::new(known.clone(), TrustChoice::Known(known), None);
        form.server = server.to_owned();
        form.user = name.to_owned();
        form.own_address = "127.0.0.1:0".to_owned();
        Self { model: Model::new(form, Settings::default()), port: Runtime::start(stop, wake).unwrap().into_port() }
    }

    fn act(&mut self, action: Action) {
        for wish in self.model.act(action, Timestamp::from_millis(1)) {
            self.wish(wish);
        }
    }

    fn wish(&self, wish: Wish) {
        self.port.wishes.blocking_send(wish).unwrap();
    }

    /// Takes what happens until the model looks like this.
    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Model) -> bool) {
        let begun = Instant::now();
        while !is_so(&mut self.model) {
            assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}; {:#?}", self.model);
            match self.port.happenings.try_recv() {
                Ok(happening) => {
                    for wish in self.model.apply([happening], Timestamp::from_millis(1)) {
                        self.wish(wish);
                    }
                }
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        }
    }

    fn submit(&mut self, mode: Mode, password: &str) {
        self.model.form.set_mode(mode);
        for secret in [&mut self.model.form.password, &mut self.model.form.again] {
            secret.clear();
            secret.insert(0, password);
        }
        self.act(Action::Submit);
        assert!(self.model.form.is_busy, "{:?}", self.model.form);
    }

    /// Registers, and says that the fingerprint is the right one.
    fn register(&mut self) {
        self.submit(Mode::Register, "correct horse");
        self.until("the first meeting", |model| matches!(model.screen, Screen::FirstMeeting { .. }));
        self.act(Action::Trust(true));
        self.until("the chat", |model| model.screen == Screen::Chat);
    }

    fn log_in(&mut self, password: &str) {
        self.submit(Mode::LogIn, password);
        self.until("the chat", |model| model.screen == Screen::Chat && !model.form.is_busy);
    }

    fn say(&mut self, to: Partner, text: &str) {
        self.act(Action::Open(to));
        self.model.session.as_mut().unwrap().open_conversation().draft = text.to_owned();
        self.act(Action::Send);
    }

    fn until_online(&mut self, name: &str) {
        let user = name.parse().unwrap();
        self.until(&format!("{name} is online"), |model| model.session.as_ref().unwrap().roster.is_online(&user));
    }

    /// Waits for a line from somebody.
    fn until_said(&mut self, with: &Partner, wanted: &str) {
        self.until(wanted, |model| {
            let conversation = model.session.as_ref().unwrap().conversation(with);
            let mut lines = conversation.into_iter().flat_map(|conversation| conversation.lines());
            lines.any(|line| matches!(&line.what, What::From(_, text) if &**text == wanted))
        });
    }

    /// Waits until the last own line in a conversation has this mark.
    fn until_marked(&mut self, with: &Partner, wanted: &Mark) {
        self.until(&format!("{wanted:?}"), |model| {
            let conversation = model.session.as_ref().unwrap().conversation(with).unwrap();
            let mark = conversation.lines().iter().rev().find_map(|line| match &line.what {
                What::Own(_, state) => Some(state.mark()),
                _ => None,
            });
            mark.as_ref() == Some(wanted)
        });
    }
}

/// The current time: the server asks for accounts that changed since it asked last.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap())
}

fn partner(name: &str) -> Partner {
    Partner::One(name.parse().unwrap())
}

#[test]
fn text_goes_both_ways_also_while_the_server_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let address = server.address();
    let [mut alice, mut ming] = ["alice", "小明"].map(|name| Person::new(folder.path(), &address, name));
    alice.register();
    ming.register();
    alice.until_online("小明");
    alice.say(Partner::Everyone, "大家好");
    ming.until_said(&Partner::Everyone, "大家好");
    alice.until_marked(&Partner::Everyone, &Mark::Delivered { all: 1 });
    ming.say(partner("alice"), "hello\nalice");
    alice.until_said(&partner("小明"), "hello\nalice");
    ming.until_marked(&partner("alice"), &Mark::Delivered { all: 1 });
    let name = "小明".parse().unwrap();
    let way = |model: &Model| model.session.as_ref().unwrap().roster.get(&name).and_then(|person| person.way);
    alice.say(partner("小明"), "just us");
    alice.until("the way, and the time there and back", |model| {
        way(model).is_some_and(|way| !way.is_relayed && way.round_trip.is_some())
    });

    server.stop();
    alice.until("the connection broke", |model| model.session.as_ref().unwrap().is_stale());
    alice.say(partner("小明"), "the server is away");
    ming.until_said(&partner("alice"), "the server is away");
    let server = TestServer::start(folder.path(), &address);
    alice.until("the connection is back", |model| !model.session.as_ref().unwrap().is_stale());

    alice.act(Action::Close);
    alice.until("the goodbye", |model| model.closing == chat_desktop::model::Closing::Done);
    ming.until("alice left", |model| !model.session.as_ref().unwrap().roster.is_online(&"alice".parse().unwrap()));
    server.stop();
}

#[test]
fn wrong_inputs_stand_beside_their_fields_and_the_right_ones_follow() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let mut alice = Person::new(folder.path(), "127.0.0.1:1", "alice");
    alice.submit(Mode::LogIn, "correct horse");
    alice.until("nothing answers", |model| model.form.problem(Field::Server).is_some());
    alice.model.form.server = server.address();
    alice.register();
    alice.act(Action::GoOffline);
    alice.until("the log-in", |model| model.screen == Screen::LogIn);
    alice.submit(Mode::LogIn, "wrong horse");
    alice.until("a wrong password", |model| model.form.problem(Field::Password).is_some());
    let mut twin = Person::new(folder.path(), &server.address(), "Alice");
    twin.submit(Mode::Register, "correct horse");
    twin.until("the first meeting", |model| matches!(model.screen, Screen::FirstMeeting { .. }));
    twin.act(Action::Trust(false));
    twin.until("an untrusted server", |model| model.form.problem(Field::Server).is_some());
    twin.submit(Mode::Register, "correct horse");
    twin.until("the first meeting", |model| matches!(model.screen, Screen::FirstMeeting { .. }));
    twin.act(Action::Trust(true));
    twin.until("a name that is taken", |model| model.form.problem(Field::User).is_some());
    server.stop();
}

#[test]
fn a_changed_password_is_the_one_that_logs_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let mut alice = Person::new(folder.path(), &server.address(), "alice");
    alice.register();
    let form = &mut alice.model.session.as_mut().unwrap().password;
    for (secret, typed) in
        [(&mut form.old, "wrong horse"), (&mut form.new, "battery staple"), (&mut form.again, "battery staple")]
    {
        secret.insert(0, typed);
    }
    alice.act(Action::ChangePassword);
    alice.until("a wrong password", |model| {
        model.session.as_ref().unwrap().password.problem(PasswordField::Old).is_some()
    });
    alice.model.session.as_mut().unwrap().password.old.insert(0, "correct horse");
    let begun = Instant::now();
    // After a wrong password, the server wants a pause.
    while !alice.model.session.as_ref().unwrap().password.is_done {
        assert!(begun.elapsed() < PATIENCE, "{:#?}", alice.model);
        alice.act(Action::ChangePassword);
        alice.until("an answer", |model| !model.session.as_ref().unwrap().password.is_busy);
        thread::sleep(Duration::from_millis(100));
    }
    alice.act(Action::GoOffline);
    alice.until("the log-in", |model| model.screen == Screen::LogIn);
    alice.log_in("battery staple");
    server.stop();
}

#[test]
fn a_second_log_in_replaces_the_first_and_a_disabled_account_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let mut first = Person::new(folder.path(), &server.address(), "alice");
    first.register();
    first.say(Partner::Everyone, "to nobody");
    first.until_marked(&Partner::Everyone, &Mark::NobodyThere);
    let mut second = Person::new(folder.path(), &server.address(), "alice");
    second.log_in("correct horse");
    first.until("the end", |model| model.session.as_ref().unwrap().end == Some(EndReason::Replaced));
    first.act(Action::GoOffline);
    first.log_in("correct horse");
    assert_eq!(first.model.session.as_mut().unwrap().open_conversation().lines().len(), 1, "lines stay");

    let url = format!("sqlite:{}", folder.path().join("accounts.sqlite").display());
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let accounts = chat_store::open(&url).await.unwrap();
        accounts.set_status("alice".parse().unwrap(), NewStatus::Disabled, now()).await.unwrap();
    });
    first.until("the log-in", |model| model.screen == Screen::LogIn && model.form.problem(Field::Form).is_some());
    server.stop();
}

#[test]
fn a_password_that_was_changed_elsewhere_leads_back_to_the_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let mut alice = Person::new(folder.path(), &server.address(), "alice");
    alice.register();
    let url = format!("sqlite:{}", folder.path().join("accounts.sqlite").display());
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let accounts = chat_store::open(&url).await.unwrap();
        let new = Password::parse("battery staple").unwrap();
        accounts.set_password("alice".parse().unwrap(), new, now()).await.unwrap();
    });
    alice.until("the log-in", |model| model.screen == Screen::LogIn && model.form.problem(Field::Form).is_some());
    assert_eq!((alice.model.form.user.as_str(), alice.model.form.password.is_empty()), ("alice", true));
    alice.log_in("battery staple");
    server.stop();
}

#[test]
fn an_invitation_recognises_the_server_which_is_remembered_then() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let mut alice = Person::new(folder.path(), &server.address(), "alice");
    alice.submit(Mode::Register, "correct horse");
    alice.until("the first meeting", |model| matches!(model.screen, Screen::FirstMeeting { .. }));
    let Screen::FirstMeeting { shown, .. } = alice.model.screen else { unreachable!() };
    alice.act(Action::Trust(false));
    let invitation = |digits: &str| format!("chat-client {} --fingerprint {digits}", server.address());
    alice.until("the sentence", |model| model.form.problem(Field::Server).is_some());

    alice.model.form.server = invitation(&"00".repeat(32));
    alice.submit(Mode::Register, "correct horse");
    alice.until("another fingerprint", |model| model.form.problem(Field::ServerTrust).is_some());

    alice.model.form.server = invitation(&shown.to_string());
    alice.submit(Mode::Register, "correct horse");
    alice.until("the chat", |model| model.screen == Screen::Chat);
    alice.act(Action::GoOffline);
    alice.until("the log-in", |model| model.screen == Screen::LogIn);
    alice.model.form.server_trust.clear();
    alice.log_in("correct horse");
    server.stop();
}

#[test]
fn others_see_who_is_away_and_what_is_said_about_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let [mut alice, mut ming] = ["alice", "小明"].map(|name| Person::new(folder.path(), &server.address(), name));
    alice.register();
    alice.model.session.as_mut().unwrap().away_typed = "在开会".to_owned();
    alice.act(Action::GoAway);
    alice.until("alice is away", |model| model.session.as_ref().unwrap().own_away.is_some());
    ming.register();
    let alices: chat_core::name::UserName = "alice".parse().unwrap();
    let away = |model: &Model| {
        let person = model.session.as_ref().unwrap().roster.get(&alices);
        person.and_then(|person| person.away.as_ref().map(|away| away.as_str().to_owned()))
    };
    ming.until("alice is away from the start", |model| away(model).as_deref() == Some("在开会"));
    alice.act(Action::BeBack);
    ming.until("alice is back", |model| away(model).is_none());
    server.stop();
}

#[test]
fn what_is_not_a_chat_server_is_told_beside_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _gone = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let mut alice = Person::new(folder.path(), &address, "alice");
    alice.submit(Mode::LogIn, "correct horse");
    alice.until("the sentence", |model| model.form.problem(Field::Server).is_some());
    assert_eq!(alice.model.form.user, "alice");
}

#[test]
fn what_the_window_was_told_before_the_goodbye_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let [mut alice, mut ming] = ["alice", "小明"].map(|name| Person::new(folder.path(), &server.address(), name));
    alice.register();
    ming.register();
    alice.until_online("小明");
    ming.until_online("alice");
    alice.say(partner("小明"), "just in time");
    // The thread has told it, and the window has not looked yet.
    let begun = Instant::now();
    while ming.port.happenings.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "nothing arrives");
        thread::sleep(Duration::from_millis(2));
    }
    ming.act(Action::GoOffline);
    alice.until_marked(&partner("小明"), &Mark::Delivered { all: 1 });
    ming.until("the log-in", |model| model.screen == Screen::LogIn);
    assert_eq!(ming.model.session.as_mut().unwrap().conversation(&partner("alice")).unwrap().lines().len(), 1);
    server.stop();
}

#[test]
fn a_message_that_the_window_did_not_take_before_the_goodbye_is_not_delivered() {
    const LATE: usize = 30;
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let gate = Arc::new(Mutex::new(()));
    let waiting = Arc::clone(&gate);
    // The thread waits here while the gate is closed.
    let wake = move || drop(waiting.lock().unwrap());
    let mut ming = Person::with(folder.path(), &server.address(), "小明", pending(), wake);
    let mut alice = Person::new(folder.path(), &server.address(), "alice");
    ming.register();
    alice.register();
    alice.until_online("小明");
    ming.until_online("alice");
    let closed = gate.lock().unwrap();
    for number in 0..=LATE {
        alice.say(partner("小明"), &format!("message {number}"));
        if number == 0 {
            let begun = Instant::now();
            while ming.port.happenings.is_empty() {
                assert!(begun.elapsed() < PATIENCE, "nothing arrives");
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
    ming.act(Action::GoOffline);
    drop(closed);
    ming.until("the log-in", |model| model.screen == Screen::LogIn);
    let taken = ming.model.session.as_ref().unwrap().conversation(&partner("alice")).unwrap().lines().len();
    let marks = |model: &Model| -> Vec<Mark> {
        let conversation = model.session.as_ref().unwrap().conversation(&partner("小明")).unwrap();
        let own = conversation.lines().iter().filter_map(|line| match &line.what {
            What::Own(_, state) => Some(state.mark()),
            _ => None,
        });
        own.collect()
    };
    alice.until("all outcomes are known", |model| !marks(model).contains(&Mark::OnItsWay));
    let marks = marks(&alice.model);
    let delivered = marks.iter().filter(|mark| **mark == Mark::Delivered { all: 1 }).count();
    assert_eq!((marks.len(), delivered), (LATE + 1, taken), "{marks:?}");
    assert!(delivered < marks.len(), "some came too late");
    server.stop();
}

#[test]
fn a_request_to_stop_says_goodbye() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path(), "127.0.0.1:0");
    let (ask, asked) = tokio::sync::oneshot::channel();
    let stop = async { drop(asked.await) };
    let mut ming = Person::with(folder.path(), &server.address(), "小明", stop, || {});
    let mut alice = Person::new(folder.path(), &server.address(), "alice");
    ming.register();
    alice.register();
    alice.until_online("小明");
    ask.send(()).unwrap();
    // The window does not look: the thread says goodbye by itself.
    alice.until("小明 left", |model| !model.session.as_ref().unwrap().roster.is_online(&"小明".parse().unwrap()));
    ming.until("the window may go", |model| model.closing == chat_desktop::model::Closing::Done);
    server.stop();
}
