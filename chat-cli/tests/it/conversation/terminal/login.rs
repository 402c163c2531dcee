//! Questions at the terminal before the client has logged in.

use super::starting::groups;
use super::{command, until_hidden_question};
use crate::harness::{Home, PASSWORD, Server, Terminal, on_both_databases};

#[test]
fn login_asks_for_what_is_missing_and_hides_passwords() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let mut command = home.command("chat-client");
    command.args(["--server", &server.address.to_string()]);
    let mut alice = Terminal::start(command.arg("--register"));
    let mut shown = alice.until_output("[y/n] ");
    assert!(shown.contains(&groups(&server.fingerprint)), "{shown}");
    alice.type_line("y");
    shown += &alice.until_output("user name: ");
    alice.type_line("alice");
    shown += &until_hidden_question(&mut alice, "new password: ");
    assert!(shown.contains("alice"), "the terminal does not echo the user name: {shown}");
    alice.type_line("short");
    shown += &alice.until_output("too short");
    shown += &until_hidden_question(&mut alice, "new password: ");
    alice.type_line(PASSWORD);
    shown += &until_hidden_question(&mut alice, "repeat new password: ");
    alice.type_line(PASSWORD);
    shown += &alice.until_output("you are ");
    shown += &alice.until_output("nobody else is online");
    assert!(!shown.contains(PASSWORD) && !shown.contains("short\r"), "a password is shown: {shown}");
    alice.until_output("> ");
    alice.type_line("/quit");
    assert_eq!(alice.exit_code(), Some(0));

    let mut command = home.command("chat-client");
    command.args(["--server", &server.address.to_string(), "--user", "alice"]);
    let mut again = Terminal::start(&command);
    until_hidden_question(&mut again, "password: ");
    again.type_line(PASSWORD);
    let shown = again.until_output("nobody else is online");
    assert!(!shown.contains("[y/n]") && !shown.contains(PASSWORD), "{shown}");
    again.until_output("> ");
    again.type_keys("\x04");
    assert_eq!(again.exit_code(), Some(0));
}

#[test]
fn a_server_that_the_user_refuses_receives_no_login() {
    on_both_databases(|database| {
        let server = Server::start(database);
        let mut alice = Terminal::start(command(&server, "alice").arg("--register"));
        let asks = |lines: &[String]| lines.last().is_some_and(|last| last.ends_with("[y/n]"));
        let lines = alice.until_screen("the question", asks);
        let question = format!("This is the first connection to {}. Its key has the fingerprint", server.address);
        assert!(lines.contains(&question), "{lines:#?}");
        alice.type_line("n");
        let shown = alice.until_output("the fingerprints differ, so nothing was sent");
        assert!(!shown.contains("password: "), "the password is asked for first: {shown}");
        assert_eq!(alice.exit_code(), Some(3));
        assert_eq!(server.presence_log(), ["server started"]);
        let users = server.operate(&["user", "list"]);
        assert_eq!((users.code, users.out.as_str()), (Some(0), ""), "an account was created");
    });
}

#[test]
fn ctrl_c_at_the_password_restores_the_terminal() {
    let server = Server::start_in(&Home::new(), &[]);
    // The shell survives Ctrl-C, which may arrive as a key or as a signal, and shows the state of the terminal.
    let script = "trap : INT; \"$@\"; echo code=$?; stty -a; read wait";
    let mut alice = Terminal::start_script(command(&server, "alice").arg("--accept-new"), script);
    until_hidden_question(&mut alice, "password: ");
    alice.type_keys("\x03");
    let shown = alice.until_output("code=3");
    assert!(shown.contains("error: interrupted\r\n"), "{shown}");
    let settings = alice.until_output(" echo ");
    assert!(!settings.contains("-icanon"), "{settings}");
}
