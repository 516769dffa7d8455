//! What a run says of its backup: the manifest, and the sentence of a dump that cannot be read.

use super::aim::Aim;
use super::prepare::Prepared;
use super::run::Run;
use crate::archive::{Company, MANIFEST_FORMAT, Manifest, TableRows, Verdict};
use crate::problem::{Code, Problem, Result};
use crate::words;
use crate::words::Words;
use std::io;
use std::path::Path;

/// The manifest of this run's backup, still without parts.
pub(super) fn manifest(run: &Run<'_>, prepared: &Prepared, rows: Vec<TableRows>) -> Result<Manifest> {
    let world = run.world;
    let shop = &world.config.shop;
    let (hour, reason) = match &run.order.aim {
        Aim::Rotation => (Some(run.report.hour), None),
        Aim::Extra(reason) => (None, Some(reason.to_string())),
        Aim::Manual(_) => (None, None),
    };
    Ok(Manifest {
        format: MANIFEST_FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        run: run.order.id,
        sequence: run.order.sequence,
        hour,
        reason,
        begun: run.order.begun,
        finished: world.clock.local_now(),
        shop: world.identity.shop.clone(),
        agent: world.identity.agent,
        server: prepared.server.clone(),
        database: world.database()?.as_str().to_owned(),
        company: Some(Company {
            legal_name: shop.legal_name.clone(),
            trade_name: shop.trade_name.clone(),
            cnpj: shop.cnpj.as_ref().map(ToString::to_string).unwrap_or_default(),
            store: shop.store.clone(),
        }),
        rows,
        parts: Vec::new(),
    })
}

/// The verdict as the manifest keeps it.
pub(super) fn verdict(words: &Words, warning: Option<&Problem>) -> Verdict {
    let code = warning.map_or("good", |problem| problem.code.id());
    Verdict { code: code.to_owned(), text: words.clone() }
}

/// The dump that SQL Server wrote cannot be opened by this program.
pub(super) fn dump_unreadable(path: &Path, error: &io::Error) -> Problem {
    tracing::error!(%error, path = %path.display(), "the dump cannot be opened");
    let shown = path.display();
    Problem::new(
        Code::FolderDevice,
        words!(
            "O SQL Server gravou o backup, mas {shown} não pode ser lido por este programa.",
            "SQL Server wrote the backup, but {shown} cannot be read by this program.",
        ),
        words!(
            "Confira se a pasta de backup é a mesma para o servidor (folder_seen_by_server) e se este programa pode ler nela.",
            "See that the backup folder is the same one for the server (folder_seen_by_server) and that this program may read it.",
        ),
    )
}

/// The dump is not the one that was packed any more.
pub(super) fn dump_changed(path: &Path) -> Problem {
    tracing::error!(path = %path.display(), "the dump changed after it was read");
    let shown = path.display();
    Problem::new(
        Code::BackupReadBack,
        words!(
            "O arquivo {shown} mudou depois de conferido e não ficou como o .bak mais novo; o zip deste backup está inteiro.",
            "The file {shown} changed after it was checked and does not stay as the newest .bak; the zip of this backup is whole."
        ),
        words!(
            "Veja se outro programa mexe na pasta de backup; se não, mande verificar o disco do servidor (chkdsk).",
            "See whether another program meddles in the backup folder; if not, have the server's disk checked (chkdsk)."
        ),
    )
}
