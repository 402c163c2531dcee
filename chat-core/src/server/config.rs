//! The times and limits of the server machine, each with its reason.

use std::time::Duration;

use super::PublishInterval;
use crate::invitation::InvitationCode;
use crate::wire::relay::RelayTerms;

/// The times and limits of a [`Server`](super::Server). The defaults suit up to ten thousand sessions. All of them must
/// be above zero, unless their documentation says otherwise. Change the fields of [`ServerConfig::default`];
/// [`ServerConfig::check`] finds settings that cannot work.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The time between two heartbeats of a client, which the welcome states: 10 s, often enough for routers to keep
    /// the connection's state.
    pub heartbeat: Duration,
    /// The time without a frame after which a connection counts as broken: two heartbeats may be lost, and a third may
    /// be late. Default 25 s.
    pub silence: Duration,
    /// The time for which a session without a connection waits to be resumed before it ends as lost: a change of
    /// network takes seconds. Default 15 s.
    pub grace: Duration,
    /// The time after a start in which clients keep the entries that a snapshot lacks: longer than the silence and the
    /// first pauses between reconnects, so that every client has time to notice the restart and to resume. Default 45
    /// s.
    pub settling: Duration,
    /// The time limit from the connection to the login, all attempts included. The server's own work does not count.
    /// Default 10 s.
    pub login_time: Duration,
    /// The time for which a server that stops waits for the results of registrations, password changes and reports of
    /// void tickets in flight: many times what one takes, and short enough for service managers, which kill a server
    /// after some seconds. Default 2 s.
    pub finish_time: Duration,
    /// The stall time. If an input comes later than this after the deadline, the server itself was suspended or
    /// overloaded, and the time since the previous input does not count. Default 2 s.
    pub stall: Duration,
    /// Which clients may register an account, until [`Input::SetRegistration`](super::Input::SetRegistration). Default:
    /// every client.
    pub registration: RegistrationPolicy,
    /// Whether a client's observed address may enter the roster.
    pub observed_addresses: ObservedAddresses,
    /// The highest number of connections, logged in or not. Default 10,000.
    pub max_connections: usize,
    /// The highest number of connections from one source: an office of 200 people behind one router, and some clients
    /// that reconnect. Less than `max_checks`, so that one source cannot block the logins of all others. Default 256.
    pub max_connections_per_address: usize,
    /// The highest number of guests: more than arrive during one login, and few enough that strangers cost little.
    /// Beyond it, a guest of the [network](crate::source::Source::networks) that holds most of them gives way. If all
    /// networks hold few, the oldest guest gives way. Guests from known sources are the last to do so. Default 2,048.
    pub max_guests: usize,
    /// The number of sessions that one account may begin together; then one more each 10 s. A person begins a few in a
    /// day. A session that continues does not count, and a password change does. One source may make twice
    /// [`max_connections_per_address`](Self::max_connections_per_address) such attempts, then one more each second.
    /// Default 20.
    pub sessions_per_account: u32,
    /// The highest number of sessions, those in their grace time included. This is the length of the roster, which
    /// every client keeps and in which every arrival is published to all. Default 10,000.
    pub max_sessions: usize,
    /// The number of accounts that clients may register per hour, in a burst or evenly. A class or an office registers
    /// within one hour; a million users do not. Names that are taken do not count. A quarter is reserved for newcomers:
    /// networks (IPv6 /48, IPv4 /24) from which no account was registered within a day, with one account each. Default
    /// 1,000.
    pub registrations_per_hour: u32,
    /// The number of attempts to register of one source, behind which there may be a whole class. Names that are taken
    /// count. Default 200.
    pub registrations_per_address: u32,
    /// The highest number of password checks in flight. Two fast cores need about `max_check_wait` for them, and they
    /// occupy little memory. Default 1,024.
    pub max_checks: usize,
    /// The longest time that the password checks in flight may take together, estimated with `check_time`. Beyond it,
    /// the server rejects a client as busy and asks it to retry after that time. Half of the time for which a client
    /// waits for an answer. Default 10 s.
    pub max_check_wait: Duration,
    /// The time of one password check while many are in flight, divided by the number that run in parallel. A program
    /// measures it at its start. Default 10 ms, as two fast cores take.
    pub check_time: Duration,
    /// The highest number of requests on a connection before its login: enough for several wrong passwords. Default 8.
    pub max_guest_requests: u32,
    /// The sustained rate of frames that one connection may send, per second. A client needs one frame in ten seconds.
    /// Default 10.
    pub frames_per_second: u32,
    /// The number of frames that one connection may send together after a pause. Default 40.
    pub frame_burst: u32,
    /// The shortest time between two snapshots for one connection, because a snapshot is the largest answer that a
    /// client can request. A snapshot that is requested earlier is sent when this time has passed. Default 1 s.
    pub refresh_interval: Duration,
    /// The time between two publications.
    pub publish_interval: PublishInterval,
    /// The shortest time between two appends to a journal that is shared with other servers, and between two reads. An act
    /// that is alone waits for neither. In a storm, acts that come meanwhile share an append and a read, because each of
    /// these costs every server, and the journal, more than an act does. May be zero. Default 10 ms, which nobody notices.
    pub journal_interval: Duration,
    /// The size limit of the update log in bytes. A longer log has little use: a client receives a delta only if that
    /// is shorter than a snapshot, and the snapshot of ten thousand sessions has about 600 KB. Default 1 MiB.
    pub max_update_log: usize,
    /// The shortest pause between two address changes of one account, because each is published to all. The pause
    /// doubles with each change, up to 10 s. If several requests come earlier, the last one takes effect after the
    /// pause. Default 1 s.
    pub move_interval: Duration,
    /// The time after which the user of one account may go away or come back again, in the long run, because each change
    /// is published to all: a user who really does so takes longer. Four may come together. If more come earlier, the
    /// last one takes effect when this time has passed. Default 10 s.
    pub away_interval: Duration,
    /// The time for which a ticket is valid: a day and a night in a suspended computer. Default 24 h.
    pub ticket_life: Duration,
    /// The time after which a client that is online receives a new ticket. Default 1 h.
    pub ticket_renewal: Duration,
    /// The time between two polls of the accounts for changes that operators made outside the server. Default 5 s.
    pub poll_interval: Duration,
    /// The time by which each poll overlaps the one before, because a change may be committed later than its timestamp.
    /// Default 1 min.
    pub poll_overlap: Duration,
    /// The time between two records of the accounts that are online, in case the server ends without recording them.
    /// Default 5 min.
    pub seen_interval: Duration,
    /// What the server relays for each session, as the welcome states it. The driver does the work. Default: nothing.
    pub relay: Option<RelayTerms>,
    /// The throttle of failed logins.
    pub throttle: ThrottleConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(10),
            silence: Duration::from_secs(25),
            grace: Duration::from_secs(15),
            settling: Duration::from_secs(45),
            login_time: Duration::from_secs(10),
            finish_time: Duration::from_secs(2),
            stall: Duration::from_secs(2),
            registration: RegistrationPolicy::Open,
            observed_addresses: ObservedAddresses::Trusted,
            max_connections: 10_000,
            max_connections_per_address: 256,
            max_guests: 2_048,
            max_sessions: 10_000,
            sessions_per_account: 20,
            registrations_per_hour: 1_000,
            registrations_per_address: 200,
            max_checks: 1_024,
            max_check_wait: Duration::from_secs(10),
            check_time: Duration::from_millis(10),
            max_guest_requests: 8,
            frames_per_second: 10,
            frame_burst: 40,
            refresh_interval: Duration::from_secs(1),
            publish_interval: PublishInterval::default(),
            journal_interval: Duration::from_millis(10),
            max_update_log: 1024 * 1024,
            move_interval: Duration::from_secs(1),
            away_interval: Duration::from_secs(10),
            ticket_life: Duration::from_secs(24 * 60 * 60),
            ticket_renewal: Duration::from_secs(60 * 60),
            poll_interval: Duration::from_secs(5),
            poll_overlap: Duration::from_secs(60),
            seen_interval: Duration::from_secs(5 * 60),
            relay: None,
            throttle: ThrottleConfig::default(),
        }
    }
}

