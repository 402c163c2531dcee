//! A thread that the system refuses, or a thread that panics, ends the program.

use std::fs;
use std::process::Command;

use chat_store::testing;

use crate::harness::{
    Finished, Home, Output, PASSWORD, Process, Server, Terminal, assert_contains, finish, path_text, preload, until,
};

/// The fewest threads that any command starts besides its first one. Servers and clients start more.
const FEWEST_THREADS: usize = 9;

/// Runs a program repeatedly, each time with one more thread allowed, until it succeeds. Asserts that each refusal ends
/// the program with an error. Returns the number of threads that the program needs.
#[track_caller]
fn refuse_threads(home: &Home, run: impl Fn(&dyn Fn(&mut Command)) -> Finished) -> usize {
    let limit = thread_limit(home);
    for threads in 0.. {
        let finished = run(&|command| limit(command, threads));
        if finished.code == Some(0) {
            return threads;
        }
        assert_refused(&finished);
    }
    unreachable!("every program needs a finite number of threads")
}

/// Returns a function that limits the number of threads that a command can start.
fn thread_limit(home: &Home) -> impl Fn(&mut Command, usize) + use<> {
    let library = preload(home, "threads", include_str!("preloads/threads.c"));
    move |command, threads| {
        command.env("LD_PRELOAD", &library).env("CHAT_TEST_THREADS", threads.to_string());
    }
}

#[track_caller]
fn assert_refused(Finished { code, err, .. }: &Finished) {
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(*code, Some(3), "{err}");
    assert!(lines[0].starts_with("error: ") && lines[0].contains("thread"), "{err}");
    assert!(lines[1].starts_with("hint: raise the limit of processes and threads: `ulimit -u`"), "{err}");
    assert_eq!(lines.len(), 2, "{err}");
}

#[test]
fn a_server_starts_with_all_its_threads_or_ends_with_a_sentence() {
    let libraries = Home::new();
    let needed = refuse_threads(&libraries, |limit| {
        let home = Home::new();
        let mut command = home.command("chat-server");
        command.args(["--listen", "127.0.0.1:0", "--data-dir", path_text(&home.join("data"))]);
        limit(&mut command);
        let mut process = Process::spawn(&mut command);
        let out = Output::collect(process.stdout());
        until("the server serves or ends", || process.has_ended() || out.text().contains("server started"));
        if process.has_ended() {
            return Finished { code: process.exit().code(), out: out.text(), err: process.errors() };
        }
        process.kill();
        Finished { code: Some(0), out: String::new(), err: String::new() }
    });
    assert!(needed > FEWEST_THREADS, "the system refused no thread: {needed}");
    // With exactly this number of threads, everything that a server does works: it starts no thread later.
    let home = Home::new();
    let mut command = home.command("chat-server");
    command.args(["--listen", "127.0.0.1:0", "--data-dir", path_text(&home.join("data"))]);
    thread_limit(&libraries)(&mut command, needed);
    let mut server = Server::start_command(&home, &mut command);
    let mut alice = server.client("alice").register().start();
    let bob = server.client("bob").register().start();
    alice.expect(&["online bob"]);
    alice.type_line("hello");
    alice.until("summary 1 delivered");
    assert_eq!((alice.leave().0, bob.leave().0), (Some(0), Some(0)));
    server.stop();
}

#[test]
fn a_client_without_threads_ends_with_a_sentence_and_leaves_the_session_that_it_has_begun() {
    let server = Server::start(testing::sqlite());
    assert_eq!(server.client("alice").register().run("").code, Some(0));
    let needed = refuse_threads(server.home(), |limit| {
        let mut command = server.client("alice").into_command();
        limit(&mut command);
        let finished = finish(&mut command);
        if finished.code == Some(3) {
            assert_eq!(finished.error_code(), "system-refused");
        }
        finished
    });
    assert!(needed > FEWEST_THREADS, "the system refused no thread: {needed}");
    let at_terminal = |threads: usize| {
        let mut command = server.client("alice").into_interactive();
        command.env("CHAT_PASSWORD", PASSWORD);
        thread_limit(server.home())(&mut command, threads);
        Terminal::start(&command)
    };
    let mut refused = at_terminal(needed - 1);
    refused.until_output("error: cannot start a thread");
    assert_eq!(refused.exit_code(), Some(3));
    let mut enough = at_terminal(needed);
    enough.until_output("> ");
    enough.type_line("/quit");
    assert_eq!(enough.exit_code(), Some(0));
    let ends = server.presence_log();
    assert!(ends.iter().all(|line| !line.starts_with("offline") || line.ends_with("asked")), "{ends:?}");
}

