//! Some editors begin every text file with a byte order mark and end its lines as on Windows.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rcgen::{CertificateParams, KeyPair};

use crate::harness::{Finished, Home, PASSWORD, Server, finish, path_text};

#[test]
fn every_file_may_begin_with_a_byte_order_mark() {
    let home = Home::new();
    let write = |name: &str, content: &str| {
        let path = home.join(name);
        fs::write(&path, format!("\u{feff}{}", content.replace('\n', "\r\n"))).unwrap();
        // The programs warn about secrets that others can read.
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    };
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let database = write("database", &format!("sqlite:{}\n", home.join("accounts").display()));
    let config = write(
        "server.toml",
        &format!(
            "listen = '127.0.0.1:0'\ndata-dir = '{}'\ndatabase-file = '{}'\ncert = '{}'\nkey = '{}'\n\
             registration = 'invited'\ninvitation-code = 'spring-2026'\n",
            home.join("data").display(),
            database.display(),
            write("cert.pem", &certificate.pem()).display(),
            write("key.pem", &key.serialize_pem()).display(),
        ),
    );
    let server = Server::start_command(&home, home.command("chat-server").arg("--config").arg(config));
    assert_eq!(server.process.errors(), "");
    assert!(home.join("accounts").exists());

    let join = |user: &str, options: &[&str], trust: &str| {
        let file = write(
            &format!("{user}.toml"),
            &format!(
                "server = 'localhost:{}'\nuser = '{user}'\npassword-file = '{}'\n{trust}\n",
                server.address.port(),
                write("password", &format!("{PASSWORD}\n")).display(),
            ),
        );
        let invitation = write("invitation", "spring-2026\n");
        let mut command = home.command("chat-client");
        command.arg("--config").arg(file).arg("--invitation-file").arg(invitation);
        finish(command.args(options))
    };
    let by_authority = format!("ca = '{}'", home.join("cert.pem").display());
    let known = write("known", &format!("localhost:{} {}\n", server.address.port(), server.fingerprint));
    let by_key = format!("known-servers = '{}'", path_text(&known));
    for (user, options, trust) in
        [("alice", &["--register"][..], &by_authority), ("alice", &[], &by_key), ("bob", &["--register"], &by_key)]
    {
        let Finished { code, err, .. } = join(user, options, trust);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{user} {trust}");
    }
}

#[test]
fn a_command_in_the_first_line_of_a_file_is_not_sent_to_everyone() {
    let home = Home::new();
    let server = Server::start_in(&home, &[]);
    let bob = server.client("bob").register().start();
    let carol = server.client("carol").register().start();
    for (user, format, to_bob, to_all) in [
        ("alice", "text", "/msg bob psst", "hello"),
        ("dave", "json", "{\"to\":\"bob\",\"text\":\"psst\"}", "{\"to\":\"everyone\",\"text\":\"hello\"}"),
    ] {
        let input = format!("\u{feff}{to_bob}\r\n{to_all}\r\n");
        let sent = server.client(user).register().args(&["--input", format]).run(&input);
        assert_eq!(sent.code, Some(0), "{sent:?}");
        assert_eq!(bob.message()["text"], "psst");
        for client in [&bob, &carol] {
            assert_eq!(client.message()["text"], "hello", "{format}");
        }
    }
}
