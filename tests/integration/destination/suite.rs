//! One suite for all implementations of the port: each promise is a function, run on each of them.

use super::*;
use crate::support::faulty::Faulty;
use crate::support::memory::Memory;
use dmbackup::destination::{Claims, Linked, Mark, enter};
use dmbackup::problem::Code;
use std::io::{Seek, SeekFrom};
use tempfile::TempDir;

/// A destination that nobody has claimed yet, and what the world does to it from outside.
struct Fixture {
    destination: Arc<dyn Destination>,
    outside: Outside,
    _folders: Option<(TempDir, TempDir)>,
}

enum Outside {
    Folder(PathBuf),
    Memory(Memory),
}

impl Fixture {
    fn on_disk(kind: Kind) -> Self {
        let (parent, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = parent.path().join("Backup");
        let destination = Arc::new(folder(kind, &root, state.path()));
        Self { destination, outside: Outside::Folder(root), _folders: Some((parent, state)) }
    }

    fn in_memory(kind: Kind) -> Self {
        let memory = Memory::new(kind);
        Self { destination: Arc::new(memory.clone()), outside: Outside::Memory(memory), _folders: None }
    }

    fn faulty(kind: Kind) -> Self {
        let fixture = Self::on_disk(kind);
        Self { destination: Arc::new(Faulty::new(fixture.destination)), ..fixture }
    }

    fn claimed(self) -> Self {
        assert_eq!(self.destination.claim(&identity()).unwrap(), Vec::<PathBuf>::new());
        self.destination.check(&identity()).unwrap();
        self
    }

    /// Another program writes a file.
    fn write(&self, relative: impl AsRef<Path>, bytes: &[u8]) {
        match &self.outside {
            Outside::Memory(memory) => memory.write_foreign(relative.as_ref(), bytes),
            Outside::Folder(root) => {
                let path = root.join(relative);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
    }

    fn write_mark(&self, bytes: Option<&[u8]>) {
        match (&self.outside, bytes) {
            (Outside::Memory(memory), bytes) => memory.write_mark(bytes),
            (Outside::Folder(root), Some(bytes)) => {
                fs::create_dir_all(root).unwrap();
                fs::write(root.join(".dmbackup-id"), bytes).unwrap();
            }
            (Outside::Folder(root), None) => fs::remove_file(root.join(".dmbackup-id")).unwrap(),
        }
    }

    /// The share goes away.
    fn vanish(&self) {
        match &self.outside {
            Outside::Memory(memory) => memory.set_missing(true),
            Outside::Folder(root) => fs::rename(root, root.with_extension("gone")).unwrap(),
        }
    }

    fn raw(&self) -> Vec<PathBuf> {
        match &self.outside {
            Outside::Memory(memory) => memory.raw(),
            Outside::Folder(root) => files_below(root),
        }
    }

    fn has_partials(&self) -> bool {
        self.raw().iter().any(|path| is_partial(path))
    }

    fn identity_code(&self) -> Code {
        match self.destination.kind() {
            Kind::Server => Code::FolderIdentity,
            Kind::Terminal => Code::TerminalIdentity,
        }
    }
}

macro_rules! suite {
    ($($promise:ident),* $(,)?) => {
        mod folder { $(#[test] fn $promise() { super::$promise(super::Fixture::on_disk(super::Kind::Server)) })* }
        mod terminal_folder { $(#[test] fn $promise() { super::$promise(super::Fixture::on_disk(super::Kind::Terminal)) })* }
        mod memory { $(#[test] fn $promise() { super::$promise(super::Fixture::in_memory(super::Kind::Terminal)) })* }
        mod faulty { $(#[test] fn $promise() { super::$promise(super::Fixture::faulty(super::Kind::Server)) })* }
    };
}

suite!(
    a_published_file_is_read_whole,
    a_file_under_construction_has_no_name_and_goes_when_dropped,
    a_reader_keeps_the_file_that_it_opened,
    a_discarded_file_leaves_the_old_one,
    earlier_bytes_may_be_rewritten_before_publishing,
    a_link_is_the_same_content_and_keeps_it_when_the_slot_is_replaced,
    a_link_to_the_same_file_leaves_no_spare,
    a_link_without_its_source_fails_and_changes_nothing,
    the_filled_places_are_told_in_order,
    what_is_removed_is_gone_and_what_is_not_there_is_no_error,
    nothing_is_written_before_the_claim,
    nothing_is_written_once_the_identity_is_gone,
    a_destination_of_another_agent_is_refused,
    a_claim_moves_aside_what_another_program_left_and_overwrites_nothing,
    a_second_claim_changes_nothing,
    a_known_destination_without_identity_needs_a_persons_word,
    a_lock_keeps_a_second_agent_out,
    a_scrub_removes_recorded_leftovers_and_nothing_else,
    a_leftover_does_not_hinder_the_next_file,
    a_dump_of_another_program_is_adopted_whole,
    an_abandoned_dump_is_gone_and_a_missing_one_cannot_be_adopted,
    a_destination_that_went_away_is_missing_and_not_empty,
);

fn a_published_file_is_read_whole(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 253) as u8).collect();
    store(destination, &slot(9), &bytes).unwrap();
    assert!(content(destination, &slot(9)).unwrap() == bytes);
    assert_eq!(destination.stat(&slot(9)).unwrap().unwrap().bytes, 300_000);
    store(destination, &slot(10), b"").unwrap();
    assert_eq!(content(destination, &slot(10)).unwrap(), b"");
    assert!(!fixture.has_partials());
}

fn a_file_under_construction_has_no_name_and_goes_when_dropped(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    let mut staged = destination.stage(&slot(9)).unwrap();
    staged.write_all(b"half").unwrap();
    staged.seal().unwrap();
    assert!(fixture.has_partials());
    assert_eq!(content(destination, &slot(9)), None);
    assert_eq!(destination.sets(&ArchiveName::default()).unwrap(), []);
    drop(staged);
    assert_eq!(fixture.raw(), Vec::<PathBuf>::new());
}

fn a_reader_keeps_the_file_that_it_opened(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"the old file").unwrap();
    let mut reader = destination.open(&slot(9)).unwrap().unwrap();
    let mut begun = [0; 4];
    reader.read_exact(&mut begun).unwrap();
    store(destination, &slot(9), b"a new one").unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "old file");
    assert_eq!(content(destination, &slot(9)).unwrap(), b"a new one");
}

fn a_discarded_file_leaves_the_old_one(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"old").unwrap();
    let mut staged = destination.stage(&slot(9)).unwrap();
    staged.write_all(b"new").unwrap();
    staged.discard().unwrap();
    assert_eq!(content(destination, &slot(9)).unwrap(), b"old");
    assert!(!fixture.has_partials());
}

fn earlier_bytes_may_be_rewritten_before_publishing(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    let mut staged = destination.stage(&slot(9)).unwrap();
    staged.write_all(b"????-body").unwrap();
    staged.seek(SeekFrom::Start(0)).unwrap();
    staged.write_all(b"head").unwrap();
    staged.seek(SeekFrom::Start(2)).unwrap();
    let mut read = [0; 5];
    staged.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"ad-bo");
    staged.seal().unwrap();
    let mut back = Vec::new();
    let told = staged.read_back(&mut |piece| back.extend_from_slice(piece)).unwrap();
    assert_eq!((back.as_slice(), told.bytes), (b"head-body".as_slice(), 9));
    staged.publish().unwrap();
    assert_eq!(content(destination, &slot(9)).unwrap(), b"head-body");
}

fn a_link_is_the_same_content_and_keeps_it_when_the_slot_is_replaced(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"one").unwrap();
    store(destination, &newest(), b"zero").unwrap();
    for to in [newest(), monday()] {
        assert_eq!(destination.link(&slot(9), &to).unwrap(), Linked::Hard);
        assert_eq!(content(destination, &to).unwrap(), b"one");
    }
    let same = |name| destination.stat(name).unwrap().unwrap().same_as.unwrap();
    assert_eq!(same(&slot(9)), same(&newest()));
    assert_eq!(destination.has_hard_links(), Some(true));
    store(destination, &slot(9), b"two").unwrap();
    assert_eq!(content(destination, &monday()).unwrap(), b"one");
    assert_eq!(destination.link(&slot(9), &newest()).unwrap(), Linked::Hard);
    assert_eq!(content(destination, &newest()).unwrap(), b"two");
    assert!(!fixture.has_partials());
}

fn a_link_to_the_same_file_leaves_no_spare(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"one").unwrap();
    destination.link(&slot(9), &newest()).unwrap();
    assert_eq!(destination.link(&slot(9), &newest()).unwrap(), Linked::AlreadySame);
    assert_eq!(destination.link(&newest(), &slot(9)).unwrap(), Linked::AlreadySame);
    assert!(!fixture.has_partials());
}

fn a_link_without_its_source_fails_and_changes_nothing(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &newest(), b"old").unwrap();
    destination.link(&slot(9), &newest()).unwrap_err();
    assert_eq!(content(destination, &newest()).unwrap(), b"old");
}

fn the_filled_places_are_told_in_order(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    for (name, bytes) in [(monday(), "1"), (slot(23), "22"), (slot(0), "333"), (newest(), "4444")] {
        store(destination, &name, bytes.as_bytes()).unwrap();
    }
    store(destination, &Name::new("extra/antes.zip").unwrap(), b"not of the rotation").unwrap();
    let told: Vec<_> = destination
        .sets(&ArchiveName::default())
        .unwrap()
        .into_iter()
        .map(|(set, stat)| (set.to_string(), stat.bytes))
        .collect();
    let expected = [("newest", 4), ("00h", 3), ("23h", 2), ("Segunda", 1)];
    assert_eq!(told, expected.map(|(set, bytes)| (set.to_owned(), bytes)));
}

fn what_is_removed_is_gone_and_what_is_not_there_is_no_error(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"x").unwrap();
    destination.remove(&slot(9)).unwrap();
    destination.remove(&slot(9)).unwrap();
    destination.remove(&slot(10)).unwrap();
    assert_eq!(destination.stat(&slot(9)).unwrap(), None);
    assert!(destination.open(&slot(10)).unwrap().is_none());
}

fn nothing_is_written_before_the_claim(fixture: Fixture) {
    fixture.write("unrelated.txt", b"x");
    let destination = &*fixture.destination;
    assert_eq!(destination.mark().unwrap(), Mark::Absent);
    assert_eq!(destination.check(&identity()).unwrap_err().code, fixture.identity_code());
    assert_eq!(destination.stage(&slot(9)).map(drop).unwrap_err().code, fixture.identity_code());
    assert_eq!(destination.expect(&bak()).unwrap_err().code, fixture.identity_code());
    assert_eq!(fixture.raw(), [Path::new("unrelated.txt")]);
}

fn nothing_is_written_once_the_identity_is_gone(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"x").unwrap();
    fixture.write_mark(None);
    for code in [
        destination.check(&identity()).unwrap_err().code,
        destination.stage(&slot(9)).map(drop).unwrap_err().code,
        destination.link(&slot(9), &newest()).unwrap_err().code,
        destination.remove(&slot(9)).unwrap_err().code,
        destination.scrub().unwrap_err().code,
    ] {
        assert_eq!(code, fixture.identity_code());
    }
    assert_eq!(content(destination, &slot(9)).unwrap(), b"x", "reading harms nobody");
}

