//! Just enough of a client to see the server at work: it registers, reads the roster, and leaves. A real client drives
//! [`chat_core::client::Client`], which also reconnects.

use std::net::{Ipv4Addr, SocketAddr};

use chat_core::extras::Extras;
use chat_core::key::KeyPair;
use chat_core::name::UserName;
use chat_core::roster::{Change, LinkVersions};
use chat_core::wire::control::{Login, Offer, OfferPolicy, Purpose, Reply, Request};
use chat_core::wire::datagram::VERSION;
use chat_core::wire::frame::{FrameDecoder, MAX_FRAME, encode, encode_raw};
use chat_core::wire::hello::Hello;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;
use crate::system::SystemGenerator;

/// A session whose roster is read frame by frame.
pub(crate) struct PlainClient {
    user: UserName,
    stream: TcpStream,
    decoder: FrameDecoder,
    received: Vec<u8>,
    /// The number of others that were online at the login.
    pub(crate) others: usize,
}

/// What the server publishes of another user.
pub(crate) enum Seen {
    Online(UserName),
    Offline(UserName),
}

impl PlainClient {
    /// Registers `user`, and waits for the roster. Datagrams would be received at the port `udp`.
    pub(crate) async fn register(server: SocketAddr, user: &str, udp: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect(server).await?;
        let (decoder, received) = (FrameDecoder::new(MAX_FRAME), Vec::new());
        let mut client = Self { user: user.parse()?, stream, decoder, received, others: 0 };
        let mut out = Vec::new();
        encode_raw(&Hello::OURS.encode(), &mut out);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, udp));
        let login = Login {
            purpose: Purpose::Register,
            user,
            password: "correct horse",
            offer: Offer { policy: OfferPolicy::Advertised, port: udp, addresses: vec![address] },
            key: KeyPair::generate(&mut SystemGenerator).public(),
            versions: LinkVersions { low: VERSION, high: VERSION },
            extras: Extras::default(),
        };
        encode(&Request::Login(login), &mut out);
        client.stream.write_all(&out).await?;

        let hello = Hello::decode(&client.frame().await?)?;
        Hello::OURS.agree(hello)?;
        loop {
            match Reply::decode(&client.frame().await?)? {
                Reply::Welcome(_) => {}
                Reply::SnapshotPage(entries) => {
                    client.others += entries.iter().filter(|entry| entry.user != client.user).count();
                }
                Reply::SnapshotComplete { .. } => return Ok(client),
                other => return Err(format!("expected the roster, not {other:?}").into()),
            }
        }
    }

    /// The next change of the roster that is not about this client.
    pub(crate) async fn next(&mut self) -> Result<Seen, Failure> {
        loop {
            let Reply::Update(update) = Reply::decode(&self.frame().await?)? else { continue };
            for (_, change) in update.changes.into_iter().filter(|(_, change)| *change.user() != self.user) {
                match change {
                    Change::Online(entry) => return Ok(Seen::Online(entry.user)),
                    Change::Offline { user, .. } => return Ok(Seen::Offline(user)),
                    Change::Replaced(_) | Change::Moved { .. } => {}
                }
            }
        }
    }

    pub(crate) async fn leave(mut self) -> Result<(), Failure> {
        let mut out = Vec::new();
        encode(&Request::Leave, &mut out);
        Ok(self.stream.write_all(&out).await?)
    }

    /// The next frame.
    async fn frame(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            let mut input = &self.received[..];
            let frame = self.decoder.next(&mut input)?;
            let rest = input.len();
            self.received.drain(..self.received.len() - rest);
            if let Some(frame) = frame {
                return Ok(frame.to_vec());
            }
            let mut buffer = [0; 4_096];
            let length = self.stream.read(&mut buffer).await?;
            if length == 0 {
                return Err("the server has closed the connection".into());
            }
            self.received.extend_from_slice(&buffer[..length]);
        }
    }
}
