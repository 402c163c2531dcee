//! One client as a task: light, but with the manners of a real one. It says hello and waits for the answer, sends
//! heartbeats, obeys "try again in n s" with jitter, and comes back by itself when its connection breaks.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use chat_core::extras::Extras;
use chat_core::key::PublicKey;
use chat_core::roster::LinkVersions;
use chat_core::wire::control::{Ended, Enter, Offer, OfferPolicy, Purpose, Reply, Request, Resume};
use chat_core::wire::frame::{self, MAX_FRAME};
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use tokio::io::{AsyncBufRead, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use tokio_rustls::client::TlsStream;

use super::glance::{BEGINNING, Glance, Skimmer};
use super::member::{Member, Moment};
use super::net::{self, Net, Socket};
use super::random::Dice;
use super::tally::Tally;
use super::view::Looking;

/// The pauses before another attempt, as real clients make them.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a client is told to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    /// To come in, and to stay until told otherwise.
    Come(By),
    /// To connect and say hello, and to wait for the word to come in.
    Knock,
    /// To say that it leaves.
    Leave,
    /// To break the connection without a word.
    Cut,
    /// To announce another port.
    Move(u16),
}

/// How a client comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    /// With its ticket.
    Ticket,
    /// With its password.
    Password,
    /// With its password, and if there is no account it is made.
    Registering,
}

/// The task's own side of a client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) member: Arc<Member>,
    pub(crate) net: Arc<Net>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) commands: UnboundedReceiver<Command>,
    /// How often heartbeats are sent.
    pub(crate) beat: Duration,
    pub(crate) dice: Dice,
    pub(crate) port: u16,
}

/// A connection.
struct Line {
    stream: TlsStream<Socket>,
    skimmer: Skimmer,
    stage: Stage,
    beat: Pin<Box<Sleep>>,
    beats: u32,
    beat_sent: Instant,
}

/// What is expected from the server.
#[derive(Debug)]
enum Stage {
    Hello,
    Answer,
    Online,
}

