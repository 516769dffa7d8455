//! tiberius: BACKUP and RESTORE as the product sends them.

use std::time::Duration;

use fake_sqlserver::database::{Damage, DatabaseState};
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::identity::Edition;
use fake_sqlserver::mtf;
use fake_sqlserver::security::Login;

use crate::support::{client, config_of, connect, fails, outcome, run, server, server_error};

#[tokio::test]
async fn a_backup_is_a_real_file_that_verifies_and_is_remembered() {
    let fixture = server();
    let mut client = client(&fixture).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    let path = fixture.path("a.bak");
    mtf::verify(&path, true).unwrap();
    let header = mtf::read_header(&path).unwrap();
    assert_eq!(header.database, "MCDados");
    assert!(header.has_checksums() && header.is_copy_only());

    run(&mut client, &format!("RESTORE VERIFYONLY FROM DISK = N'{}' WITH CHECKSUM", path.display())).await;
    let restored = format!("RESTORE HEADERONLY FROM DISK = N'{}'", path.display());
    let row = client.simple_query(restored).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(row.len(), 59);
    assert_eq!(row.get::<&str, _>("DatabaseName"), Some("MCDados"));
    assert_eq!(row.get::<&str, _>("BackupName"), Some("DMBackup MCDados"));
    assert_eq!(row.get::<u8, _>("BackupType"), Some(1));
    assert_eq!(row.get::<i32, _>("Flags"), Some(512 + 16 + 1024));
    assert_eq!(row.get::<bool, _>("HasBackupChecksums"), Some(true));
    let files = format!("RESTORE FILELISTONLY FROM DISK = N'{}'", path.display());
    let rows = client.simple_query(files).await.unwrap().into_first_result().await.unwrap();
    assert_eq!((rows.len(), rows[0].len()), (2, 22));
    assert_eq!(rows[1].get::<&str, _>("LogicalName"), Some("MCDados_log"));

    let history = "SELECT TOP (@P2) s.backup_set_id, s.backup_start_date, s.backup_finish_date, s.type, s.is_copy_only, \
        s.has_backup_checksums, s.is_damaged, s.backup_size, f.physical_device_name FROM msdb.dbo.backupset AS s \
        JOIN msdb.dbo.backupmediafamily AS f ON f.media_set_id = s.media_set_id \
        WHERE s.database_name = @P1 ORDER BY s.backup_set_id DESC";
    let row = client.query(history, &[&"mcdados", &1i32]).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(row.get::<&str, _>("type"), Some("D"));
    assert_eq!(row.get::<bool, _>("is_copy_only"), Some(true));
    assert_eq!(row.get::<&str, _>("physical_device_name"), path.to_str());
}

#[tokio::test]
async fn a_backup_shows_its_progress_and_killing_it_ends_the_session() {
    let fixture = server();
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Stall { percent: 40.0 }));
    let mut running = client(&fixture).await;
    let mut watching = client(&fixture).await;
    let row = running.simple_query("SELECT @@SPID").await.unwrap().into_row().await.unwrap().unwrap();
    let spid: i16 = row.get(0).unwrap();
    let sql = fixture.backup("a.bak");
    let backup = tokio::spawn(async move { running.simple_query(sql).await.map(drop) });

    fixture.server.backup_reached(40.0).await;
    let progress =
        "SELECT percent_complete, estimated_completion_time FROM sys.dm_exec_requests WHERE session_id = @P1";
    let row = watching.query(progress, &[&spid]).await.unwrap().into_row().await.unwrap().unwrap();
    assert!(row.get::<f32, _>(0).unwrap() >= 40.0);
    assert!(row.get::<i64, _>(1).is_some());
    let requests = "SELECT r.session_id, r.command FROM sys.dm_exec_requests AS r JOIN sys.dm_exec_sessions AS s \
        ON s.session_id = r.session_id WHERE s.program_name = @P1 AND r.session_id <> @@SPID";
    let row = watching.query(requests, &[&"DMBackup test"]).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!((row.get(0), row.get(1)), (Some(spid), Some("BACKUP DATABASE")));

    run(&mut watching, &format!("KILL {spid}")).await;
    let error = backup.await.unwrap().unwrap_err();
    assert_eq!(server_error(&error), (596, 21, 1));
    assert!(fixture.server.running_backups().is_empty());
    assert!(!fixture.path("a.bak").exists(), "what a killed backup has made goes away");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_backup() {
    let fixture = server();
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Stall { percent: 10.0 }));
    let mut running = client(&fixture).await;
    let sql = fixture.backup("a.bak");
    let backup = tokio::spawn(async move { running.simple_query(sql).await.map(drop) });
    fixture.server.backup_reached(10.0).await;
    backup.abort();
    while !fixture.server.running_backups().is_empty() || fixture.path("a.bak").exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_forbids_a_backup_has_the_servers_number() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let backup = fixture.backup("a.bak");
    assert_eq!(fails(&mut client, &backup.replace("[MCDados]", "[Outro]")).await, 911);
    assert_eq!(fails(&mut client, &backup.replace("CHECKSUM", "CHECKSUM, COMPRESSION")).await, 1844);
    fixture.server.set_edition(Edition::Standard);
    assert_eq!(fails(&mut client, &backup.replace("CHECKSUM", "FOO")).await, 155);
    run(&mut client, "BEGIN TRANSACTION").await;
    assert_eq!(fails(&mut client, &backup).await, 3021);
    run(&mut client, "ROLLBACK").await;
    for (state, number) in [
        (DatabaseState::Offline, 942),
        (DatabaseState::Restoring, 927),
        (DatabaseState::Suspect, 926),
        (DatabaseState::RecoveryPending, 945),
    ] {
        fixture.server.set_state("MCDados", state).unwrap();
        assert_eq!(fails(&mut client, &backup).await, number);
    }
    fixture.server.set_state("MCDados", DatabaseState::Online).unwrap();
    run(&mut client, &backup).await;
}

