//! systemd and syslog.

use super::super::{Level, ServiceState};
use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// systemd answers in milliseconds, or hangs.
const SYSTEMCTL_LIMIT: Duration = Duration::from_secs(5);

pub async fn service_state(name: &str) -> ServiceState {
    let shown = ["show", "--property=LoadState", "--property=ActiveState", "--", name];
    match systemctl(&shown).await {
        Ok(output) if output.status.success() => state_in(&String::from_utf8_lossy(&output.stdout)),
        Ok(output) => {
            tracing::debug!(name, message = %String::from_utf8_lossy(&output.stderr), "systemctl tells nothing");
            ServiceState::Unknown
        }
        Err(error) => {
            tracing::debug!(name, %error, "systemctl cannot be asked");
            ServiceState::Unknown
        }
    }
}

/// SQL Server on Linux has one instance and one unit.
pub fn sql_service(_instance: Option<&str>) -> String {
    "mssql-server".to_owned()
}

pub async fn start_service(name: &str) -> io::Result<()> {
    let output = systemctl(&["start", "--no-block", "--no-ask-password", "--", name]).await?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

async fn systemctl(arguments: &[&str]) -> io::Result<Output> {
    let mut command = Command::new("systemctl");
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
    match tokio::time::timeout(SYSTEMCTL_LIMIT, command.output()).await {
        Ok(output) => output,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn state_in(properties: &str) -> ServiceState {
    let property = |name: &str| properties.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
    if property("LoadState=") == "not-found" {
        return ServiceState::Missing;
    }
    match property("ActiveState=") {
        "active" | "reloading" | "refreshing" => ServiceState::Running,
        "activating" => ServiceState::Starting,
        "inactive" | "failed" | "deactivating" => ServiceState::Stopped,
        _ => ServiceState::Unknown,
    }
}

pub fn event_log(level: Level, text: &str) {
    let formatter = syslog::Formatter3164 {
        facility: syslog::Facility::LOG_DAEMON,
        hostname: None,
        process: "dmbackup".to_owned(),
        pid: std::process::id(),
    };
    let written = syslog::unix(formatter).and_then(|mut log| match level {
        Level::Information => log.info(text),
        Level::Warning => log.warning(text),
        Level::Error => log.err(text),
    });
    if let Err(error) = written {
        tracing::debug!(%error, "no system log takes the line");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_properties_of_a_unit_tell_its_state() {
        assert_eq!(state_in("LoadState=loaded\nActiveState=active\n"), ServiceState::Running);
        assert_eq!(state_in("ActiveState=failed\nLoadState=loaded\n"), ServiceState::Stopped);
        assert_eq!(state_in("LoadState=not-found\nActiveState=inactive\n"), ServiceState::Missing);
        assert_eq!(state_in("LoadState=loaded\nActiveState=activating\n"), ServiceState::Starting);
        assert_eq!(state_in(""), ServiceState::Unknown);
    }

    #[tokio::test]
    async fn a_service_that_nobody_has_is_never_said_to_run() {
        let state = service_state("dmbackup-test-no-such-unit").await;
        assert!(matches!(state, ServiceState::Missing | ServiceState::Unknown), "{state:?}");
        assert!(start_service("dmbackup-test-no-such-unit").await.is_err());
    }
}
