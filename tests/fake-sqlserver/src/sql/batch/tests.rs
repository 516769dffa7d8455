//! Batches as people write them.

use super::media::RestoreKind;
use super::*;

fn one(text: &str) -> Action {
    let mut statements = parse(text).unwrap();
    assert_eq!(statements.len(), 1, "{text}");
    statements.remove(0).action
}

fn refused(text: &str) -> i32 {
    parse(text).unwrap_err().number
}

#[test]
fn a_backup_is_read_with_all_its_options() {
    let text = "BACKUP DATABASE [Farm]]ácia] TO DISK = N'/b/d''Ávila.bak' WITH COPY_ONLY, FORMAT, INIT, SKIP, CHECKSUM, \
                STATS = 5, NAME = N'n', DESCRIPTION = @d, NO_COMPRESSION, CONTINUE_AFTER_ERROR";
    let Action::Backup(backup) = one(text) else { panic!("no backup") };
    assert_eq!(backup.database, Text::Literal("Farm]ácia".to_owned()));
    assert_eq!(backup.devices, [Text::Literal("/b/d'Ávila.bak".to_owned())]);
    let options = backup.options;
    assert!(
        options.copy_only
            && options.format
            && options.init
            && options.checksum
            && options.continue_after_error
    );
    assert_eq!((options.stats, options.compression), (5, Some(false)));
    assert_eq!(options.description, Some(Text::Variable("@d".to_owned())));
    assert_eq!(refused("BACKUP DATABASE x TO DISK = N'a' WITH STATS = 0"), 3217);
    assert_eq!(refused("BACKUP DATABASE x TO DISK = N'a' WITH TEMPO"), 155);
    assert_eq!(refused("BACKUP DATABASE x TO TAPE = N'a'"), 102);
}

#[test]
fn a_restore_that_restores_nothing_is_read() {
    let Action::Restore(restore) = one("RESTORE VERIFYONLY FROM DISK = N'a' WITH CHECKSUM, FILE = 2") else {
        panic!("no restore")
    };
    assert_eq!((restore.kind, restore.checksum, restore.file), (RestoreKind::VerifyOnly, true, 2));
    assert_eq!(refused("RESTORE LOG x FROM DISK = N'a'"), 40510);
}

#[test]
fn statements_need_no_semicolons_between_them() {
    let text = "SET NOCOUNT ON\nUSE [x]\nSELECT 1 SELECT 2\nKILL 57 PRINT 'fim'\nGRANT BACKUP DATABASE, CHECKPOINT TO a";
    let statements = parse(text).unwrap();
    let lines: Vec<u32> = statements.iter().map(|statement| statement.line).collect();
    assert_eq!(lines, [1, 2, 3, 3, 4, 4, 5]);
    assert_eq!(statements[4].action, Action::Kill(57));
}

#[test]
fn if_else_and_blocks_hold_their_statements() {
    let Action::If(_, then, otherwise) = one("IF 1 = 1 BEGIN SELECT 1; SELECT 2 END; ELSE USE x") else {
        panic!("no if")
    };
    assert!(matches!(&then[0].action, Action::Block(inner) if inner.len() == 2));
    assert_eq!(otherwise[0].action, Action::Use("x".to_owned()));
    assert!(
        matches!(one("IF 1 = 1 KILL 60 ELSE KILL 61"), Action::If(_, then, _) if then[0].action == Action::Kill(60))
    );
}

#[test]
fn options_that_would_change_what_statements_do_are_refused() {
    assert_eq!(one("SET ANSI_NULLS, QUOTED_IDENTIFIER ON"), Action::SetOption(SetOption::Other));
    assert_eq!(one("SET TEXTSIZE 2147483647"), Action::SetOption(SetOption::Other));
    assert_eq!(refused("SET NOEXEC ON"), 40510);
    assert_eq!(refused("SET NADA ON"), 195);
}

#[test]
fn what_does_not_parse_never_panics() {
    let mut random = fastrand::Rng::with_seed(3);
    let words = [
        "SELECT", "BACKUP", "DATABASE", "[x]", "TO", "DISK", "=", "N'a'", "(", ")", ",", "WITH", "IF",
        "BEGIN", "END", "@x", "1", ";", "'", "EXEC", "GRANT", "SET",
    ];
    for _ in 0..5_000 {
        let text: Vec<&str> =
            (0..random.usize(1..12)).filter_map(|_| random.choice(&words).copied()).collect();
        let _ = parse(&text.join(" "));
    }
}
