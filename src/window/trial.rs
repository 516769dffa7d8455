//! «Testar» beside each way on which people are told: which can be tried, that a trial goes on, what came of it.

use super::settings;
use super::ui::{Mood, Trial};
use crate::alert::{self, Channel};
use crate::control::protocol::ConfigView;
use crate::problem::Result;
use crate::words;
use crate::words::Language;
use std::collections::BTreeMap;

/// What became of the last press of each button.
#[derive(Debug, Default)]
pub struct Trials(BTreeMap<Channel, Pressed>);

#[derive(Debug)]
enum Pressed {
    Sending,
    Answered(Result<()>),
}

impl Trials {
    /// The button of `channel` was pressed.
    pub fn ask(&mut self, channel: Channel) {
        self.0.insert(channel, Pressed::Sending);
    }

    /// The agent has answered.
    pub fn answered(&mut self, channel: Channel, answer: Result<()>) {
        self.0.insert(channel, Pressed::Answered(answer));
    }

    /// What stands beside the settings of `channel`.
    pub fn shown(&self, channel: Channel, view: &ConfigView, language: Language) -> Trial {
        let title = channel.title();
        let (pt, en) = (title.pt, title.en);
        let label = words!("Testar {pt}", "Test {en}");
        let offered =
            Trial { way: channel.name().into(), label: label.get(language).into(), ..Trial::default() };
        if !is_configured(channel, view) {
            return Trial { off: alert::not_configured(channel).text(language).into(), ..offered };
        }
        match self.0.get(&channel) {
            None => offered,
            Some(Pressed::Sending) => {
                let line = words!("Enviando o teste…", "Sending the trial…").get(language).into();
                Trial { busy: true, mood: Mood::Working, line, ..offered }
            }
            Some(Pressed::Answered(Ok(()))) => {
                Trial { mood: Mood::Well, line: sent(channel).get(language).into(), ..offered }
            }
            Some(Pressed::Answered(Err(problem))) => {
                Trial { mood: Mood::Failed, line: problem.text(language).into(), ..offered }
            }
        }
    }
}

fn sent(channel: Channel) -> words::Words {
    match channel {
        Channel::Email | Channel::Telegram => words!(
            "Teste enviado. Veja se chegou a quem deve receber os avisos.",
            "Trial sent. See whether it has reached those who are to get the alerts."
        ),
        Channel::Webhook => {
            words!("Teste enviado; o servidor o aceitou.", "Trial sent; the server has taken it.")
        }
        Channel::Heartbeat => words!(
            "Teste enviado; o serviço apenas o anota, e ele não conta como sinal de vida.",
            "Trial sent; the service just records it, and it does not count as a sign of life."
        ),
    }
}

/// Whether the configuration in force has this way: the value that none of its kind goes without is there.
fn is_configured(channel: Channel, view: &ConfigView) -> bool {
    let key = match channel {
        Channel::Email => "alert.email.host",
        Channel::Webhook => "alert.webhook.url",
        Channel::Telegram => "alert.telegram.token",
        Channel::Heartbeat => "alert.heartbeat.url",
    };
    !settings::value(view, key).is_empty()
}
