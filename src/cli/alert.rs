//! `alert`: the ways on which people are told are tried.

use super::args::AlertArgs;
use super::printer::Printer;
use crate::alert::Channel;
use crate::control::client::Client;
use crate::problem::{Code, Exit, Problem, Result};
use crate::words;
use std::path::Path;

/// Has the agent send a trial by the way that is named, or by each that is configured.
///
/// # Errors
/// There is no agent, the way is not configured, or nothing got out on it.
pub async fn run(state: &Path, args: AlertArgs, printer: &mut Printer) -> Result<Exit> {
    let named: Option<Channel> = args.test.flatten().map(Into::into);
    let channels = named.map_or_else(|| Channel::ALL.to_vec(), |channel| vec![channel]);
    let mut client = Client::connect(state).await?;
    let mut tried = Vec::new();
    for channel in channels {
        let result = match client.alert_test(channel).await {
            Err(problem) if named.is_none() && problem.code == Code::AlertNotConfigured => continue,
            result => result,
        };
        if !printer.is_json() {
            tell(channel, result.as_ref().err(), printer);
        }
        tried.push((channel, result.err()));
    }
    if printer.is_json() {
        let row = |(channel, problem): &(Channel, Option<Problem>)| serde_json::json!({ "channel": channel, "sent": problem.is_none(), "problem": problem });
        printer.document(&serde_json::json!({ "alerts": tried.iter().map(row).collect::<Vec<_>>() }));
    } else if tried.is_empty() {
        printer.words(&words!(
            "Nenhum caminho está configurado: veja a seção [alert] da configuração.",
            "No way is configured: see the section [alert] of the configuration."
        ));
    }
    let failed = tried.into_iter().find_map(|(_, problem)| problem);
    Ok(failed.map_or(Exit::Success, |problem| problem.exit()))
}

fn tell(channel: Channel, problem: Option<&Problem>, printer: &mut Printer) {
    let title = channel.title();
    let (pt, en) = (title.pt, title.en);
    match problem {
        None => printer.words(&words!("{pt}: enviado", "{en}: sent")),
        Some(problem) => {
            printer.words(&words!("{pt}: NÃO ENVIADO", "{en}: NOT SENT"));
            printer.problem(problem);
        }
    }
}
