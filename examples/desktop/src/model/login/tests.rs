//! What is typed, and what is said about it.

use std::time::Duration;

use chat_cli::texts::{Localised, Texts};
use chat_core::name::UserName;
use chat_net::client::{RejectionKind, ServerRejection};
use chat_net::identity::Fingerprint;
use chat_net::trust::AuthoritiesError;

use super::*;
use crate::model::exchange::{Purpose, TrustBy};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn form() -> Form {
    let mut form = Form::new("known".into(), TrustChoice::Known("known".into()), None);
    form.server = "lab".to_owned();
    form.user = "小明".to_owned();
    form.password.insert(0, "correct horse");
    form
}

fn problems(form: &Form) -> Vec<(Field, String)> {
    let texts = Texts::default();
    form.problems.iter().map(|(field, sentence)| (*field, sentence.text(&texts))).collect()
}

#[test]
fn a_complete_form_becomes_a_log_in() {
    let login = form().submit().unwrap();
    assert_eq!((login.server.to_string().as_str(), login.user.as_str()), ("lab:7777", "小明"));
    assert_eq!(login.password.expose(), "correct horse");
    assert_eq!((login.purpose, login.trust), (Purpose::LogIn, TrustBy::Known("known".into())));
    assert_eq!((login.udp.to_string().as_str(), login.advertise.len()), ("[::]:0", 0));
}

#[test]
fn every_wrong_field_is_told_at_once_and_in_its_place() {
    let mut form = form();
    form.set_mode(Mode::Register);
    form.server = "http://lab".to_owned();
    form.user = "two words".to_owned();
    form.password.clear();
    form.again.insert(0, "x");
    form.invitation = "短".to_owned();
    form.own_address = "40001".to_owned();
    form.own_port = "70000".to_owned();
    form.advertised = "everywhere".to_owned();
    form.server_trust = "/no/such/file".to_owned();
    assert!(form.submit().is_none());
    let fields: Vec<Field> = problems(&form).into_iter().map(|(field, _)| field).collect();
    use Field::{Advertised, Again, Invitation, OwnAddress, OwnPort, Password, Server, ServerTrust, User};
    assert_eq!(fields, [Server, User, Password, Again, Invitation, OwnAddress, OwnPort, Advertised, ServerTrust]);
    assert!(form.shows_network, "a wrong address is in a part that may be folded");
    assert_eq!(form.server, "http://lab", "what was typed stays");
}

#[test]
fn several_servers_that_share_a_roster_are_typed_with_commas() {
    let mut form = form();
    form.server = "north, south:1，[fd00::7]".to_owned();
    form.check(Field::Server);
    assert_eq!(form.server, "north:7777, south:1, [fd00::7]:7777");
    let login = form.submit().unwrap();
    let others: Vec<String> = login.other_servers.iter().map(ToString::to_string).collect();
    assert_eq!(
        (login.server.to_string().as_str(), others.join(" ").as_str()),
        ("north:7777", "south:1 [fd00::7]:7777")
    );
    form.server = "north, south:x".to_owned();
    assert!(form.submit().is_none(), "each of them is checked");
    form.server = vec!["lab"; 17].join(",");
    form.check(Field::Server);
    assert_eq!(problems(&form), [(Field::Server, "17 servers are named; at most 16 are allowed".to_owned())]);
}

#[test]
fn an_empty_field_is_wrong_only_when_the_button_is_pressed() {
    let mut form = form();
    form.user.clear();
    form.check(Field::User);
    assert_eq!(problems(&form), []);
    assert!(form.submit().is_none());
    assert_eq!(form.first_problem(), Some(Field::User));
    form.user = "bob".to_owned();
    form.clear(Field::User);
    assert!(form.submit().is_some());
}

