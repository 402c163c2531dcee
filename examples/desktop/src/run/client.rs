//! One log-in after another, and the session that follows each.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;

use chat_cli::desktop::LastLogins;
use chat_core::peer::Rung;
use chat_net::address::ServerAddress;
use chat_net::client::{
    AcceptMode, ChangePasswordError, Client, ClientHandle, ConnectError, Event, Events, LinkStatus, MessageToken,
    Notice,
};
use chat_net::interfaces;
use chat_net::trust::{KnownServers, Trust, UnknownServer};
use tokio::sync::{Mutex, mpsc};

use super::trust::Question;
use super::{Teller, disk};
use crate::model::exchange::{Happening, LogIn, People, Purpose, TrustBy, Wish};
use crate::model::roster::Way;

/// A change of the password that the server has not answered.
type PasswordChange = Pin<Box<dyn Future<Output = Result<(), ChangePasswordError>> + Send>>;

/// Fulfils wishes until the window is gone.
pub(super) async fn run(mut wishes: mpsc::Receiver<Wish>, tell: Teller<Happening>) {
    while let Some(wish) = wishes.recv().await {
        match wish {
            Wish::LogIn(login) => {
                if let Some(client) = log_in(*login, &mut wishes, &tell).await {
                    session(client, &mut wishes, &tell).await;
                }
            }
            Wish::Forget { known_servers, server } => forget(&known_servers, &server, &tell).await,
            Wish::SaveSettings { file, text } => save(&file, &text, &tell).await,
            Wish::ReadFile { partner, path } => disk::read(partner, path, tell.clone()),
            // They concern a log-in or a session that is over.
            Wish::ChangePassword { .. }
            | Wish::AskWay(_)
            | Wish::RetryNow
            | Wish::SetAway(_)
            | Wish::Cancel
            | Wish::Trust(_)
            | Wish::Send { .. }
            | Wish::Accept(_)
            | Wish::Leave => {}
        }
    }
}

/// Connects and logs in. `None` if that failed, or the user gave it up.
async fn log_in(login: LogIn, wishes: &mut mpsc::Receiver<Wish>, tell: &Teller<Happening>) -> Option<Client> {
    let (server, is_remembered, trust) = (login.server.clone(), login.is_remembered, login.trust.clone());
    let other_servers = login.other_servers.clone();
    // A log-in has one question at most.
    let (answer, answers) = mpsc::channel(1);
    let expected = match &trust {
        TrustBy::Invited(_, fingerprint) => Some(*fingerprint),
        _ => None,
    };
    let question = Question { tell: tell.clone(), expected, answers: Mutex::new(answers) };
    let mut connecting = pin!(connect(login, question));
    let result = loop {
        tokio::select! {
            result = &mut connecting => break result,
            wish = wishes.recv() => match wish {
                Some(Wish::Trust(is_right)) => {
                    // A second answer to one question has no meaning.
                    let _second = answer.try_send(is_right);
                }
                Some(Wish::SaveSettings { file, text }) => save(&file, &text, tell).await,
                Some(Wish::Cancel | Wish::Leave) | None => return None,
                Some(_) => {}
            },
        }
    };
    let client = match result {
        Ok(client) => client,
        Err(error) => {
            let error = match (error, expected) {
                // No person has refused it.
                (ConnectError::Untrusted { server, shown }, Some(wanted)) => {
                    ConnectError::WrongFingerprint { server, wanted, shown }
                }
                (error, _) => error,
            };
            tell.tell(Happening::NotLoggedIn(Box::new(error))).await;
            return None;
        }
    };
    if is_remembered {
        let mut logins = LastLogins::load();
        if let Err(error) = logins.remember(server.clone(), &other_servers, client.user().clone()) {
            log::info!("the login is not remembered: {error}");
        }
        if let TrustBy::Known(file) | TrustBy::Invited(file, _) = &trust {
            tell.tell(Happening::Servers(disk::servers(file, &logins))).await;
        }
    }
    let (user, own_addresses) = (client.user().clone(), own_addresses(client.udp_address()));
    tell.tell(Happening::Welcome { server, user, people: people(&client), own_addresses }).await;
    Some(client)
}

async fn connect(login: LogIn, question: Question) -> Result<Client, ConnectError> {
    let LogIn { server, other_servers, trust, user, password, purpose, udp, advertise, reach, .. } = login;
    let trust = match trust {
        TrustBy::Fingerprint(fingerprint) => Trust::Fingerprint(fingerprint),
        TrustBy::Authority(file) => Trust::Ca(file),
        TrustBy::Known(file) | TrustBy::Invited(file, _) => known(&file, question)?,
    };
    // A message is accepted once it is in the model.
    let mut builder = Client::builder(server).trust(trust).accept(AcceptMode::Manual).udp(udp).reach(reach);
    for other in other_servers {
        builder = builder.or_server(other)?;
    }
    for address in advertise {
        builder = builder.advertise(address)?;
    }
    match purpose {
        Purpose::LogIn => builder.login(user, password).await,
        Purpose::Register { invitation } => {
            if let Some(invitation) = invitation {
                builder = builder.invitation(invitation)?;
            }
            builder.register(user, password).await
        }
    }
}

fn known(file: &Path, question: Question) -> Result<Trust, ConnectError> {
    Ok(Trust::Known { store: KnownServers::open(file)?, unknown: UnknownServer::Ask(Arc::new(question)) })
}

