//! How many rows the tables hold, counted before and after the dump, so that whoever restores it can tell whether they are all there. The
//! server keeps these numbers, and gives them at once; where it does not, the backup is made all the same and tells of none.

use super::run::Run;
use crate::archive::TableRows;
use crate::sqlserver::TableCount;
use std::collections::BTreeMap;

/// More tables than these are not told of, the smallest first: the manifest stays small.
const MOST_TABLES: usize = 2_000;

/// The rows of each table now; empty where the server does not tell.
pub(super) async fn count(run: &Run<'_>) -> Vec<TableCount> {
    let Ok(database) = run.world.database() else { return Vec::new() };
    run.world.server.kept_row_counts(database.as_str(), &run.cancel).await.unwrap_or_else(|problem| {
        tracing::info!(%problem, "the rows are not counted for this backup");
        Vec::new()
    })
}

/// What lies between two counts. A table that came or went meanwhile is left out.
pub(super) fn around(before: Vec<TableCount>, after: Vec<TableCount>) -> Vec<TableRows> {
    let after: BTreeMap<String, u64> = after.into_iter().map(|count| (count.table, count.rows)).collect();
    let both = before.into_iter().filter_map(|TableCount { table, rows }| {
        let then = *after.get(&table)?;
        Some(TableRows { table, least: rows.min(then), most: rows.max(then) })
    });
    let mut tables: Vec<_> = both.collect();
    tables.sort_by(|one, other| other.most.cmp(&one.most).then_with(|| one.table.cmp(&other.table)));
    tables.truncate(MOST_TABLES);
    tables.sort_by(|one, other| one.table.cmp(&other.table));
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(counts: &[(&str, u64)]) -> Vec<TableCount> {
        counts.iter().map(|(table, rows)| TableCount { table: (*table).to_owned(), rows: *rows }).collect()
    }

    #[test]
    fn a_dump_lies_between_what_was_counted_before_and_after_it() {
        let told =
            around(counts(&[("b", 5), ("a", 9), ("gone", 1)]), counts(&[("a", 7), ("b", 6), ("new", 3)]));
        let told: Vec<_> = told.iter().map(|rows| (rows.table.as_str(), rows.least, rows.most)).collect();
        assert_eq!(told, [("a", 7, 9), ("b", 5, 6)]);
        assert!(around(counts(&[("a", 1)]), Vec::new()).is_empty(), "one count is none");
    }

    #[test]
    fn of_very_many_tables_the_largest_are_told() {
        let many: Vec<_> =
            (0..2_500_u64).map(|rows| TableCount { table: format!("t{rows:04}"), rows }).collect();
        let told = around(many.clone(), many);
        assert_eq!((told.len(), told[0].least), (MOST_TABLES, 500));
    }
}
