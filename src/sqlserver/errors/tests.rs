//! The sentences, pinned in both languages, and which failure makes which problem.

use super::*;
use crate::problem::Code;
use crate::words::Language;
use proptest::prelude::*;
use std::collections::HashSet;
use std::fmt::Write;

/// The numbers of the project's page on SQL Server that deserve a sentence, with a text as the server sends it.
const ROWS: &[(u32, u8, &str)] = &[
    (3204, 16, "The backup or restore was aborted."),
    (596, 21, "Cannot continue the execution because the session is in the kill state."),
    (3021, 16, "Cannot perform a backup or restore operation within a transaction."),
    (
        3023,
        16,
        "Backup, file manipulation operations and encryption changes on a database must be serialized.",
    ),
    (3041, 16, "BACKUP failed to complete the command BACKUP DATABASE MCDados."),
    (3241, 16, "The media family on device 'x' is incorrectly formed."),
    (3242, 16, "The file on device 'x' is not a valid Microsoft Tape Format backup set."),
    (3254, 16, "The volume on device 'x' is empty."),
    (3256, 16, "The backup set on device 'x' was terminated while it was being created and is incomplete."),
    (3132, 16, "The media set has 2 media families but only 1 are provided."),
    (3183, 16, "RESTORE detected an error on page (0:0) in database as read from the backup set."),
    (3189, 16, "Damage to the backup set was detected."),
    (3101, 16, "Exclusive access could not be obtained because the database is in use."),
    (3102, 16, "RESTORE cannot process database because it is in use by this session."),
    (924, 14, "Database 'MCDados' is already open and can only have one user at a time."),
    (3154, 16, "The backup set holds a backup of a database other than the existing 'MCDados' database."),
    (3169, 16, "The database was backed up on a server running version 16.00.1000."),
    (3159, 16, "The tail of the log for the database \"MCDados\" has not been backed up."),
    (1834, 16, "The file 'x.mdf' cannot be overwritten. It is being used by database 'y'."),
    (3156, 16, "File 'MCDados' cannot be restored to 'x.mdf'."),
    (3234, 16, "Logical file 'x' is not part of database 'MCDados'."),
    (3110, 14, "User does not have permission to RESTORE database 'MCDados'."),
    (229, 14, "The SELECT permission was denied on the object 'backupset', database 'msdb', schema 'dbo'."),
    (262, 14, "BACKUP DATABASE permission denied in database 'MCDados'."),
    (911, 16, "Database 'MCDados' does not exist."),
    (4060, 11, "Cannot open database \"MCDados\" requested by the login."),
    (927, 14, "Database 'MCDados' cannot be opened. It is in the middle of a restore."),
    (942, 14, "Database 'MCDados' cannot be opened because it is offline."),
    (945, 14, "Database 'MCDados' cannot be opened due to inaccessible files."),
    (18456, 14, "Login failed for user 'backup'."),
    (18452, 14, "Login failed. The login is from an untrusted domain."),
    (18470, 14, "Login failed for user 'backup'. Reason: The account is disabled."),
    (18486, 14, "Login failed for user 'backup' because the account is currently locked out."),
    (18487, 14, "Login failed for user 'backup'. Reason: The password of the account has expired."),
    (18488, 14, "Login failed for user 'backup'. Reason: The password of the account must be changed."),
    (3043, 16, "BACKUP 'MCDados' detected an error on page (1:153) in file 'C:\\dados\\MCDados.mdf'."),
    (823, 24, "The operating system returned error 23 to SQL Server during a read at offset 0x132000."),
    (824, 24, "SQL Server detected a logical consistency-based I/O error: incorrect checksum; page (1:153)."),
    (825, 10, "A read of the file 'MCDados.mdf' succeeded after failing 2 time(s)."),
    (9002, 17, "The transaction log for database 'MCDados' is full due to 'LOG_BACKUP'."),
    (3257, 16, "There is insufficient free space on disk volume 'D:\\' to create the database."),
    (
        1105,
        17,
        "Could not allocate space for object 'x' in database 'MCDados' because the 'PRIMARY' filegroup is full.",
    ),
    (
        5149,
        16,
        "MODIFY FILE encountered operating system error 112(There is not enough space on the disk.) while attempting to \
         expand the physical file 'D:\\MCDados.mdf'.",
    ),
    (1844, 16, "BACKUP DATABASE WITH COMPRESSION is not supported on Express Edition."),
];

