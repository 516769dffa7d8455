//! What is sent: made once, in the shop's language, and kept as it is until it is sent.

use crate::backup::outcome::{Outcome, RunReport};
use crate::config::Shop;
use crate::cycle::catalogue::Severity;
use crate::notify::Notice;
use crate::words;
use crate::words::{Language, date_time};
use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The most of a log's end that a sign of life carries, in bytes.
pub const MOST_LOG_BYTES: u64 = 8 << 10;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "letter", rename_all = "snake_case")]
pub enum Letter {
    /// Something that people are to read.
    Notice {
        /// One line.
        subject: String,
        /// The rest, of several lines.
        text: String,
        /// Names the matter.
        topic: String,
        /// How grave it is.
        severity: Severity,
        /// When it was to be told.
        at: DateTime<FixedOffset>,
        /// Whose it is.
        shop: Shop,
    },
    /// A sign of life.
    Beat {
        /// Which.
        signal: Signal,
        /// The run that it belongs to; none for a trial.
        run: Option<Uuid>,
        /// What is told with it.
        body: String,
    },
}

/// The signs of life, in healthchecks' manner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A backup begins.
    Start,
    /// It was made.
    Success,
    /// It was not made, nor by its second try.
    Fail,
    /// Only to be written down: a trial.
    Log,
}

impl Letter {
    /// A notice for the people of `shop`.
    pub fn of_notice(notice: &Notice, shop: &Shop, language: Language) -> Self {
        let title = notice.title.get(language);
        let when = date_time(notice.at, language);
        let lines = [
            notice.sentence.get(language).to_owned(),
            notice.hint.get(language).to_owned(),
            String::new(),
            notice.last_good_line().get(language).to_owned(),
            words!("Hora deste aviso: {when}.", "Time of this alert: {when}.").get(language).to_owned(),
            String::new(),
            whose(shop, language),
        ];
        Self::Notice {
            subject: subject(title, shop, language),
            text: lines.join("\n"),
            topic: notice.topic.clone(),
            severity: notice.severity,
            at: notice.at,
            shop: shop.clone(),
        }
    }

    /// A trial that people read.
    pub fn trial(shop: &Shop, at: DateTime<FixedOffset>, language: Language) -> Self {
        let title = words!("Teste dos avisos", "Trial of the alerts");
        let when = date_time(at, language);
        let text = words!(
            "Se você está lendo isto, os avisos desta loja chegam até você. Não é preciso fazer nada.\nHora deste teste: {when}.",
            "If you read this, the alerts of this shop reach you. There is nothing to do.\nTime of this trial: {when}."
        );
        Self::Notice {
            subject: subject(title.get(language), shop, language),
            text: format!("{}\n\n{}", text.get(language), whose(shop, language)),
            topic: "test".to_owned(),
            severity: Severity::Notice,
            at,
            shop: shop.clone(),
        }
    }

    /// A trial of the heartbeat, which changes nothing there.
    pub fn trial_beat(shop: &Shop, language: Language) -> Self {
        let body = words!("Teste dos avisos do DMBackup.", "Trial of DMBackup's alerts.");
        let body = format!("{}\n{}\n", body.get(language), whose(shop, language));
        Self::Beat { signal: Signal::Log, run: None, body }
    }

    /// The sign that a run begins.
    pub fn start(run: Uuid) -> Self {
        Self::Beat { signal: Signal::Start, run: Some(run), body: String::new() }
    }

    /// The sign of what came of a run; `None` where that is no sign yet: a first failure is tried again, and whoever stopped a
    /// run knows it. `log_end` goes with a failure.
    pub fn of_end(report: &RunReport, is_final: bool, log_end: &str, language: Language) -> Option<Self> {
        let signal = match report.outcome {
            Some(Outcome::Success | Outcome::Warning) => Signal::Success,
            Some(Outcome::Failed) if is_final => Signal::Fail,
            Some(Outcome::Failed | Outcome::Cancelled | Outcome::Interrupted) | None => return None,
        };
        let problems =
            report.problems.iter().map(|problem| format!("[{}] {}\n", problem.code, problem.text(language)));
        let mut body: String = problems.collect();
        if signal == Signal::Fail && !log_end.is_empty() {
            body.push('\n');
            body.push_str(log_end);
        }
        Some(Self::Beat { signal, run: Some(report.id), body })
    }
}

fn subject(title: &str, shop: &Shop, language: Language) -> String {
    let (name, store) = (&shop.trade_name, &shop.store);
    let words =
        words!("DMBackup: {title} — {name} (loja {store})", "DMBackup: {title} — {name} (store {store})");
    // A line break in a name would begin a header of its own.
    words.get(language).replace(char::is_control, " ")
}

fn whose(shop: &Shop, language: Language) -> String {
    let (name, store, version) = (&shop.legal_name, &shop.store, env!("CARGO_PKG_VERSION"));
    let cnpj = shop.cnpj.as_ref().map(|cnpj| format!(", CNPJ {cnpj}")).unwrap_or_default();
    let words = words!(
        "{name}{cnpj}, loja {store}. Enviado pelo DMBackup {version}.",
        "{name}{cnpj}, store {store}. Sent by DMBackup {version}."
    );
    words.get(language).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{notice, shop};
    use super::*;
    use crate::agent::history::tests::run;
    use crate::problem::Code;

    #[test]
    fn a_notice_says_what_is_wrong_what_to_do_and_whose_it_is() {
        let Letter::Notice { subject, text, topic, .. } =
            Letter::of_notice(&notice(), &shop(), Language::Portuguese)
        else {
            panic!("it is for people")
        };
        assert_eq!(subject, "DMBackup: Backup não realizado — Farmácia Modelo (loja 3)");
        assert_eq!(topic, "second-failure");
        assert_eq!(
            text,
            format!(
                "O login foi recusado.\nConfira a senha.\n\nÚltimo bom backup: 22/11/2026 08:03.\nHora deste aviso: \
                 22/11/2026 10:00.\n\nFarmácia Modelo Ltda, CNPJ 11.222.333/0001-81, loja 3. Enviado pelo DMBackup {}.",
                env!("CARGO_PKG_VERSION")
            )
        );
    }

    #[test]
    fn a_name_with_a_line_break_makes_no_header_of_its_own() {
        let shop = Shop { trade_name: "X\r\nBcc: a@b".to_owned(), ..shop() };
        let Letter::Notice { subject, .. } = Letter::trial(&shop, notice().at, Language::English) else {
            panic!()
        };
        assert!(!subject.contains(['\r', '\n']), "{subject:?}");
    }

    #[test]
    fn only_what_is_final_is_a_sign_and_only_a_failure_carries_the_log() {
        let signal = |outcome, is_final| {
            let report = run(9, outcome, &[Code::SqlLogin]);
            match Letter::of_end(&report, is_final, "the log", Language::English) {
                Some(Letter::Beat { signal, body, .. }) => Some((signal, body.contains("the log"))),
                Some(Letter::Notice { .. }) => panic!("it is a sign"),
                None => None,
            }
        };
        assert_eq!(signal(Outcome::Success, true), Some((Signal::Success, false)));
        assert_eq!(signal(Outcome::Warning, false), Some((Signal::Success, false)));
        assert_eq!(signal(Outcome::Failed, false), None);
        assert_eq!(signal(Outcome::Failed, true), Some((Signal::Fail, true)));
        assert_eq!(signal(Outcome::Cancelled, true), None);
    }
}
