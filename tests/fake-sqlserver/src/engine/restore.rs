//! RESTORE VERIFYONLY, HEADERONLY and FILELISTONLY.

use std::path::Path;

use super::Engine;
use super::backup::terminated;
use super::ordinary::{said, text_value};
use crate::error::SqlError;
use crate::mtf::{self, FileRow, HeaderFault, HeaderInfo, VerifyFault};
use crate::os_error::as_windows;
use crate::session::output::{Failure, Output};
use crate::sql::batch::media::{Restore, RestoreKind, no_such_set};
use crate::sql::batch::unsupported;
use crate::sql::store::Variables;
use crate::tds::token::Column;
use crate::value::{SqlType, Value};

type Outcome<T> = std::result::Result<T, Failure>;

impl Engine {
    pub(super) fn restore(
        &mut self,
        restore: &Restore,
        variables: &Variables,
        out: &mut Output,
    ) -> Outcome<()> {
        let statement = match restore.kind {
            RestoreKind::VerifyOnly => "VERIFY DATABASE",
            RestoreKind::HeaderOnly => "RESTORE HEADERONLY",
            RestoreKind::FileListOnly => "RESTORE FILELIST",
        };
        let failed = |error| terminated(statement, error);
        let [device] = restore.devices.as_slice() else {
            return Err(unsupported("RESTORE from several devices").into());
        };
        let device = text_value(device, variables)?;
        if self.scope.current().transactions > 0 {
            let text = "Cannot perform a backup or restore operation within a transaction.";
            return Err(failed(SqlError::new(3021, text).state(0)));
        }
        if !self.scope.may("CREATE ANY DATABASE") {
            let text = "CREATE DATABASE permission denied in database 'master'.";
            return Err(failed(SqlError::new(262, text).class(14)));
        }
        let path = self.device_path(&device);
        match restore.kind {
            RestoreKind::VerifyOnly => {
                verify(&path, &device, restore).map_err(failed)?;
                out.info(&SqlError::new(3262, "The backup set on file 1 is valid.").class(0))?;
                out.done(None);
                Ok(())
            }
            RestoreKind::HeaderOnly => {
                let header = open_media(&path, &device, restore.file).map_err(failed)?;
                said(&HEADER.map(|(name, sql_type)| Column::new(name, sql_type)), &[header_row(&header)], out)
            }
            RestoreKind::FileListOnly => {
                let header = open_media(&path, &device, restore.file).map_err(failed)?;
                let rows: Vec<Vec<Value>> = header.files.iter().map(|file| file_row(file, &header)).collect();
                said(&FILES.map(|(name, sql_type)| Column::new(name, sql_type)), &rows, out)
            }
        }
    }
}

/// 3201 of a device that is to be read.
fn cannot_open(device: &str, error: &std::io::Error) -> SqlError {
    let (code, text) = as_windows(error, false);
    let text = format!("Cannot open backup device '{device}'. Operating system error {code}({text}).");
    SqlError::new(3201, text).state(2)
}

fn verify(path: &Path, device: &str, restore: &Restore) -> std::result::Result<(), SqlError> {
    std::fs::File::open(path).map_err(|error| cannot_open(device, &error))?;
    if restore.file != 1 {
        return Err(no_such_set(restore.file.into(), device));
    }
    mtf::verify(path, restore.checksum).map_err(|fault| named(&fault, path, device))
}

/// The fault under the device's own name.
fn named(fault: &VerifyFault, path: &Path, device: &str) -> SqlError {
    let number = i32::try_from(fault.number()).unwrap_or_default();
    SqlError::new(number, fault.to_string().replace(&path.display().to_string(), device))
}

/// What a walk through a file that was said to be whole has found.
pub(super) fn damaged(fault: mtf::walk::Fault, path: &Path, device: &str) -> SqlError {
    named(&VerifyFault::of_walk(fault, device.to_owned()), path, device)
}