#[test]
fn a_second_password_that_differs_is_told_while_it_is_typed() {
    let mut form = form();
    form.set_mode(Mode::Register);
    let mut typed = |text: &str| {
        form.again.clear();
        form.again.insert(0, text);
        form.changed(Field::Again);
        form.first_problem()
    };
    assert_eq!(
        ["", "c", "correct", "corrupt", "correct horse", "correct horses"].map(&mut typed),
        [None, None, None, Some(Field::Again), None, Some(Field::Again)]
    );
    form.password.insert(13, "s");
    form.changed(Field::Password);
    assert_eq!(form.first_problem(), None, "the first one was corrected");
}

#[test]
fn a_chosen_server_brings_the_user_of_the_last_log_in_there() {
    let mut form = form();
    let [lab, ship]: [ServerAddress; 2] = ["lab", "ship:7778"].map(|typed| typed.parse().unwrap());
    let user = UserName::parse("bob").ok();
    form.servers = vec![
        KnownServer { server: lab.clone(), user, fingerprint: None },
        KnownServer { server: ship.clone(), user: None, fingerprint: Some(Fingerprint::new([1; 32])) },
    ];
    form.server = "http://lab".to_owned();
    form.check(Field::Server);
    form.choose(&lab);
    assert_eq!((form.server.as_str(), form.user.as_str(), form.first_problem()), ("lab:7777", "bob", None));
    form.choose(&ship);
    assert_eq!((form.server.as_str(), form.user.as_str()), ("ship:7778", "bob"), "nobody is known there");
}

#[test]
fn the_own_port_the_fingerprint_and_the_certificate_can_be_typed() {
    let mut form = form();
    form.own_port = "40001".to_owned();
    let digits = "ab".repeat(32);
    form.server_trust = format!(" {digits} ");
    let login = form.submit().unwrap();
    assert_eq!(login.udp.to_string(), "[::]:40001");
    assert_eq!(login.trust, TrustBy::Invited("known".into(), digits.parse().unwrap()));
    let file = tempfile::NamedTempFile::new().unwrap();
    form.own_address = "127.0.0.1".to_owned();
    form.server_trust = file.path().to_str().unwrap().to_owned();
    let login = form.submit().unwrap();
    assert_eq!(login.udp.to_string(), "127.0.0.1:40001");
    assert_eq!(login.trust, TrustBy::Authority(file.path().to_owned()));
}

#[test]
fn an_invitation_that_is_pasted_as_the_server_brings_its_fingerprint() {
    let digits = "ab".repeat(32);
    for (typed, server) in [("192.168.1.7:7777", "192.168.1.7:7777"), ("\"[fd00::7]:7777\"", "[fd00::7]:7777")] {
        let invitation = format!(" chat-client {typed} --fingerprint {digits}\n");
        let mut form = form();
        form.server = invitation.clone();
        form.check(Field::Server);
        assert_eq!((form.server.as_str(), form.first_problem()), (server, None));
        // Enter submits without leaving the field.
        form.server = invitation;
        let login = form.submit().unwrap();
        assert_eq!(login.server.to_string(), server);
        assert_eq!(login.trust, TrustBy::Invited("known".into(), digits.parse().unwrap()));
    }
    let mut form = form();
    form.server = "chat-client lab --fingerprint 12".to_owned();
    form.check(Field::Server);
    assert_eq!((form.server_trust.as_str(), form.first_problem()), ("", Some(Field::Server)), "half an invitation");
}

#[test]
fn a_server_that_does_not_fit_a_typed_fingerprint_is_told_beside_it() {
    let server: ServerAddress = "lab".parse().unwrap();
    let [wanted, shown] = [1, 2].map(|byte| Fingerprint::new([byte; 32]));
    for (typed, field) in [("", Field::Server), ("01", Field::ServerTrust)] {
        let mut form = form();
        form.server_trust = typed.to_owned();
        form.refuse(ConnectError::WrongFingerprint { server: server.clone(), wanted, shown }, NOW);
        assert_eq!((form.first_problem(), form.shows_network), (Some(field), field == Field::ServerTrust));
    }
    let mut form = form();
    let error = ConnectError::Authorities { path: "ca.pem".into(), source: AuthoritiesError::Empty };
    form.refuse(error, NOW);
    assert_eq!(form.first_problem(), Some(Field::ServerTrust));
}

