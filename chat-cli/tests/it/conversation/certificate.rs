//! Clients remember a server's fingerprint and refuse another key.

use std::fs;

use crate::harness::{ClientSetup, Server, TcpTap, assert_contains, on_both_databases};

/// The most bytes of encrypted records without application data: the end of the handshake (a SHA-384 hash with its
/// header) and an alert, each with its content type and a tag. A login adds a password, a key and more.
const NO_DATA: usize = (4 + 48 + 1 + 16) + (2 + 1 + 16);

#[test]
fn a_server_with_another_key_is_refused_before_the_password_is_sent() {
    on_both_databases(|database| {
        let mut server = Server::start(database);
        let tap = TcpTap::new(server.address);
        let address = tap.address.to_string();
        let home = server.home().of_user("alice");
        let client = |server: &Server| {
            let client = ClientSetup::new("alice", tap.address, &home);
            assert_ne!(tap.address, server.address);
            client
        };

        let unknown = client(&server).register().run("");
        assert_eq!((unknown.code, unknown.error_code().as_str()), (Some(3), "unknown-server"));
        assert_contains(&unknown.err, &format!("its fingerprint is {}; ", server.fingerprint));
        assert_contains(&unknown.err, "hint: add --fingerprint HEX if the fingerprint is right, or --accept-new");
        let met = client(&server).register().args(&["--accept-new"]).run("");
        assert_eq!((met.code, met.err.as_str()), (Some(0), ""));
        assert_eq!(client(&server).run("").code, Some(0), "the server is known now");

        server.process.kill();
        let old = server.fingerprint.clone();
        fs::remove_file(server.data("identity.pem")).unwrap();
        server.restart();
        assert_ne!(server.fingerprint, old);
        let before = tap.encrypted_to_server();
        // The unknown server received no data, and then the known one received two logins.
        assert!(before[0] <= NO_DATA && before[1..].iter().all(|bytes| *bytes > NO_DATA + 100), "{before:?}");
        for options in [&[][..], &["--accept-new"]] {
            let refused = client(&server).args(options).run("");
            assert_eq!((refused.code, refused.error_code().as_str()), (Some(3), "server-key-changed"));
            assert_eq!(
                refused.err,
                format!(
                    "error: the key of {address} has changed: its fingerprint was {old} and is now {}; nothing was \
                     sent to the server\nhint: ask the operator whether the key was changed; `chat-server fingerprint` prints the \
                     true one\nhint: if it was, `chat-client forget {address}` forgets the old key\n",
                    server.fingerprint
                )
            );
        }
        let since = tap.encrypted_to_server().split_off(before.len());
        assert!(
            since.len() == 2 && since.iter().all(|bytes| *bytes <= NO_DATA),
            "a password would be longer: {since:?}"
        );
        assert_eq!(server.presence_log().last().unwrap(), "server started", "a client logged in");

        let fingerprint = server.operate(&["fingerprint"]);
        assert_eq!((fingerprint.code, fingerprint.out), (Some(0), format!("{}\n", server.fingerprint)));
        let forget = || home.run("chat-client", &["forget", &address]).code;
        assert_eq!(forget(), Some(0));
        assert_eq!(forget(), Some(1), "the server is already forgotten");
        assert_eq!(client(&server).run("").code, Some(3), "the server is unknown again");
        let met = client(&server).args(&["--accept-new"]).run("");
        assert_eq!((met.code, met.err.as_str()), (Some(0), ""));
    });
}
