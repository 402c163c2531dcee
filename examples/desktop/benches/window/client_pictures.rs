//! The screens of a client.

use std::time::Duration;

use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Content, FailReason, Outcome, Report, Scope, UnconfirmedReason};
use chat_core::presence::{OfflineReason, Presence, PresenceEvent};
use chat_core::text::Text;
use chat_desktop::app::App;
use chat_desktop::model::conversation::{LineId, Partner, What};
use chat_desktop::model::exchange::{Happening, KnownServer};
use chat_desktop::model::login::{Field, Mode};
use chat_desktop::model::roster::Way;
use chat_desktop::model::{Action, Closing, Screen, Side};
use chat_net::address::ServerAddress;
use chat_net::client::{ConnectError, EndReason, Event, Notice, RejectionKind, ServerRejection};
use chat_net::identity::Fingerprint;
use eframe::egui;

use crate::pictures::{Studio, minutes_ago, user};

type Client = Studio<App, Happening>;

/// Takes pictures of all of them.
pub(crate) fn take(client: &Client) {
    log_in(client);
    keys(client);
    room(client);
    conversation(client);
    panels(client);
    banners(client);
    sizes(client);
}

impl Client {
    fn act(&self, action: Action) {
        self.with(move |app| drop(app.model.act(action, minutes_ago(0))));
    }

    fn event(&self, event: Event) {
        self.tell(Happening::Event(Box::new(event)));
    }

    fn welcome(&self, people: &[&str]) {
        let people = people.iter().map(|name| (user(name), None)).collect();
        let own_addresses = vec!["192.168.1.7:40001".parse().unwrap()];
        self.tell(Happening::Welcome { server: lab(), user: user("小明"), people, own_addresses });
    }

    fn arrive(&self, from: &str, scope: Scope, minutes: u64, text: &str) {
        let content = Content::Text(Text::parse(text).unwrap());
        self.tell(Happening::Message { from: user(from), scope, content, at: minutes_ago(minutes) });
    }

    /// Sends a text to the open conversation, with these outcomes.
    fn send(&self, number: u64, minutes: u64, text: &str, recipients: usize, outcomes: &[(&str, Outcome)]) {
        let draft = text.to_owned();
        self.with(move |app| {
            let session = app.model.session.as_mut().unwrap();
            session.open_conversation().draft = draft;
            app.model.act(Action::Send, minutes_ago(minutes));
        });
        let line = self.last_line();
        let id = MessageId { session: SessionId::new(1), number };
        self.tell(Happening::Queued { line, id, recipients, at: minutes_ago(minutes) });
        for (elapsed, (name, outcome)) in (19..).step_by(7).zip(outcomes) {
            let elapsed = Duration::from_millis(elapsed);
            self.event(Event::Report(Report::new(id, user(name), *outcome, elapsed)));
        }
    }

    fn last_line(&self) -> LineId {
        self.driver.ask(|app| {
            let conversation = app.model.session.as_mut().unwrap().open_conversation();
            let own = conversation.lines().iter().rev().find(|line| matches!(line.what, What::Own(..)));
            own.unwrap().id
        })
    }
}

fn lab() -> ServerAddress {
    "lab.example".parse().unwrap()
}

fn fingerprint(of: u8) -> Fingerprint {
    Fingerprint::new(std::array::from_fn(|place| {
        of.wrapping_mul(73).wrapping_add(u8::try_from(place).unwrap().wrapping_mul(151))
    }))
}

