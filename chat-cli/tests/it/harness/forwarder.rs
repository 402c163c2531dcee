//! A TCP port forwarder as a program, so that it can run in a network of its own: this test binary, started again.

use std::net::SocketAddr;
use std::process::Command;

use super::output::Output;
use super::{Namespace, Process, TcpTap, until};

/// A running forwarder. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Forwarder {
    _process: Process,
}

const LISTEN: &str = "FORWARDER_LISTEN";
const SERVER: &str = "FORWARDER_SERVER";

impl Forwarder {
    /// Forwards connections to `listen` to a server, in this network.
    pub(crate) fn start(namespace: &Namespace, listen: &str, server: SocketAddr) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "harness::forwarder::forward_if_started_as_a_forwarder", "--nocapture"]);
        command.env(LISTEN, listen).env(SERVER, server.to_string());
        let mut process = Process::spawn(&mut namespace.enter(&command));
        let out = Output::collect(process.stdout());
        until("the forwarder listens", || {
            assert!(!process.has_ended(), "the forwarder ended: {}", process.errors());
            out.text().contains("forwarding")
        });
        Self { _process: process }
    }
}

/// Not a test of its own: the program that [`Forwarder::start`] starts.
#[test]
fn forward_if_started_as_a_forwarder() {
    let address = |variable| Some(std::env::var(variable).ok()?.parse().unwrap());
    if let (Some(listen), Some(server)) = (address(LISTEN), address(SERVER)) {
        let tap = TcpTap::at(listen, server);
        println!("forwarding from {} to {server}", tap.address);
        loop {
            std::thread::park();
        }
    }
}
