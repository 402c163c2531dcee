//! Errors that only a server has, as sentences: of its data folder, its keys, and its database.

use std::error::Error;
use std::time::Duration;

use chat_core::accounts::AccountError;
use chat_net::data_folder::DataFolderError;
use chat_net::identity::IdentityError;
use chat_net::server::{ServeError, StartError};
use chat_store::hashing::HashError;
use chat_store::{
    BackupError, ConnectError, ImportError, OpenError, QueryError, RedisError, RosterUrlError, Stranger, TransferError,
    Transport, UrlError,
};

use super::{Localised, Sentence, Texts};

/// The sentence about an error and its causes.
pub(crate) fn chain(error: impl Error + Send + Sync + 'static) -> Sentence {
    Sentence::from(move |texts: &Texts| chain_of(&error, texts))
}

/// An error and its causes on one line. A cause whose text is already part of the line is left out, as in
/// [`error_chain`](chat_core::error_chain::error_chain).
pub(crate) fn chain_of(error: &(dyn Error + 'static), texts: &Texts) -> String {
    let mut line = text(error, texts);
    let mut source = error.source();
    while let Some(error) = source {
        let cause = text(error, texts);
        if !line.contains(&cause) {
            line = texts.say().error_with_cause(line, cause);
        }
        source = error.source();
    }
    line
}

/// One error of a chain. Those of the system and of other libraries are in English.
fn text(error: &(dyn Error + 'static), texts: &Texts) -> String {
    let known = [
        error.downcast_ref::<OpenError>().map(|error| error.text(texts)),
        error.downcast_ref::<BackupError>().map(|error| error.text(texts)),
        error.downcast_ref::<TransferError>().map(|error| error.text(texts)),
        error.downcast_ref::<ImportError>().map(|error| error.text(texts)),
        error.downcast_ref::<QueryError>().map(|error| error.text(texts)),
        error.downcast_ref::<HashError>().map(|error| error.text(texts)),
        error.downcast_ref::<ConnectError>().map(|error| error.text(texts)),
        error.downcast_ref::<UrlError>().map(|error| error.text(texts)),
        error.downcast_ref::<RedisError>().map(|error| error.text(texts)),
        error.downcast_ref::<RosterUrlError>().map(|error| error.text(texts)),
    ];
    known.into_iter().flatten().next().unwrap_or_else(|| error.to_string())
}

fn seconds(time: Duration) -> u64 {
    time.as_secs().max(1)
}

impl Localised for AccountError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::NameTaken => t.account_name_taken(),
            Self::WrongCredentials => t.account_wrong_credentials(),
            Self::Disabled => t.account_is_disabled(),
            Self::NoSuchAccount => t.account_none(),
            Self::Full => t.accounts_full(),
            Self::Busy(time) => t.accounts_busy(seconds(*time)),
            Self::Unavailable(_) => t.accounts_unavailable(),
            // A kind that is newer than this program.
            _ => self.to_string(),
        }
    }
}

impl Localised for DataFolderError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Unusable { path, source } => t.folder_unusable(path.display().to_string(), source.to_string()),
            Self::Device { path } => t.folder_is_device(path.display().to_string()),
            Self::OtherOwner { path, owner } => t.folder_of_other_user(path.display().to_string(), *owner),
            Self::WritableByEveryone { path } => t.folder_writable_by_everyone(path.display().to_string()),
            Self::Lock { path, source } => t.folder_not_locked(path.display().to_string(), source.to_string()),
            Self::InUse { path, process: Some(process) } => {
                t.folder_in_use_by(path.display().to_string(), process.to_string())
            }
            Self::InUse { path, process: None } => t.folder_in_use(path.display().to_string()),
            _ => self.to_string(),
        }
    }
}

impl Localised for IdentityError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Read { path, source } => t.key_unreadable(path.display().to_string(), source.to_string()),
            Self::Write { path, source } => t.key_not_written(path.display().to_string(), source.to_string()),
            // The library describes the content of a file in English only.
            Self::Broken { path, what, .. } => t.key_unusable(path.display().to_string(), what),
            Self::OtherKey { certificate, key } => {
                t.key_of_other_certificate(key.display().to_string(), certificate.display().to_string())
            }
            Self::Create(source) => t.certificate_not_created(source.to_string()),
            Self::Stopping(_) => t.key_not_loaded(),
            _ => self.to_string(),
        }
    }
}

