//! Whether a restored database holds the rows that were backed up. Pure.
//!
//! The run that makes a backup counts the rows of each table before and after its dump, as the server keeps these numbers; between
//! the two lies what the dump holds, as far as a table only grew or shrank meanwhile. One that is emptied and filled again during
//! the dump may lie outside, so that a few rows are no reason to call a backup bad.

use crate::archive::TableRows;
use crate::problem::{Code, Problem};
use crate::sqlserver::TableCount;
use crate::words;

/// Rows by which a table may lie outside of what was counted…
const FEW: u64 = 100;
/// … and which part of its rows, where that is more.
const PART: u64 = 100;
/// More tables than these are counted, not named.
const NAMED: usize = 5;

/// How many tables were compared, and what is wrong with the rows of `found` where `told` stands in the backup; `None` where it
/// tells of no table.
pub(super) fn compare(told: &[TableRows], found: &[TableCount]) -> Option<(usize, Option<Problem>)> {
    if told.is_empty() {
        return None;
    }
    let differing: Vec<String> = told.iter().filter_map(|table| difference(table, found)).collect();
    Some((told.len(), (!differing.is_empty()).then(|| problem(&differing))))
}

fn difference(told: &TableRows, found: &[TableCount]) -> Option<String> {
    let TableRows { table, least, most } = told;
    let slack = FEW.max(most / PART);
    let expected = if least == most { least.to_string() } else { format!("{least}–{most}") };
    match found.iter().find(|count| count.table == *table) {
        None => Some(format!("{table}: – / {expected}")),
        Some(count)
            if count.rows.saturating_add(slack) < *least || count.rows > most.saturating_add(slack) =>
        {
            Some(format!("{table}: {} / {expected}", count.rows))
        }
        Some(_) => None,
    }
}

fn problem(differing: &[String]) -> Problem {
    let count = differing.len();
    let named: Vec<_> = differing.iter().take(NAMED).map(String::as_str).collect();
    let more = if count > NAMED { "; …" } else { "" };
    let named = named.join("; ");
    Problem::new(
        Code::RestoreRows,
        words!(
            "O banco restaurado não tem os registros que foram contados no backup, em {count} tabela(s) (restaurados / no backup): {named}{more}.",
            "The restored database does not hold the rows that were counted for the backup, in {count} table(s) (restored / in the backup): {named}{more}."
        ),
        words!(
            "Faça um backup agora e peça outro teste («dmbackupctl restore --test»). Se a diferença continuar, chame o suporte.",
            "Make a backup now and ask for another test (“dmbackupctl restore --test”). If the difference stays, call support."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(table: &str, least: u64, most: u64) -> TableRows {
        TableRows { table: table.to_owned(), least, most }
    }

    fn found(table: &str, rows: u64) -> TableCount {
        TableCount { table: table.to_owned(), rows }
    }

    fn differs(told: TableRows, rows: u64) -> bool {
        let count = found(&told.table, rows);
        compare(&[told], &[count]).expect("it tells").1.is_some()
    }

    #[test]
    fn a_backup_that_tells_nothing_is_compared_with_nothing() {
        assert_eq!(compare(&[], &[found("dbo.x", 1)]), None);
    }

    #[test]
    fn what_changed_during_the_dump_lies_between_both_counts() {
        assert!(!differs(told("dbo.VENDAS", 1_000, 1_200), 1_000));
        assert!(!differs(told("dbo.VENDAS", 1_000, 1_200), 1_200));
        assert!(!differs(told("dbo.FILA", 40, 40), 0), "a queue was emptied meanwhile");
    }

    #[test]
    fn lost_and_foreign_rows_are_told_with_their_table() {
        assert!(differs(told("dbo.VENDAS", 1_000, 1_000), 0));
        assert!(differs(told("dbo.VENDAS", 1_000, 1_000), 1_101));
        assert!(!differs(told("dbo.ITENS", 1_000_000, 1_000_000), 990_001), "one in a hundred");
        let (compared, problem) =
            compare(&[told("dbo.VENDAS", 7, 7), told("dbo.y", 1, 1)], &[found("dbo.y", 1)])
                .expect("it tells");
        let problem = problem.expect("a table is gone");
        assert_eq!((compared, problem.code), (2, Code::RestoreRows));
        assert!(problem.sentence.pt.contains("dbo.VENDAS: – / 7"), "{problem}");
    }
}
