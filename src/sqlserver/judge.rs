//! What is wrong with a server and a database, from the facts alone (pure).

use super::errors::{self, Subject};
use super::grant::GrantPlan;
use super::health::{DatabaseFacts, DatabaseState, PageVerify, RecoveryModel, ServerFacts};
use super::rights::{Right, Rights};
use super::statements::{Statement, identifier};
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::{Language, Words, bytes};

/// A log is large from this size on, if it is larger than the data too.
const LARGE_LOG_BYTES: u64 = 1 << 30;
/// A database nears the edition's limit from this share of it on.
const NEAR_LIMIT_PERCENT: u64 = 85;

/// What is wrong, the gravest first.
pub(super) fn judge(
    server: &ServerFacts,
    database: Option<&DatabaseFacts>,
    rights: &Rights,
    subject: &Subject,
) -> Vec<Problem> {
    let Some(database) = database else { return vec![errors::database_missing(subject)] };
    let mut problems: Vec<Problem> = state(database.state, subject).into_iter().collect();
    problems.extend(damage(database));
    problems.extend(lacking(rights, database, server));
    problems.extend(near_limit(database, server));
    problems.extend(large_log(database));
    problems.extend(page_verify(database));
    // Required ones first, whatever their order above: a stable sort keeps it otherwise.
    problems.sort_by_key(|problem| problem.code == Code::SqlRightsLimited);
    problems
}

fn state(state: DatabaseState, subject: &Subject) -> Option<Problem> {
    match state {
        DatabaseState::Online => None,
        DatabaseState::Restoring => Some(errors::database_restoring(subject)),
        DatabaseState::Recovering => Some(errors::database_recovering(subject)),
        DatabaseState::Offline => Some(errors::database_offline(subject)),
        DatabaseState::RecoveryPending
        | DatabaseState::Suspect
        | DatabaseState::Emergency
        | DatabaseState::Other => Some(errors::database_suspect(subject)),
    }
}

fn damage(database: &DatabaseFacts) -> Option<Problem> {
    let (pages, name) = (database.suspect_pages.filter(|pages| *pages > 0)?, &database.name);
    let sentence = if pages == 1 {
        words!(
            "O banco de dados «{name}» está danificado: o SQL Server registrou 1 página com erro.",
            "The database “{name}” is damaged: SQL Server recorded 1 bad page.",
        )
    } else {
        words!(
            "O banco de dados «{name}» está danificado: o SQL Server registrou {pages} páginas com erro.",
            "The database “{name}” is damaged: SQL Server recorded {pages} bad pages.",
        )
    };
    Some(Problem::new(Code::DatabaseDamaged, sentence, errors::damage_hint(name)))
}

/// Without a right on the database there is no backup: one problem. Without others something does not work: one for all.
fn lacking(rights: &Rights, database: &DatabaseFacts, server: &ServerFacts) -> Vec<Problem> {
    let plan = GrantPlan::of(rights, &database.name, server.version).ok();
    let script = plan.map(|plan| line(&plan.statements)).unwrap_or_default();
    let mut problems = Vec::new();
    let missing = rights.missing();
    if missing.contains(&Right::Backup) {
        problems.push(no_backup(&rights.login, &database.name, &script));
    }
    let lesser: Vec<(&str, Words)> = missing
        .iter()
        .filter_map(|right| match right {
            Right::Server(server_right) => Some((server_right.name(), right.without())),
            Right::OwnLogin | Right::Enter | Right::Backup => None,
        })
        .collect();
    if !lesser.is_empty() {
        problems.push(limited(&rights.login, &lesser, &script));
    }
    problems
}

fn line(statements: &[Statement]) -> String {
    statements.iter().map(|statement| format!("{statement};")).collect::<Vec<_>>().join(" ")
}

fn mending(script: &str) -> Words {
    words!(
        "O administrador do banco dá o que falta com: {script} Ou execute «dmbackupctl grant --apply» como administrador.",
        "The database administrator gives what is missing with: {script} Or run “dmbackupctl grant --apply” as administrator.",
    )
}

fn no_backup(login: &str, database: &str, script: &str) -> Problem {
    Problem::new(
        Code::SqlRights,
        words!(
            "O login «{login}» não tem permissão para fazer backup do banco de dados «{database}».",
            "The login “{login}” has no right to back up the database “{database}”.",
        ),
        mending(script),
    )
}

fn limited(login: &str, lesser: &[(&str, Words)], script: &str) -> Problem {
    let list = |language| {
        let rights = lesser.iter().map(|(right, without)| format!("{right} ({})", without.get(language)));
        rights.collect::<Vec<_>>().join(", ")
    };
    let (pt, en) = (list(Language::Portuguese), list(Language::English));
    Problem::new(
        Code::SqlRightsLimited,
        words!("Faltam permissões ao login «{login}»: {pt}.", "The login “{login}” lacks rights: {en}."),
        mending(script),
    )
}

