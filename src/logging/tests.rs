//! Tests of the record as a whole: what is logged reaches the file and the event log, whatever the disk does.

use super::*;
use crate::clock::Zone;
use crate::config::Secret;
use crate::platform::Level;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use tempfile::TempDir;

/// A clock that tests set, in a zone three hours behind Greenwich.
#[derive(Debug)]
struct Wall(Mutex<DateTime<Utc>>);

impl Wall {
    fn at(year: i32, month: u32, day: u32, hour: u32) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Utc.with_ymd_and_hms(year, month, day, hour, 0, 0).unwrap())))
    }

    fn pass(&self, time: TimeDelta) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for Wall {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn zone(&self) -> Zone {
        Zone::of(chrono::FixedOffset::west_opt(3 * 3600).unwrap())
    }
}

fn no_event_log(_: Level, _: &str) {}

/// Logs by `log` into a folder, and waits until it is written.
fn logged(clock: &Arc<Wall>, folder: &TempDir, log: impl FnOnce(&Logging)) {
    let path = folder.path().join("log");
    let (subscriber, logging) = record(&path, clock.clone(), filter(None).0, no_event_log);
    tracing::subscriber::with_default(subscriber, || log(&logging));
    assert!(logging.flush(FLUSH_PATIENCE));
}

fn file(folder: &TempDir, day: &str) -> PathBuf {
    folder.path().join(format!("log/dmbackup-{day}.log"))
}

#[test]
fn a_line_carries_the_time_of_the_wall_and_its_span() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Wall::at(2024, 6, 28, 12));
    logged(&clock, &folder, |_| {
        let _span = tracing::info_span!("backup", run = 7, slot = "09h").entered();
        tracing::info!(bytes = 42, "compactação pronta");
        tracing::debug!("the minute's routine");
    });
    let text = fs::read_to_string(file(&folder, "2024-06-28")).unwrap();
    assert_eq!(
        text,
        "2024-06-28 09:00:00.000 -03:00  INFO backup{run=7 slot=\"09h\"}: dmbackup::logging::tests: compactação pronta bytes=42\n"
    );
    assert!(crate::platform::is_kept_secret(&file(&folder, "2024-06-28")).unwrap());
}

#[test]
fn the_day_is_that_of_the_wall() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Wall::at(2024, 6, 29, 2));
    logged(&clock, &folder, |logging| {
        tracing::info!("before midnight");
        assert!(logging.flush(FLUSH_PATIENCE));
        clock.pass(TimeDelta::hours(2));
        tracing::info!("after midnight");
    });
    assert!(fs::read_to_string(file(&folder, "2024-06-28")).unwrap().contains("before midnight"));
    assert!(fs::read_to_string(file(&folder, "2024-06-29")).unwrap().contains("after midnight"));
}

#[test]
fn secrets_never_appear() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Wall::at(2024, 6, 28, 12));
    let secret = Secret::new("abre-te sésamo");
    let login = crate::config::Login::Sql { user: "dmbackup".to_owned(), password: secret.clone() };
    logged(&clock, &folder, |_| {
        tracing::error!(%secret, password = ?secret, ?login, "login {secret} {secret:?}");
    });
    let text = fs::read_to_string(file(&folder, "2024-06-28")).unwrap();
    assert!(text.contains("login *** ***") && text.contains("dmbackup"), "{text}");
    assert!(!text.contains("sésamo"), "{text}");
}

#[test]
fn a_disk_that_takes_nothing_stops_nobody_and_is_told_once_it_does() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Wall::at(2024, 6, 28, 12));
    let obstacle = folder.path().join("log");
    fs::write(&obstacle, "a file where the folder should be").unwrap();
    logged(&clock, &folder, |logging| {
        for _ in 0..10_000 {
            tracing::info!("lost");
        }
        assert!(logging.flush(FLUSH_PATIENCE));
        fs::remove_file(&obstacle).unwrap();
        tracing::info!("written");
    });
    let text = fs::read_to_string(file(&folder, "2024-06-28")).unwrap();
    assert!(text.contains(": 10000 lines before this one could not be written\n"), "{text}");
    assert!(text.ends_with("written\n"), "{text}");
    assert!(!text.contains(": lost"), "{text}");
}

#[test]
fn a_line_of_any_length_is_cut() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Wall::at(2024, 6, 28, 12));
    logged(&clock, &folder, |_| tracing::info!("{}", "é".repeat(1 << 20)));
    let bytes = fs::read(file(&folder, "2024-06-28")).unwrap();
    assert!(bytes.len() < 20_000 && bytes.ends_with(b"\n"), "{}", bytes.len());
}

static TOLD: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

fn telling_event_log(level: Level, text: &str) {
    TOLD.lock().unwrap().push((level, text.to_owned()));
}

#[test]
fn our_warnings_and_errors_reach_the_event_log_and_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Wall::at(2024, 6, 28, 12);
    let (subscriber, logging) = record(folder.path(), clock, filter(Some("trace")).0, telling_event_log);
    tracing::subscriber::with_default(subscriber, || {
        tracing::error!(code = "sql.login", path = %"C:\\x", "o backup falhou\nduas linhas");
        tracing::warn!(count = 3, "estranho");
        tracing::info!("rotina");
        tracing::error!(target: "tiberius", "de outro");
        tracing::error!(target: "dmbackup2", "de outro");
    });
    assert!(logging.flush(FLUSH_PATIENCE));
    let told = std::mem::take(&mut *TOLD.lock().unwrap());
    let expected = [
        (Level::Error, "o backup falhou duas linhas code=sql.login path=C:\\x".to_owned()),
        (Level::Warning, "estranho count=3".to_owned()),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_filter_that_cannot_be_read_is_told_and_the_usual_one_is_in_force() {
    assert!(filter(Some("dmbackup=debug,warn")).1.is_none());
    assert!(filter(Some(" ")).1.is_none());
    let (usual, error) = filter(Some("dmbackup=loud"));
    assert!(error.is_some());
    assert_eq!(usual.to_string(), filter(None).0.to_string());
}
