//! What is written is what real files look like.

use super::*;
use crate::pages::{Database, Synthetic};
use chrono::{NaiveDate, NaiveDateTime};
use std::ops::ControlFlow;

fn noon() -> NaiveDateTime {
    NaiveDate::from_ymd_opt(2026, 3, 9).unwrap().and_hms_opt(12, 0, 0).unwrap()
}

#[test]
fn synthetic_pages_become_a_file() {
    let mut pages = Synthetic::new(&Database::new("MCDados"), 1, 7).unwrap();
    let mut file = Vec::new();
    let request = DumpRequest::new("MCDados", noon());
    let mut seen = Vec::new();
    let mut progress = |done, total| {
        seen.push((done, total));
        ControlFlow::Continue(())
    };
    let written = write_backup(&mut file, &request, &mut pages, &mut progress).unwrap();
    assert_eq!(written.bytes, file.len() as u64);
    assert_eq!(written.pages, 144);
    assert_eq!(seen.first(), Some(&(8, 144)));
    assert_eq!(seen.last(), Some(&(144, 144)));
}

#[test]
fn a_backup_that_is_stopped_says_so() {
    let mut pages = Synthetic::new(&Database::new("MCDados"), 1, 7).unwrap();
    let request = DumpRequest::new("MCDados", noon());
    let error =
        write_backup(&mut Vec::new(), &request, &mut pages, &mut |_, _| ControlFlow::Break(())).unwrap_err();
    assert!(was_stopped(&error));
}
