//! RESTORE DATABASE: who may, over what, to where, and what stands there afterwards.

use std::path::{Path, PathBuf};

use super::Engine;
use super::backup::terminated_all;
use super::dump;
use super::faults::BackupFaults;
use super::ordinary::text_value;
use super::progress::{Of, Progress};
use super::refill::{self, Judgement, Refill, RefillFault, Target, cannot_grow};
use super::restore::{damaged, open_media};
use crate::clock;
use crate::contents::{self, Origin};
use crate::database::{
    BadPage, Damage, Database, DatabaseState, FileName, MASTER, PAGE_BYTES, RecoveryModel, TEMPDB, UserAccess,
};
use crate::error::SqlError;
use crate::history::{BackupSet, RestoreRecord};
use crate::kept;
use crate::mtf::{HeaderInfo, Recovery, VerifyFault};
use crate::options::{free_id, free_rows};
use crate::os_error::as_windows;
use crate::pages::{Definition, PageVerify, ReadFault, read_into};
use crate::session::output::{Failure, Output};
use crate::sql::batch::media::RestoreDatabase;
use crate::sql::batch::unsupported;
use crate::sql::store::Variables;

type Outcome<T> = std::result::Result<T, Failure>;
type Checked<T> = std::result::Result<T, Vec<SqlError>>;

/// What a RESTORE DATABASE has found out before it changes anything.
struct Plan<'a> {
    statement: &'a RestoreDatabase,
    database: String,
    device: String,
    path: PathBuf,
    header: HeaderInfo,
    /// The database that is replaced
    existing: Option<Database>,
    data: FileName,
    log: FileName,
    data_bytes: u64,
    log_bytes: u64,
}

impl Engine {
    pub(super) fn restore_database(
        &mut self,
        statement: &RestoreDatabase,
        faults: BackupFaults,
        variables: &Variables,
        out: &mut Output,
    ) -> Outcome<()> {
        let failed = |errors| terminated_all("RESTORE DATABASE", errors);
        let database = text_value(&statement.database, variables)?;
        if self.scope.current().transactions > 0 {
            let text = "Cannot perform a backup or restore operation within a transaction.";
            return Err(failed(vec![SqlError::new(3021, text).state(0)]));
        }
        let existing = self.may_restore(&database).map_err(failed)?;
        let _hold = match &existing {
            Some(existing) => Some(self.hold_alone(existing.id).map_err(|error| failed(vec![error]))?),
            None => None,
        };
        if statement.devices.is_empty() {
            return self.recover(&database, existing, out).map_err(failed);
        }
        let plan = self.plan(statement, database, existing, variables)?.map_err(failed)?;
        let started = clock::now().naive_local();
        let (id, rows) = self.begin_restore(&plan).map_err(|error| failed(vec![error]))?;
        // A database that is new is held from now on, one that was there is already.
        let _hold = self.hold_alone(id).ok();
        let (definitions, bad_pages) = self.fill(&plan, &rows, faults, out)?;
        self.end_restore(&plan, id, &rows, &definitions, bad_pages).map_err(|error| failed(vec![error]))?;
        praise(&plan, started, out)
    }

    /// The database that is there already, if whoever asks may put another in its place.
    fn may_restore(&self, name: &str) -> Checked<Option<Database>> {
        let state = self.instance().state();
        let Ok(database) = state.database(name) else {
            if self.scope_may(&state, "CREATE ANY DATABASE") {
                return Ok(None);
            }
            let text = "CREATE DATABASE permission denied in database 'master'.";
            return Err(vec![SqlError::new(262, text).class(14)]);
        };
        if database.id == TEMPDB {
            let text = "Backup and restore operations are not allowed on database tempdb.";
            return Err(vec![SqlError::new(3147, text)]);
        }
        if database.id == MASTER {
            let text = "RESTORE DATABASE of master is possible only while the server is in single-user mode.";
            return Err(vec![SqlError::new(3108, text)]);
        }
        let login = &self.scope.login;
        let owns = database.owner.eq_ignore_ascii_case(login);
        if !owns && !self.scope_may(&state, "CREATE ANY DATABASE") {
            let text = format!("User does not have permission to RESTORE database '{}'.", database.name);
            return Err(vec![SqlError::new(3110, text).class(14)]);
        }
        if self.scope.database_id() == database.id {
            let text = format!(
                "RESTORE cannot process database '{}' because it is in use by this session. It is recommended that the \
                 master database be used when performing this operation.",
                database.name
            );
            return Err(vec![SqlError::new(3102, text)]);
        }
        Ok(Some(database.clone()))
    }