/// The throttle of failed logins. It counts failures per pair of user name and source, and more generously per source
/// and per user name. The count of a user name never slows down its user at a source from which the user has logged in,
/// so that no client can lock out another.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ThrottleConfig {
    /// The pause after the first failure. Each further failure doubles it. Default 1 s.
    pub first: Duration,
    /// The longest pause: long enough to make guessing hopeless, short enough for a user who finally remembers the
    /// password. Default 30 s.
    pub longest: Duration,
    /// The highest number of checks of one pair in flight, so that a client cannot evade the pause with parallel
    /// attempts. Default 2.
    pub parallel: u32,
    /// The number of failures of one source that cause no pause beyond their pairs: many people may share one router.
    /// Once half of them are used up, the source may have [`parallel`](Self::parallel) checks in flight. May be zero.
    /// Default 20.
    pub free_per_address: u32,
    /// The number of failures at one user name, from all sources from which its user has never logged in, that cause no
    /// pause beyond their pairs. An attacker with many sources would otherwise have the first failures of each of them
    /// for free. Users cause fewer, and an attacker tries more passwords than that. May be zero. Default 100.
    pub free_per_user: u32,
    /// After these failures, the time between two attempts at the user name from all those sources: about 9,000 guesses
    /// a day. Each network waits for one attempt at a time, so that a user in a new place has a turn. Default 10 s.
    pub user_interval: Duration,
    /// The time for which the last failure of a pair, a source or a user name is remembered. Default 15 min.
    pub memory: Duration,
    /// The time for which a pair whose last login was right passes the pauses of its source: longer than a holiday. A
    /// restart of the server ends it for users who do not resume a session afterwards. Default 30 days.
    pub proven_memory: Duration,
    /// The highest number of pairs, of sources, and of user names that are remembered (about 3 MB). Beyond it the
    /// oldest is forgotten. Default 10,000.
    pub max_remembered: usize,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            parallel: 2,
            free_per_address: 20,
            free_per_user: 100,
            user_interval: Duration::from_secs(10),
            memory: Duration::from_secs(15 * 60),
            proven_memory: Duration::from_secs(30 * 24 * 60 * 60),
            max_remembered: 10_000,
        }
    }
}

/// Which clients may register an account.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegistrationPolicy {
    /// Every client that can connect.
    Open,
    /// Clients that show the invitation code.
    Invited(InvitationCode),
    /// No client: operators add the accounts.
    Closed,
}

/// Whether the addresses from which connections come are those of the clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ObservedAddresses {
    /// They are, unless the offers of clients show that an address is a forwarder's.
    Trusted,
    /// They are not: the server is behind a forwarder.
    Ignored,
}
