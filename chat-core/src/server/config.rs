//! Every time and bound of the server machine, with its reason.

use std::time::Duration;

use super::PublishInterval;
use crate::invitation::InvitationCode;

/// The times and bounds of a [`Server`](super::Server). The defaults suit a room of people; all durations must be
/// longer than zero.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// How often a client's heartbeat is due. Told to the client: 10 s keep the state of routers between alive.
    pub heartbeat: Duration,
    /// After how long a silence a connection counts as broken: two heartbeats may be lost, a third may be late.
    pub silence: Duration,
    /// For how long a broken session waits to be resumed before it is told as lost: a change of network takes seconds.
    pub grace: Duration,
    /// For how long after a start clients keep the entries that a fresh copy lacks: longer than silence and the first
    /// reconnect pauses, so that everybody had time to notice the restart and to come back.
    pub settling: Duration,
    /// For how long a connection may take to say hello, and then to make each attempt to log in. The server's own work
    /// does not count.
    pub login_time: Duration,
    /// An input that comes later than this after the deadline shows that the server itself stood still; the time that
    /// passed since the input before it then counts for nobody.
    pub stall: Duration,
    /// Who may register.
    pub registration: RegistrationPolicy,
    /// Whether a client's observed address may enter the roster.
    pub observed_addresses: ObservedAddresses,
    /// The most connections, logged in or not.
    pub max_connections: usize,
    /// The most connections from one address (of IPv6: one /64 network). Less than `max_checks`, so that
    /// one address cannot keep all the others from logging in.
    pub max_connections_per_address: usize,
    /// The most connections that have not logged in: more than come within the time that a log-in takes, and few enough
    /// that strangers cost little.
    pub max_guests: usize,
    /// The most sessions, those in grace included, which is the length of the roster: each client keeps it, and each
    /// arrival is told to all.
    pub max_sessions: usize,
    /// The accounts that may be made in an hour, all at once or evenly. A class or an office comes in one hour; a million
    /// accounts do not.
    pub registrations_per_hour: u32,
    /// The same from one address (of IPv6: one /64 network), behind which there may be a whole class.
    pub registrations_per_address: u32,
    /// The most password checks in flight: of two fast cores about as many as `max_check_wait` allows, and little memory.
    pub max_checks: usize,
    /// How long the password checks in flight may take together, by `check_time`. Beyond, clients are refused as busy and
    /// asked to retry after that time. Half of the time for which a client waits for an answer.
    pub max_check_wait: Duration,
    /// The time of one password check when many are in flight, divided by the number that run at once. The owner of the
    /// accounts measures it at the start; the default is that of two fast cores.
    pub check_time: Duration,
    /// The most requests on a connection before it has logged in: a few wrong passwords.
    pub max_guest_requests: u32,
    /// The frames that a connection may send per second in the long run. A client needs one in ten seconds.
    pub frames_per_second: u32,
    /// The frames that may come at once, after a pause.
    pub frame_burst: u32,
    /// The least time between two fresh copies to one connection, as a copy is the largest answer that can be asked
    /// for. One that is asked for earlier is sent when the time has come.
    pub refresh_interval: Duration,
    /// How often changes are published.
    pub publish_interval: PublishInterval,
    /// The most bytes of published updates that are kept for clients that resume. A client that missed more than the
    /// length of a snapshot gets a snapshot, and that of ten thousand sessions has some 600 KB.
    pub max_update_log: usize,
    /// The least time between two changes of addresses, as each goes to everybody. Of several that come earlier, the
    /// last is made when the time has come.
    pub move_interval: Duration,
    /// For how long a ticket is valid: a night and a day in a suspended computer.
    pub ticket_life: Duration,
    /// How often a client that is online gets a new ticket.
    pub ticket_renewal: Duration,
    /// How often the accounts are asked for changes that operators have made beside the server.
    pub poll_interval: Duration,
    /// How far each poll looks back behind the one before it, as a change may be committed after its own time.
    pub poll_overlap: Duration,
    /// How often the accounts are told who is online, for the case that the server ends without a word.
    pub seen_interval: Duration,
    /// How failures to log in slow down.
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
            stall: Duration::from_secs(2),
            registration: RegistrationPolicy::Open,
            observed_addresses: ObservedAddresses::Trusted,
            max_connections: 10_000,
            max_connections_per_address: 128,
            max_guests: 2_048,
            max_sessions: 10_000,
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
            max_update_log: 1024 * 1024,
            move_interval: Duration::from_secs(1),
            ticket_life: Duration::from_secs(24 * 60 * 60),
            ticket_renewal: Duration::from_secs(60 * 60),
            poll_interval: Duration::from_secs(5),
            poll_overlap: Duration::from_secs(60),
            seen_interval: Duration::from_secs(5 * 60),
            throttle: ThrottleConfig::default(),
        }
    }
}

/// How failures to log in slow down: per pair of user name and address, and more generously per address; never per user
/// name alone, so nobody can lock another out.
#[derive(Clone, Debug)]
pub struct ThrottleConfig {
    /// The pause after the first failure; each further one doubles it.
    pub first: Duration,
    /// The longest pause: guessing gets nowhere, and whoever finds the right password at last need not wait for long.
    pub longest: Duration,
    /// The checks of one pair that may be in flight at once, so that a pause cannot be evaded by not waiting for answers.
    pub parallel: u32,
    /// The failures of one address that have no effect beyond their pairs: many people may sit behind one router.
    pub free_per_address: u32,
    /// For how long the last failure of a pair or an address is remembered.
    pub memory: Duration,
    /// The most pairs, and the most addresses, that are remembered (about 2 MB); beyond, the oldest is forgotten.
    pub max_remembered: usize,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            parallel: 2,
            free_per_address: 20,
            memory: Duration::from_secs(15 * 60),
            max_remembered: 10_000,
        }
    }
}

/// Who may make an account through the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RegistrationPolicy {
    /// Anybody who can connect.
    Open,
    /// Whoever knows the code.
    Invited(InvitationCode),
    /// Nobody: operators make the accounts.
    Closed,
}

/// Whether the addresses from which connections come are those of the clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ObservedAddresses {
    /// They are, unless several clients contradict one.
    Trusted,
    /// They are not: the server is behind a forwarder.
    Ignored,
}
