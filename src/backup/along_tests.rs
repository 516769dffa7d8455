//! Reading back along the way, in pieces of several grains: whatever way a copy is written, what is proved is what stands there.

use super::*;
use crate::destination::{ReadAlong, ReadBack};
use crate::problem::Code;
use crate::words;
use proptest::prelude::*;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A medium in memory, and everything that was done with it.
#[derive(Clone, Default)]
struct Medium(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    content: Vec<u8>,
    /// What the medium has once it was sealed.
    sealed: Vec<u8>,
    seals: usize,
    /// The ranges that were read back along the way.
    ranges: Vec<Range<u64>>,
    /// The medium turns this byte over.
    rotten: Option<usize>,
    sealing_fails: bool,
    reading_fails: bool,
}

impl Medium {
    fn kept<T>(&self, what: impl FnOnce(&mut Kept) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn read(&self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        let (from, to) = (range.start as usize, range.end as usize);
        let piece = self.kept(|kept| {
            if kept.reading_fails {
                return Err(failed("reading"));
            }
            let mut piece = kept.sealed.get(from..to).ok_or_else(|| failed("not there"))?.to_vec();
            if let Some(at) = kept.rotten.filter(|at| (from..to).contains(at)) {
                piece[at - from] ^= 1;
            }
            Ok(piece)
        })?;
        piece.chunks(999_983).for_each(sink);
        Ok(ReadBack { bytes: range.end - range.start, from_medium: true })
    }
}

fn failed(what: &str) -> Problem {
    Problem::new(Code::TerminalIo, words!("{what}", "{what}"), words!("", ""))
}

/// A file under construction on it.
struct Draft {
    medium: Medium,
    position: u64,
    /// Whether a second handle may read along.
    along: bool,
}

impl Draft {
    fn on(medium: &Medium) -> Self {
        Self { medium: medium.clone(), position: 0, along: true }
    }
}

impl Read for Draft {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let at = self.position as usize;
        self.medium.kept(|kept| {
            let end = at + bytes.len();
            if kept.content.len() < end {
                kept.content.resize(end, 0);
            }
            kept.content[at..end].copy_from_slice(bytes);
        });
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Draft {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.position = at;
        Ok(at)
    }
}

impl Staged for Draft {
    fn path(&self) -> &Path {
        Path::new("draft")
    }

    fn seal(&mut self) -> Result<()> {
        self.medium.kept(|kept| {
            if kept.sealing_fails {
                return Err(failed("sealing"));
            }
            kept.seals += 1;
            kept.sealed = kept.content.clone();
            Ok(())
        })
    }

    fn read_back(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        let whole = self.medium.kept(|kept| kept.sealed.len() as u64);
        self.medium.read(0..whole, sink)?;
        Ok(ReadBack { bytes: whole, from_medium: false })
    }

    fn read_along(&self) -> Option<Box<dyn ReadAlong>> {
        self.along.then(|| Box::new(Beside(self.medium.clone())) as Box<dyn ReadAlong>)
    }

    fn publish(self: Box<Self>) -> Result<()> {
        Err(failed("not wanted here"))
    }

    fn discard(self: Box<Self>) -> Result<()> {
        Err(failed("not wanted here"))
    }
}

struct Beside(Medium);

impl ReadAlong for Beside {
    fn read_back(&mut self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> Result<ReadBack> {
        self.0.kept(|kept| kept.ranges.push(range.clone()));
        self.0.read(range, sink)
    }
}

/// Runs with a clock that only moves when it is told to.
fn in_still_time<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(work)
}

/// Content in which no two grains are alike.
fn content(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at as u32).wrapping_mul(2_654_435_761).to_be_bytes()[1] ^ (at >> 20) as u8)
        .collect()
}

fn grains_of(content: &[u8]) -> Grains {
    let mut reading = Reading::from(0);
    reading.feed(content);
    reading.finish()
}

fn silent() -> Arc<dyn Fn(u64) + Send + Sync> {
    Arc::new(|_| ())
}

const MIB: usize = 1 << 20;

#[test]
fn what_is_sealed_is_read_back_while_more_is_written_and_a_rewritten_header_once_more() {
    in_still_time(async {
        let (medium, content) = (Medium::default(), content(13 * MIB + 7));
        let mut draft = Draft::on(&medium);
        let told = Arc::new(Mutex::new(0));
        let heard = Arc::clone(&told);
        let mut along =
            Along::begin(&mut draft, Arc::new(move |count| *heard.lock().unwrap() += count)).unwrap();
        along.write_all(&content[..9 * MIB]).unwrap();
        assert_eq!(medium.kept(|kept| kept.seals), 0, "a fast disk is not made to wait");
        tokio::time::advance(SEAL_EVERY).await;
        along.write_all(&content[9 * MIB..10 * MIB]).unwrap();
        assert_eq!(medium.kept(|kept| kept.seals), 1);
        along.write_all(&content[10 * MIB..]).unwrap();
        along.seek(SeekFrom::Start(0)).unwrap();
        let header: Vec<u8> = content[..64].iter().map(|byte| !byte).collect();
        along.write_all(&header).unwrap();
        let proved = along.finish().unwrap();
        let (ranges, final_content) = medium.kept(|kept| (kept.ranges.clone(), kept.content.clone()));
        let (grain, end) = (GRAIN_BYTES, content.len() as u64);
        let mut ranges = ranges;
        ranges.sort_unstable_by_key(|range| range.start);
        assert_eq!(
            ranges,
            std::iter::once(0..grain)
                .chain((0..end).step_by(MIB).map(|start| start..(start + grain).min(end)))
                .collect::<Vec<_>>(),
            "grain by grain, in whatever order, and the rewritten one twice"
        );
        assert_eq!(*told.lock().unwrap(), end + grain, "each byte is told, those that were read twice too");
        assert_eq!(proved.grains, grains_of(&final_content));
        assert_ne!(proved.grains, grains_of(&content), "the old header is not what stands there");
        assert!(proved.from_medium);
    });
}

