//! tiberius: RESTORE DATABASE, DBCC CHECKDB and DROP DATABASE as the product sends them.

use fake_sqlserver::database::Damage;
use fake_sqlserver::fault::{Action, Fault, StatementKind};
use fake_sqlserver::identity::Identity;
use fake_sqlserver::mtf::damage::{self, Place};
use fake_sqlserver::options::DatabaseOptions;
use fake_sqlserver::security::Login;

use crate::support::{
    Fixture, Tiberius, client, config_of, connect, fails, outcome, rows, run, server, server_error,
    server_with, text,
};

const TABLES: [&str; 5] = ["PRODUTOS", "ESTOQUE", "CLIENTES", "VENDAS", "ITENS_VENDA"];

/// Every row of a table, as text.
async fn contents(client: &mut Tiberius, database: &str, table: &str) -> Vec<String> {
    let rows = rows(client, &format!("SELECT * FROM [{database}].dbo.[{table}]")).await;
    let mut rows: Vec<String> =
        rows.into_iter().map(|row| format!("{:?}", row.cells().collect::<Vec<_>>())).collect();
    rows.sort();
    rows
}

/// The numbers of the pages that hold rows of tables in a data file that was restored.
fn pages_of_rows(fixture: &Fixture, name: &str) -> Vec<u32> {
    const FIRST_USER_OBJECT: u32 = 117;
    let bytes = std::fs::read(fixture.path("data/DATA").join(format!("{name}.mdf"))).unwrap();
    let holds_rows = |page: &[u8]| {
        page[1] == 1 && u32::from_le_bytes([page[24], page[25], page[26], page[27]]) >= FIRST_USER_OBJECT
    };
    (0..)
        .zip(bytes.chunks_exact(8192))
        .filter(|(_, page)| holds_rows(page))
        .map(|(number, _)| number)
        .collect()
}

const CHECK: &str = "DBCC CHECKDB ([MCDados_restaurado]) WITH TABLERESULTS, NO_INFOMSGS, ALL_ERRORMSGS";

#[tokio::test]
async fn what_is_restored_beside_is_what_was_dumped_and_not_what_is_there_now() {
    let fixture = server();
    let mut client = client(&fixture).await;
    let customer = "INSERT INTO MCDados.dbo.CLIENTES VALUES (900001, N'João d''Ávila €', '12345678909', NULL, N'Rua 1', NULL, \
                    N'São Paulo', 'SP', '01000000', '1980-02-29')";
    run(&mut client, customer).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    let mut before = Vec::new();
    for table in TABLES {
        before.push(contents(&mut client, "MCDados", table).await);
    }
    run(&mut client, "DELETE FROM MCDados.dbo.VENDAS").await;
    run(&mut client, "UPDATE MCDados.dbo.CLIENTES SET NM_CLIENTE = N'mudou'").await;

    run(&mut client, &fixture.restore("a.bak", "MCDados_restaurado")).await;
    for (table, before) in TABLES.into_iter().zip(&before) {
        assert!(before.len() > 5, "{table}");
        assert!(contents(&mut client, "MCDados_restaurado", table).await == *before, "{table}");
    }
    assert_eq!(contents(&mut client, "MCDados", "VENDAS").await.len(), 0, "nothing live was touched");
    assert!(rows(&mut client, CHECK).await.is_empty());

    let files = "SELECT physical_name, CAST(size AS bigint) * 8192 AS bytes FROM sys.master_files WHERE database_id = \
                 DB_ID(N'MCDados_restaurado') ORDER BY file_id";
    let files = rows(&mut client, files).await;
    assert_eq!(files.len(), 2);
    for file in files {
        let (path, bytes) = (file.get::<&str, _>(0).unwrap(), file.get::<i64, _>(1).unwrap());
        assert_eq!(std::fs::metadata(path).unwrap().len(), bytes as u64, "{path}");
    }
    let history = "SELECT destination_database_name FROM msdb.dbo.restorehistory AS r JOIN msdb.dbo.backupset AS b \
                   ON b.backup_set_id = r.backup_set_id WHERE b.database_name = N'MCDados'";
    assert_eq!(text(&mut client, history).await.as_deref(), Some("MCDados_restaurado"));

    let data = fixture.path("data/DATA/MCDados_restaurado.mdf");
    run(&mut client, "DROP DATABASE [MCDados_restaurado]").await;
    assert!(!data.exists(), "its files went with it");
    assert_eq!(fails(&mut client, "DROP DATABASE [MCDados_restaurado]").await, 3701);
    run(&mut client, "DROP DATABASE IF EXISTS [MCDados_restaurado]").await;
}

