//! tiberius: one seat, names, owners, users and locks, as an exchange of databases needs them.

use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::options::DatabaseOptions;
use fake_sqlserver::security::Login;

use crate::support::{
    PASSWORD, Tiberius, client, config_of, connect, fails, outcome, rows, run, server, server_error,
    server_with, text,
};

async fn spid(client: &mut Tiberius) -> i16 {
    rows(client, "SELECT @@SPID").await[0].get(0).unwrap()
}

const MODE: &str = "SELECT user_access_desc FROM sys.databases WHERE name = N'MCDados'";

#[tokio::test]
async fn a_database_with_one_seat_lets_nobody_else_in() {
    let fixture = server();
    let mut seat = client(&fixture).await;
    let mut other = client(&fixture).await;
    run(&mut seat, "USE [MCDados]").await;
    run(&mut seat, "ALTER DATABASE [MCDados] SET SINGLE_USER WITH NO_WAIT").await;
    assert_eq!(text(&mut other, MODE).await.as_deref(), Some("SINGLE_USER"));
    assert_eq!(fails(&mut other, "USE [MCDados]").await, 924);
    assert_eq!(fails(&mut other, "SELECT COUNT(*) FROM MCDados.dbo.VENDAS").await, 924);
    assert_eq!(fails(&mut other, &fixture.backup("a.bak")).await, 924);
    assert_eq!(fails(&mut other, "ALTER DATABASE [MCDados] SET MULTI_USER WITH NO_WAIT").await, 5064);
    assert_eq!(fails(&mut other, "ALTER DATABASE [MCDados] MODIFY NAME = [Outro]").await, 5030);
    assert_eq!(fails(&mut other, "DROP DATABASE [MCDados]").await, 3702);
    let mut config = config_of(&fixture.server, "sa", PASSWORD);
    config.database("MCDados");
    assert_eq!(server_error(&connect(config).await.map(drop).unwrap_err()).0, 4060);

    // The seat is whose context it is: gone to master, anybody may take it.
    run(&mut seat, "USE master").await;
    run(&mut other, "USE [MCDados]").await;
    assert_eq!(fails(&mut seat, "USE [MCDados]").await, 924);
    assert_eq!(
        fails(&mut seat, "ALTER DATABASE [MCDados] SET MULTI_USER WITH ROLLBACK IMMEDIATE").await,
        5064
    );
    let taken = spid(&mut other).await;
    run(&mut seat, &format!("KILL {taken}")).await;
    while outcome(&mut seat, "ALTER DATABASE [MCDados] SET MULTI_USER").await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(text(&mut seat, MODE).await.as_deref(), Some("MULTI_USER"));
}

#[tokio::test]
async fn others_are_waited_for_refused_or_sent_away() {
    let fixture = server();
    let mut admin = client(&fixture).await;
    let mut cashier = client(&fixture).await;
    run(&mut cashier, "USE [MCDados]").await;
    run(&mut cashier, "BEGIN TRANSACTION").await;
    run(&mut cashier, "DELETE FROM VENDAS").await;
    assert_eq!(fails(&mut cashier, "ALTER DATABASE [MCDados] SET MULTI_USER").await, 226);
    assert_eq!(fails(&mut cashier, "DROP DATABASE [Outro]").await, 574);
    assert_eq!(fails(&mut admin, "ALTER DATABASE [MCDados] SET SINGLE_USER WITH NO_WAIT").await, 5070);
    assert_eq!(
        fails(&mut admin, "ALTER DATABASE [MCDados] SET READ_COMMITTED_SNAPSHOT ON WITH NO_WAIT").await,
        5070
    );
    assert_eq!(fails(&mut admin, "ALTER DATABASE [MCDados] MODIFY NAME = [Outro]").await, 5030);
    assert_eq!(fails(&mut admin, "DROP DATABASE [MCDados]").await, 3702);
    assert_eq!(text(&mut admin, MODE).await.as_deref(), Some("MULTI_USER"), "nothing was changed");
    run(&mut admin, "ALTER DATABASE [MCDados] SET SINGLE_USER WITH ROLLBACK IMMEDIATE").await;
    assert!(outcome(&mut cashier, "SELECT 1").await.is_err(), "its connection is gone");
    let sold = rows(&mut admin, "SELECT COUNT(*) FROM MCDados.dbo.VENDAS").await[0].get::<i32, _>(0).unwrap();
    assert!(sold > 100, "its transaction was rolled back: {sold}");
    run(&mut admin, "ALTER DATABASE [MCDados] SET MULTI_USER").await;

    let mut cashier = client(&fixture).await;
    run(&mut cashier, "USE [MCDados]").await;
    let mut waiting = client(&fixture).await;
    let offline =
        tokio::spawn(async move { outcome(&mut waiting, "ALTER DATABASE [MCDados] SET OFFLINE").await });
    run(&mut cashier, "USE master").await;
    offline.await.unwrap().unwrap();
    assert_eq!(fails(&mut cashier, "USE [MCDados]").await, 942);
    assert_eq!(fails(&mut cashier, "ALTER DATABASE [MCDados] SET SINGLE_USER").await, 942);
    run(&mut admin, "ALTER DATABASE [MCDados] SET ONLINE").await;
    run(&mut cashier, "USE [MCDados]").await;
}

