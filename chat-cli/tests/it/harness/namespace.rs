//! Networks of their own for programs: Linux network namespaces, which need no privileges.

use std::io::Write;
use std::process::{ChildStdin, Command, Stdio};

use super::output::Output;
use super::{Finished, Process, finish, until};

/// A network with its own interfaces, addresses and settings. Programs in it see nothing of the machine's network. Removed
/// when it is dropped, with the programs in it.
#[derive(Debug)]
pub(crate) struct Namespace {
    holder: Process,
    _input: ChildStdin,
}

/// Runs until its input ends. The namespace lives as long as a process in it.
const HOLD: &str = "ip link set lo up && echo ready && exec cat";

impl Namespace {
    /// A network with a loopback interface only, prepared by this shell script.
    pub(crate) fn new(script: &str) -> Self {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--net", "--mount", "sh", "-c", HOLD]);
        Self::hold(unshare, script)
    }

    /// Another network, to which interfaces of this one can be moved.
    pub(crate) fn beside(&self, script: &str) -> Self {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid(), "--user", "--preserve-credentials"]);
        command.args(["unshare", "--net", "--mount", "sh", "-c", HOLD]);
        Self::hold(command, script)
    }

    fn hold(mut command: Command, script: &str) -> Self {
        let mut holder = Process::spawn(command.stdin(Stdio::piped()));
        let input = holder.child.stdin.take().unwrap();
        let out = Output::collect(holder.stdout());
        until("the namespace exists", || {
            assert!(!holder.has_ended(), "these tests need unshare, nsenter and ip, and a kernel with user namespaces");
            !out.lines().is_empty()
        });
        let namespace = Self { holder, _input: input };
        namespace.run(script);
        namespace
    }

    /// Adds a pair of interfaces: `here` in this network and `there` in another one.
    pub(crate) fn link(&self, here: &str, other: &Self, there: &str) {
        self.run(&format!("ip link add {here} type veth peer name {there} netns {}", other.pid()));
    }

    /// Runs a shell script in this network.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) {
        let Finished { code, err, .. } = finish(&mut self.enter(Command::new("bash").args(["-ec", script])));
        assert_eq!(code, Some(0), "{script}: {err}");
    }

    /// Replaces `/etc/hosts` for the programs in this network.
    pub(crate) fn set_hosts(&self, hosts: &str) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(hosts.as_bytes()).unwrap();
        let (_, path) = file.keep().unwrap();
        self.run(&format!("mount --bind {} /etc/hosts", path.display()));
        // The mount keeps the content.
        std::fs::remove_file(path).unwrap();
    }

    /// The command that runs `command` in this network.
    pub(crate) fn enter(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.pid(), "--user", "--net", "--mount", "--preserve-credentials"]);
        // Entering a mount namespace changes the working directory.
        inside.args(["sh", "-c", "cd \"$0\" && exec \"$@\""]);
        inside.arg(command.get_current_dir().map_or_else(|| "/".as_ref(), std::path::Path::as_os_str));
        inside.arg(command.get_program()).args(command.get_args());
        for (variable, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(variable, value),
                None => inside.env_remove(variable),
            };
        }
        inside.stdin(Stdio::null());
        inside
    }

    fn pid(&self) -> String {
        self.holder.pid().to_string()
    }
}
