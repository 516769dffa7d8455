//! What came of the check of a file, and in what words a person hears of it.

use super::description::Description;
use super::finding::{Finding, FindingKind};
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::Words;
use serde::{Deserialize, Serialize};

/// What the check says of a file. It never replaces a restore: only that proves that a backup can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The structure is whole and every protected page in use is sound.
    Good,
    /// There is something that only SQL Server can judge.
    NotUnderstood,
    /// A page, a header or the structure is damaged, or the file is incomplete.
    Damaged,
}

/// How many pages the check met. All figures count copies of pages: what changed while the backup was made stands in it twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pages {
    /// Pages in use, going by the database's own allocation pages; only these are judged.
    pub allocated: u64,
    /// Of these, pages with a checksum over all their bytes.
    pub protected: u64,
    /// Of these, pages with torn-page bits, which only show a page that was written in part.
    pub torn: u64,
    /// Of these, pages without any protection.
    pub unprotected: u64,
    /// Of these, pages whose checksum or torn-page bits do not fit.
    pub bad: u64,
    /// Pages of which nothing tells whether they are in use.
    pub unjudged: u64,
}

impl Pages {
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            allocated: self.allocated + other.allocated,
            protected: self.protected + other.protected,
            torn: self.torn + other.torn,
            unprotected: self.unprotected + other.unprotected,
            bad: self.bad + other.bad,
            unjudged: self.unjudged + other.unjudged,
        }
    }
}

/// What came of the check of one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// What the check says.
    pub verdict: Verdict,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// What the file says of itself, where that could be read.
    pub description: Option<Description>,
    /// What was found, the gravest first; at most one of each kind.
    pub findings: Vec<Finding>,
    /// How many pages were met.
    pub pages: Pages,
}

impl Examination {
    pub(super) fn new(
        bytes: u64,
        description: Option<Description>,
        findings: Vec<Finding>,
        pages: Pages,
    ) -> Self {
        let verdict = findings.iter().map(|finding| finding.kind.verdict()).max().unwrap_or(Verdict::Good);
        Self { verdict, bytes, description, findings, pages }
    }

    /// Share of the pages in use that carry a checksum, 0 to 100; `None` where no page was met.
    pub fn protected_percent(&self) -> Option<f64> {
        let Pages { allocated, protected, .. } = self.pages;
        (allocated > 0).then(|| protected as f64 / allocated as f64 * 100.0)
    }

    /// Whether something of this kind was found.
    pub fn has(&self, kind: FindingKind) -> bool {
        self.findings.iter().any(|finding| finding.kind == kind)
    }

    /// What the check says, in one sentence without a full stop. It never says that the backup was proved: that takes
    /// SQL Server, or the hash of a manifest.
    pub fn sentence(&self) -> Words {
        match self.verdict {
            Verdict::Good => {
                let Words { pt, en } = self.protection();
                words!("nenhum erro encontrado ({pt})", "no error found ({en})")
            }
            Verdict::NotUnderstood => {
                let Words { pt, en } = self.reasons(Verdict::NotUnderstood);
                words!(
                    "só o SQL Server pode conferir este backup ({pt})",
                    "only SQL Server can check this backup ({en})"
                )
            }
            Verdict::Damaged => {
                let Words { pt, en } = self.reasons(Verdict::Damaged);
                words!("backup danificado ou incompleto ({pt})", "damaged or incomplete backup ({en})")
            }
        }
    }

    /// The problem that the file is, for a run or a person that wants the backup of `expected_database`; `None` for a good
    /// file of that database. Names of databases are compared without regard to case, as most servers do.
    pub fn problem(&self, expected_database: Option<&str>) -> Option<Problem> {
        let not_a_backup = self.findings.iter().find(|finding| finding.kind.code() == Code::BackupNotABackup);
        if not_a_backup.is_none()
            && let (Some(expected), Some(found)) = (expected_database, &self.description)
            && found.database.to_lowercase() != expected.to_lowercase()
        {
            let found = &found.database;
            return Some(Problem::new(
                Code::BackupOtherDatabase,
                words!(
                    "O backup é do banco de dados «{found}», não de «{expected}».",
                    "The backup is of the database «{found}», not of «{expected}».",
                ),
                words!(
                    "Confira o nome do banco de dados na configuração e se o arquivo é o certo.",
                    "Check the name of the database in the configuration, and whether this is the right file.",
                ),
            ));
        }
        let code = self.findings.first()?.kind.code();
        let Words { pt, en } = self.sentence();
        let sentence =
            words!("O arquivo de backup foi examinado: {pt}.", "The backup file was examined: {en}.");
        Some(Problem::new(code, sentence, hint(code)))
    }

    /// How well the pages are protected: «97 % das páginas protegidas».
    fn protection(&self) -> Words {
        let Some(percent) = self.protected_percent() else {
            return words!("nenhuma página de dados", "no data page");
        };
        // Rounded down: «100 %» is said only of all pages.
        let percent = percent.floor();
        let torn = self.pages.torn * 100 / self.pages.allocated.max(1);
        if self.pages.torn > 0 {
            words!(
                "{percent} % das páginas protegidas, {torn} % só contra gravação pela metade",
                "{percent} % of the pages protected, {torn} % only against being written in part",
            )
        } else {
            words!("{percent} % das páginas protegidas", "{percent} % of the pages protected")
        }
    }

    fn reasons(&self, verdict: Verdict) -> Words {
        let all: Vec<Words> = self
            .findings
            .iter()
            .filter(|finding| finding.kind.verdict() == verdict)
            .map(|finding| finding.kind.words())
            .collect();
        let join = |text: fn(&Words) -> &str| all.iter().map(text).collect::<Vec<_>>().join("; ");
        Words { pt: join(|words| &words.pt), en: join(|words| &words.en) }
    }
}

fn hint(code: Code) -> Words {
    if code == Code::BackupNotUnderstood {
        words!(
            "O SQL Server confere o arquivo com RESTORE VERIFYONLY; a prova é restaurar o backup em um banco de teste.",
            "SQL Server checks the file with RESTORE VERIFYONLY; the proof is to restore the backup as a test database.",
        )
    } else if code == Code::BackupStripe {
        words!(
            "Sozinho ele não pode ser restaurado: são precisos todos os arquivos do mesmo backup. Faça um novo backup, em um arquivo só.",
            "By itself it cannot be restored: all files of the same backup are needed. Make a new backup, into one file.",
        )
    } else if code == Code::BackupNotABackup {
        words!("Escolha um arquivo .bak feito pelo SQL Server.", "Choose a .bak file made by SQL Server.")
    } else {
        words!(
            "Não use este arquivo: faça um backup novo e, se acontecer outra vez, verifique o disco.",
            "Do not use this file: make a new backup and, if it happens again, check the disk.",
        )
    }
}