#[tokio::test]
async fn a_restored_database_is_backed_up_and_restored_again() {
    let fixture = server();
    let mut client = client(&fixture).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    run(&mut client, &fixture.restore("a.bak", "Um")).await;
    run(&mut client, "UPDATE Um.dbo.CLIENTES SET NM_CLIENTE = N'outra vez' WHERE ID_CLIENTE = 1").await;
    let backup = fixture.backup("b.bak").replace("[MCDados]", "[Um]");
    run(&mut client, &backup).await;
    run(&mut client, &fixture.restore("b.bak", "Dois")).await;
    for table in TABLES {
        assert!(
            contents(&mut client, "Dois", table).await == contents(&mut client, "Um", table).await,
            "{table}"
        );
    }
}

#[tokio::test]
async fn what_forbids_a_restore_has_the_servers_number() {
    let fixture = server_with(|options| {
        options.database(DatabaseOptions::rows("MCDados", 3000)).database(DatabaseOptions::empty("Outro"))
    });
    let mut client = client(&fixture).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    let good = fixture.restore("a.bak", "Novo");
    for (from, to, number) in [
        ("a.bak", "nada.bak", 3201),
        ("N'MCDados_log'", "N'MCDados_log2'", 3234),
        ("Novo.mdf", "nenhuma/Novo.mdf", 5133),
        ("Novo_log.ldf", "Novo.mdf", 3176),
        ("Novo.mdf", "MCDados.mdf", 1834),
        ("[Novo]", "[Outro]", 3154),
        ("CHECKSUM", "CHECKSUM, FILE = 2", 4038),
        ("CHECKSUM", "TEMPO", 155),
        ("[Novo]", "tempdb", 3147),
    ] {
        assert_eq!(fails(&mut client, &good.replacen(from, to, 1)).await, number, "{to}");
    }
    run(&mut client, "BEGIN TRANSACTION").await;
    assert_eq!(fails(&mut client, &good).await, 3021);
    run(&mut client, "ROLLBACK").await;
    std::fs::write(fixture.path("data/DATA/Novo.mdf"), b"de outro programa").unwrap();
    assert_eq!(fails(&mut client, &good).await, 3634);
    std::fs::remove_file(fixture.path("data/DATA/Novo.mdf")).unwrap();
    let none = "SELECT name FROM sys.databases WHERE name = N'Novo'";
    assert!(rows(&mut client, none).await.is_empty(), "nothing was left by what was refused");

    fixture.server.set_login(Login::new("caixa", "x"));
    let mut cashier = connect(config_of(&fixture.server, "caixa", "x")).await.unwrap();
    assert_eq!(fails(&mut cashier, &good).await, 262);
    assert_eq!(fails(&mut cashier, &good.replace("[Novo]", "[Outro]")).await, 3110);
    assert_eq!(fails(&mut cashier, "DBCC CHECKDB (N'Outro') WITH NO_INFOMSGS").await, 916);
    fixture.server.set_user("Outro", "caixa", &["db_datareader"], &[]).unwrap();
    assert_eq!(fails(&mut cashier, "DBCC CHECKDB (N'Outro') WITH NO_INFOMSGS").await, 7983);
    run(&mut client, "ALTER SERVER ROLE dbcreator ADD MEMBER caixa").await;
    run(&mut cashier, &good).await;
    assert_eq!(
        text(&mut client, "SELECT SUSER_SNAME(owner_sid) FROM sys.databases WHERE name = N'Novo'")
            .await
            .as_deref(),
        Some("caixa")
    );
}

