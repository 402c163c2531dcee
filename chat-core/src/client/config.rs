//! The times of a client machine.

use std::time::Duration;

use crate::roster::LinkFeatures;

/// The times that the client decides itself. The server's welcome brings those that both ends must share, such as the
/// heartbeat interval. Change the fields of [`ClientConfig::default`]. All times must be above zero, unless their
/// documentation says what zero means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClientConfig {
    /// How long connecting may take, including TLS. Default 10 s: several lost packets on a slow network, and still an
    /// answer while the user watches.
    pub connect_timeout: Duration,
    /// How long any reply may take: the server's hello, its welcome, the next page of a snapshot. Default 20 s: longer
    /// than the server's own time limits, so that users see the server's reason instead of a timeout.
    pub reply_timeout: Duration,
    /// How long the first login is retried while the server is busy or slows the client down. Default 3 minutes: twice
    /// what a small server needs for ten thousand logins at the same moment. With zero, it is not retried.
    pub busy_timeout: Duration,
    /// How long the client repeats an unanswered registration. Default 1 minute: longer than a restart of a server, and
    /// no longer than a user is willing to wait. With zero, it repeats none.
    pub registration_timeout: Duration,
    /// The shortest delay before reconnecting. Default 0.5 s: about what a restart of the server takes.
    pub min_backoff: Duration,
    /// The longest delay before reconnecting. Default 30 s: a user who repairs the network waits no longer than that,
    /// and ten thousand clients of an unreachable server make fewer than 700 attempts a second.
    pub max_backoff: Duration,
    /// A tick that is later than this shows that the client itself stalled, on a suspended laptop or an overloaded
    /// machine. The elapsed time then says nothing about the server. Default 2 s: more than any scheduling delay.
    pub stall_threshold: Duration,
    /// How much time the server gets to answer after such a stall. Default 5 s: enough for Wi-Fi to reconnect. With zero,
    /// it gets none, and every such stall breaks the connection.
    pub stall_extension: Duration,
    /// How many other servers the first login is tried at, if one cannot reach its storage: they share one roster, and another
    /// one may reach it. The driver sets it to what it can connect to. Default: none.
    pub other_servers: u32,
    /// The link features of this client, which its entry in the roster states. Default: none.
    pub link_features: LinkFeatures,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            reply_timeout: Duration::from_secs(20),
            busy_timeout: Duration::from_mins(3),
            registration_timeout: Duration::from_mins(1),
            min_backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(30),
            stall_threshold: Duration::from_secs(2),
            stall_extension: Duration::from_secs(5),
            other_servers: 0,
            link_features: LinkFeatures::NONE,
        }
    }
}
