//! The one harness of all these tests.
//!
//! A [`Home`] is a temporary folder with a clean environment, and every program is started in one. [`Server`] and
//! [`Client`] are running programs. [`Terminal`] runs a program in a pseudo-terminal. [`Router`], [`TcpTap`] and [`Proxy`]
//! stand between the programs and record, delay or drop what they send. Programs in a [`Namespace`] have a network of their own, and a
//! [`Container`] is several of them with a router. A [`Crowd`] is many clients without programs of their own.

mod client;
mod container;
mod crowd;
mod database;
mod event;
mod event_log;
mod event_reader;
mod fake_server;
mod forwarder;
mod home;
mod impairment;
mod namespace;
mod nodes;
mod output;
mod preload;
mod process;
mod proxy;
mod raw_connection;
mod router;
mod screen;
mod screens;
mod server;
mod tap;
mod terminal;
mod udp_queue;

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use self::client::{Client, ClientSetup};
pub(crate) use self::container::{Container, Udp};
pub(crate) use self::crowd::{Crowd, Seen};
pub(crate) use self::database::{block_on, on_both_databases, on_each};
pub(crate) use self::event::short_form;
pub(crate) use self::event_log::{EventLog, text};
pub(crate) use self::fake_server::{FakeAnswer, fake_server};
pub(crate) use self::forwarder::Forwarder;
pub(crate) use self::home::{Home, path_text};
pub(crate) use self::impairment::Impairment;
pub(crate) use self::namespace::Namespace;
pub(crate) use self::nodes::{Nodes, is_presence, join, join_at, presence_until, see, talk};
pub(crate) use self::output::Output;
pub(crate) use self::preload::{launcher, preload};
pub(crate) use self::process::{Finished, NO_INPUT, Process, finish, finish_with};
pub(crate) use self::proxy::{Fault, Proxy};
pub(crate) use self::raw_connection::{RawConnection, connect_from, login};
pub(crate) use self::router::{Datagram, Network, Router};
pub(crate) use self::screen::Resizing;
pub(crate) use self::screens::{LANGUAGES, assert_in_both_languages};
pub(crate) use self::server::{Server, without_address};
pub(crate) use self::tap::TcpTap;
pub(crate) use self::terminal::Terminal;
pub(crate) use self::udp_queue::UdpQueue;

/// The password of every account, unless a test is about passwords.
pub(crate) const PASSWORD: &str = "correct horse";

/// The timeout of every wait: longer than any step takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The interval at which [`until`] checks its condition.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until a condition holds.
///
/// # Panics
/// If it does not hold within [`PATIENCE`].
#[track_caller]
pub(crate) fn until(condition: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "timed out waiting until {condition}");
        thread::sleep(POLL_INTERVAL);
    }
}

/// Asserts that a text contains another, and shows both if it does not.
#[track_caller]
pub(crate) fn assert_contains(text: &(impl AsRef<str> + Debug), part: &str) {
    assert!(text.as_ref().contains(part), "{text:?} does not contain {part:?}");
}
