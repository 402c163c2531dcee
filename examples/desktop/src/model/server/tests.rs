//! Stories of the model, without a window and without a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use chat_cli::server_desktop::{HostDatabase, HostError, Reach, StartPart};
use chat_cli::texts::{Localised, ServerWindowSentence, Texts};
use chat_core::accounts::{ListedAccount, NewStatus};
use chat_core::id::AccountId;
use chat_core::invitation::InvitationCode;
use chat_core::password::Password;
use chat_core::presence::{OfflineReason, PresenceEvent};
use chat_core::server::RegistrationPolicy;
use chat_net::identity::Fingerprint;

use super::accounts::AccountField;
use super::arrivals::{Line, MAX_LINES};
use super::exchange::{Accounts, ChangeProblem};
use super::form::DatabaseKind;
use super::registration::Choice;
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

fn facts() -> Box<HostFacts> {
    let listening: SocketAddr = "192.0.2.7:7777".parse().unwrap();
    Box::new(HostFacts {
        listening,
        addresses: vec![listening],
        reach: Reach::Others,
        invitation: Some("chat-client 192.0.2.7:7777 --fingerprint abab".to_owned()),
        fingerprint: Fingerprint::new([0xab; 32]),
        folder: "/data".into(),
        database: "sqlite:/data/chat.sqlite".to_owned(),
    })
}

fn stopped() -> ServerModel {
    let form = StartForm::new(Some("/data".into()), None);
    ServerModel::new(form, Registration::default(), Settings::default())
}

fn running() -> ServerModel {
    let mut model = stopped();
    assert!(matches!(model.act(Action::Start)[..], [Wish::Start(_)]));
    assert!(matches!(model.apply([Happening::Running(facts())], NOW)[..], [Wish::List]));
    model.apply([Happening::Accounts(Ok(accounts(&["alice", "小明"])))], NOW);
    model
}

fn accounts(names: &[&str]) -> Accounts {
    let numbered = (1..).zip(names);
    let list = numbered.map(|(id, name)| ListedAccount::new(AccountId::new(id), Ok(user(name)), NOW)).collect();
    Accounts { list, has_more: false }
}

fn record(name: &str, presence: Presence) -> Happening {
    let records = vec![Record::Presence(PresenceEvent::new(NOW, user(name), presence))];
    Happening::Records { records, left_out: 0 }
}

fn came(name: &str) -> Happening {
    record(name, Presence::Online("192.0.2.9:1".parse().unwrap()))
}

fn problem(model: &ServerModel, field: Field) -> Option<String> {
    model.form.problem(field).map(|problem| problem.text(&Texts::default()))
}

#[test]
fn a_start_takes_what_is_typed_and_the_defaults() {
    let mut model = stopped();
    let Some(Wish::Start(settings)) = model.act(Action::Start).pop() else { panic!("no start") };
    assert_eq!((settings.listen.to_string().as_str(), settings.data_dir), ("0.0.0.0:7777", PathBuf::from("/data")));
    assert!(matches!(settings.database, HostDatabase::InFolder));
    assert_eq!((settings.registration, model.phase), (RegistrationPolicy::Open, Phase::Starting));
    assert!(model.act(Action::Start).is_empty(), "one start at a time");
    assert!(matches!(model.act(Action::Cancel)[..], [Wish::Cancel]));
    assert_eq!(model.phase, Phase::Stopped);
}

#[test]
fn each_wrong_input_stands_beside_its_field_and_stays() {
    let mut model = stopped();
    model.form.address = "everywhere".to_owned();
    model.form.folder = "data".to_owned();
    model.form.set_database(DatabaseKind::Url);
    model.form.url.insert(0, "postgres://ann:hush@db/chat");
    assert!(model.act(Action::Start).is_empty());
    for field in [Field::Address, Field::Folder, Field::Database] {
        let sentence = problem(&model, field).unwrap();
        assert!(!sentence.contains("hush"), "{sentence}");
    }
    assert_eq!(problem(&model, Field::Folder).unwrap(), "write the whole path of the folder, for example /data");
    assert_eq!(model.form.url.as_str(), "postgres://ann:hush@db/chat");
    assert!(!format!("{model:?}").contains("hush"));
    model.form.folder = "/srv/chat".to_owned();
    model.act(Action::ChangedField(Field::Folder));
    model.act(Action::LeftField(Field::Folder));
    assert_eq!((problem(&model, Field::Folder), model.form.first_problem()), (None, Some(Field::Address)));
    let mut homeless = ServerModel::new(StartForm::new(None, None), Registration::default(), Settings::default());
    homeless.act(Action::Start);
    assert_eq!(homeless.form.first_problem(), Some(Field::Folder), "there is no default");
}