fn near_limit(database: &DatabaseFacts, server: &ServerFacts) -> Option<Problem> {
    let limit = database.size_limit_bytes?;
    // What is in use counts: free pages inside the files still serve.
    let used = database.used_bytes.or(database.data_bytes)?;
    let percent = used.saturating_mul(100) / limit;
    if percent < NEAR_LIMIT_PERCENT {
        return None;
    }
    let (name, edition) = (&database.name, &server.edition);
    let (used_pt, limit_pt) = (bytes(used, Language::Portuguese), bytes(limit, Language::Portuguese));
    let (used_en, limit_en) = (bytes(used, Language::English), bytes(limit, Language::English));
    Some(Problem::new(
        Code::DatabaseNearLimit,
        words!(
            "O banco de dados «{name}» ocupa {used_pt} dos {limit_pt} que o SQL Server {edition} permite ({percent} %).",
            "The database “{name}” takes {used_en} of the {limit_en} that SQL Server {edition} allows ({percent} %).",
        ),
        words!(
            "Quando o limite for atingido, a loja não grava mais vendas. Arquive dados antigos ou mude para uma edição sem limite.",
            "Once the limit is reached the shop cannot record sales any more. Archive old data or move to an edition without a limit.",
        ),
    ))
}

fn large_log(database: &DatabaseFacts) -> Option<Problem> {
    let log = database.log_bytes?;
    let grows = match database.recovery_model {
        RecoveryModel::Full | RecoveryModel::BulkLogged => true,
        RecoveryModel::Simple | RecoveryModel::Unknown => false,
    };
    if !grows || log < LARGE_LOG_BYTES || log < database.data_bytes.unwrap_or_default() {
        return None;
    }
    let name = &database.name;
    let quoted = identifier(name).unwrap_or_else(|_| name.clone());
    let (size_pt, size_en) = (bytes(log, Language::Portuguese), bytes(log, Language::English));
    Some(Problem::new(
        Code::DatabaseLogLarge,
        words!(
            "O log de transações do banco de dados «{name}» tem {size_pt}, e backups completos não o reduzem.",
            "The transaction log of the database “{name}” has {size_en}, and full backups do not shrink it.",
        ),
        words!(
            "Se ninguém faz backups do log, o suporte pode usar: ALTER DATABASE {quoted} SET RECOVERY SIMPLE; senão, confira por que os backups do log pararam.",
            "If nobody backs the log up, support may use: ALTER DATABASE {quoted} SET RECOVERY SIMPLE; if somebody does, see why that stopped.",
        ),
    ))
}