#[tokio::test]
async fn a_second_backup_of_the_same_database_is_refused() {
    let fixture = server();
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Stall { percent: 5.0 }).once());
    let mut first = client(&fixture).await;
    let sql = fixture.backup("a.bak");
    let backup = tokio::spawn(async move { first.simple_query(sql).await.map(drop) });
    fixture.server.backup_reached(5.0).await;
    let mut second = client(&fixture).await;
    assert_eq!(fails(&mut second, &fixture.backup("b.bak")).await, 3023);
    backup.abort();
}

#[tokio::test]
async fn the_disks_errors_come_with_windows_numbers() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let text = |result: tiberius::Result<()>| match result {
        Err(tiberius::error::Error::Server(error)) => (error.code(), error.message().to_owned()),
        other => panic!("{other:?}"),
    };
    let missing = client.simple_query(fixture.backup("nenhuma/a.bak")).await.map(drop);
    let (number, message) = text(missing);
    assert_eq!(number, 3201);
    assert!(
        message.contains("Operating system error 3(The system cannot find the path specified.)"),
        "{message}"
    );
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::DiskFull { bytes: 100_000 }).once());
    let full = outcome(&mut client, &fixture.backup("a.bak")).await;
    let (number, message) = text(full);
    assert_eq!(number, 3202);
    assert!(message.contains("112(There is not enough space on the disk.)"), "{message}");
    assert!(!fixture.path("a.bak").exists());
    let absent = client.simple_query("RESTORE VERIFYONLY FROM DISK = N'/nada.bak'").await.map(drop);
    let (number, message) = text(absent);
    assert_eq!(number, 3201);
    assert!(message.contains("Operating system error 2("), "{message}");
}

#[tokio::test]
async fn a_bad_page_stops_a_backup_unless_it_is_to_go_on() {
    let fixture = server();
    fixture.server.set_damage("MCDados", Damage::SomePage).unwrap();
    let mut client = client(&fixture).await;
    assert_eq!(fails(&mut client, &fixture.backup("a.bak")).await, 3043);
    let count = "SELECT COUNT(*) AS pages FROM msdb.dbo.suspect_pages WHERE database_id = DB_ID(@P1) AND event_type IN (1, 2, 3)";
    let row = client.query(count, &[&"MCDados"]).await.unwrap().into_row().await.unwrap().unwrap();
    assert_eq!(row.get::<i32, _>(0), Some(1));
    run(&mut client, &format!("{}, CONTINUE_AFTER_ERROR", fixture.backup("a.bak"))).await;
    assert!(matches!(mtf::verify(fixture.path("a.bak"), true), Err(mtf::VerifyFault::PageDamaged { .. })));
    let verify =
        format!("RESTORE VERIFYONLY FROM DISK = N'{}' WITH CHECKSUM", fixture.path("a.bak").display());
    assert_eq!(fails(&mut client, &verify).await, 3183);
}

