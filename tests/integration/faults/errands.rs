//! Every call with which the agent makes a manual backup onto a person's disk, or makes up the copies that the terminal lacks,
//! fails once in turn, in an agent of its own for each.
//!
//! The checks draw some of all faults; `DMBACKUP_FAULTS=all` makes them all, `DMBACKUP_FAULTS=500` draws so many.

use super::calls::{
    Before, Calls, PATIENCE, STRUCK_PERCENT, Site, assert_all_are_known, faults_of, try_faults,
};
use crate::support::agent::{Said, Shop};
use crate::support::calls::{Fault, Watched, watch_while};
use crate::support::sqlserver::eventually;
use crate::support::whole::{files_below, is_partial};
use dmbackup::agent::status::Activity;
use dmbackup::archive::{self, Content};
use rustix::process::{Signal, kill_process};
use std::fs;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Faults that the checks draw of all, of each errand.
const USUAL: usize = 16;
/// Exit of the command line without an agent.
const NO_AGENT: i32 = 12;

/// Runs the agent until `errand` is done; what it did, and what the errand told.
fn agent_with<T: Send>(
    site: &Site,
    fault: Option<Fault>,
    errand: impl FnOnce(&Shop) -> T + Send,
) -> Result<(Watched, T), String> {
    let shop = &site.shop;
    let (watched, told) = watch_while(shop.command(&[], &["run"]), &site.root(), fault, PATIENCE, |agent| {
        until("the agent to answer", || shop.ctl(&["status"]).exit != NO_AGENT);
        shop.until(|status| status.activity == Activity::Waiting);
        let told = errand(shop);
        kill_process(agent, Signal::TERM).unwrap();
        told
    })
    .map_err(|error| error.to_string())?;
    if watched.output.status.code() == Some(0) {
        Ok((watched, told))
    } else {
        Err(format!("the agent ended with {:?}", watched.output))
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(eventually(what, holds));
}

/// A shop with a person's disk.
struct Desk {
    site: Site,
    pen: PathBuf,
}

impl Desk {
    fn open() -> Self {
        let site = Site::open(Before::Backup);
        let pen = site.shop.path("pen");
        fs::create_dir(&pen).unwrap();
        let desk = Self { site, pen };
        desk.must_work().unwrap();
        desk
    }

    fn manual(&self, fault: Option<Fault>) -> Result<(Watched, Said), String> {
        let pen = self.pen.display().to_string();
        agent_with(&self.site, fault, |shop| shop.ctl(&["manual", &pen, "--wait"]))
    }

    /// The sequence of the disk's backup and of the one before it; 0 where there is none. An error where one is not whole.
    fn held(&self) -> Result<[u64; 2], String> {
        let mut held = [0; 2];
        for (sequence, name) in held.iter_mut().zip(["MCDados.zip", "MCDados.anterior.zip"]) {
            let path = self.pen.join(name);
            if !path.exists() {
                continue;
            }
            let inspection = archive::inspect(&path, &|_| (), &CancellationToken::new())
                .map_err(|problem| format!("{name}: {problem:?}"))?;
            *sequence = match &inspection.content {
                Content::Zip { report, .. } if inspection.confirmed() => {
                    report.manifest.as_ref().map(|manifest| manifest.sequence).unwrap_or_default()
                }
                Content::Zip { .. } | Content::Dump(_) => return Err(format!("{name} is not whole")),
            };
        }
        Ok(held)
    }

    /// A manual backup that meets `fault`.
    fn suffer(&self, fault: Fault) -> Result<(String, bool), String> {
        let old = self.held()?[0];
        let (watched, said) = self.manual(Some(fault))?;
        let told = |what: String| format!("{what}\n{}{}", said.out, said.err);
        let held = self.held().map_err(told)?;
        if said.exit == 0 && held[0] <= old {
            return Err(told(format!("a false success: {old} became {held:?}")));
        }
        if held[0] < old && held[1] < old {
            return Err(told(format!("the old backup is lost: {old} became {held:?}")));
        }
        let came = if said.exit == 0 {
            "success, and it is one".to_owned()
        } else {
            format!("failed ({})", said.exit)
        };
        self.must_work()?;
        Ok((came, watched.struck))
    }

    /// A manual backup without a fault, after which nothing half-made is left.
    fn must_work(&self) -> Result<(), String> {
        let old = self.held()?[0];
        let (_, said) = self.manual(None)?;
        let held = self.held()?;
        let left: Vec<_> = files_below(&self.pen).into_iter().filter(|path| is_partial(path)).collect();
        if said.exit != 0 || held[0] <= old || !left.is_empty() {
            return Err(format!(
                "the next backup: {old} became {held:?}, left {left:?}\n{}{}",
                said.out, said.err
            ));
        }
        Ok(())
    }
}

#[test]
fn whatever_call_of_a_manual_backup_fails_the_disk_keeps_a_whole_one_and_the_next_works() {
    let (watched, said) = Desk::open().manual(None).unwrap();
    assert_eq!(said.exit, 0, "{said:?}");
    assert_all_are_known(&watched);
    let calls: Calls = watched.calls.into_iter().filter(|(call, _)| call.place.starts_with("pen")).collect();
    println!("{} calls of {} kinds on the disk", calls.values().sum::<usize>(), calls.len());
    try_faults(faults_of(&calls, &Calls::new()), USUAL, STRUCK_PERCENT, Desk::open, |desk, fault| {
        desk.suffer(fault)
    });
}

/// Makes a backup while the terminal is away.
fn made_without_terminal(site: &Site) -> Result<(), String> {
    let (terminal, away) = (site.shop.path("terminal"), site.shop.path("longe"));
    fs::rename(&terminal, &away).unwrap();
    let said = site.shop.ctl(&["run", "--once"]);
    fs::rename(&away, &terminal).unwrap();
    if said.exit == 9 { Ok(()) } else { Err(format!("without the terminal: {said:?}")) }
}

/// Has the copies made up, in as many cycles as it takes.
fn make_up(site: &mut Site, fault: Option<Fault>) -> Result<Watched, String> {
    made_without_terminal(site)?;
    let (watched, ()) = agent_with(site, fault, |shop| {
        until("the copies to be made up", || {
            shop.ctl(&["check"]);
            let status = shop.ctl(&["status", "--json"]).json();
            status["pending"].as_array().is_some_and(Vec::is_empty)
        });
    })?;
    site.look()?;
    let newest = site.newest();
    let left = files_below(&site.shop.path("terminal")).into_iter().any(|path| is_partial(&path));
    if newest[0] != newest[1] || !site.is_everywhere() || left {
        return Err(format!(
            "nothing is pending, and the terminal has {newest:?}; something half-made: {left}"
        ));
    }
    Ok(watched)
}

/// The calls about both folders with which an agent makes up copies.
fn calls_of_making_up() -> Calls {
    let mut site = Site::open(Before::Backup);
    let watched = make_up(&mut site, None).unwrap();
    assert_all_are_known(&watched);
    let is_meant = |place: &str| place.starts_with("terminal") || place.starts_with("servidor");
    watched.calls.into_iter().filter(|(call, _)| is_meant(&call.place)).collect()
}

fn each_is_made_up(faults: Vec<Fault>, usual: usize) {
    try_faults(
        faults,
        usual,
        STRUCK_PERCENT,
        || Site::open(Before::Backup),
        |site, fault| make_up(site, Some(fault)).map(|watched| ("made up".to_owned(), watched.struck)),
    );
}

#[test]
fn whatever_call_fails_while_copies_are_made_up_they_are_in_the_end() {
    let calls = calls_of_making_up();
    println!("{} calls of {} kinds in both folders", calls.values().sum::<usize>(), calls.len());
    each_is_made_up(faults_of(&calls, &Calls::new()), USUAL);
}

/// All of them: a zip that is not found for a moment must not be taken for one that nobody has to copy.
#[test]
fn a_zip_that_seems_to_be_gone_while_copies_are_made_up_is_copied_all_the_same() {
    let mut faults = faults_of(&calls_of_making_up(), &Calls::new());
    faults.retain(|fault| {
        let (name, place) = (fault.call.name, &fault.call.place);
        name.starts_with("open") && place.ends_with("MCDados.zip") && fault.errno == libc::ENOENT
    });
    assert!(!faults.is_empty());
    let all = faults.len();
    each_is_made_up(faults, all);
}
