//! tiberius: the statements that the product sends, word for word, and others around them.

use fake_sqlserver::database::{DatabaseState, PageVerify, RecoveryModel};
use fake_sqlserver::security::Login;
use tiberius::numeric::Numeric;

use crate::support::{Tiberius, client, config_of, connect, fails, outcome, run, server, server_error};

async fn row(client: &mut Tiberius, sql: &str) -> tiberius::Row {
    client.simple_query(sql).await.unwrap().into_row().await.unwrap().unwrap()
}

#[tokio::test]
async fn the_products_questions_about_the_server_are_answered() {
    let fixture = server();
    fixture.server.set_compression_default(true);
    let mut client = client(&fixture).await;
    let sql = "SELECT CONVERT(nvarchar(128), SERVERPROPERTY(N'ProductVersion')) AS product_version, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'Edition')) AS edition, \
     CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'MachineName')) AS machine_name, \
     CONVERT(nvarchar(128), SERVERPROPERTY(N'InstanceName')) AS instance_name, \
     CONVERT(nvarchar(400), @@VERSION) AS version_text";
    let server = row(&mut client, sql).await;
    assert_eq!(server.get::<&str, _>("product_version"), Some("16.0.1000.6"));
    assert_eq!(server.get::<i32, _>("engine_edition"), Some(4));
    assert_eq!(server.get::<&str, _>("instance_name"), Some("SQLEXPRESS"));
    let sql = "SELECT CONVERT(int, value_in_use) AS value_in_use FROM sys.configurations WHERE name = @P1";
    let found =
        client.query(sql, &[&"backup compression default"]).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(found.get::<i32, _>(0), Some(1));
    let services = row(&mut client, "SELECT servicename, service_account FROM sys.dm_server_services").await;
    assert_eq!(services.get::<&str, _>("service_account"), Some(r"NT Service\MSSQL$SQLEXPRESS"));
}

#[tokio::test]
async fn the_products_questions_about_the_database_are_answered() {
    let fixture = server();
    let mut client = client(&fixture).await;
    fixture.server.set_page_verify("MCDados", PageVerify::None).unwrap();
    fixture.server.set_recovery("MCDados", RecoveryModel::Full).unwrap();
    fixture.server.set_log_bytes("MCDados", 800 << 20, 700 << 20).unwrap();
    let sql = "SELECT name, state, recovery_model_desc, page_verify_option_desc, log_reuse_wait_desc \
               FROM sys.databases WHERE name = @P1";
    let database = client.query(sql, &[&"MCDados"]).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(database.get::<u8, _>("state"), Some(0));
    assert_eq!(database.get::<&str, _>("recovery_model_desc"), Some("FULL"));
    assert_eq!(database.get::<&str, _>("page_verify_option_desc"), Some("NONE"));
    run(&mut client, "USE [MCDados]").await;
    let sql =
        "SELECT type, size AS pages, FILEPROPERTY(name, N'SpaceUsed') AS used_pages FROM sys.database_files";
    let files = client.simple_query(sql).await.unwrap().into_first_result().await.unwrap();
    assert_eq!(files.iter().map(|file| file.get::<u8, _>("type").unwrap()).collect::<Vec<_>>(), [0, 1]);
    let used = files[0].get::<i32, _>("used_pages").unwrap();
    assert!(used > 50 && used <= files[0].get::<i32, _>("pages").unwrap(), "{used}");
    assert_eq!(files[1].get::<i32, _>("pages"), Some(800 * 128));

    fixture.server.shrink("MCDados", 0.1).unwrap();
    let smaller = client.simple_query(sql).await.unwrap().into_first_result().await.unwrap();
    assert!(smaller[0].get::<i32, _>("used_pages").unwrap() < used);

    fixture.server.set_state("MCDados", DatabaseState::Offline).unwrap();
    run(&mut client, "USE master").await;
    assert_eq!(fails(&mut client, "USE [MCDados]").await, 942);
    assert_eq!(fails(&mut client, "USE [Outro]").await, 911);
}

