//! The manual's status line, with how far a run is.

use super::ui::Doing;
use crate::agent::status::{Activity, Status};
use crate::backup::outcome::Progress;
use crate::cli::restore;
use crate::control::link::Link;
use crate::words;
use crate::words::{Language, bytes, duration, moment};
use std::time::Duration;

/// What the agent is doing.
pub fn doing(link: &Link, language: Language) -> Doing {
    let Some(status) = link.status() else {
        let line = words!("Sem contato com o agente.", "No contact with the agent.");
        return Doing { line: line.get(language).into(), share: -1.0, ..Doing::default() };
    };
    let progress = progress(status);
    let running = status.run.is_some() || status.restore.is_some() || status.activity == Activity::Copying;
    let figures = match progress {
        Some(progress) => figures(&progress, language),
        None if running => String::new(),
        None => next(status, language),
    };
    let queue = status.queue().map(|queue| queue.get(language).to_owned());
    let parts: Vec<_> =
        [Some(figures), queue].into_iter().flatten().filter(|part| !part.is_empty()).collect();
    Doing {
        line: status.line.get(language).into(),
        running,
        share: progress.and_then(share).unwrap_or(-1.0),
        figures: parts.join(" · ").into(),
        stoppable: status.run.is_some() || status.restore.is_some(),
        stopping: status.run.as_ref().is_some_and(|run| run.cancelling)
            || status.restore.as_ref().is_some_and(|restore| restore.cancelling),
    }
}

/// How far the run or the restore is that goes on.
fn progress(status: &Status) -> Option<Progress> {
    let of_restore = status.restore.as_ref().and_then(|restore| restore.progress);
    status.run.as_ref().and_then(|run| run.progress).or(of_restore.map(restore::figures))
}

/// How much of its phase is done, 0 to 1.
pub fn share(progress: Progress) -> Option<f32> {
    let percent = progress.percent.filter(|percent| percent.is_finite());
    percent.map(|percent| percent.clamp(0.0, 100.0) / 100.0)
}

fn figures(progress: &Progress, language: Language) -> String {
    let mut parts = Vec::new();
    if let Some(share) = share(*progress) {
        parts.push(format!("{:.0} %", share * 100.0));
    }
    let done = bytes(progress.done_bytes, language);
    match progress.total_bytes {
        Some(total) => {
            let total = bytes(total, language);
            parts.push(words!("{done} de {total}", "{done} of {total}").get(language).to_owned());
        }
        None if progress.done_bytes > 0 => parts.push(done),
        None => {}
    }
    if let Some(left) = progress.left_secs {
        let left = duration(Duration::from_secs(left), language);
        parts.push(words!("faltam {left}", "{left} left").get(language).to_owned());
    }
    parts.join(" · ")
}

fn next(status: &Status, language: Language) -> String {
    let words = match (status.retry_at, status.next_due) {
        (Some(at), _) => {
            let when = moment(at, status.now, language);
            words!("Nova tentativa {when}", "Second try {when}")
        }
        (None, Some(at)) => {
            let when = moment(at, status.now, language);
            words!("Próximo backup {when}", "Next backup {when}")
        }
        (None, None) => return String::new(),
    };
    words.get(language).to_owned()
}
