//! One run of a server after another.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chat_cli::server_desktop::{self, Host, HostControls, HostSettings, ServerDesktopOptions};
use chat_cli::texts::ServerWindowSentence;
use chat_core::accounts::{AccountError, Accounts as _, ListedAccount, Operator as _};
use chat_core::presence::Record;
use chat_core::time::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Teller;
use crate::model::server::exchange::{AccountChange, Accounts, ChangeProblem, Happening, OnlineUser, Wish};

/// The most records that wait for this thread: room for all users of a large room who log in at the same time. Further
/// records are left out and counted, because the server does not wait for a window.
const MAX_RECORDS: usize = 16_384;

/// The most records that the window is told of at once, so that one happening does not keep it from drawing.
const BATCH: usize = 256;

/// How often the numbers are read, and who is online if the roster has changed: as often as a person can follow.
const READING: Duration = Duration::from_secs(1);

/// The number of accounts that one query fetches, as in `chat-server user list`.
const PAGE: u32 = 500;

/// The most accounts that the window lists: more than an operator looks through, in a few megabytes.
pub(crate) const MAX_ACCOUNTS: usize = 10_000;

/// Fulfils wishes until the window is gone.
pub(super) async fn run(options: ServerDesktopOptions, mut wishes: mpsc::Receiver<Wish>, tell: Teller<Happening>) {
    while let Some(wish) = wishes.recv().await {
        match wish {
            Wish::Start(wanted) => {
                let (records, left_out) = (mpsc::channel(MAX_RECORDS), Arc::new(AtomicUsize::new(0)));
                let observer = observer(records.0, Arc::clone(&left_out));
                if let Some(host) = start(&options, *wanted, observer, &mut wishes, &tell).await {
                    serve(host, records.1, &left_out, &mut wishes, &tell).await;
                }
            }
            // They concern a server that does not run any more.
            Wish::Cancel | Wish::Stop | Wish::SetRegistration(_) | Wish::List | Wish::Change(_) => {}
            wish => aside(wish, &tell).await,
        }
    }
}

/// Fulfils a wish that needs no server.
async fn aside(wish: Wish, tell: &Teller<Happening>) {
    match wish {
        Wish::NewCode => tell.tell(Happening::Code(server_desktop::new_invitation_code())).await,
        Wish::Suggest => tell.tell(Happening::Suggested(server_desktop::new_password())).await,
        Wish::SaveSettings { file, text } => {
            if let Err(error) = server_desktop::save_private(&file, &text.0) {
                tell.tell(Happening::SettingsNotSaved(error.to_string())).await;
            }
        }
        _ => {}
    }
}

