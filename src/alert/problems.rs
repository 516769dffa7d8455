//! Why something is not sent, for people. No sentence carries an address: that may be a secret.

use super::channel::Channel;
use crate::problem::{Code, Problem};
use crate::words;

/// The way is not configured.
pub fn not_configured(channel: Channel) -> Problem {
    let name = channel.name();
    Problem::new(
        Code::AlertNotConfigured,
        words!("Os avisos por «{name}» não estão configurados.", "Alerts by “{name}” are not configured."),
        words!(
            "Preencha a seção [alert.{name}] da configuração.",
            "Fill in the section [alert.{name}] of the configuration."
        ),
    )
}

/// The server answered with this status instead of a good one.
pub fn refused(channel: Channel, status: u16) -> Problem {
    let hint = match status {
        401 | 403 | 404 | 410 => words!(
            "Confira o endereço e o token ou a senha desse serviço na configuração.",
            "Check the address and the token or password of that service in the configuration."
        ),
        300..=399 => words!(
            "O serviço mudou de endereço: coloque na configuração o endereço novo, com https.",
            "The service has moved: put its new address into the configuration, with https."
        ),
        _ => words!(
            "Será tentado de novo. Se continuar, confira esse serviço e a configuração.",
            "It is tried again. Should it go on, check that service and the configuration."
        ),
    };
    let answer = format!("HTTP {status}");
    unsent(channel, &answer, &answer, hint)
}

/// It was not sent, for this reason.
pub fn failed(channel: Channel, pt: &str, en: &str) -> Problem {
    unsent(
        channel,
        pt,
        en,
        words!(
            "Confira a internet e a seção [alert] da configuração; será tentado de novo. Para testar: dmbackupctl alert --test.",
            "Check the internet and the section [alert] of the configuration; it is tried again. To test: dmbackupctl alert --test."
        ),
    )
}

fn unsent(channel: Channel, pt: &str, en: &str, hint: crate::words::Words) -> Problem {
    let title = channel.title();
    let (title_pt, title_en) = (title.pt, title.en);
    Problem::new(
        Code::AlertUnsent,
        words!(
            "O aviso por {title_pt} não foi enviado: {pt}.",
            "The alert by {title_en} was not sent: {en}."
        ),
        hint,
    )
}