#[test]
fn a_refused_start_stands_beside_what_is_unusable() {
    for (part, field) in [
        (StartPart::Address, Field::Address),
        (StartPart::Folder, Field::Folder),
        (StartPart::Database, Field::Database),
        (StartPart::Other, Field::Form),
    ] {
        let mut model = stopped();
        model.act(Action::Start);
        model.apply([Happening::NotStarted(HostError { part, sentence: "it is taken".into() })], NOW);
        model.act(Action::LeftField(field));
        assert_eq!((model.phase, problem(&model, field).as_deref()), (Phase::Stopped, Some("it is taken")));
        assert_eq!(model.act(Action::Start).len(), 1, "the next start is possible");
    }
}

#[test]
fn a_database_that_is_named_already_needs_no_url() {
    let mut form = StartForm::new(Some("/data".into()), Some("mysql://ann:***@db:3306/chat".to_owned()));
    assert!(matches!(form.submit(RegistrationPolicy::Open).unwrap().database, HostDatabase::Named));
    form.set_database(DatabaseKind::Url);
    form.check(Field::Database);
    assert_eq!(form.first_problem(), None, "an empty field is not wrong before the button is pressed");
    assert!(form.submit(RegistrationPolicy::Open).is_none());
    form.url.insert(0, "mysql://ann:hush@db/chat");
    assert!(matches!(form.submit(RegistrationPolicy::Open).unwrap().database, HostDatabase::Url(_)));
}

#[test]
fn an_invitation_code_is_made_once_and_each_choice_is_put_into_effect() {
    let mut model = running();
    assert!(matches!(model.act(Action::SetRegistration(Choice::Invited))[..], [Wish::NewCode]));
    let code = InvitationCode::parse("spring-2026").unwrap();
    let wishes = model.apply([Happening::Code(code.clone())], NOW);
    assert!(matches!(&wishes[..], [Wish::SetRegistration(RegistrationPolicy::Invited(set))] if *set == code));
    let wishes = model.act(Action::SetRegistration(Choice::Closed));
    assert!(matches!(wishes[..], [Wish::SetRegistration(RegistrationPolicy::Closed)]));
    let wishes = model.act(Action::SetRegistration(Choice::Invited));
    assert!(matches!(&wishes[..], [Wish::SetRegistration(RegistrationPolicy::Invited(set))] if *set == code));
    assert!(matches!(model.act(Action::NewCode)[..], [Wish::NewCode]));
}

#[test]
fn settings_are_kept_with_the_code_and_without_the_url() {
    let mut model = stopped();
    model.look.file = Some("/settings".into());
    model.registration = RegistrationPolicy::Invited(InvitationCode::parse("spring-2026").unwrap()).into();
    model.form.set_database(DatabaseKind::Url);
    model.form.url.insert(0, "mysql://ann:hush@db/chat");
    model.act(Action::Start);
    let mut wishes = model.apply([Happening::Running(facts())], NOW).into_iter();
    let Some(Wish::SaveSettings { text, .. }) = wishes.next() else { panic!("nothing is kept") };
    assert!(text.0.contains("spring-2026") && text.0.contains("listen = 0.0.0.0:7777") && !text.0.contains("hush"));
    let look = Settings { zoom: 150, ..model.look.clone() };
    assert!(
        matches!(&model.act(Action::SetLook(look))[..], [Wish::SaveSettings { text, .. }] if text.0.contains("150"))
    );
    model.apply([Happening::SettingsNotSaved("full".to_owned())], NOW);
    assert_eq!(model.settings_problem.as_deref(), Some("full"));
}

