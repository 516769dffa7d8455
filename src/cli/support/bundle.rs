//! The parts of the report, and the zip that they become. A secret that is known is taken out of each of them, wherever it may
//! have come from.

use crate::clock::Clock;
use crate::problem::{Problem, Result};
use crate::words;
use crate::words::{Language, Words, bytes};
use chrono::{Datelike, Timelike};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Of each file of the log its end is taken, at most so much.
const MOST_OF_A_LOG: u64 = 4 << 20;

/// Of all of them together at most so much, the newest first.
const MOST_LOG: u64 = 24 << 20;

/// Shorter secrets would take too much out of the text around them; no server's password policy allows them.
const SHORTEST_SECRET: usize = 4;

/// What stands where a secret was.
const HIDDEN: &[u8] = b"***";

/// One file of the zip.
#[derive(Debug)]
struct Part {
    name: String,
    what: Words,
    content: Vec<u8>,
}

/// The report before it is written.
#[derive(Debug)]
pub struct Bundle {
    parts: Vec<Part>,
    missing: Vec<Words>,
    secrets: Vec<Vec<u8>>,
}

impl Bundle {
    /// Nothing yet; `secrets` will stand in no part.
    pub fn new(secrets: Vec<String>) -> Self {
        let as_in_json = |text: &String| {
            let quoted = serde_json::to_string(text).unwrap_or_default();
            quoted.trim_matches('"').as_bytes().to_vec()
        };
        let known = secrets.iter().filter(|secret| secret.len() >= SHORTEST_SECRET);
        let mut secrets: Vec<Vec<u8>> =
            known.flat_map(|secret| [as_in_json(secret), secret.as_bytes().to_vec()]).collect();
        secrets.dedup();
        Self { parts: Vec::new(), missing: Vec::new(), secrets }
    }

    /// Adds a value as JSON.
    ///
    /// # Errors
    /// It has no JSON form.
    pub fn json(&mut self, name: &str, what: Words, value: &impl Serialize) -> Result<()> {
        let mut content = serde_json::to_vec_pretty(value).map_err(Problem::internal)?;
        content.push(b'\n');
        self.add(name.to_owned(), what, content);
        Ok(())
    }

    /// Adds a value as JSON, or why there is none.
    ///
    /// # Errors
    /// As [`json`](Self::json).
    pub fn part(&mut self, name: &str, what: Words, value: Result<impl Serialize>) -> Result<()> {
        match value {
            Ok(value) => self.json(name, what, &value),
            Err(problem) => {
                let Words { pt, en } = problem.sentence;
                self.lack(words!("{name}: {pt}", "{name}: {en}"));
                Ok(())
            }
        }
    }

    /// Notes what could not be had.
    pub fn lack(&mut self, why: Words) {
        self.missing.push(why);
    }

    /// Adds the ends of the log's files, the newest first.
    pub fn logs(&mut self, folder: &Path) {
        let mut room = MOST_LOG;
        let files = match files(folder) {
            Ok(files) => files,
            Err(error) => return self.lack(unread(folder, &error)),
        };
        for path in files {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            match end_of(&path, room.min(MOST_OF_A_LOG)) {
                Ok(content) => {
                    room -= content.len() as u64;
                    let name = format!("log/{name}");
                    self.add(name, words!("registro do programa", "the program's log"), content);
                }
                Err(error) => self.lack(unread(&path, &error)),
            }
            if room == 0 {
                return;
            }
        }
    }

    /// The names of the parts.
    pub fn names(&self) -> Vec<&str> {
        self.parts.iter().map(|part| part.name.as_str()).collect()
    }

    /// What could not be had.
    pub fn missing(&self) -> &[Words] {
        &self.missing
    }

