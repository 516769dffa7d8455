//! What the check of a dump may be called (pure): the reader of the format says what it saw, SQL Server arbitrates where the
//! reader is not sure, and [`Acceptance`] says what the run makes of it.

use crate::bak::{Examination, Verdict};
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::Words;

/// Whether SQL Server itself must be asked (`RESTORE VERIFYONLY … WITH CHECKSUM`) before the dump is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arbitration {
    /// The reader's word is enough.
    NotNeeded,
    /// SQL Server decides.
    Needed,
}

/// What a run makes of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// It may fill slots.
    Accepted {
        /// What the check said, for people and for the manifest.
        words: Words,
        /// Why the run is a Warning all the same.
        warning: Option<Problem>,
    },
    /// It fills nothing; every older file stays.
    Refused(Problem),
}

/// Whether `examination` can be judged without SQL Server. A file of another database, one stripe of several or something
/// that is no backup at all is refused by what stands in it, and no server's word changes that.
pub fn arbitration(examination: &Examination, database: &str) -> Arbitration {
    match (examination.verdict, refusal(examination, database)) {
        (Verdict::Good, _) => Arbitration::NotNeeded,
        (Verdict::Damaged | Verdict::NotUnderstood, Some(problem)) if is_final(problem.code) => {
            Arbitration::NotNeeded
        }
        (Verdict::Damaged | Verdict::NotUnderstood, _) => Arbitration::Needed,
    }
}

/// What the run makes of the dump.
///
/// `server_says` is the outcome of the arbitration: `None` where none was needed, `Some(Err)` also where SQL Server could
/// not be asked. `opaque_is_normal` tells that this server's dumps cannot be read by anybody else (TDE), so that the
/// server's word alone is no reason to warn every hour.
pub fn acceptance(
    examination: &Examination,
    database: &str,
    server_says: Option<&Result<(), Problem>>,
    opaque_is_normal: bool,
) -> Acceptance {
    let words = examination.sentence();
    let seen = refusal(examination, database);
    match (examination.verdict, server_says) {
        (Verdict::Good, _) => match seen {
            None => Acceptance::Accepted { words, warning: None },
            Some(problem) => Acceptance::Refused(problem),
        },
        (Verdict::Damaged | Verdict::NotUnderstood, None) => {
            Acceptance::Refused(seen.unwrap_or_else(|| inconclusive(&words)))
        }
        (Verdict::Damaged, Some(Err(server))) => Acceptance::Refused(seen.unwrap_or_else(|| server.clone())),
        (Verdict::NotUnderstood, Some(Err(server))) => Acceptance::Refused(server.clone()),
        (Verdict::NotUnderstood, Some(Ok(()))) if opaque_is_normal => {
            Acceptance::Accepted { words: accepted_by_server(&words), warning: None }
        }
        (Verdict::Damaged | Verdict::NotUnderstood, Some(Ok(()))) => Acceptance::Accepted {
            words: accepted_by_server(&words),
            warning: Some(seen.unwrap_or_else(|| inconclusive(&words))),
        },
    }
}

fn refusal(examination: &Examination, database: &str) -> Option<Problem> {
    examination.problem(Some(database))
}

fn is_final(code: Code) -> bool {
    matches!(code, Code::BackupOtherDatabase | Code::BackupStripe | Code::BackupNotABackup)
}

fn accepted_by_server(words: &Words) -> Words {
    let Words { pt, en } = words;
    words!(
        "{pt}; aceito pelo SQL Server (RESTORE VERIFYONLY)",
        "{en}; accepted by SQL Server (RESTORE VERIFYONLY)"
    )
}

