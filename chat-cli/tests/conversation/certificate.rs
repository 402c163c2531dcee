//! Who the server is: met once, remembered, and refused when it is another.

use std::fs;

use crate::database::on_both_databases;
use crate::process::{assert_contains, program, run};
use crate::server::Server;
use crate::tap::TcpTap;

/// The most bytes of sealed records without any data: the end of the handshake (a SHA-384 hash with its header) and an
/// alert, each with its kind and a tag. A log-in adds a password, a key and more.
const NO_DATA: usize = (4 + 48 + 1 + 16) + (2 + 1 + 16);

#[test]
fn a_server_with_another_key_is_refused_before_the_password_is_sent() {
    on_both_databases(|database| {
        let mut server = Server::start(database);
        let tap = TcpTap::new(server.address);
        let address = tap.address.to_string();
        let home = server.data("../homes/alice");
        let client = |server: &Server| {
            let client = crate::client::Starting::new("alice", tap.address, &home);
            assert_ne!(tap.address, server.address);
            client
        };

        let unknown = client(&server).register().run("");
        assert_eq!((unknown.code, unknown.out.as_str()), (Some(3), ""));
        assert_contains(&unknown.errors, &format!("its fingerprint is {}; ", server.fingerprint));
        assert_contains(&unknown.errors, "hint: add --fingerprint HEX if it is the right one, or --accept-new");
        let met = client(&server).register().args(&["--accept-new"]).run("");
        assert_eq!((met.code, met.errors.as_str()), (Some(0), ""));
        assert_eq!(client(&server).run("").code, Some(0), "it is known now");

        server.kill();
        let old = server.fingerprint.clone();
        fs::remove_file(server.data("identity.pem")).unwrap();
        server.restart();
        assert_ne!(server.fingerprint, old);
        let before = tap.sealed_up();
        // The unknown server got nothing, and then the known one two log-ins.
        assert!(before[0] <= NO_DATA && before[1..].iter().all(|sealed| *sealed > NO_DATA + 100), "{before:?}");
        for options in [&[][..], &["--accept-new"]] {
            let refused = client(&server).args(options).run("");
            assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""));
            assert_eq!(
                refused.errors,
                format!(
                    "error: {address} has another key than before: its fingerprint was {old} and is now {}; nothing was \
                     sent to it\nhint: ask the operator whether the key was changed; `chat-server fingerprint` prints the \
                     true one\nhint: if it was, `chat-client forget {address}` forgets the old one\n",
                    server.fingerprint
                )
            );
        }
        let since = tap.sealed_up().split_off(before.len());
        assert!(since.len() == 2 && since.iter().all(|sealed| *sealed <= NO_DATA), "a password is longer: {since:?}");
        assert_eq!(server.presence_log().last().unwrap(), "server started", "nobody logged in since");

        let fingerprint = run(server.command().arg("fingerprint"), "");
        assert_eq!((fingerprint.code, fingerprint.out), (Some(0), format!("{}\n", server.fingerprint)));
        let forgets = || run(program(env!("CARGO_BIN_EXE_chat-client"), &home).args(["forget", &address]), "");
        assert_eq!(forgets().code, Some(0));
        assert_eq!(forgets().code, Some(1), "there is nothing left to forget");
        assert_eq!(client(&server).run("").code, Some(3), "it is unknown again");
        let met = client(&server).args(&["--accept-new"]).run("");
        assert_eq!((met.code, met.errors.as_str()), (Some(0), ""));
    });
}