fn a_destination_of_another_agent_is_refused(fixture: Fixture) {
    let other = Identity { shop: "Loja 2".to_owned(), agent: Uuid::from_u128(8) };
    fixture.write_mark(Some(&other.written()));
    fixture.write("MCDados.zip", b"theirs");
    let destination = &*fixture.destination;
    assert_eq!(destination.check(&identity()).unwrap_err().code, fixture.identity_code());
    assert_eq!(destination.claim(&identity()).unwrap_err().code, fixture.identity_code());
    fixture.write_mark(Some(b"\x00garbage"));
    assert_eq!(destination.claim(&identity()).unwrap_err().code, fixture.identity_code());
    assert_eq!(fixture.raw(), [Path::new("MCDados.zip")]);
}

fn a_claim_moves_aside_what_another_program_left_and_overwrites_nothing(fixture: Fixture) {
    let theirs = ["MCDados.bak", "MCDados.zip", "09h/MCDados.zip", "Segunda/MCDados.zip"];
    for path in theirs {
        fixture.write(path, path.as_bytes());
    }
    fixture.write("anterior/MCDados.zip", b"older still");
    fixture.write("Outros.zip", b"unrelated");
    let destination = &*fixture.destination;
    assert_eq!(destination.claim(&identity()).unwrap().len(), theirs.len());
    destination.check(&identity()).unwrap();
    assert_eq!(destination.sets(&ArchiveName::default()).unwrap(), []);
    let kept = |path: &str| content(destination, &Name::new(path).unwrap()).unwrap();
    assert_eq!(kept("anterior/MCDados.zip"), b"older still");
    assert_eq!(kept("anterior/MCDados (2).zip"), b"MCDados.zip");
    assert_eq!(kept("anterior/MCDados.bak"), b"MCDados.bak");
    assert_eq!(kept("anterior/09h/MCDados.zip"), b"09h/MCDados.zip");
    assert_eq!(kept("anterior/Segunda/MCDados.zip"), b"Segunda/MCDados.zip");
    assert_eq!(kept("Outros.zip"), b"unrelated");
}