/// The headers of the backup set number `file`.
pub(super) fn open_media(path: &Path, device: &str, file: u16) -> std::result::Result<HeaderInfo, SqlError> {
    let read = mtf::read_header(path).map_err(|fault| match fault {
        HeaderFault::Io(error) => cannot_open(device, &error),
        HeaderFault::Empty => named(&VerifyFault::Empty(device.to_owned()), path, device),
        HeaderFault::NotADatabase => named(&VerifyFault::NotASet(device.to_owned()), path, device),
        HeaderFault::Compressed => unsupported("RESTORE of a compressed backup"),
        HeaderFault::Damaged(_) => match mtf::verify(path, false) {
            Err(fault) => named(&fault, path, device),
            Ok(()) => named(&VerifyFault::IncorrectlyFormed(device.to_owned()), path, device),
        },
    })?;
    if file == 1 { Ok(read) } else { Err(no_such_set(file.into(), device)) }
}

const LSN: SqlType = SqlType::Decimal(25, 0);

/// The columns of RESTORE HEADERONLY.
const HEADER: [(&str, SqlType); 59] = [
    ("BackupName", SqlType::NVarChar(128)),
    ("BackupDescription", SqlType::NVarChar(255)),
    ("BackupType", SqlType::TinyInt),
    ("ExpirationDate", SqlType::DateTime),
    ("Compressed", SqlType::TinyInt),
    ("Position", SqlType::SmallInt),
    ("DeviceType", SqlType::TinyInt),
    ("UserName", SqlType::NVarChar(128)),
    ("ServerName", SqlType::NVarChar(128)),
    ("DatabaseName", SqlType::NVarChar(128)),
    ("DatabaseVersion", SqlType::Int),
    ("DatabaseCreationDate", SqlType::DateTime),
    ("BackupSize", SqlType::BigInt),
    ("FirstLSN", LSN),
    ("LastLSN", LSN),
    ("CheckpointLSN", LSN),
    ("DatabaseBackupLSN", LSN),
    ("BackupStartDate", SqlType::DateTime),
    ("BackupFinishDate", SqlType::DateTime),
    ("SortOrder", SqlType::SmallInt),
    ("CodePage", SqlType::SmallInt),
    ("UnicodeLocaleId", SqlType::Int),
    ("UnicodeComparisonStyle", SqlType::Int),
    ("CompatibilityLevel", SqlType::TinyInt),
    ("SoftwareVendorId", SqlType::Int),
    ("SoftwareVersionMajor", SqlType::Int),
    ("SoftwareVersionMinor", SqlType::Int),
    ("SoftwareVersionBuild", SqlType::Int),
    ("MachineName", SqlType::NVarChar(128)),
    ("Flags", SqlType::Int),
    ("BindingID", SqlType::Guid),
    ("RecoveryForkID", SqlType::Guid),
    ("Collation", SqlType::NVarChar(128)),
    ("FamilyGUID", SqlType::Guid),
    ("HasBulkLoggedData", SqlType::Bit),
    ("IsSnapshot", SqlType::Bit),
    ("IsReadOnly", SqlType::Bit),
    ("IsSingleUser", SqlType::Bit),
    ("HasBackupChecksums", SqlType::Bit),
    ("IsDamaged", SqlType::Bit),
    ("BeginsLogChain", SqlType::Bit),
    ("HasIncompleteMetaData", SqlType::Bit),
    ("IsForceOffline", SqlType::Bit),
    ("IsCopyOnly", SqlType::Bit),
    ("FirstRecoveryForkID", SqlType::Guid),
    ("ForkPointLSN", LSN),
    ("RecoveryModel", SqlType::NVarChar(60)),
    ("DifferentialBaseLSN", LSN),
    ("DifferentialBaseGUID", SqlType::Guid),
    ("BackupTypeDescription", SqlType::NVarChar(128)),
    ("BackupSetGUID", SqlType::Guid),
    ("CompressedBackupSize", SqlType::BigInt),
    ("Containment", SqlType::TinyInt),
    ("KeyAlgorithm", SqlType::NVarChar(32)),
    ("EncryptorThumbprint", SqlType::VarBinary(20)),
    ("EncryptorType", SqlType::NVarChar(32)),
    ("LastValidRestoreTime", SqlType::DateTime),
    ("TimeZone", SqlType::SmallInt),
    ("CompressionAlgorithm", SqlType::NVarChar(32)),
];

/// `SoftwareVendorId` of SQL Server.
const VENDOR: i64 = 4608;

fn lsn(lsn: mtf::Lsn) -> Value {
    Value::Decimal(i128::try_from(lsn.number()).unwrap_or_default(), 0)
}

