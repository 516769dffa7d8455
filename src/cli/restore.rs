//! `restore`: what can be restored from, a restore beside the live database, and its removal.

use super::args::RestoreArgs;
use super::printer::Printer;
use super::{grant, report, usage};
use crate::agent::status::Status;
use crate::backup::outcome::{Outcome, Progress};
use crate::control::client::Client;
use crate::control::protocol::{LoginTyped, Place, Source, Typed};
use crate::problem::{Exit, Problem, Result};
use crate::restore::outcome::{
    AGENT, Listed, Plan, Replacement, RestoreId, RestoreProgress, RestoreReport, Stage, Task, Verdict,
};
use crate::slot::Set;
use crate::words;
use crate::words::{Language, Words, bytes, date_time, duration};
use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longest name of a database that is read from the keyboard.
const LONGEST_NAME_BYTES: u64 = 1_024;
/// The most past restores that are shown.
const MOST_PAST: u32 = 20;

/// Does what is asked.
///
/// # Errors
/// There is no agent, it says no, or it ends while we wait.
pub async fn run(state: &Path, args: RestoreArgs, printer: &mut Printer) -> Result<Exit> {
    if args.list {
        return list(state, args.from.as_deref(), printer).await;
    }
    if args.past {
        return past(state, printer).await;
    }
    let task = task(&args, printer)?;
    if args.dry_run {
        let plan = Client::connect(state).await?.restore_plan(task).await?;
        tell_plan(&plan, printer);
        return Ok(Exit::Success);
    }
    let login = login(&args)?;
    let id = Client::connect(state).await?.restore(task, login).await?;
    // A tick is made at once, and whoever makes it wants to see what is left.
    if !args.wait && args.tick.is_empty() {
        if printer.is_json() {
            printer.document(&serde_json::json!({ "restore": id }));
        } else {
            printer.words(&words!(
                "Iniciado; acompanhe com «dmbackupctl status --watch».",
                "Begun; watch it with “dmbackupctl status --watch”."
            ));
        }
        return Ok(Exit::Success);
    }
    let report = follow(state, id, printer).await?;
    if printer.is_json() {
        printer.document(&report);
    } else {
        let language = printer.language();
        lines(&report, language).iter().for_each(|line| printer.line(line));
        if let Some(standing) = Client::connect(state).await?.status().await?.replacement {
            checklist(&standing, language).iter().for_each(|line| printer.line(line));
        }
    }
    Ok(exit(&report))
}

/// The checklist after a replacement, and what is to be done next.
fn checklist(standing: &Replacement, language: Language) -> Vec<String> {
    let next = standing.next();
    let items = standing.lines(language).into_iter().map(|line| format!("  {line}"));
    std::iter::once(format!("{}:", checklist_title().get(language)))
        .chain(items)
        .chain([format!("  {}", next.get(language))])
        .collect()
}

/// What the checklist after a replacement is called.
pub fn checklist_title() -> Words {
    words!("Conferência depois da troca", "Check after the replacement")
}

fn task(args: &RestoreArgs, printer: &mut Printer) -> Result<Task> {
    if let Some(database) = &args.drop {
        return Ok(Task::Drop { database: database.clone() });
    }
    if !args.tick.is_empty() {
        return Ok(Task::Tick { items: args.tick.iter().flat_map(|ticked| ticked.items()).collect() });
    }
    if args.test {
        return Ok(Task::Test);
    }
    let source = args.from.as_deref().map(|from| source(from, args.terminal)).transpose()?;
    if let (Some(source), false) = (&source, args.replace) {
        return Ok(Task::Beside { source: source.clone() });
    }
    let confirm = confirm(args, printer)?;
    Ok(match source {
        Some(source) if args.overwrite => Task::Overwrite { source, confirm },
        Some(source) => Task::Replace { source, confirm },
        None if args.resume => Task::Resume { confirm },
        None if args.undo => Task::Undo { confirm },
        None => Task::Release { confirm },
    })
}

