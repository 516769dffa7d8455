//! `verify`: kept backups are read again, whole.

use super::args::VerifyArgs;
use super::printer::Printer;
use crate::backup::outcome::RunId;
use crate::control::client::Client;
use crate::journal::Side;
use crate::problem::{Exit, Problem, Result};
use crate::slot::Set;
use crate::verify::{Place, Read, Report, Selection};
use crate::words;
use crate::words::{Language, bytes};
use std::path::Path;

/// Asks for a deep check and waits for its end; what a run interrupts goes on behind it.
///
/// # Errors
/// There is no agent, it says no, or it ends while we wait.
pub async fn run(state: &Path, args: VerifyArgs, printer: &mut Printer) -> Result<Exit> {
    let selection = match args.slot {
        Some(set) => Selection::One(set),
        None if args.all => Selection::All,
        None => Selection::One(Set::Newest),
    };
    let side = args.terminal.then_some(Side::Terminal);
    let accepted = Client::connect(state).await?.verify(selection, side).await?;
    let report = follow(state, accepted.run, printer).await?;
    printer.clear();
    if printer.is_json() {
        printer.document(&report);
    } else {
        let language = printer.language();
        report.read.iter().flat_map(|read| lines(read, language)).for_each(|line| printer.line(line));
        report.problems.iter().for_each(|problem| printer.problem(problem));
    }
    Ok(report.problem().map_or(Exit::Success, Problem::exit))
}

/// Shows which file is read until the check has ended.
async fn follow(state: &Path, id: RunId, printer: &mut Printer) -> Result<Report> {
    let mut asked = Client::connect(state).await?;
    let mut statuses = Client::connect(state).await?.watch().await?;
    loop {
        let status = statuses.next().await?;
        match status.verify.filter(|verify| verify.id == Some(id)) {
            Some(verify) => {
                if let Some(place) = verify.place {
                    let done = bytes(verify.checked_bytes, printer.language());
                    printer.transient(&format!("{}  {done}", shown(&place, printer.language())));
                }
            }
            None => {
                if let Some(report) = asked.verified(id).await? {
                    return Ok(report);
                }
            }
        }
    }
}

fn shown(place: &Place, language: Language) -> String {
    let side = match place.side {
        Side::Server => words!("servidor", "server"),
        Side::Terminal => words!("terminal", "terminal"),
    };
    let newest = words!("mais novo", "newest");
    let name = |set: &String| if set == "newest" { newest.get(language) } else { set.as_str() }.to_owned();
    let sets: Vec<_> = place.sets.iter().map(name).collect();
    format!("{}  {}", side.get(language), sets.join(", "))
}

fn lines(read: &Read, language: Language) -> Vec<String> {
    let outcome = match (&read.problem, read.mended) {
        (None, _) => words!("conferido", "confirmed"),
        (Some(_), true) => {
            words!(
                "danificado; substituído pela cópia do outro lado",
                "damaged; replaced by the other side's copy"
            )
        }
        (Some(_), false) => words!("DANIFICADO", "DAMAGED"),
    };
    let (size, place) = (bytes(read.bytes, language), shown(&read.place, language));
    let head = format!("{place}  {size}  {}  {}", outcome.get(language), read.place.path);
    let problems = [&read.problem, &read.not_mended].into_iter().flatten();
    std::iter::once(head).chain(problems.map(|problem| format!("    ! {}", problem.text(language)))).collect()
}