fn log_in(client: &Client) {
    client.shot("01-log-in");
    client.with(|app| {
        let form = &mut app.model.form;
        form.server = "lab.example:7777".to_owned();
        form.user = "小明".to_owned();
        form.servers = vec![
            KnownServer { server: lab(), user: Some(user("小明")), fingerprint: Some(fingerprint(1)) },
            KnownServer { server: "10.0.0.8".parse().unwrap(), user: None, fingerprint: Some(fingerprint(2)) },
        ];
    });
    let rejected = ConnectError::Rejected(ServerRejection::new(RejectionKind::WrongCredentials, None));
    client.tell(Happening::NotLoggedIn(Box::new(rejected)));
    client.shot("02-wrong-password");
    client.with(|app| {
        let form = &mut app.model.form;
        form.clear(Field::Password);
        form.password.insert(0, "correct horse");
        form.is_busy = true;
    });
    client.shot("03-connecting");
    client.with(|app| {
        app.model.form.is_busy = false;
        app.model.form.set_mode(Mode::Register);
        app.model.form.again.insert(0, "correct hose");
        app.model.form.check(Field::Again);
    });
    client.shot("04-registration");
    client.with(|app| {
        let form = &mut app.model.form;
        form.set_mode(Mode::LogIn);
        form.own_port = "70000".to_owned();
        form.shows_network = true;
        form.check(Field::OwnPort);
    });
    client.shot("05-network");
    client.with(|app| {
        app.model.form.own_port.clear();
        app.model.form.clear(Field::OwnPort);
        app.model.form.shows_network = false;
    });
}

fn keys(client: &Client) {
    client.tell(Happening::FirstMeeting { server: lab(), shown: fingerprint(1) });
    client.shot("06-first-meeting");
    let error = ConnectError::FingerprintChanged { server: lab(), known: fingerprint(1), shown: fingerprint(2) };
    client.tell(Happening::NotLoggedIn(Box::new(error)));
    client.shot("07-changed-key");
}

fn room(client: &Client) {
    client.welcome(&[]);
    client.shot("08-empty-room");
}

