//! Testing a zip: is it whole, and is its content what its manifest says?

use super::hash::Sha256Sum;
use super::layout::{self, Layout};
use super::manifest::{MANIFEST_NAME, Manifest, Part};
use super::problems;
use super::read::{self, Open};
use crate::durable::ReadSeek;
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::Words;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::io::{Read, SeekFrom};
use tokio_util::sync::CancellationToken;

/// Deflate cannot make more than 1032 bytes out of one.
const MAX_RATIO: u64 = 1032;
/// Bytes inflated at once.
const PIECE_BYTES: usize = 64 << 10;

/// How much of a zip is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Headers, directory and manifest: whether the file is whole, in milliseconds.
    Structure,
    /// Every byte, twice: as it lies there, and inflated.
    Content,
}

/// What proves the content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The SHA-256 in the manifest. Only this may be called «conferido».
    Manifest,
    /// The CRC-32 in the zip.
    Checksum,
    /// Nothing: it was not read, or it is damaged.
    None,
}

/// One entry that was tested.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntryReport {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its size in the zip in bytes.
    pub packed_bytes: u64,
    /// SHA-256 of its content, if it was read.
    pub sha256: Option<Sha256Sum>,
    /// What proves its content.
    pub proof: Proof,
    /// Whether a password stands before its content.
    pub encrypted: bool,
    /// What is wrong with it.
    pub problem: Option<Problem>,
}

/// A zip that was tested.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TestReport {
    /// Size of the file in bytes.
    pub bytes: u64,
    /// SHA-256 of the file, if all of it was read; `None` for a zip without a manifest.
    pub sha256: Option<Sha256Sum>,
    /// The manifest; `None` in a zip that another program made.
    pub manifest: Option<Manifest>,
    /// The entries.
    pub entries: Vec<EntryReport>,
    /// What is wrong with the zip itself.
    pub problems: Vec<Problem>,
}

impl TestReport {
    /// The first thing that is wrong.
    pub fn problem(&self) -> Option<&Problem> {
        self.problems.iter().chain(self.entries.iter().filter_map(|entry| entry.problem.as_ref())).next()
    }

    /// Whether every byte was read, nothing is wrong, and the hashes of a manifest stand behind all content.
    pub fn confirmed(&self) -> bool {
        self.problem().is_none()
            && self.manifest.is_some()
            && self.entries.iter().all(|entry| entry.proof == Proof::Manifest || entry.name == MANIFEST_NAME)
    }

    /// The result for people.
    pub fn sentence(&self) -> Words {
        if let Some(problem) = self.problem() {
            return problem.sentence.clone();
        }
        if self.confirmed() {
            return words!(
                "conferido: o conteúdo é igual ao que o manifesto registra",
                "confirmed: the content is what the manifest records"
            );
        }
        if self.entries.iter().any(|entry| entry.proof == Proof::None) {
            return words!(
                "o zip está inteiro; o conteúdo não foi lido",
                "the zip is whole; its content was not read"
            );
        }
        words!(
            "nenhum erro encontrado no zip, que não traz manifesto",
            "no error found in the zip, which carries no manifest"
        )
    }
}

/// Tests the zip in `reader`. `observe` sees the content of each entry in order, with the entry's name, where `depth` is
/// [`Depth::Content`]; memory and output are bounded, whatever the zip says of itself.
///
/// What is wrong with the zip is told in the report.
///
/// # Errors
///
/// [`Code::ArchiveDamaged`] for what is no zip or has no readable directory, [`Code::ArchiveNewer`] for a format of a later
/// version, [`Code::FolderIo`] if reading fails, [`Code::RunCancelled`] soon after `cancel`.
pub fn test(
    reader: &mut dyn ReadSeek,
    depth: Depth,
    observe: &mut dyn FnMut(&str, &[u8]),
    cancel: &CancellationToken,
) -> Result<TestReport> {
    let deep = depth == Depth::Content;
    let bytes = reader.seek(SeekFrom::End(0)).map_err(|cause| problems::unreadable(&cause))?;
    let mut report =
        TestReport { bytes, sha256: None, manifest: None, entries: Vec::new(), problems: Vec::new() };
    match read::manifest_of(&mut read::open(reader)?) {
        Ok(manifest) => report.manifest = manifest,
        Err(problem) => report.note(problem)?,
    }
    if let Some(manifest) = &report.manifest {
        match layout::walk(reader, deep, cancel) {
            Ok(layout) => {
                report.sha256 = layout.sha256;
                report.problems.extend(contradiction(manifest, &layout));
            }
            Err(problem) => report.note(problem)?,
        }
    }
    let mut archive = read::open(reader)?;
    if report.manifest.is_none() {
        report.foreign(&mut archive, deep)?;
    }
    for index in 0..archive.len() {
        let entry = Testing { observe, cancel, manifest: report.manifest.as_ref() }.entry(
            &mut archive,
            index,
            deep,
        )?;
        report.entries.push(entry);
    }
    Ok(report)
}