fn header_row(header: &HeaderInfo) -> Vec<Value> {
    let int = |number: i64| Value::Int(number);
    let no = || Value::Int(0);
    let moment = |moment: Option<chrono::NaiveDateTime>| moment.into();
    vec![
        header.backup_name.clone().into(),
        header.backup_description.clone().into(),
        int(1),
        Value::Null,
        no(),
        int(1),
        int(2),
        header.user.clone().into(),
        header.server.clone().into(),
        header.database.clone().into(),
        int(header.database_version.into()),
        moment(header.created),
        int(header.backup_bytes as i64),
        lsn(header.first_lsn),
        lsn(header.last_lsn),
        lsn(header.checkpoint_lsn),
        lsn(header.database_backup_lsn),
        moment(header.started),
        moment(header.finished),
        int(header.sort_order.into()),
        no(),
        int(header.locale.into()),
        int(header.comparison_style.into()),
        int(header.compatibility.into()),
        int(VENDOR),
        int(header.version.major.into()),
        int(header.version.minor.into()),
        int(header.version.build.into()),
        header.machine.clone().into(),
        int(header.flags.into()),
        Value::Guid(header.binding),
        Value::Guid(header.fork),
        header.collation.map(str::to_owned).into(),
        Value::Guid(header.family),
        no(),
        no(),
        no(),
        no(),
        Value::from(header.has_checksums()),
        no(),
        no(),
        no(),
        no(),
        Value::from(header.is_copy_only()),
        Value::Guid(header.fork),
        Value::Null,
        header.recovery.name().into(),
        Value::Null,
        Value::Null,
        "Database".into(),
        Value::Guid(header.set),
        int(header.backup_bytes as i64),
        no(),
        Value::Null,
        Value::Null,
        Value::Null,
        moment(header.finished),
        int(header.zone_quarters.into()),
        Value::Null,
    ]
}

/// The columns of RESTORE FILELISTONLY.
const FILES: [(&str, SqlType); 22] = [
    ("LogicalName", SqlType::NVarChar(128)),
    ("PhysicalName", SqlType::NVarChar(260)),
    ("Type", SqlType::NChar(1)),
    ("FileGroupName", SqlType::NVarChar(128)),
    ("Size", SqlType::BigInt),
    ("MaxSize", SqlType::BigInt),
    ("FileId", SqlType::BigInt),
    ("CreateLSN", LSN),
    ("DropLSN", LSN),
    ("UniqueId", SqlType::Guid),
    ("ReadOnlyLSN", LSN),
    ("ReadWriteLSN", LSN),
    ("BackupSizeInBytes", SqlType::BigInt),
    ("SourceBlockSize", SqlType::Int),
    ("FileGroupId", SqlType::Int),
    ("LogGroupGUID", SqlType::Guid),
    ("DifferentialBaseLSN", LSN),
    ("DifferentialBaseGUID", SqlType::Guid),
    ("IsReadOnly", SqlType::Bit),
    ("IsPresent", SqlType::Bit),
    ("TDEThumbprint", SqlType::VarBinary(20)),
    ("SnapshotUrl", SqlType::NVarChar(336)),
];

