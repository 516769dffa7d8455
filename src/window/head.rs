//! The large line at the top: state and time, and what to do.

use super::ui::{Head, Mood};
use crate::agent::status::Status;
use crate::backup::outcome::RunReport;
use crate::control::link::Link;
use crate::icon::Icon;
use crate::words;
use crate::words::{Language, Words, moment};

/// The line for what is known of the agent. The shop's CNPJ stands in its configuration.
pub fn head(link: &Link, cnpj: &str, language: Language) -> Head {
    let (mood, line, more) = match link {
        Link::Starting => (
            Mood::Working,
            words!("Procurando o agente de backup…", "Looking for the backup agent…"),
            String::new(),
        ),
        Link::Lost(problem) => (
            Mood::Unreachable,
            words!(
                "Não se sabe: o agente de backup não responde.",
                "Unknown: the backup agent does not answer."
            ),
            problem.text(language),
        ),
        Link::Reached(status) => of_status(status, language),
    };
    Head {
        mood,
        line: line.get(language).into(),
        more: more.into(),
        shop: link.status().map(|status| shop(status, language)).unwrap_or_default().into(),
        cnpj: cnpj.into(),
    }
}

fn shop(status: &Status, language: Language) -> String {
    let Some(subject) = &status.subject else { return String::new() };
    let (shop, store) = (&subject.shop, &subject.store);
    if store.is_empty() {
        return shop.clone();
    }
    words!("{shop} (loja {store})", "{shop} (store {store})").get(language).to_owned()
}

fn of_status(status: &Status, language: Language) -> (Mood, Words, String) {
    let icon = Icon::of_health(status);
    let Some(good) = &status.last_good else { return without_backup(status, icon, language) };
    let when = moment(good.finished_at.unwrap_or(good.started_at), status.now, language);
    let Words { pt, en } = place(good);
    let line = match icon {
        Icon::Well | Icon::Working => {
            words!("Tudo certo. Último backup {when}, {pt}.", "All is well. Last backup {when}, {en}.")
        }
        Icon::Warning => {
            words!("Veja o aviso. Último backup {when}, {pt}.", "See the warning. Last backup {when}, {en}.")
        }
        Icon::Failed | Icon::Unreachable => words!(
            "Atenção: backup com problema. Último bom backup {when}.",
            "Attention: the backup has a problem. Last good backup {when}."
        ),
    };
    (icon.into(), line, trouble(status, language))
}

fn without_backup(status: &Status, icon: Icon, language: Language) -> (Mood, Words, String) {
    if status.run.is_some() {
        let line = words!("O primeiro backup está sendo feito.", "The first backup is being made.");
        return (Mood::Working, line, String::new());
    }
    let line = words!("Ainda não há nenhum bom backup.", "There is no good backup yet.");
    let mood = match icon {
        Icon::Failed => Mood::Failed,
        Icon::Well | Icon::Working | Icon::Warning | Icon::Unreachable => Mood::Warning,
    };
    (mood, line, trouble(status, language))
}

/// Where the last good backup is.
fn place(good: &RunReport) -> Words {
    match &good.terminal {
        Some(copy) if copy.done => words!("no servidor e no terminal", "on the server and at the terminal"),
        Some(_) => words!("só no servidor", "on the server only"),
        None => words!("só neste computador", "on this computer only"),
    }
}

/// What is wrong and what to do: the cause first, and how much more there is.
fn trouble(status: &Status, language: Language) -> String {
    let mut texts =
        status.checks.iter().filter(|check| check.explained_by.is_none()).map(|check| &check.problem);
    let finding = status.configuration.findings.first().map(|finding| &finding.problem);
    let last = status.last.as_ref().and_then(|last| last.problems.first());
    let failed = Icon::of_health(status) != Icon::Well;
    let Some(first) = texts.next().or(finding).or(last.filter(|_| failed)) else {
        return pending(status, language);
    };
    let others = texts.count();
    let text = first.text(language);
    if others == 0 {
        return text;
    }
    let more = words!("(e mais {others})", "(and {others} more)");
    format!("{text} {}", more.get(language))
}

fn pending(status: &Status, language: Language) -> String {
    let words = match status.pending.len() {
        0 => return String::new(),
        1 => words!(
            "Falta copiar 1 backup para o terminal.",
            "1 backup is still to be copied to the terminal."
        ),
        count => words!(
            "Falta copiar {count} backups para o terminal.",
            "{count} backups are still to be copied to the terminal."
        ),
    };
    words.get(language).to_owned()
}
