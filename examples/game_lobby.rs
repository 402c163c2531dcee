//! A game lobby: players move at 30 Hz, and each sees the latest position of the others. The players have accounts in
//! the game already, and log in with the tokens that the game gave them.
//!
//! ```text
//! cargo run -p chat-examples --example game_lobby
//! ```
//!
//! plays for a second and prints
//!
//! ```text
//! ada sees grace at (0.0, 30.0) and linus at (-30.0, 0.0)
//! grace sees ada at (30.0, 0.0) and linus at (-30.0, 0.0)
//! linus sees ada at (30.0, 0.0) and grace at (0.0, 30.0)
//! a player with a wrong token is rejected: wrong user name or password
//! ```
//!
//! Positions are opaque bytes for chat. They arrive once and in order, so the last one that was read is the latest. A
//! player does not care about outcomes: it drops every `Sent`, asks for no outcome events, and skips a tick while the
//! others have not caught up, because a position that waits in a queue is out of date when it arrives.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use chat_net::{
    Account, AccountError, AccountId, Accounts, Client, ConnectError, Event, OutcomeEvents, Password, Recipient,
    RegistrationPolicy, Server, Timestamp, UserName,
};
use subtle::ConstantTimeEq;
use tokio::time::{MissedTickBehavior, interval};

type Failure = Box<dyn Error + Send + Sync>;

const TICK: Duration = Duration::from_millis(33);

/// The number of ticks that the example plays.
const TICKS: u32 = 30;

/// The most positions that may be on their way to each other player: a tenth of a second.
const MAX_IN_FLIGHT: usize = 3;

/// A position at a tick, as 12 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Position {
    tick: u32,
    x: f32,
    y: f32,
}

impl Position {
    fn encode(self) -> Vec<u8> {
        [self.tick.to_be_bytes(), self.x.to_be_bytes(), self.y.to_be_bytes()].concat()
    }

    /// `None` if the bytes are not a position: another player's program is not to be trusted.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let [t0, t1, t2, t3, x0, x1, x2, x3, y0, y1, y2, y3] = *bytes else { return None };
        let (x, y) = (f32::from_be_bytes([x0, x1, x2, x3]), f32::from_be_bytes([y0, y1, y2, y3]));
        let position = Self { tick: u32::from_be_bytes([t0, t1, t2, t3]), x, y };
        (x.is_finite() && y.is_finite()).then_some(position)
    }
}

/// Plays until the last position of every other player has arrived. Returns the positions.
async fn play(mut client: Client, others: usize, step: (f32, f32)) -> Result<BTreeMap<UserName, Position>, Failure> {
    let mut roster = client.watch_roster();
    while roster.roster().len() < others {
        roster.changed().await.ok_or("the session is over")?;
    }
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut own, mut seen) = (Position::default(), BTreeMap::new());
    let is_last = |position: &Position| position.tick == TICKS;
    while own.tick < TICKS || seen.values().filter(|position| is_last(position)).count() < others {
        tokio::select! {
            _ = ticks.tick(), if own.tick < TICKS => {
                own = Position { tick: own.tick + 1, x: own.x + step.0, y: own.y + step.1 };
                if client.pending_outcomes() < MAX_IN_FLIGHT * others || is_last(&own) {
                    client.send(Recipient::Everyone, own.encode()).await?;
                }
            }
            event = client.next() => match event.ok_or("the session is over")? {
                Event::Message(message) => {
                    if let Some(position) = Position::decode(message.bytes()) {
                        seen.insert(message.from().clone(), position);
                    }
                }
                Event::Ended(reason) => return Err(reason.into()),
                _ => {}
            },
        }
    }
    // The others may still wait for the last position of this player.
    client.idle(Duration::from_secs(10)).await;
    client.leave().await;
    Ok(seen)
}

/// The game's own accounts: players and the tokens that the game gave them. Nobody registers through chat.
struct Players(Vec<(UserName, Password)>);

impl Players {
    fn account(&self, index: usize) -> Option<Account> {
        let (name, _) = self.0.get(index)?;
        Some(Account::new(AccountId::new(index as u64), name.clone(), Timestamp::from_millis(0)))
    }
}

impl Accounts for Players {
    async fn register(&self, _: UserName, _: Password, _: Timestamp) -> Result<Account, AccountError> {
        Err(AccountError::Full) // Not called: the server's registration is closed.
    }

