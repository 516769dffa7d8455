//! How the world is asked, step by step. Each question tells what it looked at and what it found; none decides anything.

use super::catalogue::CheckId;
use super::configuration::{InForce, News};
use super::health::Look;
use crate::config::{Config, DatabaseName, ServerConfig, Terminal};
use crate::destination::space::{HeldHour, Need, OldDump, Plan, Present, plan};
use crate::destination::{Apart, Destination, Name, Stat};
use crate::journal::{Journal, PendingCopy};
use crate::platform::{self, ServiceState};
use crate::problem::{Code, Problem, Result};
use crate::slot::{self, Set};
use crate::sqlserver::{Health, Server};
use crate::words;
use crate::words::{Language, bytes};
use chrono::{DateTime, Utc};

/// Is the service of SQL Server running (DM10)? Where it is not to be looked after, nothing is said.
pub async fn service(server: &ServerConfig) -> (Look, ServiceState) {
    let mut look = Look::default();
    let Some(name) = &server.service else { return (look, ServiceState::Unknown) };
    let state = platform::service_state(name).await;
    match state {
        ServiceState::Running | ServiceState::Starting => look.ask(&[CheckId::Service]),
        ServiceState::Stopped => look.note(stopped(name)),
        // The connection will tell.
        ServiceState::Missing | ServiceState::Unknown => {}
    }
    (look, state)
}

/// What the configuration's news mean for health. One that is unchanged is the one `in_force`: a file that is broken is news
/// each time.
pub fn configuration(news: &News, in_force: Option<&InForce>) -> Look {
    let mut look = Look::default();
    let good = match news {
        News::Unchanged => in_force,
        News::Valid(new) => Some(new),
        News::Broken(findings) => {
            for finding in findings {
                look.note_for(CheckId::Configuration, finding.problem.clone());
            }
            None
        }
    };
    if let Some(good) = good {
        look.ask(&[CheckId::Configuration, CheckId::ConfigurationOdd]);
        for warning in &good.warnings {
            look.note_for(CheckId::ConfigurationOdd, warning.problem.clone());
        }
    }
    look
}

/// Does SQL Server answer, let us in, and is the database as it should be?
pub async fn server(server: &Server, database: &DatabaseName) -> (Look, Option<Health>) {
    const CHAIN: [CheckId; 7] = [
        CheckId::Service,
        CheckId::Server,
        CheckId::Access,
        CheckId::Database,
        CheckId::Damage,
        CheckId::Options,
        CheckId::LesserRights,
    ];
    let mut look = Look::default();
    match server.health(database).await {
        Ok(health) => {
            look.ask(&CHAIN);
            health.problems.iter().for_each(|problem| look.note(problem.clone()));
            (look, Some(health))
        }
        Err(problem) => {
            // What comes before the one that failed was gone through; what comes after is not known.
            let failed = super::catalogue::Check::for_code(problem.code).id;
            let reached = CHAIN.iter().position(|check| *check == failed).unwrap_or(0);
            look.ask(&CHAIN[..reached]);
            look.note(problem);
            (look, None)
        }
    }
}

/// Is the terminal another machine, as far as the configuration wants it to be?
pub fn terminal_apart(config: &Config, shown: &str, apart: Option<Apart>) -> Look {
    let mut look = Look::default();
    look.ask(&[CheckId::LocalOnly]);
    match &config.terminal {
        Terminal::LocalOnly => {
            look.ask(&[CheckId::Terminal, CheckId::TerminalApart]);
            look.note(local_only());
        }
        Terminal::Folder { allow_same_volume: true, .. } => look.ask(&[CheckId::TerminalApart]),
        Terminal::Folder { allow_same_volume: false, .. } => match apart {
            Some(Apart::OtherMachine) => look.ask(&[CheckId::TerminalApart]),
            Some(Apart::SameMachine | Apart::SameVolume) => look.note(not_apart(shown)),
            None => {}
        },
    }
    look
}

/// Which backups does the terminal lack, and is the journal well?
pub fn journal(journal: &Journal) -> (Look, Option<Vec<PendingCopy>>) {
    let mut look = Look::default();
    look.ask(&[CheckId::Journal]);
    if let Some(problem) = journal.problem() {
        look.note(problem);
    }
    let pending = match journal.pending() {
        Ok(pending) => pending,
        Err(problem) => {
            look.note(problem);
            return (look, None);
        }
    };
    look.ask(&[CheckId::Pending]);
    if !pending.is_empty() {
        look.note(copies_pending(&pending));
    }
    (look, Some(pending))
}

/// What is known about the next backup before it is made.
#[derive(Clone, Debug, Default)]
pub struct Foreseen {
    /// The dump: what of the database is in use, or the size of the last one.
    pub dump_bytes: u64,
    /// The zip: the size of the last one.
    pub zip_bytes: u64,
    /// What the terminal lacks: it cannot yield.
    pub pending: Vec<PendingCopy>,
}