    fn scope_may(&self, state: &crate::instance::State, permission: &str) -> bool {
        state.may(&self.scope.login, permission)
    }

    /// `RESTORE DATABASE … WITH RECOVERY`
    fn recover(&self, name: &str, existing: Option<Database>, out: &mut Output) -> Checked<()> {
        let one = |error: SqlError| vec![error];
        let database = existing.ok_or_else(|| one(crate::error::no_database(name)))?;
        if database.state != DatabaseState::Restoring {
            let text = "The database is already fully recovered.";
            return Err(one(SqlError::new(3153, text).state(2)));
        }
        if !database.whole {
            let text = "The database cannot be recovered because the log was not restored.";
            return Err(one(SqlError::new(4333, text)));
        }
        if let Some(known) = self.instance().state().database_by_id_mut(database.id) {
            known.state = DatabaseState::Online;
        }
        self.instance().keep().map_err(one)?;
        let text = "RESTORE DATABASE successfully processed 0 pages in 0.001 seconds (0.000 MB/sec).";
        // Whoever no longer listens is told nothing; the database is there all the same.
        let _ = out.info(&SqlError::new(3014, text).class(0));
        out.done(None);
        Ok(())
    }

    fn plan<'a>(
        &self,
        statement: &'a RestoreDatabase,
        database: String,
        existing: Option<Database>,
        variables: &Variables,
    ) -> Outcome<Checked<Plan<'a>>> {
        let [device] = statement.devices.as_slice() else {
            return Err(unsupported("RESTORE from several devices").into());
        };
        let device = text_value(device, variables)?;
        let mut moves = Vec::new();
        for (logical, target) in &statement.moves {
            moves.push((text_value(logical, variables)?, text_value(target, variables)?));
        }
        let path = self.device_path(&device);
        Ok(self.planned(statement, database, existing, device, path, &moves))
    }

    fn planned<'a>(
        &self,
        statement: &'a RestoreDatabase,
        database: String,
        existing: Option<Database>,
        device: String,
        path: PathBuf,
        moves: &[(String, String)],
    ) -> Checked<Plan<'a>> {
        let one = |error: SqlError| vec![error];
        let header = open_media(&path, &device, statement.file).map_err(one)?;
        if header.stripe.count > 1 {
            let fault = VerifyFault::StripesMissing { families: header.stripe.count, given: 1 };
            return Err(one(SqlError::new(3132, fault.to_string())));
        }
        if statement.checksum == Some(true) && !header.has_checksums() {
            return Err(one(SqlError::new(3187, VerifyFault::NoChecksums.to_string())));
        }
        self.check_version(&header).map_err(one)?;
        if let Some(existing) = &existing {
            check_replace(statement, existing, &header).map_err(one)?;
        }
        let file = |log: bool| header.files.iter().find(|file| file.entry.log == log);
        let (Some(data), Some(log)) = (file(false), file(true)) else {
            return Err(one(unsupported("RESTORE of a database without a log")));
        };
        if header.files.len() > 2 {
            return Err(one(unsupported("RESTORE of a database with several data files")));
        }
        for (logical, _) in moves {
            if !header.files.iter().any(|file| file.entry.logical_name.eq_ignore_ascii_case(logical)) {
                let text = format!(
                    "Logical file '{logical}' is not part of database '{database}'. Use RESTORE FILELISTONLY to list the \
                     logical file names."
                );
                return Err(one(SqlError::new(3234, text).state(2)));
            }
        }
        let target = |entry: &crate::mtf::FileEntry| {
            let moved = moves.iter().find(|(logical, _)| entry.logical_name.eq_ignore_ascii_case(logical));
            let path = moved.map_or_else(|| entry.physical_name.clone(), |(_, target)| target.clone());
            FileName { name: entry.logical_name.clone(), path }
        };
        let plan = Plan {
            data: target(&data.entry),
            log: target(&log.entry),
            data_bytes: data.entry.size_bytes,
            log_bytes: log.entry.size_bytes,
            statement,
            database,
            device,
            path,
            existing,
            header,
        };
        self.check_targets(&plan)?;
        Ok(plan)
    }

    /// 3169: the backup comes from a newer server.
    fn check_version(&self, header: &HeaderInfo) -> std::result::Result<(), SqlError> {
        let state = self.instance().state();
        if header.database_version <= state.identity.database_version() {
            return Ok(());
        }
        let theirs = header.version;
        let (major, minor, build) = state.identity.version;
        let text = format!(
            "The database was backed up on a server running version {:02}.{:02}.{:04}. That version is incompatible with \
             this server, which is running version {major:02}.{minor:02}.{build:04}. Either restore the database on a server \
             that supports the backup, or use a backup that is compatible with this server.",
            theirs.major, theirs.minor, theirs.build
        );
        Err(SqlError::new(3169, text))
    }

    /// Whether the files can be where they are to be. All that is wrong is told, then 3119.
    fn check_targets(&self, plan: &Plan<'_>) -> Checked<()> {
        let mut errors = Vec::new();
        if same_path(&plan.data.path, &plan.log.path) {
            let text = format!(
                "File '{}' is claimed by '{}'(2) and '{}'(1). The WITH MOVE clause can be used to relocate one or more files.",
                plan.data.path, plan.log.name, plan.data.name
            );
            errors.push(SqlError::new(3176, text));
        }
        for file in [&plan.data, &plan.log] {
            if let Err(error) = self.check_target(plan, file) {
                let text = format!(
                    "File '{}' cannot be restored to '{}'. Use WITH MOVE to identify a valid location for the file.",
                    file.name, file.path
                );
                errors.extend([error, SqlError::new(3156, text).state(4)]);
            }
        }
        if errors.is_empty() {
            return Ok(());
        }
        let text = "Problems were identified while planning for the RESTORE statement. Previous messages provide details.";
        errors.push(SqlError::new(3119, text));
        Err(errors)
    }

    fn check_target(&self, plan: &Plan<'_>, file: &FileName) -> std::result::Result<(), SqlError> {
        let own = plan.existing.as_ref().map(|existing| existing.id);
        let state = self.instance().state();
        let taken_by = |database: &&Database| {
            let files = [&database.data_file.path, &database.log_file.path];
            files.into_iter().any(|path| same_path(path, &file.path))
        };
        if let Some(other) = state.databases.iter().filter(|database| Some(database.id) != own).find(taken_by)
        {
            let text = format!(
                "The file '{}' cannot be overwritten.  It is being used by database '{}'.",
                file.path, other.name
            );
            return Err(SqlError::new(1834, text));
        }
        let is_own = plan.existing.as_ref().is_some_and(|existing| taken_by(&existing));
        drop(state);
        let path = Path::new(&file.path);
        if !path.is_absolute() {
            return Err(no_folder(&file.path, &std::io::ErrorKind::NotFound.into()));
        }
        refill::probe_folder(path).map_err(|error| no_folder(&file.path, &error))?;
        let refused = |code: u32, text: &str| {
            let text = format!(
                "The operating system returned the error '{code}({text})' while attempting \
                 'RestoreContainer::ValidateTargetForCreation' on '{}'.",
                file.path
            );
            SqlError::new(3634, text)
        };
        if path.exists() {
            let free = is_own || plan.statement.replace;
            return if free { Ok(()) } else { Err(refused(80, "The file exists.")) };
        }
        refill::probe_file(path).map_err(|error| {
            let (code, text) = as_windows(&error, true);
            refused(code, &text)
        })
    }

    /// The database is RESTORING from now on, and nothing is left of what it was. Its number, and where its rows go.
    fn begin_restore(&self, plan: &Plan<'_>) -> std::result::Result<(i32, PathBuf), SqlError> {
        let (id, rows) = {
            let mut state = self.instance().state();
            let rows = free_rows(self.instance().data(), &plan.database, &state.databases);
            refill::remove_rows(&rows);
            let identity = state.identity.clone();
            let id = match &plan.existing {
                Some(existing) => existing.id,
                None => {
                    let id = free_id(&state.databases);
                    let (login, folder) = (&self.scope.login, Path::new(""));
                    let new = Database::new(id, &plan.database, login, rows.clone(), folder, &identity);
                    state.databases.push(new);
                    id
                }
            };
            if let Some(database) = state.database_by_id_mut(id) {
                database.state = DatabaseState::Restoring;
                database.whole = false;
                database.rows.clone_from(&rows);
                (database.data_file, database.log_file) = (plan.data.clone(), plan.log.clone());
            }
            (id, rows)
        };
        self.instance().keep()?;
        if let Some(existing) = &plan.existing {
            refill::remove_rows(&existing.rows);
            for old in [&existing.data_file.path, &existing.log_file.path] {
                if !same_path(old, &plan.data.path) && !same_path(old, &plan.log.path) {
                    refill::remove(old);
                }
            }
        }
        Ok((id, rows))
    }

    /// Files and rows.
    fn fill(
        &self,
        plan: &Plan<'_>,
        rows: &Path,
        faults: BackupFaults,
        out: &mut Output,
    ) -> Outcome<(Vec<Definition>, Vec<BadPage>)> {
        let room = faults.disk_full;
        let mut progress = Progress::new(self, Of::Restore, plan.statement.stats, faults, out);
        let filled = fill(plan, rows, room, &mut progress);
        filled.map_err(|fault| plan.refused(fault))
    }

    /// The database is what the backup held.
    fn end_restore(
        &self,
        plan: &Plan<'_>,
        id: i32,
        rows: &Path,
        definitions: &[Definition],
        bad_pages: Vec<BadPage>,
    ) -> std::result::Result<(), SqlError> {
        let header = &plan.header;
        let used_pages = plan.pages();
        let size = contents::restored(used_pages, plan.data_bytes / PAGE_BYTES, plan.log_bytes, rows);
        let mut state = self.instance().state();
        // Older levels than this are raised.
        let least = 100;
        let most = state.identity.compatibility();
        let set = backup_set(&mut state.history, plan);
        let restore_id = state.restores.last().map_or(1, |last| last.id + 1);
        state.restores.push(RestoreRecord {
            id: restore_id,
            date: clock::now().naive_local(),
            database: plan.database.clone(),
            user: self.scope.login.clone(),
            set,
            replace: plan.statement.replace,
            recovery: plan.statement.recovery,
        });
        if let Some(database) = state.database_by_id_mut(id) {
            let recovers = plan.statement.recovery;
            database.state = if recovers { DatabaseState::Online } else { DatabaseState::Restoring };
            database.whole = true;
            database.created = clock::now().naive_local();
            database.origin = Origin::Rows;
            database.compatibility = header.compatibility.max(least).min(most);
            database.recovery = match header.recovery {
                Recovery::Simple => RecoveryModel::Simple,
                Recovery::Full => RecoveryModel::Full,
                Recovery::BulkLogged => RecoveryModel::BulkLogged,
            };
            database.page_verify = match header.page_verify {
                PageVerify::Checksum => crate::database::PageVerify::Checksum,
                PageVerify::TornPage => crate::database::PageVerify::TornPageDetection,
                PageVerify::None => crate::database::PageVerify::None,
            };
            (database.users, database.snapshot_reads) = kept::brought(definitions);
            database.access =
                if plan.statement.restricted { UserAccess::Restricted } else { UserAccess::Multi };
            // What came from elsewhere is not trusted, whatever it was there.
            database.trustworthy = false;
            (database.binding, database.fork) = (header.binding, header.fork);
            (database.size, database.damage, database.bad_pages) = (size, Damage::None, bad_pages);
        }
        drop(state);
        self.instance().keep()
    }
}

