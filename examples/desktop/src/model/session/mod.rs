//! A session: people, conversations, and the state of the connection.

mod sending;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use chat_cli::texts::{Sentence, WindowSentence};
use chat_cli::view::Notice;
use chat_core::away::AwayText;
use chat_core::id::MessageId;
use chat_core::message::{Content, Scope};
use chat_core::name::UserName;
use chat_core::presence::Presence;
use chat_core::text::Text;
use chat_core::time::Timestamp;
use chat_net::address::ServerAddress;
use chat_net::client::{self, EndReason, Event, ReachMode, SendError, SetAwayError};
use chat_net::identity::Fingerprint;

use super::conversation::{Conversation, Line, LineId, Partner, What};
use super::exchange::{FileProblem, People, Wish};
use super::password::PasswordForm;
use super::roster::{Roster, Way};

/// For how long a notice about the way to somebody takes in others, whose ways change for the same reason.
const GATHER: Duration = Duration::from_secs(5);

/// The most notices. The oldest are the least useful.
const MAX_NOTICES: usize = 1_000;

/// The state of the connection to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Connection {
    /// It works.
    Works,
    /// It broke.
    Broken {
        /// When the client tries again.
        retry_at: Timestamp,
    },
}

/// A session, and after its end what is left of it to read.
#[derive(Debug)]
pub struct Session {
    /// The server.
    pub server: ServerAddress,
    /// The user.
    pub user: UserName,
    /// The people.
    pub roster: Roster,
    /// The conversation that is shown.
    pub open: Partner,
    /// The state of the connection.
    pub connection: Connection,
    /// Another key that answers at the server's address: the known fingerprint and the one that is shown.
    pub other_key: Option<(Fingerprint, Fingerprint)>,
    /// Why the session ended.
    pub end: Option<EndReason>,
    /// The form that changes the password.
    pub password: PasswordForm,
    /// What the user says about being away.
    pub own_away: Option<AwayText>,
    /// What is typed about being away.
    pub away_typed: String,
    /// What is wrong with it, or why nobody learns it.
    pub away_problem: Option<Sentence>,
    /// The addresses at which messages arrive.
    pub own_addresses: Vec<SocketAddr>,
    /// Which ways messages may take.
    pub reach: ReachMode,
    /// That the system grants a small receive buffer only.
    pub small_buffer: Option<Notice>,
    notices: VecDeque<(Timestamp, Notice)>,
    /// How many of the newest ones nobody has seen.
    unseen_notices: usize,
    conversations: BTreeMap<Partner, Conversation>,
    /// The lines whose outcomes are not all known.
    outstanding: HashMap<MessageId, (Partner, LineId)>,
    /// The lines that wait for an id, with their conversations.
    waiting: BTreeMap<LineId, Partner>,
    next_line: u64,
}

impl Session {
    /// A session that has begun.
    pub fn new(server: ServerAddress, user: UserName, people: People, own_addresses: Vec<SocketAddr>) -> Self {
        let mut roster = Roster::default();
        roster.set_online(people, |_| false);
        Self {
            server,
            user,
            roster,
            open: Partner::Everyone,
            connection: Connection::Works,
            other_key: None,
            end: None,
            password: PasswordForm::default(),
            own_away: None,
            away_typed: String::new(),
            away_problem: None,
            own_addresses,
            reach: ReachMode::default(),
            small_buffer: None,
            notices: VecDeque::new(),
            unseen_notices: 0,
            conversations: BTreeMap::from([(Partner::Everyone, Conversation::default())]),
            outstanding: HashMap::new(),
            waiting: BTreeMap::new(),
            next_line: 0,
        }
    }

    /// The same user has logged in again at the same server: lines and drafts stay.
    pub fn begin_again(&mut self, people: People, own_addresses: Vec<SocketAddr>) {
        self.connection = Connection::Works;
        (self.other_key, self.end) = (None, None);
        (self.own_away, self.away_problem, self.own_addresses) = (None, None, own_addresses);
        self.roster.forget_answers();
        self.password = PasswordForm::default();
        self.outstanding.clear();
        self.waiting.clear();
        self.set_people(people);
    }

    /// Replaces the people who are online.
    pub fn set_people(&mut self, people: People) {
        let conversations = &self.conversations;
        self.roster.set_online(people, |user| conversations.contains_key(&Partner::One(user.clone())));
    }

    /// A conversation, if anything was said or typed in it.
    pub fn conversation(&self, partner: &Partner) -> Option<&Conversation> {
        self.conversations.get(partner)
    }

    /// The conversation that is shown.
    pub fn open_conversation(&mut self) -> &mut Conversation {
        self.conversations.entry(self.open.clone()).or_default()
    }

