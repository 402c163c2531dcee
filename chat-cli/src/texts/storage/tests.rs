//! In English, the program and the libraries say the same. In Chinese, every error has a sentence.

use std::fmt::Display;
use std::io;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use chat_core::error_chain::error_chain;
use chat_store::StoreUrl;

use super::*;
use crate::texts::Language;

fn assert_same(errors: &[impl Localised + Display]) {
    let (english, chinese) = (Texts::default(), Texts::new(Language::Chinese));
    for error in errors {
        assert_eq!(error.text(&english), error.to_string());
        assert!(!error.text(&chinese).is_ascii(), "{error} is not translated");
    }
}

fn not_found() -> io::Error {
    ErrorKind::NotFound.into()
}

fn file() -> PathBuf {
    "some file".into()
}

fn cause() -> Box<dyn Error + Send + Sync> {
    "cause".into()
}

fn url() -> StoreUrl {
    StoreUrl::parse("sqlite:x").unwrap()
}

#[test]
fn errors_of_folder_keys_and_accounts_are_those_of_the_libraries() {
    assert_same(&[
        DataFolderError::Unusable { path: file(), source: not_found() },
        DataFolderError::Device { path: file() },
        DataFolderError::OtherOwner { path: file(), owner: 7 },
        DataFolderError::WritableByEveryone { path: file() },
        DataFolderError::Lock { path: file(), source: not_found() },
        DataFolderError::InUse { path: file(), process: Some(7) },
        DataFolderError::InUse { path: file(), process: None },
    ]);
    assert_same(&[
        IdentityError::Read { path: file(), source: not_found() },
        IdentityError::Write { path: file(), source: not_found() },
        IdentityError::Broken { path: file(), what: "it is not a PEM file", source: None },
        IdentityError::OtherKey { certificate: file(), key: "key".into() },
        IdentityError::Create(cause()),
        IdentityError::Stopping(cause()),
    ]);
    assert_same(&[
        StartError::PresenceLog(ServeError::PresenceLog { path: file(), source: not_found() }),
        StartError::PresenceLog(ServeError::PresenceLogThread(not_found())),
        StartError::PresenceLog(ServeError::Incompatible),
        StartError::DataFolder(DataFolderError::WritableByEveryone { path: file() }),
    ]);
    assert_same(&[
        AccountError::NameTaken,
        AccountError::WrongCredentials,
        AccountError::Disabled,
        AccountError::NoSuchAccount,
        AccountError::Full,
        AccountError::Busy(Duration::from_millis(5)),
        AccountError::Unavailable(Arc::new(not_found())),
    ]);
}

#[test]
fn errors_of_urls_and_of_opening_are_those_of_the_library() {
    assert_same(&[
        UrlError::NotBuiltIn { database: "MySQL", feature: "mysql" },
        UrlError::Kind,
        UrlError::SqlitePath,
        UrlError::SqliteHost,
        UrlError::SqliteMemory,
        UrlError::SqliteUrl,
        UrlError::SqliteDevice,
        UrlError::MySql,
        UrlError::NotEncoded,
        UrlError::MySqlOption("x".into()),
        UrlError::MySqlDatabase,
    ]);
    assert_same(&[
        OpenError::Url(UrlError::Kind),
        OpenError::CreateFile { path: file(), source: not_found() },
        OpenError::ClaimFile { path: file(), source: not_found() },
        OpenError::File { path: file(), source: cause() },
        OpenError::NoLocks { path: file() },
        OpenError::ReadOnly { path: file() },
        OpenError::Unreadable { path: file(), source: cause() },
        OpenError::UnreadableJournal { path: file(), source: cause() },
        OpenError::NotUtf8(file()),
        OpenError::Connect(ConnectError::Silent { server: "db:3306".into() }),
        OpenError::NewerSchema { found: "2027".into() },
        OpenError::NoSchema,
        OpenError::OlderSchema,
        OpenError::MigrationLocked(Duration::from_secs(30)),
        OpenError::Copy(BackupError::NoDatabase(file())),
        OpenError::Migration(cause()),
        OpenError::Names(QueryError::Gone),
        OpenError::HashThreads(not_found()),
    ]);
}