/// The live database's name, as somebody typed it. A plan changes nothing and needs none.
fn confirm(args: &RestoreArgs, printer: &mut Printer) -> Result<String> {
    if args.dry_run {
        return Ok(String::new());
    }
    if let Some(name) = &args.confirm {
        return Ok(name.clone());
    }
    if printer.is_json() || !std::io::stdin().is_terminal() {
        return Err(usage::problem(words!(
            "Isto muda o banco de dados da loja: falta --confirm com o nome dele.",
            "This changes the shop's database: --confirm with its name is missing."
        )));
    }
    printer.words(&words!(
        "Isto muda o banco de dados da loja. Digite o nome dele para confirmar:",
        "This changes the shop's database. Type its name to confirm:"
    ));
    let mut typed = String::new();
    let read = std::io::stdin().lock().take(LONGEST_NAME_BYTES).read_line(&mut typed);
    read.map_err(|cause| {
        usage::problem(words!("Nada foi digitado ({cause}).", "Nothing was typed ({cause})."))
    })?;
    Ok(typed.trim().to_owned())
}

/// A place of the rotation where it reads as one, else a path from here.
fn source(from: &str, terminal: bool) -> Result<Source> {
    match from.parse::<Set>() {
        Ok(set) => Ok(Source::Set { set, place: if terminal { Place::Terminal } else { Place::Server } }),
        Err(_) if terminal => Err(usage::problem(words!(
            "«{from}» não é um horário nem um dia: --terminal vale só para eles.",
            "“{from}” is neither an hour nor a weekday: --terminal is for those only."
        ))),
        Err(_) => Ok(Source::File { path: absolute(from)? }),
    }
}

fn absolute(path: &str) -> Result<PathBuf> {
    std::path::absolute(path)
        .map_err(|_| usage::problem(words!("«{path}» não é um caminho.", "“{path}” is no path.")))
}

fn login(args: &RestoreArgs) -> Result<Option<LoginTyped>> {
    let (Some(user), Some(file)) = (&args.admin_user, &args.admin_password_file) else { return Ok(None) };
    let password = Typed::new(grant::secret(file)?.expose());
    Ok(Some(LoginTyped { user: user.clone(), password }))
}

async fn list(state: &Path, from: Option<&str>, printer: &mut Printer) -> Result<Exit> {
    let path = from.map(absolute).transpose()?;
    let (sources, terminal_problem) = Client::connect(state).await?.restore_sources(path).await?;
    if printer.is_json() {
        printer.document(&serde_json::json!({ "sources": sources, "terminal_problem": terminal_problem }));
    } else {
        for (place, name) in [
            (Some(Place::Server), words!("No servidor:", "On the server:")),
            (Some(Place::Terminal), words!("No terminal:", "At the terminal:")),
            (None, words!("No disco indicado:", "On the disk that was named:")),
        ] {
            let here: Vec<_> = sources.iter().filter(|listed| listed.place == place).collect();
            if !here.is_empty() {
                printer.words(&name);
                let language = printer.language();
                here.into_iter().flat_map(|listed| listed_lines(listed, language)).for_each(|line| {
                    printer.line(line);
                });
            }
        }
        if sources.is_empty() {
            printer.words(&words!("Nenhum backup encontrado.", "No backup was found."));
        }
        if let Some(problem) = &terminal_problem {
            printer.problem(problem);
        }
    }
    Ok(terminal_problem.map_or(Exit::Success, |problem| problem.exit()))
}

fn listed_lines(listed: &Listed, language: Language) -> Vec<String> {
    let name = match listed.place {
        Some(_) => listed.from.rsplit(['/', '\\']).next().unwrap_or(&listed.from),
        None => &listed.from,
    };
    let when = date_time(listed.begun.unwrap_or(listed.modified), language);
    let (size, unknown) = (bytes(listed.bytes, language), words!("desconhecido", "unknown"));
    let database = listed.database.as_deref().unwrap_or(unknown.get(language));
    let server = listed.server.as_deref().unwrap_or(unknown.get(language));
    let mut lines = vec![format!("  {name:<10} {when}  {size:>9}  {database}  {server}")];
    match (&listed.problem, &listed.verified, listed.verified_at) {
        (Some(problem), _, _) => lines.push(format!("    ! {}", problem.text(language))),
        (None, Some(verified), Some(at)) => {
            let (Words { pt, en }, at) = (verified, date_time(at, language));
            lines.push(
                words!("    conferido em {at}: {pt}", "    checked on {at}: {en}").get(language).into(),
            );
        }
        (None, _, _) => {
            lines.push(
                words!("    não conferido por este programa", "    not checked by this program")
                    .get(language)
                    .into(),
            );
        }
    }
    lines
}

