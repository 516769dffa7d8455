//! BACKUP DATABASE: who may, when not, and what is said of it.

use std::path::{Path, PathBuf};

use chrono::NaiveDateTime;

use super::Engine;
use super::dump::{self, Dump, DumpFault, DumpReport};
use super::faults::BackupFaults;
use super::ordinary::text_value;
use crate::clock;
use crate::database::{Database, Size, TEMPDB};
use crate::error::SqlError;
use crate::history::{BackupSet, SuspectPage};
use crate::mtf::{DumpRequest, Finish, Recovery, ServerVersion};
use crate::session::output::{Failure, Output};
use crate::sql::batch::media::Backup;
use crate::sql::batch::unsupported;
use crate::sql::store::Variables;

type Outcome<T> = std::result::Result<T, Failure>;

/// `suspect_pages.event_type` of a bad checksum.
const BAD_CHECKSUM: i64 = 2;

/// What a BACKUP or RESTORE that failed ends with, after its cause.
pub(super) fn terminated(statement: &str, cause: SqlError) -> Failure {
    terminated_all(statement, vec![cause])
}

/// The same after several causes.
pub(super) fn terminated_all(statement: &str, mut causes: Vec<SqlError>) -> Failure {
    causes.push(SqlError::new(3013, format!("{statement} is terminating abnormally.")));
    Failure::Several(causes)
}

/// A BACKUP whose names and texts are known.
struct Order<'a> {
    statement: &'a Backup,
    database: String,
    device: String,
    path: PathBuf,
    name: Option<String>,
    description: Option<String>,
}

impl Engine {
    pub(super) fn backup(
        &mut self,
        backup: &Backup,
        faults: BackupFaults,
        variables: &Variables,
        out: &mut Output,
    ) -> Outcome<()> {
        let order = self.order(backup, variables)?;
        let failed = |error| terminated("BACKUP DATABASE", error);
        let database = self.check_backup(&order).map_err(failed)?;
        let claim = Claim::of(self, &database).map_err(failed)?;
        let started = clock::now().naive_local();
        let report = self.dump(&order, &database, started, faults, out);
        drop(claim);
        let report = match report {
            Ok(report) => report,
            Err(DumpFault::Stopped(failure)) => return Err(failure),
            Err(DumpFault::Device(error)) => return Err(failed(error)),
            Err(DumpFault::BadPage { page }) => {
                self.remember_bad_page(database.id, page);
                return Err(failed(bad_page(&database, page)));
            }
        };
        self.remember(&order, &database, started, &report);
        self.praise(&database, &report, started, out)
    }