#[tokio::test]
async fn the_products_question_about_rights_is_answered() {
    let fixture = server();
    fixture.server.set_login(Login::new("caixa", "x").with_permission("VIEW SERVER STATE"));
    let mut client = connect(config_of(&fixture.server, "caixa", "x")).await.unwrap();
    let sql = "SELECT SUSER_SNAME() AS login_name, \
     HAS_DBACCESS(@P1) AS database_access, \
     HAS_PERMS_BY_NAME(QUOTENAME(@P1), N'DATABASE', N'BACKUP DATABASE') AS backup_database, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS create_any_database, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS view_server_state, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER PERFORMANCE STATE') AS view_server_performance_state, \
     HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY CONNECTION') AS alter_any_connection, \
     IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin, HAS_PERMS_BY_NAME(NULL, NULL, N'FLY') AS unknown";
    let rights = client.query(sql, &[&"MCDados"]).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(rights.get::<&str, _>("login_name"), Some("caixa"));
    let right = |name| rights.get::<i32, _>(name);
    assert_eq!((right("database_access"), right("backup_database")), (Some(0), Some(0)));
    assert_eq!((right("view_server_state"), right("view_server_performance_state")), (Some(1), Some(1)));
    assert_eq!((right("create_any_database"), right("alter_any_connection")), (Some(0), Some(0)));
    assert_eq!((right("sysadmin"), right("unknown")), (Some(0), None));

    let mut admin = crate::support::client(&fixture).await;
    run(&mut admin, r"CREATE LOGIN [LOJA01\caixa] FROM WINDOWS").await;
    run(&mut admin, "USE [MCDados]").await;
    run(&mut admin, r"CREATE USER [LOJA01\caixa] FOR LOGIN [LOJA01\caixa]").await;
    run(&mut admin, "CREATE USER [caixa] FOR LOGIN [caixa]").await;
    run(&mut admin, "EXEC sp_addrolemember N'db_backupoperator', N'caixa'").await;
    let rights = client.query(sql, &[&"MCDados"]).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(rights.get::<i32, _>("backup_database"), Some(1));
    assert_eq!(fails(&mut client, "GRANT ALTER ANY CONNECTION TO [caixa]").await, 4613);
    assert_eq!(fails(&mut admin, "CREATE USER [nada] FOR LOGIN [nada]").await, 15007);
}

#[tokio::test]
async fn logins_are_told_apart() {
    let fixture = server();
    let refused = |user: &'static str, password: &'static str, database: Option<&'static str>| {
        let mut config = config_of(&fixture.server, user, password);
        if let Some(database) = database {
            config.database(database);
        }
        async move { server_error(&connect(config).await.map(drop).unwrap_err()) }
    };
    assert_eq!(refused("sa", "errada", None).await, (18456, 14, 1));
    assert_eq!(refused("ninguém", "x", None).await, (18456, 14, 1));
    assert_eq!(refused("sa", crate::support::PASSWORD, Some("Outro")).await.0, 4060);
    fixture.server.set_login(Login::new("caixa", "x"));
    assert_eq!(refused("caixa", "x", Some("MCDados")).await.0, 4060);
    for (state, number) in [
        (fake_sqlserver::security::LoginState::Disabled, 18470),
        (fake_sqlserver::security::LoginState::Locked, 18486),
        (fake_sqlserver::security::LoginState::Expired, 18487),
        (fake_sqlserver::security::LoginState::MustChange, 18488),
    ] {
        let mut login = Login::new("caixa", "x");
        login.state = state;
        fixture.server.set_login(login);
        assert_eq!(refused("caixa", "x", None).await, (number, 14, 1));
    }
}

#[tokio::test]
async fn rows_are_written_changed_counted_and_deleted() {
    let fixture = server();
    let mut client = client(&fixture).await;
    run(&mut client, "USE MCDados").await;
    run(
        &mut client,
        "CREATE TABLE dbo.Teste (id int IDENTITY(1,1) PRIMARY KEY, nome nvarchar(20) NOT NULL, preço decimal(10,2), quando datetime)",
    )
    .await;
    let done = client
        .execute(
            "INSERT INTO Teste (nome, preço, quando) VALUES (@P1, @P2, @P3)",
            &[&"Dipirona", &Numeric::new_with_scale(1999, 2), &"2026-11-22T09:15:30.250"],
        )
        .await
        .unwrap();
    assert_eq!(done.total(), 1);
    run(&mut client, "INSERT INTO Teste VALUES (N'Soro', 3.5, GETDATE()), (N'gaze', NULL, NULL)").await;
    let found = row(&mut client, "SELECT t.* FROM dbo.Teste AS t WHERE nome = N'DIPIRONA'").await;
    assert_eq!(found.get::<i32, _>("id"), Some(1));
    assert_eq!(found.get::<Numeric, _>("preço"), Some(Numeric::new_with_scale(1999, 2)));
    assert_eq!(
        found.get::<chrono::NaiveDateTime, _>("quando").unwrap().to_string(),
        "2026-11-22 09:15:30.250"
    );
    let summed = row(
        &mut client,
        "SELECT COUNT(*) AS n, SUM(preço) AS soma, MAX(nome) AS m, AVG(id) AS média, COUNT(preço) FROM [MCDados].[dbo].[Teste]",
    )
    .await;
    assert_eq!((summed.get::<i32, _>("n"), summed.get::<i32, _>("média")), (Some(3), Some(2)));
    assert_eq!(summed.get::<Numeric, _>("soma"), Some(Numeric::new_with_scale(2349, 2)));
    assert_eq!((summed.get::<&str, _>("m"), summed.get::<i32, _>(4)), (Some("Soro"), Some(2)));
    let done = client
        .execute("UPDATE Teste SET preço = preço * 2, nome = nome + N'!' WHERE preço > 3", &[])
        .await
        .unwrap();
    assert_eq!(done.total(), 2);
    assert_eq!(fails(&mut client, "INSERT INTO Teste (nome) VALUES (NULL)").await, 515);
    assert_eq!(fails(&mut client, "INSERT INTO Teste (nome, x) VALUES (N'a', 1)").await, 207);
    assert_eq!(fails(&mut client, "INSERT INTO Teste (nome) VALUES (N'a', 1)").await, 110);
    assert_eq!(client.execute("DELETE FROM Teste WHERE id IN (1, 2)", &[]).await.unwrap().total(), 2);
    run(&mut client, "BEGIN TRAN; DELETE FROM Teste; ROLLBACK").await;
    assert_eq!(row(&mut client, "SELECT COUNT(*) FROM Teste").await.get::<i32, _>(0), Some(1));
    run(&mut client, "DROP TABLE Teste").await;
    assert_eq!(fails(&mut client, "SELECT * FROM Teste").await, 208);
}