fn file_row(row: &FileRow, header: &HeaderInfo) -> Vec<Value> {
    let file = &row.entry;
    let zero = || Value::Decimal(0, 0);
    let base = |value: Value| if file.log { zero() } else { value };
    vec![
        file.logical_name.clone().into(),
        file.physical_name.clone().into(),
        row.kind.to_string().into(),
        row.file_group.clone().into(),
        Value::Int(file.size_bytes as i64),
        Value::Int(file.max_size_bytes as i64),
        Value::Int(file.file_id.into()),
        zero(),
        zero(),
        Value::Guid(file.unique_id),
        zero(),
        zero(),
        Value::Int(file.backup_bytes as i64),
        Value::Int(512),
        Value::from(!file.log),
        Value::Null,
        base(lsn(if file.base_lsn == mtf::Lsn::default() {
            header.database_backup_lsn
        } else {
            file.base_lsn
        })),
        Value::Guid(file.base_set),
        Value::Int(0),
        Value::Int(1),
        Value::Null,
        Value::Null,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a trace of the real server shows the columns: the type and its bytes.
    const REAL_HEADER: &str = "BackupName NVarChar(256), BackupDescription NVarChar(510), BackupType IntN(1), \
         ExpirationDate DateTimeN(8), Compressed IntN(1), Position IntN(2), DeviceType IntN(1), \
         UserName NVarChar(256), ServerName NVarChar(256), DatabaseName NVarChar(256), \
         DatabaseVersion IntN(4), DatabaseCreationDate DateTimeN(8), BackupSize IntN(8), \
         FirstLSN NumericN(25; 0), LastLSN NumericN(25; 0), CheckpointLSN NumericN(25; 0), \
         DatabaseBackupLSN NumericN(25; 0), BackupStartDate DateTimeN(8), BackupFinishDate DateTimeN(8), \
         SortOrder IntN(2), CodePage IntN(2), UnicodeLocaleId IntN(4), UnicodeComparisonStyle IntN(4), \
         CompatibilityLevel IntN(1), SoftwareVendorId IntN(4), SoftwareVersionMajor IntN(4), \
         SoftwareVersionMinor IntN(4), SoftwareVersionBuild IntN(4), MachineName NVarChar(256), Flags IntN(4), \
         BindingID Guid, RecoveryForkID Guid, Collation NVarChar(256), FamilyGUID Guid, \
         HasBulkLoggedData BitN, IsSnapshot BitN, IsReadOnly BitN, IsSingleUser BitN, HasBackupChecksums BitN, \
         IsDamaged BitN, BeginsLogChain BitN, HasIncompleteMetaData BitN, IsForceOffline BitN, \
         IsCopyOnly BitN, FirstRecoveryForkID Guid, ForkPointLSN NumericN(25; 0), RecoveryModel NVarChar(120), \
         DifferentialBaseLSN NumericN(25; 0), DifferentialBaseGUID Guid, BackupTypeDescription NVarChar(256), \
         BackupSetGUID Guid, CompressedBackupSize IntN(8), Containment IntN(1), KeyAlgorithm NVarChar(64), \
         EncryptorThumbprint VarBinary(20), EncryptorType NVarChar(64), LastValidRestoreTime DateTimeN(8), \
         TimeZone IntN(2), CompressionAlgorithm NVarChar(64)";
    const REAL_FILES: &str = "LogicalName NVarChar(256), PhysicalName NVarChar(520), Type NChar(2), FileGroupName NVarChar(256), \
         Size IntN(8), MaxSize IntN(8), FileId IntN(8), CreateLSN NumericN(25; 0), DropLSN NumericN(25; 0), \
         UniqueId Guid, ReadOnlyLSN NumericN(25; 0), ReadWriteLSN NumericN(25; 0), BackupSizeInBytes IntN(8), \
         SourceBlockSize IntN(4), FileGroupId IntN(4), LogGroupGUID Guid, DifferentialBaseLSN NumericN(25; 0), \
         DifferentialBaseGUID Guid, IsReadOnly BitN, IsPresent BitN, TDEThumbprint VarBinary(20), \
         SnapshotUrl NVarChar(672)";

    fn traced(columns: &[(&str, SqlType)]) -> String {
        let one = |(name, sql_type): &(&str, SqlType)| match sql_type {
            SqlType::Bit => format!("{name} BitN"),
            SqlType::Guid => format!("{name} Guid"),
            SqlType::TinyInt => format!("{name} IntN(1)"),
            SqlType::SmallInt => format!("{name} IntN(2)"),
            SqlType::Int => format!("{name} IntN(4)"),
            SqlType::BigInt => format!("{name} IntN(8)"),
            SqlType::DateTime => format!("{name} DateTimeN(8)"),
            SqlType::Decimal(precision, scale) => format!("{name} NumericN({precision}; {scale})"),
            SqlType::NChar(length) => format!("{name} NChar({})", length * 2),
            SqlType::NVarChar(length) => format!("{name} NVarChar({})", length * 2),
            SqlType::VarBinary(length) => format!("{name} VarBinary({length})"),
            SqlType::Real
            | SqlType::Float
            | SqlType::Money
            | SqlType::Date
            | SqlType::Time(_)
            | SqlType::SmallDateTime
            | SqlType::DateTime2(_)
            | SqlType::DateTimeOffset(_)
            | SqlType::Char(_)
            | SqlType::VarChar(_)
            | SqlType::Binary(_)
            | SqlType::Variant => format!("{name} {sql_type}"),
        };
        columns.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_columns_are_those_of_the_real_server() {
        assert_eq!(traced(&HEADER), REAL_HEADER);
        assert_eq!(traced(&FILES), REAL_FILES);
    }
}
