//! Two hundred people behind one address who log in together, with the limits that a server has by default.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chat_core::password::Password;
use chat_core::wire::control::Purpose;
use chat_net::client::{ClientOptions, ConnectError};
use chat_net::server::{Metric, ServerOptions};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::{PATIENCE, Person, Server};

const COLLEAGUES: usize = 200;

/// A client that reports every rejection instead of waiting, and that logs in with a wrong password.
fn guesser(server: &Server, user: &str) -> ClientOptions {
    let mut options = server.client_options(user, Purpose::Login);
    options.machine.busy_timeout = Duration::ZERO;
    options.login.password = Password::parse("a wrong password").unwrap();
    options
}

/// Logs in everybody at the same time. Returns those who are online, and panics if anybody sees a refusal.
async fn log_in_together(server: &Arc<Server>, purpose: Purpose) -> Vec<Person> {
    let mut logins = JoinSet::new();
    for number in 0..COLLEAGUES {
        let server = Arc::clone(server);
        logins.spawn(async move {
            let user = format!("colleague{number}");
            server
                .connect(server.client_options(&user, purpose))
                .await
                .unwrap_or_else(|error| panic!("{user} is refused: {error}"))
        });
    }
    logins.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_of_200_behind_one_address_logs_in_while_somebody_there_guesses_passwords() {
    let options = ServerOptions::default();
    let monitor = options.monitor.clone();
    let server = Arc::new(Server::start_with(options).await);
    for person in log_in_together(&server, Purpose::Register).await {
        person.client.leave().await;
    }
    let empty = async {
        while monitor.metrics()[Metric::Roster] > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, empty).await.expect("everybody leaves");

    let (stop, guesses) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut guessers = JoinSet::new();
    for offset in 0..4 {
        let (server, stop, guesses) = (Arc::clone(&server), Arc::clone(&stop), Arc::clone(&guesses));
        guessers.spawn(async move {
            for number in 0_usize.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let user = format!("colleague{}", (number * 4 + offset) % 300);
                let refused = server.connect(guesser(&server, &user)).await.err().expect("the password is wrong");
                assert!(matches!(refused, ConnectError::Rejected(_)), "{refused}");
                guesses.fetch_add(1, Ordering::Relaxed);
                // Shorter pauses would use up the rate of handshakes for everybody behind the address.
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        });
    }
    while guesses.load(Ordering::Relaxed) < 30 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let people = log_in_together(&server, Purpose::Login).await;
    stop.store(true, Ordering::Relaxed);
    guessers.join_all().await;
    assert_eq!(monitor.metrics()[Metric::Roster], COLLEAGUES as u64);
    // Everybody stays online until the roster of one of them is complete.
    let mut watch = people.first().expect("the colleagues are online").client.watch_roster();
    let complete = async {
        while watch.roster().len() < COLLEAGUES - 1 {
            watch.changed().await.expect("the session goes on");
        }
    };
    timeout(PATIENCE, complete).await.expect("everybody sees everybody");
}
