//! `--dry-run`: what a restore would do, and the T-SQL, without doing any of it. The files of the database are known from what the
//! dump says of itself; the restore asks SQL Server.

use super::beside::{Stay, look, refuse};
use super::outcome::{Item, Plan, Replacement, RestoreId, Source, Task};
use super::record::{Exchange, Over, Overwrite, Standing};
use super::staging::Staging;
use super::work::{Workshop, blocking};
use super::{exchange, overwrite, plan, problems, replace, retest};
use crate::bak::Description;
use crate::problem::Result;
use crate::sqlserver::{BackupFile, OwnFile, RestoreRequest, statements};
use crate::words;
use crate::words::{Language, Words};
use chrono::{DateTime, FixedOffset};
use tokio_util::sync::CancellationToken;

/// What `task` would do at `now`.
///
/// # Errors
/// What would make it impossible, as far as that can be known without doing it.
pub async fn foresee(task: &Task, shop: &Workshop, now: DateTime<FixedOffset>) -> Result<Plan> {
    match task {
        Task::Beside { source } => beside(source, shop, now, Stay::Kept).await,
        Task::Test => test(shop, now).await,
        Task::Replace { source, .. } => replacement(source, shop, now).await,
        Task::Overwrite { source, .. } => overwriting(source, shop).await,
        Task::Resume { .. } | Task::Undo { .. } | Task::Release { .. } => {
            match shop.records.read().overwrite {
                Some(over) => ending_over(task, &over, shop).await,
                None => ending(task, shop),
            }
        }
        Task::Tick { items } => checklist(items, shop),
        Task::Drop { database } => removal(database, shop),
    }
}

/// The restore test: as beside, and removed again.
async fn test(shop: &Workshop, now: DateTime<FixedOffset>) -> Result<Plan> {
    let source = retest::choose(&shop.world, &CancellationToken::new()).await?;
    let mut plan = beside(&source, shop, now, Stay::Passing).await?;
    let database = plan.target.take().unwrap_or_default();
    plan.steps.push(words!(
        "comparar os registros com os que foram contados no backup",
        "compare the rows with those that were counted for the backup"
    ));
    plan.steps.push(words!("remover o banco «{database}»", "remove the database “{database}”"));
    plan.statements.extend(statements::drop_database(&database).map(|statement| statement.to_string()));
    Ok(plan)
}

async fn beside(source: &Source, shop: &Workshop, now: DateTime<FixedOffset>, stay: Stay) -> Result<Plan> {
    let server = &shop.world.server;
    let live = shop.world.database()?.as_str().to_owned();
    let rights = server.restore_rights(&live).await?;
    server.require_create(rights)?;
    let facts = server.facts().await?;
    let paths = server.instance_paths().await?;
    let (world, wanted, expected) = (shop.world.clone(), source.clone(), live.clone());
    let (opened, shape) = blocking(move || look(&world, &wanted, &expected)).await?;
    refuse(shape.description.as_ref(), &live, &facts)?;
    let files = shape.description.as_ref().map(files).unwrap_or_default();
    let database = stay.name(&live, now);
    let request = RestoreRequest {
        moves: plan::moves(&files, &database, &paths),
        database: database.clone(),
        device_path: Staging::foreseen(&shop.world),
        checksum: shape.description.as_ref().is_none_or(|told| told.checksums),
        replace: false,
    };
    let check = statements::check_database(&database).map(|statement| statement.to_string());
    Ok(Plan {
        steps: steps(&opened.shown, &request.device_path, &database),
        statements: [request.text()].into_iter().chain(check).collect(),
        target: Some(database),
        dump_bytes: shape.dump_bytes,
        files_bytes: plan::files_bytes(&files),
    })
}