#[tokio::test]
async fn the_restored_database_takes_the_name_of_the_live_one_and_gives_it_back() {
    let fixture = server();
    let mut seat = client(&fixture).await;
    run(&mut seat, &fixture.backup("a.bak")).await;
    run(&mut seat, "DELETE FROM MCDados.dbo.VENDAS").await;
    run(&mut seat, &fixture.restore("a.bak", "MCDados_restaurado")).await;
    let count = "SELECT COUNT_BIG(*) FROM MCDados.dbo.VENDAS";
    for (from, to) in [("MCDados_restaurado", "MCDados_antes"), ("MCDados_antes", "MCDados_depois")] {
        run(&mut seat, "USE [MCDados]").await;
        run(&mut seat, "ALTER DATABASE [MCDados] SET SINGLE_USER WITH NO_WAIT").await;
        assert_eq!(fails(&mut seat, "ALTER DATABASE [MCDados] MODIFY NAME = [model]").await, 1801);
        run(&mut seat, &format!("ALTER DATABASE [MCDados] MODIFY NAME = [{to}]")).await;
        assert_eq!(text(&mut seat, "SELECT DB_NAME()").await.as_deref(), Some(to));
        run(&mut seat, &format!("ALTER DATABASE [{from}] MODIFY NAME = [MCDados]")).await;
        run(&mut seat, &format!("ALTER DATABASE [{to}] SET MULTI_USER WITH NO_WAIT")).await;
        run(&mut seat, "USE master").await;
        let sold = rows(&mut seat, count).await[0].get::<i64, _>(0).unwrap();
        assert_eq!(sold > 0, to == "MCDados_antes", "{to}");
    }
    run(&mut seat, "DROP DATABASE [MCDados_depois]").await;
}

#[tokio::test]
async fn a_session_that_uses_a_database_from_another_one_holds_a_lock_on_it() {
    let fixture = server();
    let mut admin = client(&fixture).await;
    let mut cashier = client(&fixture).await;
    let who = spid(&mut cashier).await;
    let others = "SELECT DISTINCT s.session_id, s.host_name, s.program_name, s.login_name FROM sys.dm_exec_sessions AS s \
                  JOIN sys.dm_tran_locks AS l ON l.request_session_id = s.session_id \
                  WHERE l.resource_type = N'DATABASE' AND l.resource_database_id = DB_ID(N'MCDados') \
                  AND s.is_user_process = 1 AND s.session_id <> @@SPID";
    assert!(rows(&mut admin, others).await.is_empty());
    run(&mut cashier, "BEGIN TRANSACTION; UPDATE MCDados.dbo.ESTOQUE SET QT_ESTOQUE = 1").await;
    let found = rows(&mut admin, others).await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].get(0), found[0].get("program_name")), (Some(who), Some("DMBackup test")));
    assert_eq!(fails(&mut admin, "ALTER DATABASE [MCDados] SET SINGLE_USER WITH NO_WAIT").await, 5070);
    run(&mut cashier, "COMMIT").await;
    assert!(rows(&mut admin, others).await.is_empty());

    fixture.server.set_login(Login::new("caixa", "x"));
    let mut without = connect(config_of(&fixture.server, "caixa", "x")).await.unwrap();
    assert_eq!(fails(&mut without, others).await, 300);
    assert_eq!(
        rows(&mut without, "SELECT session_id FROM sys.dm_exec_sessions").await.len(),
        1,
        "only itself"
    );
}

