//! Sentences for a database that is missing, closed, busy or damaged.

use super::server::bracketed;
use super::{ServerError, Subject};
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::Words;

/// The problem of a database that cannot be opened, or `None` for any other error.
pub(super) fn unavailable(number: u32, subject: &Subject) -> Option<Problem> {
    let (server, login, database) = (&subject.server, &subject.login, subject.database_shown());
    Some(match number {
        911 => database_missing(subject),
        4060 => Problem::new(
            Code::DatabaseUnavailable,
            words!(
                "O banco de dados «{database}» não pôde ser aberto no SQL Server {server}: ele não existe, ou o login «{login}» não tem acesso a ele.",
                "The database “{database}” could not be opened in SQL Server {server}: it does not exist, or the login “{login}” has no access to it.",
            ),
            words!(
                "Confira o nome do banco na configuração e as permissões com «dmbackupctl grant --print».",
                "Check the name of the database in the configuration and the rights with “dmbackupctl grant --print”.",
            ),
        ),
        922 => database_recovering(subject),
        927 => database_restoring(subject),
        942 => database_offline(subject),
        945 => Problem::new(
            Code::DatabaseUnavailable,
            words!(
                "O SQL Server não consegue abrir o banco de dados «{database}»: um arquivo dele está inacessível, ou falta memória ou espaço em disco.",
                "SQL Server cannot open the database “{database}”: one of its files cannot be reached, or memory or disk space is short.",
            ),
            words!(
                "Confira se o disco do banco está presente e tem espaço livre; o registro de erros do SQL Server diz o arquivo. Depois reinicie o serviço.",
                "Check that the disk of the database is present and has free space; the error log of SQL Server names the file. Then restart the service.",
            ),
        ),
        926 | 3033 => database_suspect(subject),
        9002 => Problem::new(
            Code::DatabaseLogFull,
            words!(
                "O log de transações do banco de dados «{database}» está cheio.",
                "The transaction log of the database “{database}” is full.",
            ),
            words!(
                "Libere espaço no disco do log e chame o suporte: enquanto isso a loja não consegue gravar vendas.",
                "Make room on the disk of the log and call support: until then the shop cannot record sales.",
            ),
        ),
        _ => return None,
    })
}

/// The database does not exist (911, or no row in `sys.databases`).
pub(in crate::sqlserver) fn database_missing(subject: &Subject) -> Problem {
    let (server, database) = (&subject.server, subject.database_shown());
    Problem::new(
        Code::DatabaseMissing,
        words!(
            "O banco de dados «{database}» não existe no SQL Server {server}.",
            "The database “{database}” does not exist in SQL Server {server}.",
        ),
        words!(
            "Confira o nome do banco e a instância na configuração; talvez ele tenha sido renomeado ou removido.",
            "Check the name of the database and the instance in the configuration; it may have been renamed or removed.",
        ),
    )
}

/// The database is being restored (927, or state 1).
pub(in crate::sqlserver) fn database_restoring(subject: &Subject) -> Problem {
    let database = subject.database_shown();
    let name = bracketed(database);
    Problem::new(
        Code::DatabaseRestoring,
        words!(
            "O banco de dados «{database}» está sendo restaurado.",
            "The database “{database}” is being restored."
        ),
        words!(
            "Espere a restauração terminar. Se ninguém está restaurando, o suporte a conclui com: RESTORE DATABASE {name} WITH RECOVERY;",
            "Wait until the restore is over. If nobody is restoring, support completes it with: RESTORE DATABASE {name} WITH RECOVERY;",
        ),
    )
}

/// The database is offline (942, or state 6).
pub(in crate::sqlserver) fn database_offline(subject: &Subject) -> Problem {
    let database = subject.database_shown();
    let name = bracketed(database);
    Problem::new(
        Code::DatabaseOffline,
        words!("O banco de dados «{database}» está offline.", "The database “{database}” is offline."),
        words!(
            "Se ninguém o desligou de propósito, o administrador do banco o religa com: ALTER DATABASE {name} SET ONLINE;",
            "Unless somebody took it offline on purpose, the database administrator brings it back with: ALTER DATABASE {name} SET ONLINE;",
        ),
    )
}

/// The database is being opened after a start of the server (922, or state 2).
pub(in crate::sqlserver) fn database_recovering(subject: &Subject) -> Problem {
    let database = subject.database_shown();
    Problem::new(
        Code::DatabaseUnavailable,
        words!(
            "O SQL Server ainda está abrindo o banco de dados «{database}» (recuperação).",
            "SQL Server is still opening the database “{database}” (recovery).",
        ),
        words!(
            "Espere alguns minutos; o programa tenta de novo sozinho.",
            "Wait a few minutes; the program tries again by itself.",
        ),
    )
}