/// Hands records on without waiting, because the task that serves all clients calls it.
fn observer(records: mpsc::Sender<Record>, left_out: Arc<AtomicUsize>) -> impl FnMut(&Record) + Send + 'static {
    move |record| {
        if records.try_send(record.clone()).is_err() {
            left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Prepares the server. `None` if that failed, or the operator gave it up.
async fn start(
    options: &ServerDesktopOptions,
    wanted: HostSettings,
    observer: impl FnMut(&Record) + Send + 'static,
    wishes: &mut mpsc::Receiver<Wish>,
    tell: &Teller<Happening>,
) -> Option<Host> {
    let mut starting = pin!(options.host(wanted, observer));
    let result = loop {
        tokio::select! {
            result = &mut starting => break result,
            wish = wishes.recv() => match wish {
                Some(Wish::Cancel | Wish::Stop) | None => return None,
                Some(wish) => aside(wish, tell).await,
            },
        }
    };
    match result {
        Ok(host) => Some(host),
        Err(error) => {
            tell.tell(Happening::NotStarted(error)).await;
            None
        }
    }
}

/// Runs the server until its end, whoever brings it about.
async fn serve(
    host: Host,
    mut records: mpsc::Receiver<Record>,
    left_out: &AtomicUsize,
    wishes: &mut mpsc::Receiver<Wish>,
    tell: &Teller<Happening>,
) {
    let controls = host.controls();
    tell.tell(Happening::Running(Box::new(controls.facts()))).await;
    let (stop, stopping) = oneshot::channel::<()>();
    let mut stop = Some(stop);
    // A task of its own, which nothing that is waited for below holds up.
    let mut running = tokio::spawn(host.run(async {
        // Dropping the other end stops the server too.
        let _stopped = stopping.await;
    }));
    let (mut batch, mut answers, mut rosters) = (Vec::with_capacity(BATCH), JoinSet::new(), JoinSet::new());
    let mut known = Known::default();
    let mut clock = interval(READING);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut has_records = true;
    let problem = loop {
        tokio::select! {
            // A task that panics ends the program.
            ended = &mut running => break ended.ok().and_then(Result::err),
            // Without room, they wait here until the clock ticks, and are counted if they are too many: the window must
            // not keep this thread from taking the wish to stop.
            count = records.recv_many(&mut batch, BATCH), if has_records && tell.has_room() => {
                has_records = count > 0;
                pass_on(&mut batch, left_out, tell).await;
            }
            _ = clock.tick() => if tell.has_room() {
                let status = Box::new(controls.status());
                if known.revision != Some(status.revision()) && rosters.is_empty() {
                    rosters.spawn(roster(controls.clone(), status.revision()));
                }
                if known.status.as_ref() != Some(&status) {
                    known.status = Some(status.clone());
                    tell.tell(Happening::Status(status)).await;
                }
            },
            Some(read) = rosters.join_next(), if !rosters.is_empty() => {
                // A server that stops has no roster any more.
                if let Ok(Some((revision, online))) = read {
                    known.revision = Some(revision);
                    tell.tell(Happening::Online(online)).await;
                }
            }
            Some(answer) = answers.join_next(), if !answers.is_empty() => {
                // A task that panics ends the program.
                if let Ok(answer) = answer {
                    tell.tell(answer).await;
                }
            }
            wish = wishes.recv(), if stop.is_some() => match wish {
                Some(Wish::Stop | Wish::Cancel) | None => stop = None,
                Some(Wish::SetRegistration(policy)) => controls.server().set_registration(policy),
                Some(Wish::List) => drop(answers.spawn(list(controls.clone()))),
                Some(Wish::Change(change)) => drop(answers.spawn(changed(controls.clone(), change))),
                Some(Wish::Start(_)) => {}
                Some(wish) => aside(wish, tell).await,
            },
        }
    };
    // The last ones, of the end of the server.
    while let Ok(record) = records.try_recv() {
        batch.push(record);
    }
    pass_on(&mut batch, left_out, tell).await;
    tell.tell(Happening::Stopped(problem)).await;
}

/// Tells the window about records.
async fn pass_on(batch: &mut Vec<Record>, left_out: &AtomicUsize, tell: &Teller<Happening>) {
    let left_out = left_out.swap(0, Ordering::Relaxed);
    if !batch.is_empty() || left_out > 0 {
        tell.tell(Happening::Records { records: std::mem::take(batch), left_out }).await;
    }
}

/// What the window knows of the server.
#[derive(Debug, Default)]
struct Known {
    status: Option<Box<server_desktop::HostStatus>>,
    /// That of the roster.
    revision: Option<u64>,
}

/// Who is online, at this revision of the roster or a later one.
async fn roster(controls: HostControls, revision: u64) -> Option<(u64, Vec<OnlineUser>)> {
    let online = controls.server().roster().await.ok()?;
    let online = online.iter().map(|online| OnlineUser {
        user: online.user().clone(),
        address: online.address(),
        since: online.since(),
    });
    Some((revision, online.collect()))
}

async fn list(controls: HostControls) -> Happening {
    Happening::Accounts(all(&controls).await.map_err(server_desktop::list_problem))
}

async fn all(controls: &HostControls) -> Result<Accounts, AccountError> {
    let mut accounts = Accounts::default();
    loop {
        let after = accounts.list.last().map(|account: &ListedAccount| account.id);
        let page = controls.accounts().list(after, PAGE).await?;
        if page.is_empty() {
            return Ok(accounts);
        }
        if accounts.list.len() >= MAX_ACCOUNTS {
            return Ok(Accounts { has_more: true, ..accounts });
        }
        accounts.list.extend(page);
    }
}

async fn changed(controls: HostControls, change: AccountChange) -> Happening {
    use ServerWindowSentence as S;
    let (accounts, now) = (controls.accounts(), now());
    let (user, result) = match change {
        AccountChange::Register(name, password) => {
            let result = accounts.register(name.clone(), password, now).await;
            (name, result.map(|account| S::Registered { user: account.name.as_str().to_owned() }))
        }
        AccountChange::SetPassword(name, password) => {
            let result = accounts.set_password(name.clone(), password, now).await;
            (name, result.map(|account| S::PasswordSet { user: account.name.as_str().to_owned() }))
        }
        AccountChange::SetStatus(name, status) => {
            let result = accounts.set_status(name.clone(), status, now).await;
            (name, result.map(|account| S::Changed { user: account.name.as_str().to_owned(), status }))
        }
    };
    Happening::Changed(result.map_err(|error| ChangeProblem {
        is_taken: matches!(error, AccountError::NameTaken),
        sentence: server_desktop::account_problem(user, error),
    }))
}

/// The current time. A clock before 1970 counts as 1970.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
