//! What the check may find in a file, how grave each is, and in what words a person reads it.

use super::Verdict;
use crate::problem::Code;
use crate::words;
use crate::words::Words;
use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $verdict:ident, $code:ident, $pt:literal, $en:literal;)*) => {
        /// The kinds of what the check may find.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum FindingKind { $($(#[$doc])* $name,)* }

        impl FindingKind {
            /// Every kind, the gravest first.
            pub const ALL: &'static [FindingKind] = &[$(FindingKind::$name,)*];

            /// The verdict over a file in which nothing else was found.
            pub const fn verdict(self) -> Verdict {
                match self { $(FindingKind::$name => Verdict::$verdict,)* }
            }

            /// The code of the problem that it makes.
            pub const fn code(self) -> Code {
                match self { $(FindingKind::$name => Code::$code,)* }
            }

            /// What was found, without a full stop, in words for a support technician.
            pub fn words(self) -> Words {
                match self { $(FindingKind::$name => words!($pt, $en),)* }
            }
        }
    };
}

kinds! {
    /// The file does not begin as a backup does.
    NotABackup = Damaged, BackupNotABackup,
        "o arquivo não começa como um backup do SQL Server",
        "the file does not begin as a backup of SQL Server does";
    /// The file says that it is one of several that make the backup together.
    Stripe = Damaged, BackupStripe,
        "o backup foi dividido em vários arquivos e este é só um deles",
        "the backup was split over several files and this is only one of them";
    /// The file ends before the backup does.
    Truncated = Damaged, BackupTruncated,
        "o arquivo termina antes do fim do backup",
        "the file ends before the backup does";
    /// A block's header does not fit its checksum, or cannot be one.
    BlockHeader = Damaged, BackupDamaged,
        "cabeçalho de bloco danificado",
        "damaged header of a block";
    /// A stream's header does not fit its checksum.
    StreamHeader = Damaged, BackupDamaged,
        "cabeçalho de fluxo danificado",
        "damaged header of a stream";
    /// A block stands elsewhere than its own address says: bytes are missing, too many, or exchanged.
    BlockPlace = Damaged, BackupDamaged,
        "bloco fora do lugar",
        "block in the wrong place";
    /// Bytes that are always zero are not.
    Padding = Damaged, BackupDamaged,
        "enchimento danificado",
        "damaged padding";
    /// There are bytes after the end of the backup.
    Trailing = Damaged, BackupDamaged,
        "há dados depois do fim do backup",
        "there are data after the end of the backup";
    /// A page in use does not fit its checksum.
    PageChecksum = Damaged, BackupDamaged,
        "página com soma de verificação errada",
        "page with a wrong checksum";
    /// The sectors of a page in use come from different writes.
    PageTorn = Damaged, BackupDamaged,
        "página gravada pela metade",
        "page that was written in part";
    /// Where pages in use should stand there are others or none, more of them than a busy server explains.
    PagesLost = Damaged, BackupDamaged,
        "páginas em uso apagadas ou trocadas",
        "pages in use are blank or exchanged";
    /// Made with SQL Server's own compression: nothing but that can be told.
    NativeCompression = NotUnderstood, BackupNotUnderstood,
        "backup compactado pelo próprio SQL Server",
        "backup compressed by SQL Server itself";
    /// Pages are encrypted (TDE).
    Encrypted = NotUnderstood, BackupNotUnderstood,
        "páginas criptografadas (TDE)",
        "encrypted pages (TDE)";
    /// A block of a kind that we do not know.
    UnknownBlock = NotUnderstood, BackupNotUnderstood,
        "bloco de tipo desconhecido",
        "block of an unknown kind";
    /// Known blocks in an order that was never seen.
    BlockOrder = NotUnderstood, BackupNotUnderstood,
        "blocos em ordem desconhecida",
        "blocks in an unknown order";
    /// A stream of a kind, with attributes or of a length that we do not know.
    UnknownStream = NotUnderstood, BackupNotUnderstood,
        "fluxo de tipo desconhecido",
        "stream of an unknown kind";
    /// A filemark does not list the earlier ones.
    Filemark = NotUnderstood, BackupNotUnderstood,
        "marcas do arquivo não conferem entre si",
        "the filemarks do not agree with each other";
    /// There is more than one backup in the file.
    SeveralSets = NotUnderstood, BackupNotUnderstood,
        "há mais de um backup no arquivo",
        "there is more than one backup in the file";
    /// Not a full backup: differential, of the log only, of a filegroup.
    NotFull = NotUnderstood, BackupNotUnderstood,
        "não é um backup completo",
        "not a full backup";
    /// The description of the database cannot be read, or the one at the end tells something else.
    Description = NotUnderstood, BackupNotUnderstood,
        "descrição do banco de dados ilegível ou contraditória",
        "the description of the database is unreadable or contradicts itself";
    /// The database has more than one data file.
    SeveralFiles = NotUnderstood, BackupNotUnderstood,
        "o banco de dados tem vários arquivos de dados",
        "the database has several data files";
    /// Extents that the allocation map calls used are not in the file, or fewer pages than the description announces.
    ExtentMissing = NotUnderstood, BackupNotUnderstood,
        "faltam partes que o mapa de alocação chama de usadas",
        "parts that the allocation map calls used are missing";
    /// Extents that the allocation map calls free are in the file: it was copied before they were taken into use.
    ExtentExtra = NotUnderstood, BackupNotUnderstood,
        "há partes que o mapa de alocação chama de livres",
        "there are parts that the allocation map calls free";
    /// Extents do not come in their order.
    ExtentOrder = NotUnderstood, BackupNotUnderstood,
        "partes do banco de dados fora de ordem",
        "parts of the database out of order";
    /// Pages that could not be judged: their allocation page did not come.
    AllocationUnknown = NotUnderstood, BackupNotUnderstood,
        "páginas sem página de alocação",
        "pages without an allocation page";
    /// A few pages in use are blank or old: on a busy server they were read before they were written, and redo mends it.
    PageRace = NotUnderstood, BackupNotUnderstood,
        "páginas em uso ainda não gravadas na hora da cópia",
        "pages in use that were not written yet when they were copied";
}