#[tokio::test]
async fn a_newer_servers_backup_a_stripe_and_a_damaged_one_are_refused() {
    let newer = server();
    run(&mut client(&newer).await, &newer.backup("a.bak")).await;
    let identity = Identity { version: (15, 0, 2000), ..Identity::default() };
    let fixture = server_with(|options| {
        let mut options = options.database(DatabaseOptions::rows("MCDados", 3000));
        options.identity = identity;
        options
    });
    let mut client = client(&fixture).await;
    std::fs::copy(newer.path("a.bak"), fixture.path("a.bak")).unwrap();
    assert_eq!(fails(&mut client, &fixture.restore("a.bak", "Novo")).await, 3169);

    fixture.server.inject("backup:stripe=1/2,1".parse().unwrap());
    run(&mut client, &fixture.backup("c.bak")).await;
    assert_eq!(fails(&mut client, &fixture.restore("c.bak", "Novo")).await, 3132);

    run(&mut client, &fixture.backup("b.bak")).await;
    let dumped = std::fs::read(fixture.path("b.bak")).unwrap();
    run(&mut client, &fixture.restore("b.bak", "Um")).await;
    let page = pages_of_rows(&fixture, "Um")[3];
    damage::flip_bit(fixture.path("b.bak"), Place::Page(page), 5000).unwrap();
    assert_eq!(fails(&mut client, &fixture.restore("b.bak", "Novo")).await, 3183);
    let state = "SELECT state_desc FROM sys.databases WHERE name = N'Novo'";
    assert_eq!(text(&mut client, state).await.as_deref(), Some("RESTORING"));
    assert_eq!(fails(&mut client, "USE Novo").await, 927);
    assert_eq!(fails(&mut client, "ALTER DATABASE Novo SET MULTI_USER").await, 5052);
    assert_eq!(fails(&mut client, "RESTORE DATABASE Novo WITH RECOVERY").await, 4333);
    run(&mut client, "DROP DATABASE Novo").await;

    std::fs::write(fixture.path("b.bak"), &dumped[..dumped.len() / 2]).unwrap();
    assert_eq!(fails(&mut client, &fixture.restore("b.bak", "Novo")).await, 3203);
    run(&mut client, "DROP DATABASE Novo").await;
    std::fs::write(
        fixture.path("b.bak"),
        b"nada que preste, mas com mais de cinquenta e dois bytes de texto",
    )
    .unwrap();
    assert_eq!(fails(&mut client, &fixture.restore("b.bak", "Novo")).await, 3241);
}

#[tokio::test]
async fn bad_pages_that_were_taken_over_are_found_by_the_check_and_met_by_whoever_reads() {
    let fixture = server();
    let mut client = client(&fixture).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    run(&mut client, &fixture.restore("a.bak", "Um")).await;
    let page = pages_of_rows(&fixture, "Um")[3];
    damage::flip_bit(fixture.path("a.bak"), Place::Page(page), 5000).unwrap();
    let restore =
        fixture.restore("a.bak", "MCDados_restaurado").replace("CHECKSUM", "CHECKSUM, CONTINUE_AFTER_ERROR");
    run(&mut client, &restore).await;
    let found = rows(&mut client, CHECK).await;
    let errors: Vec<i32> = found.iter().filter_map(|row| row.get("Error")).collect();
    assert_eq!(errors, [8928, 8939, 8990, 8989, 8958]);
    assert_eq!(
        (found[0].get::<i32, _>("Level"), found[0].get::<i32, _>("Page")),
        (Some(16), i32::try_from(page).ok())
    );
    let message = found[2].get::<&str, _>("MessageText").unwrap();
    let table = message.split('\'').nth(1).unwrap();
    assert_eq!(fails(&mut client, &format!("SELECT * FROM MCDados_restaurado.dbo.[{table}]")).await, 824);
}