/// What the operating system may say of the dump file.
const SYSTEM_ERRORS: &[(u32, u32)] = &[
    (3201, 2),
    (3201, 3),
    (3201, 5),
    (3201, 19),
    (3201, 32),
    (3201, 53),
    (3201, 64),
    (3201, 67),
    (3201, 112),
    (3201, 1450),
    (3202, 112),
    (3202, 1117),
    (3202, 1450),
    (3203, 23),
    (3203, 38),
    (3203, 1450),
    (3271, 1450),
];

fn subject() -> Subject {
    Subject {
        server: r"LOJA01\SQLEXPRESS".into(),
        service: "MSSQL$SQLEXPRESS".into(),
        login: "backup".into(),
        ..Subject::default()
    }
    .on_database("MCDados")
    .on_device(r"C:\MBHSist\Backup\MCDados.bak")
}

fn server_error(number: u32, class: u8, message: &str) -> Failure {
    Failure::Server(ServerError { number, state: 1, class, message: message.into() })
}

fn device_error(number: u32, system: u32) -> Failure {
    let text =
        format!(r"Cannot open backup device 'C:\b 7(x)\MCDados.bak'. Operating system error {system}(text).");
    server_error(number, 16, &text)
}

fn page(title: &str, problem: &Problem) -> String {
    let mut text = format!("{title} [{}]\n", problem.code);
    for language in [Language::Portuguese, Language::English] {
        let _ = writeln!(text, "  {}\n    {}", problem.sentence.get(language), problem.hint.get(language));
    }
    text
}

#[test]
fn every_error_of_the_table_has_a_sentence_of_its_own() {
    let mut sentences = HashSet::new();
    let mut text = String::new();
    for (number, class, message) in ROWS {
        let problem = server_error(*number, *class, message).problem(&subject());
        assert!(!problem.sentence.pt.contains(&number.to_string()), "{number} is unknown");
        assert!(sentences.insert(problem.sentence.clone()), "{number} shares its sentence");
        text += &page(&number.to_string(), &problem);
    }
    insta::assert_snapshot!("server_errors", text);
}

#[test]
fn the_operating_systems_number_decides_what_is_said_of_the_dump_file() {
    let mut text = String::new();
    for (number, system) in SYSTEM_ERRORS {
        text += &page(&format!("{number}/{system}"), &device_error(*number, *system).problem(&subject()));
    }
    insta::assert_snapshot!("device_errors", text);
}