    /// The number of unread lines in all conversations.
    pub fn unread(&self) -> usize {
        self.conversations.values().map(|conversation| conversation.unread).sum()
    }

    /// The number of unread lines in conversations with one user each.
    pub fn unread_private(&self) -> usize {
        self.unread() - self.unread_of(&Partner::Everyone)
    }

    /// The number of unread lines in one conversation.
    pub fn unread_of(&self, partner: &Partner) -> usize {
        self.conversations.get(partner).map_or(0, |conversation| conversation.unread)
    }

    /// Those with whom there are unread lines, by name.
    pub fn unread_people(&self) -> Vec<UserName> {
        let unread = self.conversations.iter().filter(|(_, conversation)| conversation.unread > 0);
        let people = unread.filter_map(|(partner, _)| match partner {
            Partner::One(user) => Some(user.clone()),
            Partner::Everyone => None,
        });
        people.collect()
    }

    /// The number of own lines whose outcomes are not all known.
    pub fn pending(&self) -> usize {
        if self.end.is_some() { 0 } else { self.outstanding.len() + self.waiting.len() }
    }

    /// Shows a conversation. Its lines are read once they are in view.
    pub fn open(&mut self, partner: Partner) {
        if self.open != partner {
            // The line between read and unread stands until the conversation is left.
            self.open_conversation().new_from = None;
            self.open = partner;
        }
    }

    /// The first conversation after the open one that has unread lines.
    pub fn next_unread(&self) -> Option<Partner> {
        let after = self.conversations.range((std::ops::Bound::Excluded(&self.open), std::ops::Bound::Unbounded));
        let all = after.chain(self.conversations.range(..&self.open));
        all.into_iter().find(|(_, conversation)| conversation.unread > 0).map(|(partner, _)| partner.clone())
    }

