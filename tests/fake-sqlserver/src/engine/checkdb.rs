//! DBCC CHECKDB: reads every page and says which cannot be trusted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::Engine;
use super::damage::Spoiled;
use super::faults::BackupFaults;
use super::ordinary::text_value;
use super::progress::{Of, Progress};
use crate::contents::{self, Origin};
use crate::database::{Database, PAGE_BYTES};
use crate::error::SqlError;
use crate::identity::Identity;
use crate::mtf::{self, PageSource, VerifyFault};
use crate::pages::{EXTENT_BYTES, FIRST_USER_OBJECT, Page, is_intact, is_missing, object_of};
use crate::session::output::{Failure, Output};
use crate::sql::batch::databases::CheckDb;
use crate::sql::store::Variables;
use crate::tds::token::Column;
use crate::value::{SqlType, Value};
use crate::views::{UserTable, partition_id, user_tables_of};

type Outcome<T> = std::result::Result<T, Failure>;

/// The columns of `WITH TABLERESULTS`.
const COLUMNS: [(&str, SqlType); 23] = [
    ("Error", SqlType::Int),
    ("Level", SqlType::Int),
    ("State", SqlType::Int),
    ("MessageText", SqlType::NVarChar(2048)),
    ("RepairLevel", SqlType::NVarChar(22)),
    ("Status", SqlType::Int),
    ("DbId", SqlType::SmallInt),
    ("DbFragId", SqlType::SmallInt),
    ("ObjectId", SqlType::Int),
    ("IndexId", SqlType::Int),
    ("PartitionId", SqlType::BigInt),
    ("AllocUnitId", SqlType::BigInt),
    ("RidDbId", SqlType::SmallInt),
    ("RidPruId", SqlType::SmallInt),
    ("File", SqlType::SmallInt),
    ("Page", SqlType::Int),
    ("Slot", SqlType::Int),
    ("RefDbId", SqlType::SmallInt),
    ("RefPruId", SqlType::SmallInt),
    ("RefFile", SqlType::SmallInt),
    ("RefPage", SqlType::Int),
    ("RefSlot", SqlType::Int),
    ("Allocation", SqlType::SmallInt),
];

/// What mends a bad page: giving up what was on it.
const REPAIR: &str = "repair_allow_data_loss";

/// Something that CHECKDB says.
struct Finding {
    error: SqlError,
    repair: bool,
    table: Option<UserTable>,
    page: u32,
}

/// What was read.
#[derive(Default)]
struct Seen {
    /// Bad pages by number, with the object that each says it belongs to
    bad: BTreeMap<u32, u32>,
}

impl Seen {
    fn look(&mut self, number: u32, page: &Page, used: bool) {
        if is_intact(page) == Some(false) || used && is_missing(page) {
            self.bad.entry(number).or_insert_with(|| object_of(page));
        }
    }
}

impl Engine {
    pub(super) fn check_db(
        &mut self,
        check: &CheckDb,
        faults: BackupFaults,
        variables: &Variables,
        out: &mut Output,
    ) -> Outcome<()> {
        let name = match &check.database {
            Some(name) => text_value(name, variables)?,
            None => self.scope.database_name(),
        };
        let (database, identity) = self.may_check(&name)?;
        let mut progress = Progress::new(self, Of::Check, 100, faults, out);
        let seen = examine(&database, &identity, &mut progress)?;
        for page in seen.bad.keys() {
            self.remember_bad_page(database.id, *page);
        }
        let findings = findings(&database, &seen, !check.only_errors)?;
        if check.rows {
            as_rows(&findings, &database, out)?
        } else {
            as_messages(&findings, out)?
        }
        if !check.only_errors {
            let text = "DBCC execution completed. If DBCC printed error messages, contact your system administrator.";
            out.info(&SqlError::new(2528, text).class(0))?;
        }
        if check.rows && !findings.is_empty() {
            out.done(Some(findings.len() as u64));
        } else if seen.bad.is_empty() {
            out.done(None);
        } else {
            out.failed();
        }
        Ok(())
    }

