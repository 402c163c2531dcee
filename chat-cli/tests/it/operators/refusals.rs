//! Each refusal of a database server is reported with its cause and in the server's own words.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use chat_store::testing::{MySqlServer, TestDatabase};

use crate::harness::{Finished, Home, assert_contains, block_on, finish, until};

/// Runs `user list` on the database at a URL.
fn list(url: &str) -> Finished {
    let home = Home::new();
    finish(home.command("chat-server").env("CHAT_DATABASE", url).args(["user", "list"]))
}

/// The error of `user list`. Asserts that it does not call the server silent, and does not show the password.
#[track_caller]
fn refused(url: &str) -> String {
    let Finished { code, out, err } = list(url);
    assert_eq!((code, out.as_str()), (Some(3), ""), "{err}");
    assert!(!err.contains("does not answer") && !err.contains("hush"), "{err}");
    err
}

/// The URL of a database for another user.
fn for_user(database: &TestDatabase, login: &str) -> String {
    format!("mysql://{login}@{}", database.url_text().rsplit_once('@').unwrap().1)
}

#[test]
fn a_refused_user_is_reported_with_the_reason_of_the_server() {
    let server = MySqlServer::start();
    let database = block_on(server.database());
    let own = database.url_text().rsplit_once('/').unwrap().1;
    let create = |user: &str, how: &str| {
        block_on(database.execute(&format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'hush-hush' {how};")));
        block_on(database.execute(&format!("GRANT ALL ON `{own}`.* TO '{user}'@'%';")));
    };
    create("locked", "ACCOUNT LOCK");
    create("expired", "PASSWORD EXPIRE");
    create("lonely", "WITH MAX_USER_CONNECTIONS 1");
    block_on(database.execute("CREATE USER 'poor'@'%' IDENTIFIED BY 'hush-hush';"));

    let locked = refused(&for_user(&database, "locked:hush-hush"));
    assert_contains(&locked, "error: the user 'locked' of the database server at 127.0.0.1:");
    assert_contains(
        &locked,
        "is locked; unlock it with ALTER USER .. ACCOUNT UNLOCK: Access denied, this account is locked (error 4151)",
    );
    let expired = refused(&for_user(&database, "expired:hush-hush"));
    assert_contains(&expired, "error: the password of the user 'expired' of the database server at 127.0.0.1:");
    assert_contains(&expired, "has expired; set a new one with ALTER USER .. IDENTIFIED BY: ");
    let wrong = refused(&for_user(&database, "poor:wrong"));
    assert_contains(&wrong, "refuses the user 'poor'; check the user name and the password in the URL");
    assert_contains(&wrong, "Access denied for user 'poor'@");
    let poor = refused(&for_user(&database, "poor:hush-hush"));
    assert_contains(&poor, "the user 'poor' may not use the database");
    assert_contains(&poor, "Access denied for user 'poor'@'%' to database");
    let nowhere = refused(&format!("{}/nowhere", database.url_text().rsplit_once('/').unwrap().0));
    assert_contains(
        &nowhere,
        "has no database 'nowhere'; create it with CREATE DATABASE, or correct the URL: Unknown database 'nowhere' (error 1049)",
    );

    // A running server holds more than one connection.
    let lonely = for_user(&database, "lonely:hush-hush");
    let home = Home::new();
    let data = home.join("data");
    let mut command = home.command("chat-server");
    command.env("CHAT_DATABASE", &lonely).args(["--listen", "127.0.0.1:0", "--data-dir"]).arg(&data);
    let Finished { code, err, .. } = finish(&mut command);
    assert_eq!(code, Some(3), "{err}");
    assert_contains(&err, "has reached its limit of connections; close some, or raise the limit");
    assert_contains(&err, "has exceeded the 'max_user_connections' resource (current value: 1) (error 1226)");
}

#[test]
fn a_full_server_and_one_that_requires_tls_are_reported_as_such() {
    let server = MySqlServer::start();
    let database = block_on(server.database());
    let url = database.url_text().to_owned();
    let address = url.rsplit_once('@').unwrap().1.split('/').next().unwrap();
    block_on(database.execute("SET GLOBAL connect_timeout = 3600; SET GLOBAL max_connections = 10;"));
    // One more, because the server keeps a connection for an administrator.
    let mut held: Vec<TcpStream> = Vec::new();
    until("the server is full", || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut start = [0; 5];
        stream.read_exact(&mut start).unwrap();
        held.push(stream);
        start[4] == 0xff
    });
    let full = refused(&url);
    assert_contains(&full, "has reached its limit of connections; close some, or raise the limit");
    assert_contains(&full, "Too many connections (error 1040)");
    drop(held);

    until("the server has room again", || !list(&url).err.contains("Too many connections"));
    block_on(database.execute("SET GLOBAL require_secure_transport = ON;"));
    let insecure = refused(&url);
    // MariaDB reports a wrong password instead of the missing TLS.
    assert_contains(&insecure, "append ?require_ssl=true");
    let ca = server.ca_file();
    let Finished { err, .. } = list(&format!("{url}?require_ssl=true&ca={}", ca.display()));
    assert!(!err.contains("TLS") && !err.contains("secure"), "{err}");
}

#[test]
fn a_socket_is_shown_as_a_socket_and_a_wrong_path_is_reported() {
    let server = MySqlServer::start();
    let database = block_on(server.database());
    let (login, rest) = database.url_text().rsplit_once('@').unwrap();
    let own = rest.split_once('/').unwrap().1;
    let socket = server.socket_file();
    let url = |path: &str| format!("{login}@localhost/{own}?socket={path}");
    let home = Home::new();
    let good = url(socket.to_str().unwrap());
    let mut command = home.command("chat-server");
    let added =
        finish(command.env("CHAT_DATABASE", &good).env("CHAT_PASSWORD", "correct horse").args(["user", "add", "bob"]));
    assert_eq!((added.code, added.err.as_str()), (Some(0), ""));
    assert!(list(&good).out.starts_with("bob\tactive\t"));

    let file = home.join("file");
    std::fs::write(&file, "").unwrap();
    for path in ["/no/such.sock", file.to_str().unwrap()] {
        let wrong = refused(&url(path));
        let sentence =
            format!("error: the socket {path} of the database server cannot be used; check the path after socket=");
        assert!(wrong.starts_with(&sentence), "{wrong}");
        assert_contains(&wrong, &format!("hint: the database is mysql://chat:***@localhost/{own}?socket={path}\n"));
        assert!(!wrong.contains("3306"), "{wrong}");
    }
    let mut backup = home.command("chat-server");
    let Finished { code, err, .. } = finish(backup.env("CHAT_DATABASE", &good).args(["backup", "x"]));
    assert_eq!(code, Some(1));
    assert_contains(&err, &format!("--socket={} --user=chat --password {own}", socket.display()));
}

/// A greeting by which a MySQL server refuses a connection.
fn refusal(code: u16, message: &str) -> Vec<u8> {
    let length = u8::try_from(message.len() + 3).unwrap();
    [&[length, 0, 0, 0, 0xff][..], &code.to_le_bytes(), message.as_bytes()].concat()
}

#[test]
fn a_refusal_before_the_login_is_reported_in_the_servers_words() {
    for (code, message, sentence) in [
        (
            3159,
            "Connections using insecure transport are prohibited",
            "requires TLS; append ?require_ssl=true to the URL",
        ),
        (1130, "Host '10.0.0.7' is not allowed to connect to this MySQL server", "error: the database server at "),
        (1129, "Host '10.0.0.7' is blocked because of many connection errors", "error: the database server at "),
        (1053, "Server shutdown in progress", "error: the database server at "),
    ] {
        let err = refused(&stranger(&refusal(code, message)));
        assert_contains(&err, sentence);
        assert_contains(&err, &format!(": {message} (error {code})\n"));
    }
}

/// Accepts connections, sends `greeting` on each, and keeps it open until the program closes it. Returns the URL of a
/// database there.
fn stranger(greeting: &[u8]) -> String {
    let greeting = greeting.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, greeting) = (stream.unwrap(), greeting.clone());
            thread::spawn(move || {
                // The program may have gone by now.
                drop(stream.write_all(&greeting));
                drop(stream.read(&mut [0]));
            });
        }
    });
    format!("mysql://ann:hush@{address}/chat")
}

