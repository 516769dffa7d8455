//! Sentences for a login that is refused, or that lacks a right.

use super::server::bracketed;
use super::{ServerError, Subject};
use crate::problem::{Code, Problem};
use crate::words;

/// The problem of a refused login, or `None` for any other error.
pub(super) fn login(number: u32, subject: &Subject) -> Option<Problem> {
    let (server, login) = (&subject.server, &subject.login);
    let name = bracketed(login);
    let (sentence, hint) = match number {
        18456 => (
            words!(
                "O SQL Server {server} recusou o login «{login}»: usuário ou senha incorretos.",
                "SQL Server {server} refused the login “{login}”: wrong user or password.",
            ),
            words!(
                "Confira o usuário e a senha na configuração. Se estão certos, o servidor talvez só aceite logins do Windows (autenticação mista desligada).",
                "Check user and password in the configuration. If they are right, the server may accept Windows logins only (mixed authentication is off).",
            ),
        ),
        18452 => (
            words!(
                "O SQL Server {server} recusou o login «{login}»: a conta é de um domínio em que ele não confia.",
                "SQL Server {server} refused the login “{login}”: the account is of a domain that it does not trust.",
            ),
            words!(
                "Use um login do próprio SQL Server (usuário e senha) ou uma conta do mesmo domínio.",
                "Use a login of SQL Server itself (user and password) or an account of the same domain.",
            ),
        ),
        18470 => (
            words!(
                "O login «{login}» está desativado no SQL Server {server}.",
                "The login “{login}” is disabled in SQL Server {server}.",
            ),
            words!(
                "O administrador do banco o reativa com: ALTER LOGIN {name} ENABLE;",
                "The database administrator enables it with: ALTER LOGIN {name} ENABLE;",
            ),
        ),
        18486 => (
            words!(
                "O login «{login}» está bloqueado no SQL Server {server}, por excesso de senhas erradas.",
                "The login “{login}” is locked out in SQL Server {server}, because of too many wrong passwords.",
            ),
            words!(
                "O administrador do banco o desbloqueia com: ALTER LOGIN {name} WITH PASSWORD = N'a senha' UNLOCK; e a configuração deve ter a mesma senha.",
                "The database administrator unlocks it with: ALTER LOGIN {name} WITH PASSWORD = N'the password' UNLOCK; and the configuration must have the same password.",
            ),
        ),
        18487 => (
            words!(
                "A senha do login «{login}» venceu no SQL Server {server}.",
                "The password of the login “{login}” has expired in SQL Server {server}.",
            ),
            words!(
                "Troque a senha no SQL Server e na configuração. Para que não vença mais: ALTER LOGIN {name} WITH CHECK_EXPIRATION = OFF;",
                "Change the password in SQL Server and in the configuration. To keep it from expiring: ALTER LOGIN {name} WITH CHECK_EXPIRATION = OFF;",
            ),
        ),
        18488 => (
            words!(
                "A senha do login «{login}» precisa ser trocada antes do primeiro uso no SQL Server {server}.",
                "The password of the login “{login}” must be changed before its first use in SQL Server {server}.",
            ),
            words!(
                "Entre uma vez com esse login no SQL Server Management Studio, troque a senha e informe a nova na configuração.",
                "Log in once with it in SQL Server Management Studio, change the password and put the new one into the configuration.",
            ),
        ),
        _ => return None,
    };
    Some(Problem::new(Code::SqlLogin, sentence, hint))
}

/// The problem of a right that is lacking, or `None` for any other error.
pub(super) fn rights(error: &ServerError, subject: &Subject) -> Option<Problem> {
    let (login, database) = (&subject.login, subject.database_shown());
    let sentence = match error.number {
        // The name of the right is not translated, whatever the language of the text.
        262 if error.message.contains("BACKUP DATABASE") => words!(
            "O login «{login}» não tem permissão para fazer backup do banco de dados «{database}».",
            "The login “{login}” has no right to back up the database “{database}”.",
        ),
        262 if error.message.contains("CREATE DATABASE") => words!(
            "O login «{login}» não tem permissão para conferir arquivos de backup (CREATE ANY DATABASE).",
            "The login “{login}” has no right to check backup files (CREATE ANY DATABASE).",
        ),
        262 => words!(
            "O login «{login}» não tem a permissão que esta operação exige.",
            "The login “{login}” lacks the right that this operation needs.",
        ),
        3110 => words!(
            "O login «{login}» não tem permissão para restaurar o banco de dados «{database}».",
            "The login “{login}” has no right to restore the database “{database}”.",
        ),
        229 => words!(
            "O login «{login}» não tem permissão para ler uma tabela do sistema de que o programa precisa.",
            "The login “{login}” has no right to read a system table that the program needs.",
        ),
        297 | 300 => words!(
            "O login «{login}» não tem permissão para ver o estado do servidor (VIEW SERVER STATE).",
            "The login “{login}” has no right to see the state of the server (VIEW SERVER STATE).",
        ),
        916 => words!(
            "O login «{login}» não tem acesso ao banco de dados «{database}».",
            "The login “{login}” has no access to the database “{database}”.",
        ),
        5011 | 15151 => words!(
            "O login «{login}» não tem permissão para alterar o banco de dados «{database}» (ALTER ANY DATABASE).",
            "The login “{login}” has no right to alter the database “{database}” (ALTER ANY DATABASE).",
        ),
        6102 => words!(
            "O login «{login}» não tem permissão para encerrar sessões (ALTER ANY CONNECTION).",
            "The login “{login}” has no right to end sessions (ALTER ANY CONNECTION).",
        ),
        _ => return None,
    };
    let hint = words!(
        "Execute «dmbackupctl grant --print» para ver os comandos que dão as permissões que faltam, ou «dmbackupctl grant --apply» como administrador.",
        "Run “dmbackupctl grant --print” to see the commands that give the missing rights, or “dmbackupctl grant --apply” as administrator.",
    );
    Some(Problem::new(Code::SqlRights, sentence, hint))
}