#[test]
fn a_rejection_stands_beside_the_field_that_caused_it() {
    let time = Duration::from_secs(7);
    for (kind, field) in [
        (RejectionKind::WrongCredentials, Field::Password),
        (RejectionKind::NameTaken, Field::User),
        (RejectionKind::NotInvited, Field::Invitation),
        (RejectionKind::Addresses, Field::Advertised),
        (RejectionKind::RegistrationClosed, Field::Form),
        (RejectionKind::Disabled, Field::Form),
        (RejectionKind::StorageUnavailable, Field::Form),
        (RejectionKind::Full, Field::Form),
        (RejectionKind::SlowDown, Field::Form),
    ] {
        let mut form = form();
        form.is_busy = true;
        let rejection = ServerRejection::new(kind, Some(time));
        form.refuse(ConnectError::Rejected(rejection), NOW);
        let all = problems(&form);
        assert_eq!(all.iter().map(|(field, _)| *field).collect::<Vec<_>>(), [field], "{rejection:?}");
        assert_eq!(all[0].1, rejection.to_string());
        assert!(!form.is_busy);
        assert_eq!(form.password.is_empty(), kind == RejectionKind::WrongCredentials, "{rejection:?}");
        assert_eq!(form.retry_at, rejection.retry_after().map(|after| NOW + after));
    }
}

#[test]
fn errors_of_the_network_stand_beside_the_server_or_the_own_address() {
    let server: ServerAddress = "lab".parse().unwrap();
    let cause = |kind: std::io::ErrorKind| std::io::Error::from(kind);
    for (error, field) in [
        (ConnectError::Resolve { server: server.clone(), source: cause(std::io::ErrorKind::NotFound) }, Field::Server),
        (
            ConnectError::Unreachable { server: server.clone(), source: cause(std::io::ErrorKind::ConnectionRefused) },
            Field::Server,
        ),
        (ConnectError::TimedOut { server: server.clone() }, Field::Server),
        (ConnectError::NotChat { server: server.clone(), what: "it says hello" }, Field::Server),
        (
            ConnectError::Udp {
                address: "[::]:1".parse().unwrap(),
                source: cause(std::io::ErrorKind::PermissionDenied),
            },
            Field::OwnAddress,
        ),
        (ConnectError::Internal, Field::Form),
    ] {
        let mut form = form();
        form.refuse(error, NOW);
        assert_eq!(form.first_problem(), Some(field));
    }
}

#[test]
fn what_is_wrong_with_the_whole_stays_until_something_is_changed() {
    let mut form = form();
    form.refuse(ConnectError::Internal, NOW);
    form.check(Field::Password);
    assert_eq!(form.first_problem(), Some(Field::Form));
    form.clear(Field::Password);
    assert_eq!(form.first_problem(), None);
}

#[test]
fn an_account_that_may_exist_leads_back_to_the_log_in() {
    let mut form = form();
    form.set_mode(Mode::Register);
    form.refuse(ConnectError::OnlyRegistered { server: "lab".parse().unwrap() }, NOW);
    assert_eq!((form.mode, form.first_problem()), (Mode::LogIn, Some(Field::Form)));
}

#[test]
fn a_fingerprint_of_the_settings_belongs_to_their_server_only() {
    let fingerprint = Fingerprint::new([7; 32]);
    let lab = "lab".parse().ok();
    let mut form = Form { trusted: lab, trust: TrustChoice::Fingerprint(fingerprint), ..form() };
    assert_eq!(form.submit().unwrap().trust, TrustBy::Fingerprint(fingerprint));
    form.server = "other".to_owned();
    assert_eq!(form.submit().unwrap().trust, TrustBy::Known("known".into()));
}
