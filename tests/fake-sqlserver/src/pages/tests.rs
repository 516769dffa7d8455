//! Rows that were dumped are the rows that come back.

use super::*;
use crate::mtf::{DumpRequest, PageSource, damage, verify, write_backup};
use chrono::NaiveDate;
use rusqlite::{Connection, types::Value};
use std::ops::ControlFlow;
use std::path::Path;

fn dump(pages: &mut dyn PageSource, path: &Path) -> u64 {
    let noon = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_hms_opt(12, 0, 0).unwrap();
    let request = DumpRequest::new("MCDados", noon);
    let mut file = std::fs::File::create(path).unwrap();
    write_backup(&mut file, &request, pages, &mut |_, _| ControlFlow::Continue(())).unwrap().pages
}

fn shop(path: &Path, rows: i64) -> Connection {
    let connection = Connection::open(path).unwrap();
    let script = "PRAGMA journal_mode = WAL;
        CREATE TABLE PRODUTOS (ID_PRODUTO INT PRIMARY KEY, DS_PRODUTO VARCHAR(60), VL_PRECO DECIMAL(10,2), FL_ATIVO BIT);
        CREATE TABLE VAZIA (A INT, B NVARCHAR(20));
        CREATE TABLE VENDAS (ID_VENDA BIGINT, DT_VENDA DATETIME2(0), NM_CLIENTE NVARCHAR(80), FOTO VARBINARY(50), X);
        CREATE INDEX IX_VENDAS ON VENDAS (DT_VENDA);
        CREATE VIEW CAROS AS SELECT * FROM PRODUTOS WHERE VL_PRECO > 100;";
    connection.execute_batch(script).unwrap();
    let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) ";
    let products =
        format!("{fill} INSERT INTO PRODUTOS SELECT i, 'Remédio nº ' || i, i * 1.5, i % 3 = 0 FROM n");
    connection.execute(&products, [rows]).unwrap();
    let sales = format!(
        "{fill} INSERT INTO VENDAS SELECT i * 10000000000, datetime(1700000000 + i, 'unixepoch'), \
         CASE i % 5 WHEN 0 THEN NULL ELSE 'João ' || hex(randomblob(i % 30)) END, randomblob(i % 50), \
         CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i / 7.0 WHEN 2 THEN 'texto ' || i ELSE NULL END FROM n"
    );
    connection.execute(&sales, [rows]).unwrap();
    connection
}

fn rows_of(connection: &Connection, table: &Table) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {} ORDER BY rowid", table.name)).unwrap();
    let columns = table.columns.len();
    let rows = statement.query_map([], |row| (0..columns).map(|index| row.get(index)).collect()).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn rows_that_were_dumped_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let connection = shop(&folder.path().join("shop.sqlite"), 20_000);
    for page_verify in [PageVerify::Checksum, PageVerify::TornPage, PageVerify::None] {
        let database = Database { page_verify, ..Database::new("MCDados") };
        let reader = Connection::open(folder.path().join("shop.sqlite")).unwrap();
        let path = folder.path().join("MCDados.bak");
        dump(&mut Builder::new(&database, reader).unwrap(), &path);
        verify(&path, true).unwrap();
        let recovered = read_rows(&path).unwrap();
        let names: Vec<_> = recovered.definitions.iter().map(|definition| definition.name.as_str()).collect();
        assert_eq!(names, ["PRODUTOS", "VAZIA", "VENDAS", "IX_VENDAS", "CAROS"]);
        assert!(recovered.definitions[4].sql.starts_with("CREATE VIEW CAROS"));
        assert_eq!(recovered.tables.len(), 3);
        for table in &recovered.tables {
            assert!(
                table.rows == rows_of(&connection, &table.table),
                "{} with {page_verify:?}",
                table.table.name
            );
        }
    }
}

