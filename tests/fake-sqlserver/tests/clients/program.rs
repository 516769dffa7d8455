//! The program, and databases that outlive it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fake_sqlserver::mtf;
use fake_sqlserver::options::{DatabaseOptions, Options};
use fake_sqlserver::pages::read_rows;
use fake_sqlserver::security::Login;
use fake_sqlserver::server::Server;

use crate::support::{Fixture, PASSWORD, Tiberius, client, connect, rows, run, server, server_with};

/// The program, which ends with this.
struct Program {
    child: Child,
    port: u16,
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    fn start(folder: &std::path::Path, arguments: &[&str]) -> Self {
        std::fs::write(folder.join("senha"), format!("{PASSWORD}\n")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_fake-sqlserver"))
            .arg("--password-file")
            .arg(folder.join("senha"))
            .arg("--data")
            .arg(folder.join("data"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        Self { child, port }
    }

    async fn client(&self) -> Tiberius {
        let mut config = tiberius::Config::new();
        config.host("127.0.0.1");
        config.port(self.port);
        config.authentication(tiberius::AuthMethod::sql_server("sa", PASSWORD));
        config.trust_cert();
        connect(config).await.unwrap()
    }
}

async fn number(client: &mut Tiberius, sql: &str) -> i32 {
    client.simple_query(sql).await.unwrap().into_row().await.unwrap().unwrap().get(0).unwrap()
}

#[tokio::test]
async fn the_program_serves_a_pharmacy_and_a_given_dump_byte_for_byte() {
    let fixture = server();
    run(&mut client(&fixture).await, &fixture.backup("dada.bak")).await;
    let folder = tempfile::tempdir().unwrap();
    let given = format!("Loja={}", fixture.path("dada.bak").display());
    let program =
        Program::start(folder.path(), &["--database", "MCDados", "--database", &given, "--rows", "500"]);
    let mut client = program.client().await;
    assert!(number(&mut client, "SELECT COUNT(*) FROM MCDados.dbo.PRODUTOS").await > 0);
    let path = folder.path().join("loja.bak");
    run(&mut client, &format!("BACKUP DATABASE Loja TO DISK = N'{}' WITH INIT, CHECKSUM", path.display()))
        .await;
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(fixture.path("dada.bak")).unwrap());
}

#[test]
fn the_program_refuses_what_it_cannot_start_with() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fake-sqlserver"))
        .args(["--password-file", "/nenhuma", "--database", "MCDados", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the password in /nenhuma"), "{output:?}");
}

#[tokio::test]
async fn rows_are_there_again_after_a_restart() {
    let fixture = server();
    let mut before = client(&fixture).await;
    run(&mut before, "DELETE FROM MCDados.dbo.VENDAS WHERE ID_VENDA > 3").await;
    drop(before);
    let folder = fixture.stop();
    let options = Options::new(folder.path().join("data"))
        .login(Login::sysadmin("sa", PASSWORD))
        .database(DatabaseOptions::rows("MCDados", 3000));
    let again = Fixture::over(Server::start(options).unwrap(), folder);
    let mut after = client(&again).await;
    assert_eq!(number(&mut after, "SELECT COUNT(*) FROM MCDados.dbo.VENDAS").await, 3);
}

#[tokio::test]
async fn databases_that_were_restored_renamed_and_dropped_are_so_after_a_restart() {
    let fixture = server();
    let mut before = client(&fixture).await;
    run(&mut before, &fixture.backup("a.bak")).await;
    for name in ["Um", "Dois", "Tres"] {
        run(&mut before, &fixture.restore("a.bak", name)).await;
    }
    run(&mut before, "DELETE FROM Um.dbo.VENDAS WHERE ID_VENDA > 7").await;
    run(&mut before, "ALTER DATABASE MCDados MODIFY NAME = Antes").await;
    run(&mut before, "ALTER DATABASE Um MODIFY NAME = MCDados").await;
    run(&mut before, "ALTER DATABASE Antes SET SINGLE_USER").await;
    run(&mut before, "DROP DATABASE Dois").await;
    fixture.server.inject("restore:drop@30,1".parse().unwrap());
    let cut = before.simple_query(fixture.restore("a.bak", "Quatro")).await;
    assert!(cut.is_err() || cut.unwrap().into_results().await.is_err());
    let folder = fixture.stop();

    let program = Program::start(folder.path(), &["--database", "MCDados", "--rows", "3000"]);
    let mut after = program.client().await;
    let databases = rows(
        &mut after,
        "SELECT name, user_access_desc, state_desc FROM sys.databases WHERE database_id > 4 ORDER BY name",
    )
    .await;
    let databases: Vec<(&str, &str, &str)> =
        databases.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap())).collect();
    let expected = [
        ("Antes", "SINGLE_USER", "ONLINE"),
        ("MCDados", "MULTI_USER", "ONLINE"),
        ("Quatro", "MULTI_USER", "RESTORING"),
        ("Tres", "MULTI_USER", "ONLINE"),
    ];
    assert_eq!(databases, expected);
    assert_eq!(number(&mut after, "SELECT COUNT(*) FROM MCDados.dbo.VENDAS").await, 7);
    assert!(number(&mut after, "SELECT COUNT(*) FROM Antes.dbo.VENDAS").await > 7);
    run(&mut after, "DROP DATABASE Quatro, Tres").await;
}

#[tokio::test]
async fn a_dump_that_is_made_while_rows_change_is_of_one_moment() {
    let fixture = server_with(|options| options.database(DatabaseOptions::rows("MCDados", 3000)));
    fixture.server.churn("MCDados", 5, Duration::from_millis(1)).unwrap();
    let mut client = client(&fixture).await;
    for _ in 0..5 {
        run(&mut client, &fixture.backup("a.bak")).await;
        mtf::verify(fixture.path("a.bak"), true).unwrap();
        let recovered = read_rows(fixture.path("a.bak")).unwrap();
        let ids = |table: &str| {
            let found = recovered.tables.iter().find(|found| found.table.name == table).unwrap();
            let mut ids: Vec<String> = found.rows.iter().map(|row| format!("{:?}", row[0])).collect();
            ids.sort();
            ids.dedup();
            ids
        };
        assert_eq!(
            ids("VENDAS"),
            ids("ITENS_VENDA"),
            "every sale has its items and no item is without a sale"
        );
    }
    let sold = number(&mut client, "SELECT COUNT(*) FROM MCDados.dbo.VENDAS").await;
    while number(&mut client, "SELECT COUNT(*) FROM MCDados.dbo.VENDAS").await == sold {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn pages_without_rows_are_made_while_they_are_read() {
    let fixture = server_with(|options| options.database(DatabaseOptions::pages_mib("MCDados", 20)));
    let mut client = client(&fixture).await;
    run(&mut client, &fixture.backup("a.bak")).await;
    assert!(std::fs::metadata(fixture.path("a.bak")).unwrap().len() > 20 << 20);
    mtf::verify(fixture.path("a.bak"), true).unwrap();
    let pages = "SELECT used_pages FROM (SELECT size, FILEPROPERTY(name, 'SpaceUsed') AS used_pages, type \
                 FROM MCDados.sys.database_files) AS f WHERE type = 0";
    run(&mut client, "USE MCDados").await;
    assert!(number(&mut client, pages).await > 20 * 128);
}
