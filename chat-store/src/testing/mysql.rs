//! A disposable MySQL-compatible server, started from the installed binary.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mysql_async::Opts;
use tempfile::TempDir;

use super::database::{Cleanup, TestDatabase, create_database};
use super::process::{RunningServer, create_certificate, find_program, free_port, log};
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
        self.running.as_ref().expect("only a running server can be paused").pause();
    }

    /// Resumes the server after [`Self::pause`].
    ///
    /// # Panics
    /// If the server does not run.
    pub fn resume(&self) {
        self.running.as_ref().expect("only a running server can be resumed").resume();
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
        let mut command = Command::new(&self.server);
        command.arg("--no-defaults").args(SETTINGS).args(as_root(folder));
        for (setting, file) in FILES {
            command.arg(format!("--{setting}={}", folder.join(file).display()));
        }
        if let Product::MySql = self.product {
            command.arg("--mysqlx=OFF");
        }
        command.arg(format!("--port={port}")).env(TEMPORARY_FILES, folder);
        RunningServer::start(command, folder, || sends_greeting(port))
    }
}

/// Returns the option that a server requires when root starts it. For other users the option is not allowed.
fn as_root(folder: &Path) -> Option<&'static str> {
    let is_root = platform::belongs_to_root(folder).expect("the temporary folder is accessible");
    is_root.then_some("--user=root")
}

/// Returns whether the server sends its greeting, which it does once it has executed the init file.
fn sends_greeting(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(1))).is_ok() && stream.read(&mut [0; 5]).is_ok_and(|read| read > 0)
}

const USER: &str = "chat";
const PASSWORD: &str = "throw-away";
/// MariaDB's script fails occasionally on a busy machine ("Unknown table 'mysql.tmp_user_sys'").
const DATA_ATTEMPTS: usize = 3;
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
