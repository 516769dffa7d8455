//! The T-SQL that gives the login exactly what it lacks: printed for whoever administers the server, or run.

use super::Server;
use super::errors::Failure;
use super::health::{ServerFacts, Version};
use super::rights::{Right, Rights};
use super::statements::{
    self, Statement, Unquotable, add_backup_operator, create_user, create_windows_login, grant_server,
    use_database,
};
use crate::config::{DatabaseName, Login};
use crate::platform;
use crate::problem::Result;

/// Login, user or membership exists already: what was wanted.
const ALREADY_THERE: [u32; 3] = [15_023, 15_025, 15_063];
/// Login failed.
const LOGIN_FAILED: u32 = 18_456;

/// What a login lacks, and the statements that give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantPlan {
    /// The login that is given rights.
    pub login: String,
    /// What it lacks. Empty: there is nothing to do.
    pub missing: Vec<Right>,
    /// The statements, in order, to be run on one connection of an administrator (sysadmin).
    pub statements: Vec<Statement>,
}

impl GrantPlan {
    /// The plan for `rights`, which were asked of a server of this version.
    pub(super) fn of(
        rights: &Rights,
        database: &str,
        version: Version,
    ) -> std::result::Result<Self, Unquotable> {
        let login = rights.login.clone();
        let missing = rights.missing();
        let mut statements = Vec::new();
        let mut context = None;
        for right in &missing {
            let (wanted, statement) = match right {
                Right::OwnLogin => ("master", create_windows_login(&login)?),
                Right::Server(right) => ("master", grant_server(*right, &login)?),
                Right::Enter => (database, create_user(&login)?),
                Right::Backup => (database, add_backup_operator(&login, version.major)?),
            };
            if context.replace(wanted) != Some(wanted) {
                statements.push(use_database(wanted)?);
            }
            statements.push(statement);
        }
        Ok(Self { login, missing, statements })
    }

    /// The plan for a Windows account that the server does not know at all.
    fn for_stranger(account: String, database: &str) -> std::result::Result<Self, Unquotable> {
        let nothing = Rights {
            login: account,
            own_login: false,
            sysadmin: false,
            enter: Some(false),
            backup: Some(false),
            create_any_database: false,
            view_server_state: false,
            alter_any_connection: false,
        };
        Self::of(&nothing, database, Version::default())
    }

    /// The statements as a script that a person can run.
    pub fn script(&self) -> String {
        self.statements.iter().map(|statement| format!("{statement};\n")).collect()
    }
}

impl Server {
    /// What the login of this server lacks for backing up `database`.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses the login for another reason than that it does not know the account.
    pub async fn grant_plan(&self, database: &DatabaseName) -> Result<GrantPlan> {
        let subject = self.subject().on_database(database.as_str());
        let plan = match self.ask_for_plan(database).await {
            Err(failure)
                if failure.number() == Some(LOGIN_FAILED) && self.config().login == Login::Integrated =>
            {
                GrantPlan::for_stranger(platform::user_name(), database.as_str()).map_err(Failure::from)
            }
            asked => asked,
        };
        match plan {
            Ok(plan) => Ok(plan),
            Err(failure) => Err(self.explain(&failure, subject).await),
        }
    }

    async fn ask_for_plan(&self, database: &DatabaseName) -> std::result::Result<GrantPlan, Failure> {
        let mut connection = self.open().await?;
        let facts = ServerFacts::ask(&mut connection).await?;
        let rights = Rights::ask(&mut connection, database.as_str(), true).await?;
        Ok(GrantPlan::of(&rights, database.as_str(), facts.version)?)
    }

    /// Runs `plan`, as this server's login: an administrator's. What is there already is no error.
    ///
    /// # Errors
    /// The server cannot be reached, or refuses a statement: those before it are in force.
    pub async fn apply_grants(&self, plan: &GrantPlan) -> Result<()> {
        let run = async {
            let mut connection = self.open().await?;
            for statement in &plan.statements {
                tracing::info!(%statement, "granting");
                match connection.rows(statement, &[]).await {
                    Err(failure)
                        if failure.number().is_some_and(|number| ALREADY_THERE.contains(&number)) =>
                    {
                        tracing::info!(cause = %failure, "is there already");
                    }
                    outcome => outcome.map(drop)?,
                }
            }
            Ok::<(), Failure>(())
        };
        match run.await {
            Ok(()) => Ok(()),
            Err(failure) => Err(self.explain(&failure, self.subject()).await),
        }
    }

