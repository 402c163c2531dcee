//! A server that answers each login as a test wants.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use chat_core::wire::control::Reply;
use chat_core::wire::frame;
use chat_core::wire::hello::Hello;
use chat_core::wire::rejection::Rejection;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server does once a client has connected.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FakeAnswer {
    /// Answers with this hello, and closes the connection after the login.
    Hello(Hello),
    /// Rejects the login.
    Rejection(Rejection),
}

/// Starts a server that answers in this way. It runs until the test's process ends.
pub(crate) fn fake_server(answer: FakeAnswer) -> SocketAddr {
    let key = rcgen::generate_simple_self_signed(["chat-server".to_owned()]).unwrap();
    let (chain, key) = (vec![key.cert.der().clone()], PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // If the client breaks the connection, the client's output fails the test.
            drop(serve(stream.unwrap(), Arc::clone(&config), answer));
        }
    });
    address
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, answer: FakeAnswer) -> std::io::Result<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    let mut ignored = [0; 4_096];
    // The client sends its hello first, and its login only after the server's hello.
    let _hello = stream.read(&mut ignored)?;
    let mut bytes = Vec::new();
    let hello = if let FakeAnswer::Hello(hello) = answer { hello } else { Hello::OURS };
    frame::encode_raw(&hello.encode(), &mut bytes);
    stream.write_all(&bytes)?;
    stream.flush()?;
    let _login = stream.read(&mut ignored)?;
    if let FakeAnswer::Rejection(rejection) = answer {
        bytes.clear();
        frame::encode(&Reply::Rejected(rejection), &mut bytes);
        stream.write_all(&bytes)?;
    }
    stream.conn.send_close_notify();
    stream.flush()
}
