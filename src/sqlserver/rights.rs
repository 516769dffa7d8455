//! What the login may do, and what it lacks for our work.

use super::errors::Failure;
use super::session::{Connection, Fields};
use super::statements::{RIGHTS, ServerRight};
use crate::words;
use crate::words::Words;
use serde::Serialize;

/// Something that the login must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Right {
    /// A login of its own: the Windows account is let in as a member of a group.
    OwnLogin,
    /// Entering the database.
    Enter,
    /// Backing the database up.
    Backup,
    /// A right on the whole server.
    Server(ServerRight),
}

impl Right {
    /// What does not work without it.
    pub fn without(self) -> Words {
        match self {
            Self::OwnLogin => words!(
                "sem um login próprio, a conta não pode receber permissões",
                "without a login of its own the account can be given no rights",
            ),
            Self::Enter | Self::Backup => {
                words!("sem ela não há backup nenhum", "without it there is no backup at all")
            }
            Self::Server(ServerRight::CreateAnyDatabase) => words!(
                "sem ela o SQL Server não confere o arquivo de backup",
                "without it SQL Server does not check the backup file",
            ),
            Self::Server(ServerRight::ViewServerState) => words!(
                "sem ela não há porcentagem durante o backup, nem certeza de que um backup parado terminou no servidor",
                "without it there is no percentage during the backup, nor certainty that a stopped backup ended in the server",
            ),
            Self::Server(ServerRight::AlterAnyConnection) => words!(
                "sem ela um backup travado só é parado derrubando a conexão",
                "without it a hung backup is stopped only by dropping the connection",
            ),
        }
    }
}

/// What the login may do. What concerns the database is `None` where the server does not tell: it is missing or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rights {
    /// The login, as the server knows it.
    pub login: String,
    /// Whether it is a login of its own, not one of a Windows group.
    pub own_login: bool,
    /// Whether it may do anything.
    pub sysadmin: bool,
    /// Entering the database.
    pub enter: Option<bool>,
    /// Backing the database up.
    pub backup: Option<bool>,
    /// RESTORE VERIFYONLY, HEADERONLY, FILELISTONLY.
    pub create_any_database: bool,
    /// Seeing progress and sessions.
    pub view_server_state: bool,
    /// KILL.
    pub alter_any_connection: bool,
}

impl Rights {
    /// What is lacking, in the order in which it is to be given.
    pub fn missing(&self) -> Vec<Right> {
        let lacking = [
            (Right::Server(ServerRight::CreateAnyDatabase), !self.create_any_database),
            (Right::Server(ServerRight::ViewServerState), !self.view_server_state),
            (Right::Server(ServerRight::AlterAnyConnection), !self.alter_any_connection),
            (Right::Enter, self.enter == Some(false)),
            (Right::Backup, self.backup == Some(false)),
        ];
        let mut missing: Vec<Right> =
            lacking.into_iter().filter(|(_, lacks)| *lacks).map(|(right, _)| right).collect();
        if !self.own_login && !missing.is_empty() {
            // A right is given to a login, and a user of the database is made for one.
            missing.insert(0, Right::OwnLogin);
            if missing.contains(&Right::Backup) && !missing.contains(&Right::Enter) {
                missing.insert(missing.len() - 1, Right::Enter);
            }
        }
        missing
    }

    /// Asks the server. `open` tells whether the database is online: else what concerns it cannot be known.
    pub(super) async fn ask(
        connection: &mut Connection,
        database: &str,
        open: bool,
    ) -> Result<Self, Failure> {
        let row = connection.row(&RIGHTS, &[&database]).await?;
        let row = row.ok_or_else(|| Failure::Garbled("no row about rights".into()))?;
        Self::read(Fields(&row), open)
    }

    fn read(row: Fields<'_>, open: bool) -> Result<Self, Failure> {
        let enter = row.int("database_access")?.map(|value| value != 0).filter(|_| open);
        let backup = match row.int("backup_database")? {
            Some(value) => Some(value != 0),
            // A database that may not be entered gives no answer.
            None => enter.filter(|enter| !enter),
        };
        Ok(Self {
            login: row.text("login_name")?.unwrap_or_default(),
            own_login: row.int("login_id")?.is_some(),
            sysadmin: row.flag("sysadmin")?,
            enter,
            backup: backup.filter(|_| open),
            create_any_database: row.flag("create_any_database")?,
            view_server_state: row.flag("view_server_state")? || row.flag("view_server_performance_state")?,
            alter_any_connection: row.flag("alter_any_connection")?,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use tiberius::{ColumnData, ColumnType, Row};

    /// A login that lacks nothing.
    pub(in crate::sqlserver) fn all() -> Rights {
        Rights {
            login: "backup".into(),
            own_login: true,
            sysadmin: false,
            enter: Some(true),
            backup: Some(true),
            create_any_database: true,
            view_server_state: true,
            alter_any_connection: true,
        }
    }

    fn row(access: Option<i32>, backup: Option<i32>) -> Row {
        let int = |value| ColumnData::I32(value);
        Row::builder()
            .column("login_name", ColumnType::NVarchar, ColumnData::String(Some(r"LOJA\caixa".into())))
            .column("login_id", ColumnType::Int4, int(None))
            .column("sysadmin", ColumnType::Int4, int(Some(0)))
            .column("database_access", ColumnType::Int4, int(access))
            .column("backup_database", ColumnType::Int4, int(backup))
            .column("create_any_database", ColumnType::Int4, int(Some(0)))
            .column("view_server_state", ColumnType::Int4, int(Some(0)))
            .column("view_server_performance_state", ColumnType::Int4, int(Some(1)))
            .column("alter_any_connection", ColumnType::Int4, int(None))
            .build()
    }

    #[test]
    fn a_database_that_may_not_be_entered_may_not_be_backed_up() {
        let rights = Rights::read(Fields(&row(Some(0), None)), true).unwrap();
        assert_eq!((rights.enter, rights.backup), (Some(false), Some(false)));
        assert!(rights.view_server_state, "the narrower right of SQL Server 2022 is enough");
    }

    #[test]
    fn of_a_closed_database_nothing_is_claimed() {
        let rights = Rights::read(Fields(&row(Some(0), None)), false).unwrap();
        assert_eq!((rights.enter, rights.backup), (None, None));
        assert!(!rights.missing().contains(&Right::Backup));
    }

    #[test]
    fn an_account_of_a_group_needs_a_login_and_a_user_of_its_own_first() {
        let grouped = Rights { own_login: false, backup: Some(false), ..all() };
        assert_eq!(grouped.missing(), [Right::OwnLogin, Right::Enter, Right::Backup]);
        assert_eq!(
            Rights { own_login: false, ..all() }.missing(),
            [],
            "it may do all, so nothing is to be given"
        );
    }
}