async fn past(state: &Path, printer: &mut Printer) -> Result<Exit> {
    let restores = Client::connect(state).await?.restores(MOST_PAST).await?;
    if printer.is_json() {
        printer.document(&serde_json::json!({ "restores": restores }));
    } else if restores.is_empty() {
        printer.words(&words!("Nenhuma restauração foi feita.", "No restore was made."));
    } else {
        let language = printer.language();
        restores.iter().flat_map(|report| lines(report, language)).for_each(|line| printer.line(line));
    }
    Ok(Exit::Success)
}

fn tell_plan(plan: &Plan, printer: &mut Printer) {
    if printer.is_json() {
        printer.document(plan);
        return;
    }
    let language = printer.language();
    for (number, step) in (1..).zip(&plan.steps) {
        printer.line(format!("{number}. {}", step.get(language)));
    }
    let (dump, files) = (bytes(plan.dump_bytes, language), bytes(plan.files_bytes, language));
    if plan.dump_bytes > 0 {
        printer.words(&words!(
            "espaço: {dump} para o backup extraído, {files} para os arquivos do banco",
            "room: {dump} for the extracted backup, {files} for the files of the database"
        ));
    }
    plan.statements.iter().for_each(|statement| printer.line(format!("{statement};")));
}

/// Shows how a restore goes on until it has ended.
async fn follow(state: &Path, id: RestoreId, printer: &mut Printer) -> Result<RestoreReport> {
    let mut statuses = Client::connect(state).await?.watch().await?;
    let mut said = Words::same("");
    loop {
        let status = statuses.next().await?;
        if let Some(report) = status.last_restore.as_ref().filter(|report| report.id == id) {
            return Ok(report.clone());
        }
        if status.restore.as_ref().is_some_and(|restore| restore.id == id) {
            show(&status, &mut said, printer);
        } else {
            // Another may have begun and ended between two looks.
            let found = Client::connect(state).await?.restore_report(id).await?;
            if let Some(report) = found.filter(|report| report.outcome.is_some()) {
                return Ok(report);
            }
        }
    }
}

fn show(status: &Status, said: &mut Words, printer: &mut Printer) {
    if printer.is_json() {
        return;
    }
    if status.line != *said {
        said.clone_from(&status.line);
        printer.words(&status.line);
    }
    if let Some(progress) = status.restore.as_ref().and_then(|restore| restore.progress) {
        printer.transient(&bar(&progress, printer.language()));
    }
}

/// A bar with its figures.
pub fn bar(progress: &RestoreProgress, language: Language) -> String {
    report::bar(&figures(*progress), language)
}

/// The figures of a restore as those of a run, whose manner of showing them serves both.
pub fn figures(progress: RestoreProgress) -> Progress {
    let RestoreProgress { done_bytes, total_bytes, percent, left_secs, .. } = progress;
    let phase = crate::backup::outcome::Phase::Packing;
    Progress { phase, done_bytes, total_bytes, percent, copied_bytes: 0, left_secs }
}

/// The exit code of whoever waited for this restore.
fn exit(report: &RestoreReport) -> Exit {
    let first = report.problems.first().map(Problem::exit);
    match report.outcome {
        Some(Outcome::Success) => Exit::Success,
        Some(Outcome::Warning) => Exit::Warning,
        Some(Outcome::Cancelled) => Exit::Cancelled,
        Some(Outcome::Failed | Outcome::Interrupted) | None => first.unwrap_or(Exit::Internal),
    }
}

/// Everything that a person wants to know of a restore that ended, one line each.
pub fn lines(report: &RestoreReport, language: Language) -> Vec<String> {
    let kept = report.kept.as_ref().map(|kept| {
        words!(
            "o banco anterior está em «{kept}» até «restore --release»; «restore --undo» volta a ele",
            "the old database is kept as “{kept}” until “restore --release”; “restore --undo” returns to it"
        )
    });
    let facts = told(report, kept, language).into_iter().map(|line| format!("  {line}"));
    std::iter::once(headline(report, language)).chain(facts).collect()
}

