//! Errors in which the server passes on what its own operating system said about the dump file: the number in the text
//! decides what a person is told.

use super::{ServerError, Subject};
use crate::problem::{Code, Problem};
use crate::words;

/// What the operating system says of a disk that is full.
const FULL: [u32; 2] = [39, 112];

/// Whether the operating system's error in the text is that a disk is full.
pub(super) fn is_full(message: &str) -> bool {
    system_error(message).is_some_and(|number| FULL.contains(&number))
}

/// What the server wanted of the dump file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Open,
    Write,
    Read,
    /// Either: the server does not say which.
    Work,
}

/// The problem of an error about a device, or `None` for any other error.
pub(super) fn problem(error: &ServerError, subject: &Subject) -> Option<Problem> {
    let wanted = match error.number {
        3201 | 3634 => Wanted::Open,
        3202 => Wanted::Write,
        3203 => Wanted::Read,
        3271 => Wanted::Work,
        _ => return None,
    };
    Some(match system_error(&error.message) {
        Some(2 | 3 | 123) => missing(subject),
        Some(5) => no_rights(subject),
        Some(19) => write_protected(subject),
        Some(21 | 23 | 31 | 483 | 1117) => disk_fails(subject),
        Some(32 | 33) => in_use(subject),
        Some(38) if matches!(wanted, Wanted::Read | Wanted::Work) => truncated(subject),
        Some(number) if FULL.contains(&number) => full(subject),
        Some(51 | 53 | 55 | 59 | 64 | 67 | 121 | 1231 | 1232 | 1236) => network(subject),
        number => other(wanted, number, subject),
    })
}

/// The number of the operating system's error in the text: the last digits that stand before a bracket, after the quoted
/// path. The words around it are in the language of the login, the shape is always `… 5(Access is denied.).`
fn system_error(message: &str) -> Option<u32> {
    let after_path = message.rfind(['\'', '"']).map_or(message, |at| &message[at + 1..]);
    let number = |text: &str| {
        text.match_indices('(').find_map(|(at, _)| {
            let before = &text[..at];
            let digits = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            before[digits..].parse().ok()
        })
    };
    number(after_path).or_else(|| number(message))
}

/// Whether a path is one of Windows, whatever system we run on: the server may run on another one.
fn is_windows_path(path: &str) -> bool {
    path.starts_with(r"\\") || path.as_bytes().get(1) == Some(&b':')
}

/// The folder of a path of either system, without the separator at its end.
fn folder_of(path: &str) -> &str {
    let separators: &[char] = if is_windows_path(path) { &['\\', '/'] } else { &['/'] };
    match path.rfind(separators) {
        Some(at) if path[..at].is_empty() || path[..at].ends_with(':') => &path[..=at],
        Some(at) => &path[..at],
        None => path,
    }
}

/// The account that writes the dump: what the server told, or the one that setup gives it.
fn account_of(subject: &Subject, windows: bool) -> String {
    let told = subject.service_account.clone();
    if windows {
        told.unwrap_or_else(|| format!(r"NT SERVICE\{}", subject.service))
    } else {
        // What a server on Linux reports may be a name of Windows.
        told.filter(|name| is_plain(name)).unwrap_or_else(|| "mssql".to_owned())
    }
}

