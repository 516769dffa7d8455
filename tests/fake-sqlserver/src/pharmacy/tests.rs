//! The shop's books agree with each other, in the database and in its backup.

use super::*;
use crate::mtf::{DumpRequest, write_backup};
use crate::pages::{Builder, Database, Recovered, read_rows};
use chrono::NaiveDate;
use rusqlite::types::Value;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

fn noon() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

fn rows_of(connection: &Connection) -> u32 {
    ["PRODUTOS", "ESTOQUE", "CLIENTES", "VENDAS", "ITENS_VENDA"]
        .iter()
        .map(|table| {
            connection
                .query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get::<_, u32>(0))
                .unwrap()
        })
        .sum()
}

#[test]
fn a_shop_has_about_as_many_rows_as_asked_for() {
    for rows in [200, 5_000, 60_000] {
        let mut connection = Connection::open_in_memory().unwrap();
        create(&mut connection, rows, noon(), 1).unwrap();
        let found = rows_of(&connection);
        assert!(found.abs_diff(rows) < rows / 10, "{found} rows instead of {rows}");
    }
}

#[test]
fn the_same_seed_makes_the_same_shop() {
    let sum = |seed| {
        let mut connection = Connection::open_in_memory().unwrap();
        create(&mut connection, 3_000, noon(), seed).unwrap();
        Trade::new(seed).work(&mut connection, 40, noon()).unwrap();
        let query = "SELECT SUM(VL_TOTAL), (SELECT GROUP_CONCAT(NM_CLIENTE || NR_TELEFONE) FROM CLIENTES) FROM VENDAS";
        connection.query_row(query, [], |row| Ok((row.get::<_, f64>(0)?, row.get::<_, String>(1)?))).unwrap()
    };
    assert_eq!(sum(5), sum(5));
    assert_ne!(sum(5), sum(6));
}

#[test]
fn article_numbers_are_right_and_tax_numbers_are_nobody_s() {
    let mut connection = Connection::open_in_memory().unwrap();
    create(&mut connection, 2_000, noon(), 1).unwrap();
    let text = |query: &str| -> Vec<String> {
        connection
            .prepare(query)
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    };
    for code in text("SELECT CD_EAN FROM PRODUTOS") {
        let weighted = code.bytes().zip([1, 3].into_iter().cycle());
        let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        assert!(code.len() == 13 && sum.is_multiple_of(10), "{code}");
    }
    for number in text("SELECT NR_CPF FROM CLIENTES") {
        let digits: Vec<u32> = number.chars().map(|digit| digit.to_digit(10).unwrap()).collect();
        let sum: u32 = digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
        let check = if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
        assert_ne!(check, digits[9], "{number} could be somebody's");
    }
}

/// Sums of cents by sale: what the sale says, and what its items say.
fn books(recovered: &Recovered) -> BTreeMap<i64, (i64, i64)> {
    let cents = |value: &Value| match value {
        Value::Integer(whole) => whole * 100,
        Value::Real(amount) => (amount * 100.0).round() as i64,
        Value::Null | Value::Text(_) | Value::Blob(_) => unreachable!("no amount"),
    };
    let rows = |name: &str| &recovered.tables.iter().find(|table| table.table.name == name).unwrap().rows;
    let id = |value: &Value| if let Value::Integer(id) = value { *id } else { unreachable!("no id") };
    let mut books: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for sale in rows("VENDAS") {
        books.entry(id(&sale[0])).or_default().0 += cents(&sale[6]);
    }
    for item in rows("ITENS_VENDA") {
        books.entry(id(&item[0])).or_default().1 += cents(&item[5]);
    }
    books
}

#[test]
fn the_books_in_a_backup_agree_though_the_shop_sells_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = folder.path().join("MCDados.sqlite");
    let mut connection = Connection::open(&sqlite).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    create(&mut connection, 8_000, noon(), 1).unwrap();
    let mut builder = Builder::new(&Database::new("MCDados"), Connection::open(&sqlite).unwrap()).unwrap();
    let path = folder.path().join("MCDados.bak");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut trade = Trade::new(2);
    let mut sell = |_, _| {
        trade.work(&mut connection, 3, noon()).unwrap();
        ControlFlow::Continue(())
    };
    write_backup(&mut file, &DumpRequest::new("MCDados", noon()), &mut builder, &mut sell).unwrap();
    let books = books(&read_rows(&path).unwrap());
    assert!(books.len() > 1_000);
    assert!(books.values().all(|(sale, items)| sale == items));
    let now: u32 = connection.query_row("SELECT COUNT(*) FROM VENDAS", [], |row| row.get(0)).unwrap();
    assert!(now as usize > books.len(), "the shop sold nothing meanwhile");
}