/// Does the next backup fit, and how many hours do? Blocks. Sizes and dates of the files are enough for a forecast; the run
/// itself looks closer.
///
/// # Errors
/// The folder does not answer.
pub fn space(
    local: &dyn Destination,
    config: &Config,
    foreseen: &Foreseen,
    now: DateTime<Utc>,
) -> Result<(platform::Space, Plan)> {
    let space = local.space()?;
    let dump = local.stat(&Name::bak(&config.archive_name))?;
    let sets = local.sets(&config.archive_name)?;
    let backup = &config.backup;
    let need = Need {
        dump_bytes: foreseen.dump_bytes,
        zip_bytes: foreseen.zip_bytes,
        reserve_bytes: backup.reserve_bytes,
    };
    let plan =
        plan(&need, space.free_bytes, &present(dump, &sets, &foreseen.pending), now, backup.slots_floor);
    Ok((space, plan))
}

/// The problem of a backup that will not fit.
pub fn space_problem(shown: &str, plan: &Plan) -> Option<Problem> {
    let (pt, en) =
        (bytes(plan.missing_bytes, Language::Portuguese), bytes(plan.missing_bytes, Language::English));
    (!plan.fits).then(|| {
        Problem::new(
            Code::SpaceForeseen,
            words!(
                "O próximo backup não cabe no disco da pasta {shown}: faltam {pt}.",
                "The next backup does not fit on the disk of the folder {shown}: {en} are missing."
            ),
            words!(
                "Libere espaço nesse disco ou mude a pasta de backup; nenhum backup guardado será apagado por isso.",
                "Free space on that disk or move the backup folder; no backup that is kept is deleted for it."
            ),
        )
    })
}

fn present(dump: Option<Stat>, sets: &[(Set, Stat)], pending: &[PendingCopy]) -> Present {
    let shared = |set: &Set, stat: &Stat| {
        stat.same_as.is_some()
            && sets.iter().any(|(other, also)| other != set && also.same_as == stat.same_as)
    };
    let mut present = Present {
        dump: dump.map(|stat| OldDump { bytes: stat.bytes, zip_verified: !sets.is_empty() }),
        ..Present::default()
    };
    // Backups of one agent are made one after the other, so that their dates order them well enough here.
    let mut by_age: Vec<_> = sets.iter().collect();
    by_age.sort_by_key(|(_, stat)| stat.modified);
    for (sequence, (set, stat)) in (1..).zip(by_age) {
        match set {
            Set::Hour(hour) => present.hours.push(HeldHour {
                hour: *hour,
                sequence,
                begun: stat.modified,
                bytes: stat.bytes,
                pending: pending.iter().any(|copy| !copy.extra && copy.hour == hour.number()),
                shared: shared(set, stat),
            }),
            Set::Newest | Set::Day(_) if shared(set, stat) => {}
            Set::Newest | Set::Day(_) => {
                present.other_sets_bytes = present.other_sets_bytes.saturating_add(stat.bytes);
            }
        }
    }
    present
}

/// SQL Server's service is stopped.
pub(crate) fn stopped(service: &str) -> Problem {
    Problem::new(
        Code::SqlServiceStopped,
        words!(
            "O serviço do SQL Server ({service}) está parado: sem ele não há backup.",
            "The service of SQL Server ({service}) is stopped: without it there is no backup."
        ),
        words!(
            "Inicie o serviço «{service}» (Serviços do Windows, ou systemctl start) e deixe a inicialização automática.",
            "Start the service “{service}” (Windows' Services, or systemctl start) and let it start automatically."
        ),
    )
}

/// The data are on one machine only, as the configuration wants it.
pub fn local_only() -> Problem {
    Problem::new(
        Code::LocalOnly,
        words!(
            "Backup local: os dados estão em uma única máquina.",
            "Local backup: the data are on one machine only."
        ),
        words!(
            "Configure um terminal de backup em outro computador, ou faça também backups em um HD externo.",
            "Configure a backup terminal on another machine, or make backups to an external drive as well."
        ),
    )
}

fn not_apart(shown: &str) -> Problem {
    Problem::new(
        Code::TerminalSameVolume,
        words!(
            "A pasta do terminal ({shown}) está na mesma máquina que o servidor: conta como backup local.",
            "The terminal's folder ({shown}) is on the server's own machine: it counts as a local backup."
        ),
        words!(
            "Use uma pasta de outro computador; para um teste, ligue allow_same_volume na configuração.",
            "Use a folder of another machine; for a trial, switch allow_same_volume on in the configuration."
        ),
    )
}

fn copies_pending(pending: &[PendingCopy]) -> Problem {
    let count = pending.len();
    let hours: Vec<_> = pending
        .iter()
        .map(|copy| if copy.extra { slot::extra::FOLDER.to_owned() } else { format!("{:02}h", copy.hour) })
        .collect();
    let hours = hours.join(", ");
    Problem::new(
        Code::TerminalPending,
        words!(
            "O terminal de backup ainda não tem {count} backup(s): {hours}.",
            "The backup terminal still lacks {count} backup(s): {hours}."
        ),
        words!(
            "Serão copiados sozinhos, do mais novo para o mais antigo, quando o terminal estiver acessível.",
            "They are copied by themselves, newest first, once the terminal can be reached."
        ),
    )
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
