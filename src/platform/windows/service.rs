//! The service manager and the Application log.

use super::super::{Level, ServiceState};
use super::wide::wide;
use std::ffi::OsStr;
use std::io;
use windows_service::service::{ServiceAccess, ServiceState as Told};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_sys::Win32::Foundation::{ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_DOES_NOT_EXIST};
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

/// The name under which our lines stand in the Application log.
const EVENT_SOURCE: &str = "DMBackup";

pub async fn service_state(name: &str) -> ServiceState {
    match query(name) {
        Ok(Told::Running | Told::ContinuePending) => ServiceState::Running,
        Ok(Told::StartPending) => ServiceState::Starting,
        Ok(Told::Stopped | Told::StopPending | Told::Paused | Told::PausePending) => ServiceState::Stopped,
        Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed()) => {
            ServiceState::Missing
        }
        Err(error) => {
            tracing::debug!(name, %error, "the service manager tells nothing");
            ServiceState::Unknown
        }
    }
}

fn query(name: &str) -> io::Result<Told> {
    let manager = manager()?;
    let service = manager.open_service(name, ServiceAccess::QUERY_STATUS).map_err(cause)?;
    Ok(service.query_status().map_err(cause)?.current_state)
}

pub fn sql_service(instance: Option<&str>) -> String {
    instance.map_or_else(|| "MSSQLSERVER".to_owned(), |name| format!("MSSQL${name}"))
}

pub async fn start_service(name: &str) -> io::Result<()> {
    let service = manager()?.open_service(name, ServiceAccess::START).map_err(cause)?;
    match service.start::<&OsStr>(&[]).map_err(cause) {
        Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_ALREADY_RUNNING.cast_signed()) => Ok(()),
        started => started,
    }
}

fn manager() -> io::Result<ServiceManager> {
    ServiceManager::local_computer(None::<&OsStr>, ServiceManagerAccess::CONNECT).map_err(cause)
}

fn cause(error: windows_service::Error) -> io::Error {
    if let windows_service::Error::Winapi(cause) = error { cause } else { io::Error::other(error) }
}

pub fn event_log(level: Level, text: &str) {
    /// An event without a message file of ours: the viewer shows the text itself.
    const EVENT_ID: u32 = 1;
    let kind = match level {
        Level::Information => EVENTLOG_INFORMATION_TYPE,
        Level::Warning => EVENTLOG_WARNING_TYPE,
        Level::Error => EVENTLOG_ERROR_TYPE,
    };
    let (source, text) = (wide(EVENT_SOURCE), wide(text));
    #[expect(unsafe_code, reason = "the event log has no safe binding")]
    // SAFETY: both texts end with a zero and outlive the calls; one string is told and one is given; the source is
    // closed once.
    unsafe {
        let log = RegisterEventSourceW(std::ptr::null(), source.as_ptr());
        if log.is_null() {
            return;
        }
        let no_user = std::ptr::null_mut();
        ReportEventW(log, kind, 0, EVENT_ID, no_user, 1, 0, &text.as_ptr(), std::ptr::null());
        DeregisterEventSource(log);
    }
}