impl Plan<'_> {
    /// Pages of the data file in the backup.
    fn pages(&self) -> u64 {
        let data = self.header.files.iter().filter(|file| !file.entry.log);
        data.map(|file| u64::from(file.entry.backup_pages)).sum()
    }

    /// What is said of a fault that ended it.
    fn refused(&self, fault: RefillFault) -> Failure {
        let not_started =
            || SqlError::new(3167, format!("RESTORE could not start database '{}'.", self.database));
        let causes = match fault {
            RefillFault::Stopped(failure) => return failure,
            RefillFault::BadPage(page) => {
                let database = self.database.clone();
                let text = VerifyFault::PageDamaged { file: 1, page, database }.to_string();
                vec![SqlError::new(3183, text)]
            }
            RefillFault::Read(ReadFault::File(fault)) => vec![damaged(fault, &self.path, &self.device)],
            RefillFault::Read(ReadFault::Io(error)) => {
                let (code, text) = as_windows(&error, false);
                vec![SqlError::new(3203, format!("Read on \"{}\" failed: {code}({text})", self.device))]
            }
            RefillFault::Read(ReadFault::Catalogue) => {
                vec![unsupported("RESTORE of a database that another server has made"), not_started()]
            }
            RefillFault::Read(ReadFault::Record { .. }) => {
                vec![SqlError::new(3189, VerifyFault::SetDamaged.to_string())]
            }
            RefillFault::Target { path, error } => vec![cannot_grow(&path, &error)],
            RefillFault::Full => {
                vec![cannot_grow(&self.data.path, &std::io::ErrorKind::StorageFull.into())]
            }
            RefillFault::Rows(text) => {
                let text = format!("The stand-in's own storage failed: {text}");
                vec![SqlError::new(823, text), not_started()]
            }
        };
        terminated_all("RESTORE DATABASE", causes)
    }
}