    /// The account under which the service of SQL Server runs, as `icacls` takes it: who writes the dump. `None` where the
    /// login may not see it or the version does not tell.
    pub async fn service_account(&self) -> Option<String> {
        let asked = async {
            let rows = self.open().await?.rows(&statements::SERVICES, &[]).await?;
            for row in &rows {
                let fields = super::session::Fields(row);
                let name = fields.text("servicename")?.unwrap_or_default();
                if name.starts_with("SQL Server (") {
                    return fields.text("service_account");
                }
            }
            Ok::<_, Failure>(None)
        };
        match asked.await {
            Ok(account) => account.and_then(|account| as_icacls_takes_it(&account)),
            Err(cause) => {
                tracing::debug!(%cause, "the service account cannot be seen");
                None
            }
        }
    }
}

fn as_icacls_takes_it(account: &str) -> Option<String> {
    let account = account.trim();
    match account.strip_prefix(r".\").unwrap_or(account) {
        "" => None,
        "LocalSystem" => Some(r"NT AUTHORITY\SYSTEM".to_owned()),
        name => Some(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rights::tests::all;
    use super::*;
    use insta::assert_snapshot;

    const SERVER_2022: Version = Version { major: 16, minor: 0, build: 1000 };

    fn script(rights: &Rights, version: Version) -> String {
        GrantPlan::of(rights, "MC]Dados", version).unwrap().script()
    }

    #[test]
    fn exactly_what_is_missing_is_granted() {
        assert_snapshot!(script(&all(), SERVER_2022), @"");
        let nothing = Rights {
            enter: Some(false),
            backup: Some(false),
            create_any_database: false,
            view_server_state: false,
            alter_any_connection: false,
            ..all()
        };
        assert_snapshot!(script(&nothing, SERVER_2022), @r"
        USE [master];
        GRANT CREATE ANY DATABASE TO [backup];
        GRANT VIEW SERVER STATE TO [backup];
        GRANT ALTER ANY CONNECTION TO [backup];
        USE [MC]]Dados];
        CREATE USER [backup] FOR LOGIN [backup];
        ALTER ROLE [db_backupoperator] ADD MEMBER [backup];
        ");
        let no_backup = Rights { backup: Some(false), ..all() };
        assert_snapshot!(script(&no_backup, Version { major: 10, minor: 50, build: 6000 }), @r"
        USE [MC]]Dados];
        EXEC sp_addrolemember N'db_backupoperator', N'backup';
        ");
    }

    #[test]
    fn a_windows_account_that_the_server_does_not_know_gets_everything() {
        let plan = GrantPlan::for_stranger(r"NT AUTHORITY\SYSTEM".into(), "MCDados").unwrap();
        assert_snapshot!(plan.script(), @r"
        USE [master];
        CREATE LOGIN [NT AUTHORITY\SYSTEM] FROM WINDOWS;
        GRANT CREATE ANY DATABASE TO [NT AUTHORITY\SYSTEM];
        GRANT VIEW SERVER STATE TO [NT AUTHORITY\SYSTEM];
        GRANT ALTER ANY CONNECTION TO [NT AUTHORITY\SYSTEM];
        USE [MCDados];
        CREATE USER [NT AUTHORITY\SYSTEM] FOR LOGIN [NT AUTHORITY\SYSTEM];
        EXEC sp_addrolemember N'db_backupoperator', N'NT AUTHORITY\SYSTEM';
        ");
    }

    #[test]
    fn service_accounts_are_named_as_the_systems_tools_take_them() {
        assert_eq!(as_icacls_takes_it("LocalSystem").as_deref(), Some(r"NT AUTHORITY\SYSTEM"));
        assert_eq!(as_icacls_takes_it(r".\mssql").as_deref(), Some("mssql"));
        assert_eq!(as_icacls_takes_it(r"NT Service\MSSQL$X").as_deref(), Some(r"NT Service\MSSQL$X"));
        assert_eq!(as_icacls_takes_it(" "), None);
    }
}