    fn order<'a>(&self, backup: &'a Backup, variables: &Variables) -> Outcome<Order<'a>> {
        let [device] = backup.devices.as_slice() else {
            return Err(unsupported("BACKUP to several devices").into());
        };
        if backup.log || backup.options.differential {
            return Err(unsupported("BACKUP of a log or of differences").into());
        }
        let device = text_value(device, variables)?;
        let optional = |text: &Option<_>| text.as_ref().map(|text| text_value(text, variables)).transpose();
        Ok(Order {
            statement: backup,
            database: text_value(&backup.database, variables)?,
            path: self.device_path(&device),
            device,
            name: optional(&backup.options.name)?.filter(|name| !name.is_empty()),
            description: optional(&backup.options.description)?.filter(|text| !text.is_empty()),
        })
    }

    /// A device without a folder lies in the instance's own one for backups.
    pub(super) fn device_path(&self, device: &str) -> PathBuf {
        let path = Path::new(device);
        if path.is_absolute() { path.to_owned() } else { self.instance().data().join("Backup").join(path) }
    }

    /// The database, if it may and can be backed up.
    fn check_backup(&self, order: &Order<'_>) -> std::result::Result<Database, SqlError> {
        if self.scope.current().transactions > 0 {
            let text = "Cannot perform a backup or restore operation within a transaction.";
            return Err(SqlError::new(3021, text).state(0));
        }
        let state = self.instance().state();
        let database = state.database(&order.database)?;
        state.check_entry(&self.scope.login, self.scope.spid, database)?;
        if !state.may_in(&self.scope.login, database, "BACKUP DATABASE") {
            let text = format!("BACKUP DATABASE permission denied in database '{}'.", database.name);
            return Err(SqlError::new(262, text).class(14));
        }
        if database.id == TEMPDB {
            return Err(SqlError::new(
                3147,
                "Backup and restore operations are not allowed on database tempdb.",
            ));
        }
        let edition = state.identity.edition;
        let compressed =
            order.statement.options.compression.unwrap_or(state.compression_default && edition.compresses());
        if compressed && !edition.compresses() {
            let text = format!("BACKUP DATABASE WITH COMPRESSION is not supported on {}.", edition.name());
            return Err(SqlError::new(1844, text));
        }
        if compressed {
            return Err(unsupported("BACKUP WITH COMPRESSION"));
        }
        Ok(database.clone())
    }

    fn dump(
        &self,
        order: &Order<'_>,
        database: &Database,
        started: NaiveDateTime,
        faults: BackupFaults,
        out: &mut Output,
    ) -> std::result::Result<DumpReport, DumpFault> {
        let identity = self.instance().state().identity.clone();
        let options = &order.statement.options;
        let (major, minor, build) = identity.version;
        let request = DumpRequest {
            database: database.name.clone(),
            database_id: u16::try_from(database.id).unwrap_or_default(),
            server: identity.server_name(),
            machine: identity.machine.clone(),
            user: self.scope.login.clone(),
            backup_name: order.name.clone().unwrap_or_default(),
            description: order.description.clone().unwrap_or_default(),
            copy_only: options.copy_only,
            checksum: options.checksum,
            started,
            finished: Finish::Asked(std::sync::Arc::new(|| clock::now().naive_local())),
            created: database.created,
            zone_quarters: i8::try_from(clock::now().offset().local_minus_utc() / 900).unwrap_or_default(),
            version: ServerVersion { major, minor, build },
            database_version: identity.database_version(),
            compatibility: database.compatibility,
            recovery: match database.recovery {
                crate::database::RecoveryModel::Full => Recovery::Full,
                crate::database::RecoveryModel::BulkLogged => Recovery::BulkLogged,
                crate::database::RecoveryModel::Simple => Recovery::Simple,
            },
            stripe: faults.stripe,
        };
        let dump = Dump {
            device: &order.device,
            path: &order.path,
            overwrite: options.init,
            stats: options.stats,
            stop_on_damage: options.checksum && !options.continue_after_error,
            faults,
        };
        dump::write(self, database, &identity, &request, dump, out)
    }

    pub(super) fn remember_bad_page(&self, database_id: i32, page: u32) {
        let updated = clock::now().naive_local();
        let mut state = self.instance().state();
        let known = state
            .suspect_pages
            .iter_mut()
            .find(|known| known.database_id == database_id && known.page == page);
        match known {
            Some(known) => {
                known.error_count += 1;
                known.updated = updated;
            }
            None => state.suspect_pages.push(SuspectPage {
                database_id,
                page,
                event_type: BAD_CHECKSUM,
                error_count: 1,
                updated,
            }),
        }
    }

    /// msdb's row, and what is now known of the database's size.
    fn remember(&self, order: &Order<'_>, database: &Database, started: NaiveDateTime, report: &DumpReport) {
        let size = crate::contents::estimate(database);
        let mut state = self.instance().state();
        let id = state.history.last().map_or(1, |last| last.id + 1);
        let options = &order.statement.options;
        state.history.push(BackupSet {
            id,
            database: database.name.clone(),
            name: order.name.clone(),
            description: order.description.clone(),
            user: self.scope.login.clone(),
            started,
            finished: report.finished,
            copy_only: options.copy_only,
            checksums: options.checksum,
            damaged: report.damaged,
            bytes: report.backup_bytes,
            devices: vec![order.device.clone()],
            uuid: report.set,
            recovery: database.recovery.number_and_name().1.to_owned(),
        });
        if let Ok(database) = state.database_mut(&database.name) {
            database.backups += 1;
            let (log_bytes, log_used_bytes) = (database.size.log_bytes, database.size.log_used_bytes);
            database.size = Size { used_pages: report.data_pages, log_bytes, log_used_bytes, ..size };
        }
    }

    fn praise(
        &self,
        database: &Database,
        report: &DumpReport,
        started: NaiveDateTime,
        out: &mut Output,
    ) -> Outcome<()> {
        let [data, log] = database.files();
        let files = [(&data.name, report.data_pages), (&log.name, report.log_pages)];
        dump::processed(&database.name, files, out)?;
        let pages = report.data_pages + report.log_pages;
        dump::successfully("BACKUP DATABASE", pages, started, report.finished, out)
    }
}

/// 3043
fn bad_page(database: &Database, page: u32) -> SqlError {
    let [data, _] = database.files();
    let text =
        format!("BACKUP '{}' detected an error on page (1:{page}) in file '{}'.", database.name, data.path);
    SqlError::new(3043, text)
}

/// A database is backed up by one session at a time; given back when this is dropped.
struct Claim {
    instance: std::sync::Arc<crate::instance::Instance>,
    database: i32,
}

impl Claim {
    fn of(engine: &Engine, database: &Database) -> std::result::Result<Self, SqlError> {
        let mut state = engine.instance().state();
        let known = state.database_mut(&database.name)?;
        if known.backed_up_by.is_some() {
            let text = "Backup, file manipulation operations (such as ALTER DATABASE ADD FILE) and encryption changes on a \
                        database must be serialized. Reissue the statement after the current backup or file manipulation \
                        operation is completed.";
            return Err(SqlError::new(3023, text).state(2));
        }
        if known.held_by.is_some() {
            let text = format!("Database '{}' is in transition. Try the statement later.", known.name);
            return Err(SqlError::new(952, text));
        }
        known.backed_up_by = Some(engine.scope.spid);
        if let Some(session) = state.sessions.get_mut(&engine.scope.spid) {
            session.uses.insert(database.id);
        }
        Ok(Self { instance: std::sync::Arc::clone(engine.instance()), database: database.id })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut state = self.instance.state();
        if let Some(database) = state.databases.iter_mut().find(|database| database.id == self.database) {
            database.backed_up_by = None;
        }
    }
}