/// 3154 and 3159: what stands there must not go so easily.
fn check_replace(
    statement: &RestoreDatabase,
    existing: &Database,
    header: &HeaderInfo,
) -> std::result::Result<(), SqlError> {
    let name = &existing.name;
    if statement.replace || existing.state == DatabaseState::Restoring && !existing.whole {
        return Ok(());
    }
    if existing.fork != header.family {
        let text =
            format!("The backup set holds a backup of a database other than the existing '{name}' database.");
        return Err(SqlError::new(3154, text).state(4));
    }
    let logs = matches!(existing.recovery, RecoveryModel::Full | RecoveryModel::BulkLogged);
    if logs && existing.state == DatabaseState::Online && statement.recovery {
        let text = format!(
            "The tail of the log for the database \"{name}\" has not been backed up. Use BACKUP LOG WITH NORECOVERY to backup \
             the log if it contains work you do not want to lose. Use the WITH REPLACE or WITH STOPAT clause of the RESTORE \
             statement to just overwrite the contents of the log."
        );
        return Err(SqlError::new(3159, text));
    }
    Ok(())
}

/// 5133
fn no_folder(path: &str, error: &std::io::Error) -> SqlError {
    // What is missing is the folder, whatever the file would have been opened for.
    let (code, text) = as_windows(error, true);
    let text = format!(
        "Directory lookup for the file \"{path}\" failed with the operating system error {code}({text})."
    );
    SqlError::new(5133, text)
}

