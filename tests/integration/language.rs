//! The language of every program: as the command line asks for, else `DMBACKUP_LANG`, else the system's locale, else Portuguese.

use std::process::Command;

/// What the programs look at, and a screen, which none of them is to find.
const LOOKED_AT: [&str; 8] =
    ["DMBACKUP_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANG", "DISPLAY", "WAYLAND_DISPLAY"];

/// The variables of the environment, the option, and the language that comes of both.
type Case = (&'static [(&'static str, &'static str)], &'static [&'static str], &'static str);

const CASES: [Case; 10] = [
    (&[], &[], "pt"),
    (&[("LANG", "C")], &[], "pt"),
    (&[("LANG", "en_US.UTF-8")], &[], "en"),
    (&[("LANG", "pt_BR.UTF-8")], &[], "pt"),
    (&[("LANG", "fr_FR.UTF-8")], &[], "pt"),
    (&[("LANG", "pt_BR.UTF-8"), ("LC_ALL", "en_GB.UTF-8")], &[], "en"),
    (&[("DMBACKUP_LANG", "en"), ("LANG", "pt_BR.UTF-8")], &[], "en"),
    (&[("DMBACKUP_LANG", "pt-BR"), ("LANG", "en_US.UTF-8")], &[], "pt"),
    (&[("DMBACKUP_LANG", "en")], &["--lang", "pt"], "pt"),
    (&[("DMBACKUP_LANG", "pt")], &["--lang=en"], "en"),
];

/// What `program` says of a word that it does not know.
fn said(program: &str, variables: &[(&str, &str)], option: &[&str]) -> String {
    let mut command = Command::new(program);
    for name in LOOKED_AT {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).args(option).arg("--nada").output().unwrap();
    assert!(!output.status.success(), "{program}: {output:?}");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap()
}

fn each_case_speaks_its_language(program: &str) {
    let [portuguese, english] = ["pt", "en"].map(|language| said(program, &[], &["--lang", language]));
    assert!(!portuguese.trim().is_empty() && portuguese != english, "{program}: {portuguese}");
    for (variables, option, language) in CASES {
        let expected = if language == "pt" { &portuguese } else { &english };
        assert_eq!(&said(program, variables, option), expected, "{program}: {variables:?} {option:?}");
    }
}

#[test]
fn the_command_line_speaks_the_language_that_is_asked_for_or_the_systems() {
    each_case_speaks_its_language(env!("CARGO_BIN_EXE_dmbackupctl"));
}

#[cfg(feature = "tray")]
#[test]
fn the_tray_program_speaks_the_language_that_is_asked_for_or_the_systems() {
    each_case_speaks_its_language(env!("CARGO_BIN_EXE_dmbackup"));
}

#[cfg(feature = "window")]
#[test]
fn the_window_speaks_the_language_that_is_asked_for_or_the_systems() {
    each_case_speaks_its_language(env!("CARGO_BIN_EXE_dmbackup-window"));
}
