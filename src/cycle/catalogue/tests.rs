//! The declared checks are complete and in order.

use super::*;
use std::collections::HashSet;

fn everything() -> impl Iterator<Item = &'static Check> {
    CATALOGUE.iter().chain([&PROGRAM])
}

#[test]
fn every_problem_belongs_to_exactly_one_check() {
    for code in Code::ALL {
        let owners: Vec<_> = everything().filter(|check| check.codes.contains(code)).collect();
        assert_eq!(owners.len(), 1, "{code}: {owners:?}");
        assert_eq!(Check::for_code(*code).id, owners[0].id);
    }
}

#[test]
fn names_are_unique_and_causes_come_first() {
    let mut before = HashSet::new();
    for check in everything() {
        assert_eq!(Check::of(check.id).name, check.name);
        for cause in check.depends_on {
            assert!(before.contains(cause), "{} is explained by {cause:?}, which comes later", check.name);
        }
        assert!(before.insert(check.id), "{} twice", check.name);
    }
    assert_eq!(everything().map(|check| check.name).collect::<HashSet<_>>().len(), before.len());
}

#[test]
fn what_loses_protection_is_an_alert_and_a_missing_second_copy_is_not() {
    for code in [Code::SqlLogin, Code::DatabaseDamaged, Code::SpaceForeseen, Code::BackupTooOld] {
        assert_eq!(Check::for_code(code).severity, Severity::Alert, "{code}");
    }
    for code in [Code::TerminalMissing, Code::LocalOnly, Code::TerminalPending, Code::Journal] {
        assert_eq!(Check::for_code(code).severity, Severity::Warning, "{code}");
    }
}