#[test]
fn arrivals_are_kept_up_to_a_limit_and_outlive_the_server() {
    let mut model = running();
    model.apply([came("alice"), record("alice", Presence::Offline(OfflineReason::Asked))], NOW);
    model.apply([Happening::Records { records: vec![Record::Stopping(NOW)], left_out: 3 }], NOW);
    model.act(Action::Stop);
    model.apply([Happening::Stopped(None)], NOW);
    let lines = model.arrivals.lines();
    assert_eq!((lines.len(), &lines[2]), (4, &Line::LeftOut(3)));
    let mut arrivals = Arrivals::default();
    for _ in 0..MAX_LINES / 100 {
        arrivals.add(vec![Record::Started(NOW); 100], 0);
    }
    assert!(!arrivals.has_older());
    arrivals.add(vec![Record::Stopping(NOW)], 0);
    assert_eq!((arrivals.lines().len(), arrivals.has_older()), (MAX_LINES, true));
    assert_eq!(arrivals.lines().back(), Some(&Line::Record(Record::Stopping(NOW))));
}

#[test]
fn an_arrival_that_the_open_list_lacks_lists_the_accounts_again() {
    let mut model = running();
    assert!(model.apply([came("bob")], NOW).is_empty(), "the list is not open");
    assert!(matches!(model.act(Action::Show(Tab::Accounts))[..], [Wish::List]));
    assert!(model.act(Action::Refresh).is_empty(), "it is on its way");
    model.apply([Happening::Accounts(Ok(accounts(&["alice", "bob"])))], NOW);
    assert!(model.apply([came("alice")], NOW).is_empty(), "the list has it");
    assert!(matches!(model.apply([came("carol")], NOW)[..], [Wish::List]));
    model.apply([Happening::Accounts(Err("the database failed".into()))], NOW);
    assert!(model.accounts.problem.is_some() && model.accounts.rows().len() == 2, "the previous list stays");
}

#[test]
fn the_list_is_by_name_and_a_search_shortens_it() {
    let mut model = running();
    let mut listed = accounts(&["bob", "Alice", "小明", "carol"]);
    listed.list[3].status = chat_core::accounts::Status::Removed;
    listed.list[0].status = chat_core::accounts::Status::Disabled;
    model.apply([Happening::Accounts(Ok(listed))], NOW);
    let names = |model: &ServerModel| model.accounts.found().iter().map(|row| row.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&model), ["Alice", "bob", "小明", "carol"]);
    model.accounts.search = " ALI ".to_owned();
    assert_eq!(names(&model), ["Alice"]);
    let address = "192.0.2.9:1".parse().unwrap();
    model.apply([Happening::Online(vec![OnlineUser { user: user("ALICE"), address, since: NOW }])], NOW);
    assert!(model.is_online(&user("alice")) && !model.is_online(&user("bob")));
}

#[test]
fn one_account_changes_at_a_time_and_the_result_is_told() {
    let mut model = running();
    let wishes = model.act(Action::SetStatus(user("alice"), NewStatus::Disabled));
    assert!(
        matches!(&wishes[..], [Wish::Change(AccountChange::SetStatus(name, NewStatus::Disabled))] if *name == user("alice"))
    );
    assert!(model.act(Action::SetStatus(user("小明"), NewStatus::Disabled)).is_empty());
    let done = ServerWindowSentence::Changed { user: "alice".to_owned(), status: NewStatus::Disabled };
    assert!(matches!(model.apply([Happening::Changed(Ok(done.clone()))], NOW)[..], [Wish::List]));
    assert!(matches!(&model.accounts.result, Some(Ok(result)) if *result == done));
    model.act(Action::Show(Tab::Online));
    assert!(model.accounts.result.is_none(), "it is read");
}

