//! The times of a client, each with its reason.

use std::time::Duration;

/// The times that a client decides itself. Those that both ends must share, such as the heartbeat, come with the
/// welcome.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientConfig {
    /// How long connecting may take, TLS included. 10 s: several lost packets on a slow line, and still an answer while
    /// somebody sits and waits.
    pub connect_timeout: Duration,
    /// How long any answer may take: the server's hello, its welcome, the next page of a roster. 20 s: longer than a
    /// server's own patience, so that people see its reason rather than ours.
    pub answer_timeout: Duration,
    /// For how long the first log-in is tried again while the server says that it is busy. 3 minutes: ten thousand who
    /// log in at once take a small server half of that.
    pub patience: Duration,
    /// The least pause before connecting again. 0.5 s: a server that restarts is back after about that.
    pub shortest_pause: Duration,
    /// The longest pause before connecting again. 30 s: people who fix the network do not wait longer than that, and
    /// ten thousand clients of a dead server stay below 700 attempts a second.
    pub longest_pause: Duration,
    /// From which delay of our own on (a suspended laptop, a stalled machine) timestamps say nothing about the server.
    /// 2 s: no scheduler takes that long by itself.
    pub stall: Duration,
    /// How long the server has to answer after such a delay. 5 s: a Wi-Fi comes back within that.
    pub second_chance: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(20),
            patience: Duration::from_mins(3),
            shortest_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            stall: Duration::from_secs(2),
            second_chance: Duration::from_secs(5),
        }
    }
}
