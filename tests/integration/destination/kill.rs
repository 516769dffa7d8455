//! SIGKILL at random moments: each name holds an old whole or a new whole file, and a start leaves nothing partial.

use super::*;
use crate::support::child::Running;
use dmbackup::destination::Staged;
use sha2::{Digest, Sha256};
use std::time::Duration;

const KILLS: u32 = 60;

/// What a file holds: its number, filling of a length that depends on it, and the hash of both.
fn filled(number: u64) -> Vec<u8> {
    let length = 1_000 + usize::try_from(number * 7_919 % 200_000).unwrap();
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(length, number as u8);
    bytes.extend_from_slice(&Sha256::digest(&bytes));
    bytes
}

/// The number of a whole file; fails on any other.
fn number_of(name: &Name, bytes: &[u8]) -> u64 {
    let number = u64::from_le_bytes(bytes.get(..8).expect("a torn file").try_into().unwrap());
    assert!(bytes == filled(number), "{name} holds a torn file");
    number
}

fn names() -> Vec<Name> {
    (0..3).map(slot).chain([newest(), monday(), bak()]).collect()
}

/// The child: enters as an agent does, then makes backup after backup.
pub fn write_until_killed(parent: &str) {
    let parent = Path::new(parent);
    let destination = folder(Kind::Server, &parent.join("Backup"), &parent.join("state"));
    let _lock = destination.lock().unwrap();
    destination.check(&identity()).unwrap();
    destination.scrub().unwrap();
    let newest_number = content(&destination, &newest()).map_or(0, |bytes| number_of(&newest(), &bytes));
    println!("ready");
    for number in newest_number + 1.. {
        let slot = slot(u8::try_from(number % 3).unwrap());
        let dump = destination.expect(&bak()).unwrap();
        fs::write(dump, filled(number)).unwrap();
        let adopted: Box<dyn Staged> = destination.adopt(&bak()).unwrap();
        store(&destination, &slot, &filled(number)).unwrap();
        adopted.publish().unwrap();
        destination.link(&slot, &newest()).unwrap();
        destination.link(&slot, &monday()).unwrap();
        println!("made");
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_whole_files_and_the_next_one_cleans_up() {
    let parent = tempfile::tempdir().unwrap();
    let (root, state) = (parent.path().join("Backup"), parent.path().join("state"));
    fs::create_dir(&state).unwrap();
    folder(Kind::Server, &root, &state).claim(&identity()).unwrap();
    let mut interrupted = 0;
    let mut last = 0;
    let mut random = fastrand::Rng::with_seed(2_026);
    for _ in 0..KILLS {
        let mut child = Running::start("destination::kill", parent.path());
        child.wait_for("ready");
        for _ in 0..random.u8(0..3) {
            child.wait_for("made");
        }
        // The moment is the test: there is nothing to wait for.
        std::thread::sleep(Duration::from_micros(random.u64(0..60_000)));
        child.kill();

        let left: Vec<_> = files_below(&root).into_iter().filter(|path| is_partial(path)).collect();
        let destination = folder(Kind::Server, &root, &state);
        let _lock = destination.lock().expect("the lock went with the process");
        destination.check(&identity()).unwrap();
        let mut newest_number = 0;
        for name in names() {
            if let Some(bytes) = content(&destination, &name) {
                let number = number_of(&name, &bytes);
                if name == newest() {
                    newest_number = number;
                }
            }
        }
        assert!(newest_number >= last, "the newest went back from {last} to {newest_number}");
        last = newest_number;
        interrupted += u32::from(!left.is_empty());
        destination.scrub().unwrap();
        assert!(
            !files_below(&root).iter().any(|path| is_partial(path)),
            "partial after the scrub; before: {left:?}"
        );
    }
    assert!(last > 5, "hardly anything was written: {last}");
    assert!(interrupted > KILLS / 4, "only {interrupted} of {KILLS} kills met an unfinished file");
}
