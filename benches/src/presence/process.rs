//! Servers as child processes, and their memory and processor time as reported by `/proc`.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server process. Dropping it kills the process.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// The memory of a process, in bytes.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Memory {
    /// Resident memory.
    pub(crate) resident: u64,
    /// The part of the resident memory that no file backs: heap and stacks.
    pub(crate) anonymous: u64,
    /// The highest resident memory so far.
    pub(crate) peak: u64,
}

impl Server {
    /// Starts `chat-server` with the data directory `data` and waits until it listens.
    pub(crate) fn chat(program: &Path, data: &Path) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(data).args(["--listen", "127.0.0.1:0"]).env_remove("CHAT_DATABASE");
        Self::start(&mut command)
    }

    /// Starts this executable again with the subcommand `name`, as a server with the identity in the directory `data`,
    /// and waits until it listens.
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
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let address = loop {
            match lines.next() {
                Some(Ok(line)) => {
                    if let Some(address) = line.strip_prefix("listening on ") {
                        break address.parse().map_err(io::Error::other)?;
                    }
                }
                Some(Err(error)) => return Err(error),
                None => return Err(io::Error::other(format!("{:?} exited before it listened", command.get_program()))),
            }
        };
        // Keep reading, so that a full pipe never blocks the server.
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

    /// The processor time that the process has used, with a resolution of 10 ms.
    pub(crate) fn processor(&self) -> Duration {
        /// `USER_HZ`, which is 100 on Linux.
        const TICKS_PER_SECOND: u64 = 100;
        let stat = fs::read_to_string(self.proc("stat")).unwrap_or_default();
        // Skip the name, which may contain spaces. User and system time are fields 12 and 13 after it.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// The server's current threads whose names start with `names`.
    pub(crate) fn threads(&self, names: &str) -> Threads {
        let is_one = |task: &PathBuf| fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with(names));
        let tasks = fs::read_dir(self.proc("task")).into_iter().flatten().flatten().map(|task| task.path());
        Threads { stats: tasks.filter(is_one).map(|task| task.join("schedstat")).collect() }
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join(file)
    }
}

/// A set of threads of a server.
#[derive(Debug, Default)]
pub(crate) struct Threads {
    stats: Vec<PathBuf>,
}

impl Threads {
    /// The processor time that the threads have used in total.
    pub(crate) fn processor(&self) -> Duration {
        let of = |stat: &PathBuf| {
            let stat = fs::read_to_string(stat).ok()?;
            // The first field is the time on a processor in nanoseconds.
            stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
        };
        self.stats.iter().filter_map(of).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both calls fail if the process has already ended.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
