//! The deep check: every byte of a backup that stands, read again. A disk forgets without saying so, and a slot that nobody reads
//! is a hope.
//!
//! ```text
//! places ─▶ due ─▶ read (zip · hashes · structure · every page) ─▶ mark ─▶ mend from the other side
//! ```
//!
//! [`verify()`] reads what a person names; [`verify_due`] reads the one file whose turn it is, for the agent's idle time. A damaged
//! file is marked in the journal, shown, and replaced by its twin of the other side where that one proves whole; what cannot be
//! mended stays where it is, for whoever may still save something from it.

mod file;
mod mend;
mod places;
mod turn;
mod work;

pub use file::{FileCheck, check_file};
pub use turn::READ_EVERY;
pub use work::{Place, Read, Report, Selection, Sides, Told, damaged, verify, verify_due};

use crate::journal::CheckedFile;
use crate::problem::{Code, Problem};
use crate::words;

/// The problem that damaged files are together, for the status; `None` where there are none.
pub fn problem_of(damaged: &[CheckedFile], shown: impl Fn(&CheckedFile) -> String) -> Option<Problem> {
    /// More than these are counted, not named.
    const NAMED: usize = 4;
    if damaged.is_empty() {
        return None;
    }
    let mut names: Vec<_> = damaged.iter().take(NAMED).map(shown).collect();
    if damaged.len() > NAMED {
        names.push(format!("… ({})", damaged.len()));
    }
    let names = names.join(", ");
    Some(Problem::new(
        Code::SlotDamaged,
        words!(
            "A conferência completa encontrou backups danificados: {names}.",
            "The deep check found damaged backups: {names}."
        ),
        words!(
            "Não restaure a partir deles: use outra hora ou outro dia. Faça um backup agora e mande verificar o disco onde eles estão.",
            "Do not restore from them: use another hour or another day. Make a backup now, and have the disk checked on which they stand."
        ),
    ))
}
