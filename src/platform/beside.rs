//! What is done with a file beside its writer: reading back what stands there, and waiting until what was written does.

use super::{ReadBack, system};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;

/// A file that is read past this machine's cache where the system allows, range by range, while it may still grow.
#[derive(Debug)]
pub struct Medium(system::Medium);

impl Medium {
    /// Opens the file `path`, so that its writer may go on.
    ///
    /// # Errors
    /// Those of opening a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        system::Medium::open(path).map(Self)
    }

    /// Reads `range`, which is settled and whose beginning is a multiple of [`ALIGNMENT`](super::medium::ALIGNMENT), and hands each piece
    /// to `sink` in order.
    ///
    /// # Errors
    /// Those of reading; the file is shorter.
    pub fn read(&self, range: Range<u64>, sink: &mut dyn FnMut(&[u8])) -> io::Result<ReadBack> {
        self.0.read(range, sink)
    }
}

/// Settles what was written to a file, beside its writer: what was written before is then where a [`Medium`] reads it.
#[derive(Debug)]
pub struct Settler(system::Settler);

impl Settler {
    /// For the open `file`, which stands at `path`.
    ///
    /// # Errors
    /// Those of a second handle.
    pub fn beside(file: &File, path: &Path) -> io::Result<Self> {
        system::Settler::beside(file, path).map(Self)
    }

    /// Waits until all that was written before is on its disk; on a share, where the system tells that apart, until its
    /// machine has it. No promise that it outlives a power cut.
    ///
    /// # Errors
    /// The medium failed, or is full.
    pub fn settle(&self) -> io::Result<()> {
        self.0.settle()
    }

    /// Whether it waits for an answer only, and has no disk sync anything.
    pub fn costs_nothing(&self) -> bool {
        self.0.costs_nothing()
    }
}
