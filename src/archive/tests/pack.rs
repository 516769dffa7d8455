//! Packing: what comes out, who is told what, and how it ends.

use super::*;
use crate::archive::problems;
use crate::problem::Code;
use sha2::{Digest, Sha256};
use std::io::{self, Seek, SeekFrom};
use std::sync::Mutex;

fn unzipped(zip: &[u8], name: &str) -> Vec<u8> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let mut content = Vec::new();
    archive.by_name(name).unwrap().read_to_end(&mut content).unwrap();
    content
}

#[test]
fn what_was_packed_comes_out_of_an_ordinary_zip() {
    for len in [0, 1, 1000, BLOCK_BYTES - 1, BLOCK_BYTES, 5 * BLOCK_BYTES, 9 * BLOCK_BYTES + 17] {
        let data = rows(len);
        let (zip, packed) = zip_of(&data);
        assert!(unzipped(&zip, "MCDados.bak") == data, "{len} bytes");
        assert_eq!(packed.part.bytes, len as u64);
        assert_eq!(packed.part.sha256, Sha256Sum(Sha256::digest(&data).into()));
        assert_eq!(packed.part.crc32, crc32fast::hash(&data));
        assert_eq!(packed.seal, Seal { bytes: zip.len() as u64, crc32: crc32fast::hash(&zip) });
        let manifest = read_manifest(&mut Cursor::new(zip)).unwrap().unwrap();
        assert_eq!(manifest, packed.manifest);
        assert_eq!(manifest.parts[0].sha256, packed.part.sha256);
    }
}

#[test]
fn a_compressed_dump_is_stored() {
    let data = noise(5 * BLOCK_BYTES + 3);
    let (zip, packed) = zip_of(&data);
    assert_eq!(packed.part.method, Method::Stored);
    assert_eq!(packed.part.packed_bytes, data.len() as u64);
    assert!(unzipped(&zip, "MCDados.bak") == data);
    assert_eq!(zip_of(&rows(100_000)).1.part.method, Method::Deflated);
}

#[test]
fn the_observer_sees_each_byte_once_in_order_and_progress_never_goes_back() {
    let data = rows(7 * BLOCK_BYTES + 5);
    let mut seen = Vec::new();
    let done = Mutex::new(Vec::new());
    pack_with(
        &mut data.as_slice(),
        &mut Cursor::new(Vec::new()),
        &PackOptions { threads: 5, ..options(None) },
        &mut |piece| seen.extend_from_slice(piece),
        &|bytes| done.lock().unwrap().push(bytes),
        &mut manifest,
        &CancellationToken::new(),
    )
    .unwrap();
    assert!(seen == data);
    let done = done.into_inner().unwrap();
    assert!(done.is_sorted());
    assert_eq!(done.last(), Some(&(data.len() as u64)));
}

#[test]
fn any_number_of_threads_makes_the_same_zip() {
    let data = rows(6 * BLOCK_BYTES);
    let zips = [0, 1, 2, 7, 1000].map(|threads| {
        let mut zip = Cursor::new(Vec::new());
        pack_quietly(&mut data.as_slice(), &mut zip, &PackOptions { threads, ..options(None) }).unwrap();
        zip.into_inner()
    });
    assert!(zips.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn a_manifest_that_says_something_else_is_not_written() {
    let mut lying = |digest: &PartDigest| manifest(&PartDigest { bytes: digest.bytes + 1, ..digest.clone() });
    let mut sink = Cursor::new(Vec::new());
    let cancel = CancellationToken::new();
    let result =
        pack_with(&mut &b"x"[..], &mut sink, &options(None), &mut |_| {}, &|_| {}, &mut lying, &cancel);
    assert_eq!(result.unwrap_err().code, Code::Internal);
    let mut refusing = |_: &PartDigest| Err(problems::cancelled());
    let result =
        pack(&mut &b"x"[..], &mut sink, &options(None), &mut |_| {}, &|_| {}, &mut refusing, &cancel);
    assert_eq!(result.unwrap_err().code, Code::RunCancelled);
}

/// A stream that fails after so many bytes.
struct Failing<T> {
    inner: T,
    left: usize,
    kind: io::ErrorKind,
}

impl<T> Failing<T> {
    fn take(&mut self, wanted: usize) -> io::Result<usize> {
        if self.left == 0 && wanted > 0 {
            return Err(self.kind.into());
        }
        let taken = wanted.min(self.left);
        self.left -= taken;
        Ok(taken)
    }
}

impl<T: Read> Read for Failing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.take(buffer.len())?;
        self.inner.read(&mut buffer[..len])
    }
}

