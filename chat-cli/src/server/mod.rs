//! `chat-server`: serves, and gives operators the commands that manage accounts and look into the running server.

pub mod announcer;
mod args;
mod backup;
mod control;
pub mod database;
pub mod days;
mod descriptors;
pub mod desktop;
pub mod effective;
mod http;
mod import;
mod invite;
pub mod limits;
mod look_alikes;
mod metrics;
mod move_accounts;
pub mod named_url;
mod node_name;
pub mod presence_log;
mod reload;
pub mod roster;
mod running;
pub mod serve;
mod service;
mod settings;
mod start;
mod status;
pub mod task;
pub mod users;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::thread;

use chat_net::identity::{Fingerprint, IDENTITY_FILE, IdentityError, ServerIdentity};
use chat_store::{OpenError, SqlAccounts, StoreOptions, StoreUrl};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use self::import::ImportFile;
use self::status::json_lines;
use self::task::{CertificateFiles, Operation, PurgeMode, ServerAction, ServerTask, StopRequest, UserTask};
use crate::error::{self, CliError, Exit};
use crate::folder::DataFolder;
use crate::format::Format;
use crate::platform::files;
use crate::progress::Progress;
use crate::secret::{PasswordKind, PasswordPrompt, PasswordSource};
use crate::signals::StopSignals;
use crate::terminal::{self, TerminalGuard, TerminalPrompt};
use crate::texts::{Sentence, Texts, chain};
use crate::{fingerprint, threads};

/// Performs the task.
///
/// # Errors
/// A message for the operator, with the exit code.
pub fn run(task: ServerTask, texts: &Texts) -> Result<Exit, CliError> {
    match task {
        ServerTask::Generate(command) => command.run(args::described(&Texts::default())),
        ServerTask::RunService { log, arguments } => service::run(log, arguments).map(|()| Exit::Fine),
        ServerTask::UninstallService => print(&service::uninstall(texts)?),
        ServerTask::Operate(operation) => operate(operation, texts),
    }
}

/// Shows an error that ends the program: a sentence on standard error, and in JSON also an event on standard output.
/// Returns how the program ends.
pub fn report(error: &CliError, format: Format, texts: &Texts) -> Exit {
    crate::client::report(error, format, texts)
}

fn operate(operation: Operation, texts: &Texts) -> Result<Exit, CliError> {
    // One for each processor, because thousands of connections keep them busy.
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let reporting = texts.clone();
    let runtime = threads::start_runtime(workers, move |error| error::report(error, &reporting))?;
    let _guard = TerminalGuard::new();
    let Operation { data_dir, certificate, action } = operation;
    // Creates the folder, which a command that only asks whether a server runs must not do.
    let folder = || DataFolder::open(&*data_dir).map_err(CliError::from);
    let result = match action {
        ServerAction::Serve(options, stop) => runtime.block_on(async {
            let stop = requests(stop)?;
            serve::serve(folder()?, certificate, *options, io::stdout(), stop, texts).await
        }),
        ServerAction::InstallService(service) => print(&service.install(texts)?),
        ServerAction::User { database, task } => runtime.block_on(async {
            let mut signals = StopSignals::new()?;
            tokio::select! {
                output = manage_accounts(database.url(&data_dir), task, folder, texts) => print(&output?),
                () = signals.next() => Err(CliError::interrupted()),
            }
        }),
        ServerAction::Import { database, store, file, format } => runtime.block_on(async {
            let mut signals = StopSignals::new()?;
            let url = database.url(&data_dir);
            tokio::select! {
                output = import_accounts(&url, store, &file, format, folder, texts) => print(&output?),
                () = signals.next() => Err(CliError::interrupted()),
            }
        }),
        ServerAction::Fingerprint => {
            // A running server may use a certificate that only its own arguments name, so it is asked first.
            let running = runtime.block_on(async { control::status(&data_dir).await.ok() });
            let shown = running.filter(|_| certificate.is_none()).and_then(|status| status.fingerprint.parse().ok());
            print(&fingerprint::for_standard_output(match shown {
                Some(shown) => shown,
                None => own_fingerprint(&folder()?, certificate.as_ref(), texts)?,
            }))
        }
        ServerAction::Invite(format) => {
            runtime.block_on(async { invite::show(&control::invitation(&data_dir).await?, format, texts) })
        }
        ServerAction::Status(format) => runtime.block_on(async {
            let status = control::status(&data_dir).await?;
            print(&if format == Format::Json { json_lines([status]) } else { status::text(&status, texts) })
        }),
        ServerAction::Online(format) => runtime.block_on(async {
            let online = control::online(&data_dir).await?;
            print(&if format == Format::Json { json_lines(online) } else { status::online_table(&online, texts) })
        }),
        ServerAction::Reload => runtime.block_on(async { print(&control::reload(&data_dir).await?.report(texts)?) }),
        ServerAction::Config(settings, format) => print(&effective::show(&settings, format, texts)),
        // Not in a task: a signal ends the program, as it ends `tail`.
        ServerAction::Log(options) => presence_log::show(options, texts),
        ServerAction::Backup { database, to } => {
            runtime.block_on(async { print(&backup::backup(&database.url(&data_dir), &to, texts).await?) })
        }
        ServerAction::Move { from, to } => runtime.block_on(async {
            print(&move_accounts::move_accounts(&data_dir, &from.url(&data_dir), &to, texts).await?)
        }),
    };
    // Tasks that still run were asked to end, or wait for input that nobody needs any more.
    runtime.shutdown_background();
    result
}