#[tokio::test]
async fn owner_options_and_users_are_carried_over() {
    let fixture = server();
    fixture.server.set_login(Login::new("dona", "x"));
    fixture.server.set_login(Login::new("caixa", "x"));
    fixture.server.set_user("MCDados", "caixa", &["db_datareader"], &[]).unwrap();
    let mut admin = client(&fixture).await;
    for option in [
        "RECOVERY FULL",
        "COMPATIBILITY_LEVEL = 140",
        "READ_COMMITTED_SNAPSHOT ON WITH NO_WAIT",
        "TRUSTWORTHY ON",
    ] {
        run(&mut admin, &format!("ALTER DATABASE [MCDados] SET {option}")).await;
    }
    assert_eq!(fails(&mut admin, "ALTER DATABASE [MCDados] SET COMPATIBILITY_LEVEL = 99").await, 15048);
    run(&mut admin, &fixture.backup("a.bak")).await;
    assert_eq!(fails(&mut admin, &fixture.restore("a.bak", "MCDados")).await, 3159);
    // The login is made anew meanwhile: it has the name, and is another.
    fixture.server.set_login(Login::new("caixa", "x").with_sid([7; 16]));
    run(&mut admin, &fixture.restore("a.bak", "MCDados_restaurado")).await;
    run(&mut admin, "ALTER AUTHORIZATION ON DATABASE::[MCDados_restaurado] TO [dona]").await;
    let carried = "SELECT SUSER_SNAME(owner_sid), recovery_model_desc, compatibility_level, is_read_committed_snapshot_on, \
                   is_trustworthy_on FROM sys.databases WHERE name = N'MCDados_restaurado'";
    let row = &rows(&mut admin, carried).await[0];
    assert_eq!((row.get(0), row.get(1)), (Some("dona"), Some("FULL")));
    assert_eq!((row.get(2), row.get(3), row.get(4)), (Some(140_u8), Some(true), Some(false)));

    let mut cashier = connect(config_of(&fixture.server, "caixa", "x")).await.unwrap();
    assert_eq!(fails(&mut cashier, "USE MCDados_restaurado").await, 916);
    run(&mut admin, "USE [MCDados_restaurado]").await;
    let orphaned = "SELECT name FROM sys.database_principals WHERE type = N'S' AND principal_id > 4 AND sid IS NOT NULL \
                    AND SUSER_SNAME(sid) IS NULL AND SUSER_ID(name) IS NOT NULL ORDER BY name";
    assert_eq!(text(&mut admin, orphaned).await.as_deref(), Some("caixa"));
    run(&mut admin, "ALTER USER [caixa] WITH LOGIN = [caixa]").await;
    assert!(rows(&mut admin, orphaned).await.is_empty());
    run(&mut cashier, "USE MCDados_restaurado").await;
    run(&mut cashier, "SELECT * FROM ESTOQUE").await;
    assert_eq!(fails(&mut cashier, "ALTER DATABASE MCDados_restaurado SET RECOVERY SIMPLE").await, 5011);
    run(&mut admin, "ALTER DATABASE CURRENT SET RESTRICTED_USER WITH ROLLBACK IMMEDIATE").await;
    let mut cashier = connect(config_of(&fixture.server, "caixa", "x")).await.unwrap();
    assert_eq!(fails(&mut cashier, "USE MCDados_restaurado").await, 923);
}

