//! What the archive promises, proved with readers that others wrote, with damage at every place, and with streams that
//! fail.

mod damage;
mod inspect;
mod large;
mod pack;
// Those programs are Linux's: what is written is the same on Windows.
#[cfg(unix)]
mod readers;

use super::manifest::tests::sample;
use super::pack::pack as pack_with;
use super::*;
use crate::problem::Result;
use crate::words::Words;
use chrono::DateTime;
use std::io::{Cursor, Read, Write};
use tokio_util::sync::CancellationToken;

fn options(total_bytes: Option<u64>) -> PackOptions {
    PackOptions {
        entry_name: "MCDados.bak".to_owned(),
        level: Level::default(),
        threads: 2,
        modified: DateTime::parse_from_rfc3339("2022-06-28T09:30:10-03:00").unwrap(),
        total_bytes,
        source_shown: "MCDados.bak".to_owned(),
        sink_shown: "MCDados.zip".to_owned(),
    }
}

fn manifest(digest: &PartDigest) -> Result<Manifest> {
    let verdict = Verdict { code: "good".to_owned(), text: Words::same("ok") };
    Ok(sample(vec![Part::new(digest, Some(verdict))]))
}

/// Packs with nobody listening.
fn pack_quietly(
    source: &mut (dyn Read + Send),
    sink: &mut dyn ZipSink,
    options: &PackOptions,
) -> Result<Packed> {
    pack(source, sink, options, &mut |_| {}, &|_| {}, &mut manifest, &CancellationToken::new())
}

fn zip_of(data: &[u8]) -> (Vec<u8>, Packed) {
    let mut zip = Cursor::new(Vec::new());
    let packed = pack_quietly(&mut &*data, &mut zip, &options(Some(data.len() as u64))).unwrap();
    (zip.into_inner(), packed)
}

/// Text that compresses as rows of a table do.
fn rows(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(9);
    let mut data = Vec::with_capacity(len + 100);
    while data.len() < len {
        let (ean, price) = (random.u64(7_890_000_000_000..7_899_999_999_999), random.u32(100..9_999));
        writeln!(data, "{ean};DIPIRONA SODICA 500MG;{price};2022-06-{:02}", random.u8(1..31)).unwrap();
    }
    data.truncate(len);
    data
}

fn noise(len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..len).map(|_| random.u8(..)).collect()
}

#[test]
fn no_name_of_a_database_leads_out_of_the_folder_where_the_zip_is_extracted() {
    assert_eq!(entry_name("MCDados"), "MCDados.bak");
    assert_eq!(entry_name("Promoção 2026"), "Promoção 2026.bak");
    assert_eq!(entry_name("../etc/passwd"), "_.._etc_passwd.bak");
    assert_eq!(entry_name(r"C:\x"), "C__x.bak");
    assert_eq!(entry_name(""), "_.bak");
    assert_eq!(entry_name(&"é".repeat(200)).len(), 244);
}
