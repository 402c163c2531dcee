//! The service `chat-server` of Windows: how it is installed, started and removed. [`run`] is its process.

mod process;

use std::env;
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use windows_service::Error;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
    ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

pub use self::process::run;

/// The name of the service.
const NAME: &str = "chat-server";

/// The account of the service: it has the rights of an ordinary user on this machine, and none on others. The system
/// knows this name in every language.
const ACCOUNT: &str = r"NT AUTHORITY\LocalService";

/// The rights of the account in the data folder and everything below it: full access, except to change permissions.
/// The number is the well-known identifier of the account.
const ACCESS: &str = "*S-1-5-19:(OI)(CI)M";

/// How long a start or a stop may take: a second longer than the service itself needs at most.
const STATE_TIME: Duration = process::STOP_TIME.saturating_add(Duration::from_secs(1));

/// The pause between two questions about the state of the service.
const STATE_PAUSE: Duration = Duration::from_millis(100);

/// The pause before Windows starts a server again that ended by itself: as long as systemd waits.
const RESTART_PAUSE: Duration = Duration::from_secs(2);

/// Whether the service can be installed.
///
/// # Errors
/// [`ErrorKind::PermissionDenied`] without the rights of an administrator, [`ErrorKind::AlreadyExists`] if there is such a
/// service.
pub fn check_installable() -> io::Result<()> {
    let manager = manager(ServiceManagerAccess::CREATE_SERVICE)?;
    match manager.open_service(NAME, ServiceAccess::QUERY_STATUS).map_err(refused) {
        Ok(_) => Err(ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// The data folder of a service: among the data of all users, because the account has no folder of its own that an
/// administrator would look into.
///
/// # Errors
/// None on this system.
#[expect(clippy::unnecessary_wraps, reason = "other systems have no services")]
pub fn default_folder() -> io::Result<PathBuf> {
    Ok(env::var_os("ProgramData").map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from).join(NAME))
}

/// Lets the account of the service use the data folder, and installs the service: it runs this program with `arguments`
/// whenever the system starts.
///
/// # Errors
/// The system refuses the folder or the service.
pub fn install(arguments: Vec<OsString>, folder: &Path) -> io::Result<()> {
    grant(folder)?;
    let service = ServiceInfo {
        name: NAME.into(),
        display_name: NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: env::current_exe()?,
        launch_arguments: arguments,
        dependencies: Vec::new(),
        account_name: Some(ACCOUNT.into()),
        account_password: None,
    };
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
    let service = manager(ServiceManagerAccess::CREATE_SERVICE)?.create_service(&service, access).map_err(refused)?;
    service.set_description("The presence server of chat").map_err(refused)?;
    restart_after_failures(&service)
}

/// The program is part of Windows; no safe library changes access lists.
fn grant(folder: &Path) -> io::Result<()> {
    let root = env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    let mut icacls = Command::new(root.join(r"System32\icacls.exe"));
    icacls.arg(folder).args(["/grant", ACCESS]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status = icacls.status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("icacls: {status}"))) }
}

fn restart_after_failures(service: &Service) -> io::Result<()> {
    let restart = ServiceAction { action_type: ServiceActionType::Restart, delay: RESTART_PAUSE };
    let actions = ServiceFailureActions {
        // The last action is repeated, and there is only one, so that it does not matter when the count begins again.
        reset_period: ServiceFailureResetPeriod::Never,
        reboot_msg: None,
        command: None,
        actions: Some(vec![restart]),
    };
    service.update_failure_actions(actions).map_err(refused)
}

/// Starts the service. Returns whether the server runs; if not, it has ended.
///
/// # Errors
/// The system refuses, or the service does not answer.
pub fn start() -> io::Result<bool> {
    let service = open(ServiceAccess::START | ServiceAccess::QUERY_STATUS)?;
    service.start::<OsString>(&[]).map_err(refused)?;
    Ok(wait(&service, ServiceState::StartPending)? == ServiceState::Running)
}

/// Stops the service, and removes it.
///
/// # Errors
/// [`ErrorKind::PermissionDenied`] without the rights of an administrator, [`ErrorKind::NotFound`] if there is no such
/// service, [`ErrorKind::TimedOut`] if it does not stop.
pub fn uninstall() -> io::Result<()> {
    let service = open(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS | ServiceAccess::DELETE)?;
    // A service that starts accepts no other request.
    if wait(&service, ServiceState::StartPending)? != ServiceState::Stopped {
        service.stop().map_err(refused)?;
        wait(&service, ServiceState::StopPending)?;
    }
    service.delete().map_err(refused)
}

/// Waits for the end of a state, and returns the next one.
fn wait(service: &Service, state: ServiceState) -> io::Result<ServiceState> {
    let begin = Instant::now();
    loop {
        match service.query_status().map_err(refused)?.current_state {
            // A service that was just asked to stop may still be in the state before that.
            now if now == state || (state == ServiceState::StopPending && now != ServiceState::Stopped) => {}
            now => return Ok(now),
        }
        if begin.elapsed() > STATE_TIME {
            return Err(ErrorKind::TimedOut.into());
        }
        thread::sleep(STATE_PAUSE);
    }
}

fn manager(access: ServiceManagerAccess) -> io::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT | access).map_err(refused)
}

fn open(access: ServiceAccess) -> io::Result<Service> {
    manager(ServiceManagerAccess::empty())?.open_service(NAME, access).map_err(refused)
}

/// The kinds of errors that the commands explain.
fn refused(error: Error) -> io::Error {
    const DOES_NOT_EXIST: i32 = 1_060;
    const NOT_STARTED_BY_SYSTEM: i32 = 1_063;
    const BEING_REMOVED: i32 = 1_072;
    const EXISTS: i32 = 1_073;
    let Error::Winapi(error) = error else { return io::Error::other(error) };
    match error.raw_os_error() {
        Some(DOES_NOT_EXIST) => ErrorKind::NotFound.into(),
        Some(NOT_STARTED_BY_SYSTEM) => ErrorKind::NotConnected.into(),
        Some(BEING_REMOVED) => ErrorKind::ResourceBusy.into(),
        Some(EXISTS) => ErrorKind::AlreadyExists.into(),
        _ => error,
    }
}