#[tokio::test]
async fn a_restore_over_the_live_database_needs_it_alone() {
    let fixture = server();
    let mut admin = client(&fixture).await;
    run(&mut admin, &fixture.backup("a.bak")).await;
    run(&mut admin, "DELETE FROM MCDados.dbo.VENDAS").await;
    let over = format!(
        "RESTORE DATABASE [MCDados] FROM DISK = N'{}' WITH REPLACE, CHECKSUM",
        fixture.path("a.bak").display()
    );
    run(&mut admin, "USE [MCDados]").await;
    assert_eq!(fails(&mut admin, &over).await, 3102);
    run(&mut admin, "USE master").await;
    let mut other = client(&fixture).await;
    run(&mut other, "USE [MCDados]").await;
    assert_eq!(fails(&mut admin, &over).await, 3101);
    run(&mut other, "USE master").await;
    run(&mut admin, &over.replace("CHECKSUM", "NORECOVERY")).await;
    assert_eq!(fails(&mut other, "USE [MCDados]").await, 927);
    run(&mut admin, "RESTORE DATABASE [MCDados] WITH RECOVERY").await;
    assert_eq!(fails(&mut admin, "RESTORE DATABASE [MCDados] WITH RECOVERY").await, 3153);
    run(&mut other, "USE [MCDados]").await;
    let sold = rows(&mut other, "SELECT COUNT(*) FROM VENDAS").await[0].get::<i32, _>(0).unwrap();
    assert!(sold > 100, "{sold}");
}

#[tokio::test]
async fn rows_are_counted_in_the_catalogue_too() {
    let fixture = server_with(|options| options.database(DatabaseOptions::rows("MCDados", 500)));
    let mut client = client(&fixture).await;
    run(&mut client, "USE [MCDados]").await;
    let counted = "SELECT t.name, SUM(p.rows) AS n FROM sys.tables AS t JOIN sys.partitions AS p ON p.object_id = t.object_id \
                   WHERE p.index_id IN (0, 1) GROUP BY t.name ORDER BY t.name";
    for row in rows(&mut client, counted).await {
        let table = row.get::<&str, _>(0).unwrap().to_owned();
        let count = rows(&mut client, &format!("SELECT COUNT_BIG(*) FROM [dbo].[{table}]")).await;
        assert_eq!(count[0].get::<i64, _>(0), row.get::<i64, _>(1), "{table}");
    }
}

#[tokio::test]
async fn faults_befall_changes_of_databases_as_they_befall_backups() {
    let fixture = server();
    let mut client = client(&fixture).await;
    fixture.server.inject(Fault::at(StatementKind::Alter, Action::Drop { percent: 0.0 }).once());
    let rename = "ALTER DATABASE [MCDados] MODIFY NAME = [Outro]";
    let cut = outcome(&mut client, rename).await;
    assert!(matches!(cut, Err(tiberius::error::Error::Io { .. })), "{cut:?}");
    let mut client = crate::support::client(&fixture).await;
    assert_eq!(
        text(&mut client, "SELECT name FROM sys.databases WHERE name = N'Outro'").await.as_deref(),
        Some("Outro"),
        "the answer was lost, the name was not"
    );
    fixture.server.inject("drop:error=1205/13/51,1".parse().unwrap());
    assert_eq!(fails(&mut client, "DROP DATABASE [Outro]").await, 1205);
    fixture.server.inject("checkdb:hold@50,1".parse().unwrap());
    let check =
        tokio::spawn(async move { outcome(&mut client, "DBCC CHECKDB ([Outro]) WITH NO_INFOMSGS").await });
    fixture.server.held(1).await;
    let mut watching = crate::support::client(&fixture).await;
    let command = "SELECT command FROM sys.dm_exec_requests WHERE percent_complete >= 50";
    assert_eq!(text(&mut watching, command).await.as_deref(), Some("DBCC TABLE CHECK"));
    fixture.server.release();
    check.await.unwrap().unwrap();
}