    async fn authenticate(&self, name: UserName, token: Password) -> Result<Account, AccountError> {
        // Compares with every player's token, in the same time for any name and any token. A random token of 128 bits
        // needs no slow hash; a password that a person chose does, see the example `own_accounts`.
        let mut found = None;
        for (index, (player, known)) in self.0.iter().enumerate() {
            let is_right: bool = known.expose().as_bytes().ct_eq(token.expose().as_bytes()).into();
            if is_right & (*player == name) {
                found = Some(index);
            }
        }
        found.and_then(|index| self.account(index)).ok_or(AccountError::WrongCredentials)
    }

    async fn change_password(
        &self,
        _: AccountId,
        _: Password,
        _: Password,
        _: Timestamp,
    ) -> Result<Account, AccountError> {
        Err(AccountError::WrongCredentials)
    }

    async fn look_up(&self, ids: Vec<AccountId>) -> Result<Vec<Account>, AccountError> {
        Ok(ids.iter().filter_map(|id| self.account(usize::try_from(id.get()).ok()?)).collect())
    }

    /// A game that bans a player raises the generation of the account and returns it here. The server then ends the
    /// session.
    async fn changed_since(&self, _: Timestamp) -> Result<Vec<Account>, AccountError> {
        Ok(Vec::new())
    }

    async fn mark_seen(&self, _: Vec<AccountId>, _: Timestamp) -> Result<(), AccountError> {
        Ok(())
    }

    /// Here the ticket key is lost with the temporary folder, and all tickets with it. A game whose lobby keeps its
    /// data folder stores the time, and returns it in `tickets_void_until`.
    async fn void_tickets(&self, _: Vec<AccountId>, _: Timestamp) -> Result<(), AccountError> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    lobby(&mut stdout()).await
}

async fn lobby(out: &mut impl Write) -> Result<(), Failure> {
    let tokens = [
        ("ada", "token-of-ada", (1.0, 0.0)),
        ("grace", "token-of-grace", (0.0, 1.0)),
        ("linus", "token-of-linus", (-1.0, 0.0)),
    ];
    let players = tokens.map(|(name, token, _)| Ok::<(UserName, Password), Failure>((name.parse()?, token.parse()?)));
    let accounts = Players(players.into_iter().collect::<Result<_, _>>()?);
    let folder = tempfile::tempdir()?;
    let server = Server::builder(accounts).data_dir(folder.path()).registration(RegistrationPolicy::Closed);
    let server = server.bind("127.0.0.1:0").await?;
    let (address, fingerprint, handle) = (server.address(), server.fingerprint(), server.handle());
    let running = tokio::spawn(server.run());

    let mut playing = Vec::new();
    for (name, token, step) in tokens {
        let client = Client::builder(address).fingerprint(fingerprint)?.outcome_events(OutcomeEvents::Omitted);
        let client = client.login(name, token).await?;
        playing.push((name, tokio::spawn(play(client, tokens.len() - 1, step))));
    }
    for (name, player) in playing {
        let seen = player.await??;
        let seen: Vec<String> =
            seen.iter().map(|(other, at)| format!("{other} at ({:.1}, {:.1})", at.x, at.y)).collect();
        writeln!(out, "{name} sees {}", seen.join(" and "))?;
    }
    match Client::builder(address).fingerprint(fingerprint)?.login("ada", "token-of-grace").await {
        Err(ConnectError::Rejected(why)) => writeln!(out, "a player with a wrong token is rejected: {why}")?,
        other => return Err(format!("expected a rejection, not {other:?}").into()),
    }
    handle.stop();
    Ok(running.await??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_prints_what_its_header_says() {
        let mut out = Vec::new();
        lobby(&mut out).await.expect("the example succeeds");
        let printed = String::from_utf8(out.clone()).unwrap();
        assert!(printed.contains("grace at (0.0, 30.0) and linus at (-30.0, 0.0)"), "{printed}");
        chat_examples::assert_prints_its_header("game_lobby.rs", &out);
    }

    #[test]
    fn a_position_survives_encoding_and_other_bytes_are_refused() {
        let position = Position { tick: 7, x: -1.5, y: 2.0 };
        assert_eq!(Position::decode(&position.encode()), Some(position));
        for wrong in [&[0; 11][..], &[0; 13], &[0xff; 12]] {
            assert_eq!(Position::decode(wrong), None);
        }
    }
}
