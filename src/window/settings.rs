//! «Config. APP»: the configuration in force, grouped, with where each value came from and what is wrong with the file.

use super::trial::Trials;
use super::ui::{Setting, Trial};
use crate::agent::status::ConfigurationView;
use crate::alert::Channel;
use crate::config::{self, Origin};
use crate::control::protocol::ConfigView;
use crate::words;
use crate::words::{Language, Words};

/// The settings as they are listed: a heading stands at the first of each group, with «Testar» where the group is a way on which
/// people are told.
pub fn settings(
    view: &ConfigView,
    file: &ConfigurationView,
    trials: &Trials,
    language: Language,
) -> Vec<Setting> {
    let mut group = None;
    let row = |setting: &config::Setting| {
        let own = setting.key.rsplit_once('.').map_or("", |(group, _)| group);
        let is_first = group.replace(own.to_owned()).as_deref() != Some(own);
        let way = own.strip_prefix("alert.").and_then(Channel::from_name).filter(|_| is_first);
        let problems = file.findings.iter().filter(|finding| finding.key == setting.key);
        let problems: Vec<_> = problems.map(|finding| finding.problem.text(language)).collect();
        Setting {
            group: if is_first { group_name(own).get(language).into() } else { "".into() },
            key: setting.key.rsplit('.').next().unwrap_or_default().into(),
            value: if setting.value.is_empty() { "—".into() } else { setting.value.as_str().into() },
            origin: origin(&setting.origin).get(language).into(),
            problem: problems.join("\n").into(),
            trial: way.map_or_else(Trial::default, |way| trials.shown(way, view, language)),
        }
    };
    view.settings.iter().map(row).collect()
}

/// What is wrong with the file as a whole, or with keys that are not in force.
pub fn problem(view: &ConfigView, file: &ConfigurationView, language: Language) -> String {
    let is_shown = |key: &str| view.settings.iter().any(|setting| setting.key == key);
    let elsewhere = file.findings.iter().filter(|finding| !is_shown(&finding.key));
    let mut lines: Vec<_> = elsewhere.map(|finding| finding.problem.text(language)).collect();
    if !file.findings.is_empty() && file.in_force {
        let kept = words!(
            "O arquivo tem erros; continua valendo a última configuração boa.",
            "The file has errors; the last good configuration stays in force."
        );
        lines.insert(0, kept.get(language).to_owned());
    }
    lines.join("\n")
}

/// The value in force at a key; empty where it is not set.
pub fn value<'a>(view: &'a ConfigView, key: &str) -> &'a str {
    view.settings.iter().find(|setting| setting.key == key).map_or("", |setting| &setting.value)
}

fn group_name(group: &str) -> Words {
    match group {
        "shop" => words!("Loja", "Shop"),
        "server" => words!("SQL Server", "SQL Server"),
        "backup" => words!("Backup", "Backup"),
        "terminal" => words!("Terminal de backup", "Backup terminal"),
        "agent" => words!("Agente", "Agent"),
        "alert.email" => words!("Avisos por e-mail", "Alerts by e-mail"),
        "alert.webhook" => words!("Avisos por webhook", "Alerts by webhook"),
        "alert.telegram" => words!("Avisos por Telegram", "Alerts by Telegram"),
        "alert.heartbeat" => words!("Sinal de vida", "Heartbeat"),
        "head_office" => words!("Matriz", "Head office"),
        "update" => words!("Atualização", "Update"),
        "" => words!("Geral", "General"),
        other => Words::same(other),
    }
}

fn origin(origin: &Origin) -> Words {
    match origin {
        Origin::Default => words!("padrão", "default"),
        Origin::File { line } => words!("arquivo, linha {line}", "file, line {line}"),
        Origin::Environment { name } => words!("variável {name}", "variable {name}"),
        Origin::SecretFile { path } => words!("arquivo {path}", "file {path}"),
    }
}
