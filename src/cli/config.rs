//! `config check` and `config show` (DM24): the configuration as it stands in its file, without an agent; or what is in force.

use super::args::{ConfigVerb, ShowArgs};
use super::printer::Printer;
use crate::config::{self, Finding, Loaded, Origin, Setting};
use crate::control::client::Client;
use crate::control::protocol::ConfigView;
use crate::problem::{Exit, Problem, Result};
use crate::words;
use crate::words::{Language, Words};
use std::path::Path;

/// Reads the configuration and tells what is asked; what is in force is the agent's to tell.
///
/// # Errors
/// The agent was asked, and is not there or has no valid configuration.
pub async fn run(verb: ConfigVerb, path: &Path, state: &Path, printer: &mut Printer) -> Result<Exit> {
    if let ConfigVerb::Show(ShowArgs { in_force: true }) = verb {
        let ConfigView { path, settings } = Client::connect(state).await?.config().await?;
        show(Path::new(&path), &settings, &[], printer);
        return Ok(Exit::Success);
    }
    Ok(match (config::load(path), verb) {
        (Ok(loaded), ConfigVerb::Check) => valid(path, &loaded, printer),
        (Ok(loaded), ConfigVerb::Show(_)) => {
            show(path, &loaded.settings, &loaded.warnings, printer);
            Exit::Success
        }
        (Err(findings), ConfigVerb::Check | ConfigVerb::Show(_)) => broken(path, &findings, printer),
    })
}

fn valid(path: &Path, loaded: &Loaded, printer: &mut Printer) -> Exit {
    if printer.is_json() {
        let warnings = &loaded.warnings;
        printer.document(
            &serde_json::json!({ "path": path, "valid": true, "findings": [], "warnings": warnings }),
        );
    } else {
        let shown = path.display();
        printer.words(&words!("A configuração {shown} é válida.", "The configuration {shown} is valid."));
        told(&loaded.warnings, printer);
    }
    if loaded.warnings.is_empty() { Exit::Success } else { Exit::Warning }
}

fn broken(path: &Path, findings: &[Finding], printer: &mut Printer) -> Exit {
    if printer.is_json() {
        printer.document(&serde_json::json!({ "path": path, "valid": false, "findings": findings }));
    } else {
        let shown = path.display();
        printer.words(&words!("A configuração {shown} tem erros:", "The configuration {shown} has errors:"));
        told(findings, printer);
    }
    findings.first().map_or(Exit::Configuration, |finding| Problem::exit(&finding.problem))
}

fn told(findings: &[Finding], printer: &mut Printer) {
    let language = printer.language();
    findings.iter().for_each(|finding| printer.line(format_args!("  ! {}", finding.problem.text(language))));
}

/// Every setting below the section of the file that it belongs to.
fn show(path: &Path, settings: &[Setting], warnings: &[Finding], printer: &mut Printer) {
    if printer.is_json() {
        printer.document(&serde_json::json!({ "path": path, "settings": settings }));
        return;
    }
    printer.line(path.display());
    let language = printer.language();
    let widest = settings.iter().map(|setting| setting.key.len()).max().unwrap_or_default();
    let mut section = "";
    for setting in settings {
        let of = setting.key.rsplit_once('.').map_or("", |(section, _)| section);
        if of != section {
            section = of;
            printer.line(format_args!("[{section}]"));
        }
        printer.line(line(setting, widest, language));
    }
    told(warnings, printer);
}

fn line(setting: &Setting, widest: usize, language: Language) -> String {
    let Setting { key, value, origin } = setting;
    let value = if value.is_empty() { "—" } else { value };
    format!("  {key:<widest$}  {value}  ({})", words_of(origin).get(language))
}

/// Where a value comes from, for people.
fn words_of(origin: &Origin) -> Words {
    match origin {
        Origin::Default => words!("padrão", "default"),
        Origin::File { line } => words!("linha {line}", "line {line}"),
        Origin::Environment { name } => words!("variável {name}", "variable {name}"),
        Origin::SecretFile { path } => words!("arquivo {path}", "file {path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::printer::tests::Paper;
    use std::fs;

    #[tokio::test]
    async fn a_broken_configuration_is_told_whole_and_a_valid_one_shown_without_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dmbackup.toml");
        fs::write(&path, "version = 1\nnonsense = 2\n[server]\nport = 'x'\n").unwrap();
        let paper = Paper::default();
        let exit = run(ConfigVerb::Check, &path, folder.path(), &mut paper.printer(false, false)).await;
        assert_eq!(exit, Ok(Exit::Configuration));
        assert!(paper.text().lines().count() > 2, "{}", paper.text());

        crate::durable::write_atomically(&folder.path().join("senha.txt"), b"abre-te").unwrap();
        let root = folder.path().display();
        let text = format!(
            "version = 1\n[shop]\nlegal_name = 'F'\n[server]\nuser = 'dm'\npassword_file = 'senha.txt'\n\
             [backup]\nfolder = '{root}'\n[terminal]\nlocal_only = true\n"
        );
        fs::write(&path, text).unwrap();
        let paper = Paper::default();
        let as_written = ConfigVerb::Show(ShowArgs { in_force: false });
        let exit = run(as_written, &path, folder.path(), &mut paper.printer(false, false)).await;
        assert_eq!(exit, Ok(Exit::Success));
        let sections: Vec<_> =
            paper.text().lines().filter(|line| line.starts_with('[')).map(str::to_owned).collect();
        let ways = ["[alert.email]", "[alert.webhook]", "[alert.telegram]", "[alert.heartbeat]"];
        assert_eq!(sections[..5], ["[shop]", "[server]", "[backup]", "[terminal]", "[agent]"]);
        assert_eq!(sections[5..9], ways);
        assert_eq!(sections[9..], ["[head_office]", "[update]"]);
        assert!(paper.text().contains("(linha 3)") && !paper.text().contains("abre-te"), "{}", paper.text());
    }
}