#[tokio::test]
async fn a_bad_page_on_the_disk_is_found_by_the_check() {
    let fixture = server();
    let mut client = client(&fixture).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    run(&mut client, &fixture.restore("a.bak", "MCDados_restaurado")).await;
    let data = fixture.path("data/DATA/MCDados_restaurado.mdf");
    let mut bytes = std::fs::read(&data).unwrap();
    let pages = pages_of_rows(&fixture, "MCDados_restaurado");
    let (flipped, lost) = (pages[2] as usize, pages[5] as usize);
    bytes[flipped * 8192 + 300] ^= 1;
    bytes[lost * 8192..(lost + 1) * 8192].fill(0);
    std::fs::write(&data, bytes).unwrap();
    let found = rows(&mut client, CHECK).await;
    let found: Vec<i32> =
        found.iter().filter(|row| row.get("Error") == Some(8928)).filter_map(|row| row.get("Page")).collect();
    assert_eq!(found, [flipped as i32, lost as i32]);
    fixture.server.set_damage("MCDados", Damage::SomePage).unwrap();
    assert_eq!(fails(&mut client, "DBCC CHECKDB (MCDados) WITH NO_INFOMSGS").await, 8928);
}

#[tokio::test]
async fn a_killed_restore_leaves_a_database_that_is_restoring_and_can_be_dropped() {
    let fixture = server();
    let mut watching = client(&fixture).await;
    run(&mut watching, &fixture.backup("a.bak")).await;
    fixture.server.inject(Fault::at(StatementKind::Restore, Action::Stall { percent: 40.0 }).once());
    let mut running = client(&fixture).await;
    let sql = fixture.restore("a.bak", "Novo");
    let restore = tokio::spawn(async move { outcome(&mut running, &sql).await });
    fixture.server.restore_reached(40.0).await;
    let requests =
        "SELECT session_id, percent_complete FROM sys.dm_exec_requests WHERE command = N'RESTORE DATABASE'";
    let row = watching.simple_query(requests).await.unwrap().into_row().await.unwrap().unwrap();
    assert!(row.get::<f32, _>(1).unwrap() >= 40.0);
    assert_eq!(fails(&mut watching, "DROP DATABASE Novo").await, 3702);
    assert_eq!(fails(&mut watching, &fixture.restore("a.bak", "Novo")).await, 3101);
    let spid: i16 = row.get(0).unwrap();
    run(&mut watching, &format!("KILL {spid}")).await;
    assert_eq!(server_error(&restore.await.unwrap().unwrap_err()), (596, 21, 1));
    let state = "SELECT state_desc FROM sys.databases WHERE name = N'Novo'";
    assert_eq!(text(&mut watching, state).await.as_deref(), Some("RESTORING"));
    run(&mut watching, "DROP DATABASE Novo").await;

    fixture.server.inject(Fault::at(StatementKind::Restore, Action::Drop { percent: 50.0 }).once());
    let mut dropped = client(&fixture).await;
    let cut = outcome(&mut dropped, &fixture.restore("a.bak", "Novo")).await;
    assert!(matches!(cut, Err(tiberius::error::Error::Io { .. })), "{cut:?}");
    fixture.server.inject(Fault::at(StatementKind::Restore, Action::DiskFull { bytes: 1 << 20 }).once());
    let full = outcome(&mut watching, &fixture.restore("a.bak", "Novo")).await;
    let Err(tiberius::error::Error::Server(error)) = full else { panic!("{full:?}") };
    assert_eq!(error.code(), 5149);
    assert!(error.message().contains("112(There is not enough space on the disk.)"), "{}", error.message());
    run(&mut watching, &fixture.restore("a.bak", "Novo")).await;
}
