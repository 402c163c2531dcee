//! Servers as processes of their own, and what the system knows of them.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Memory {
    /// All that is resident.
    pub(crate) resident: u64,
    /// Of it what no file holds: heap and stacks.
    pub(crate) anonymous: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
}

impl Server {
    /// Starts `chat-server` on a data folder and waits until it listens.
    pub(crate) fn chat(program: &Path, data: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(data).args(["--listen", "127.0.0.1:0"]).env_remove("CHAT_DATABASE");
        Self::start(&mut command)
    }

    /// Starts this program again, as the server `name`, with the identity in a data folder.
    pub(crate) fn ours(name: &str, data: &Path) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(name).arg(data);
        Self::start(&mut command)
    }

    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{:?}: {error}", command.get_program())))?;
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = loop {
            match lines.next() {
                Some(Ok(line)) => {
                    if let Some(address) = line.strip_prefix("listening on ") {
                        break address.parse().map_err(io::Error::other)?;
                    }
                }
                Some(Err(error)) => return Err(error),
                None => return Err(io::Error::other(format!("{:?} does not listen", command.get_program()))),
            }
        };
        // Read to the end, so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    pub(crate) fn memory(&self) -> Memory {
        let of = |file: &str, head: &str| {
            let text = fs::read_to_string(self.proc(file)).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(head)).unwrap_or_default();
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) * 1024
        };
        Memory {
            resident: of("smaps_rollup", "Rss:"),
            anonymous: of("smaps_rollup", "Anonymous:"),
            peak: of("status", "VmHWM:"),
        }
    }

    /// The processor time that it has used.
    pub(crate) fn processor(&self) -> Duration {
        /// `USER_HZ`, which Linux shows to programs since ever.
        const TICKS_PER_SECOND: u64 = 100;
        let stat = fs::read_to_string(self.proc("stat")).unwrap_or_default();
        // After the name, which may hold spaces: user time and system time are the 12th and 13th field.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// Its threads of this moment with names that begin like this.
    pub(crate) fn threads(&self, names: &str) -> Threads {
        let is_one = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with(names));
        let tasks = fs::read_dir(self.proc("task")).into_iter().flatten().flatten().map(|task| task.path());
        Threads { stats: tasks.filter(is_one).map(|task| task.join("schedstat")).collect() }
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }
}

/// Some threads of a server.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    stats: Vec<PathBuf>,
}

impl Threads {
    /// The processor time that they have used.
    pub(crate) fn processor(&self) -> Duration {
        let of = |stat: &PathBuf| {
            let stat = fs::read_to_string(stat).ok()?;
            // The first field: nanoseconds on a processor.
            stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
        };
        self.stats.iter().filter_map(of).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
