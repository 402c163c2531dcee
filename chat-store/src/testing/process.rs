//! A server program that runs for a test, and ends with it.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A running server, and the process that kills it when this process ends.
#[derive(Debug)]
pub(super) struct RunningServer {
    server: Child,
    /// A shell that waits for the end of its input, which only this process holds open.
    guard: Child,
}

impl RunningServer {
    /// Starts a server whose files are in `folder`, and waits until it answers. Its messages go to a file there. Fails if
    /// the server ends before it answers.
    pub(super) fn start(mut command: Command, folder: &Path, answers: impl Fn() -> bool) -> Result<Self, ()> {
        let log = fs::File::create(folder.join("log")).expect("the temporary folder is accessible");
        let server = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the file can be shared"))
            .stderr(log)
            .spawn()
            .expect("the installed server runs");
        let guard = Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$1\"; sleep 1; rm -rf \"$2\"", "guard", &server.id().to_string()])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is a shell");
        let mut running = Self { server, guard };
        let begin = Instant::now();
        while begin.elapsed() < START_TIMEOUT {
            if running.server.try_wait().expect("the server is a child of this process").is_some() {
                return Err(());
            }
            if answers() {
                return Ok(running);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(())
    }

    /// Suspends the server: it keeps its connections and answers nothing.
    pub(super) fn pause(&self) {
        self.signal("-STOP");
        // The signal is accepted before the last thread stops, and that thread could still answer.
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.is_stopped() {
            assert!(Instant::now() < deadline, "the server stops");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Resumes the server after [`Self::pause`].
    pub(super) fn resume(&self) {
        self.signal("-CONT");
    }

    /// Returns whether all threads are stopped. Assumes it on systems without `/proc`.
    fn is_stopped(&self) -> bool {
        let Ok(mut threads) = fs::read_dir(format!("/proc/{}/task", self.server.id())) else { return true };
        let stopped = |thread: std::io::Result<fs::DirEntry>| {
            // A thread that has ended by now counts as stopped. The name in parentheses may contain any characters.
            let stat = thread.and_then(|thread| fs::read_to_string(thread.path().join("stat"))).unwrap_or_default();
            stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('T'))
        };
        threads.all(stopped)
    }

    fn signal(&self, signal: &str) {
        // Not every system has a program `kill`, but the shell has the command built in.
        let pid = self.server.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill \"$1\" \"$2\"", "kill", signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the server receives {signal}");
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        // The guard must end first: once the server has ended, its process id may be reused, and the guard would kill
        // another process.
        for child in [&mut self.guard, &mut self.server] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// Searches the folders of `PATH`, and those for servers, which `PATH` may lack.
pub(super) fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from)).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// Creates a certificate authority for this server only, and the server's certificate.
pub(super) fn create_certificate(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let (authority_key, key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(folder.join("ca.pem"), authority.self_signed(&authority_key)?.pem())?;
    let certificate = CertificateParams::new(["127.0.0.1".to_owned()])?;
    let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key))?;
    fs::write(folder.join("cert.pem"), certificate.pem())?;
    fs::write(folder.join("key.pem"), key.serialize_pem())?;
    Ok(())
}

/// A port of 127.0.0.1 that nobody uses at this moment.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("the listener is bound").port()
}

/// What a server in `folder` has said.
pub(super) fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

/// A random number, for names that no other process uses.
pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random numbers");
    u64::from_be_bytes(bytes)
}

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The limit for stopping all threads, which takes microseconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
