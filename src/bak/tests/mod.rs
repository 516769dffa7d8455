//! The checker over whole small files: what is damaged, what is left to the server, and that it never falls over.

mod hostile;
mod made;
mod verdicts;

use super::*;
use made::Tape;

fn check(file: &[u8]) -> Examination {
    check_in_pieces(file, &[])
}

/// Feeds the file in pieces of the given lengths, over and over; in one piece if there are none.
fn check_in_pieces(file: &[u8], lengths: &[usize]) -> Examination {
    let mut checker = Checker::new();
    let mut lengths = lengths.iter().copied().filter(|length| *length > 0).cycle();
    let mut rest = file;
    while !rest.is_empty() {
        let (piece, others) = rest.split_at(lengths.next().unwrap_or(rest.len()).min(rest.len()));
        checker.feed(piece);
        rest = others;
    }
    checker.finish()
}

fn kinds(examination: &Examination) -> Vec<FindingKind> {
    examination.findings.iter().map(|finding| finding.kind).collect()
}

/// The kinds of what is found in the file that the tape makes.
fn found(tape: &Tape) -> Vec<FindingKind> {
    kinds(&check(&tape.bytes()))
}
