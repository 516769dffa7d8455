//! The exact texts of the statements, and what quoting promises.

use super::*;
use insta::assert_snapshot;
use proptest::prelude::*;

fn dump() -> Dump<'static> {
    Dump {
        database: "MCDados",
        device: r"C:\MBHSist\Backup\.MCDados.bak.partial",
        name: "DMBackup MCDados",
        description: "loja 01, 28/06/2022 14:00",
        no_compression: false,
        continue_after_error: false,
    }
}

#[test]
fn the_texts_of_backup_are_these() {
    assert_snapshot!(backup(&dump()).unwrap(), @r"BACKUP DATABASE [MCDados] TO DISK = N'C:\MBHSist\Backup\.MCDados.bak.partial' WITH COPY_ONLY, FORMAT, INIT, SKIP, CHECKSUM, STATS = 5, NAME = N'DMBackup MCDados', DESCRIPTION = N'loja 01, 28/06/2022 14:00'");
    let rescue = Dump { no_compression: true, continue_after_error: true, ..dump() };
    assert_snapshot!(backup(&rescue).unwrap(), @r"BACKUP DATABASE [MCDados] TO DISK = N'C:\MBHSist\Backup\.MCDados.bak.partial' WITH COPY_ONLY, FORMAT, INIT, SKIP, CHECKSUM, STATS = 5, NAME = N'DMBackup MCDados', DESCRIPTION = N'loja 01, 28/06/2022 14:00', NO_COMPRESSION, CONTINUE_AFTER_ERROR");
    let hostile = Dump {
        database: "Farmácia]; DROP DATABASE [x",
        device: "/var/opt/O'Hara/não.bak",
        name: "D'Ávila",
        description: "",
        ..dump()
    };
    assert_snapshot!(backup(&hostile).unwrap(), @"BACKUP DATABASE [Farmácia]]; DROP DATABASE [x] TO DISK = N'/var/opt/O''Hara/não.bak' WITH COPY_ONLY, FORMAT, INIT, SKIP, CHECKSUM, STATS = 5, NAME = N'D''Ávila', DESCRIPTION = N''");
}

#[test]
fn the_texts_of_restore_are_these() {
    assert_snapshot!(verify_only(r"D:\b\x.bak").unwrap(), @r"RESTORE VERIFYONLY FROM DISK = N'D:\b\x.bak' WITH CHECKSUM");
    assert_snapshot!(header_only(r"D:\b\x.bak").unwrap(), @r"RESTORE HEADERONLY FROM DISK = N'D:\b\x.bak'");
    assert_snapshot!(file_list_only(r"D:\b\x.bak").unwrap(), @r"RESTORE FILELISTONLY FROM DISK = N'D:\b\x.bak'");
}

fn moves() -> Vec<(String, String)> {
    vec![
        ("MCDados".to_owned(), r"C:\Dados\MCDados_restaurado.mdf".to_owned()),
        ("D'Ávila]log".to_owned(), r"C:\Dados\MCDados_restaurado_log.ldf".to_owned()),
    ]
}

