//! What can be wrong with a restore, in the words that people read.

use super::checklist;
use super::outcome::Item;
use super::record::Exchange;
use crate::bak::Build;
use crate::problem::{Code, Problem};
use crate::sqlserver::Occupant;
use crate::words::{self, Language, Words};
use std::path::Path;

fn refused(sentence: Words, hint: Words) -> Problem {
    Problem::new(Code::RestoreRefused, sentence, hint)
}

fn another_file() -> Words {
    crate::words!(
        "Escolha outro backup: «dmbackupctl restore --list» mostra todos. Nada foi alterado.",
        "Choose another backup: “dmbackupctl restore --list” shows all. Nothing was touched.",
    )
}

/// Nothing stands there.
pub(super) fn no_source(shown: &str) -> Problem {
    refused(crate::words!("Não há backup em «{shown}».", "There is no backup at “{shown}”."), another_file())
}

/// No terminal is configured.
pub(super) fn no_terminal() -> Problem {
    refused(
        crate::words!("Nenhum terminal de backup está configurado.", "No backup terminal is configured."),
        another_file(),
    )
}

/// The path does not say where it begins.
pub(super) fn relative(path: &Path) -> Problem {
    let shown = path.display();
    refused(
        crate::words!(
            "O caminho «{shown}» não diz em que disco ou pasta começa.",
            "The path “{shown}” does not say on which disk or in which folder it begins.",
        ),
        crate::words!("Informe o caminho completo.", "Give the whole path."),
    )
}

/// The file cannot be read.
pub(super) fn unreadable(shown: &str, cause: &std::io::Error) -> Problem {
    tracing::warn!(file = shown, %cause, "the source of a restore cannot be read");
    Problem::new(
        Code::FolderIo,
        crate::words!(
            "O arquivo «{shown}» não pode ser lido: {cause}.",
            "The file “{shown}” cannot be read: {cause}.",
        ),
        crate::words!(
            "Confira se o disco está ligado e se o agente pode ler nele.",
            "Check that the disk is connected and that the agent may read it.",
        ),
    )
}

/// The file does not say what it is.
pub(super) fn no_manifest(shown: &str) -> Problem {
    Problem::new(
        Code::BackupNotUnderstood,
        crate::words!(
            "«{shown}» não traz manifesto, ou ele não pode ser lido.",
            "“{shown}” carries no manifest, or it cannot be read.",
        ),
        crate::words!("Examine-o com «dmbackupctl inspect».", "Examine it with “dmbackupctl inspect”."),
    )
}

/// The zip holds no dump.
pub(super) fn no_dump() -> Problem {
    Problem::new(
        Code::ArchiveDamaged,
        crate::words!("O zip não contém nenhum arquivo .bak.", "The zip holds no .bak file."),
        another_file(),
    )
}

/// The zip of another program holds several dumps.
pub(super) fn several_dumps(names: &[&str]) -> Problem {
    let names = names.join(", ");
    refused(
        crate::words!(
            "O zip contém vários arquivos .bak ({names}), e não diz qual é o do banco.",
            "The zip holds several .bak files ({names}), and does not say which is the database's.",
        ),
        crate::words!(
            "Extraia o arquivo certo e restaure a partir dele.",
            "Extract the right one and restore from that.",
        ),
    )
}

/// An entry of the zip names a place outside of it.
pub(super) fn escaping_entry(name: &str) -> Problem {
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    Problem::new(
        Code::ArchiveDamaged,
        crate::words!(
            "O zip contém uma entrada com caminho proibido («{name}»): não foi feito por um programa de backup confiável.",
            "The zip holds an entry with a forbidden path (“{name}”): no trustworthy backup program made it.",
        ),
        another_file(),
    )
}

/// The entry is encrypted.
pub(super) fn encrypted(name: &str) -> Problem {
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    refused(
        crate::words!(
            "«{name}» está protegido por senha dentro do zip.",
            "“{name}” has a password in the zip."
        ),
        crate::words!(
            "Extraia o arquivo .bak com o programa que fez o zip e restaure a partir dele.",
            "Extract the .bak file with the program that made the zip and restore from that.",
        ),
    )
}

/// The backup is another database's.
pub(super) fn other_database(found: &str, expected: &str) -> Problem {
    Problem::new(
        Code::BackupOtherDatabase,
        crate::words!(
            "O backup é do banco de dados «{found}», não de «{expected}».",
            "The backup is of the database “{found}”, not of “{expected}”.",
        ),
        another_file(),
    )
}