/// One kind of what the check found, how often, and where first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was found.
    pub kind: FindingKind,
    /// Offset in the file, in bytes, of the first place.
    pub offset: u64,
    /// The first page, where pages are concerned: its number within the data file.
    pub page: Option<u32>,
    /// How often.
    pub count: u64,
}

impl Finding {
    /// What was found, how often and where, in one sentence for a support technician.
    pub fn words(&self) -> Words {
        let Words { pt, en } = self.kind.words();
        let Self { offset, count, .. } = self;
        match self.page {
            Some(page) => words!(
                "{pt}: {count} (primeira: página {page}, posição {offset})",
                "{en}: {count} (first: page {page}, offset {offset})",
            ),
            None => words!("{pt}: {count} (posição {offset})", "{en}: {count} (offset {offset})"),
        }
    }
}

/// The findings of a check: at most one of each kind, so that they stay few whatever stands in the file.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn note(&mut self, kind: FindingKind, offset: u64) {
        self.add(kind, offset, None, 1);
    }

    pub(super) fn note_page(&mut self, kind: FindingKind, offset: u64, page: u32) {
        self.add(kind, offset, Some(page), 1);
    }

    pub(super) fn add(&mut self, kind: FindingKind, offset: u64, page: Option<u32>, count: u64) {
        match self.0.iter_mut().find(|finding| finding.kind == kind) {
            Some(finding) => finding.count = finding.count.saturating_add(count),
            None => self.0.push(Finding { kind, offset, page, count }),
        }
    }

    pub(super) fn has(&self, kind: FindingKind) -> bool {
        self.0.iter().any(|finding| finding.kind == kind)
    }

    /// Whether the reader lost the thread and could not go on.
    pub(super) fn is_lost(&self) -> bool {
        [FindingKind::BlockHeader, FindingKind::StreamHeader].into_iter().any(|kind| self.has(kind))
    }

    /// The findings, the gravest first.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        let rank = |kind| FindingKind::ALL.iter().position(|other| *other == kind);
        self.0.sort_by_key(|finding| rank(finding.kind));
        self.0
    }
}
