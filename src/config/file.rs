//! The configuration as a file: read whole and bounded, and noticed when it changes.

use super::finding::Finding;
use crate::problem::{Code, Problem};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest configuration that is read, in bytes: ten times what the longest one has.
pub const LARGEST_BYTES: u64 = 256 << 10;

/// Largest file with a secret, in bytes.
const LARGEST_SECRET_BYTES: u64 = 4 << 10;

/// Stands for the content of the configuration and of the files with its secrets, and for who may write and read them. Two
/// that are equal say the same; whoever loaded a configuration looks at it again when this changes, or while it is broken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl std::fmt::Debug for Fingerprint {
    /// A password went into it, so nothing of it is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// The fingerprint of the configuration at `path` as it is now. Cheap enough for each minute.
///
/// # Errors
/// Those of reading the file.
pub fn fingerprint(path: &Path) -> io::Result<Fingerprint> {
    let bytes = read_bounded(path, LARGEST_BYTES)?;
    let mut digest = Sha256::new();
    digest.update(&bytes);
    digest.update([u8::from(crate::platform::writable_by_ordinary_users(path).unwrap_or(true))]);
    for secret in std::str::from_utf8(&bytes).map(|text| super::secret_files(path, text)).unwrap_or_default()
    {
        digest.update([u8::from(crate::platform::is_kept_secret(&secret).unwrap_or(false))]);
        digest.update(read_bounded(&secret, LARGEST_SECRET_BYTES).unwrap_or_default());
    }
    Ok(Fingerprint(digest.finalize().into()))
}

/// The text of the configuration at `path`.
pub(super) fn read(path: &Path) -> Result<String, Vec<Finding>> {
    let shown = path.display().to_string();
    let bytes = read_bounded(path, LARGEST_BYTES).map_err(|error| vec![unreadable(&shown, path, &error)])?;
    if bytes.len() as u64 > LARGEST_BYTES {
        let most = LARGEST_BYTES >> 10;
        return Err(vec![Finding::of_file(Problem::new(
            Code::ConfigUnreadable,
            crate::words!("O arquivo {shown} é grande demais.", "The file {shown} is too large."),
            crate::words!(
                "Uma configuração tem poucos KB, e no máximo {most} KB: confira se é este o arquivo.",
                "A configuration has a few KB, and {most} KB at most: check whether this is the right file.",
            ),
        ))]);
    }
    let text = String::from_utf8(bytes).map_err(|error| vec![not_text(&shown, error.as_bytes())])?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The first line of the file with a secret.
pub(super) fn read_secret(path: &Path) -> io::Result<zeroize::Zeroizing<String>> {
    let bytes = zeroize::Zeroizing::new(read_bounded(path, LARGEST_SECRET_BYTES)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    let line = text.strip_prefix('\u{feff}').unwrap_or(text).lines().next().unwrap_or_default();
    Ok(zeroize::Zeroizing::new(line.to_owned()))
}

/// The file was there and is gone, or its disk is.
pub(super) fn vanished(path: &Path) -> Finding {
    unreadable(&path.display().to_string(), path, &io::ErrorKind::Other.into())
}

/// Up to one byte more than `most`, so that the caller sees that there is more.
fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // A pipe or a device would keep us waiting for ever.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(shown: &str, path: &Path, error: &io::Error) -> Finding {
    if error.kind() == io::ErrorKind::NotFound {
        return Finding::of_file(Problem::new(
            Code::ConfigMissing,
            crate::words!(
                "Não há arquivo de configuração em {shown}.",
                "There is no configuration file at {shown}."
            ),
            crate::words!(
                "Copie o modelo config/dmbackup.toml para lá e preencha-o, ou indique outro com --config.",
                "Copy the template config/dmbackup.toml there and fill it in, or name another one with --config.",
            ),
        ));
    }
    tracing::debug!(path = shown, %error, "the configuration cannot be read");
    let (pt, en) = if path.is_dir() {
        ("é uma pasta", "it is a folder")
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        ("este usuário não pode lê-lo", "this user may not read it")
    } else {
        (
            "não é um arquivo comum, ou o disco não o lê",
            "it is no ordinary file, or the disk does not read it",
        )
    };
    Finding::of_file(Problem::new(
        Code::ConfigUnreadable,
        crate::words!(
            "Não foi possível ler a configuração {shown}: {pt}.",
            "The configuration {shown} cannot be read: {en}."
        ),
        crate::words!(
            "Confira o caminho e as permissões do arquivo.",
            "Check the path and the permissions of the file."
        ),
    ))
}

fn not_text(shown: &str, bytes: &[u8]) -> Finding {
    let hint = if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        crate::words!(
            "Está em UTF-16 («Unicode»): no Bloco de Notas, salve-o de novo com a codificação UTF-8.",
            "It is in UTF-16 (“Unicode”): save it again from Notepad with the encoding UTF-8.",
        )
    } else {
        crate::words!(
            "Salve-o com a codificação UTF-8, ou volte ao modelo config/dmbackup.toml.",
            "Save it with the encoding UTF-8, or begin again with the template config/dmbackup.toml.",
        )
    };
    let sentence = crate::words!(
        "O arquivo {shown} não é um texto em UTF-8.",
        "The file {shown} is not a text in UTF-8."
    );
    Finding::of_file(Problem::new(Code::ConfigUnreadable, sentence, hint))
}