#[test]
fn the_texts_of_a_restore_beside_are_these() {
    let moves = moves();
    let beside = Restoring {
        database: "MCDados_restaurado_20220628_140000",
        device: r"D:\b\x.bak",
        moves: &moves,
        checksum: true,
        replace: false,
    };
    assert_snapshot!(restore(&beside).unwrap(), @r"RESTORE DATABASE [MCDados_restaurado_20220628_140000] FROM DISK = N'D:\b\x.bak' WITH MOVE N'MCDados' TO N'C:\Dados\MCDados_restaurado.mdf', MOVE N'D''Ávila]log' TO N'C:\Dados\MCDados_restaurado_log.ldf', CHECKSUM, STATS = 5");
    let over = Restoring { database: "MC]Dados", moves: &[], checksum: false, replace: true, ..beside };
    assert_snapshot!(restore(&over).unwrap(), @r"RESTORE DATABASE [MC]]Dados] FROM DISK = N'D:\b\x.bak' WITH STATS = 5, REPLACE");
    assert_snapshot!(restore_over(&over).unwrap(), @r"USE [master]; RESTORE DATABASE [MC]]Dados] FROM DISK = N'D:\b\x.bak' WITH STATS = 5, REPLACE");
    assert_snapshot!(OWN_FILES, @"SELECT name, physical_name, type, CAST(size AS bigint) * 8192 AS bytes FROM sys.master_files WHERE database_id = DB_ID(@P1) ORDER BY file_id");
    assert_snapshot!(check_database("MC]Dados").unwrap(), @"DBCC CHECKDB ([MC]]Dados]) WITH TABLERESULTS, NO_INFOMSGS, ALL_ERRORMSGS");
    assert_snapshot!(drop_database("MC]Dados").unwrap(), @"DROP DATABASE [MC]]Dados]");
    assert_snapshot!(count_rows("dbo", "It]em").unwrap(), @"SELECT COUNT_BIG(*) AS row_count FROM [dbo].[It]]em]");
    assert_snapshot!(INSTANCE_PATHS, @"SELECT CONVERT(nvarchar(260), SERVERPROPERTY(N'InstanceDefaultDataPath')) AS data_path, CONVERT(nvarchar(260), SERVERPROPERTY(N'InstanceDefaultLogPath')) AS log_path");
    assert_snapshot!(ALL_FILES, @"SELECT database_id, type, physical_name FROM sys.master_files ORDER BY database_id, file_id");
    assert_snapshot!(DATABASE_IDENTITY, @"SELECT database_id, create_date, state, user_access FROM sys.databases WHERE name = @P1");
    assert_snapshot!(TABLES, @"SELECT s.name AS schema_name, t.name AS table_name FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id WHERE t.is_ms_shipped = 0 ORDER BY s.name, t.name");
    assert_snapshot!(KEPT_ROW_COUNTS, @"SELECT s.name AS schema_name, t.name AS table_name, SUM(p.rows) AS row_count FROM sys.tables AS t JOIN sys.schemas AS s ON s.schema_id = t.schema_id JOIN sys.partitions AS p ON p.object_id = t.object_id WHERE t.is_ms_shipped = 0 AND p.index_id IN (0, 1) GROUP BY s.name, t.name");
    assert_snapshot!(RESTORE_RIGHTS, @"SELECT HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS create_any_database, HAS_PERMS_BY_NAME(QUOTENAME(@P1), N'DATABASE', N'ALTER') AS alter_database, HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS view_server_state, IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin");
}

#[test]
fn the_texts_of_an_exchange_are_these() {
    assert_snapshot!(OTHERS, @"SELECT DISTINCT s.session_id, s.host_name, s.program_name, s.login_name FROM sys.dm_exec_sessions AS s JOIN sys.dm_tran_locks AS l ON l.request_session_id = s.session_id WHERE l.resource_type = N'DATABASE' AND l.resource_database_id = DB_ID(@P1) AND s.is_user_process = 1 AND s.session_id <> @@SPID");
    assert_snapshot!(CARRIED, @"SELECT SUSER_SNAME(owner_sid) AS owner_name, recovery_model_desc, compatibility_level, is_read_committed_snapshot_on, is_trustworthy_on FROM sys.databases WHERE name = @P1");
    assert_snapshot!(ORPHANED_USERS, @"SELECT name FROM sys.database_principals WHERE type = N'S' AND principal_id > 4 AND sid IS NOT NULL AND SUSER_SNAME(sid) IS NULL AND SUSER_ID(name) IS NOT NULL ORDER BY name");
    assert_snapshot!(join_user("ca]ixa").unwrap(), @"ALTER USER [ca]]ixa] WITH LOGIN = [ca]]ixa]");
    let text = |wanted| change("MC]Dados", wanted).unwrap().to_string();
    assert_snapshot!(text(Change::SingleUser), @"ALTER DATABASE [MC]]Dados] SET SINGLE_USER WITH NO_WAIT");
    assert_snapshot!(text(Change::MultiUser), @"ALTER DATABASE [MC]]Dados] SET MULTI_USER WITH NO_WAIT");
    assert_snapshot!(text(Change::Name("MC]Dados_antes")), @"ALTER DATABASE [MC]]Dados] MODIFY NAME = [MC]]Dados_antes]");
    assert_snapshot!(text(Change::Owner("LOJA\\caixa")), @r"ALTER AUTHORIZATION ON DATABASE::[MC]]Dados] TO [LOJA\caixa]");
    assert_snapshot!(text(Change::Recovery("SIMPLE")), @"ALTER DATABASE [MC]]Dados] SET RECOVERY SIMPLE");
    assert_snapshot!(text(Change::Recovery("SIMPLE; DROP DATABASE x")), @"ALTER DATABASE [MC]]Dados] SET RECOVERY FULL");
    assert_snapshot!(text(Change::Compatibility(150)), @"ALTER DATABASE [MC]]Dados] SET COMPATIBILITY_LEVEL = 150");
    assert_snapshot!(text(Change::ReadCommittedSnapshot(true)), @"ALTER DATABASE [MC]]Dados] SET READ_COMMITTED_SNAPSHOT ON WITH NO_WAIT");
    assert_snapshot!(text(Change::Trustworthy(false)), @"ALTER DATABASE [MC]]Dados] SET TRUSTWORTHY OFF");
}