#[test]
fn errors_of_mysql_servers_are_those_of_the_library() {
    let (server, host) = ("db:3306".to_owned(), "db".to_owned());
    let found = [Stranger::Http, Stranger::Redis, Stranger::Ssh, Stranger::Closes, Stranger::Other];
    let mut errors: Vec<ConnectError> =
        found.into_iter().map(|found| ConnectError::NotMySql { server: server.clone(), found }).collect();
    errors.extend([
        ConnectError::Unreachable { server: server.clone(), source: not_found() },
        ConnectError::UnknownHost { host, source: not_found() },
        ConnectError::Socket { path: file(), source: not_found() },
        ConnectError::Silent { server: server.clone() },
        ConnectError::Tls { server: server.clone(), source: cause() },
        ConnectError::Failed { server, source: cause() },
    ]);
    // The other errors contain a server's own words, which only the library can make.
    assert_same(&errors);
}

#[test]
fn errors_of_queries_and_copies_are_those_of_the_library() {
    assert_same(&[
        QueryError::Connection(cause()),
        QueryError::Query(cause()),
        QueryError::Hash(HashError::Memory),
        QueryError::Row { id: 7, reason: "x".into() },
        QueryError::Changed(not_found()),
        QueryError::Gone,
    ]);
    assert_same(&[
        HashError::Busy(Duration::from_secs(3)),
        HashError::NotAHash,
        HashError::Memory,
        HashError::Random,
        HashError::Stopped,
    ]);
    assert_same(&[
        BackupError::File { path: file(), source: not_found() },
        BackupError::Copy { path: file(), source: cause() },
        BackupError::NoDatabase(file()),
        BackupError::MySql { command: "mariadb-dump".into() },
    ]);
    assert_same(&[ImportError::Full { count: 7, max: 5 }, ImportError::Taken(vec![1]), ImportError::Write(cause())]);
    assert_same(&[
        TransferError::SameDatabase(url()),
        TransferError::InUse(url()),
        TransferError::Open { url: url(), source: OpenError::NoSchema },
        TransferError::NotEmpty { target: url(), count: 3 },
        TransferError::Read { source_url: url(), source: cause() },
        TransferError::Write { target: url(), source: cause() },
        TransferError::Different { target: url(), id: 7 },
    ]);
}

#[test]
fn a_chain_names_each_cause_once_and_in_the_language() {
    let error = || TransferError::Open {
        url: url(),
        source: OpenError::Copy(BackupError::File { path: file(), source: not_found() }),
    };
    assert_eq!(chain_of(&error(), &Texts::default()), error_chain(&error()));
    let chinese = chain_of(&error(), &Texts::new(Language::Chinese));
    assert_eq!(chinese.matches("升级结构之前").count(), 1, "{chinese}");
    assert!(chinese.contains("：无法新建文件 some file") && !chinese.contains("cannot be created"), "{chinese}");
}

#[test]
fn errors_of_rosters_are_those_of_the_library() {
    use RosterUrlError::{CaWithoutTls, Database, Host, Kind, NoCa, NotEncoded, Option, Port, Room};
    assert_same(&[Kind, NotEncoded, Host, Port, Database, Option, Room, NoCa, CaWithoutTls]);
    let (server, room) = (|| "db:6379".to_owned(), || "main".to_owned());
    assert_same(&[
        RedisError::UnknownHost { host: "db".to_owned(), source: not_found() },
        RedisError::Unreachable { server: server(), source: not_found() },
        RedisError::Silent { server: server(), seconds: 3 },
        RedisError::SilentTls { server: server(), seconds: 3 },
        RedisError::Broken { server: server(), source: cause() },
        RedisError::NotRedis { server: server(), source: cause() },
        RedisError::CaFile { path: file(), source: cause() },
        RedisError::Tls { server: server(), source: not_found() },
        RedisError::Login { server: server(), source: cause() },
        RedisError::Rights { server: server(), source: cause() },
        RedisError::Version { server: server(), version: "5.0.14".to_owned() },
        RedisError::OtherKeys { room: room() },
        RedisError::Format { room: room(), format: "2".to_owned() },
        RedisError::Full { server: server(), source: cause() },
        RedisError::ReadOnly { server: server(), source: cause() },
        RedisError::Cluster { server: server(), source: cause() },
        RedisError::Refused { server: server(), answer: "LOADING".to_owned() },
        RedisError::Damaged { room: room(), what: "a slot has no position" },
    ]);
}