/// The database is suspect, in emergency mode or waits for its recovery (926, 3033, or states 3, 4 and 5).
pub(in crate::sqlserver) fn database_suspect(subject: &Subject) -> Problem {
    let database = subject.database_shown();
    Problem::new(
        Code::DatabaseUnavailable,
        words!(
            "O SQL Server não conseguiu recuperar o banco de dados «{database}» e não o abre.",
            "SQL Server could not recover the database “{database}” and does not open it.",
        ),
        words!(
            "Chame o suporte imediatamente e não apague nenhum backup: os anteriores continuam guardados.",
            "Call support at once and delete no backup: the earlier ones are still there.",
        ),
    )
}

/// The problem of a damaged database, or `None` for any other error.
pub(super) fn damage(error: &ServerError, subject: &Subject) -> Option<Problem> {
    let database = subject.database_shown();
    let page =
        page_in(&error.message).map_or(words!("", ""), |page| words!(" (página {page})", " (page {page})"));
    let (pt, en) = (page.pt, page.en);
    let sentence = match error.number {
        3043 => words!(
            "O banco de dados «{database}» está danificado: ao fazer o backup, o SQL Server encontrou uma página com erro{pt}.",
            "The database “{database}” is damaged: while backing up, SQL Server met a bad page{en}.",
        ),
        823 => words!(
            "O banco de dados «{database}» está danificado: o disco não entregou ao SQL Server o que estava gravado{pt}.",
            "The database “{database}” is damaged: the disk did not give SQL Server what was written{en}.",
        ),
        824 => words!(
            "O banco de dados «{database}» está danificado: o SQL Server leu do disco uma página que não confere{pt}.",
            "The database “{database}” is damaged: SQL Server read a page from the disk that does not verify{en}.",
        ),
        825 => words!(
            "O disco do banco de dados «{database}» está falhando: o SQL Server só conseguiu ler depois de várias tentativas{pt}.",
            "The disk of the database “{database}” is failing: SQL Server could read only after several tries{en}.",
        ),
        _ => return None,
    };
    Some(Problem::new(Code::DatabaseDamaged, sentence, damage_hint(database)))
}

/// What to do about a damaged database.
pub(in crate::sqlserver) fn damage_hint(database: &str) -> Words {
    let name = bracketed(database);
    words!(
        "Chame o suporte imediatamente e não apague nenhum backup: os anteriores não serão substituídos. O suporte examina o banco com: DBCC CHECKDB ({name}) WITH NO_INFOMSGS;",
        "Call support at once and delete no backup: the earlier ones will not be replaced. Support examines the database with: DBCC CHECKDB ({name}) WITH NO_INFOMSGS;",
    )
}

/// The first `(file:page)` in a text of the server.
fn page_in(message: &str) -> Option<&str> {
    message.split(['(', ')']).find(|part| {
        part.split_once(':').is_some_and(|(file, page)| {
            [file, page].iter().all(|number| {
                !number.is_empty() && number.len() <= 10 && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        })
    })
}

/// The problem of a database that others use, or `None` for any other error.
pub(super) fn busy(number: u32, subject: &Subject) -> Option<Problem> {
    let database = subject.database_shown();
    let sentence = match number {
        3023 => words!(
            "O banco de dados «{database}» está ocupado com outro backup ou com uma mudança nos arquivos dele.",
            "The database “{database}” is busy with another backup or with a change of its files.",
        ),
        3101 => words!(
            "O banco de dados «{database}» está sendo usado por outros programas.",
            "The database “{database}” is used by other programs.",
        ),
        3102 => words!(
            "O banco de dados «{database}» está sendo usado por esta mesma conexão.",
            "The database “{database}” is used by this very connection.",
        ),
        924 => words!(
            "O banco de dados «{database}» aceita um só usuário no momento, e outro programa ocupa o lugar.",
            "The database “{database}” takes only one user at present, and another program has that place.",
        ),
        3702 | 5030 | 5061 | 5064 | 5070 => words!(
            "O banco de dados «{database}» está sendo usado por outros programas e não pode ser mudado agora.",
            "The database “{database}” is used by other programs and cannot be changed now.",
        ),
        _ => return None,
    };
    Some(Problem::new(
        Code::DatabaseBusy,
        sentence,
        words!(
            "Espere a outra operação terminar; o programa tenta de novo sozinho.",
            "Wait until the other operation is over; the program tries again by itself.",
        ),
    ))
}
