//! A terminal without the line editor, which assembles lines itself.

use chat_store::testing;

use super::command;
use crate::harness::{Client, PASSWORD, Server, Terminal};

/// The most bytes of a line that Linux passes on.
const CUT_BYTES: usize = 4_095;

const REFUSED: &str = "error: the line was not sent: a terminal without line editing passes on at most 4094 bytes";

/// Types lines that are too long and one that is not, and asserts that only that one is sent.
#[track_caller]
fn type_long_lines(server: &Server, term: &str, script: &str) {
    let bob: Client = server.client("bob").args(&["--register"]).start();
    let mut command = command(server, "alice");
    command.args(["--register", "--accept-new"]).env("CHAT_PASSWORD", PASSWORD).env("TERM", term);
    let mut alice = Terminal::start_script(&command, script);
    bob.expect(&["online alice"]);
    alice.until_output("1 online: ");
    for length in [CUT_BYTES, CUT_BYTES + 1, 3 * CUT_BYTES] {
        alice.type_line(&"x".repeat(length));
        alice.until_output(REFUSED);
    }
    // The terminal cuts the last character in two, which must not be reported as an error of the encoding.
    alice.type_line(&format!("x{}", "你".repeat(CUT_BYTES / 3)));
    alice.until_output(REFUSED);
    let longest = "y".repeat(CUT_BYTES - 1);
    alice.type_line(&longest);
    bob.expect(&[&format!("message alice > everyone: {longest}")]);
    alice.type_keys("\x04");
    bob.expect(&["offline alice asked"]);
}

#[test]
fn a_line_that_the_terminal_cuts_is_not_sent() {
    type_long_lines(&Server::start(testing::sqlite()), "dumb", "exec \"$@\"");
}

#[test]
fn a_line_that_the_terminal_cuts_is_not_sent_if_the_output_is_piped() {
    type_long_lines(&Server::start(testing::sqlite()), "xterm", "\"$@\" | cat");
}
