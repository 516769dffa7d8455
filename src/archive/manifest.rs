//! `manifest.json`, the last entry of each zip: a backup describes itself, so that restoring it needs no database of ours.
//!
//! Format 1. Later versions of the program may add fields, which older ones ignore; a change that an older one would
//! misunderstand gets a higher number, which older ones refuse.

use super::hash::Sha256Sum;
use super::pack::PartDigest;
use super::problems;
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::Words;
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use std::io::Read;
use uuid::Uuid;

/// Name of the manifest's entry.
pub const MANIFEST_NAME: &str = "manifest.json";
/// The format that this version writes, and the newest that it reads.
pub const MANIFEST_FORMAT: u32 = 1;
/// No manifest is larger, in bytes; nothing larger is read.
pub const MANIFEST_MAX_BYTES: u64 = 1 << 20;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format: [`MANIFEST_FORMAT`].
    pub format: u32,
    /// Version of the program that made it.
    pub program: String,
    /// The run that made it.
    pub run: Uuid,
    /// Orders the backups of one agent; never goes back, whatever the clock does.
    pub sequence: u64,
    /// Its hour slot, 0 to 23; `None` where it was not made for one.
    #[serde(default)]
    pub hour: Option<u8>,
    /// Why it was made, where it is an extra copy outside the rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the run began, by the shop's clock.
    pub begun: DateTime<FixedOffset>,
    /// When SQL Server had finished the dump.
    pub finished: DateTime<FixedOffset>,
    /// The shop, as it is configured.
    pub shop: String,
    /// The agent.
    pub agent: Uuid,
    /// The SQL Server instance.
    pub server: String,
    /// The database.
    pub database: String,
    /// The company, where it is configured.
    #[serde(default)]
    pub company: Option<Company>,
    /// How many rows the tables of the database had around the dump; empty where that was not counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<TableRows>,
    /// The other entries of the zip, in their order.
    pub parts: Vec<Part>,
}

/// The rows of one table around a dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRows {
    /// The table, with its schema: `dbo.VENDAS`.
    pub table: String,
    /// The lower of what was counted before and after the dump.
    pub least: u64,
    /// The higher one.
    pub most: u64,
}

/// The company that a backup belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Company {
    /// «Razão social».
    pub legal_name: String,
    /// «Nome fantasia».
    pub trade_name: String,
    /// CNPJ as written by people, with its punctuation; empty where not configured.
    pub cnpj: String,
    /// The store («loja»).
    pub store: String,
}

/// One entry of the zip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Name of the entry, such as `MCDados.bak`.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: Sha256Sum,
    /// Its size in the zip in bytes.
    pub packed_bytes: u64,
    /// CRC-32 of what stands for it in the zip: finds even a flipped bit that changes nothing of the content.
    pub packed_crc32: u32,
    /// What the check of the content said; `None` for content that is not checked (an attachment).
    #[serde(default)]
    pub verdict: Option<Verdict>,
}

/// What the check of a dump said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Stable text, such as `good`.
    pub code: String,
    /// The same for people.
    pub text: Words,
}

impl Manifest {
    /// The part with this name.
    pub fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Whether it tells the truth about `part`.
    pub(super) fn describes(&self, part: &PartDigest) -> bool {
        self.format == MANIFEST_FORMAT
            && self.part(&part.entry_name).is_some_and(|own| *own == Part::new(part, own.verdict.clone()))
    }

    /// Size in bytes of the dumps in it: the parts whose content was checked. The largest number there is, where a manifest
    /// claims more.
    pub fn dump_bytes(&self) -> u64 {
        let dumps = self.parts.iter().filter(|part| part.verdict.is_some());
        dumps.fold(0, |sum, part| sum.saturating_add(part.bytes))
    }

    /// The manifest as it stands in a zip.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self).map_err(Problem::internal)?;
        json.push(b'\n');
        if json.len() as u64 > MANIFEST_MAX_BYTES {
            return Err(Problem::internal("manifest.json > 1 MiB"));
        }
        Ok(json)
    }

    /// Reads a manifest, at most [`MANIFEST_MAX_BYTES`] of it.
    ///
    /// # Errors
    ///
    /// [`Code::ArchiveNewer`] for a format that this version does not know, [`Code::ArchiveDamaged`] for anything that is
    /// no manifest.
    pub fn read(source: impl Read) -> Result<Self> {
        let mut json = Vec::new();
        source
            .take(MANIFEST_MAX_BYTES + 1)
            .read_to_end(&mut json)
            .map_err(|cause| problems::unreadable(&cause))?;
        if json.len() as u64 > MANIFEST_MAX_BYTES {
            return Err(not_a_manifest("> 1 MiB"));
        }
        let Format { format } = serde_json::from_slice(&json).map_err(not_a_manifest)?;
        match format {
            MANIFEST_FORMAT => serde_json::from_slice(&json).map_err(not_a_manifest),
            0 => Err(not_a_manifest("format 0")),
            newer => Err(newer_format(newer)),
        }
    }
}

