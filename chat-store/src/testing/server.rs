//! A throw-away MySQL-compatible server, started from the installed binary.

use std::env;
use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use mysql_async::Opts;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::{Keep, TestDatabase, create};

/// MariaDB or MySQL on a port of 127.0.0.1, with its data in a temporary folder and a certificate of its own.
///
/// Killed when it is dropped, and also when this process ends in any other way.
#[derive(Debug)]
pub struct MySqlServer {
    program: Program,
    folder: TempDir,
    port: u16,
    running: Option<Running>,
}

impl MySqlServer {
    /// The one server of this process, started on first use.
    ///
    /// # Panics
    /// With what to install, if no server is installed.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MySqlServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server that the test may stop.
    ///
    /// # Panics
    /// With what to install, if no server is installed.
    pub fn start() -> Self {
        let program = Program::installed();
        let folder = tempfile::Builder::new().prefix("chat-mysql-").tempdir().expect("a test needs a temporary folder");
        program.make_data(folder.path());
        make_certificate(folder.path()).expect("a certificate can be made in a folder of ours");
        // The port may be taken by another between our look and the server's.
        for _ in 0..3 {
            let port = free_port();
            if let Ok(running) = program.run(folder.path(), port) {
                return Self { program, folder, port, running: Some(running) };
            }
        }
        panic!("the MySQL server does not start; its log:\n{}", log(folder.path()));
    }

    /// A new database on it.
    pub async fn database(&self) -> TestDatabase {
        let server = format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}", self.port);
        let database = create(&Opts::from_url(&server).expect("a URL of ours")).await;
        TestDatabase { url: format!("{server}/{database}"), _keep: Arc::new(Keep::Nothing) }
    }

    /// The PEM file of the authority that vouches for its certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Kills it, as a power failure would.
    pub fn stop(&mut self) {
        drop(self.running.take());
    }

    /// Lets it hang: it keeps its connections and answers nothing, until [`Self::resume`] or [`Self::stop`].
    ///
    /// # Panics
    /// If it does not run.
    pub fn pause(&self) {
        self.signal("-STOP");
        // The signal is taken before the last thread stands, and that thread could still answer.
        let deadline = Instant::now() + STOP_PATIENCE;
        while !self.stands_still() {
            assert!(Instant::now() < deadline, "the server stops");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether all threads are stopped; where the system does not show it, it is believed.
    fn stands_still(&self) -> bool {
        let running = self.running.as_ref().expect("only a running server can be paused");
        let Ok(mut threads) = fs::read_dir(format!("/proc/{}/task", running.server.id())) else { return true };
        let stopped = |thread: std::io::Result<fs::DirEntry>| {
            // A thread that has ended since stands still too. The name in parentheses may hold anything.
            let stat = thread.and_then(|thread| fs::read_to_string(thread.path().join("stat"))).unwrap_or_default();
            stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('T'))
        };
        threads.all(stopped)
    }

    /// Ends a [`Self::pause`].
    ///
    /// # Panics
    /// If it does not run.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let running = self.running.as_ref().expect("only a running server takes a signal");
        // The shell has the command built in; a program of that name is not everywhere.
        let pid = running.server.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill \"$1\" \"$2\"", "kill", signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the server takes {signal}");
    }

    /// Starts it again, on the same port and with the same data.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.stop();
        let running = self.program.run(self.folder.path(), self.port);
        self.running =
            Some(running.unwrap_or_else(|()| panic!("it does not start again:\n{}", log(self.folder.path()))));
    }
}

