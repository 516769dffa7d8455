//! What `RESTORE VERIFYONLY` answers for a backup file: whether its structure is whole and, with checksums, whether its pages
//! are.

use super::header::{HeaderFault, HeaderInfo, read_header};

use super::walk::{Fault, Item, READ_BYTES, Walker};
use crate::pages::{PAGE_BYTES, Track, is_intact};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

/// What SQL Server says of a backup that it does not accept. Error 3013 follows each of them.
#[derive(Debug, thiserror::Error)]
pub enum VerifyFault {
    /// 3201: the file cannot be opened.
    #[error("Cannot open backup device '{device}'. Operating system error {code}({text}).")]
    CannotOpen {
        /// The path.
        device: String,
        /// The number of the operating system's error, as Windows counts.
        code: u32,
        /// Its text.
        text: String,
    },
    /// 3203: the file ends too early, or cannot be read.
    #[error("Read on \"{device}\" failed: {code}({text})")]
    CannotRead {
        /// The path.
        device: String,
        /// The number of the operating system's error.
        code: u32,
        /// Its text.
        text: String,
    },
    /// 3254: the file is empty.
    #[error("The volume on device '{0}' is empty.")]
    Empty(String),
    /// 3241: what stands at its beginning is no backup.
    #[error(
        "The media family on device '{0}' is incorrectly formed. SQL Server cannot process this media family."
    )]
    IncorrectlyFormed(String),
    /// 3242: a later part is no backup set.
    #[error("The file on device '{0}' is not a valid Microsoft Tape Format backup set.")]
    NotASet(String),
    /// 3132: a file of a striped backup is missing.
    #[error(
        "The media set has {families} media families but only {given} are provided. All members must be provided."
    )]
    StripesMissing {
        /// How many files the backup has.
        families: u16,
        /// How many were given.
        given: u16,
    },
    /// 3183: a page is damaged.
    #[error(
        "RESTORE detected an error on page ({file}:{page}) in database \"{database}\" as read from the backup set."
    )]
    PageDamaged {
        /// The file of the page.
        file: u16,
        /// Its number.
        page: u32,
        /// The database.
        database: String,
    },
    /// 3187: checksums were asked for, and the backup was made without.
    #[error(
        "RESTORE WITH CHECKSUM cannot be specified because the backup set does not contain checksum information."
    )]
    NoChecksums,
    /// 3189: something else in the set is damaged.
    #[error("Damage to the backup set was detected.")]
    SetDamaged,
}

impl VerifyFault {
    /// What a fault in a file's structure is called.
    pub fn of_walk(fault: Fault, device: String) -> Self {
        match fault {
            Fault::Truncated(_) => {
                Self::CannotRead { device, code: 38, text: "Reached the end of the file.".to_owned() }
            }
            Fault::Wrong { at: 0, .. } => Self::IncorrectlyFormed(device),
            Fault::Wrong { what: "the zeros of a pad", .. } => Self::SetDamaged,
            Fault::Wrong { .. } => Self::NotASet(device),
            Fault::Io(error) => {
                Self::CannotRead { device, code: windows_code(&error), text: error.to_string() }
            }
        }
    }

    /// The number of the error.
    pub fn number(&self) -> u32 {
        match self {
            Self::CannotOpen { .. } => 3201,
            Self::CannotRead { .. } => 3203,
            Self::Empty(_) => 3254,
            Self::IncorrectlyFormed(_) => 3241,
            Self::NotASet(_) => 3242,
            Self::StripesMissing { .. } => 3132,
            Self::PageDamaged { .. } => 3183,
            Self::NoChecksums => 3187,
            Self::SetDamaged => 3189,
        }
    }
}

/// Verifies the backup file at `path`, and its pages if it was made with checksums; with `checksum`, one that was made without is
/// refused. A backup that SQL Server compressed is taken for good: the stand-in cannot look into it.
///
/// # Errors
/// What SQL Server would say.
pub fn verify(path: impl AsRef<Path>, checksum: bool) -> Result<(), VerifyFault> {
    let path = path.as_ref();
    let device = path.display().to_string();
    let file = File::open(path).map_err(|error| cannot_open(&device, &error))?;
    let header = match read_header(path) {
        Ok(header) => header,
        Err(HeaderFault::Empty) => return Err(VerifyFault::Empty(device)),
        Err(HeaderFault::Compressed) => return Ok(()),
        Err(HeaderFault::Damaged(fault)) => return Err(VerifyFault::of_walk(fault, device)),
        Err(HeaderFault::NotADatabase) => return Err(VerifyFault::NotASet(device)),
        Err(HeaderFault::Io(error)) => return Err(cannot_open(&device, &error)),
    };
    if header.stripe.count > 1 {
        return Err(VerifyFault::StripesMissing { families: header.stripe.count, given: 1 });
    }
    if checksum && !header.has_checksums() {
        return Err(VerifyFault::NoChecksums);
    }
    read_all(BufReader::with_capacity(READ_BYTES, file), &header, device)
}

fn read_all(file: impl Read + Seek, header: &HeaderInfo, device: String) -> Result<(), VerifyFault> {
    let fault = |fault| VerifyFault::of_walk(fault, device.clone());
    let mut walker = Walker::new(file).map_err(fault)?;
    let judge = header.has_checksums();
    let mut track = Track::default();
    while let Some(item) = walker.step().map_err(fault)? {
        let Item::Stream(stream) = item else { continue };
        if stream.id != *b"MQDA" || stream.length == 0 {
            continue;
        }
        let mut lead = [0; 2];
        let mut page = Box::new([0; PAGE_BYTES]);
        walker.read(&mut lead).map_err(fault)?;
        while walker.read(&mut page[..]).map_err(fault)? == PAGE_BYTES {
            let intact = is_intact(&page) != Some(false);
            let place = track.next(&mut page);
            if judge && place.used && !(intact && place.one_write) {
                let database = header.database.clone();
                return Err(VerifyFault::PageDamaged { file: 1, page: place.number, database });
            }
        }
    }
    if track.is_whole() { Ok(()) } else { Err(VerifyFault::SetDamaged) }
}

fn cannot_open(device: &str, error: &io::Error) -> VerifyFault {
    let code = windows_code(error);
    let text = match code {
        2 => "The system cannot find the file specified.".to_owned(),
        5 => "Access is denied.".to_owned(),
        _ => error.to_string(),
    };
    VerifyFault::CannotOpen { device: device.to_owned(), code, text }
}

/// The number that Windows has for an error.
fn windows_code(error: &io::Error) -> u32 {
    const CODES: [(io::ErrorKind, u32); 4] = [
        (io::ErrorKind::NotFound, 2),
        (io::ErrorKind::PermissionDenied, 5),
        (io::ErrorKind::IsADirectory, 5),
        (io::ErrorKind::StorageFull, 112),
    ];
    let known = CODES.iter().find(|(kind, _)| *kind == error.kind());
    known.map_or(1117, |(_, code)| *code)
}