impl Part {
    /// The part that was packed, with what the check of its content said.
    pub fn new(digest: &PartDigest, verdict: Option<Verdict>) -> Self {
        Self {
            name: digest.entry_name.clone(),
            bytes: digest.bytes,
            sha256: digest.sha256,
            packed_bytes: digest.packed_bytes,
            packed_crc32: digest.packed_crc32,
            verdict,
        }
    }
}

/// The one field that every format has.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

fn not_a_manifest(cause: impl std::fmt::Display) -> Problem {
    tracing::warn!(%cause, "manifest.json is not readable");
    problems::damaged(&words!(
        "o «manifest.json» dentro dele não pode ser lido",
        "the “manifest.json” in it cannot be read"
    ))
}

fn newer_format(format: u32) -> Problem {
    Problem::new(
        Code::ArchiveNewer,
        words!(
            "O backup foi feito por uma versão mais nova do programa (formato {format}).",
            "The backup was made by a newer version of the program (format {format})."
        ),
        words!(
            "Atualize o DMBackup nesta máquina; o arquivo .bak dentro do zip pode ser extraído por qualquer descompactador.",
            "Update DMBackup on this machine; the .bak file inside the zip can be extracted by any zip program."
        ),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A manifest with every field, of a zip with `parts`.
    pub fn sample(parts: Vec<Part>) -> Manifest {
        Manifest {
            format: MANIFEST_FORMAT,
            program: "0.1.0".to_owned(),
            run: Uuid::from_u128(1),
            sequence: 42,
            hour: Some(9),
            reason: None,
            begun: DateTime::parse_from_rfc3339("2022-06-28T09:00:00-03:00").unwrap(),
            finished: DateTime::parse_from_rfc3339("2022-06-28T09:00:07-03:00").unwrap(),
            shop: "Farmácia São João".to_owned(),
            agent: Uuid::from_u128(2),
            server: r"SERVIDOR\SQLEXPRESS".to_owned(),
            database: "MCDados".to_owned(),
            company: Some(Company { legal_name: "São João Ltda".to_owned(), ..Company::default() }),
            rows: Vec::new(),
            parts,
        }
    }

    fn part() -> Part {
        Part {
            name: "MCDados.bak".to_owned(),
            bytes: 5_000_000_000,
            sha256: Sha256Sum([7; 32]),
            packed_bytes: 1_000_000_000,
            packed_crc32: 0xDEAD_BEEF,
            verdict: Some(Verdict { code: "good".to_owned(), text: Words::same("ok") }),
        }
    }

    #[test]
    fn a_manifest_reads_back_and_fields_of_later_versions_are_ignored() {
        let manifest = sample(vec![part()]);
        let json = manifest.to_json().unwrap();
        assert_eq!(Manifest::read(json.as_slice()).unwrap(), manifest);
        let later = String::from_utf8(json).unwrap().replacen('{', r#"{"later": [{"x": null}],"#, 1);
        assert_eq!(Manifest::read(later.as_bytes()).unwrap(), manifest);
        assert_eq!(manifest.part("MCDados.bak"), Some(&part()));
        assert_eq!(manifest.part("x"), None);
    }

    /// Zips of this version must be readable by every later one: this text is never changed.
    #[test]
    fn the_first_format_stays_readable() {
        let first = include_str!("../../tests/files/manifest-1.json");
        assert_eq!(Manifest::read(first.as_bytes()).unwrap(), sample(vec![part()]));
        assert_eq!(String::from_utf8(sample(vec![part()]).to_json().unwrap()).unwrap(), first);
    }

    #[test]
    fn a_newer_format_is_told_from_a_broken_file() {
        let newer = Manifest::read(br#"{"format": 2, "all": "different"}"#.as_slice()).unwrap_err();
        assert_eq!(newer.code, Code::ArchiveNewer);
        assert!(newer.sentence.pt.contains("formato 2"), "{newer}");
        let huge = [b' '].repeat(2 << 20);
        let deep = [b'['].repeat(1 << 20);
        for broken in [b"".as_slice(), b"{}", b"{\"format\": 1}", b"{\"format\": 0}", b"\xFF", &huge, &deep] {
            assert_eq!(Manifest::read(broken).unwrap_err().code, Code::ArchiveDamaged);
        }
    }

    proptest! {
        #[test]
        fn a_manifest_with_flipped_bytes_is_an_error_or_a_manifest(at in any::<prop::sample::Index>(), byte: u8) {
            let mut json = sample(vec![part()]).to_json().unwrap();
            let at = at.index(json.len());
            json[at] = byte;
            let _either = Manifest::read(json.as_slice());
        }
    }
}