impl Localised for ServeError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::PresenceLog { path, source } => {
                t.presence_log_not_opened(path.display().to_string(), source.to_string())
            }
            Self::PresenceLogThread(source) => t.presence_log_thread_refused(source.to_string()),
            Self::Incompatible => t.roster_incompatible(),
            _ => self.to_string(),
        }
    }
}

impl Localised for StartError {
    fn text(&self, texts: &Texts) -> String {
        match self {
            Self::DataFolder(error) => error.text(texts),
            Self::Identity(error) => error.text(texts),
            Self::PresenceLog(error) => error.text(texts),
            // What the program itself does before it builds a server makes the others impossible.
            _ => self.to_string(),
        }
    }
}

impl Localised for UrlError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::NotBuiltIn { database, feature } => t.url_not_built_in(database, feature),
            Self::Kind => t.url_kind(),
            Self::SqlitePath => t.url_sqlite_path(),
            Self::SqliteHost => t.url_sqlite_host(),
            Self::SqliteMemory => t.url_sqlite_memory(),
            Self::SqliteUrl => t.url_sqlite_url(),
            Self::SqliteDevice => t.url_sqlite_device(),
            Self::MySql => t.url_mysql(),
            Self::NotEncoded => t.url_not_encoded(),
            Self::MySqlOption(what) => t.url_mysql_option(what),
            Self::MySqlDatabase => t.url_mysql_database(),
            _ => self.to_string(),
        }
    }
}

impl Localised for OpenError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Url(error) => error.text(texts),
            Self::CreateFile { path, .. } => t.open_not_created(path.display().to_string()),
            Self::ClaimFile { path, .. } => t.open_claim(path.display().to_string()),
            Self::File { path, .. } => t.open_file(path.display().to_string()),
            Self::NoLocks { path } => t.open_no_locks(path.display().to_string()),
            Self::ReadOnly { path } => t.open_read_only(path.display().to_string()),
            Self::Unreadable { path, .. } => t.open_unreadable(path.display().to_string()),
            Self::UnreadableJournal { path, .. } => t.open_journal(path.display().to_string()),
            Self::NotUtf8(path) => t.open_not_utf8(path.display().to_string()),
            Self::Connect(error) => error.text(texts),
            Self::NewerSchema { found } => t.open_newer_schema(found),
            Self::NoSchema => t.open_no_schema(),
            Self::OlderSchema => t.open_older_schema(),
            Self::MigrationLocked(time) => t.open_migration_locked(time.as_secs()),
            Self::Copy(_) => t.open_copy(),
            Self::Migration(_) => t.open_migration(),
            Self::Names(_) => t.open_names(),
            Self::HashThreads(_) => t.hash_threads_refused(),
            _ => self.to_string(),
        }
    }
}

impl Localised for ConnectError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Unreachable { server, .. } => t.mysql_unreachable(server),
            Self::UnknownHost { host, .. } => t.mysql_unknown_host(host),
            Self::Socket { path, .. } => t.mysql_socket(path.display().to_string()),
            Self::NotMySql { server, found } => t.mysql_stranger(server, stranger(*found, texts)),
            Self::Silent { server } => t.mysql_silent(server),
            Self::Tls { server, .. } => t.mysql_tls(server),
            Self::TlsRequired { server, .. } => t.mysql_tls_required(server),
            Self::Login { server, user, transport: Transport::Plain, .. } => t.mysql_login_plain(server, user),
            Self::Login { server, user, .. } => t.mysql_login(server, user),
            Self::Locked { server, user, .. } => t.mysql_locked(user, server),
            Self::Expired { server, user, .. } => t.mysql_expired(user, server),
            Self::Full { server, .. } => t.mysql_full(server),
            Self::Rights { user, database, .. } => t.mysql_rights(user, database),
            Self::NoDatabase { server, database, .. } => t.mysql_no_database(server, database),
            Self::Refused { server, .. } => t.mysql_refused(server),
            Self::Failed { server, .. } => t.mysql_failed(server),
            _ => self.to_string(),
        }
    }
}