/// The addresses of this machine, if the socket receives at all of them.
fn own_addresses(socket: SocketAddr) -> Vec<SocketAddr> {
    let all = if socket.ip().is_unspecified() { interfaces::reachable() } else { Vec::new() };
    let addresses: Vec<SocketAddr> = all.into_iter().map(|ip| SocketAddr::new(ip, socket.port())).collect();
    if addresses.is_empty() { vec![socket] } else { addresses }
}

fn people(client: &ClientHandle) -> People {
    client.roster().iter().map(|entry| (entry.user().clone(), entry.away())).collect()
}

/// A session until its end, whoever brings it about.
async fn session(client: Client, wishes: &mut mpsc::Receiver<Wish>, tell: &Teller<Happening>) {
    let (client, mut events) = client.split();
    let mut unaccepted = VecDeque::new();
    let mut change: Option<PasswordChange> = None;
    loop {
        tokio::select! {
            answer = async { Some(change.as_mut()?.await) }, if change.is_some() => {
                change = None;
                if let Some(answer) = answer {
                    tell.tell(Happening::PasswordAnswer(answer)).await;
                }
            }
            event = events.next() => match event {
                Some(event) => {
                    let is_new = matches!(event, Event::Notice(Notice::Reconnected | Notice::NewSession(_)));
                    pass_on(event, &mut unaccepted, tell).await;
                    if is_new {
                        tell.tell(Happening::People(people(&client))).await;
                    }
                }
                None => return,
            },
            wish = wishes.recv() => match wish {
                Some(Wish::Send { line, to, text }) => {
                    let happening = match client.send(to, text).await {
                        Ok(sent) => {
                            Happening::Queued { line, id: sent.id(), recipients: sent.recipients(), at: sent.at() }
                        }
                        Err(error) => Happening::NotSent { line, error },
                    };
                    tell.tell(happening).await;
                }
                Some(Wish::Accept(count)) => {
                    for token in unaccepted.drain(..count.min(unaccepted.len())) {
                        client.accept(token);
                    }
                }
                Some(Wish::ChangePassword { old, new }) => {
                    let client = client.clone();
                    change = Some(Box::pin(async move { client.change_password(old, new).await }));
                }
                Some(Wish::AskWay(user)) => {
                    let links = client.links().await;
                    if let Some(way) = links.iter().find(|link| *link.user() == user).and_then(way) {
                        tell.tell(Happening::Way { user, way }).await;
                    }
                }
                Some(Wish::RetryNow) => client.retry_now().await,
                Some(Wish::SetAway(away)) => {
                    let result = client.set_away(away.clone()).await;
                    tell.tell(Happening::AwaySet { away, result }).await;
                }
                Some(Wish::ReadFile { partner, path }) => disk::read(partner, path, tell.clone()),
                Some(Wish::SaveSettings { file, text }) => save(&file, &text, tell).await,
                Some(Wish::Forget { known_servers, server }) => forget(&known_servers, &server, tell).await,
                // Somebody who cancels a log-in that has just succeeded does not want the session.
                Some(Wish::Leave | Wish::Cancel) | None => return leave(client, events, unaccepted, tell).await,
                Some(Wish::LogIn(_) | Wish::Trust(_)) => {}
            },
        }
    }
}

/// Forgets the fingerprint of a server, and tells which servers are left.
async fn forget(known_servers: &Path, server: &ServerAddress, tell: &Teller<Happening>) {
    let forgotten = KnownServers::open(known_servers).and_then(|store| store.forget(server));
    if let Err(error) = forgotten {
        tell.tell(Happening::NotForgotten(Box::new(error.into()))).await;
    }
    tell.tell(Happening::Servers(disk::servers(known_servers, &LastLogins::load()))).await;
}

async fn save(file: &Path, text: &str, tell: &Teller<Happening>) {
    if let Err(error) = disk::save(file, text) {
        tell.tell(Happening::SettingsNotSaved(error.to_string())).await;
    }
}

/// What the window shows of a link. `None` until a way has answered.
fn way(link: &LinkStatus) -> Option<Way> {
    let has_answered = link.rung() != Rung::None;
    has_answered.then(|| Way { is_relayed: link.is_relayed(), round_trip: link.round_trip() })
}

async fn pass_on(event: Event, unaccepted: &mut VecDeque<MessageToken>, tell: &Teller<Happening>) {
    let happening = match event {
        Event::Message(message) => {
            unaccepted.push_back(message.token());
            Happening::Message {
                from: message.from().clone(),
                scope: message.scope(),
                content: message.content().clone(),
                at: message.at(),
            }
        }
        Event::Way(link) => match way(&link) {
            Some(way) => Happening::Way { user: link.user().clone(), way },
            None => return,
        },
        event => Happening::Event(Box::new(event)),
    };
    tell.tell(happening).await;
}

/// Says goodbye. The last outcomes come before [`Event::Left`].
async fn leave(client: ClientHandle, mut events: Events, unaccepted: VecDeque<MessageToken>, tell: &Teller<Happening>) {
    // A window that is there still takes in what it was told. The others are read by nobody.
    let is_read = tell.is_heard();
    for token in unaccepted {
        if is_read { client.accept(token) } else { client.refuse(token) }
    }
    let mut leaving = pin!(client.clone().leave());
    let mut has_left = false;
    loop {
        tokio::select! {
            // What has arrived is refused before the goodbye begins, so that its senders learn it.
            biased;
            event = events.next() => match event {
                Some(Event::Message(message)) => client.refuse(message.token()),
                Some(event) => tell.tell(Happening::Event(Box::new(event))).await,
                None => return,
            },
            () = &mut leaving, if !has_left => has_left = true,
        }
    }
}