#[test]
fn commands_without_threads_end_with_a_sentence() {
    let home = Home::new();
    let mut server = Server::start_in(&home, &[]);
    assert_eq!(server.operate(&["user", "add", "alice"]).code, Some(0));
    let refuse = |args: &dyn Fn() -> Vec<String>| {
        let needed = refuse_threads(&home, |limit| {
            let mut command = home.command("chat-server");
            command.args(["--data-dir", path_text(&home.join("data"))]).args(args()).env("CHAT_PASSWORD", PASSWORD);
            limit(&mut command);
            finish(&mut command)
        });
        assert!(needed >= FEWEST_THREADS, "{:?}: {needed}", args());
    };
    for args in [
        &["user", "list"][..],
        &["user", "list", "--online"],
        &["user", "passwd", "alice"],
        &["status"],
        &["fingerprint"],
        &["invite"],
        &["backup", "copy.sqlite"],
    ] {
        refuse(&|| args.iter().map(|&arg| arg.to_owned()).collect());
    }
    server.stop();
    refuse(&|| vec!["move".into(), "--to-database".into(), "sqlite:other.sqlite".into()]);
}

/// Makes every thread of this name panic as soon as the file exists.
fn panic_in(home: &Home, command: &mut Command, thread: &str, trigger: &str) {
    let library = preload(home, "clock", include_str!("preloads/clock.c"));
    command.env("LD_PRELOAD", library).env("CHAT_TEST_THREAD", thread).env("CHAT_TEST_TRIGGER", trigger);
}

#[track_caller]
fn assert_bug(code: Option<i32>, err: &str) {
    assert_eq!(code, Some(70), "{err}");
    let lines: Vec<&str> = err.lines().collect();
    assert!(lines.len() == 1, "{err}");
    assert!(lines[0].starts_with("error: internal error; please report it: "), "{err}");
}

#[test]
fn a_panic_in_any_thread_ends_the_server() {
    for thread in ["tokio-rt-worker", "chat-hash-0"] {
        let home = Home::new();
        let trigger = home.join("panic");
        let mut command = home.command("chat-server");
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--password-threads",
            "1",
            "--data-dir",
            path_text(&home.join("data")),
        ]);
        panic_in(&home, &mut command, thread, path_text(&trigger));
        let mut server = Server::start_command(&home, &mut command);
        fs::write(&trigger, "").unwrap();
        // A registration without an answer is repeated for minutes, which the test does not wait for.
        let _client = Process::spawn(&mut server.client("alice").register().into_command());
        assert_bug(server.process.exit().code(), &server.process.errors());
    }
}

#[test]
fn a_panic_in_any_thread_ends_the_client_and_restores_the_terminal() {
    let server = Server::start(testing::sqlite());
    let trigger = server.home().join("panic");
    let mut command = server.client("alice").register().args(&["--stay"]).into_command();
    panic_in(server.home(), &mut command, "tokio-rt-worker", path_text(&trigger));
    let mut process = Process::spawn(&mut command);
    let out = Output::collect(process.stdout());
    until("the client is online", || out.text().contains("welcome") || process.has_ended());
    fs::write(&trigger, "").unwrap();
    // Something for the client to do.
    let _bob = server.client("bob").register().start();
    let code = process.exit().code();
    assert_bug(code, &process.errors());
    fs::remove_file(&trigger).unwrap();

    let mut command = server.client("alice").into_interactive();
    command.env("CHAT_PASSWORD", PASSWORD);
    panic_in(server.home(), &mut command, "tokio-rt-worker", path_text(&trigger));
    let mut terminal = Terminal::start_script(&command, "\"$@\"; echo code=$?; stty -a; read wait");
    terminal.until_output("> ");
    fs::write(&trigger, "").unwrap();
    terminal.type_line("/who");
    let shown = terminal.until_output("code=70");
    assert_contains(&shown, "error: internal error; please report it: ");
    let settings = terminal.until_output(" echo ");
    assert!(!settings.contains("-icanon"), "{settings}");
}