/// Why a connection or an attempt ended.
#[derive(Debug)]
enum Trouble {
    Io(io::Error),
    Closed,
    Protocol(&'static str),
    Rejected(Rejection),
    Ended(Ended),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "connection: {:?}", error.kind()),
            Self::Closed => f.write_str("connection: closed by the server"),
            Self::Protocol(what) => write!(f, "protocol: {what}"),
            // Without the seconds, which differ.
            Self::Rejected(Rejection::Busy { .. }) => f.write_str("rejected: busy"),
            Self::Rejected(Rejection::SlowDown { .. }) => f.write_str("rejected: slow down"),
            Self::Rejected(rejection) => write!(f, "rejected: {rejection:?}"),
            Self::Ended(ended) => write!(f, "ended: {ended:?}"),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

const UNREADABLE: Trouble = Trouble::Protocol("a reply that cannot be read");

/// How a stay ended.
enum End {
    /// As it was told to.
    Away,
    Trouble(Trouble),
}

impl Client {
    /// Does what it is told, until nobody tells anything any more.
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
                // Those who are away have nothing to break or to leave.
                Command::Leave | Command::Cut | Command::Move(_) => {}
            }
        }
    }

    /// Comes in and stays, whatever happens to the connection.
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

    /// Connects and says hello.
    async fn knock(&mut self) -> Result<Line, Trouble> {
        let stream = self.net.dial(self.member.place, &self.member.arrived).await?;
        let keep = match self.member.lock().view.looking {
            Looking::Closely => MAX_FRAME,
            Looking::Counting => BEGINNING,
        };
        // Spread, as the beats of real clients are.
        let first = Instant::now() + self.beat.mul_f64(self.dice.share());
        let mut line = Line {
            stream,
            skimmer: Skimmer::new(keep),
            stage: Stage::Hello,
            beat: Box::pin(sleep_until(first)),
            beats: 0,
            beat_sent: first,
        };
        let mut bytes = Vec::new();
        frame::encode_raw(&Hello::OURS.encode(), &mut bytes);
        line.write(&bytes).await?;
        while matches!(line.stage, Stage::Hello) {
            poll_fn(|cx| self.poll_read(&mut line, cx)).await?;
        }
        Ok(line)
    }

    /// Asks to be let in, and waits until it is.
    async fn enter(&mut self, mut line: Line, by: By) -> Result<Line, Trouble> {
        let request = self.request(by);
        self.member.lock().asked = Some(Moment::now());
        line.write(&request).await?;
        while matches!(line.stage, Stage::Answer) {
            poll_fn(|cx| self.poll_read(&mut line, cx)).await?;
        }
        Ok(line)
    }

    fn request(&mut self, by: By) -> Vec<u8> {
        let person = self.member.lock().person.clone();
        let offer = offer(self.port);
        let key = PublicKey::new(self.dice.bytes());
        let (versions, extras) = (LinkVersions { low: 1, high: 1 }, Extras::default());
        let request = match by {
            By::Ticket => Request::Resume(Resume { ticket: &person.ticket, offer, next_key: key, versions, extras }),
            By::Password | By::Registering => Request::Enter(Enter {
                purpose: if by == By::Registering { Purpose::Register } else { Purpose::LogIn },
                user: &person.name,
                password: &person.password,
                offer,
                key,
                versions,
                extras,
            }),
        };
        encoded(&request)
    }

    /// Follows the roster, and does what it is told.
    async fn follow(&mut self, line: &mut Line) -> End {
        enum Turn {
            Told(Option<Command>),
            Beat,
            Read(Result<(), Trouble>),
        }
        loop {
            let turn = poll_fn(|cx| {
                if let Poll::Ready(command) = self.commands.poll_recv(cx) {
                    return Poll::Ready(Turn::Told(command));
                }
                if line.beat.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Turn::Beat);
                }
                self.poll_read(line, cx).map(Turn::Read)
            })
            .await;
            let written = match turn {
                Turn::Read(Ok(())) => Ok(()),
                Turn::Read(Err(trouble)) => return End::Trouble(trouble),
                Turn::Told(None | Some(Command::Cut)) => return End::Away,
                Turn::Told(Some(Command::Leave)) => {
                    self.member.lock().asked = Some(Moment::now());
                    let said = line.write(&encoded(&Request::Leave)).await;
                    // The server closes; a connection that is gone already is as good.
                    while said.is_ok() && poll_fn(|cx| self.poll_read(line, cx)).await.is_ok() {}
                    return End::Away;
                }
                Turn::Told(Some(Command::Move(port))) => {
                    self.moved(port);
                    line.write(&encoded(&Request::Move(offer(port)))).await
                }
                Turn::Told(Some(Command::Come(_) | Command::Knock)) => Ok(()),
                Turn::Beat => {
                    line.beats += 1;
                    line.beat_sent = Instant::now();
                    line.beat.as_mut().reset(line.beat_sent + self.beat);
                    line.write(&encoded(&Request::Beat { number: line.beats })).await
                }
            };
            if let Err(error) = written {
                return End::Trouble(error.into());
            }
        }
    }

    /// Notes that it is about to announce another port.
    fn moved(&mut self, port: u16) {
        self.port = port;
        let mut state = self.member.lock();
        state.asked = Some(Moment::now());
        if let Some(entry) = &mut state.entry {
            entry.addresses = vec![SocketAddr::new(net::source(self.member.place), port)];
        }
    }

    /// Reads what there is, once. Ready as soon as something was read.
    fn poll_read(&self, line: &mut Line, cx: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        let Line { stream, skimmer, stage, beats, beat_sent, .. } = line;
        let bytes = ready!(Pin::new(&mut *stream).poll_fill_buf(cx))?;
        let count = bytes.len();
        if count == 0 {
            return Poll::Ready(Err(Trouble::Closed));
        }
        self.tally.bytes.fetch_add(count as u64, Ordering::Relaxed);
        let mut input = bytes;
        let mut frames = 0;
        let mut member = self.member.lock();
        while let Some(payload) = skimmer.next(&mut input).map_err(|_| Trouble::Protocol("no frame"))? {
            frames += 1;
            if matches!(stage, Stage::Hello) {
                Hello::decode(payload).map_err(|_| Trouble::Protocol("no hello"))?;
                *stage = Stage::Answer;
                continue;
            }
            let glance = Glance::at(payload).map_err(|_| UNREADABLE)?;
            let reply = match glance {
                Glance::Other(reply) => *reply,
                part => {
                    member.view.see(&part, payload).map_err(|_| UNREADABLE)?;
                    continue;
                }
            };
            match reply {
                Reply::Welcome(welcome) => {
                    member.person.ticket.clone_from(&welcome.ticket);
                    member.entry = Some(welcome.entry);
                    member.is_online = true;
                    member.view.begin();
                    *stage = Stage::Online;
                }
                Reply::Rejected(rejection) => return Poll::Ready(Err(Trouble::Rejected(rejection))),
                Reply::Ended(ended) => return Poll::Ready(Err(Trouble::Ended(ended))),
                Reply::Ticket(ticket) => member.person.ticket = ticket,
                Reply::Beat { number, .. } if number == *beats => self.tally.beat(beat_sent.elapsed()),
                _ => {}
            }
        }
        if member.reached.is_none()
            && member.view.is_whole
            && member.view.revision.get() >= self.tally.target.load(Ordering::Relaxed)
        {
            let wall = self.member.arrived.load(Ordering::Relaxed);
            member.reached = Some(Moment { wall, ..Moment::now() });
            self.tally.reached.fetch_add(1, Ordering::Relaxed);
        }
        drop(member);
        self.tally.frames.fetch_add(frames, Ordering::Relaxed);
        Pin::new(stream).consume(count);
        Poll::Ready(Ok(()))
    }
}

impl Line {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}

fn offer(port: u16) -> Offer {
    Offer { policy: OfferPolicy::Detected, port, addresses: Vec::new() }
}

fn encoded(request: &Request<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(request, &mut bytes);
    bytes
}
