//! The screens of a server.

use std::net::SocketAddr;

use chat_cli::server_desktop::{DatabaseUrl, HostError, HostFacts, HostStatus, Reach, StartAdvice, StartPart};
use chat_cli::texts::{Sentence, ServerWindowSentence as S};
use chat_core::accounts::{ListedAccount, Status};
use chat_core::id::AccountId;
use chat_core::invitation::InvitationCode;
use chat_core::password::Password;
use chat_core::presence::{OfflineReason, Presence, PresenceEvent, Record};
use chat_desktop::model::server::accounts::Dialog;
use chat_desktop::model::server::exchange::{Accounts, Happening, OnlineUser};
use chat_desktop::model::server::form::{DatabaseKind, Field};
use chat_desktop::model::server::registration::Choice;
use chat_desktop::model::server::{Action, Tab};
use chat_desktop::server_app::ServerApp;
use chat_net::identity::Fingerprint;

use crate::pictures::{Studio, minutes_ago, user};

type Server = Studio<ServerApp, Happening>;

const NAMES: [&str; 6] = ["王建国", "李丽", "Anna", "张伟", "陈静", "小明"];

impl Server {
    fn act(&self, action: Action) {
        self.with(move |app| drop(app.model.act(action)));
    }
}

/// Takes pictures of all of them.
pub(crate) fn take(server: &Server) {
    server.shot("01-start");
    let problem =
        server.either("cannot listen on 0.0.0.0:7777: the address is in use", "无法监听 0.0.0.0:7777：地址已被占用");
    let advice = S::Advice { problem: problem.to_owned(), advice: StartAdvice::OtherPort };
    let refused = HostError { part: StartPart::Address, sentence: Sentence::about(advice) };
    server.tell(Happening::NotStarted(refused));
    server.shot("02-port-in-use");
    server.with(|app| {
        let form = &mut app.model.form;
        form.clear(Field::Address);
        form.set_database(DatabaseKind::Url);
        form.url.insert(0, "redis://ann:hush@db");
        form.show(Field::Database, DatabaseUrl::parse("redis://ann:hush@db").unwrap_err());
    });
    server.act(Action::SetRegistration(Choice::Invited));
    server.tell(Happening::Code(InvitationCode::parse("k7q2-9xmd-4rtz").unwrap()));
    server.shot("03-database-and-invitation");
    server.with(|app| {
        app.model.form.set_database(DatabaseKind::InFolder);
        app.model.registration.choice = Choice::Open;
    });
    running(server);
    accounts(server);
    rest(server);
}

fn running(server: &Server) {
    let listening: SocketAddr = "0.0.0.0:7777".parse().unwrap();
    let addresses = vec!["192.168.1.7:7777".parse().unwrap(), "10.0.0.7:7777".parse().unwrap()];
    let fingerprint = fingerprint();
    server.tell(Happening::Running(Box::new(HostFacts {
        listening,
        addresses,
        reach: Reach::Others,
        invitation: Some(format!("chat-client 192.168.1.7:7777 --fingerprint {fingerprint}")),
        fingerprint,
        folder: "/home/ming/.local/share/chat-server".into(),
        database: "sqlite:/home/ming/.local/share/chat-server/chat.sqlite".to_owned(),
    })));
    server.tell(Happening::Accounts(Ok(Accounts::default())));
    server.with(|app| {
        if let Some(running) = &mut app.model.running {
            running.since = minutes_ago(90);
        }
    });
    server.shot("04-running");
    let address = |last: u16| SocketAddr::from(([192, 168, 1, 20 + last.to_be_bytes()[1]], 40_000 + last));
    let mut records = vec![Record::Started(minutes_ago(90))];
    for (last, name) in (0..).zip(NAMES) {
        let event = PresenceEvent::new(minutes_ago(80 - u64::from(last)), user(name), Presence::Online(address(last)));
        records.push(Record::Presence(event));
    }
    for (name, presence) in [
        ("Anna", Presence::Moved(address(30))),
        ("张伟", Presence::Replaced(address(31))),
        ("陈静", Presence::Offline(OfflineReason::Asked)),
        ("李丽", Presence::Offline(OfflineReason::Lost)),
        ("小明", Presence::Offline(OfflineReason::Kicked)),
    ] {
        records.push(Record::Presence(PresenceEvent::new(minutes_ago(5), user(name), presence)));
    }
    server.tell(Happening::Records { records, left_out: 0 });
    server.tell(Happening::Status(Box::new(HostStatus::from_json(&status()).unwrap())));
    let online = [("Anna", 30), ("张伟", 31), ("王建国", 0)].map(|(name, last)| OnlineUser {
        user: user(name),
        address: address(last),
        since: minutes_ago(80 - u64::from(last)),
    });
    server.tell(Happening::Online(online.into()));
    server.shot("05-arrivals");
    server.act(Action::Show(Tab::Online));
    server.shot("06-online");
}