/// Waits for a request to stop the server.
fn requests(kind: StopRequest) -> Result<Pin<Box<dyn Future<Output = ()>>>, CliError> {
    match kind {
        StopRequest::Signal => {
            let mut signals = StopSignals::new()?;
            Ok(Box::pin(async move { signals.next().await }))
        }
        StopRequest::EndOfInput => {
            let (end, ended) = oneshot::channel();
            threads::spawn("input", move || {
                // An input that cannot be read has ended, too.
                drop(io::copy(&mut io::stdin(), &mut io::sink()));
                // If nobody waits, the server is stopping already.
                let _sent = end.send(());
            })?;
            Ok(Box::pin(async move { drop(ended.await) }))
        }
    }
}

/// The presence log in a data folder.
fn presence_log_in(data_dir: &Path) -> PathBuf {
    data_dir.join("presence.log")
}

/// Performs a task on the accounts. `folder` opens the data folder, which holds the database unless another one is
/// named.
async fn manage_accounts(
    url: StoreUrl,
    task: UserTask<PasswordSource>,
    folder: impl Fn() -> Result<DataFolder, CliError>,
    texts: &Texts,
) -> Result<String, CliError> {
    let only_reads = matches!(task, UserTask::List(_) | UserTask::Purge { mode: PurgeMode::DryRun, .. });
    if !only_reads {
        folder()?;
    }
    if let Some(path) = missing(&url) {
        match &task {
            UserTask::Add(..) => error::note(&texts.say().note_new_database(path.display().to_string()), texts),
            _ => return Err(no_database(path)),
        }
    }
    // On a thread of its own, so that signals are handled while the operator types.
    let asking = texts.clone();
    let task = spawn_blocking(|| {
        let mut terminal = terminal::is_interactive().then(|| TerminalPrompt::new(asking));
        let prompt = terminal.as_mut().map(|terminal| terminal as &mut dyn PasswordPrompt);
        task.with_password(|source| source.read(PasswordKind::New, prompt))
    });
    let task = task
        .await
        .map_err(|error| CliError::failed(move |texts: &Texts| texts.say().asking_failed(error.to_string())))??;
    let accounts = if only_reads {
        SqlAccounts::open_for_reading(&url, StoreOptions::default()).await.map_err(|error| not_opened(&url, error))?
    } else {
        open_accounts(&url, StoreOptions::default(), texts).await?
    };
    users::run(&accounts, task, crate::clock::now(), texts).await
}