/// A name of Linux that needs no quoting.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The command that lets `account` write into `folder`. It follows the path's own system, not ours: the server may run on
/// another one.
fn mending_command(folder: &str, account: &str, windows: bool) -> String {
    if windows {
        // A separator before the closing quotation mark would escape it.
        let folder =
            folder.strip_suffix('\\').map_or_else(|| folder.to_owned(), |drive| format!("{drive}\\."));
        format!(r#"icacls "{folder}" /grant "{account}:(OI)(CI)M""#)
    } else {
        // With the group's bit, dumps belong to the folder's group: whoever reads them must be in it, or be root.
        let folder = format!("'{}'", folder.replace('\'', r"'\''"));
        format!("sudo chgrp {account} {folder} && sudo chmod 2770 {folder}")
    }
}

fn no_rights(subject: &Subject) -> Problem {
    let device = subject.device_shown();
    let windows = is_windows_path(device);
    let folder = folder_of(device);
    let account = account_of(subject, windows);
    let command = mending_command(folder, &account, windows);
    let sentence = words!(
        "O SQL Server não tem permissão na pasta «{folder}»: quem grava o backup é a conta do serviço, «{account}».",
        "SQL Server has no permission on the folder “{folder}”: it is the service account, “{account}”, that writes the backup.",
    );
    let hint = if windows {
        words!(
            "No servidor, abra o Prompt de Comando como administrador e execute: {command}",
            "On the server, open a Command Prompt as administrator and run: {command}",
        )
    } else {
        words!(
            "No servidor, execute: {command} (a conta também precisa poder atravessar as pastas acima dela).",
            "On the server, run: {command} (the account must also be able to pass through the folders above it).",
        )
    };
    Problem::new(Code::FolderServerRights, sentence, hint)
}

fn missing(subject: &Subject) -> Problem {
    let (device, server) = (subject.device_shown(), &subject.server);
    Problem::new(
        Code::FolderMissing,
        words!(
            "O SQL Server não encontra «{device}»: essa pasta ou esse arquivo não existe na máquina dele.",
            "SQL Server does not find “{device}”: that folder or file does not exist on its machine.",
        ),
        words!(
            "Crie a pasta na máquina de {server}, ou corrija a pasta de backup na configuração; o caminho vale como o SQL Server o vê.",
            "Create the folder on the machine of {server}, or correct the backup folder in the configuration; the path counts as SQL Server sees it.",
        ),
    )
}

fn full(subject: &Subject) -> Problem {
    let folder = folder_of(subject.device_shown());
    Problem::new(
        Code::SpaceFull,
        words!(
            "O disco da pasta de backup «{folder}» encheu enquanto o SQL Server gravava o backup.",
            "The disk of the backup folder “{folder}” became full while SQL Server was writing the backup.",
        ),
        words!(
            "Libere espaço nesse disco ou use um disco maior; os backups anteriores continuam guardados.",
            "Make room on that disk or use a larger one; the earlier backups are still there.",
        ),
    )
}

fn network(subject: &Subject) -> Problem {
    let folder = folder_of(subject.device_shown());
    Problem::new(
        Code::FolderDevice,
        words!(
            "O SQL Server não alcança a pasta de rede «{folder}».",
            "SQL Server cannot reach the network folder “{folder}”.",
        ),
        words!(
            "Confira se a outra máquina está ligada e se o compartilhamento existe; o mais seguro é gravar o backup em um disco do próprio servidor.",
            "Check that the other machine is on and that the share exists; the safest is to write the backup to a disk of the server itself.",
        ),
    )
}

fn write_protected(subject: &Subject) -> Problem {
    let folder = folder_of(subject.device_shown());
    Problem::new(
        Code::FolderDevice,
        words!(
            "O disco da pasta de backup «{folder}» está protegido contra gravação.",
            "The disk of the backup folder “{folder}” is write-protected.",
        ),
        words!(
            "Retire a proteção do disco ou escolha outra pasta de backup na configuração.",
            "Remove the protection or choose another backup folder in the configuration.",
        ),
    )
}

fn in_use(subject: &Subject) -> Problem {
    let device = subject.device_shown();
    Problem::new(
        Code::FolderDevice,
        words!(
            "Outro programa está usando o arquivo «{device}».",
            "Another program is using the file “{device}”."
        ),
        words!(
            "Exclua a pasta de backup da verificação do antivírus e de outros programas de cópia; o backup será tentado de novo.",
            "Exclude the backup folder from the antivirus and from other copy programs; the backup will be tried again.",
        ),
    )
}

fn disk_fails(subject: &Subject) -> Problem {
    let folder = folder_of(subject.device_shown());
    Problem::new(
        Code::FolderDevice,
        words!(
            "O disco da pasta de backup «{folder}» está falhando.",
            "The disk of the backup folder “{folder}” is failing."
        ),
        words!(
            "Troque o disco ou escolha outra pasta de backup, e chame o suporte.",
            "Replace the disk or choose another backup folder, and call support.",
        ),
    )
}

fn truncated(subject: &Subject) -> Problem {
    let device = subject.device_shown();
    Problem::new(
        Code::BackupTruncated,
        words!(
            "O arquivo de backup «{device}» está incompleto: termina antes do fim.",
            "The backup file “{device}” is cut short: it ends too early.",
        ),
        super::file::another_backup(),
    )
}

fn other(wanted: Wanted, number: Option<u32>, subject: &Subject) -> Problem {
    let device = subject.device_shown();
    let reason = number.map_or(words!("motivo desconhecido", "unknown reason"), |number| {
        words!("erro {number} do sistema operacional", "error {number} of the operating system")
    });
    let (pt, en) = (reason.pt, reason.en);
    let sentence = match wanted {
        Wanted::Open => words!(
            "O SQL Server não consegue abrir «{device}» ({pt}).",
            "SQL Server cannot open “{device}” ({en}).",
        ),
        Wanted::Write => words!(
            "O SQL Server não consegue gravar em «{device}» ({pt}).",
            "SQL Server cannot write to “{device}” ({en}).",
        ),
        Wanted::Read => {
            words!(
                "O SQL Server não consegue ler «{device}» ({pt}).",
                "SQL Server cannot read “{device}” ({en})."
            )
        }
        Wanted::Work => words!(
            "O SQL Server teve um erro de disco sem recuperação em «{device}» ({pt}).",
            "SQL Server had an unrecoverable disk error on “{device}” ({en}).",
        ),
    };
    Problem::new(
        Code::FolderDevice,
        sentence,
        words!(
            "Confira o disco e a pasta de backup na máquina do SQL Server.",
            "Check the disk and the backup folder on the machine of SQL Server.",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_system_error_is_found_in_every_language_and_shape() {
        for (text, number) in [
            (
                r"Cannot open backup device 'C:\Backup 7(x)\a.bak'. Operating system error 5(Access is denied.).",
                5,
            ),
            (
                r"Não é possível abrir o dispositivo de backup 'C:\b.bak'. Erro do sistema operacional 3(O sistema não pode encontrar o caminho especificado.).",
                3,
            ),
            (r#"Write on "D:\x.bak" failed: 112(There is not enough space on the disk.)"#, 112),
            (
                r"Cannot open backup device '\\loja\b\x.bak'. Operating system error 53(failed to retrieve text for this error. Reason: 15105).",
                53,
            ),
            (
                "The operating system returned the error '5(Access is denied.)' while attempting 'X' on 'C:\\b.bak'.",
                5,
            ),
        ] {
            assert_eq!(system_error(text), Some(number), "{text}");
        }
        assert_eq!(system_error("Cannot open backup device."), None);
        assert_eq!(system_error("99999999999(x)"), None);
    }

    #[test]
    fn the_folder_of_a_path_is_that_of_the_paths_own_system() {
        assert_eq!(folder_of(r"C:\MBHSist\Backup\x.bak"), r"C:\MBHSist\Backup");
        assert_eq!(folder_of(r"C:\x.bak"), r"C:\");
        assert_eq!(folder_of(r"\\loja\b\x.bak"), r"\\loja\b");
        assert_eq!(folder_of(r"/var/opt/a\b/x.bak"), r"/var/opt/a\b");
        assert_eq!(folder_of("/x.bak"), "/");
        assert_eq!(folder_of("x.bak"), "x.bak");
    }

    #[test]
    fn the_mending_command_survives_roots_and_quotation_marks() {
        assert_eq!(mending_command(r"D:\", "X", true), r#"icacls "D:\." /grant "X:(OI)(CI)M""#);
        assert_eq!(
            mending_command("/srv/D'Ávila", "mssql", false),
            r"sudo chgrp mssql '/srv/D'\''Ávila' && sudo chmod 2770 '/srv/D'\''Ávila'"
        );
    }

    proptest! {
        #[test]
        fn no_text_of_a_server_makes_the_reader_fail(text in any::<String>()) {
            system_error(&text);
            folder_of(&text);
        }
    }
}