#[tokio::test]
async fn a_login_without_rights_is_told_what_it_lacks() {
    let fixture = server();
    fixture.server.set_login(Login::new("caixa", "x"));
    let mut client = connect(config_of(&fixture.server, "caixa", "x")).await.unwrap();
    assert_eq!(fails(&mut client, &fixture.backup("a.bak")).await, 916);
    fixture.server.set_user("MCDados", "caixa", &[], &[]).unwrap();
    assert_eq!(fails(&mut client, &fixture.backup("a.bak")).await, 262);
    assert_eq!(fails(&mut client, "RESTORE VERIFYONLY FROM DISK = N'a.bak'").await, 262);
    assert_eq!(fails(&mut client, "KILL 60").await, 6102);
    assert_eq!(fails(&mut client, "SELECT servicename FROM sys.dm_server_services").await, 300);
    assert_eq!(fails(&mut client, "SELECT * FROM MCDados.dbo.PRODUTOS").await, 229);

    let mut admin = crate::support::client(&fixture).await;
    run(&mut admin, "GRANT CREATE ANY DATABASE TO [caixa]").await;
    run(&mut admin, "GRANT ALTER ANY CONNECTION TO [caixa]").await;
    run(&mut admin, "GRANT VIEW SERVER STATE TO [caixa]").await;
    run(&mut admin, "USE [MCDados]").await;
    assert_eq!(fails(&mut admin, "GRANT VIEW SERVER STATE TO [caixa]").await, 4621);
    run(&mut admin, "ALTER ROLE [db_backupoperator] ADD MEMBER [caixa]").await;
    run(&mut client, &fixture.backup("a.bak")).await;
    assert_eq!(fails(&mut client, "KILL 60").await, 6106);
    run(&mut client, "SELECT servicename FROM sys.dm_server_services").await;
}

#[tokio::test]
async fn faults_spoil_the_file_or_cut_the_connection() {
    let fixture = server();
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Truncate { bytes: 40_000 }).once());
    let mut client = client(&fixture).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    assert_eq!(std::fs::metadata(fixture.path("a.bak")).unwrap().len(), 40_000);
    let verify = format!("RESTORE VERIFYONLY FROM DISK = N'{}'", fixture.path("a.bak").display());
    assert_eq!(fails(&mut client, &verify).await, 3203);

    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Drop { percent: 50.0 }).once());
    let dropped = outcome(&mut client, &fixture.backup("b.bak")).await;
    assert!(matches!(dropped, Err(tiberius::error::Error::Io { .. })), "{dropped:?}");
    assert!(fixture.path("b.bak").exists(), "a server that dies leaves its file behind");

    fixture.server.inject(Fault::at(StatementKind::Select, Action::Drop { percent: 0.0 }).once());
    let mut client = crate::support::client(&fixture).await;
    let cut = outcome(&mut client, "SELECT 1").await;
    assert!(matches!(cut, Err(tiberius::error::Error::Io { .. })), "{cut:?}");
}

#[tokio::test]
async fn a_paced_backup_takes_its_time() {
    let fixture = server();
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Pace(Duration::from_millis(2))));
    let mut client = client(&fixture).await;
    let began = tokio::time::Instant::now();
    run(&mut client, &fixture.backup("a.bak")).await;
    assert!(began.elapsed() >= Duration::from_millis(180));
}

#[tokio::test]
async fn a_server_that_stops_says_nothing_more_and_leaves_its_dump_behind() {
    let fixture = server();
    fixture.server.inject(Fault::at(StatementKind::Backup, Action::Stall { percent: 30.0 }));
    let mut client = client(&fixture).await;
    let address = fixture.server.address();
    let (sql, path) = (fixture.backup("a.bak"), fixture.path("a.bak"));
    let backup = tokio::spawn(async move { outcome(&mut client, &sql).await });
    fixture.server.backup_reached(30.0).await;
    let folder = fixture.stop();
    let stopped = backup.await.unwrap();
    assert!(matches!(stopped, Err(tiberius::error::Error::Io { .. })), "{stopped:?}");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
    assert!(path.exists());
    drop(folder);
}
