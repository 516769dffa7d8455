//! Every fault at every step: the good names stay as they were, nothing stays behind, the next try works.

use super::*;
use crate::support::faulty::{At, Fault, Faulty};
use dmbackup::problem::Code;
use std::io;

/// Stores a file and names it twice, as a run does.
fn make(destination: &dyn Destination, content: &[u8]) -> dmbackup::problem::Result<()> {
    destination.check(&identity())?;
    store(destination, &slot(9), content)?;
    destination.link(&slot(9), &newest())?;
    destination.link(&slot(9), &monday()).map(drop)
}

#[test]
fn whatever_fails_each_name_keeps_a_whole_file_and_the_next_try_works() {
    let steps = [
        At::Check,
        At::Stage,
        At::Write(0),
        At::Write(25_000),
        At::Seal,
        At::ReadBack,
        At::Publish,
        At::Link,
    ];
    let faults = [
        (Fault::Error(io::ErrorKind::StorageFull), Code::TerminalFull),
        (Fault::Error(io::ErrorKind::ReadOnlyFilesystem), Code::TerminalReadOnly),
        (Fault::Error(io::ErrorKind::PermissionDenied), Code::TerminalReadOnly),
        (Fault::Error(io::ErrorKind::Other), Code::TerminalIo),
        (Fault::Gone, Code::TerminalMissing),
    ];
    let (parent, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = parent.path().join("MCBkp");
    let faulty = Faulty::new(Arc::new(folder(Kind::Terminal, &root, state.path())));
    faulty.claim(&identity()).unwrap();
    let old = vec![1; 40_000];
    let new = vec![2; 50_000];
    for step in steps {
        for (fault, code) in faults {
            make(&faulty, &old).unwrap();
            faulty.arm(step, fault, 1);
            let problem = make(&faulty, &new).unwrap_err();
            assert_eq!(problem.code, code, "{fault:?} at {step:?}");
            assert_eq!(faulty.disarm(), 1);
            let published = if step == At::Link { &new } else { &old };
            assert!(content(&faulty, &slot(9)).unwrap() == *published, "{fault:?} at {step:?}");
            for name in [newest(), monday()] {
                assert!(content(&faulty, &name).unwrap() == old, "{fault:?} at {step:?}: {name}");
            }
            assert!(!files_below(&root).iter().any(|path| is_partial(path)), "{fault:?} at {step:?}");
            make(&faulty, &new).unwrap();
            assert!(content(&faulty, &monday()).unwrap() == new);
        }
    }
}

#[test]
fn a_medium_that_gives_other_bytes_back_is_caught_before_anything_is_replaced() {
    let (parent, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = parent.path().join("Backup");
    let faulty = Faulty::new(Arc::new(folder(Kind::Server, &root, state.path())));
    faulty.claim(&identity()).unwrap();
    make(&faulty, &[1; 9_000]).unwrap();
    faulty.arm(At::ReadBack, Fault::FlippedBit, 1);
    make(&faulty, &[2; 9_000]).unwrap_err();
    assert!(content(&faulty, &slot(9)).unwrap() == [1; 9_000]);
    assert!(!files_below(&root).iter().any(|path| is_partial(path)));
}