#[tokio::test]
async fn queries_of_many_forms_have_their_answers() {
    let fixture = server();
    let mut client = client(&fixture).await;
    for (sql, expected) in [
        ("SELECT CASE WHEN 1 < 2 THEN N'sim' ELSE N'não' END", "sim"),
        (
            "SELECT CAST(7 / 2 AS varchar(10)) + '|' + CAST(7 % 4 AS varchar(10)) + '|' + CAST(7 / 2.0 AS varchar(20))",
            "3|3|3.500000",
        ),
        ("SELECT ISNULL(NULL, N'x') + COALESCE(NULL, N'y') + IIF(1 = 1, N'z', N'w')", "xyz"),
        ("SELECT CONVERT(varchar(10), CAST('2026-11-22 09:15' AS datetime), 103)", "22/11/2026"),
        ("SELECT CONVERT(varchar(30), DATEADD(day, 3, CAST('2026-01-30' AS date)), 23)", "2026-02-02"),
        ("SELECT CAST(DATEDIFF(month, '2026-01-31', '2026-03-01') AS nvarchar(10))", "2"),
        ("SELECT UPPER(SUBSTRING(N'farmácia', 5, 4)) + QUOTENAME(N'a]b')", "ÁCIA[a]]b]"),
        ("SELECT x.n FROM (SELECT N'derivada' AS n) AS x WHERE x.n LIKE N'D%v[a-z]da'", "derivada"),
        ("WITH c AS (SELECT 1 AS a UNION ALL SELECT 2) SELECT CAST(SUM(a) AS varchar(5)) FROM c", "3"),
        ("SELECT TOP 1 name FROM sys.databases WHERE database_id > 4 ORDER BY name DESC", "MCDados"),
        ("DECLARE @a int = 4; SET @a = @a + 1; SELECT CAST(@a AS nvarchar(5))", "5"),
        (
            "IF EXISTS (SELECT * FROM sys.tables WHERE name = 'PRODUTOS') SELECT N'há' ELSE SELECT N'não há'",
            "não há",
        ),
        ("SELECT DB_NAME() + N'/' + DB_NAME(DB_ID(N'mcdados'))", "master/MCDados"),
        (
            "SELECT name FROM (VALUES (N'a'), (N'b')) AS v(name) ORDER BY name OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY",
            "b",
        ),
        ("SELECT CASE WHEN OBJECT_ID(N'MCDados.dbo.VENDAS') IS NULL THEN 'não' ELSE 'sim' END", "sim"),
    ] {
        let found = row(&mut client, sql).await;
        assert_eq!(found.get::<&str, _>(0), Some(expected), "{sql}");
    }
}

