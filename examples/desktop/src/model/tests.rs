//! Stories of the model, without a window and without a network.

use std::time::Duration;

use chat_cli::desktop::TrustChoice;
use chat_cli::texts::{Localised, Texts, WindowSentence};
use chat_core::id::{MessageId, SessionId};
use chat_core::message::{Content, FailReason, Outcome, Report, Scope};
use chat_core::name::UserName;
use chat_core::presence::{OfflineReason, Presence, PresenceEvent};
use chat_core::text::Text;
use chat_net::client::{Notice, RejectionKind, SendError, ServerRejection, SetAwayError};
use chat_net::identity::Fingerprint;

use super::conversation::{Line, LineId, Partner, What};
use super::exchange::FileProblem;
use super::outcome::Mark;
use super::session::Connection;
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

fn form() -> Form {
    let mut form = Form::new("known".into(), TrustChoice::Known("known".into()), None);
    form.server = "lab".to_owned();
    form.user = "小明".to_owned();
    form.password.insert(0, "correct horse");
    form
}

/// A model after the log-in of 小明, with these people online.
fn online(people: &[&str]) -> Model {
    let mut model = Model::new(form(), Settings::default());
    assert!(matches!(act(&mut model, Action::Submit), Some(Wish::LogIn(_))));
    welcome(&mut model, people);
    model
}

fn welcome(model: &mut Model, people: &[&str]) {
    let people = present(people);
    let server = "lab".parse().unwrap();
    model.apply([Happening::Welcome { server, user: user("小明"), people, own_addresses: Vec::new() }], NOW);
}

fn present(people: &[&str]) -> People {
    people.iter().map(|name| (user(name), None)).collect()
}

fn event(model: &mut Model, event: Event) -> Vec<Wish> {
    model.apply([Happening::Event(Box::new(event))], NOW)
}

fn presence(name: &str, presence: Presence) -> Event {
    Event::Presence(PresenceEvent::new(NOW, user(name), presence))
}

fn message(from: &str, scope: Scope, text: &str) -> Happening {
    let content = Content::Text(Text::parse(text).unwrap());
    Happening::Message { from: user(from), scope, content, at: NOW }
}

fn session(model: &mut Model) -> &mut Session {
    model.session.as_mut().unwrap()
}

fn send(model: &mut Model, text: &str) -> Option<Wish> {
    session(model).open_conversation().draft = text.to_owned();
    act(model, Action::Send)
}

/// What the user did, and the only wish that follows.
fn act(model: &mut Model, action: Action) -> Option<Wish> {
    act_at(model, action, NOW)
}

fn act_at(model: &mut Model, action: Action, now: Timestamp) -> Option<Wish> {
    let mut wishes = model.act(action, now);
    assert!(wishes.len() <= 1, "{wishes:?}");
    wishes.pop()
}

/// The lines of the open conversation, as sender and text.
fn lines(model: &mut Model) -> Vec<String> {
    let texts = Texts::default();
    let show = |line: &Line| match &line.what {
        What::From(from, text) => format!("{from}: {text}"),
        What::Own(text, state) => format!("{text} {:?}", state.mark()),
        What::Note(sentence) => sentence.text(&texts),
        What::Notice(notice) => notice.text(&texts),
    };
    session(model).open_conversation().lines().iter().map(show).collect()
}

fn id(number: u64) -> MessageId {
    MessageId { session: SessionId::new(1), number }
}

fn report(number: u64, name: &str, outcome: Outcome) -> Event {
    Event::Report(Report::new(id(number), user(name), outcome, Duration::from_millis(3)))
}

fn queued(line: u64, number: u64, recipients: usize) -> Happening {
    Happening::Queued { line: LineId(line), id: id(number), recipients, at: NOW }
}

#[test]
fn a_log_in_asks_about_the_server_and_clears_the_password_when_it_succeeds() {
    let mut model = Model::new(form(), Settings::default());
    assert!(matches!(act(&mut model, Action::Submit), Some(Wish::LogIn(_))));
    assert!(act(&mut model, Action::Submit).is_none(), "one log-in at a time");
    let shown = Fingerprint::new([7; 32]);
    let server: ServerAddress = "lab".parse().unwrap();
    model.apply([Happening::FirstMeeting { server: server.clone(), shown }], NOW);
    assert_eq!(model.screen, Screen::FirstMeeting { server, shown });
    assert!(matches!(act(&mut model, Action::Trust(true)), Some(Wish::Trust(true))));
    assert!(model.form.is_busy);
    welcome(&mut model, &["bob"]);
    assert_eq!((&model.screen, model.form.is_busy, model.form.password.is_empty()), (&Screen::Chat, false, true));
}