/// Registers the accounts of a file, all of them or none.
async fn import_accounts(
    url: &StoreUrl,
    mut store: StoreOptions,
    path: &Path,
    format: Format,
    folder: impl Fn() -> Result<DataFolder, CliError>,
    texts: &Texts,
) -> Result<String, CliError> {
    let mut file = ImportFile::read(path, texts)?;
    if file.has_bad_lines() {
        // The names that are taken are reported too, if that creates and changes nothing.
        if missing(url).is_none()
            && let Ok(accounts) = SqlAccounts::open_for_reading(url, store).await
        {
            file.check_names(&accounts).await?;
        }
        return Err(file.refuse(path, format, texts));
    }
    folder()?;
    if let Some(path) = missing(url) {
        error::note(&texts.say().note_new_database(path.display().to_string()), texts);
    }
    store.hashing.queue = import::HASHES_IN_PROGRESS;
    let accounts = open_accounts(url, store, texts).await?;
    file.check_names(&accounts).await?;
    if file.has_bad_lines() {
        return Err(file.refuse(path, format, texts));
    }
    file.import(&accounts, path, format, crate::clock::now(), texts).await
}

fn own_fingerprint(
    folder: &DataFolder,
    certificate: Option<&CertificateFiles>,
    texts: &Texts,
) -> Result<Fingerprint, CliError> {
    let is_new = certificate.is_none() && !folder.join(IDENTITY_FILE).exists();
    let identity = identity(folder, certificate)?;
    if is_new {
        error::note(&texts.say().note_new_key(folder.path().display().to_string()), texts);
    }
    Ok(identity.fingerprint())
}

/// The file of an SQLite database that does not exist. Opening it would create an empty database.
fn missing(url: &StoreUrl) -> Option<&Path> {
    url.sqlite_path().filter(|path| matches!(path.try_exists(), Ok(false)))
}

/// The error for a missing database file. The usual cause is a data folder or a database that is not the server's.
fn no_database(path: &Path) -> CliError {
    let file = path.display().to_string();
    CliError::failed(move |texts: &Texts| texts.say().no_database_file(&file))
        .hint(|texts: &Texts| texts.say().hint_no_database_file())
}

/// Like [`load_identity`], with an error that ends the program.
fn identity(folder: &DataFolder, certificate: Option<&CertificateFiles>) -> Result<ServerIdentity, CliError> {
    load_identity(folder, certificate).map_err(|error| {
        let sentence = CliError::not_there(Sentence::about(error));
        match certificate {
            Some(_) => sentence.hint(|texts: &Texts| texts.say().hint_own_certificate()),
            None => sentence,
        }
    })
}

/// Loads the certificate that was named, or else the self-signed one in the data folder. Creates the latter if it is
/// missing.
fn load_identity(folder: &DataFolder, certificate: Option<&CertificateFiles>) -> Result<ServerIdentity, IdentityError> {
    /// The file with the ticket key. It is in the data folder even if the certificate is not.
    const TICKET_FILE: &str = "ticket.key";
    match certificate {
        None => ServerIdentity::load_or_create(folder.path()),
        Some(CertificateFiles { chain, key }) => ServerIdentity::from_pem(chain, key, &folder.join(TICKET_FILE)),
    }
}

/// Warns about a named certificate that clients with `--ca` will refuse, and about a private key that every user can
/// access.
fn warn_about(identity: &ServerIdentity, certificate: Option<&CertificateFiles>) {
    let Some(named) = certificate else { return };
    if files::is_open_to_everyone(&named.key) {
        let (key, restrict) = (named.key.display(), files::RESTRICT_TO_GROUP);
        log::warn!("every user can access the private key {key}; restrict it with {restrict}");
    }
    if let Some(problem) = identity.authority_problem() {
        log::warn!(
            "clients with --ca will refuse the certificate in {}: it {problem}; clients that know the fingerprint \
             (--fingerprint) accept it",
            named.chain.display()
        );
    }
}

/// Opens the accounts. Bringing the schema up to date can take a while.
async fn open_accounts(url: &StoreUrl, options: StoreOptions, texts: &Texts) -> Result<SqlAccounts, CliError> {
    let _progress = Progress::spinner(texts.say().progress_opening());
    SqlAccounts::open(url, options).await.map_err(|error| not_opened(url, error))
}

fn not_opened(url: &StoreUrl, error: OpenError) -> CliError {
    let url = url.to_string();
    match error {
        OpenError::HashThreads(error) => threads::refused(&error),
        error => CliError::not_there(chain(error)).hint(move |texts: &Texts| texts.say().hint_database_is(&url)),
    }
}

fn print(text: &str) -> Result<Exit, CliError> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| CliError::output(&error))?;
    Ok(Exit::Fine)
}