impl TestReport {
    /// Keeps what is wrong with the zip; what is wrong with the reading ends the test.
    fn note(&mut self, problem: Problem) -> Result<()> {
        if problem.code != Code::ArchiveDamaged {
            return Err(problem);
        }
        self.problems.push(problem);
        Ok(())
    }

    /// What can be said of a zip that another program made, or whose manifest is lost.
    fn foreign(&mut self, archive: &mut Open, deep: bool) -> Result<()> {
        if archive.is_empty() {
            self.problems.push(problems::damaged(&words!("ele está vazio", "it is empty")));
        }
        match deep.then(|| archive.validate_header_consistency()) {
            Some(Err(cause)) => self.note(read::unreadable(cause)),
            Some(Ok(())) | None => Ok(()),
        }
    }
}

/// Where the zip does not hold what its manifest says; the contents are compared elsewhere.
fn contradiction(manifest: &Manifest, layout: &Layout) -> Option<Problem> {
    let names = manifest.parts.iter().map(|part| part.name.as_str()).chain([MANIFEST_NAME]);
    if !names.eq(layout.entries.iter().map(|laid| laid.entry.name.as_str())) {
        return Some(problems::damaged(&words!(
            "ele não contém o que o seu manifesto registra",
            "it does not hold what its manifest records"
        )));
    }
    let differs = manifest.parts.iter().zip(&layout.entries).find(|(part, laid)| {
        part.packed_bytes != laid.entry.packed_bytes
            || part.bytes != laid.entry.bytes
            || laid.packed_crc32.is_some_and(|crc32| crc32 != part.packed_crc32)
    });
    differs.map(|(part, _)| altered(&part.name))
}

fn altered(name: &str) -> Problem {
    problems::damaged(&words!(
        "«{name}» não é o que o manifesto registra",
        "“{name}” is not what the manifest records"
    ))
}

/// What one entry is tested with.
struct Testing<'a> {
    observe: &'a mut dyn FnMut(&str, &[u8]),
    cancel: &'a CancellationToken,
    manifest: Option<&'a Manifest>,
}

impl Testing<'_> {
    fn entry(&mut self, archive: &mut Open, index: usize, deep: bool) -> Result<EntryReport> {
        let data = archive.by_index_data(index).map_err(read::unreadable)?;
        let name = String::from_utf8_lossy(data.name_raw()).into_owned();
        let (bytes, packed_bytes, is_dir) = (data.size(), data.compressed_size(), data.is_dir());
        let (sha256, proof, encrypted) = (None, Proof::None, data.encrypted());
        let mut report = EntryReport { name, bytes, packed_bytes, sha256, proof, encrypted, problem: None };
        if is_dir {
            report.proof = Proof::Checksum;
        } else if deep {
            match self.content(archive, index, &report) {
                Ok((sha256, proof)) => (report.sha256, report.proof) = (Some(sha256), proof),
                Err(problem) if problem.code == Code::ArchiveDamaged => report.problem = Some(problem),
                Err(problem) => return Err(problem),
            }
        }
        Ok(report)
    }

    /// Reads the content of an entry to its end.
    fn content(
        &mut self,
        archive: &mut Open,
        index: usize,
        entry: &EntryReport,
    ) -> Result<(Sha256Sum, Proof)> {
        let EntryReport { name, bytes, packed_bytes, .. } = entry;
        if *bytes > packed_bytes.saturating_mul(MAX_RATIO).saturating_add(MAX_RATIO) {
            return Err(wrong_size(name));
        }
        let mut content = archive.by_index(index).map_err(read::unreadable)?;
        let mut sha = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        let mut done = 0;
        loop {
            if self.cancel.is_cancelled() {
                return Err(problems::cancelled());
            }
            let read = content.read(&mut piece).map_err(|cause| problems::unreadable(&cause))?;
            if read == 0 {
                break;
            }
            done += read as u64;
            if done > *bytes {
                return Err(wrong_size(name));
            }
            sha.update(&piece[..read]);
            (self.observe)(name, &piece[..read]);
        }
        if done != *bytes {
            return Err(wrong_size(name));
        }
        self.proof(name, done, Sha256Sum(sha.finalize().into()))
    }

    /// What proves the content, unless the manifest says that it is another.
    fn proof(&self, name: &str, bytes: u64, sha256: Sha256Sum) -> Result<(Sha256Sum, Proof)> {
        match self.manifest.and_then(|manifest| manifest.part(name)) {
            Some(Part { bytes: known, sha256: sum, .. }) if (*known, *sum) == (bytes, sha256) => {
                Ok((sha256, Proof::Manifest))
            }
            Some(_) => Err(altered(name)),
            None => Ok((sha256, Proof::Checksum)),
        }
    }
}

fn wrong_size(name: &str) -> Problem {
    problems::damaged(&words!(
        "o tamanho registrado de «{name}» não está certo",
        "the recorded size of “{name}” is not right"
    ))
}