/// A running server and who kills it if we cannot.
#[derive(Debug)]
struct Running {
    server: Child,
    /// A shell that waits until its input, which only this process holds, is closed.
    guard: Child,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The guard first: afterwards the server's number may be another's.
        for child in [&mut self.guard, &mut self.server] {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// What is installed.
#[derive(Debug)]
struct Program {
    server: PathBuf,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// With the program that makes its data.
    MariaDb(PathBuf),
    MySql,
}

impl Program {
    fn installed() -> Self {
        const INSTALL: &str = "these tests need a MySQL-compatible server and start it themselves: install mariadb-server \
             (Debian: apt-get install mariadb-server), or name one with CHAT_TEST_MYSQL_URL=mysql://user:password@host:port";
        let server = find(&["mariadbd", "mysqld"]).expect(INSTALL);
        let version = Command::new(&server).arg("--version").output().expect(INSTALL);
        let kind = if String::from_utf8_lossy(&version.stdout).contains("MariaDB") {
            Kind::MariaDb(find(&["mariadb-install-db", "mysql_install_db"]).expect(INSTALL))
        } else {
            Kind::MySql
        };
        Self { server, kind }
    }

    fn make_data(&self, folder: &Path) {
        let user = format!("CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n");
        let rights = format!("GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n");
        fs::write(folder.join("init.sql"), user + &rights).expect("the temporary folder is ours");
        let data = folder.join("data");
        let mut told = String::new();
        for _ in 0..DATA_TRIES {
            let made = self.data_maker(folder, &data).stdin(Stdio::null()).output().expect("the installed server runs");
            if made.status.success() {
                return;
            }
            told = String::from_utf8_lossy(&made.stderr).into_owned();
            // What is there already would be in the way of the next attempt.
            drop(fs::remove_dir_all(&data));
        }
        panic!("the MySQL server's data was not made: {told}");
    }

    /// The program that makes the data, with its arguments.
    fn data_maker(&self, folder: &Path, data: &Path) -> Command {
        let mut command = match &self.kind {
            Kind::MariaDb(install) => {
                let mut command = Command::new(install);
                command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                // A bare machine may not even know its own name.
                command.args(["--skip-name-resolve", "--force"]);
                command
            }
            Kind::MySql => {
                let mut command = Command::new(&self.server);
                command.args(["--no-defaults", "--initialize-insecure"]);
                command
            }
        };
        command.arg(format!("--datadir={}", data.display())).args(as_root(folder));
        command
    }

    /// Starts it and waits until it answers; an error if it ends before.
    fn run(&self, folder: &Path, port: u16) -> Result<Running, ()> {
        let log = fs::File::create(folder.join("log")).expect("the temporary folder is ours");
        let mut command = Command::new(&self.server);
        command.arg("--no-defaults").args(SETTINGS).args(as_root(folder));
        for (setting, file) in FILES {
            command.arg(format!("--{setting}={}", folder.join(file).display()));
        }
        if let Kind::MySql = self.kind {
            command.arg("--mysqlx=OFF");
        }
        let server = command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
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
        let mut running = Running { server, guard };
        let begin = Instant::now();
        while begin.elapsed() < START_PATIENCE {
            if running.server.try_wait().expect("it is our child").is_some() {
                return Err(());
            }
            if greets(port) {
                return Ok(running);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(())
    }
}

/// Looks in the folders for programs, and in those for servers, which are not always among them.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from)).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// The server refuses to be root unless it is told to, and may be told nothing else by anybody who is not.
fn as_root(folder: &Path) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;

        let owner = fs::metadata(folder).expect("the temporary folder is ours").uid();
        (owner == 0).then_some("--user=root")
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// An authority that exists only for this server, and the server's certificate.
fn make_certificate(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
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

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Whether the server sends its greeting, which it does once its init file was read.
fn greets(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok() && stream.read(&mut [0; 5]).is_ok_and(|read| read > 0)
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}

pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random numbers");
    u64::from_be_bytes(bytes)
}

const USER: &str = "chat";
const PASSWORD: &str = "throw-away";
/// MariaDB's script fails now and then on a busy machine ("Unknown table 'mysql.tmp_user_sys'").
const DATA_TRIES: usize = 3;
const START_PATIENCE: Duration = Duration::from_secs(60);
/// For its threads to stand still, which takes microseconds.
const STOP_PATIENCE: Duration = Duration::from_secs(10);
/// In the server's folder.
const FILES: [(&str, &str); 6] = [
    ("datadir", "data"),
    ("socket", "socket"),
    ("pid-file", "pid"),
    ("init-file", "init.sql"),
    ("ssl-cert", "cert.pem"),
    ("ssl-key", "key.pem"),
];
/// Only for us, and quick: a write is safe from the end of the server, not of the machine.
const SETTINGS: [&str; 7] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-buffer-pool-size=16M",
    "--performance-schema=OFF",
    "--max-connections=400",
];