/// Paths do not tell upper from lower case, as on Windows.
fn same_path(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn fill(
    plan: &Plan<'_>,
    rows: &Path,
    room_bytes: Option<u64>,
    progress: &mut Progress<'_>,
) -> std::result::Result<(Vec<Definition>, Vec<BadPage>), RefillFault> {
    Target::create(&plan.log.path, None)?.finish(plan.log_bytes)?;
    let data = Target::create(&plan.data.path, room_bytes)?;
    let checks = plan.header.has_checksums() && plan.statement.checksum != Some(false);
    let judgement = Judgement { judge: checks, tolerate: plan.statement.continue_after_error };
    let mut refill = Refill::new(data, rows, plan.pages(), judgement, progress)?;
    if !read_into(&plan.path, &mut refill)? {
        return Err(ReadFault::Record { table: String::new(), page: 0 }.into());
    }
    refill.finish(plan.data_bytes)
}

/// The number of the backup's own row in msdb; of one that msdb does not know a row is made.
fn backup_set(history: &mut Vec<BackupSet>, plan: &Plan<'_>) -> i64 {
    let header = &plan.header;
    if let Some(known) = history.iter().find(|set| set.uuid == header.set) {
        return known.id;
    }
    let id = history.last().map_or(1, |last| last.id + 1);
    let now = clock::now().naive_local();
    history.push(BackupSet {
        id,
        database: header.database.clone(),
        name: header.backup_name.clone(),
        description: header.backup_description.clone(),
        user: header.user.clone(),
        started: header.started.unwrap_or(now),
        finished: header.finished.unwrap_or(now),
        copy_only: header.is_copy_only(),
        checksums: header.has_checksums(),
        damaged: false,
        bytes: header.backup_bytes,
        devices: vec![plan.device.clone()],
        uuid: header.set,
        recovery: header.recovery.name().to_owned(),
    });
    id
}

fn praise(plan: &Plan<'_>, started: chrono::NaiveDateTime, out: &mut Output) -> Outcome<()> {
    const LOG_PAGES: u64 = 2;
    dump::processed(&plan.database, [(&plan.data.name, plan.pages()), (&plan.log.name, LOG_PAGES)], out)?;
    let finished = clock::now().naive_local();
    dump::successfully("RESTORE DATABASE", plan.pages() + LOG_PAGES, started, finished, out)
}