#[test]
fn a_server_that_does_not_speak_mysql_is_reported_as_such() {
    for (greeting, sentence) in [
        (&b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..], "does not speak MySQL: it is a web server"),
        (b"-DENIED Redis is running in protected mode\r\n", "does not speak MySQL: it is a Redis server"),
        (b"-ERR unknown command\r\n", "does not speak MySQL: it is a Redis server"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak MySQL: it is an SSH server"),
        (b"220 mail ESMTP\r\n", "does not speak MySQL: it is a server of another kind"),
        (b"\0\0\0\0", "does not speak MySQL: it is a server of another kind"),
        (b"", "accepts connections and sends no greeting: a server of another kind, which does not speak MySQL, or"),
    ] {
        for options in ["", "?require_ssl=true"] {
            let err = refused(&(stranger(greeting) + options));
            assert_contains(&err, sentence);
            assert_contains(&err, "check the host and the port in the URL");
        }
    }
}

#[test]
fn a_server_counts_as_silent_only_if_nothing_answers() {
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let Finished { code, err, .. } = list(&format!("mysql://ann:hush@{unused}/chat"));
    assert_eq!(code, Some(3));
    assert_contains(&err, &format!("error: the database server at {unused} does not answer; check that it runs and"));
    let unknown = refused("mysql://ann:hush@no.such.host.invalid/chat");
    assert_contains(&unknown, "error: the host 'no.such.host.invalid' of the database server is unknown");
}
