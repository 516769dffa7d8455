//! Why nobody looks for newer versions, and why a look told nothing.

use super::Version;
use crate::problem::{Code, Problem};
use crate::words;
use crate::words::{Language, date_time};
use chrono::{DateTime, FixedOffset};

pub(super) fn off_by_default() -> Problem {
    Problem::new(
        Code::UpdateOff,
        words!("Não se procuram versões novas.", "Newer versions are not looked for."),
        words!(
            "Para procurar, indique na configuração, em update.url, o endereço do aviso de versão.",
            "To look for them, name the address of the notice of versions as update.url in the configuration."
        ),
    )
}

pub(super) fn off_by_configuration() -> Problem {
    Problem::new(
        Code::UpdateOff,
        words!(
            "A procura de versões novas está desligada na configuração.",
            "The look for newer versions is switched off in the configuration."
        ),
        words!("Para ligar: update.off = false.", "To switch it on: update.off = false."),
    )
}

pub(super) fn off_by_build() -> Problem {
    Problem::new(
        Code::UpdateOff,
        words!(
            "Este programa foi compilado sem a chave de quem o publica: não há em quem acreditar sobre versões novas.",
            "This program was built without its publisher's key: there is nobody to believe about newer versions."
        ),
        words!(
            "Use o programa publicado, ou compile-o com a variável DMBACKUP_UPDATE_KEY.",
            "Use the published program, or build it with the variable DMBACKUP_UPDATE_KEY."
        ),
    )
}

pub(super) fn unreachable(cause: &str) -> Problem {
    Problem::new(
        Code::UpdateUnreachable,
        words!(
            "O aviso de versão não pôde ser consultado: {cause}.",
            "The notice of versions cannot be reached: {cause}."
        ),
        words!(
            "Sem internet isso é normal; o programa procura de novo sozinho.",
            "Without the internet that is normal; the program looks again by itself."
        ),
    )
}

pub(super) fn no_notice(status: u16) -> Problem {
    unreachable(&format!("HTTP {status}"))
}

pub(super) fn too_large() -> Problem {
    Problem::new(
        Code::UpdateNotice,
        words!(
            "O que está no endereço do aviso de versão é grande demais para ser um.",
            "What is at the address of the notice of versions is too large to be one."
        ),
        check_the_address(),
    )
}

pub(super) fn not_understood() -> Problem {
    Problem::new(
        Code::UpdateNotice,
        words!(
            "O aviso de versão está assinado, mas esta versão do programa não o entende.",
            "The notice of versions is signed, but this version of the program does not understand it."
        ),
        words!(
            "Procure a versão nova com quem lhe fornece o programa.",
            "Ask whoever supplies the program for the newer version."
        ),
    )
}

pub(super) fn no_signature() -> Problem {
    Problem::new(
        Code::UpdateSignature,
        words!(
            "O aviso de versão não tem uma assinatura que se possa ler, e não foi considerado.",
            "The notice of versions has no signature that can be read, and is not believed."
        ),
        check_the_address(),
    )
}

pub(super) fn wrong_signature() -> Problem {
    Problem::new(
        Code::UpdateSignature,
        words!(
            "O aviso de versão não foi assinado por quem publica este programa, e não foi considerado.",
            "The notice of versions was not signed by this program's publisher, and is not believed."
        ),
        check_the_address(),
    )
}

pub(super) fn expired(at: DateTime<FixedOffset>) -> Problem {
    let (pt, en) = (date_time(at, Language::Portuguese), date_time(at, Language::English));
    Problem::new(
        Code::UpdateExpired,
        words!("O aviso de versão venceu em {pt}.", "The notice of versions expired at {en}."),
        words!(
            "Confira a data deste computador; se ela está certa, avise quem lhe fornece o programa.",
            "Check this machine's date; if it is right, tell whoever supplies the program."
        ),
    )
}

pub(super) fn older(told: Version, newest: Version) -> Problem {
    Problem::new(
        Code::UpdateOld,
        words!(
            "O aviso de versão é antigo: fala da {told}, e a {newest} já é conhecida.",
            "The notice of versions is old: it tells of {told}, and {newest} is known already."
        ),
        check_the_address(),
    )
}

fn check_the_address() -> words::Words {
    words!(
        "Confira update.url na configuração; se está certo, avise quem lhe fornece o programa.",
        "Check update.url in the configuration; if it is right, tell whoever supplies the program."
    )
}