#[test]
fn missing_rights_on_the_folder_name_the_account_the_folder_and_the_command() {
    let problem = |subject: &Subject| device_error(3201, 5).problem(subject);
    let told = subject().served_by(Some(r"NT SERVICE\MSSQL$SQLEXPRESS".into()));
    assert_eq!(problem(&told), problem(&subject()), "setup's own account is assumed where none is told");
    assert_eq!(problem(&told).code, Code::FolderServerRights);
    assert!(
        problem(&told)
            .hint
            .en
            .ends_with(r#"icacls "C:\MBHSist\Backup" /grant "NT SERVICE\MSSQL$SQLEXPRESS:(OI)(CI)M""#)
    );
    let linux = subject().on_device("/var/dmbackup/MCDados.bak");
    assert!(
        problem(&linux)
            .hint
            .pt
            .contains("sudo chgrp mssql '/var/dmbackup' && sudo chmod 2770 '/var/dmbackup'")
    );
    assert!(problem(&linux).sentence.pt.contains("«mssql»"));
}

#[test]
fn what_is_not_the_servers_own_error_has_its_sentence_too() {
    let waited = Duration::from_secs(15);
    let failures = [
        ("unknown host", Failure::UnknownHost),
        ("refused", Failure::Refused),
        ("unreachable", Failure::Unreachable(waited)),
        ("no browser", Failure::NoBrowser),
        ("no common TLS", Failure::Tls(TlsFailure::NoCommonVersion, String::new())),
        ("certificate", Failure::Tls(TlsFailure::Certificate, String::new())),
        ("encryption level", Failure::Tls(TlsFailure::LevelRefused, String::new())),
        ("login stalled", Failure::LoginStalled(waited)),
        ("lost", Failure::Lost(String::new())),
        ("stalled", Failure::Stalled(Duration::from_secs(600))),
        ("garbled", Failure::Garbled(String::new())),
        ("no integrated login", Failure::NoIntegratedLogin),
        ("unquotable", Failure::Unquotable(Unquotable::TooLong(128))),
        ("verify right", server_error(262, 14, "CREATE DATABASE permission denied in database 'master'.")),
        ("view right", server_error(300, 14, "VIEW SERVER STATE permission was denied on object 'server'.")),
        (
            "no user",
            server_error(916, 14, "The server principal \"backup\" is not able to access the database."),
        ),
        ("no kill", server_error(6102, 14, "User does not have permission to use the KILL statement.")),
        (
            "suspect",
            server_error(926, 14, "Database 'MCDados' cannot be opened. It has been marked SUSPECT."),
        ),
        ("recovering", server_error(922, 14, "Database 'MCDados' is being recovered.")),
        ("starting", server_error(18401, 14, "Login failed. Server is in script upgrade mode.")),
        ("unknown", server_error(50_000, 16, "Uma\nmensagem qualquer")),
    ];
    let text: String =
        failures.iter().map(|(title, failure)| page(title, &failure.problem(&subject()))).collect();
    insta::assert_snapshot!("other_failures", text);
}

#[test]
fn errors_of_the_library_are_understood_by_the_stage_in_which_they_arise() {
    use tiberius::error::{Error, IoErrorKind};
    let io = |kind, message: &str| Error::Io { kind, message: message.into() };
    let code = |error: &Error, stage| Failure::of(error, stage).problem(&subject()).code;

    let hung_up = io(IoErrorKind::UnexpectedEof, "tls handshake eof");
    assert_eq!(code(&hung_up, Stage::Login), Code::SqlTls);
    assert_eq!(code(&hung_up, Stage::Work), Code::SqlConnectionLost);
    let alert = io(IoErrorKind::InvalidData, "received fatal alert: ProtocolVersion");
    assert_eq!(
        Failure::of(&alert, Stage::Login),
        Failure::Tls(TlsFailure::NoCommonVersion, "received fatal alert: ProtocolVersion".into())
    );
    let no_roots = io(IoErrorKind::NotFound, "no usable CA certificates found in the platform trust store");
    assert!(matches!(Failure::of(&no_roots, Stage::Login), Failure::Tls(TlsFailure::Certificate, _)));
    let rejected =
        Error::Tls("the server's certificate was rejected during the TLS handshake: UnknownIssuer".into());
    assert!(matches!(Failure::of(&rejected, Stage::Login), Failure::Tls(TlsFailure::Certificate, _)));
    let level = Error::Protocol("Server does not allow the requested encryption level.".into());
    assert!(matches!(Failure::of(&level, Stage::Login), Failure::Tls(TlsFailure::LevelRefused, _)));
    assert_eq!(code(&io(IoErrorKind::ConnectionReset, "reset"), Stage::Login), Code::SqlConnectionLost);
    assert_eq!(code(&Error::Utf16, Stage::Work), Code::SqlError);
}

#[test]
fn windows_tells_of_certificates_by_number_in_any_language_or_none() {
    let how = |text: &str| {
        let failure = Failure::of(&tiberius::error::Error::Tls(text.into()), Stage::Login);
        let Failure::Tls(how, _) = failure else { panic!("{failure:?}") };
        how
    };
    let table = [
        (
            TlsFailure::Certificate,
            [
                "OS Error -2146762487 (FormatMessageW() returned error 317) (os error -2146762487)",
                "Die Zertifikatkette stammt von keiner vertrauenswürdigen Stelle. (os error -2146893019)",
                "Имя субъекта сертификата не соответствует цели. (os error -2146893022)",
                "Le certificat a expiré. (os error -2146893016)",
            ],
        ),
        (
            TlsFailure::NoCommonVersion,
            [
                "The client and server cannot communicate: no common algorithm. (os error -2146893007)",
                "(os error",
                "(os error x)",
                "(os error 99999999999)",
            ],
        ),
    ];
    for (expected, texts) in table {
        for text in texts {
            assert_eq!(how(text), expected, "{text}");
        }
    }
}

#[test]
fn only_an_error_that_leaves_the_session_alive_leaves_the_connection_usable() {
    assert!(server_error(911, 16, "").leaves_connection_usable());
    assert!(!server_error(596, 21, "").leaves_connection_usable());
    assert!(!Failure::Stalled(Duration::ZERO).leaves_connection_usable());
    assert!(!Failure::Lost(String::new()).leaves_connection_usable());
}

proptest! {
    #[test]
    fn any_error_becomes_a_problem_with_both_sentences(number in any::<u32>(), class: u8, message: String, device: String) {
        let problem = server_error(number, class, &message).problem(&subject().on_device(&device));
        prop_assert!(!problem.sentence.pt.is_empty() && !problem.hint.pt.is_empty());
        prop_assert!(!problem.sentence.en.is_empty() && !problem.hint.en.is_empty());
    }
}