#[test]
fn removing_asks_with_the_name_and_does_nothing_without_a_yes() {
    let mut model = running();
    assert!(model.act(Action::Remove(user("alice"))).is_empty());
    assert!(matches!(&model.dialog, Some(Dialog::Remove { user: name, frees_name: false }) if *name == user("alice")));
    assert!(model.act(Action::Dismiss).is_empty());
    assert!(model.dialog.is_none());
    model.act(Action::Remove(user("alice")));
    model.act(Action::FreeName(true));
    let wishes = model.act(Action::Confirm);
    assert!(matches!(wishes[..], [Wish::Change(AccountChange::SetStatus(_, NewStatus::RemovedAndFreed))]));
}

#[test]
fn a_password_is_typed_or_made_and_wrong_ones_stand_in_the_dialog() {
    let mut model = running();
    model.act(Action::Reset(user("alice")));
    assert!(model.act(Action::Confirm).is_empty());
    let form = |model: &mut ServerModel| match model.dialog.take() {
        Some(Dialog::Account(form)) => form,
        other => panic!("{other:?}"),
    };
    let shown = form(&mut model);
    assert!(shown.problem(AccountField::Password).is_some());
    model.dialog = Some(Dialog::Account(shown));
    assert!(matches!(model.act(Action::Suggest)[..], [Wish::Suggest]));
    model.apply([Happening::Suggested(Password::parse("k7q2-9xmd").unwrap())], NOW);
    let wishes = model.act(Action::Confirm);
    assert!(matches!(&wishes[..], [Wish::Change(AccountChange::SetPassword(_, set))] if set.expose() == "k7q2-9xmd"));
    assert!(!format!("{model:?} {wishes:?}").contains("k7q2"));
    model.apply([Happening::Changed(Ok(ServerWindowSentence::PasswordSet { user: "alice".to_owned() }))], NOW);
    let shown = form(&mut model);
    assert!(shown.done.is_some() && shown.is_suggested && shown.password.as_str() == "k7q2-9xmd", "shown once");
}

#[test]
fn a_new_account_needs_a_name_that_is_free() {
    let mut model = running();
    model.act(Action::Add);
    let Some(Dialog::Account(form)) = &mut model.dialog else { panic!() };
    form.user = "two words".to_owned();
    form.password.insert(0, "correct horse");
    assert!(model.act(Action::Confirm).is_empty());
    let Some(Dialog::Account(form)) = &mut model.dialog else { panic!() };
    assert!(form.problem(AccountField::User).is_some() && form.user == "two words");
    form.user = "Bob".to_owned();
    assert!(
        matches!(&model.act(Action::Confirm)[..], [Wish::Change(AccountChange::Register(name, _))] if *name == user("bob"))
    );
    let taken = ChangeProblem { is_taken: true, sentence: "taken".into() };
    model.apply([Happening::Changed(Err(taken))], NOW);
    let Some(Dialog::Account(form)) = &model.dialog else { panic!() };
    assert!(form.problem(AccountField::User).is_some() && !form.is_busy && form.password.as_str() == "correct horse");
}

#[test]
fn closing_stops_a_running_server_after_a_question() {
    let mut model = stopped();
    model.act(Action::Close);
    assert_eq!(model.closing, Closing::Done, "nothing runs");

    let mut model = running();
    assert!(model.act(Action::Close).is_empty());
    assert!(matches!(model.dialog, Some(Dialog::Close)));
    model.act(Action::Dismiss);
    assert_eq!((model.phase, model.closing), (Phase::Running, Closing::No));
    model.act(Action::Close);
    assert!(matches!(model.act(Action::Confirm)[..], [Wish::Stop]));
    assert_eq!((model.phase, model.closing), (Phase::Stopping, Closing::Stopping));
    model.apply([Happening::Stopped(None)], NOW);
    assert_eq!(model.closing, Closing::Done);
}

#[test]
fn a_server_that_has_to_stop_says_why() {
    let mut model = running();
    model.apply([Happening::Stopped(Some("the disk is gone".into()))], NOW);
    assert_eq!((model.phase, problem(&model, Field::Form).as_deref()), (Phase::Stopped, Some("the disk is gone")));
    assert!(model.running.is_none() && model.online.is_empty());
}