fn fingerprint() -> Fingerprint {
    Fingerprint::new(std::array::from_fn(|place| u8::try_from(place * 151 % 256).unwrap()))
}

/// What `chat-server status --format json` prints.
fn status() -> String {
    let (started_at, fingerprint) = (minutes_ago(90).as_millis(), fingerprint());
    format!(
        r#"{{"version": "0.2.0", "pid": 4711, "listening": "0.0.0.0:7777", "started_at": {started_at},
            "database": "sqlite:/home/ming/.local/share/chat-server/chat.sqlite", "max_connections": 20000,
            "state": "serving", "fingerprint": "{fingerprint}", "uptime_s": 5400, "online": 3, "connections": 3,
            "roster": 3, "roster_changes": 11, "log_ins": {{"password": 7, "resumed": 1, "fresh": 0}},
            "refused": {{"wrong_credentials": 2}}, "checks_running": 0, "checks_waiting": 0, "log_in_median_ms": 61.2,
            "log_in_p99_ms": 88.4, "turn_p99_ms": 0.4, "too_slow": 0, "handshakes_failed": 0, "accept_failed": 0,
            "presence_log_lost": 0, "frames_in": 412, "frames_out": 530, "bytes_in": 20480, "bytes_out": 31744}}"#
    )
}

fn accounts(server: &Server) {
    let list = (1..).zip(NAMES).map(|(id, name)| {
        let mut account = ListedAccount::new(AccountId::new(id), Ok(user(name)), minutes_ago(9_000));
        account.last_seen = (id != 5).then(|| minutes_ago(id * 700));
        account.status = if id == 6 { Status::Disabled } else { Status::Active };
        account
    });
    let accounts = Accounts { list: list.collect(), has_more: false };
    server.act(Action::Show(Tab::Accounts));
    server.tell(Happening::Accounts(Ok(accounts)));
    server.shot("07-accounts");
    server.act(Action::Add);
    server.with(|app| {
        if let Some(Dialog::Account(form)) = &mut app.model.dialog {
            form.user = "two words".to_owned();
            form.password.insert(0, "short");
        }
        app.model.act(Action::Confirm);
    });
    server.shot("08-add-account");
    server.act(Action::Reset(user("李丽")));
    server.tell(Happening::Suggested(Password::parse("k7q2-9xmd-4rtz-8bwn").unwrap()));
    server.shot("09-new-password");
    server.act(Action::Confirm);
    server.tell(Happening::Changed(Ok(S::PasswordSet { user: "李丽".to_owned() })));
    server.shot("10-password-set");
    server.act(Action::Dismiss);
    server.act(Action::Remove(user("李丽")));
    server.shot("11-remove");
    server.act(Action::Dismiss);
}

fn rest(server: &Server) {
    server.act(Action::Show(Tab::Numbers));
    server.shot("12-numbers");
    server.act(Action::ShowSettings(true));
    server.act(Action::Show(Tab::Arrivals));
    server.shot("13-settings");
    server.act(Action::ShowSettings(false));
    server.act(Action::Close);
    server.shot("14-close");
    server.act(Action::Dismiss);
    server.act(Action::Stop);
    server.shot("15-stopping");
}
