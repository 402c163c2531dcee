//! The process of the service. It starts the server as a process of its own, whose standard error is the log, and asks it
//! to stop by closing its standard input. So everything that ends the server, including a bug, leaves its last words in the
//! log; and no event of a console reaches a server, because a process without a console receives none.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::{define_windows_service, service_dispatcher};

use super::{NAME, refused};
use crate::error::Exit;

/// How long a server may take to stop, before it is killed. It needs 5 s at most.
pub(super) const STOP_TIME: Duration = Duration::from_secs(10);

/// How long a server must run until the service counts as started: long enough for wrong settings and an address in use to
/// be noticed.
const START_TIME: Duration = Duration::from_secs(2);

/// How often the process looks whether the server still runs.
const INTERVAL: Duration = Duration::from_millis(250);

/// The size of the log, in bytes, above which a start begins a new one, and keeps the previous one beside it.
const MAX_LOG: u64 = 1024 * 1024;

/// The server has no console.
const DETACHED_PROCESS: u32 = 0x8;

/// The requests to stop that wait. One is enough.
const REQUESTS: usize = 1;

/// The server that the service starts.
#[derive(Debug)]
struct Server {
    log: PathBuf,
    arguments: Vec<OsString>,
}

/// The server for [`service_main`], to which the system passes no value of this program.
static SERVER: Mutex<Option<Server>> = Mutex::new(None);

define_windows_service!(service_entry, service_main);

/// Runs this program with `arguments` as the service, until the system stops the service. The server writes into `log`.
///
/// # Errors
/// [`io::ErrorKind::NotConnected`] if the system did not start this process as a service.
pub fn run(log: PathBuf, arguments: Vec<OsString>) -> io::Result<()> {
    *SERVER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Server { log, arguments });
    service_dispatcher::start(NAME, service_entry).map_err(refused)
}

fn service_main(_arguments: Vec<OsString>) {
    let Some(server) = SERVER.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let (stop, stops) = sync_channel(REQUESTS);
    let handler = move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            // If the queue is full, the server is stopping already.
            let _sent = stop.try_send(());
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    match service_control_handler::register(NAME, handler) {
        Ok(service) => serve(&server, &service, &stops),
        Err(error) => note(&server.log, &format!("the service cannot be registered: {}", refused(error))),
    }
}

/// Runs the server until it ends or is to stop, and tells the system.
fn serve(server: &Server, service: &ServiceStatusHandle, stops: &Receiver<()>) {
    report(server, service, ServiceState::StartPending, ServiceExitCode::NO_ERROR);
    let mut child = match start(server) {
        Ok(child) => child,
        Err(error) => {
            note(&server.log, &format!("the server cannot be started: {error}"));
            let code = error.raw_os_error().and_then(|code| code.try_into().ok()).unwrap_or(1);
            return report(server, service, ServiceState::Stopped, ServiceExitCode::Win32(code));
        }
    };
    match watch(server, service, &mut child, stops) {
        Ok(None) => report(server, service, ServiceState::Stopped, ServiceExitCode::NO_ERROR),
        Ok(Some(status)) => ended(server, service, status),
        Err(error) => note(&server.log, &format!("the server cannot be watched: {error}")),
    }
}

fn start(server: &Server) -> io::Result<Child> {
    // A service starts in a folder of the system.
    let folder = server.log.parent().unwrap_or_else(|| Path::new("."));
    Command::new(env::current_exe()?)
        .args(&server.arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(open_log(&server.log)?)
        .creation_flags(DETACHED_PROCESS)
        .spawn()
}

/// Waits for the end of the server. Returns `None` if the system asked for it.
fn watch(
    server: &Server,
    service: &ServiceStatusHandle,
    child: &mut Child,
    stops: &Receiver<()>,
) -> io::Result<Option<ExitStatus>> {
    let begin = Instant::now();
    let mut has_started = false;
    while stops.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if !has_started && begin.elapsed() > START_TIME {
            has_started = true;
            report(server, service, ServiceState::Running, ServiceExitCode::NO_ERROR);
        }
    }
    report(server, service, ServiceState::StopPending, ServiceExitCode::NO_ERROR);
    drop(child.stdin.take());
    let begin = Instant::now();
    while child.try_wait()?.is_none() {
        if begin.elapsed() > STOP_TIME {
            note(&server.log, "the server did not stop in time, and is killed");
            child.kill()?;
            child.wait()?;
        } else {
            thread::sleep(INTERVAL);
        }
    }
    Ok(None)
}

/// The server ended by itself. After wrong settings, which no restart corrects, the service is stopped. Otherwise its
/// process ends without a report, so that the system starts it again.
fn ended(server: &Server, service: &ServiceStatusHandle, status: ExitStatus) {
    note(&server.log, &format!("the server ended: {status}"));
    let code = status.code().unwrap_or_default();
    if code == i32::from(Exit::Usage.code()) {
        report(server, service, ServiceState::Stopped, ServiceExitCode::ServiceSpecific(Exit::Usage.code().into()));
    } else {
        process::exit(code);
    }
}

fn report(server: &Server, service: &ServiceStatusHandle, state: ServiceState, exit_code: ServiceExitCode) {
    let controls_accepted = match state {
        ServiceState::Running => ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN,
        _ => ServiceControlAccept::empty(),
    };
    let wait_hint = match state {
        ServiceState::StartPending => START_TIME + INTERVAL,
        ServiceState::StopPending => STOP_TIME + INTERVAL,
        _ => Duration::ZERO,
    };
    let status = ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted,
        exit_code,
        checkpoint: 0,
        wait_hint,
        process_id: None,
    };
    if let Err(error) = service.set_service_status(status) {
        note(&server.log, &format!("the state {state:?} cannot be reported: {}", refused(error)));
    }
}

/// Opens the log to append to it. A long one becomes the previous one.
fn open_log(log: &Path) -> io::Result<File> {
    if fs::metadata(log).is_ok_and(|file| file.len() > MAX_LOG) {
        fs::rename(log, log.with_extension("old.log"))?;
    }
    OpenOptions::new().append(true).create(true).open(log)
}

/// Adds a line to the log. If that fails, no other place is left to report it.
fn note(log: &Path, line: &str) {
    let line = format!("{} {line}\r\n", crate::clock::now());
    drop(open_log(log).and_then(|mut file| file.write_all(line.as_bytes())));
}
