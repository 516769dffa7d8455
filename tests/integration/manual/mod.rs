//! The manual does what it says: the commands of `docs/manual/` are run, chapter after chapter as `docs/manual.md` lists them,
//! in one shop with a SQL Server stand-in, and what they print is compared with what the manual shows.
//!
//! To add a chapter: write `docs/manual/name.md`, and put a link to it into the list of `docs/manual.md`. `page.rs` tells
//! which blocks are run and how their output is compared. `dmbackupctl run` goes on in the background once it has printed what
//! is shown; every other command must succeed, unless the next one is `echo $?`. Standard input of each is [`TYPED`].

mod page;
mod shell;

use page::Step;
use shell::Shop;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Whatever a command asks for: the password of every login of the stand-in.
const TYPED: &str = "troque-esta-senha-15";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

/// The chapters in the order of the index's numbered list.
fn chapters() -> Vec<String> {
    let index = fs::read_to_string(docs().join("manual.md")).unwrap();
    let listed = index.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
    listed
        .map(|line| {
            let link = line.split_once("](manual/").and_then(|(_, rest)| rest.split_once(')'));
            link.unwrap_or_else(|| panic!("docs/manual.md: no link to a chapter in: {line}")).0.to_owned()
        })
        .collect()
}

#[test]
fn every_chapter_is_listed() {
    let listed = chapters();
    let there = fs::read_dir(docs().join("manual")).unwrap();
    let there: BTreeSet<_> = there.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(listed.iter().cloned().collect::<BTreeSet<_>>(), there);
    assert_eq!(listed.len(), there.len(), "each of them once");
}

#[test]
fn the_commands_of_the_manual_do_what_it_shows() {
    let mut shop = Shop::open();
    let mut done = 0;
    for chapter in chapters() {
        let text = fs::read_to_string(docs().join("manual").join(&chapter)).unwrap();
        let steps = page::steps(&text).unwrap_or_else(|what| panic!("docs/manual/{chapter}: {what}"));
        for (index, (line, step)) in steps.iter().enumerate() {
            let next = steps.get(index + 1).map(|(_, step)| step);
            let asks_for_exit =
                matches!(next, Some(Step::Command { line, .. }) if line == shell::ASK_FOR_EXIT);
            if let Err(what) = shop.perform(step, asks_for_exit) {
                panic!("docs/manual/{chapter}:{line}: {what}");
            }
            done += 1;
        }
    }
    assert!(done > 25, "only {done} steps: the chapters are not read as they are written");
    shop.close();
}

/// Links between pages, and to files of the project, lead somewhere.
#[test]
fn the_links_of_the_documentation_lead_somewhere() {
    let manual = docs().join("manual");
    let pages = [docs(), manual].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let pages = pages.map(|entry| entry.unwrap().path());
    for page in pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
            let file = page.parent().unwrap().join(target.split('#').next().unwrap());
            assert!(file.exists(), "{}: {target}", page.display());
        }
    }
}