async fn replacement(source: &Source, shop: &Workshop, now: DateTime<FixedOffset>) -> Result<Plan> {
    let server = &shop.world.server;
    let live = shop.world.database()?.as_str().to_owned();
    let mut plan = beside(source, shop, now, Stay::Kept).await?;
    let carried = server.carried(&live).await?;
    if carried.is_some() {
        server.require_exchange(server.restore_rights(&live).await?, &live)?;
        exchange::refuse_others(server, &live).await?;
        plan.steps.insert(0, safety(&live));
    }
    let restored = plan.target.take().unwrap_or_default();
    let kept = plan::kept_names(&live, now).into_iter().next().unwrap_or_default();
    plan.steps.push(words!(
        "«{live}» passa a se chamar «{kept}», e «{restored}» passa a se chamar «{live}»",
        "“{live}” is renamed “{kept}”, and “{restored}” is renamed “{live}”"
    ));
    let exchange = Exchange {
        restore: RestoreId::nil(),
        live: live.clone(),
        restored,
        kept,
        carried,
        standing: Standing::Ready,
        kept_identity: None,
    };
    plan.statements.extend(replace::statements(&exchange));
    plan.target = Some(live);
    Ok(plan)
}

/// The checklist as it would be with `items` ticked too.
fn checklist(items: &[Item], shop: &Workshop) -> Result<Plan> {
    let standing = shop.records.read().standing().ok_or_else(problems::no_exchange)?;
    let ticked = Replacement::new(standing.kept, &[&standing.ticked, items].concat());
    let lines = [Language::Portuguese, Language::English].map(|language| ticked.lines(language));
    let [pt, en] = lines;
    let steps = pt.into_iter().zip(en).map(|(pt, en)| words!("{pt}", "{en}")).collect();
    Ok(Plan { steps, ..Plan::default() })
}

/// A restore over the live database.
async fn overwriting(source: &Source, shop: &Workshop) -> Result<Plan> {
    let server = &shop.world.server;
    let live = shop.world.database()?.as_str().to_owned();
    overwrite::must_be_free(server, &live).await?;
    let own = server.own_files(&live).await?;
    let (mut plan, files) = over(source, &own, shop).await?;
    let paths = server.instance_paths().await?;
    overwrite::refuse_room(shop, server, plan.dump_bytes, &files, &own, &paths).await?;
    plan.steps.insert(0, safety(&live));
    Ok(plan)
}

/// What ends a restore over the live database.
async fn ending_over(task: &Task, recorded: &Overwrite, shop: &Workshop) -> Result<Plan> {
    let source = match task {
        Task::Release { .. } => {
            let safety = recorded.safety.display();
            let step = words!(
                "encerrar a troca; o backup de segurança {safety} fica",
                "end the replacement; the safety backup {safety} stays"
            );
            return Ok(Plan { steps: vec![step], ..Plan::default() });
        }
        Task::Undo { .. } => &Source::File { path: recorded.safety.clone() },
        Task::Resume { .. }
        | Task::Beside { .. }
        | Task::Replace { .. }
        | Task::Overwrite { .. }
        | Task::Tick { .. }
        | Task::Drop { .. }
        | Task::Test => &recorded.source,
    };
    let (mut plan, _) = over(source, &recorded.files, shop).await?;
    if matches!(task, Task::Undo { .. }) && recorded.standing == Over::Overwritten {
        plan.steps.insert(0, safety(&recorded.live));
    }
    Ok(plan)
}