impl Localised for RosterUrlError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Kind => t.roster_url_kind(),
            Self::NotEncoded => t.roster_url_not_encoded(),
            Self::Host => t.roster_url_host(),
            Self::Port => t.roster_url_port(),
            Self::Database => t.roster_url_database(),
            Self::Option => t.roster_url_option(),
            Self::Room => t.roster_url_room(),
            Self::NoCa => t.roster_url_no_ca(),
            Self::CaWithoutTls => t.roster_url_ca_without_tls(),
            _ => self.to_string(),
        }
    }
}

impl Localised for RedisError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::UnknownHost { host, .. } => t.redis_unknown_host(host),
            Self::Unreachable { server, .. } => t.redis_unreachable(server),
            Self::Silent { server, seconds } => t.redis_silent(server, *seconds),
            Self::SilentTls { server, seconds } => t.redis_silent_tls(server, *seconds),
            Self::Broken { server, .. } => t.redis_broken(server),
            Self::NotRedis { server, .. } => t.redis_stranger(server),
            Self::CaFile { path, .. } => t.redis_ca_file(path.display().to_string()),
            Self::Tls { server, .. } => t.redis_tls(server),
            Self::Login { server, .. } => t.redis_login(server),
            Self::Rights { server, .. } => t.redis_rights(server),
            Self::Version { server, version } => t.redis_version(server, version),
            Self::OtherKeys { room } => t.redis_other_keys(room),
            Self::Format { room, format } => t.redis_format(room, format),
            Self::Full { server, .. } => t.redis_full(server),
            Self::ReadOnly { server, .. } => t.redis_read_only(server),
            Self::Cluster { server, .. } => t.redis_cluster(server),
            Self::Refused { server, answer } => t.redis_refused(server, answer),
            // The library describes damage in English only.
            Self::Damaged { room, what } => t.redis_damaged(room, what),
            _ => self.to_string(),
        }
    }
}

fn stranger(found: Stranger, texts: &Texts) -> String {
    let t = texts.say();
    match found {
        Stranger::Http => t.stranger_http(),
        Stranger::Redis => t.stranger_redis(),
        Stranger::Ssh => t.stranger_ssh(),
        Stranger::Closes => t.stranger_closes(),
        _ => t.stranger_other(),
    }
}

impl Localised for QueryError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Connection(_) => t.query_connection(),
            Self::Query(_) => t.query_failed(),
            Self::Timeout(_) => t.query_timeout(),
            Self::Stopped(_) => t.query_stopped(),
            Self::Hash(_) => t.query_hash(),
            Self::Row { id, reason } => t.query_row(*id, reason),
            Self::Changed(_) => t.query_changed(),
            Self::Gone => t.query_gone(),
            _ => self.to_string(),
        }
    }
}

impl Localised for HashError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Busy(time) => t.hash_busy(seconds(*time)),
            Self::NotAHash => t.hash_none(),
            Self::Memory => t.hash_memory(),
            Self::Random => t.hash_random(),
            Self::Stopped => t.hash_stopped(),
            _ => self.to_string(),
        }
    }
}

impl Localised for BackupError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::File { path, .. } => t.backup_not_created(path.display().to_string()),
            Self::Copy { path, .. } => t.backup_failed(path.display().to_string()),
            Self::NoDatabase(path) => t.backup_no_database(path.display().to_string()),
            Self::MySql { command } => t.backup_mysql(command),
            _ => self.to_string(),
        }
    }
}

impl Localised for ImportError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::Full { count, max } => t.import_full(*count, *max),
            Self::Taken(_) => t.import_taken(),
            Self::Write(_) => t.import_not_written(),
            _ => self.to_string(),
        }
    }
}

impl Localised for TransferError {
    fn text(&self, texts: &Texts) -> String {
        let t = texts.say();
        match self {
            Self::SameDatabase(url) => t.move_same_database(url.to_string()),
            Self::InUse(url) => t.move_in_use(url.to_string()),
            Self::Open { source, .. } => source.text(texts),
            Self::NotEmpty { target, count } => t.move_not_empty(target.to_string(), *count),
            Self::Read { source_url, .. } => t.move_not_read(source_url.to_string()),
            Self::Write { target, .. } => t.move_not_written(target.to_string()),
            Self::Different { target, id } => t.move_different(*id, target.to_string()),
            _ => self.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