#[test]
fn a_changed_key_has_a_screen_of_its_own_that_only_forgetting_leaves() {
    let mut model = Model::new(form(), Settings::default());
    act(&mut model, Action::Submit);
    let [known, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
    let server: ServerAddress = "lab".parse().unwrap();
    let error = ConnectError::FingerprintChanged { server: server.clone(), known, shown };
    model.apply([Happening::NotLoggedIn(Box::new(error))], NOW);
    assert_eq!(model.screen, Screen::OtherKey { server: server.clone(), known, shown });
    let wish = act(&mut model, Action::ForgetKey);
    assert!(matches!(&wish, Some(Wish::Forget { server: forgotten, .. }) if *forgotten == server), "{wish:?}");
    assert_eq!((&model.screen, model.form.is_busy), (&Screen::LogIn, false));
}

#[test]
fn a_server_that_slows_down_is_not_asked_before_its_time() {
    let mut model = Model::new(form(), Settings::default());
    act(&mut model, Action::Submit);
    let rejection = ServerRejection::new(RejectionKind::SlowDown, Some(Duration::from_secs(7)));
    model.apply([Happening::NotLoggedIn(Box::new(ConnectError::Rejected(rejection)))], NOW);
    assert!(act_at(&mut model, Action::Submit, NOW + Duration::from_secs(6)).is_none());
    assert!(act_at(&mut model, Action::Submit, NOW + Duration::from_secs(8)).is_some());
}

#[test]
fn texts_go_to_the_open_conversation_and_their_marks_follow_the_reports() {
    let mut model = online(&["bob", "carol"]);
    assert!(send(&mut model, "  \n").is_none(), "an empty text is not sent");
    let Some(Wish::Send { line, to, text }) = send(&mut model, "hello\nall\n") else { panic!("not sent") };
    assert_eq!((line, to.to_string().as_str(), text.as_str()), (LineId(1), "everyone", "hello\nall"));
    assert_eq!(session(&mut model).open_conversation().draft, "");
    assert_eq!(session(&mut model).pending(), 1);
    model.apply([queued(1, 1, 2)], NOW);
    event(&mut model, report(1, "bob", Outcome::Delivered));
    assert_eq!(lines(&mut model), ["hello\nall DeliveredSoFar { delivered: 1, all: 2 }"]);
    event(&mut model, report(1, "carol", Outcome::Failed(FailReason::Left)));
    assert_eq!(lines(&mut model), ["hello\nall Partly { delivered: 1, all: 2 }"]);
    assert_eq!(session(&mut model).pending(), 0);

    act(&mut model, Action::Open(Partner::One(user("bob"))));
    send(&mut model, "psst");
    model.apply([Happening::NotSent { line: LineId(2), error: SendError::QueueFull }], NOW);
    assert_eq!(lines(&mut model), ["psst NotSent(QueueFull)"]);
}

#[test]
fn a_text_for_somebody_who_left_stays_in_the_field() {
    let mut model = online(&["bob"]);
    act(&mut model, Action::Open(Partner::One(user("bob"))));
    event(&mut model, presence("bob", Presence::Offline(OfflineReason::Asked)));
    assert!(send(&mut model, "are you there?").is_none());
    assert_eq!(session(&mut model).open_conversation().draft, "are you there?");
    event(&mut model, presence("bob", Presence::Online("127.0.0.1:1".parse().unwrap())));
    assert!(act(&mut model, Action::Send).is_some());
}

#[test]
fn a_text_that_breaks_a_rule_stays_in_the_field() {
    let mut model = online(&["bob"]);
    for wrong in ["bell \u{7}".to_owned(), "长".repeat(5_462)] {
        assert!(send(&mut model, &wrong).is_none());
        assert_eq!(session(&mut model).open_conversation().draft, wrong);
    }
}

#[test]
fn messages_are_accepted_and_unread_until_they_are_seen() {
    let mut model = online(&["bob", "carol"]);
    let wish = model.apply(
        [
            message("bob", Scope::Group, "hello"),
            message("carol", Scope::Private, "psst"),
            message("carol", Scope::Private, "hey"),
        ],
        NOW,
    );
    assert!(matches!(wish[..], [Wish::Accept(3)]), "{wish:?}");
    let carol = Partner::One(user("carol"));
    let counts = |session: &Session| (session.unread(), session.unread_of(&carol));
    assert_eq!(counts(session(&mut model)), (3, 2));
    act(&mut model, Action::Read);
    assert_eq!(counts(session(&mut model)), (2, 2));
    act(&mut model, Action::OpenNextUnread);
    assert_eq!(session(&mut model).open, carol);
    assert_eq!(session(&mut model).open_conversation().new_from, Some(LineId(2)));
    act(&mut model, Action::Read);
    assert_eq!(session(&mut model).unread(), 0);
    assert_eq!(lines(&mut model), ["carol: psst", "carol: hey"]);
}

#[test]
fn drafts_belong_to_their_conversations() {
    let mut model = online(&["bob"]);
    session(&mut model).open_conversation().draft = "to all".to_owned();
    act(&mut model, Action::Open(Partner::One(user("bob"))));
    assert_eq!(session(&mut model).open_conversation().draft, "");
    session(&mut model).open_conversation().draft = "to bob".to_owned();
    act(&mut model, Action::Open(Partner::Everyone));
    assert_eq!(session(&mut model).open_conversation().draft, "to all");
}

#[test]
fn while_the_connection_is_broken_the_banner_counts_down_and_people_can_be_written_to() {
    let mut model = online(&["bob"]);
    event(&mut model, Event::Notice(Notice::Reconnecting { after: Duration::from_secs(4) }));
    assert_eq!(session(&mut model).until_retry(NOW), Some(Duration::from_secs(4)));
    assert_eq!(session(&mut model).until_retry(NOW + Duration::from_secs(9)), Some(Duration::ZERO));
    assert!(send(&mut model, "hello").is_some());
    event(&mut model, Event::Notice(Notice::Reconnected));
    assert_eq!((session(&mut model).connection, session(&mut model).until_retry(NOW)), (Connection::Works, None));
}

#[test]
fn another_key_of_the_server_is_shown_until_the_connection_is_back() {
    let mut model = online(&[]);
    let [known, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
    event(&mut model, Event::Notice(Notice::ServerKeyChanged { known, shown }));
    assert_eq!(session(&mut model).other_key, Some((known, shown)));
    event(&mut model, Event::Notice(Notice::Reconnected));
    assert_eq!(session(&mut model).other_key, None);
}

#[test]
fn a_replaced_session_keeps_its_lines_and_drafts_for_the_next_log_in() {
    let mut model = online(&["bob"]);
    model.apply([message("bob", Scope::Group, "hello")], NOW);
    send(&mut model, "never sent");
    session(&mut model).open_conversation().draft = "a draft".to_owned();
    event(&mut model, Event::Ended(EndReason::Replaced));
    assert_eq!((model.screen.clone(), session(&mut model).end), (Screen::Chat, Some(EndReason::Replaced)));
    assert_eq!(lines(&mut model), ["bob: hello", "never sent NotSent(Offline)"]);
    assert!(act(&mut model, Action::Send).is_none());
    assert!(act(&mut model, Action::GoOffline).is_none());
    assert_eq!(model.screen, Screen::LogIn);
    assert_eq!((model.form.user.as_str(), model.form.password.is_empty()), ("小明", true));
    model.form.password.insert(0, "correct horse");
    assert!(act(&mut model, Action::Submit).is_some());
    welcome(&mut model, &["carol"]);
    assert_eq!(session(&mut model).end, None);
    assert_eq!(lines(&mut model).len(), 2);
    assert_eq!(session(&mut model).open_conversation().draft, "a draft");
}

#[test]
fn a_kicked_user_is_back_at_the_log_in_with_the_reason() {
    let mut model = online(&["bob"]);
    event(&mut model, Event::Ended(EndReason::Kicked));
    assert_eq!((&model.screen, model.form.user.as_str()), (&Screen::LogIn, "小明"));
    let sentence = model.form.problem(Field::Form).unwrap().text(&Texts::default());
    assert_eq!(sentence, EndReason::Kicked.to_string());
}

#[test]
fn closing_waits_for_outcomes_only_if_the_user_wants_to() {
    let mut model = online(&["bob"]);
    assert!(matches!(act(&mut model, Action::Close), Some(Wish::Leave)));
    event(&mut model, Event::Left);
    assert_eq!(model.closing, Closing::Done);

    let mut model = online(&["bob"]);
    send(&mut model, "hello");
    model.apply([queued(1, 1, 1)], NOW);
    assert!(act(&mut model, Action::Close).is_none());
    assert_eq!(model.closing, Closing::Asking);
    act(&mut model, Action::Stay);
    assert_eq!(model.closing, Closing::No);
    act(&mut model, Action::Close);
    let wishes = event(&mut model, report(1, "bob", Outcome::Delivered));
    assert!(matches!(wishes[..], [Wish::Leave]), "what the user waited for has come: {wishes:?}");
    assert_eq!(model.closing, Closing::Leaving);

    let mut model = online(&["bob"]);
    send(&mut model, "again");
    act(&mut model, Action::Close);
    assert!(matches!(act(&mut model, Action::LeaveNow), Some(Wish::Leave)));

    let mut model = online(&["bob"]);
    send(&mut model, "hello");
    act(&mut model, Action::Close);
    event(&mut model, Event::Ended(EndReason::Kicked));
    assert_eq!(model.closing, Closing::Done, "nothing is left to wait for");

    let mut model = Model::new(form(), Settings::default());
    assert!(act(&mut model, Action::Close).is_none());
    assert_eq!(model.closing, Closing::Done, "without a session, nothing is said goodbye to");
}

#[test]
fn nobody_there_is_a_mark_of_its_own() {
    let mut model = online(&[]);
    send(&mut model, "hello?");
    model.apply([queued(1, 1, 0)], NOW);
    assert_eq!(lines(&mut model), [format!("hello? {:?}", Mark::NobodyThere)]);
    assert_eq!(session(&mut model).pending(), 0);
}

#[test]
fn a_text_is_sent_again_to_those_who_certainly_did_not_get_it_and_are_there() {
    let mut model = online(&["bob", "carol", "dora"]);
    send(&mut model, "hello");
    model.apply([queued(1, 1, 3)], NOW);
    event(&mut model, report(1, "bob", Outcome::Failed(FailReason::QueueFull)));
    event(&mut model, report(1, "carol", Outcome::Failed(FailReason::Left)));
    event(&mut model, presence("carol", Presence::Offline(OfflineReason::Asked)));
    let lost = Outcome::Unconfirmed(chat_core::message::UnconfirmedReason::Lost);
    event(&mut model, report(1, "dora", lost));
    let Some(Wish::Send { line, to, text }) = act(&mut model, Action::SendAgain(LineId(1))) else { panic!("not sent") };
    assert_eq!((line, to.to_string().as_str(), text.as_str()), (LineId(2), "bob", "hello"));
    assert!(act(&mut model, Action::SendAgain(LineId(1))).is_none(), "once for each");
    model.apply([queued(2, 2, 1)], NOW);
    event(&mut model, report(2, "bob", Outcome::Delivered));
    act(&mut model, Action::Open(Partner::One(user("bob"))));
    assert_eq!(lines(&mut model), ["hello Delivered { all: 1 }"]);
}

#[test]
fn settings_are_kept_and_a_failure_is_told() {
    let mut model = Model::new(form(), Settings { file: Some("settings".into()), ..Settings::default() });
    let changed = Settings { zoom: 130, ..model.settings.clone() };
    let Some(Wish::SaveSettings { file, text }) = act(&mut model, Action::SetSettings(changed.clone())) else {
        panic!("not kept")
    };
    assert_eq!((file, Settings::parse(&text).zoom), ("settings".into(), 130));
    model.apply([Happening::SettingsNotSaved("disk full".to_owned())], NOW);
    assert_eq!((model.settings_problem.as_deref(), model.settings), (Some("disk full"), changed));
}

#[test]
fn a_password_is_changed_and_the_notices_are_kept_until_they_are_cleared() {
    let mut model = online(&["bob"]);
    let form = &mut session(&mut model).password;
    for (secret, typed) in
        [(&mut form.old, "correct horse"), (&mut form.new, "battery staple"), (&mut form.again, "battery staple")]
    {
        secret.insert(0, typed);
    }
    assert!(matches!(act(&mut model, Action::ChangePassword), Some(Wish::ChangePassword { .. })));
    model.apply([Happening::PasswordAnswer(Ok(()))], NOW);
    assert!(session(&mut model).password.is_done);
    event(&mut model, Event::Notice(Notice::PeerUnresponsive(user("bob"))));
    event(&mut model, Event::Notice(Notice::ServerStopping));
    assert_eq!(session(&mut model).notices().len(), 2);
    act(&mut model, Action::ClearNotices);
    assert_eq!(session(&mut model).notices().len(), 0);
}

#[test]
fn the_next_attempt_can_be_asked_for_while_the_connection_is_broken() {
    let mut model = online(&["bob"]);
    assert!(act(&mut model, Action::RetryNow).is_none(), "there is a connection");
    event(&mut model, Event::Notice(Notice::Reconnecting { after: Duration::from_secs(20) }));
    assert!(matches!(act(&mut model, Action::RetryNow), Some(Wish::RetryNow)));
    event(&mut model, Event::Notice(Notice::Reconnecting { after: Duration::ZERO }));
    assert_eq!(session(&mut model).until_retry(NOW), Some(Duration::ZERO));
    assert_eq!(session(&mut model).notices().len(), 1, "each attempt that fails would add the same notice");
}

#[test]
fn who_did_not_answer_is_still_silent_after_a_reconnect_and_not_in_a_new_session() {
    let mut model = online(&["bob"]);
    event(&mut model, Event::Notice(Notice::PeerUnresponsive(user("bob"))));
    event(&mut model, Event::Notice(Notice::Reconnected));
    model.apply([Happening::People(present(&["bob", "carol"]))], NOW);
    let silent = |model: &mut Model| session(model).roster.get(&user("bob")).unwrap().is_silent;
    assert!(silent(&mut model));
    event(&mut model, Event::Notice(Notice::NewSession(SessionId::new(2))));
    model.apply([Happening::People(present(&["bob", "carol"]))], NOW);
    assert!(!silent(&mut model));
}

#[test]
fn being_away_is_said_and_taken_back() {
    let mut model = online(&["bob"]);
    session(&mut model).away_typed = "x".repeat(129);
    assert!(act(&mut model, Action::GoAway).is_none());
    assert!(session(&mut model).away_problem.is_some());
    session(&mut model).away_typed = " 在开会 ".to_owned();
    let Some(Wish::SetAway(Some(away))) = act(&mut model, Action::GoAway) else { panic!("not said") };
    assert_eq!((away.as_str(), session(&mut model).away_problem.is_some()), ("在开会", false));
    assert_eq!(session(&mut model).own_away, None, "not before the client has it");
    model.apply([Happening::AwaySet { away: Some(away.clone()), result: Ok(()) }], NOW);
    assert_eq!(session(&mut model).own_away, Some(away.clone()));
    assert!(matches!(act(&mut model, Action::BeBack), Some(Wish::SetAway(None))));
    model.apply([Happening::AwaySet { away: None, result: Ok(()) }], NOW);
    assert_eq!(session(&mut model).own_away, None);
    model.apply([Happening::AwaySet { away: Some(away), result: Err(SetAwayError::Unsupported) }], NOW);
    assert_eq!(session(&mut model).own_away, None);
    assert!(session(&mut model).away_problem.is_some(), "the server is too old");
}

#[test]
fn a_dropped_text_goes_to_the_conversation_on_which_it_was_dropped() {
    let mut model = online(&["bob"]);
    let Some(Wish::ReadFile { partner, path }) = act(&mut model, Action::DropFile("notes.txt".into())) else {
        panic!("not read")
    };
    assert_eq!((&partner, path), (&Partner::Everyone, "notes.txt".into()));
    act(&mut model, Action::Open(Partner::One(user("bob"))));
    model.apply([Happening::FileRead { partner, text: Ok("one\r\ntwo".to_owned()) }], NOW);
    assert_eq!(session(&mut model).open_conversation().draft, "");
    act(&mut model, Action::Open(Partner::Everyone));
    assert_eq!(session(&mut model).open_conversation().draft, "one\ntwo");
    model.apply([Happening::FileRead { partner: Partner::Everyone, text: Err(FileProblem::NoText) }], NOW);
    let refused = WindowSentence::FileRefused { max: Text::MAX_BYTES };
    assert_eq!(session(&mut model).open_conversation().remark, Some(refused));
    assert!(act(&mut model, Action::Send).is_some());
    assert_eq!(session(&mut model).open_conversation().remark, None);
}

#[test]
fn a_server_that_cannot_be_forgotten_is_told_where_it_was_asked_for() {
    let mut model = online(&[]);
    let server: ServerAddress = "lab".parse().unwrap();
    let wish = act(&mut model, Action::ForgetServer(server.clone()));
    assert!(matches!(&wish, Some(Wish::Forget { server: forgotten, .. }) if *forgotten == server), "{wish:?}");
    let failed = || Happening::NotForgotten(Box::new(ConnectError::Internal));
    model.apply([failed()], NOW);
    assert!(model.forget_problem.is_some() && model.form.problem(Field::Form).is_none());
    act(&mut model, Action::ForgetServer(server));
    assert!(model.forget_problem.is_none());
    let mut model = Model::new(form(), Settings::default());
    model.apply([failed()], NOW);
    assert!(model.form.problem(Field::Form).is_some());
}

#[test]
fn private_messages_are_counted_apart() {
    let mut model = online(&["bob"]);
    model.apply([message("bob", Scope::Group, "hello"), message("bob", Scope::Private, "psst")], NOW);
    assert_eq!((session(&mut model).unread(), session(&mut model).unread_private()), (2, 1));
}