#[tokio::test]
async fn what_is_not_known_is_refused_with_the_servers_number() {
    let fixture = server();
    let mut client = client(&fixture).await;
    for (sql, number) in [
        ("SELEC 1", 102),
        ("SELECT (1", 102),
        ("SELECT 1 +", 102),
        ("SELECT 'abc", 105),
        ("SELECT nada", 207),
        ("SELECT x.a FROM sys.databases AS d", 4104),
        ("SELECT * FROM nada", 208),
        ("SELECT a.name FROM sys.databases AS a JOIN sys.databases AS b ON name = b.name", 209),
        ("SELECT VOE(1)", 195),
        ("SELECT LEN()", 174),
        ("SELECT @x", 137),
        ("SELECT name, COUNT(*) FROM sys.databases", 8120),
        ("SELECT 1 WHERE 1", 4145),
        ("SELECT CAST('x' AS int)", 245),
        ("SELECT CAST(1 AS nada)", 243),
        ("SELECT 1 / 0", 8134),
        ("SELECT * ", 263),
        ("SELECT 1 UNION SELECT 1, 2", 205),
        ("SELECT (SELECT 1, 2)", 116),
        ("EXEC nada", 2812),
        ("EXEC nada.dbo.sp_x @a = 1", 2812),
        ("COMMIT", 3902),
        ("SET NADA ON", 195),
        ("UPDATE sys.databases SET name = N'x'", 259),
        ("RESTORE LOG MCDados FROM DISK = N'x'", 40510),
        ("DBCC NADA", 2526),
        ("KILL 9999", 6106),
        ("KILL 5", 6107),
        ("CREATE TABLE t (a nada)", 243),
    ] {
        assert_eq!(fails(&mut client, sql).await, number, "{sql}");
    }
    assert_eq!(row(&mut client, "SELECT 1").await.get::<i32, _>(0), Some(1), "the session outlives them all");
}

#[tokio::test]
async fn a_syntax_error_anywhere_keeps_the_whole_batch_from_running() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let before = "SELECT COUNT(*) FROM MCDados.dbo.ESTOQUE";
    let count = row(&mut client, before).await.get::<i32, _>(0);
    assert_eq!(fails(&mut client, "DELETE FROM MCDados.dbo.ESTOQUE; SELEC 1").await, 102);
    assert_eq!(row(&mut client, before).await.get::<i32, _>(0), count);
}

#[tokio::test]
async fn names_with_brackets_quotes_and_letters_of_every_kind_are_found() {
    let fixture = crate::support::server_with(|options| {
        options.database(fake_sqlserver::options::DatabaseOptions::empty("Farm'ácia]; DROP 💊"))
    });
    let mut client = client(&fixture).await;
    run(&mut client, "USE [Farm'ácia]]; DROP 💊]").await;
    let found = row(&mut client, "SELECT DB_NAME()").await;
    assert_eq!(found.get::<&str, _>(0), Some("Farm'ácia]; DROP 💊"));
    let path = fixture.path("d'Ávila.bak");
    let sql = format!(
        "BACKUP DATABASE [Farm'ácia]]; DROP 💊] TO DISK = N'{}' WITH FORMAT",
        path.display().to_string().replace('\'', "''")
    );
    run(&mut client, &sql).await;
    fake_sqlserver::mtf::verify(path, false).unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_long_is_cancelled_by_an_attention() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let endless = "SELECT COUNT(*) FROM MCDados.dbo.ITENS_VENDA AS a, MCDados.dbo.ITENS_VENDA AS b, \
                   MCDados.dbo.ITENS_VENDA AS c, MCDados.dbo.ITENS_VENDA AS d";
    let started =
        tokio::time::timeout(std::time::Duration::from_millis(300), outcome(&mut client, endless)).await;
    assert!(started.is_err(), "it was too quick");
    // The server answers in two messages, of which tiberius reads one: its connection is of no more use.
    let _ = client.cancel_query().await;
    while fixture.server.sessions().iter().any(|session| session.request.is_some()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn sessions_see_each_other_as_far_as_they_may() {
    let fixture = server();
    fixture.server.set_login(Login::new("caixa", "x"));
    let mut admin = client(&fixture).await;
    let mut cashier = connect(config_of(&fixture.server, "caixa", "x")).await.unwrap();
    let sql = "SELECT host_name, program_name, login_name, database_id, is_user_process FROM sys.dm_exec_sessions \
               WHERE is_user_process = 1 ORDER BY session_id";
    let seen = admin.simple_query(sql).await.unwrap().into_first_result().await.unwrap();
    assert_eq!(
        seen.iter().map(|row| row.get::<&str, _>("login_name").unwrap()).collect::<Vec<_>>(),
        ["sa", "caixa"]
    );
    assert_eq!(seen[0].get::<&str, _>("program_name"), Some("DMBackup test"));
    let seen = cashier.simple_query(sql).await.unwrap().into_first_result().await.unwrap();
    assert_eq!(seen.len(), 1, "without VIEW SERVER STATE one sees only oneself");
    run(&mut admin, "USE MCDados").await;
    let locks = "SELECT request_session_id FROM sys.dm_tran_locks WHERE resource_type = 'DATABASE' \
                 AND resource_database_id = DB_ID('MCDados')";
    assert_eq!(admin.simple_query(locks).await.unwrap().into_first_result().await.unwrap().len(), 1);
    let space =
        admin.simple_query("DBCC SQLPERF(LOGSPACE)").await.unwrap().into_first_result().await.unwrap();
    assert_eq!((space.len(), space[0].len()), (5, 4));
}