    /// The database, for its owners and for `sysadmin`.
    fn may_check(&self, name: &str) -> Outcome<(Database, Identity)> {
        let mut state = self.instance().state();
        let (login, spid) = (&self.scope.login, self.scope.spid);
        let database = state.database(name)?.clone();
        state.check_entry(login, spid, &database)?;
        if !state.may_in(login, &database, "CONTROL") {
            let text = format!(
                "User '{login}' does not have permission to run DBCC CHECKDB for database '{}'.",
                database.name
            );
            return Err(SqlError::new(7983, text).class(14).state(36).into());
        }
        if let Some(session) = state.sessions.get_mut(&spid) {
            session.uses.insert(database.id);
        }
        Ok((database, state.identity.clone()))
    }
}

/// 8921: it could not be looked at all of it.
fn terminated(error: impl std::fmt::Display) -> Failure {
    tracing::info!(%error, "DBCC CHECKDB cannot go on");
    let text = "Check terminated.  A failure was detected while collecting facts. Possibly tempdb out of space or a system \
                table is inconsistent. Check previous errors.";
    SqlError::new(8921, text).into()
}

/// Reads the database as it is, and the files that a restore has made of it.
fn examine(database: &Database, identity: &Identity, progress: &mut Progress<'_>) -> Outcome<Seen> {
    let mut seen = Seen::default();
    for bad in &database.bad_pages {
        seen.bad.insert(bad.page, 0);
    }
    if let Origin::File(given) = &database.origin {
        match mtf::verify(given, false) {
            Ok(()) => {}
            Err(VerifyFault::PageDamaged { page, .. }) => drop(seen.bad.insert(page, 0)),
            Err(fault) => return Err(terminated(fault)),
        }
        progress.try_step(1, 1)?;
        return Ok(seen);
    }
    let file = Path::new(&database.data_file.path);
    let file_pages = std::fs::metadata(file).map_or(0, |metadata| metadata.len() / PAGE_BYTES);
    let pages = contents::page_source(database, identity, database.backups).map_err(terminated)?;
    let Some(pages) = pages else { return Err(terminated("it has no pages")) };
    let mut pages = Spoiled::new(pages, database, false);
    let total = pages.total_pages() + file_pages;
    let mut done = 0;
    let mut extent = Box::new([0; EXTENT_BYTES]);
    while let Some(id) = pages.next_extent(&mut extent).map_err(terminated)? {
        for (number, page) in (id.first_page..).zip(extent.as_chunks().0) {
            seen.look(number, page, false);
        }
        done += (EXTENT_BYTES as u64) / PAGE_BYTES;
        progress.try_step(done, total)?;
    }
    if file_pages > 0 {
        look_at_file(file, &mut seen, |read| progress.try_step(done + read, total))?;
    }
    let rows = contents::open_rows(&database.rows).map_err(terminated)?;
    let verdict: String =
        rows.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(terminated)?;
    if verdict == "ok" { Ok(seen) } else { Err(terminated(verdict)) }
}

/// Reads a data file from its beginning to its end, telling how many pages were read.
fn look_at_file(path: &Path, seen: &mut Seen, mut step: impl FnMut(u64) -> Outcome<()>) -> Outcome<()> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(terminated)?);
    let mut map = crate::pages::FreeSpace::default();
    let mut page = Box::new([0; PAGE_BYTES as usize]);
    for number in 0_u32.. {
        match file.read_exact(&mut page[..]) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(terminated(error)),
        }
        let used = map.is_used(number, &page);
        seen.look(number, &page, used);
        if number.is_multiple_of(64) {
            step(u64::from(number))?;
        }
    }
    Ok(())
}