/// Only one of several files of a backup.
pub(super) fn stripe(number: u16, of: u16) -> Problem {
    Problem::new(
        Code::BackupStripe,
        crate::words!(
            "O arquivo é só a parte {number} de um backup dividido em {of} arquivos.",
            "The file is only part {number} of a backup that was split into {of} files.",
        ),
        crate::words!(
            "Para restaurar são precisos todos os arquivos do mesmo backup, no SQL Server Management Studio. Nada foi alterado.",
            "To restore it, all files of the same backup are needed, in SQL Server Management Studio. Nothing was touched.",
        ),
    )
}

/// A newer server made it.
pub(super) fn newer_server(build: Build, ours: impl std::fmt::Display) -> Problem {
    let name = build.product().map_or_else(|| build.to_string(), str::to_owned);
    refused(
        crate::words!(
            "O backup foi feito pelo {name}, mais novo que este SQL Server ({ours}), que não pode restaurá-lo.",
            "The backup was made by {name}, newer than this SQL Server ({ours}), which cannot restore it.",
        ),
        crate::words!(
            "Restaure em um SQL Server da mesma versão ou mais novo. Nada foi alterado.",
            "Restore it on a SQL Server of the same version or a newer one. Nothing was touched.",
        ),
    )
}

/// The file holds none, or several, backup sets, or one that is no whole database.
pub(super) fn not_one_whole_backup(sets: usize) -> Problem {
    refused(
        crate::words!(
            "O arquivo contém {sets} backups, ou um que não é de um banco inteiro (diferencial ou log).",
            "The file holds {sets} backups, or one that is not of a whole database (differential or log).",
        ),
        crate::words!(
            "Escolha um backup completo; os outros se restauram no SQL Server Management Studio. Nada foi alterado.",
            "Choose a full backup; others are restored in SQL Server Management Studio. Nothing was touched.",
        ),
    )
}

/// A disk has not the room.
pub(super) fn no_room(shown: &str, needed_bytes: u64, free_bytes: u64) -> Problem {
    let text = |bytes, language| words::bytes(bytes, language);
    let (pt, pt_free) = (text(needed_bytes, Language::Portuguese), text(free_bytes, Language::Portuguese));
    let (en, en_free) = (text(needed_bytes, Language::English), text(free_bytes, Language::English));
    Problem::new(
        Code::SpaceForeseen,
        crate::words!(
            "A restauração precisa de {pt} em «{shown}», que tem {pt_free} livres.",
            "The restore needs {en} at “{shown}”, which has {en_free} free.",
        ),
        crate::words!(
            "Libere espaço nesse disco e tente de novo. Nada foi alterado.",
            "Free space on that disk and try again. Nothing was touched.",
        ),
    )
}

/// Writing the dump for SQL Server failed.
pub(super) fn cannot_stage(shown: &str, cause: &std::io::Error) -> Problem {
    tracing::error!(file = shown, %cause, "the dump cannot be written for SQL Server");
    if matches!(cause.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        return Problem::new(
            Code::SpaceFull,
            crate::words!(
                "O disco encheu enquanto o backup era extraído para «{shown}».",
                "The disk became full while the backup was extracted to “{shown}”.",
            ),
            crate::words!(
                "Libere espaço nesse disco e tente de novo. Nada foi alterado.",
                "Free space on that disk and try again. Nothing was touched.",
            ),
        );
    }
    Problem::new(
        Code::FolderIo,
        crate::words!(
            "Falha ao extrair o backup para «{shown}»: {cause}.",
            "Extracting the backup to “{shown}” failed: {cause}.",
        ),
        crate::words!(
            "Verifique o disco e as permissões dessa pasta. Nada foi alterado.",
            "Check the disk and the rights of that folder. Nothing was touched.",
        ),
    )
}

/// CHECKDB found something wrong.
pub(super) fn defects(database: &str, found: usize) -> Problem {
    Problem::new(
        Code::RestoreDamaged,
        crate::words!(
            "O backup foi restaurado como «{database}», mas a conferência do SQL Server (DBCC CHECKDB) encontrou {found} erro(s).",
            "The backup was restored as “{database}”, but the check of SQL Server (DBCC CHECKDB) found {found} error(s).",
        ),
        crate::words!(
            "Não use este banco: restaure o backup de outra hora ou de outro dia. Para removê-lo: dmbackupctl restore --drop {database}",
            "Do not use this database: restore the backup of another hour or day. To remove it: dmbackupctl restore --drop {database}",
        ),
    )
}