#[test]
fn the_texts_about_sessions_are_these() {
    assert_snapshot!(SESSION, @"SELECT session_id, login_time FROM sys.dm_exec_sessions WHERE session_id = @@SPID");
    assert_snapshot!(PROGRESS, @"SELECT percent_complete, estimated_completion_time FROM sys.dm_exec_requests WHERE session_id = @P1");
    assert_snapshot!(PROGRAM_REQUESTS, @"SELECT r.session_id, s.login_time, r.command FROM sys.dm_exec_requests AS r JOIN sys.dm_exec_sessions AS s ON s.session_id = r.session_id WHERE s.program_name = @P1 AND r.session_id <> @@SPID");
    assert_snapshot!(kill(57), @"KILL 57");
}

#[test]
fn the_texts_about_server_and_database_are_these() {
    assert_snapshot!(SERVER, @"SELECT CONVERT(nvarchar(128), SERVERPROPERTY(N'ProductVersion')) AS product_version, CONVERT(nvarchar(128), SERVERPROPERTY(N'Edition')) AS edition, CONVERT(int, SERVERPROPERTY(N'EngineEdition')) AS engine_edition, CONVERT(nvarchar(128), SERVERPROPERTY(N'MachineName')) AS machine_name, CONVERT(nvarchar(128), SERVERPROPERTY(N'InstanceName')) AS instance_name, CONVERT(nvarchar(400), @@VERSION) AS version_text");
    assert_snapshot!(CONFIGURATION, @"SELECT CONVERT(int, value_in_use) AS value_in_use FROM sys.configurations WHERE name = @P1");
    assert_snapshot!(DATABASE, @"SELECT name, state, recovery_model_desc, page_verify_option_desc, log_reuse_wait_desc, is_encrypted FROM sys.databases WHERE name = @P1");
    assert_snapshot!(use_database("MC]Dados").unwrap(), @"USE [MC]]Dados]");
    assert_snapshot!(FILES, @"SELECT type, size AS pages, FILEPROPERTY(name, N'SpaceUsed') AS used_pages FROM sys.database_files");
    assert_snapshot!(SUSPECT_PAGES, @"SELECT COUNT(*) AS pages FROM msdb.dbo.suspect_pages WHERE database_id = DB_ID(@P1) AND event_type IN (1, 2, 3)");
    assert_snapshot!(SERVICES, @"SELECT servicename, service_account FROM sys.dm_server_services");
    assert_snapshot!(HISTORY, @"SELECT TOP (@P2) s.backup_set_id, s.backup_start_date, s.backup_finish_date, s.type, s.is_copy_only, s.has_backup_checksums, s.is_damaged, s.backup_size, f.physical_device_name FROM msdb.dbo.backupset AS s JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id WHERE s.database_name = @P1 ORDER BY s.backup_set_id DESC");
}

#[test]
fn the_texts_about_rights_are_these() {
    assert_snapshot!(RIGHTS, @"SELECT SUSER_SNAME() AS login_name, SUSER_ID(SUSER_SNAME()) AS login_id, HAS_DBACCESS(@P1) AS database_access, HAS_PERMS_BY_NAME(QUOTENAME(@P1), N'DATABASE', N'BACKUP DATABASE') AS backup_database, HAS_PERMS_BY_NAME(NULL, NULL, N'CREATE ANY DATABASE') AS create_any_database, HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER STATE') AS view_server_state, HAS_PERMS_BY_NAME(NULL, NULL, N'VIEW SERVER PERFORMANCE STATE') AS view_server_performance_state, HAS_PERMS_BY_NAME(NULL, NULL, N'ALTER ANY CONNECTION') AS alter_any_connection, IS_SRVROLEMEMBER(N'sysadmin') AS sysadmin");
    let login = r"LOJA01\caixa";
    assert_snapshot!(create_windows_login(login).unwrap(), @r"CREATE LOGIN [LOJA01\caixa] FROM WINDOWS");
    assert_snapshot!(create_user(login).unwrap(), @r"CREATE USER [LOJA01\caixa] FOR LOGIN [LOJA01\caixa]");
    assert_snapshot!(add_backup_operator(login, 11).unwrap(), @r"ALTER ROLE [db_backupoperator] ADD MEMBER [LOJA01\caixa]");
    assert_snapshot!(add_backup_operator(login, 10).unwrap(), @r"EXEC sp_addrolemember N'db_backupoperator', N'LOJA01\caixa'");
    assert_snapshot!(grant_server(ServerRight::CreateAnyDatabase, login).unwrap(), @r"GRANT CREATE ANY DATABASE TO [LOJA01\caixa]");
    assert_snapshot!(grant_server(ServerRight::ViewServerState, login).unwrap(), @r"GRANT VIEW SERVER STATE TO [LOJA01\caixa]");
    assert_snapshot!(grant_server(ServerRight::AlterAnyConnection, login).unwrap(), @r"GRANT ALTER ANY CONNECTION TO [LOJA01\caixa]");
}