fn inconclusive(words: &Words) -> Problem {
    let Words { pt, en } = words;
    Problem::new(
        Code::BackupNotUnderstood,
        words!(
            "A conferência do arquivo .bak não chegou a uma conclusão: {pt}.",
            "The check of the .bak file came to no conclusion: {en}.",
        ),
        words!(
            "O SQL Server decide se o arquivo serve; se isto se repetir, envie o diário ao suporte.",
            "SQL Server decides whether the file serves; if this happens again, send the journal to support.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bak::Checker;
    use chrono::NaiveDate;
    use fake_sqlserver::mtf::{DumpRequest, write_backup};
    use fake_sqlserver::pages::{Database, Synthetic};
    use std::ops::ControlFlow;

    fn dump() -> Vec<u8> {
        let started = NaiveDate::from_ymd_opt(2022, 6, 28).unwrap().and_hms_opt(14, 0, 0).unwrap();
        let mut pages = Synthetic::new(&Database::new("MCDados"), 1, 7).unwrap();
        let mut bytes = Vec::new();
        let request = DumpRequest::new("MCDados", started);
        write_backup(&mut bytes, &request, &mut pages, &mut |_, _| ControlFlow::Continue(())).unwrap();
        bytes
    }

    fn examine(bytes: &[u8]) -> Examination {
        let mut checker = Checker::new();
        checker.feed(bytes);
        checker.finish()
    }

    fn damaged() -> Examination {
        let mut bytes = dump();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0xA5);
        let examination = examine(&bytes);
        assert_eq!(examination.verdict, Verdict::Damaged);
        examination
    }

    fn refusal_of_the_server() -> Problem {
        Problem::new(Code::SqlConnectionLost, Words::same("caiu"), Words::same(""))
    }

    #[test]
    fn a_good_dump_is_accepted_without_asking_the_server() {
        let good = examine(&dump());
        assert_eq!(arbitration(&good, "MCDados"), Arbitration::NotNeeded);
        let Acceptance::Accepted { words, warning } = acceptance(&good, "MCDados", None, false) else {
            panic!("{good:?}")
        };
        assert_eq!(warning, None);
        assert!(words.pt.starts_with("nenhum erro encontrado"), "{}", words.pt);
    }

    #[test]
    fn a_dump_of_another_database_is_refused_whatever_the_server_says() {
        let good = examine(&dump());
        for server in [None, Some(&Ok(()))] {
            let Acceptance::Refused(problem) = acceptance(&good, "Vendas", server, false) else { panic!() };
            assert_eq!(problem.code, Code::BackupOtherDatabase);
        }
    }

    #[test]
    fn a_damaged_dump_is_kept_as_a_warning_only_where_the_server_takes_it() {
        let damaged = damaged();
        assert_eq!(arbitration(&damaged, "MCDados"), Arbitration::Needed);
        let Acceptance::Refused(problem) =
            acceptance(&damaged, "MCDados", Some(&Err(refusal_of_the_server())), false)
        else {
            panic!()
        };
        assert_eq!(
            problem.code,
            Code::BackupDamaged,
            "the damage is told, not that the server could not be asked"
        );
        let Acceptance::Accepted { warning: Some(warning), words } =
            acceptance(&damaged, "MCDados", Some(&Ok(())), true)
        else {
            panic!()
        };
        assert_eq!(warning.code, Code::BackupDamaged);
        assert!(words.pt.contains("VERIFYONLY"));
    }

    #[test]
    fn a_dump_that_nobody_else_can_read_is_the_servers_to_judge() {
        let mut opaque = b"MSSQLBAK".to_vec();
        opaque.resize(1 << 20, 0x5A);
        let opaque = examine(&opaque);
        assert_eq!(opaque.verdict, Verdict::NotUnderstood);
        assert_eq!(arbitration(&opaque, "MCDados"), Arbitration::Needed);
        assert!(matches!(acceptance(&opaque, "MCDados", None, true), Acceptance::Refused(_)));
        let refused = acceptance(&opaque, "MCDados", Some(&Err(refusal_of_the_server())), true);
        assert_eq!(refused, Acceptance::Refused(refusal_of_the_server()));
        let accepted = |normal| match acceptance(&opaque, "MCDados", Some(&Ok(())), normal) {
            Acceptance::Accepted { warning, .. } => warning.is_some(),
            Acceptance::Refused(problem) => panic!("{problem}"),
        };
        assert!(accepted(false), "a Warning where it is not this server's way");
        assert!(!accepted(true), "no Warning each hour where it is");
    }
}
