//! Completions and the manual page, as shells and `man` take them.

use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

const CTL: &str = env!("CARGO_BIN_EXE_dmbackupctl");

/// What the program prints.
fn printed(words: &[&str]) -> String {
    let output = Command::new(CTL).args(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The script of `shell` in a file.
fn script(shell: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script").display().to_string();
    fs::write(&file, printed(&["completions", shell])).unwrap();
    (folder, file)
}

fn run(program: &str, words: &[&str]) -> Output {
    let output = Command::new(program).args(words).env("LC_ALL", "C.UTF-8").output();
    output.unwrap_or_else(|error| panic!("{program} is needed (`cargo xtask test` installs it): {error}"))
}

/// What bash offers where `line` is typed so far, its last word unfinished.
fn offered_by_bash(line: &str) -> Vec<String> {
    let (_folder, file) = script("bash");
    let complete = format!(
        "source '{file}'; read -ra COMP_WORDS <<< '{line}'; COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
         COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; \
         how=$(complete -p dmbackupctl) || exit 1; how=${{how##*-F }}; \
         \"${{how%% *}}\" dmbackupctl \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
         printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = run("bash", &["--norc", "-c", &complete]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    assert_eq!(offered_by_bash("dmbackupctl sta"), ["status"]);
    assert_eq!(offered_by_bash("dmbackupctl config s"), ["show"]);
    assert_eq!(offered_by_bash("dmbackupctl status --wa"), ["--watch"]);
    assert_eq!(offered_by_bash("dmbackupctl completions f"), ["fish"]);
    assert!(offered_by_bash("dmbackupctl nonsense").is_empty());
}

#[test]
fn zsh_takes_the_script() {
    let (_folder, file) = script("zsh");
    let output = run("zsh", &["-n", &file]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let load = format!(
        "autoload -U compinit; compinit -D -u; source '{file}'; print -r -- ${{_comps[dmbackupctl]}}"
    );
    let output = run("zsh", &["-f", "-c", &load]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "_dmbackupctl", "{output:?}");
}

#[test]
fn fish_completes_commands() {
    let (_folder, file) = script("fish");
    let output =
        run("fish", &["--no-config", "-c", &format!("source {file}; complete -C 'dmbackupctl sta'")]);
    let offered = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && offered.starts_with("status\t"), "{offered}");
}

/// PowerShell itself is not to be had everywhere; that the script names what it completes is.
#[test]
fn the_script_for_powershell_completes_this_program() {
    let script = printed(&["completions", "powershell"]);
    assert!(script.contains("Register-ArgumentCompleter -Native -CommandName 'dmbackupctl'"), "{script}");
    for verb in ["run", "status", "backup", "exit-codes", "completions"] {
        assert!(script.contains(&format!("[CompletionResult]::new('{verb}'")), "{verb} in:\n{script}");
    }
}

#[test]
fn descriptions_in_completions_are_in_the_readers_language() {
    assert!(printed(&["completions", "fish", "--lang", "pt"]).contains("Para o backup em andamento"));
    assert!(printed(&["completions", "fish", "--lang", "en"]).contains("Stop the backup that goes on"));
}

#[test]
fn a_shell_that_is_not_known_is_told() {
    let output = Command::new(CTL).args(["completions", "tcsh", "--lang", "en"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tcsh"));
}

#[test]
fn the_manual_page_renders_without_a_warning_in_both_languages() {
    for (language, says) in [("pt", "Para o backup em andamento"), ("en", "Stop the backup that goes on")] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dmbackupctl.1").display().to_string();
        fs::write(&file, printed(&["man", "--lang", language])).unwrap();
        let lint = run("mandoc", &["-T", "lint", "-W", "warning,stop", &file]);
        assert!(lint.status.success() && lint.stdout.is_empty(), "{}", String::from_utf8_lossy(&lint.stdout));
        let page = run("mandoc", &["-T", "utf8", &file]);
        let page = String::from_utf8(page.stdout).unwrap();
        assert!(page.contains(says), "{page}");
    }
}