/// The same without its first line, for whoever has no command line before him.
pub fn facts(report: &RestoreReport, language: Language) -> Vec<String> {
    let kept = report
        .kept
        .as_ref()
        .map(|kept| words!("o banco anterior está em «{kept}»", "the old database is kept as “{kept}”"));
    told(report, kept, language)
}

fn told(report: &RestoreReport, kept: Option<Words>, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    let mut told = |words: Words| lines.push(words.get(language).to_owned());
    if let Some(from) = &report.from {
        let (shown, size) = (&from.shown, bytes(from.bytes, language));
        told(words!("de: {shown} ({size})", "from: {shown} ({size})"));
        if let Some(Words { pt, en }) = &from.verdict {
            told(words!("conferência do arquivo: {pt}", "check of the file: {en}"));
        }
    }
    if let Some(target) = &report.target {
        told(words!("banco: {target}", "database: {target}"));
    }
    if let Some(safety) = &report.safety {
        told(words!("backup de segurança: {safety}", "safety backup: {safety}"));
    }
    kept.map(&mut told);
    if report.stages.iter().any(|time| time.stage == Stage::Checking) {
        told(match report.defects.len() {
            0 => words!("DBCC CHECKDB: nenhum erro", "DBCC CHECKDB: no error"),
            count => words!("DBCC CHECKDB: {count} erro(s)", "DBCC CHECKDB: {count} error(s)"),
        });
        report.defects.iter().for_each(|defect| told(Words::same(format!("  {}", defect.text))));
    }
    if !report.counts.is_empty() {
        let (tables, rows) = (report.counts.len(), report.rows());
        told(if tables == 1 {
            words!("1 tabela, {rows} registros", "1 table, {rows} rows")
        } else {
            words!("{tables} tabelas, {rows} registros", "{tables} tables, {rows} rows")
        });
        match report.compared {
            Some(tables) => told(words!(
                "registros comparados com os do backup em {tables} tabelas",
                "rows compared with those of the backup in {tables} tables"
            )),
            None if report.task == Task::Test => told(words!(
                "o backup não diz quantos registros tinha",
                "the backup does not say how many rows it had"
            )),
            None => {}
        }
    }
    if let Some(Words { pt, en }) = report.verdict().map(Verdict::words) {
        told(words!("teste de restauração: {pt}", "restore test: {en}"));
    }
    lines.extend(report.problems.iter().map(|problem| format!("! {}", problem.text(language))));
    lines
}

/// One line for the status: `22/11/2026 09:00  Sucesso  restauração ao lado (MCDados_restaurado_…)`.
pub fn short(report: &RestoreReport, language: Language) -> String {
    let when = date_time(report.started_at, language);
    let (outcome, task) = (report::outcome(report.outcome), report.task.words());
    let target = report.target.as_ref().map(|target| format!(" ({target})")).unwrap_or_default();
    format!("{when}  {}  {}{target}", outcome.get(language), task.get(language))
}

fn headline(report: &RestoreReport, language: Language) -> String {
    let when = date_time(report.started_at, language);
    let (outcome, task) = (report::outcome(report.outcome), report.task.words());
    let by = &report.by;
    let by = if by == AGENT { words!("pelo agente", "by the agent") } else { words!("por {by}", "by {by}") };
    let length: Duration = report.stages.iter().map(|time| Duration::from_millis(time.millis)).sum();
    let length = duration(length, language);
    format!("{when}  {}  {} ({})  {length}", outcome.get(language), task.get(language), by.get(language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_as_a_place_of_the_rotation_is_one_and_everything_else_a_path() {
        assert!(matches!(source("09h", false), Ok(Source::Set { place: Place::Server, .. })));
        assert!(matches!(source("segunda", true), Ok(Source::Set { place: Place::Terminal, .. })));
        let Ok(Source::File { path }) = source("./09h", false) else { panic!("a path") };
        assert!(path.is_absolute());
        assert_eq!(source("x.zip", true).unwrap_err().exit(), Exit::Usage);
    }
}