fn a_second_claim_changes_nothing(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &newest(), b"ours").unwrap();
    assert_eq!(destination.claim(&identity()).unwrap(), Vec::<PathBuf>::new());
    assert_eq!(content(destination, &newest()).unwrap(), b"ours");
}

fn a_known_destination_without_identity_needs_a_persons_word(fixture: Fixture) {
    let state = tempfile::tempdir().unwrap();
    let destination = &*fixture.destination;
    enter(destination, &identity(), &Claims::open(state.path())).unwrap();
    enter(destination, &identity(), &Claims::open(state.path())).unwrap();
    fixture.write_mark(None);
    // The next process knows it too: what has no identity now is an unmounted share, or another disk.
    let claims = Claims::open(state.path());
    assert_eq!(enter(destination, &identity(), &claims).unwrap_err().code, fixture.identity_code());
    fixture.write_mark(Some(b"\r\n"));
    assert_eq!(destination.check(&identity()).unwrap_err().code, fixture.identity_code());
    enter(destination, &identity(), &claims).unwrap();
    destination.check(&identity()).unwrap();
    // A record that cannot be read claims nothing by itself.
    fs::write(state.path().join("destinations.json"), "garbage").unwrap();
    fixture.write_mark(None);
    let claims = Claims::open(state.path());
    assert_eq!(enter(destination, &identity(), &claims).unwrap_err().code, fixture.identity_code());
}