    /// What is in it and what is not, for people.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let line = |part: &Part| {
            let size = bytes(part.content.len() as u64, language);
            format!("  {:<26} {size:>9}  {}", part.name, part.what.get(language))
        };
        let missing = words!("falta", "missing");
        let lacks = |why: &Words| format!("  {}: {}", missing.get(language), why.get(language));
        self.parts.iter().map(line).chain(self.missing.iter().map(lacks)).collect()
    }

    /// The whole as a zip, with a list of what is in it.
    ///
    /// # Errors
    /// What should not happen: it is made in memory.
    pub fn zip(&self, language: Language, clock: &dyn Clock) -> Result<Vec<u8>> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(0o600)
            .last_modified_time(now(clock));
        let list = self.lines(language).join("\n") + "\n";
        let name = words!("LEIA-ME.txt", "READ-ME.txt");
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let first = (name.get(language), list.as_bytes());
        let parts = self.parts.iter().map(|part| (part.name.as_str(), part.content.as_slice()));
        for (name, content) in std::iter::once(first).chain(parts) {
            zip.start_file(name, options).map_err(Problem::internal)?;
            zip.write_all(content).map_err(Problem::internal)?;
        }
        Ok(zip.finish().map_err(Problem::internal)?.into_inner())
    }

    fn add(&mut self, name: String, what: Words, content: Vec<u8>) {
        let content = self.secrets.iter().fold(content, |content, secret| without(&content, secret));
        self.parts.push(Part { name, what, content });
    }
}

/// `text` with [`HIDDEN`] in the place of `secret`.
fn without(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(secret.len()).position(|piece| piece == secret) {
        clean.extend_from_slice(&rest[..at]);
        clean.extend_from_slice(HIDDEN);
        rest = &rest[at + secret.len()..];
    }
    clean.extend_from_slice(rest);
    clean
}

/// The files of a folder, the last by name first: the log's are named by their day.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<_> = entries.iter().map(fs::DirEntry::path).filter(|path| path.is_file()).collect();
    files.sort();
    files.reverse();
    Ok(files)
}

fn end_of(path: &Path, most_bytes: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most_bytes)))?;
    let mut content = Vec::new();
    file.take(most_bytes).read_to_end(&mut content)?;
    Ok(content)
}

fn unread(path: &Path, error: &io::Error) -> Words {
    let shown = path.display();
    words!("{shown} não pôde ser lido ({error})", "{shown} cannot be read ({error})")
}

/// The local time as zips keep it; they know none before 1980.
fn now(clock: &dyn Clock) -> DateTime {
    let at = clock.local_now();
    let part = |value: u32| u8::try_from(value).unwrap_or_default();
    let year = u16::try_from(at.year()).unwrap_or_default();
    DateTime::from_date_and_time(
        year,
        part(at.month()),
        part(at.day()),
        part(at.hour()),
        part(at.minute()),
        part(at.second()),
    )
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn unpacked(zip: Vec<u8>) -> Vec<(String, String)> {
        let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        (0..zip.len())
            .map(|at| {
                let mut file = zip.by_index(at).unwrap();
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                (file.name().unwrap().into_owned(), text)
            })
            .collect()
    }

    #[test]
    fn a_secret_stands_in_no_part_however_it_got_there() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("2026-11-22.log"), "senha=ab\"re-te, ab\"re-te\n").unwrap();
        let mut bundle = Bundle::new(vec!["ab\"re-te".to_owned(), "x".to_owned()]);
        bundle.json("a.json", Words::same(""), &serde_json::json!({ "p": "x ab\"re-te" })).unwrap();
        bundle.logs(folder.path());
        let parts = unpacked(bundle.zip(Language::Portuguese, &SystemClock).unwrap());
        assert_eq!(
            parts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["LEIA-ME.txt", "a.json", "log/2026-11-22.log"]
        );
        assert!(parts.iter().all(|(_, text)| !text.contains("re-te")), "{parts:?}");
        assert!(parts[1].1.contains("x ***"), "one letter is no password: {parts:?}");
    }

    #[test]
    fn a_long_log_is_told_from_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.log");
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(end_of(&path, 4).unwrap(), b"6789");
        assert_eq!(end_of(&path, 40).unwrap(), b"0123456789");
    }

    #[test]
    fn what_could_not_be_had_is_named() {
        let mut bundle = Bundle::new(Vec::new());
        bundle.logs(Path::new("/no such folder"));
        bundle.part("status.json", Words::same(""), Err::<(), _>(Problem::internal("x"))).unwrap();
        assert_eq!(bundle.missing().len(), 2);
        let list = &unpacked(bundle.zip(Language::English, &SystemClock).unwrap())[0];
        assert!(list.0 == "READ-ME.txt" && list.1.contains("missing: status.json"), "{list:?}");
    }
}
