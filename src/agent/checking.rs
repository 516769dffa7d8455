//! The deep check as a job of the agent: in a thread of its own, which stands back for everything else while nobody waits for it,
//! and which a share that hangs may hold for ever without holding up a backup.

use super::effect::DeepCheck;
use super::ground::Ground;
use super::input::Event;
use super::patience::unless_given_up;
use crate::config::Config;
use crate::platform;
use crate::problem::{Code, Problem};
use crate::verify::{self, Place, Report, Sides, Told};
use crate::words;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Between two figures of the same file.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// Whether the thread of an earlier deep check still hangs on a folder that does not answer.
#[derive(Clone, Debug, Default)]
pub struct Hanging(Arc<AtomicBool>);

/// Carries out `order`; `None` where nothing was due.
pub async fn check(
    order: DeepCheck,
    config: Arc<Config>,
    ground: Arc<Ground>,
    reports: UnboundedSender<Event>,
    hanging: Hanging,
    stop: CancellationToken,
) -> Option<Report> {
    // A damaged file may have to be mended at the terminal.
    let (sides, _turn) = match ground.ready_to_write(&config).await {
        Ok((standing, turn)) => (Sides::of(&standing.world), turn),
        // Nothing can be due while the folder is not there; who asked is told why.
        Err(problem) => return (order != DeepCheck::Due).then(|| failed(problem)),
    };
    if hanging.0.swap(true, Ordering::SeqCst) {
        return (order != DeepCheck::Due).then(|| failed(still_hanging()));
    }
    let (done, ended) = oneshot::channel();
    let told = Teller { reports, last: Mutex::new(None) };
    let (cancel, flag) = (stop.clone(), hanging.clone());
    let started = std::thread::Builder::new().name("verify".into()).spawn(move || {
        let report = match order {
            DeepCheck::Due => {
                platform::stand_back();
                verify::verify_due(&sides, &told, &cancel)
            }
            DeepCheck::Wanted { selection, side, since } => {
                Some(verify::verify(&sides, selection, side, Some(since), &told, &cancel))
            }
        };
        flag.0.store(false, Ordering::SeqCst);
        // Nobody listens any more where the check was given up.
        let _given_up = done.send(report);
    });
    if let Err(error) = started {
        hanging.0.store(false, Ordering::SeqCst);
        return Some(failed(Problem::internal(format_args!("thread «verify»: {error}"))));
    }
    match unless_given_up(&stop, ended).await {
        Some(Ok(report)) => report,
        Some(Err(_fell)) => {
            hanging.0.store(false, Ordering::SeqCst);
            Some(failed(Problem::internal("thread «verify» fell")))
        }
        None => Some(failed(still_hanging())),
    }
}

fn failed(problem: Problem) -> Report {
    Report { read: Vec::new(), problems: vec![problem] }
}

fn still_hanging() -> Problem {
    Problem::new(
        Code::TerminalIo,
        words!(
            "A conferência dos backups ficou presa em uma pasta que não responde.",
            "The check of the kept backups hangs on a folder that does not answer."
        ),
        words!(
            "Verifique o computador do terminal e a rede. Os backups continuam sendo feitos.",
            "Check the terminal's machine and the network. Backups go on being made."
        ),
    )
}

/// Tells the loop what is read, no more often than people can see.
struct Teller {
    reports: UnboundedSender<Event>,
    last: Mutex<Option<(Place, Instant)>>,
}

impl Told for Teller {
    fn told(&self, place: &Place, checked_bytes: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if last.as_ref().is_some_and(|(before, at)| before == place && now - *at < TOLD_EVERY) {
            return;
        }
        *last = Some((place.clone(), now));
        // Nobody listens any more once the loop has ended.
        let _ended = self.reports.send(Event::CheckGoesOn { place: place.clone(), checked_bytes });
    }
}
