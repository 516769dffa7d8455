//! What the questions make of the answers.

use super::*;
use crate::config::Finding;
use crate::cycle::configuration::InForce;
use crate::destination::{Folder, Kind};
use crate::durable::Ledger;
use crate::slot::ArchiveName;
use std::fs;
use std::sync::Arc;

const NOW: DateTime<Utc> = DateTime::<Utc>::UNIX_EPOCH;

fn codes(look: &Look) -> Vec<Code> {
    look.problems().map(|problem| problem.code).collect()
}

/// A configuration as it is read from a file, over folders that exist.
fn config(root: &std::path::Path, terminal: &str) -> InForce {
    crate::durable::write_atomically(&root.join("senha.txt"), b"abre-te").unwrap();
    let shown = root.display();
    let text = format!(
        "version = 1\n[shop]\nlegal_name = 'F'\n[server]\nuser = 'dm'\npassword_file = 'senha.txt'\n\
         [backup]\nfolder = '{shown}/b'\nreserve = '0 MB'\n[terminal]\n{terminal}\n"
    );
    let path = root.join("dmbackup.toml");
    fs::write(&path, text).unwrap();
    let news = super::super::configuration::ConfigWatch::new(path).look();
    let News::Valid(in_force) = news else { panic!("{news:?}") };
    in_force
}

#[test]
fn a_broken_configuration_is_one_check_and_a_valid_one_makes_it_well() {
    let root = tempfile::tempdir().unwrap();
    let good = config(root.path(), "local_only = true");
    assert!(configuration(&News::Valid(good.clone()), None).is_well(CheckId::Configuration));
    let unchanged = |in_force| configuration(&News::Unchanged, in_force).is_well(CheckId::Configuration);
    assert!(unchanged(Some(&good)), "it was read before the first cycle");
    assert!(!unchanged(None), "it was not looked at");
    let finding = |code| Finding {
        problem: Problem::new(code, words::Words::same("x"), words::Words::same("y")),
        key: String::new(),
        line: None,
        found: String::new(),
        expected: words::Words::same("z"),
    };
    let broken =
        configuration(&News::Broken(vec![finding(Code::ConfigSecret), finding(Code::ConfigWritable)]), None);
    assert!(!broken.is_well(CheckId::Configuration));
    assert_eq!(codes(&broken), [Code::ConfigSecret, Code::ConfigWritable]);
}

#[test]
fn a_terminal_is_another_machine_or_it_is_said_that_it_is_none() {
    let root = tempfile::tempdir().unwrap();
    let local = config(root.path(), "local_only = true").config;
    assert_eq!(codes(&terminal_apart(&local, "", None)), [Code::LocalOnly]);
    let folder = format!("folder = '{}/t'", root.path().display());
    let strict = config(root.path(), &folder).config;
    for (apart, expected) in [
        (Some(Apart::OtherMachine), &[][..]),
        (Some(Apart::SameMachine), &[Code::TerminalSameVolume]),
        (Some(Apart::SameVolume), &[Code::TerminalSameVolume]),
        (None, &[]),
    ] {
        assert_eq!(codes(&terminal_apart(&strict, "/t", apart)), expected, "{apart:?}");
    }
    let trial = config(root.path(), &format!("{folder}\nallow_same_volume = true")).config;
    assert!(codes(&terminal_apart(&trial, "/t", Some(Apart::SameVolume))).is_empty());
}

#[test]
fn the_next_backup_is_foreseen_from_what_stands_there() {
    let root = tempfile::tempdir().unwrap();
    let config = config(root.path(), "local_only = true").config;
    let ledger = Arc::new(Ledger::open(root.path()));
    let local = Folder::new(Kind::Server, root.path(), ArchiveName::default(), ledger);
    let foreseen = |dump_bytes, zip_bytes| Foreseen { dump_bytes, zip_bytes, pending: Vec::new() };
    let (space, plan) = space(&local, &config, &foreseen(1, 1), NOW).unwrap();
    assert!(space.free_bytes > 0 && plan.fits && plan.hours_that_fit == 24);
    assert_eq!(space_problem("/b", &plan), None);
    let (_, plan) = super::space(&local, &config, &foreseen(u64::MAX, 1), NOW).unwrap();
    let problem = space_problem("/b", &plan).unwrap();
    assert_eq!(problem.code, Code::SpaceForeseen);
}

#[test]
fn what_a_second_name_shares_takes_its_room_once() {
    let root = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Ledger::open(root.path()));
    let local = Folder::new(Kind::Server, root.path(), ArchiveName::default(), ledger);
    fs::create_dir(root.path().join("09h")).unwrap();
    fs::create_dir(root.path().join("Segunda")).unwrap();
    fs::write(root.path().join("09h/MCDados.zip"), [0; 100]).unwrap();
    fs::hard_link(root.path().join("09h/MCDados.zip"), root.path().join("MCDados.zip")).unwrap();
    fs::write(root.path().join("Segunda/MCDados.zip"), [0; 70]).unwrap();
    let sets = local.sets(&ArchiveName::default()).unwrap();
    let present = present(None, &sets, &[PendingCopy { hour: 9, sequence: 1, extra: false }]);
    assert_eq!(present.other_sets_bytes, 70);
    assert_eq!(present.hours.len(), 1);
    assert!(present.hours[0].pending && present.hours[0].shared);
}

#[test]
fn pending_copies_are_counted_and_named() {
    let problem = copies_pending(&[
        PendingCopy { hour: 9, sequence: 2, extra: false },
        PendingCopy { hour: 8, sequence: 1, extra: false },
    ]);
    assert!(problem.sentence.pt.contains("2 backup(s): 09h, 08h"), "{problem}");
}