#[test]
fn a_dump_holds_one_moment_though_rows_change_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let connection = shop(&folder.path().join("shop.sqlite"), 5_000);
    let reader = Connection::open(folder.path().join("shop.sqlite")).unwrap();
    let mut builder = Builder::new(&Database::new("MCDados"), reader).unwrap();
    let noon = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_hms_opt(12, 0, 0).unwrap();
    let path = folder.path().join("MCDados.bak");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut change = |_, _| {
        connection.execute("DELETE FROM PRODUTOS WHERE ID_PRODUTO % 7 = 3", []).unwrap();
        connection
            .execute("UPDATE VENDAS SET NM_CLIENTE = NM_CLIENTE || ' e filhos' WHERE rowid % 50 = 1", [])
            .unwrap();
        ControlFlow::Continue(())
    };
    write_backup(&mut file, &DumpRequest::new("MCDados", noon), &mut builder, &mut change).unwrap();
    let recovered = read_rows(&path).unwrap();
    assert_eq!(recovered.tables[0].rows.len(), 5_000);
    let changed = |row: &Vec<Value>| matches!(&row[2], Value::Text(name) if name.ends_with("filhos"));
    assert!(!recovered.tables[2].rows.iter().any(changed));
}

#[test]
fn an_empty_database_is_a_backup_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("MCDados.bak");
    let mut builder = Builder::new(&Database::new("MCDados"), Connection::open_in_memory().unwrap()).unwrap();
    assert_eq!(dump(&mut builder, &path), 16);
    verify(&path, true).unwrap();
    assert_eq!(read_rows(&path).unwrap(), Recovered { definitions: vec![], tables: vec![] });
}

#[test]
fn values_that_the_types_cannot_hold_stop_the_backup_with_the_table_s_name() {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE T (A INT); INSERT INTO T VALUES ('doze');").unwrap();
    let fault = Builder::new(&Database::new("MCDados"), connection).err().unwrap();
    assert_eq!(fault.to_string(), "table T: the value of column 0 does not fit its type");
}

#[test]
fn synthetic_rows_come_back_and_are_the_same_for_the_same_seed() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("1.bak"), folder.path().join("2.bak"));
    for path in [&first, &second] {
        dump(&mut Synthetic::new(&Database::new("MCDados"), 2, 99).unwrap(), path);
    }
    let recovered = read_rows(&first).unwrap();
    assert_eq!(recovered, read_rows(&second).unwrap());
    let rows = &recovered.tables[0].rows;
    assert!(rows.len() > 20_000, "{} rows", rows.len());
    assert_eq!(rows[0][0], Value::Integer(1));
    assert_eq!(rows[rows.len() - 1][0], Value::Integer(rows.len() as i64));
}

#[test]
fn beyond_a_pfs_interval_every_extent_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("MCDados.bak");
    let pages = dump(&mut Synthetic::new(&Database::new("MCDados"), 150, 1).unwrap(), &path);
    assert!(pages > 2 * 8088);
    verify(&path, true).unwrap();
    let mut rows = 0;
    read_each(&path, &mut |_, _| rows += 1).unwrap();
    assert!(rows > 1_500_000);
    let beyond = 8088 * 2 + 100;
    damage::flip_bit(&path, damage::Place::Page(beyond), 5000).unwrap();
    assert_eq!(verify(&path, true).unwrap_err().number(), 3183);
}

#[test]
fn beyond_a_gam_interval_the_maps_go_on() {
    let mut pages = Synthetic::new(&Database::new("MCDados"), 4_100, 1).unwrap();
    let mut extent = Box::new([0; EXTENT_BYTES]);
    let mut track = track::Track::default();
    let mut seen: Vec<(u8, u32)> = Vec::new();
    while let Some(id) = pages.next_extent(&mut extent).unwrap() {
        for (number, page) in (id.first_page..).zip(extent.as_chunks_mut::<PAGE_BYTES>().0) {
            let place = track.next(page);
            assert_eq!(place.number, number);
            if place.used && page[1] != 1 {
                seen.push((page[1], number));
            }
        }
    }
    assert!(track.is_whole());
    let of_kind = |kind: u8| {
        seen.iter().filter(|(found, _)| *found == kind).map(|(_, number)| *number).collect::<Vec<_>>()
    };
    assert_eq!(of_kind(8), [2, 511_232], "GAM");
    assert_eq!(of_kind(9), [3, 511_233], "SGAM");
    assert_eq!(of_kind(16), [6, 511_238], "changed extents");
    assert_eq!(of_kind(10).len(), 2, "an index allocation map for each interval");
    let free_space = of_kind(11);
    assert_eq!((free_space[0], free_space[1], free_space[63]), (1, 8_088, 63 * 8_088));
}
