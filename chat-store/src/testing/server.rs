//! A disposable MySQL-compatible server, started from the installed binary.

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

use super::{Cleanup, TestDatabase, create_database};
use crate::platform;

/// MariaDB or MySQL on a port of 127.0.0.1, with its data in a temporary folder and its own certificate.
///
/// The server is killed when this is dropped, and also when this process ends in any other way.
#[derive(Debug)]
pub struct MySqlServer {
    installation: Installation,
    folder: TempDir,
    port: u16,
    running: Option<RunningServer>,
}

impl MySqlServer {
    /// Returns the server that the tests of this process share. The first call starts it.
    ///
    /// # Panics
    /// If no server is installed; the message says what to install.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MySqlServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server that the test may stop.
    ///
    /// # Panics
    /// If no server is installed; the message says what to install.
    pub fn start() -> Self {
        let installation = Installation::find();
        let folder = tempfile::Builder::new().prefix("chat-mysql-").tempdir().expect("a test needs a temporary folder");
        installation.create_data(folder.path());
        create_certificate(folder.path()).expect("a certificate can be created in the temporary folder");
        // Another process may bind the port before the server does.
        for _ in 0..3 {
            let port = free_port();
            if let Ok(running) = installation.run(folder.path(), port) {
                return Self { installation, folder, port, running: Some(running) };
            }
        }
        panic!("the MySQL server does not start; its log:\n{}", log(folder.path()));
    }

    /// Creates a database on the server.
    pub async fn database(&self) -> TestDatabase {
        let server = format!("mysql://{USER}:{PASSWORD}@127.0.0.1:{}", self.port);
        let database = create_database(&Opts::from_url(&server).expect("the URL is valid")).await;
        TestDatabase { url: format!("{server}/{database}"), _cleanup: Arc::new(Cleanup::WithServer) }
    }

    /// The PEM file of the certificate authority that issued the server's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The socket on which the server listens besides its port.
    pub fn socket_file(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Kills the server, as a power failure would.
    pub fn stop(&mut self) {
        drop(self.running.take());
    }

    /// Suspends the server: it keeps its connections and answers nothing until [`Self::resume`] or [`Self::stop`].
    ///
    /// # Panics
    /// If the server does not run.
    pub fn pause(&self) {
        self.signal("-STOP");
        // The signal is accepted before the last thread stops, and that thread could still answer.
        let deadline = Instant::now() + STOP_TIMEOUT;
        while !self.is_stopped() {
            assert!(Instant::now() < deadline, "the server stops");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Returns whether all threads are stopped. Assumes it on systems without `/proc`.
    fn is_stopped(&self) -> bool {
        let running = self.running.as_ref().expect("only a running server can be paused");
        let Ok(mut threads) = fs::read_dir(format!("/proc/{}/task", running.server.id())) else { return true };
        let stopped = |thread: std::io::Result<fs::DirEntry>| {
            // A thread that has ended by now counts as stopped. The name in parentheses may contain any characters.
            let stat = thread.and_then(|thread| fs::read_to_string(thread.path().join("stat"))).unwrap_or_default();
            stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('T'))
        };
        threads.all(stopped)
    }

    /// Resumes the server after [`Self::pause`].
    ///
    /// # Panics
    /// If the server does not run.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let running = self.running.as_ref().expect("only a running server receives signals");
        // Not every system has a program `kill`, but the shell has the command built in.
        let pid = running.server.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill \"$1\" \"$2\"", "kill", signal, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the server receives {signal}");
    }

    /// Starts the server again, on the same port and with the same data.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn restart(&mut self) {
        self.stop();
        let running = self.installation.run(self.folder.path(), self.port);
        self.running = Some(running.unwrap_or_else(|()| {
            panic!("the MySQL server does not start again; its log:\n{}", log(self.folder.path()))
        }));
    }
}

/// A running server, and the process that kills it when this process ends.
#[derive(Debug)]
struct RunningServer {
    server: Child,
    /// A shell that waits for the end of its input, which only this process holds open.
    guard: Child,
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

/// The installed programs.
#[derive(Debug)]
struct Installation {
    server: PathBuf,
    product: Product,
}

#[derive(Debug)]
enum Product {
    /// With the program that creates the data folder.
    MariaDb(PathBuf),
    MySql,
}

impl Installation {
    fn find() -> Self {
        const INSTALL: &str = "these tests need a MySQL-compatible server and start it themselves: install mariadb-server \
             (Debian: apt-get install mariadb-server), or name one with CHAT_TEST_MYSQL_URL=mysql://user:password@host:port";
        let server = find_program(&["mariadbd", "mysqld"]).expect(INSTALL);
        let version = Command::new(&server).arg("--version").output().expect(INSTALL);
        let product = if String::from_utf8_lossy(&version.stdout).contains("MariaDB") {
            Product::MariaDb(find_program(&["mariadb-install-db", "mysql_install_db"]).expect(INSTALL))
        } else {
            Product::MySql
        };
        Self { server, product }
    }