/// A restore of `source` over the live database whose files are `own`, and the files that it would have.
async fn over(source: &Source, own: &[OwnFile], shop: &Workshop) -> Result<(Plan, Vec<BackupFile>)> {
    let server = &shop.world.server;
    let live = shop.world.database()?.as_str().to_owned();
    let (facts, paths) = (server.facts().await?, server.instance_paths().await?);
    let (world, wanted, expected) = (shop.world.clone(), source.clone(), live.clone());
    let (opened, shape) = blocking(move || look(&world, &wanted, &expected)).await?;
    refuse(shape.description.as_ref(), &live, &facts)?;
    let files = shape.description.as_ref().map(files).unwrap_or_default();
    let request = RestoreRequest {
        moves: plan::moves_over(&files, &live, own, &paths),
        database: live.clone(),
        device_path: Staging::foreseen(&shop.world),
        checksum: shape.description.as_ref().is_none_or(|told| told.checksums),
        replace: true,
    };
    let mut steps = steps(&opened.shown, &request.device_path, &live);
    let step = words!(
        "restaurar por cima de «{live}»: o que ele tem se perde, fora o backup de segurança",
        "restore it over “{live}”: what that holds is lost, but for the safety backup"
    );
    if let Some(beside) = steps.get_mut(1) {
        *beside = step;
    }
    let plan = Plan {
        steps,
        statements: overwrite::statements_of(&request),
        target: Some(live),
        dump_bytes: shape.dump_bytes,
        files_bytes: plan::files_bytes(&files),
    };
    Ok((plan, files))
}

fn safety(live: &str) -> Words {
    words!(
        "fazer e conferir um backup de segurança de «{live}» em «extra»",
        "make and check a safety backup of “{live}” in “extra”"
    )
}

/// What ends an open exchange.
fn ending(task: &Task, shop: &Workshop) -> Result<Plan> {
    let exchange = shop.records.read().exchange.ok_or_else(problems::no_exchange)?;
    let Exchange { live, restored, kept, .. } = &exchange;
    let (step, statements, target) = match task {
        Task::Release { .. } => (
            words!("remover o banco anterior, «{kept}»", "remove the old database, “{kept}”"),
            statements::drop_database(kept).map(|statement| statement.to_string()).into_iter().collect(),
            kept,
        ),
        Task::Undo { .. } => {
            let back = Exchange {
                restored: kept.clone(),
                kept: restored.clone(),
                carried: None,
                ..exchange.clone()
            };
            (
                words!("«{kept}» volta a se chamar «{live}»", "“{kept}” is renamed “{live}” again"),
                replace::statements(&back),
                live,
            )
        }
        Task::Resume { .. }
        | Task::Beside { .. }
        | Task::Replace { .. }
        | Task::Overwrite { .. }
        | Task::Tick { .. }
        | Task::Drop { .. }
        | Task::Test => (
            words!("«{restored}» passa a se chamar «{live}»", "“{restored}” is renamed “{live}”"),
            replace::statements(&exchange),
            live,
        ),
    };
    Ok(Plan { steps: vec![step], statements, target: Some(target.clone()), ..Plan::default() })
}

/// The files of the database, as its dump tells of them.
pub(super) fn files(description: &Description) -> Vec<BackupFile> {
    let file = |file: &crate::bak::DatabaseFile| BackupFile {
        logical_name: file.logical_name.clone(),
        physical_name: file.path.clone(),
        kind: if file.log { "L" } else { "D" }.to_owned(),
        bytes: file.bytes,
    };
    description.files.iter().map(file).collect()
}

fn steps(from: &str, device: &str, database: &str) -> Vec<Words> {
    vec![
        words!(
            "conferir «{from}» e extrair o backup para {device}",
            "check “{from}” and extract the backup to {device}"
        ),
        words!("restaurar como «{database}»", "restore it as “{database}”"),
        words!("conferir o banco restaurado (DBCC CHECKDB)", "check the restored database (DBCC CHECKDB)"),
        words!("contar os registros de cada tabela", "count the rows of each table"),
        words!("remover {device}", "remove {device}"),
    ]
}

fn removal(database: &str, shop: &Workshop) -> Result<Plan> {
    let made = shop.records.made(database).filter(|_| plan::is_beside_name(database));
    made.ok_or_else(|| problems::not_ours(database))?;
    let statement = statements::drop_database(database).map(|statement| statement.to_string());
    Ok(Plan {
        steps: vec![words!("remover o banco «{database}»", "remove the database “{database}”")],
        statements: statement.into_iter().collect(),
        target: Some(database.to_owned()),
        ..Plan::default()
    })
}
