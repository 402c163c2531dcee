//! The server as a service of Windows: what the service runs, and what other systems answer.

use std::io;

use crate::harness::{Home, Server, path_text};

#[test]
fn a_server_of_a_service_stops_cleanly_at_the_end_of_its_input() {
    let home = Home::new();
    let (input, service) = io::pipe().unwrap();
    let mut command = home.command("chat-server");
    command.args(["--data-dir", path_text(&home.join("data")), "--listen", "127.0.0.1:0", "serve-until-input-ends"]);
    command.stdin(input);
    let mut server = Server::start_command(&home, &mut command);
    // This process has a copy of the end from which the server reads.
    drop(command);
    assert_eq!(server.status()["state"], "serving");
    assert!(!server.process.has_ended());
    drop(service);
    assert_eq!(server.process.exit().code(), Some(0), "{}", server.process.errors());
    assert_eq!(server.presence_records(2).last().unwrap(), "server stopping");
}

#[test]
fn other_systems_say_that_only_windows_has_services_and_create_nothing() {
    let home = Home::new();
    for command in ["install-service", "uninstall-service"] {
        let refused = home.operate(&[command]);
        let sentence = "error: only Windows has such services\nhint: use the systemd unit of packaging/chat-server.service, or another service manager of this system\n";
        assert_eq!((refused.code, refused.out.as_str(), refused.err.as_str()), (Some(2), "", sentence), "{command}");
    }
    assert!(!home.join("data").exists());
}

#[test]
fn a_service_is_not_installed_with_wrong_settings_or_secrets_that_it_would_lack() {
    let home = Home::new();
    let refused = |variable: Option<(&str, &str)>, args: &[&str]| {
        let mut command = home.command("chat-server");
        command.args(["--data-dir", path_text(&home.join("data"))]).args(args).arg("install-service").envs(variable);
        let refused = crate::harness::finish(&mut command);
        assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
        refused.err
    };
    let wrong = refused(None, &["--cert", "server.pem"]);
    assert!(wrong.contains("--key <FILE>"), "{wrong}");
    let code = refused(Some(("CHAT_INVITATION_CODE", "open-sesame")), &[]);
    assert!(code.contains("CHAT_INVITATION_CODE is set, and a service does not have it\nhint: "), "{code}");
    let url = refused(Some(("CHAT_DATABASE", "mysql://ann:hush@db/chat")), &[]);
    assert!(url.contains("CHAT_DATABASE is set") && !url.contains("hush"), "{url}");
    assert!(!home.join("data").exists());
}