fn page_verify(database: &DatabaseFacts) -> Option<Problem> {
    match database.page_verify {
        PageVerify::Checksum | PageVerify::Unknown => return None,
        PageVerify::TornPage | PageVerify::None => {}
    }
    let name = &database.name;
    let quoted = identifier(name).unwrap_or_else(|_| name.clone());
    Some(Problem::new(
        Code::DatabasePageVerify,
        words!(
            "O banco de dados «{name}» não protege as páginas com checksum: um erro de disco pode passar despercebido.",
            "The database “{name}” does not protect its pages by checksums: an error of the disk may go unnoticed.",
        ),
        words!(
            "O administrador do banco liga a proteção com: ALTER DATABASE {quoted} SET PAGE_VERIFY CHECKSUM;",
            "The database administrator turns the protection on with: ALTER DATABASE {quoted} SET PAGE_VERIFY CHECKSUM;",
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::health::Version;
    use super::super::rights::tests::all;
    use super::*;

    const GIB: u64 = 1 << 30;

    fn express() -> ServerFacts {
        ServerFacts {
            version: Version { major: 15, minor: 0, build: 2000 },
            edition: "Express Edition (64-bit)".into(),
            engine_edition: 4,
            machine: "LOJA01".into(),
            instance: Some("SQLEXPRESS".into()),
            compression_default: false,
            version_text: String::new(),
        }
    }

    fn well() -> DatabaseFacts {
        DatabaseFacts {
            name: "MCDados".into(),
            state: DatabaseState::Online,
            page_verify: PageVerify::Checksum,
            recovery_model: RecoveryModel::Simple,
            log_waits_for: Some("NOTHING".into()),
            data_bytes: Some(2 * GIB),
            used_bytes: Some(GIB),
            log_bytes: Some(GIB / 2),
            size_limit_bytes: Some(10 * GIB),
            encrypted: false,
            suspect_pages: Some(0),
        }
    }

    fn codes(database: Option<&DatabaseFacts>, rights: &Rights) -> Vec<Code> {
        let subject = Subject::default().on_database("MCDados");
        judge(&express(), database, rights, &subject).iter().map(|problem| problem.code).collect()
    }

    fn codes_of(database: DatabaseFacts) -> Vec<Code> {
        codes(Some(&database), &all())
    }

    #[test]
    fn a_database_that_is_well_has_no_problem() {
        assert_eq!(codes_of(well()), []);
    }

    #[test]
    fn a_missing_or_closed_database_is_told_by_its_state() {
        assert_eq!(codes(None, &all()), [Code::DatabaseMissing]);
        let closed = |state| codes_of(DatabaseFacts { state, ..well() });
        assert_eq!(closed(DatabaseState::Offline), [Code::DatabaseOffline]);
        assert_eq!(closed(DatabaseState::Restoring), [Code::DatabaseRestoring]);
        assert_eq!(closed(DatabaseState::Recovering), [Code::DatabaseUnavailable]);
        assert_eq!(closed(DatabaseState::Suspect), [Code::DatabaseUnavailable]);
    }

    #[test]
    fn sizes_and_settings_that_need_care_are_told() {
        assert_eq!(
            codes_of(DatabaseFacts { used_bytes: Some(9 * GIB), ..well() }),
            [Code::DatabaseNearLimit]
        );
        assert_eq!(
            codes_of(DatabaseFacts { size_limit_bytes: None, used_bytes: Some(90 * GIB), ..well() }),
            []
        );
        assert_eq!(
            codes_of(DatabaseFacts { page_verify: PageVerify::None, ..well() }),
            [Code::DatabasePageVerify]
        );
        let full = DatabaseFacts { recovery_model: RecoveryModel::Full, log_bytes: Some(3 * GIB), ..well() };
        assert_eq!(codes_of(DatabaseFacts { recovery_model: RecoveryModel::Simple, ..full.clone() }), []);
        assert_eq!(codes_of(DatabaseFacts { data_bytes: Some(4 * GIB), ..full.clone() }), []);
        assert_eq!(codes_of(full), [Code::DatabaseLogLarge]);
    }

    #[test]
    fn damage_comes_before_everything_that_is_merely_unwise() {
        let damaged = DatabaseFacts { suspect_pages: Some(3), page_verify: PageVerify::TornPage, ..well() };
        assert_eq!(codes_of(damaged), [Code::DatabaseDamaged, Code::DatabasePageVerify]);
    }

    #[test]
    fn what_the_server_does_not_tell_is_no_problem() {
        let silent = DatabaseFacts {
            data_bytes: None,
            used_bytes: None,
            log_bytes: None,
            suspect_pages: None,
            page_verify: PageVerify::Unknown,
            recovery_model: RecoveryModel::Unknown,
            ..well()
        };
        assert_eq!(codes_of(silent), []);
    }

    #[test]
    fn missing_rights_carry_the_line_that_mends_them() {
        let rights = Rights { backup: Some(false), view_server_state: false, ..all() };
        let problems = judge(&express(), Some(&well()), &rights, &Subject::default());
        let codes: Vec<Code> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, [Code::SqlRights, Code::SqlRightsLimited]);
        let line = "USE [master]; GRANT VIEW SERVER STATE TO [backup]; USE [MCDados]; ALTER ROLE [db_backupoperator] ADD MEMBER [backup];";
        assert!(problems.iter().all(|problem| problem.hint.pt.contains(line)), "{problems:#?}");
    }

    #[test]
    fn what_people_read_is_this() {
        let bad = DatabaseFacts {
            page_verify: PageVerify::None,
            recovery_model: RecoveryModel::Full,
            used_bytes: Some(9 * GIB),
            log_bytes: Some(14 * GIB),
            suspect_pages: Some(2),
            ..well()
        };
        let rights = Rights { backup: Some(false), create_any_database: false, ..all() };
        let mut text = String::new();
        for problem in judge(&express(), Some(&bad), &rights, &Subject::default()) {
            for language in [Language::Portuguese, Language::English] {
                text += &format!("[{}] {}\n", problem.code, problem.text(language));
            }
        }
        insta::assert_snapshot!("judged", text);
    }

    #[test]
    fn the_limit_of_express_depends_on_its_version() {
        let limit = |major, minor| {
            ServerFacts { version: Version { major, minor, build: 0 }, ..express() }.size_limit_bytes()
        };
        assert_eq!(limit(10, 0), Some(4 * GIB));
        assert_eq!(limit(10, 50), Some(10 * GIB));
        assert_eq!(limit(16, 0), Some(10 * GIB));
        assert_eq!(ServerFacts { engine_edition: 2, ..express() }.size_limit_bytes(), None);
    }
}
