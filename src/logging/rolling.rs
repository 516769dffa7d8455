//! One file a day, and the oldest of them gone.

use chrono::NaiveDate;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Largest file of a day, in bytes: a storm of errors must not fill the disk that backups need.
pub(super) const LARGEST_FILE_BYTES: u64 = 64 << 20;

const PREFIX: &str = "dmbackup-";
const SUFFIX: &str = ".log";

/// The files of the record. No file stays open: one that was deleted or whose disk was away is made anew.
#[derive(Debug)]
pub(super) struct Rolling {
    folder: PathBuf,
    kept: usize,
    /// The day whose first line was written last; its older files are gone.
    tidied: Option<NaiveDate>,
    largest_bytes: u64,
}

impl Rolling {
    /// Files in `folder`, the newest `kept` of them kept (at least the day's own).
    pub fn new(folder: &Path, kept: usize) -> Self {
        Self { folder: folder.to_owned(), kept, tidied: None, largest_bytes: LARGEST_FILE_BYTES }
    }

    /// Appends whole lines to the file of `today`.
    ///
    /// # Errors
    /// The file cannot be written, or the day's file is full.
    pub fn write(&mut self, today: NaiveDate, lines: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        crate::platform::private(options.append(true).create(true));
        let path = self.folder.join(name(today));
        let mut file = match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                crate::platform::make_private_folder(&self.folder)?;
                options.open(&path)?
            }
            opened => opened?,
        };
        if file.metadata()?.len().saturating_add(lines.len() as u64) > self.largest_bytes {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the day's log is full"));
        }
        file.write_all(lines)?;
        if self.tidied != Some(today) {
            self.tidied = Some(today);
            self.tidy(today)?;
        }
        Ok(())
    }

    /// Deletes the oldest files of ours by the dates in their names, beyond the number that is kept. A number and not an age:
    /// a clock that jumped a year ahead must not empty the record.
    fn tidy(&self, today: NaiveDate) -> io::Result<()> {
        let mut days = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            days.extend(entry?.file_name().to_str().and_then(date));
        }
        days.sort_unstable_by(|one, other| other.cmp(one));
        let oldest = days.into_iter().filter(|day| *day != today).skip(self.kept.saturating_sub(1));
        for day in oldest {
            std::fs::remove_file(self.folder.join(name(day)))?;
        }
        Ok(())
    }
}

/// The name of a day's file.
fn name(day: NaiveDate) -> String {
    format!("{PREFIX}{}{SUFFIX}", day.format("%Y-%m-%d"))
}

/// The day of a file of ours; `None` for every other file.
fn date(file: &str) -> Option<NaiveDate> {
    let text = file.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (name(day) == file).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn day(month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, month, day).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn each_day_has_a_file_and_only_the_newest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rolling::new(&folder.path().join("log"), 3);
        for number in 1..=5 {
            log.write(day(2, number), format!("day {number}\n").as_bytes()).unwrap();
            log.write(day(2, number), b"more\n").unwrap();
        }
        let folder = folder.path().join("log");
        assert_eq!(
            names(&folder),
            ["dmbackup-2024-02-03.log", "dmbackup-2024-02-04.log", "dmbackup-2024-02-05.log"]
        );
        assert_eq!(fs::read_to_string(folder.join("dmbackup-2024-02-05.log")).unwrap(), "day 5\nmore\n");
    }

    #[test]
    fn only_files_of_its_own_names_are_ever_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = [
            "dmbackup-2020-1-1.log",
            "dmbackup-2020-01-01.log.gz",
            "dmbackup-2020-13-01.log",
            "notas.txt",
            "x-dmbackup-2020-01-01.log",
        ];
        for name in foreign.iter().chain(&["dmbackup-2020-01-01.log"]) {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        Rolling::new(folder.path(), 1).write(day(1, 1), b"x\n").unwrap();
        let mut expected: Vec<_> = foreign.iter().map(ToString::to_string).collect();
        expected.push("dmbackup-2024-01-01.log".to_owned());
        expected.sort();
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn a_clock_that_jumps_ahead_and_back_empties_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rolling::new(folder.path(), 3);
        log.write(day(1, 1), b"x\n").unwrap();
        log.write(NaiveDate::from_ymd_opt(2031, 1, 1).unwrap(), b"x\n").unwrap();
        log.write(day(1, 2), b"x\n").unwrap();
        assert_eq!(names(folder.path()).len(), 3);
        log.write(day(1, 3), b"x\n").unwrap();
        assert!(names(folder.path()).contains(&"dmbackup-2024-01-03.log".to_owned()), "today's own is kept");
    }

    #[test]
    fn a_file_that_was_deleted_is_made_anew_and_a_day_has_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Rolling { largest_bytes: 10, ..Rolling::new(folder.path(), 3) };
        log.write(day(1, 1), b"12345\n").unwrap();
        fs::remove_file(folder.path().join("dmbackup-2024-01-01.log")).unwrap();
        log.write(day(1, 1), b"12345\n").unwrap();
        assert_eq!(log.write(day(1, 1), b"12345\n").unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        log.write(day(1, 2), b"12345\n").unwrap();
    }
}
