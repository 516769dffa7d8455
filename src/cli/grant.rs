//! `grant`: the rights in SQL Server that the configured login lacks, printed for an administrator or given by one.

use super::args::GrantArgs;
use super::printer::Printer;
use super::usage;
use crate::config::{self, Config, Login, Secret};
use crate::durable::read_bounded;
use crate::problem::{Exit, Problem, Result};
use crate::sqlserver::{GrantPlan, Server};
use crate::words;
use std::path::Path;

const PROGRAM: &str = "DMBackup grant";
/// Longest file with a password.
const LONGEST_SECRET_BYTES: u64 = 4 << 10;

/// Prints or gives what is missing.
///
/// # Errors
/// The configuration is broken, or SQL Server cannot be asked or refuses.
pub async fn run(args: &GrantArgs, path: &Path, printer: &mut Printer) -> Result<Exit> {
    let config = config::load(path).map_err(first)?.config;
    let database = config.database().ok_or_else(|| Problem::internal("no database is configured"))?;
    let plan = Server::new(&config.server, PROGRAM).grant_plan(database).await?;
    if args.apply && !plan.missing.is_empty() {
        administrator(args, &config)?.apply_grants(&plan).await?;
    }
    tell(&plan, args.apply, printer);
    Ok(Exit::Success)
}

fn tell(plan: &GrantPlan, applied: bool, printer: &mut Printer) {
    if printer.is_json() {
        let statements: Vec<_> = plan.statements.iter().map(|statement| statement.text()).collect();
        let applied = applied && !statements.is_empty();
        printer.document(&serde_json::json!({
            "login": plan.login, "statements": statements, "applied": applied,
        }));
        return;
    }
    let login = &plan.login;
    if plan.missing.is_empty() {
        printer.words(&words!(
            "O login «{login}» já tem todas as permissões.",
            "The login “{login}” has every right already."
        ));
    } else if applied {
        printer.words(&words!(
            "As permissões que faltavam ao login «{login}» foram dadas.",
            "The rights that the login “{login}” lacked were given."
        ));
    } else {
        printer.line(plan.script().trim_end());
    }
}

/// The server as its administrator reaches it: named on the command line, or the configured login itself.
fn administrator(args: &GrantArgs, config: &Config) -> Result<Server> {
    let mut server = config.server.clone();
    if let (Some(user), Some(file)) = (&args.admin_user, &args.admin_password_file) {
        server.login = Login::Sql { user: user.clone(), password: secret(file)? };
    }
    Ok(Server::new(&server, PROGRAM))
}

pub(super) fn secret(path: &Path) -> Result<Secret> {
    let shown = path.display();
    let unreadable = || {
        usage::problem(words!(
            "O arquivo de senha {shown} não pode ser lido.",
            "The password file {shown} cannot be read."
        ))
    };
    let bytes = read_bounded(path, LONGEST_SECRET_BYTES).ok().flatten().ok_or_else(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable())?;
    let first = text.lines().next().filter(|line| !line.is_empty()).ok_or_else(unreadable)?;
    Ok(Secret::new(first))
}

fn first(findings: Vec<config::Finding>) -> Problem {
    let found = findings.into_iter().next().map(|finding| finding.problem);
    found.unwrap_or_else(|| Problem::internal("a configuration is refused without a reason"))
}
