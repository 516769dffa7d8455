//! What can be wrong with a chosen folder, in words.

use crate::platform;
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::{Language, bytes};
use std::io;
use std::path::Path;

/// An error of reading, writing, renaming or syncing in the folder `shown`.
pub fn explain(shown: &str, error: &io::Error) -> Problem {
    tracing::warn!(folder = shown, %error, "the chosen folder failed");
    let kind = error.kind();
    if matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        full(shown)
    } else if matches!(kind, io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) {
        read_only(shown)
    } else if kind == io::ErrorKind::FileTooLarge {
        too_large(shown)
    } else if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || platform::is_gone(error)
    {
        missing(shown)
    } else {
        failed(shown, error)
    }
}

fn missing(shown: &str) -> Problem {
    Problem::new(
        Code::ManualMissing,
        words!(
            "A pasta escolhida não existe, ou o disco foi removido: {shown}.",
            "The chosen folder does not exist, or its disk was removed: {shown}."
        ),
        words!(
            "Ligue o disco, espere que apareça, e peça o backup manual de novo.",
            "Plug in the disk, wait until it appears, and ask for the manual backup again."
        ),
    )
}

/// It does not answer within this many seconds.
pub fn silent(shown: &str, seconds: u64) -> Problem {
    Problem::new(
        Code::ManualMissing,
        words!(
            "A pasta escolhida não respondeu em {seconds} segundos: {shown}.",
            "The chosen folder did not answer within {seconds} seconds: {shown}."
        ),
        words!(
            "Retire e ligue o disco de novo, ou escolha outra pasta.",
            "Unplug the disk and plug it in again, or choose another folder."
        ),
    )
}

fn read_only(shown: &str) -> Problem {
    let user = platform::user_name();
    Problem::new(
        Code::ManualReadOnly,
        words!(
            "O programa não pode gravar na pasta escolhida: {shown}.",
            "The program cannot write to the chosen folder: {shown}."
        ),
        words!(
            "Veja se o disco está protegido contra gravação, e se o usuário {user} pode gravar nele.",
            "See whether the disk is write-protected, and whether the user {user} may write to it."
        ),
    )
}

fn full(shown: &str) -> Problem {
    Problem::new(
        Code::ManualFull,
        words!("O disco escolhido encheu: {shown}.", "The chosen disk became full: {shown}."),
        words!(
            "Apague o que não precisa nele, ou use um disco maior; o arquivo incompleto foi removido.",
            "Delete what it need not hold, or use a larger one; the incomplete file was removed."
        ),
    )
}

/// A zip does not fit, whatever goes.
pub fn does_not_fit(shown: &str, missing_bytes: u64) -> Problem {
    let pt = bytes(missing_bytes, Language::Portuguese);
    let en = bytes(missing_bytes, Language::English);
    Problem::new(
        Code::ManualFull,
        words!(
            "O backup não cabe no disco escolhido ({shown}): faltam {pt}.",
            "The backup does not fit on the chosen disk ({shown}): {en} are missing."
        ),
        words!(
            "Apague o que não precisa nele, ou use um disco maior; nada foi alterado.",
            "Delete what it need not hold, or use a larger one; nothing was changed."
        ),
    )
}

fn too_large(shown: &str) -> Problem {
    Problem::new(
        Code::ManualFileLimit,
        words!(
            "O sistema de arquivos do disco escolhido ({shown}) não aceita um arquivo deste tamanho.",
            "The file system of the chosen disk ({shown}) does not take a file of this size."
        ),
        format_hint(),
    )
}

/// It is foreseen that the zip will be larger than any file of that file system.
pub fn file_limit(shown: &str, zip_bytes: u64, largest_bytes: u64) -> Problem {
    let (pt, pt_most) = (bytes(zip_bytes, Language::Portuguese), bytes(largest_bytes, Language::Portuguese));
    let (en, en_most) = (bytes(zip_bytes, Language::English), bytes(largest_bytes, Language::English));
    Problem::new(
        Code::ManualFileLimit,
        words!(
            "O backup terá cerca de {pt}, e um arquivo no disco escolhido ({shown}) vai só até {pt_most}.",
            "The backup will have about {en}, and a file on the chosen disk ({shown}) ends at {en_most}."
        ),
        format_hint(),
    )
}

fn format_hint() -> words::Words {
    words!(
        "Discos em FAT32 vão só até 4 GB por arquivo: formate em exFAT ou NTFS (isso apaga o disco), ou use outro.",
        "FAT32 disks end at 4 GB a file: format it as exFAT or NTFS (which erases the disk), or use another."
    )
}

/// Both files do not fit: somebody has to say that these may go first.
pub fn replace(shown: &str, going: &[&Path]) -> Problem {
    let names: Vec<_> =
        going.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy()).collect();
    let (pt, en) = (names.join(" e "), names.join(" and "));
    Problem::new(
        Code::ManualReplace,
        words!(
            "No disco escolhido ({shown}) não há lugar para o novo backup ao lado do que já está lá ({pt}).",
            "On the chosen disk ({shown}) the new backup has no room beside what is there ({en})."
        ),
        words!(
            "Libere espaço, use outro disco, ou confirme que isso pode ser apagado antes (--replace).",
            "Free space, use another disk, or confirm that this may be deleted first (--replace)."
        ),
    )
}

/// It lies in the folder of a rotation.
pub fn of_the_rotation(shown: &str, owner: &str) -> Problem {
    Problem::new(
        Code::ManualPlace,
        words!(
            "A pasta {shown} fica dentro de uma pasta de backup ou de terminal ({owner}).",
            "The folder {shown} lies in a backup folder or a terminal's ({owner})."
        ),
        words!(
            "Escolha uma pasta de um HD externo ou pen drive; o backup normal já cuida dessa.",
            "Choose a folder of an external drive; the ordinary backup sees to that one."
        ),
    )
}

fn failed(shown: &str, error: &io::Error) -> Problem {
    // The system's own words, without the number that follows them.
    let cause = error.to_string();
    let cause = cause.split(" (os error").next().unwrap_or_default().to_owned();
    Problem::new(
        Code::ManualIo,
        words!(
            "Falha ao ler ou gravar na pasta escolhida {shown}: {cause}.",
            "Reading or writing in the chosen folder {shown} failed: {cause}."
        ),
        words!(
            "O disco foi removido antes do fim, ou está com defeito: tente de novo, ou use outro.",
            "The disk was removed before the end, or is failing: try again, or use another."
        ),
    )
}