/// The database was not made by us, as far as we know.
pub(super) fn not_ours(database: &str) -> Problem {
    refused(
        crate::words!(
            "O banco de dados «{database}» não foi criado por uma restauração deste programa nesta máquina, ou mudou de nome desde então.",
            "The database “{database}” was not made by a restore of this program on this machine, or was renamed since.",
        ),
        crate::words!(
            "Este programa só remove o que ele mesmo restaurou; um administrador remove outros no SQL Server Management Studio.",
            "This program removes only what it restored itself; an administrator removes others in SQL Server Management Studio.",
        ),
    )
}

/// The live database's name was not typed.
pub(super) fn not_confirmed(live: &str) -> Problem {
    Problem::new(
        Code::Usage,
        crate::words!(
            "A confirmação não é o nome do banco de dados da loja («{live}»).",
            "The confirmation is not the name of the shop's database (“{live}”).",
        ),
        crate::words!(
            "Digite o nome do banco exatamente como ele é (--confirm {live}); nada foi alterado.",
            "Type the database's name exactly as it is (--confirm {live}); nothing was touched.",
        ),
    )
}

/// Others are connected.
pub(super) fn occupied(database: &str, others: &[Occupant]) -> Problem {
    const SHOWN: usize = 5;
    let names: Vec<String> = others
        .iter()
        .take(SHOWN)
        .map(|other| format!("{} · {} · {}", other.host, other.program, other.login))
        .collect();
    let more = others.len().saturating_sub(SHOWN);
    let (names, more) = (names.join("; "), if more > 0 { format!(" (+{more})") } else { String::new() });
    Problem::new(
        Code::DatabaseBusy,
        crate::words!(
            "O banco de dados «{database}» está em uso por: {names}{more}.",
            "The database “{database}” is in use by: {names}{more}.",
        ),
        crate::words!(
            "Feche esses programas nesses computadores e peça de novo; o banco da loja não foi alterado.",
            "Close those programs on those machines and ask again; the shop's database was not touched.",
        ),
    )
}

/// The live database is not open, so that nothing can be saved of it first.
pub(super) fn not_online(database: &str) -> Problem {
    refused(
        crate::words!(
            "O banco de dados «{database}» não está aberto: dele não se pode fazer o backup de segurança.",
            "The database “{database}” is not open: no safety backup of it can be made.",
        ),
        crate::words!(
            "Restaure ao lado (sem --replace) e chame o suporte para trocar o banco. Nada foi alterado.",
            "Restore beside (without --replace) and call support to exchange the database. Nothing was touched.",
        ),
    )
}

/// An exchange waits for a person's word already.
pub(super) fn exchange_pending() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        crate::words!(
            "A troca anterior do banco de dados ainda não foi encerrada.",
            "The earlier exchange of the database has not been ended yet.",
        ),
        crate::words!(
            "Encerre-a primeiro: com a lista de conferência marcada, «dmbackupctl restore --release» se está tudo certo, ou «--undo» para voltar ao banco anterior.",
            "End it first: with the checklist ticked, “dmbackupctl restore --release” if all is right, or “--undo” to return to the old database.",
        ),
    )
}

/// There is no exchange to be ended.
pub(super) fn no_exchange() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        crate::words!(
            "Nenhuma troca do banco de dados está em aberto.",
            "No exchange of the database is open.",
        ),
        crate::words!(
            "Não há nada a continuar, desfazer ou liberar.",
            "There is nothing to resume, undo or release."
        ),
    )
}

/// An exchange was cut short.
pub(super) fn unfinished_exchange(exchange: &Exchange) -> Problem {
    let Exchange { live, restored, .. } = exchange;
    Problem::new(
        Code::RestoreInterrupted,
        crate::words!(
            "A troca do banco de dados «{live}» por «{restored}» foi interrompida; a loja continua com o banco anterior.",
            "The exchange of the database “{live}” for “{restored}” was cut short; the shop goes on with the old one.",
        ),
        crate::words!(
            "Continue com «dmbackupctl restore --resume» ou desista com «dmbackupctl restore --undo».",
            "Go on with “dmbackupctl restore --resume” or give it up with “dmbackupctl restore --undo”.",
        ),
    )
}