fn a_lock_keeps_a_second_agent_out(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    let held = destination.lock().unwrap();
    assert_eq!(destination.lock().unwrap_err().code, Code::FolderLocked);
    drop(held);
    destination.lock().unwrap();
}

fn a_scrub_removes_recorded_leftovers_and_nothing_else(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"good").unwrap();
    fixture.write(".unknown.partial", b"another program's");
    // A killed process drops nothing.
    std::mem::forget(destination.stage(&slot(9)).unwrap());
    fixture.write(destination.expect(&bak()).unwrap().file_name().unwrap(), b"half a dump");
    let mut removed: Vec<_> =
        destination.scrub().unwrap().iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    removed.sort();
    assert_eq!(removed, [".MCDados.bak.partial", ".MCDados.zip.partial"]);
    assert_eq!(fixture.raw(), [Path::new(".unknown.partial"), Path::new("09h/MCDados.zip")]);
    assert_eq!(destination.scrub().unwrap(), Vec::<PathBuf>::new());
}

fn a_leftover_does_not_hinder_the_next_file(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    std::mem::forget(destination.stage(&newest()).unwrap());
    store(destination, &newest(), b"whole").unwrap();
    store(destination, &slot(9), b"other").unwrap();
    fixture.write(newest().partial(), b"left by a link");
    destination.link(&slot(9), &newest()).unwrap();
    assert_eq!(content(destination, &newest()).unwrap(), b"other");
    assert!(!fixture.has_partials());
}

fn a_dump_of_another_program_is_adopted_whole(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &bak(), b"yesterday's dump").unwrap();
    destination.expect(&bak()).unwrap();
    fixture.write(bak().partial(), b"TAPE...");
    let mut staged = destination.adopt(&bak()).unwrap();
    let mut read = Vec::new();
    staged.read_to_end(&mut read).unwrap();
    assert_eq!(read, b"TAPE...");
    assert_eq!(content(destination, &bak()).unwrap(), b"yesterday's dump", "until it is checked");
    staged.publish().unwrap();
    assert_eq!(content(destination, &bak()).unwrap(), b"TAPE...");
    assert!(!fixture.has_partials());
    assert_eq!(destination.scrub().unwrap(), Vec::<PathBuf>::new());
}

fn an_abandoned_dump_is_gone_and_a_missing_one_cannot_be_adopted(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    destination.expect(&bak()).unwrap();
    destination.adopt(&bak()).map(drop).unwrap_err();
    fixture.write(bak().partial(), b"half");
    destination.abandon(&bak()).unwrap();
    destination.abandon(&bak()).unwrap();
    assert!(!fixture.has_partials());
}

fn a_destination_that_went_away_is_missing_and_not_empty(fixture: Fixture) {
    let fixture = fixture.claimed();
    let destination = &*fixture.destination;
    store(destination, &slot(9), b"x").unwrap();
    fixture.vanish();
    let missing = match destination.kind() {
        Kind::Server => Code::FolderMissing,
        Kind::Terminal => Code::TerminalMissing,
    };
    for code in [
        destination.check(&identity()).unwrap_err().code,
        destination.stat(&slot(9)).unwrap_err().code,
        destination.open(&slot(9)).map(drop).unwrap_err().code,
        destination.sets(&ArchiveName::default()).unwrap_err().code,
        destination.stage(&slot(9)).map(drop).unwrap_err().code,
        destination.space().unwrap_err().code,
        destination.volume().unwrap_err().code,
    ] {
        assert_eq!(code, missing);
    }
}
