//! Zips, and whatever else a person may have inspected.

use super::scratch;
use dmbackup::archive::{self, Content, Depth, Inspection};
use dmbackup::problem::Result;
use std::io::Cursor;
use tokio_util::sync::CancellationToken;

/// The quick looks and the thorough one agree as far as they go.
pub fn check(data: &[u8]) {
    let never = CancellationToken::new();
    let inspected = archive::inspect(&scratch::file("input.zip", data), &|_| {}, &never);
    if let Err(problem) = &inspected {
        assert!(!problem.sentence.pt.is_empty() && !problem.sentence.en.is_empty());
    }
    let manifest = archive::read_manifest(&mut Cursor::new(data));
    let structure = archive::test(&mut Cursor::new(data), Depth::Structure, &mut |_, _| (), &never);
    if let (Ok(Some(manifest)), Ok(report)) = (&manifest, &structure) {
        assert_eq!(report.manifest.as_ref(), Some(manifest));
    }
    consistent(&inspected, data.len() as u64);
}

fn consistent(inspected: &Result<Inspection>, bytes: u64) {
    let Ok(inspection) = inspected else { return };
    assert_eq!(inspection.bytes, bytes);
    assert!(!inspection.sentences().is_empty());
    if let Content::Zip { report, .. } = &inspection.content {
        assert!(report.problem().is_none() || !inspection.confirmed(), "{report:?}");
    }
}
