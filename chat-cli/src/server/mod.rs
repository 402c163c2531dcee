//! `chat-server`: the presence server and what its operators do.

pub mod announcer;
mod args;
mod backup;
mod control;
pub mod database;
mod descriptors;
mod http;
mod inside;
pub mod limits;
mod metrics;
mod move_accounts;
mod reload;
pub mod serve;
mod settings;
mod status;
pub mod task;
pub mod users;

use std::io::{self, Write};
use std::path::Path;

use chat_core::error_chain::error_chain;
use chat_net::identity::{IDENTITY_FILE, IdentityError, ServerIdentity};
use chat_store::{SqlAccounts, StoreOptions, StoreUrl};
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;

use self::status::json_lines;
use self::task::{CertificateFiles, ServerAction, ServerTask, UserTask};
use crate::error::{CliError, Exit};
use crate::folder::DataFolder;
use crate::format::Format;
use crate::secret::{PasswordKind, PasswordPrompt, PasswordSource};
use crate::signals::StopSignals;
use crate::terminal::{self, TerminalGuard, TerminalPrompt};

/// Does what the arguments say.
///
/// # Errors
/// A sentence for the operator, with the exit code.
pub fn run(task: ServerTask) -> Result<Exit, CliError> {
    let runtime =
        Runtime::new().map_err(|error| CliError::not_there(format_args!("no threads can be made: {error}")))?;
    let _guard = TerminalGuard::new();
    let ServerTask { data_dir, certificate, action } = task;
    // Made if it is not there, but not by those who only ask whether a server runs.
    let folder = || DataFolder::open(data_dir.clone());
    let result = match action {
        ServerAction::Serve(options) => runtime.block_on(async {
            let mut signals = StopSignals::new()?;
            let stop = async move { signals.next().await };
            serve::serve(folder()?, certificate, *options, io::stdout(), stop).await
        }),
        ServerAction::User { database, task } => runtime.block_on(async {
            let mut signals = StopSignals::new()?;
            tokio::select! {
                said = operate(database.url(folder()?.path()), task) => print(&said?),
                () = signals.next() => Err(CliError::interrupted()),
            }
        }),
        ServerAction::Fingerprint => {
            // What a server that runs shows may be a certificate that was named to it alone.
            let running = runtime.block_on(async { control::status(&data_dir).await.ok() });
            match running.map(|status| status.fingerprint).filter(|shown| certificate.is_none() && !shown.is_empty()) {
                Some(shown) => print(&format!("{shown}\n")),
                None => fingerprint(&folder()?, certificate.as_ref()),
            }
        }
        ServerAction::Status(format) => runtime.block_on(async {
            let status = control::status(&data_dir).await?;
            print(&if format == Format::Json { json_lines([status]) } else { status::text(&status) })
        }),
        ServerAction::Online(format) => runtime.block_on(async {
            let online = control::online(&data_dir).await?;
            print(&if format == Format::Json { json_lines(online) } else { status::roster(&online) })
        }),
        ServerAction::Backup { database, to } => {
            runtime.block_on(async { print(&backup::backup(&database.url(folder()?.path()), &to).await?) })
        }
        ServerAction::Move { from, to } => runtime.block_on(async {
            let folder = folder()?;
            print(&move_accounts::move_accounts(&folder, &from.url(folder.path()), &to).await?)
        }),
    };
    // Whatever still runs has been told to end, or does not matter any more.
    runtime.shutdown_background();
    result
}

async fn operate(url: StoreUrl, task: UserTask<PasswordSource>) -> Result<String, CliError> {
    if let Some(path) = missing(&url) {
        match &task {
            UserTask::Add(name, _) => {
                log::warn!("there was no database file {}; one is made, with {name} in it", path.display());
            }
            _ => return Err(no_database(path)),
        }
    }
    // Typing takes its time, and signals must be heard meanwhile.
    let task = spawn_blocking(|| {
        let mut terminal = terminal::is_interactive().then(TerminalPrompt::default);
        let ask = terminal.as_mut().map(|terminal| terminal as &mut dyn PasswordPrompt);
        task.with_password(|source| source.read(PasswordKind::New, ask))
    });
    let task = task.await.map_err(|error| CliError::failed(format_args!("asking failed: {error}")))??;
    users::run(&open_accounts(&url, StoreOptions::default()).await?, task, crate::clock::now()).await
}

fn fingerprint(folder: &DataFolder, certificate: Option<&CertificateFiles>) -> Result<Exit, CliError> {
    let is_new = certificate.is_none() && !folder.join(IDENTITY_FILE).exists();
    let identity = identity(folder, certificate).map_err(CliError::not_there)?;
    if is_new {
        log::warn!("there was no key in {}; this is a new one", folder.path().display());
    }
    print(&format!("{}\n", identity.fingerprint()))
}

/// The file of a database that does not exist. SQLite would make an empty one.
fn missing(url: &StoreUrl) -> Option<&Path> {
    url.sqlite_path().filter(|path| !path.exists())
}

/// Mostly another folder or database is named than the server has.
fn no_database(path: &Path) -> CliError {
    CliError::failed(format_args!("there is no database file {}", path.display()))
        .hint("name the data folder and the database that the server uses")
}

/// The server's own certificate, or the one that was named.
fn identity(folder: &DataFolder, certificate: Option<&CertificateFiles>) -> Result<ServerIdentity, IdentityError> {
    /// Kept in the data folder also if the certificate is not.
    const TICKET_FILE: &str = "ticket.key";
    match certificate {
        None => ServerIdentity::load_or_create(folder.path()),
        Some(CertificateFiles { chain, key }) => ServerIdentity::from_pem(chain, key, &folder.join(TICKET_FILE)),
    }
}

async fn open_accounts(url: &StoreUrl, options: StoreOptions) -> Result<SqlAccounts, CliError> {
    SqlAccounts::open(url, options)
        .await
        .map_err(|error| CliError::not_there(error_chain(&error)).hint(format_args!("the database is {url}")))
}

fn print(said: &str) -> Result<Exit, CliError> {
    let mut out = io::stdout();
    out.write_all(said.as_bytes()).and_then(|()| out.flush()).map_err(|error| CliError::output(&error))?;
    Ok(Exit::Fine)
}
