//! A lightweight client as a task. It behaves like a real one: it exchanges hellos, sends heartbeats, honours the
//! server's retry times with jitter, and reconnects when its connection breaks.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::key::PublicKey;
use chat_core::roster::LinkVersions;
use chat_core::wire::control::{KNOWN_VERSION, Login, Offer, OfferPolicy, Purpose, Request, Resume, version_extra};
use chat_core::wire::rejection::Rejection;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::line::{Line, Trouble, encoded};
use super::member::{Member, Moment};
use super::net::{self, Net};
use super::random::Dice;
use super::tally::Tally;

/// Bounds of the pause before a retry: those of real clients.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A command to a client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    /// Log in and stay online, reconnecting as necessary, until another command.
    Come(By),
    /// Connect and exchange hellos, then wait for `Come` to log in.
    Knock,
    /// End the session with a leave request.
    Leave,
    /// Break the connection without a leave request.
    Cut,
    /// Announce another port.
    Move(u16),
}

/// How a client logs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// With its ticket.
    Ticket,
    /// With its password.
    Password,
    /// By registering its account, or with its password if the account exists.
    Registering,
}

/// The state that a client's task owns.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) member: Arc<Member>,
    pub(crate) net: Arc<Net>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) commands: UnboundedReceiver<Command>,
    /// The heartbeat interval.
    pub(crate) beat: Duration,
    pub(crate) dice: Dice,
    pub(crate) port: u16,
}

/// Why a client is no longer online.
enum End {
    /// A command asked for it.
    Away,
    Trouble(Trouble),
}

impl Client {
    /// Executes commands until the crowd drops the sender.
    pub(crate) async fn live(mut self) {
        while let Some(command) = self.commands.recv().await {
            match command {
                Command::Come(by) => self.stay(by, None).await,
                Command::Knock => {
                    let line = self.knock().await;
                    if let Some(Command::Come(by)) = self.commands.recv().await {
                        self.stay(by, line.map_err(|trouble| self.tally.trouble(trouble.to_string())).ok()).await;
                    }
                }
                // An offline client has nothing to leave, break or move.
                Command::Leave | Command::Cut | Command::Move(_) => {}
            }
        }
    }

    /// Logs in and stays online, reconnecting after failures, until a command ends it.
    async fn stay(&mut self, mut by: By, mut line: Option<Line>) {
        let mut bound = SHORTEST_PAUSE;
        loop {
            let came = match line.take() {
                Some(line) => self.enter(line, by).await,
                None => self.come(by).await,
            };
            let trouble = match came {
                Ok(mut line) => {
                    bound = SHORTEST_PAUSE;
                    by = By::Ticket;
                    self.tally.online.fetch_add(1, Ordering::Relaxed);
                    let end = self.follow(&mut line).await;
                    self.tally.online.fetch_sub(1, Ordering::Relaxed);
                    self.member.lock().is_online = false;
                    match end {
                        End::Away => return,
                        End::Trouble(trouble) => trouble,
                    }
                }
                Err(Trouble::Rejected(Rejection::NameTaken)) if by == By::Registering => {
                    by = By::Password;
                    continue;
                }
                Err(trouble) => trouble,
            };
            self.tally.trouble(trouble.to_string());
            let asked = match &trouble {
                Trouble::Rejected(rejection) => rejection.retry_after(),
                _ => None,
            };
            let pause = match asked {
                Some(asked) => asked + asked.max(SHORTEST_PAUSE).mul_f64(self.dice.share()),
                None => {
                    bound = (bound * 2).min(LONGEST_PAUSE);
                    SHORTEST_PAUSE + (bound - SHORTEST_PAUSE).mul_f64(self.dice.share())
                }
            };
            sleep(pause).await;
        }
    }

    async fn come(&mut self, by: By) -> Result<Line, Trouble> {
        let net = Arc::clone(&self.net);
        let _permit = net.dialling.acquire().await;
        let line = self.knock().await?;
        self.enter(line, by).await
    }

    async fn knock(&mut self) -> Result<Line, Trouble> {
        // Random phase, so that the clients' heartbeats are spread over the interval.
        let first = self.beat.mul_f64(self.dice.share());
        Line::open(&self.net, &self.member, &self.tally, self.beat, first).await
    }

    async fn enter(&mut self, mut line: Line, by: By) -> Result<Line, Trouble> {
        line.enter(&self.request(by)).await?;
        Ok(line)
    }

    fn request(&mut self, by: By) -> Vec<u8> {
        let (person, version) = {
            let state = self.member.lock();
            (state.person.clone(), state.view.step())
        };
        let offer = offer(self.port);
        let key = PublicKey::new(self.dice.bytes());
        let versions = LinkVersions { low: 1, high: 1 };
        let request = match by {
            By::Ticket => Request::Resume(Resume {
                ticket: &person.ticket,
                offer,
                next_key: key,
                versions,
                extras: version.into_iter().map(|version| version_extra(KNOWN_VERSION, version)).collect(),
            }),
            By::Password | By::Registering => Request::Login(Login {
                purpose: if by == By::Registering { Purpose::Register } else { Purpose::Login },
                user: &person.name,
                password: &person.password,
                offer,
                key,
                versions,
                extras: Extras::default(),
            }),
        };
        encoded(&request)
    }

    /// Follows the roster and executes commands, until a command or an error ends it.
    async fn follow(&mut self, line: &mut Line) -> End {
        enum Turn {
            Command(Option<Command>),
            Beat,
            Read(Result<(), Trouble>),
        }
        loop {
            let turn = poll_fn(|cx| {
                if let Poll::Ready(command) = self.commands.poll_recv(cx) {
                    return Poll::Ready(Turn::Command(command));
                }
                if line.poll_beat(cx).is_ready() {
                    return Poll::Ready(Turn::Beat);
                }
                line.poll_read(cx).map(Turn::Read)
            })
            .await;
            let written = match turn {
                Turn::Read(Ok(())) => Ok(()),
                Turn::Read(Err(trouble)) => return End::Trouble(trouble),
                Turn::Command(None | Some(Command::Cut)) => return End::Away,
                Turn::Command(Some(Command::Leave)) => {
                    self.member.lock().asked = Some(Moment::now());
                    let said = line.say(&Request::Leave).await;
                    // Wait for the server to close the connection. A broken connection serves as well.
                    while said.is_ok() && line.read().await.is_ok() {}
                    return End::Away;
                }
                Turn::Command(Some(Command::Move(port))) => {
                    self.moved(port);
                    line.say(&Request::Move(offer(port))).await
                }
                Turn::Command(Some(Command::Come(_) | Command::Knock)) => Ok(()),
                Turn::Beat => line.beat().await,
            };
            if let Err(trouble) = written {
                return End::Trouble(trouble);
            }
        }
    }

    /// Records the new port before announcing it.
    fn moved(&mut self, port: u16) {
        self.port = port;
        let mut state = self.member.lock();
        state.asked = Some(Moment::now());
        if let Some(entry) = &mut state.entry {
            entry.addresses = vec![SocketAddr::new(net::source(self.member.place), port)];
        }
    }
}

fn offer(port: u16) -> Offer {
    Offer { policy: OfferPolicy::Detected, port, addresses: Vec::new() }
}
