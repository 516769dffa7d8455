//! Beyond 4 GiB.

use super::*;
use crate::archive::testing::test as test_zip;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};

/// A file in which zeros are holes: it holds more than the disk has.
struct Sparse(File);

const ZEROS: &[u8] = &[0; BLOCK_BYTES];

impl Write for Sparse {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.len() <= ZEROS.len() && buffer == &ZEROS[..buffer.len()] {
            self.0.seek(SeekFrom::Current(buffer.len() as i64))?;
            return Ok(buffer.len());
        }
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Seek for Sparse {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_dump_beyond_4_gib_in_a_zip_beyond_4_gib_is_whole() {
    // What begins with noise is stored; so the zip grows as large as the dump, and its directory lies beyond 4 GiB.
    let total = (4 << 30) + (200 << 20) + 1;
    let noise = noise(4 * BLOCK_BYTES);
    let mut dump = noise.as_slice().chain(io::repeat(0)).take(total);
    let mut zip = Sparse(tempfile::tempfile().unwrap());
    let packed = pack_quietly(&mut dump, &mut zip, &options(Some(total))).unwrap();
    assert_eq!((packed.part.bytes, packed.part.packed_bytes), (total, total));
    assert!(packed.seal.bytes > total);

    let report = test_zip(&mut zip.0, Depth::Structure, &mut |_, _| {}, &CancellationToken::new()).unwrap();
    assert_eq!(report.problem(), None);
    assert_eq!(report.bytes, packed.seal.bytes);
    assert_eq!(report.manifest, Some(packed.manifest));
    let mut archive = zip::ZipArchive::new(zip.0).unwrap();
    let mut beginning = vec![0; noise.len()];
    archive.by_name("MCDados.bak").unwrap().read_exact(&mut beginning).unwrap();
    assert!(beginning == noise);
}

#[test]
fn a_dump_that_grows_beyond_4_gib_against_its_announced_size_is_an_error() {
    let noise = noise(4 * BLOCK_BYTES);
    let mut dump = noise.as_slice().chain(io::repeat(0)).take(u64::from(u32::MAX));
    let mut zip = Sparse(tempfile::tempfile().unwrap());
    let problem = pack_quietly(&mut dump, &mut zip, &options(Some(1000))).unwrap_err();
    assert!(problem.sentence.pt.contains("MCDados.zip"), "{problem}");
}