fn findings(database: &Database, seen: &Seen, verbose: bool) -> Outcome<Vec<Finding>> {
    let tables = user_tables_of(&database.rows).map_err(terminated)?;
    let mut findings = Vec::new();
    let mut counts: BTreeMap<i64, (UserTable, u32)> = BTreeMap::new();
    for (page, object) in &seen.bad {
        let named = database.bad_pages.iter().find(|bad| bad.page == *page).and_then(|bad| bad.table.clone());
        let by_number = object.checked_sub(FIRST_USER_OBJECT).and_then(|index| tables.get(index as usize));
        let by_name = tables.iter().find(|table| Some(&table.name) == named.as_ref());
        let known = by_name.or(by_number).cloned();
        let table =
            known.unwrap_or_else(|| UserTable { id: i64::from(*object), name: "sys.sysobjects".to_owned() });
        findings.extend(bad_page(&table, *page));
        counts.entry(table.id).or_insert_with(|| (table.clone(), 0)).1 += 2;
    }
    let info = |number: i32, text: String, table: Option<UserTable>| Finding {
        error: SqlError::new(number, text).class(10),
        repair: false,
        table,
        page: 0,
    };
    for (table, errors) in counts.values() {
        let text = format!(
            "CHECKDB found 0 allocation errors and {errors} consistency errors in table '{}' (object ID {}).",
            table.name, table.id
        );
        findings.push(info(8990, text, Some(table.clone())));
    }
    let errors: u32 = counts.values().map(|(_, errors)| errors).sum();
    if errors > 0 || verbose {
        let text = format!(
            "CHECKDB found 0 allocation errors and {errors} consistency errors in database '{}'.",
            database.name
        );
        findings.push(info(8989, text, None));
    }
    if errors > 0 {
        let text = format!(
            "{REPAIR} is the minimum repair level for the errors found by DBCC CHECKDB ({}).",
            database.name
        );
        findings.push(info(8958, text, None));
    }
    Ok(findings)
}

/// The two errors of a page that cannot be read.
fn bad_page(table: &UserTable, page: u32) -> [Finding; 2] {
    let place = format!(
        "Object ID {}, index ID 0, partition ID {}, alloc unit ID {} (type In-row data)",
        table.id,
        partition_id(table.id),
        partition_id(table.id) + 4_294_967_296
    );
    let finding = |number: i32, state: u8, text: String| Finding {
        error: SqlError::new(number, text).state(state),
        repair: true,
        table: Some(table.clone()),
        page,
    };
    [
        finding(
            8928,
            1,
            format!("{place}: Page (1:{page}) could not be processed.  See other errors for details."),
        ),
        finding(
            8939,
            98,
            format!(
                "Table error: {place}, page (1:{page}). Test (IS_OFF (BUF_IOERR, pBUF->bstat)) failed. Values are 133129 and \
                 -4."
            ),
        ),
    ]
}

fn as_rows(findings: &[Finding], database: &Database, out: &mut Output) -> Outcome<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let columns = COLUMNS.map(|(name, sql_type)| Column::new(name, sql_type));
    out.columns(&columns)?;
    for finding in findings {
        let error = &finding.error;
        let object = finding.table.as_ref().map_or(0, |table| table.id);
        let partition = finding.table.as_ref().map_or(0, |table| partition_id(table.id));
        let unit = if partition == 0 { 0 } else { partition + 4_294_967_296 };
        let zero = Value::Int(0);
        let row = vec![
            Value::Int(error.number.into()),
            Value::Int(error.class.into()),
            Value::Int(error.state.into()),
            error.message.as_str().into(),
            if finding.repair { REPAIR.into() } else { Value::Null },
            Value::Int(if finding.repair { 2 } else { 0 }),
            Value::Int(database.id.into()),
            zero.clone(),
            Value::Int(object),
            zero.clone(),
            Value::Int(partition),
            Value::Int(unit),
            Value::Int(if finding.page > 0 { database.id.into() } else { 0 }),
            zero.clone(),
            Value::Int(i64::from(finding.page > 0)),
            Value::Int(finding.page.into()),
            zero.clone(),
            zero.clone(),
            zero.clone(),
            zero.clone(),
            zero.clone(),
            zero.clone(),
            Value::Int(i64::from(finding.repair)),
        ];
        out.row(&columns, &row)?;
    }
    Ok(())
}

fn as_messages(findings: &[Finding], out: &mut Output) -> Outcome<()> {
    for Finding { error, .. } in findings {
        if error.class > 10 {
            out.error(error);
        } else {
            out.info(&error.clone().class(0))?;
        }
    }
    Ok(())
}