#[test]
fn a_byte_that_the_medium_turned_over_is_in_the_sums_wherever_it_lies() {
    for rotten in [0, 5 * MIB, 8 * MIB - 1, 8 * MIB, 13 * MIB + 6] {
        in_still_time(async {
            let (medium, content) = (Medium::default(), content(13 * MIB + 7));
            medium.kept(|kept| kept.rotten = Some(rotten));
            let mut draft = Draft::on(&medium);
            let mut along = Along::begin(&mut draft, silent()).unwrap();
            along.write_all(&content[..9 * MIB]).unwrap();
            tokio::time::advance(SEAL_EVERY).await;
            along.write_all(&content[9 * MIB..]).unwrap();
            assert_ne!(along.finish().unwrap().grains, grains_of(&content), "at {rotten}");
        });
    }
}

#[test]
fn nothing_but_the_first_grain_may_be_written_again_once_it_was_handed_over() {
    in_still_time(async {
        let (medium, content) = (Medium::default(), content(9 * MIB));
        let mut draft = Draft::on(&medium);
        let mut along = Along::begin(&mut draft, silent()).unwrap();
        tokio::time::advance(SEAL_EVERY).await;
        along.write_all(&content).unwrap();
        along.seek(SeekFrom::Start(GRAIN_BYTES)).unwrap();
        assert!(along.write_all(b"x").is_err());
    });
}

#[test]
fn failures_of_sealing_and_of_reading_are_told_as_they_are() {
    in_still_time(async {
        let medium = Medium::default();
        let mut draft = Draft::on(&medium);
        let mut along = Along::begin(&mut draft, silent()).unwrap();
        along.write_all(&content(9 * MIB)).unwrap();
        medium.kept(|kept| kept.sealing_fails = true);
        tokio::time::advance(SEAL_EVERY).await;
        assert!(along.write_all(b"x").is_err());
        assert_eq!(along.failure.as_ref().map(|problem| problem.sentence.en.as_str()), Some("sealing"));
        assert_eq!(along.finish().unwrap_err().sentence.en, "sealing");

        let medium = Medium::default();
        medium.kept(|kept| kept.reading_fails = true);
        let mut draft = Draft::on(&medium);
        let mut along = Along::begin(&mut draft, silent()).unwrap();
        along.write_all(&content(9 * MIB)).unwrap();
        assert_eq!(along.finish().unwrap_err().sentence.en, "reading");
    });
}

#[test]
fn where_nobody_reads_along_all_of_it_is_read_at_the_end() {
    in_still_time(async {
        let (medium, content) = (Medium::default(), content(9 * MIB + 3));
        let mut draft = Draft { along: false, ..Draft::on(&medium) };
        let mut along = Along::begin(&mut draft, silent()).unwrap();
        tokio::time::advance(SEAL_EVERY).await;
        along.write_all(&content).unwrap();
        let proved = along.finish().unwrap();
        assert_eq!((proved.grains, proved.from_medium), (grains_of(&content), false));
        assert!(medium.kept(|kept| (kept.seals, kept.ranges.is_empty())) == (1, true));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn however_a_copy_is_written_what_is_proved_is_what_stands_there(
        pieces in proptest::collection::vec((1usize..5 * MIB, any::<bool>()), 0..6),
        header in proptest::option::of(1usize..100_000),
    ) {
        in_still_time(async {
            let medium = Medium::default();
            let mut draft = Draft::on(&medium);
            let mut along = Along::begin(&mut draft, silent()).unwrap();
            let whole = content(pieces.iter().map(|(length, _)| length).sum());
            let mut at = 0;
            for (length, passes) in pieces {
                along.write_all(&whole[at..at + length]).unwrap();
                at += length;
                if passes {
                    tokio::time::advance(SEAL_EVERY).await;
                }
            }
            if let Some(header) = header.filter(|header| *header <= whole.len()) {
                along.seek(SeekFrom::Start(0)).unwrap();
                along.write_all(&vec![0xa5; header]).unwrap();
            }
            let proved = along.finish().unwrap();
            assert_eq!(proved.grains, grains_of(&medium.kept(|kept| kept.content.clone())));
        });
    }
}