/// Something of the checklist is not ticked yet.
pub(super) fn not_ticked(missing: &[Item]) -> Problem {
    let told = |language| {
        let one = |item: &Item| format!("{} ({})", item.words().get(language), item.name());
        missing.iter().map(one).collect::<Vec<_>>().join("; ")
    };
    let (pt, en, names) = (told(Language::Portuguese), told(Language::English), checklist::names(missing));
    let names = names.replace(' ', "");
    Problem::new(
        Code::RestoreChecklist,
        crate::words!(
            "O banco anterior ainda não pode ser removido; falta conferir: {pt}.",
            "The old database cannot be removed yet; still to be checked: {en}.",
        ),
        crate::words!(
            "Confira na loja e marque (dmbackupctl restore --tick {names}); com tudo marcado, libere. Nada foi alterado.",
            "Check it in the shop and tick it (dmbackupctl restore --tick {names}); once all is ticked, release. Nothing was touched.",
        ),
    )
}

/// An exchange was cut short, and how far it came is not settled yet.
pub(super) fn unsettled_exchange(exchange: &Exchange) -> Problem {
    let Exchange { live, restored, .. } = exchange;
    Problem::new(
        Code::RestoreInterrupted,
        crate::words!(
            "A troca do banco de dados «{live}» por «{restored}» parou no meio e ainda não pôde ser encerrada.",
            "The exchange of the database “{live}” for “{restored}” stopped midway and could not be ended yet.",
        ),
        crate::words!(
            "O programa tenta de novo a cada minuto, sozinho: verifique se o SQL Server está em execução e se há espaço no disco da pasta de estado.",
            "The program tries again each minute by itself: check that SQL Server is running and that the disk of the state folder has room.",
        ),
    )
}

/// The old database is not there any more.
pub(super) fn nothing_kept(kept: &str) -> Problem {
    refused(
        crate::words!(
            "O banco de dados anterior («{kept}») não existe mais: não há a que voltar.",
            "The old database (“{kept}”) does not exist any more: there is nothing to return to.",
        ),
        crate::words!(
            "Restaure o backup de segurança, que está em «extra».",
            "Restore the safety backup, which stands in “extra”."
        ),
    )
}

/// The restored database could not be given to its owner.
pub(super) fn owner_not_carried(database: &str, owner: &str) -> Problem {
    Problem::new(
        Code::SqlRightsLimited,
        crate::words!(
            "O dono do banco de dados «{database}» não pôde voltar a ser «{owner}».",
            "The owner of the database “{database}” could not be made “{owner}” again.",
        ),
        crate::words!(
            "Um administrador do SQL Server executa: ALTER AUTHORIZATION ON DATABASE::[{database}] TO [{owner}];",
            "An administrator of SQL Server runs: ALTER AUTHORIZATION ON DATABASE::[{database}] TO [{owner}];",
        ),
    )
}

/// The book of restores cannot be written: without it nothing is begun.
pub(super) fn no_record(shown: &str, cause: &std::io::Error) -> Problem {
    tracing::error!(file = shown, %cause, "the record of restores cannot be written");
    Problem::new(
        Code::AgentState,
        crate::words!(
            "O registro de restaurações «{shown}» não pode ser gravado: {cause}.",
            "The record of restores “{shown}” cannot be written: {cause}.",
        ),
        crate::words!(
            "Libere espaço no disco da pasta de estado; sem esse registro nenhuma restauração começa.",
            "Free space on the disk of the state folder; without that record no restore begins.",
        ),
    )
}

/// Somebody stopped it.
pub(super) fn cancelled() -> Problem {
    Problem::new(
        Code::RunCancelled,
        crate::words!("A restauração foi interrompida a pedido.", "The restore was stopped on request."),
        crate::words!(
            "Nada ficou pela metade, e o banco da loja não foi alterado.",
            "Nothing was left half-made, and the shop's database was not touched.",
        ),
    )
}

/// The program ended in the middle of it.
pub fn interrupted() -> Problem {
    Problem::new(
        Code::RestoreInterrupted,
        crate::words!(
            "O programa terminou no meio da restauração (o computador foi desligado, ou o programa foi encerrado).",
            "The program ended in the middle of the restore (the machine went off, or the program was ended).",
        ),
        crate::words!(
            "O que ficou pela metade é removido no início seguinte; peça a restauração de novo.",
            "What was left half-made is removed at the next start; ask for the restore again.",
        ),
    )
}