fn conversation(client: &Client) {
    let others = ["王建国", "李丽", "Anna", "张伟", "Sofía Núñez-Ibáñez", "陈静", "赵敏"];
    let others: Vec<String> = others.iter().map(|name| name.replace(' ', ".")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    client.welcome(&others);
    client.event(Event::Away { at: minutes_ago(30), user: user("赵敏"), away: "在开会".parse().ok() });
    client.event(Event::Notice(Notice::PeerUnresponsive(user("张伟"))));
    let way = Way { is_relayed: false, round_trip: Some(Duration::from_millis(3)) };
    client.tell(Happening::Way { user: user("李丽"), way });
    let group = Scope::Group;
    client.arrive("王建国", group, 64, "今天下午三点在二楼会议室开会。");
    client.arrive("李丽", group, 62, "收到，我带上本季度的报告。");
    let delivered: Vec<(&str, Outcome)> = others.iter().map(|name| (*name, Outcome::Delivered)).collect();
    let report = client.either(
        "I will be there, and bring the report of the quarter. Can somebody book the projector?",
        "我会到，并带上季度报告。谁能预订一下投影仪？",
    );
    client.send(1, 60, report, others.len(), &delivered);
    client.arrive("Anna", group, 58, "See you there! 😄");
    client.arrive(
        "Anna",
        group,
        57,
        "The projector is booked: https://rooms.example/2f\nIt needs the short cable, which is in the cupboard to the left of \
         the door. Please put it back afterwards, because the people from the third floor look for it every Friday.",
    );
    client.with(|app| {
        let conversation = app.model.session.as_mut().unwrap().open_conversation();
        conversation.read();
        conversation.new_from = None;
    });
    let mut partly = delivered;
    partly[3].1 = Outcome::Unconfirmed(UnconfirmedReason::Lost);
    partly[5].1 = Outcome::Failed(FailReason::Left);
    client.send(2, 3, client.either("Thanks, Anna!", "谢谢 Anna！"), others.len(), &partly);
    let private = Scope::Private;
    client.arrive("李丽", private, 2, "你有空吗？有一个问题想问你。");
    client.arrive("李丽", private, 2, "关于预算的。");
    client.arrive("王建国", group, 1, "张伟今天请假。");
    client.shot("09-everyone");
    client.act(Action::ShowSide(Side::Outcomes(client.last_line())));
    client.shot("10-outcomes");
    client.act(Action::CloseSide);
    client.driver.input([egui::Event::Text(client.either("Hello @a", "你好 @张").to_owned())]);
    client.shot("11-completion");
    client.with(|app| app.model.session.as_mut().unwrap().open_conversation().draft.clear());
    client.act(Action::Open(Partner::One(user("李丽"))));
    client.send(3, 1, client.either("Yes, go ahead.", "有，请说。"), 1, &[("李丽", Outcome::Delivered)]);
    client.send(4, 0, client.either("Is it about the third line?", "是第三行吗？"), 1, &[]);
    client.shot("12-private");
    let left = Presence::Offline(OfflineReason::Asked);
    client.event(Event::Presence(PresenceEvent::new(minutes_ago(0), user("李丽"), left)));
    let draft = client.either("I will send you the table.", "我把表格发给你。");
    client.with(|app| app.model.session.as_mut().unwrap().open_conversation().draft = draft.to_owned());
    client.shot("13-somebody-left");
    client.with(|app| {
        let conversation = app.model.session.as_mut().unwrap().open_conversation();
        conversation.draft.clear();
        conversation.take_over("one\u{7}two\r\nthree");
        conversation.draft.push_str(&"x".repeat(16_400));
    });
    client.shot("14-too-long");
    client.with(|app| app.model.session.as_mut().unwrap().open_conversation().draft.clear());
    client.act(Action::Open(Partner::One(user("赵敏"))));
    client.shot("15-empty-conversation");
    client.act(Action::Open(Partner::One(user("王建国"))));
    let relayed = Way { is_relayed: true, round_trip: Some(Duration::from_millis(41)) };
    client.tell(Happening::Way { user: user("王建国"), way: relayed });
    client.shot("15-relayed");
    client.act(Action::Open(Partner::Everyone));
}

/// Many people, a search that finds nobody, large texts, and a small window.
fn sizes(client: &Client) {
    let names: Vec<String> = (1..=50).map(|number| format!("user{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    client.welcome(&names);
    for (name, minutes) in [("user07", 3), ("user07", 2), ("user31", 2), ("user48", 1)] {
        client.arrive(name, Scope::Private, minutes, "hello");
    }
    client.shot("24-fifty-people");
    client.driver.context.memory_mut(|memory| memory.request_focus(egui::Id::unique("search")));
    client.driver.settle();
    client.driver.input([egui::Event::Text("nobody".to_owned())]);
    client.shot("25-nobody-found");
    let escape = |pressed| egui::Event::Key {
        key: egui::Key::Escape,
        physical_key: None,
        pressed,
        repeat: false,
        modifiers: egui::Modifiers::NONE,
    };
    client.driver.input([escape(true), escape(false)]);
    client.with(|app| app.model.settings.zoom = 150);
    client.shot("26-large-text");
    client.with(|app| app.model.settings.zoom = 100);
    let small = egui::vec2(560.0, 420.0);
    client.driver.context.send_viewport_cmd(egui::ViewportCommand::InnerSize(small));
    let context = client.driver.context.clone();
    client.driver.until("a small window", move |_| context.content_rect().width() < small.x + 1.0);
    client.shot("27-small-window");
}

fn panels(client: &Client) {
    client.act(Action::ShowSide(Side::Settings));
    client.shot("16-settings");
    client.act(Action::ShowSide(Side::Help));
    client.shot("17-help");
    client.act(Action::ShowSide(Side::Away));
    client.shot("18-away");
    client.act(Action::ShowSide(Side::Notices));
    client.event(Event::Notice(Notice::ReceiveBufferSmall { granted: 212_992, wanted: 4_194_304 }));
    client.shot("19-notices");
    client.act(Action::CloseSide);
}

fn banners(client: &Client) {
    client.with(|app| app.model.closing = Closing::Asking);
    client.shot("20-closing");
    client.with(|app| app.model.closing = Closing::No);
    client.event(Event::Notice(Notice::Reconnecting { after: Duration::from_secs(600) }));
    client.event(Event::Notice(Notice::ServerKeyChanged { known: fingerprint(1), shown: fingerprint(2) }));
    client.shot("21-reconnecting");
    client.event(Event::Notice(Notice::Reconnected));
    client.event(Event::Ended(EndReason::Replaced));
    client.shot("22-replaced");
    client.welcome(&["王建国"]);
    client.event(Event::Ended(EndReason::Kicked));
    assert_eq!(client.driver.ask(|app| app.model.screen.clone()), Screen::LogIn);
    client.shot("23-kicked");
}