impl<T: Write> Write for Failing<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let len = self.take(buffer.len())?;
        self.inner.write(&buffer[..len])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Seek> Seek for Failing<T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Places at which something fails in `len` bytes: every one of the first and last hundred, some between.
fn places(len: usize) -> impl Iterator<Item = usize> {
    (0..len).filter(move |at| *at < 100 || len - at < 100 || at % (len / 23 + 1) == 0)
}

#[test]
fn a_source_that_fails_at_any_byte_ends_the_packing_with_its_problem() {
    let data = [vec![0; BLOCK_BYTES], rows(BLOCK_BYTES / 8)].concat();
    for left in places(data.len()) {
        let kind = io::ErrorKind::ConnectionAborted;
        let mut source = Failing { inner: data.as_slice(), left, kind };
        let problem = pack_quietly(&mut source, &mut Cursor::new(Vec::new()), &options(None)).unwrap_err();
        assert_eq!(problem.code, Code::FolderIo, "after {left} bytes");
        assert!(problem.sentence.pt.starts_with("Falha ao ler o arquivo «MCDados.bak»"), "{problem}");
    }
}

#[test]
fn a_sink_that_fails_at_any_byte_ends_the_packing_with_its_problem() {
    let data = rows(BLOCK_BYTES / 8);
    let bytes = zip_of(&data).0.len();
    for left in places(bytes) {
        let mut sink = Failing { inner: Cursor::new(Vec::new()), left, kind: io::ErrorKind::StorageFull };
        let problem = pack_quietly(&mut data.as_slice(), &mut sink, &options(Some(1))).unwrap_err();
        assert_eq!(problem.code, Code::SpaceFull, "after {left} of {bytes} bytes");
        assert!(problem.sentence.pt.contains("«MCDados.zip»"), "{problem}");
    }
}

#[test]
fn a_source_that_never_ends_is_stopped_at_any_moment() {
    for stop_after in [0, 1, 3 << 20, 40 << 20] {
        let cancel = CancellationToken::new();
        let mut seen = 0;
        let mut observe = |piece: &[u8]| {
            seen += piece.len();
            if seen > stop_after {
                cancel.cancel();
            }
        };
        let mut sink = Cursor::new(Vec::new());
        let mut endless = io::repeat(7);
        let result =
            pack_with(&mut endless, &mut sink, &options(None), &mut observe, &|_| {}, &mut manifest, &cancel);
        assert_eq!(result.unwrap_err().code, Code::RunCancelled);
        assert!(seen <= stop_after + 2 * BLOCK_BYTES, "{seen} bytes were read after {stop_after}");
    }
}

#[test]
fn an_observer_that_panics_ends_the_packing_with_an_error_and_no_thread_remains() {
    let data = rows(4 * BLOCK_BYTES);
    let mut observe = |_: &[u8]| panic!("on purpose");
    let mut sink = Cursor::new(Vec::new());
    let cancel = CancellationToken::new();
    let result = pack_with(
        &mut data.as_slice(),
        &mut sink,
        &options(None),
        &mut observe,
        &|_| {},
        &mut manifest,
        &cancel,
    );
    assert_eq!(result.unwrap_err().code, Code::Internal);
}