#[test]
fn what_no_quoting_saves_is_refused() {
    assert_eq!(identifier(""), Err(Unquotable::Empty));
    assert_eq!(identifier("a\0b"), Err(Unquotable::Nul));
    assert_eq!(literal("a\0b"), Err(Unquotable::Nul));
    assert_eq!(identifier(&"é".repeat(129)), Err(Unquotable::TooLong(128)));
    assert_eq!(verify_only(&"x".repeat(260)), Err(Unquotable::TooLong(259)));
    assert!(identifier(&"é".repeat(128)).is_ok());
    assert_eq!(backup(&Dump { name: "a\0", ..dump() }), Err(Unquotable::Nul));
    assert_eq!(backup(&Dump { database: "", ..dump() }), Err(Unquotable::Empty));
}

#[test]
fn long_descriptions_are_cut_between_characters() {
    let long = "💊".repeat(200);
    let text = backup(&Dump { name: &long, description: &long, ..dump() }).unwrap().to_string();
    assert!(text.contains(&format!("NAME = N'{}',", "💊".repeat(64))));
    assert!(text.ends_with(&format!("DESCRIPTION = N'{}'", "💊".repeat(127))));
}

/// Reads a quoted text as T-SQL does: from the opening mark to the first closing one that is not doubled. Gives what was
/// quoted and what stands after it.
fn unquote(text: &str, open: &str, close: char) -> Option<(String, String)> {
    let mut rest = text.strip_prefix(open)?.chars().peekable();
    let mut inner = String::new();
    while let Some(character) = rest.next() {
        if character != close {
            inner.push(character);
        } else if rest.peek() == Some(&close) {
            rest.next();
            inner.push(close);
        } else {
            return Some((inner, rest.collect()));
        }
    }
    None
}

/// Texts with many marks, letters of every kind, and no NUL.
fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("]".to_owned()),
        Just("'".to_owned()),
        Just("[".to_owned()),
        Just("--".to_owned()),
        Just("ʼ".to_owned()),
        Just("\u{FF07}".to_owned()),
        any::<char>().prop_filter("no NUL", |c| *c != '\0').prop_map(String::from),
    ];
    proptest::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_name_reads_back_from_its_brackets(name in hostile_text()) {
        let quoted = identifier(&name).unwrap();
        prop_assert_eq!(unquote(&quoted, "[", ']'), Some((name, String::new())));
    }

    #[test]
    fn any_text_reads_back_from_its_literal(text in hostile_text()) {
        let quoted = literal(&text).unwrap();
        prop_assert_eq!(unquote(&quoted, "N'", '\''), Some((text, String::new())));
    }

    #[test]
    fn a_backup_holds_exactly_the_names_that_were_given(database in hostile_text(), device in hostile_text()) {
        let statement = backup(&Dump { database: &database, device: &device, ..dump() }).unwrap();
        let after = statement.text().strip_prefix("BACKUP DATABASE ").unwrap();
        let (read, after) = unquote(after, "[", ']').unwrap();
        prop_assert_eq!(read, database);
        let (read, after) = unquote(after.strip_prefix(" TO DISK = ").unwrap(), "N'", '\'').unwrap();
        prop_assert_eq!(read, device);
        prop_assert!(after.starts_with(" WITH COPY_ONLY, FORMAT, INIT,"));
    }

    #[test]
    fn a_nul_anywhere_is_refused(before in hostile_text(), after in hostile_text()) {
        let text = format!("{before}\0{after}");
        prop_assert!(identifier(&text).is_err());
        prop_assert_eq!(literal(&text), Err(Unquotable::Nul));
        prop_assert!(verify_only(&text).is_err());
    }
}