    /// Applies an event other than a message.
    pub fn apply(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Presence(event) => match event.presence {
                Presence::Online(_) | Presence::Replaced(_) => self.roster.arrive(event.user),
                Presence::Offline(_) => {
                    let partner = Partner::One(event.user.clone());
                    let keep = self.conversations.contains_key(&partner) || self.open == partner;
                    self.roster.depart(&event.user, keep);
                }
                Presence::Moved(_) => {}
            },
            Event::Away { user, away, .. } => self.roster.set_away(&user, away),
            Event::Report(report) => self.report(report),
            Event::Notice(notice) => self.notice(notice, now),
            Event::Ended(reason) => self.end(reason),
            Event::Left => self.close(),
            // A summary repeats what the reports said.
            _ => {}
        }
    }

    /// Shows a message that arrived.
    pub fn receive(&mut self, from: UserName, scope: Scope, content: &Content, at: Timestamp) {
        let partner = match scope {
            Scope::Group => Partner::Everyone,
            _ => Partner::One(from.clone()),
        };
        let what = match content {
            Content::Text(text) => What::From(from, text.as_str().into()),
            // Programs may send bytes to each other. The line says that something came which a window cannot show.
            Content::Bytes(bytes) => What::Note(WindowSentence::Binary { bytes: bytes.len() }),
            _ => What::Note(WindowSentence::Binary { bytes: 0 }),
        };
        self.add(&partner, at, what);
    }

    fn notice(&mut self, notice: client::Notice, now: Timestamp) {
        use client::Notice as N;
        // Each attempt that fails has a notice. The banner counts down, and the list needs the first one only.
        let is_repeated = self.is_stale() && matches!(notice, N::Reconnecting { .. });
        match &notice {
            N::Reconnecting { after } => self.connection = Connection::Broken { retry_at: now + *after },
            N::Reconnected => {
                self.connection = Connection::Works;
                self.other_key = None;
            }
            N::ServerKeyChanged { known, shown } => self.other_key = Some((*known, *shown)),
            N::PeerUnresponsive(user) => self.roster.set_silent(user, true),
            N::PeerResponsive(user) => self.roster.set_silent(user, false),
            _ => {}
        }
        let Some(mut shown) = Notice::of_connection(notice).filter(|_| !is_repeated) else { return };
        if let Notice::NoRelay { reach } = &mut shown {
            *reach = self.reach;
        }
        match &shown {
            // Few systems grant more without their administrator, and a room of people does not need it.
            Notice::ReceiveBufferSmall { .. } => {
                self.small_buffer = Some(shown);
                return;
            }
            Notice::PeerMisbehaved { user } | Notice::PeerNoAddress { user } => {
                let partner = Partner::One(user.clone());
                self.add(&partner, now, What::Notice(shown.clone()));
            }
            Notice::NewSession { .. } => {
                self.connection = Connection::Works;
                self.roster.forget_answers();
                self.add(&Partner::Everyone, now, What::Notice(shown.clone()));
            }
            // Nobody can write to this user.
            Notice::NoRelay { reach: ReachMode::Relay } => {
                self.add(&Partner::Everyone, now, What::Notice(shown.clone()));
            }
            _ => {}
        }
        self.keep_notice(now, shown);
    }

    fn keep_notice(&mut self, now: Timestamp, notice: Notice) {
        if self.notices.len() == MAX_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back((now, notice));
        self.unseen_notices = (self.unseen_notices + 1).min(MAX_NOTICES);
    }

    /// Notes the way to a user. Everybody expects a direct way, so a notice tells of the others, and of their end.
    pub fn set_way(&mut self, user: UserName, way: Way, now: Timestamp) {
        let was_relayed = self.roster.set_way(&user, way).is_some_and(|before| before.is_relayed);
        if was_relayed == way.is_relayed {
            return;
        }
        // Many links change at once, for example in a network that passes no datagrams.
        let recent = self.notices.back_mut().filter(|(at, _)| now.abs_diff(*at) < GATHER);
        match recent {
            Some((_, Notice::PeersRelayed { users })) if way.is_relayed => users.push(user),
            Some((_, Notice::PeersDirect { users })) if !way.is_relayed => users.push(user),
            _ if way.is_relayed => self.keep_notice(now, Notice::PeersRelayed { users: vec![user] }),
            _ => self.keep_notice(now, Notice::PeersDirect { users: vec![user] }),
        }
    }

    /// Says that the user is away, with what is typed.
    pub fn go_away(&mut self) -> Option<Wish> {
        match AwayText::parse(self.away_typed.trim()) {
            Ok(away) => {
                self.away_problem = None;
                Some(Wish::SetAway(Some(away)))
            }
            Err(wrong) => {
                self.away_problem = Some(Sentence::about(wrong));
                None
            }
        }
    }

    /// Takes the answer about being away, or back.
    pub fn away_set(&mut self, away: Option<AwayText>, result: Result<(), SetAwayError>) {
        match result {
            Ok(()) => (self.own_away, self.away_problem) = (away, None),
            Err(error) => self.away_problem = Some(Sentence::about(error)),
        }
    }

    /// Takes the text of a dropped file over into a draft, or says why not.
    pub fn take_file(&mut self, partner: Partner, text: Result<String, FileProblem>) {
        let conversation = self.conversations.entry(partner).or_default();
        match text {
            Ok(text) => conversation.take_over(&text),
            Err(FileProblem::NoText) => {
                conversation.remark = Some(WindowSentence::FileRefused { max: Text::MAX_BYTES });
            }
            Err(FileProblem::Unreadable { name, reason }) => {
                conversation.remark = Some(WindowSentence::FileUnread { name, reason });
            }
        }
    }

    /// Asks for the next attempt to connect. The notice that follows says when it begins.
    pub fn retry_now(&self) -> Option<Wish> {
        matches!(self.connection, Connection::Broken { .. }).then_some(Wish::RetryNow)
    }

    /// What happened to the connections, the oldest first.
    pub const fn notices(&self) -> &VecDeque<(Timestamp, Notice)> {
        &self.notices
    }

    /// The number of notices that came since the panel of the notices was last open.
    pub const fn unseen_notices(&self) -> usize {
        self.unseen_notices
    }

    /// The panel of the notices is open.
    pub const fn see_notices(&mut self) {
        self.unseen_notices = 0;
    }

    /// Forgets the notices.
    pub fn clear_notices(&mut self) {
        self.notices.clear();
        self.unseen_notices = 0;
    }

    /// Whether nobody knows who is online, because the connection is broken or the session is over.
    pub fn is_stale(&self) -> bool {
        self.connection != Connection::Works || self.end.is_some()
    }

    /// How long until the client tries to connect again. `None` while the connection works.
    pub fn until_retry(&self, now: Timestamp) -> Option<Duration> {
        match self.connection {
            Connection::Works => None,
            Connection::Broken { retry_at } if retry_at > now => Some(retry_at.abs_diff(now)),
            Connection::Broken { .. } => Some(Duration::ZERO),
        }
    }

    fn end(&mut self, reason: EndReason) {
        self.end = Some(reason);
        self.close();
    }

    /// The session is over. Lines that wait for an id were not sent.
    fn close(&mut self) {
        self.password = PasswordForm::default();
        self.own_away = None;
        let waiting: Vec<LineId> = self.waiting.keys().copied().collect();
        for line in waiting {
            self.not_sent(line, SendError::Offline);
        }
    }

    fn add(&mut self, partner: &Partner, at: Timestamp, what: What) -> LineId {
        self.next_line += 1;
        let id = LineId(self.next_line);
        self.conversations.entry(partner.clone()).or_default().push(Line { id, at, what });
        id
    }
}
