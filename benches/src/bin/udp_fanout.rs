//! Messages to everyone: this project against plain datagrams to as many sockets.

use std::process::ExitCode;

use chat_benches::fanout::{Args, Contender, SystemCall};
use clap::Parser;

fn main() -> ExitCode {
    const CONTENDERS: [Contender; 3] =
        [Contender::Chat, Contender::Plain(SystemCall::SendMmsg), Contender::Plain(SystemCall::SendTo)];
    Args::parse().run("fan-out", &CONTENDERS)
}
