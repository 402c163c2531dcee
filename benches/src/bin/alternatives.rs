//! Messages to everyone: this project against plain datagrams, against QUIC by quinn, and against the brokers NATS, Redis and
//! Mosquitto.
//!
//! The brokers must run on this machine at their usual ports, unencrypted and without acknowledgements. A broker that does
//! not run is left out.
#![expect(clippy::print_stderr, reason = "diagnostics of a program")]

use std::process::ExitCode;

use chat_benches::fanout::{Args, Broker, Carrier, Contender, SystemCall};
use clap::Parser;

fn main() -> ExitCode {
    let args = Args::parse();
    let mut contenders = vec![
        Contender::Chat,
        Contender::Plain(SystemCall::SendMmsg),
        Contender::Quic(Carrier::Stream),
        Contender::Quic(Carrier::Datagram),
    ];
    for broker in Broker::ALL {
        match broker.probe() {
            Ok(()) => contenders.push(Contender::Broker(broker)),
            Err(error) => eprintln!("{} is left out: {error}", broker.name()),
        }
    }
    args.run("fan-out beside QUIC and brokers", &contenders)
}