    fn create_data(&self, folder: &Path) {
        let user = format!("CREATE USER IF NOT EXISTS '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n");
        let rights = format!("GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n");
        fs::write(folder.join("init.sql"), user + &rights).expect("the temporary folder is accessible");
        let data = folder.join("data");
        let mut message = String::new();
        for _ in 0..DATA_ATTEMPTS {
            let created = self
                .create_data_command(folder, &data)
                .stdin(Stdio::null())
                .output()
                .expect("the installed server runs");
            if created.status.success() {
                return;
            }
            message = String::from_utf8_lossy(&created.stderr).into_owned();
            // The next attempt needs an empty folder.
            drop(fs::remove_dir_all(&data));
        }
        panic!("the data folder of the MySQL server was not created: {message}");
    }

    /// The command that creates the data folder.
    fn create_data_command(&self, folder: &Path, data: &Path) -> Command {
        let mut command = match &self.product {
            Product::MariaDb(install) => {
                let mut command = Command::new(install);
                command.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
                // The host name of a minimal machine may not resolve.
                command.args(["--skip-name-resolve", "--force"]);
                command
            }
            Product::MySql => {
                let mut command = Command::new(&self.server);
                command.args(["--no-defaults", "--initialize-insecure"]);
                command
            }
        };
        command.arg(format!("--datadir={}", data.display())).args(as_root(folder)).env(TEMPORARY_FILES, folder);
        command
    }

    /// Starts the server and waits until it answers. Fails if the server ends before it answers.
    fn run(&self, folder: &Path, port: u16) -> Result<RunningServer, ()> {
        let log = fs::File::create(folder.join("log")).expect("the temporary folder is accessible");
        let mut command = Command::new(&self.server);
        command.arg("--no-defaults").args(SETTINGS).args(as_root(folder));
        for (setting, file) in FILES {
            command.arg(format!("--{setting}={}", folder.join(file).display()));
        }
        if let Product::MySql = self.product {
            command.arg("--mysqlx=OFF");
        }
        let server = command
            .arg(format!("--port={port}"))
            .env(TEMPORARY_FILES, folder)
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
        let mut running = RunningServer { server, guard };
        let begin = Instant::now();
        while begin.elapsed() < START_TIMEOUT {
            if running.server.try_wait().expect("the server is a child of this process").is_some() {
                return Err(());
            }
            if sends_greeting(port) {
                return Ok(running);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(())
    }
}

/// Searches the folders of `PATH`, and those for servers, which `PATH` may lack.
fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> =
        env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/usr/libexec"].map(PathBuf::from)).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// Returns the option that a server requires when root starts it. For other users the option is not allowed.
fn as_root(folder: &Path) -> Option<&'static str> {
    let is_root = platform::belongs_to_root(folder).expect("the temporary folder is accessible");
    is_root.then_some("--user=root")
}

/// Creates a certificate authority for this server only, and the server's certificate.
fn create_certificate(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
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
    listener.local_addr().expect("the listener is bound").port()
}

/// Returns whether the server sends its greeting, which it does once it has executed the init file.
fn sends_greeting(port: u16) -> bool {
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
/// MariaDB's script fails occasionally on a busy machine ("Unknown table 'mysql.tmp_user_sys'").
const DATA_ATTEMPTS: usize = 3;
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The limit for stopping all threads, which takes microseconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Options that name a file in the server's folder.
const FILES: [(&str, &str); 6] = [
    ("datadir", "data"),
    ("socket", "socket"),
    ("pid-file", "pid"),
    ("init-file", "init.sql"),
    ("ssl-cert", "cert.pem"),
    ("ssl-key", "key.pem"),
];
/// Names the folder of a server's temporary tables. A server that starts deletes all such tables in this folder, also those
/// of another running server, which crashes then.
const TEMPORARY_FILES: &str = "TMPDIR";
/// Only this machine can reach the server. It is fast, because a commit survives a crash of the server but not of the
/// machine.
const SETTINGS: [&str; 7] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-buffer-pool-size=16M",
    "--performance-schema=OFF",
    "--max-connections=400",
];
