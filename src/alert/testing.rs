//! A shop and a notice for the tests of this room.

use crate::agent::history::tests::at;
use crate::config::Shop;
use crate::cycle::catalogue::Severity;
use crate::notify::{Notice, Reach};
use crate::words::Words;
use chrono::TimeDelta;

/// A shop with everything.
pub fn shop() -> Shop {
    Shop {
        legal_name: "Farmácia Modelo Ltda".to_owned(),
        trade_name: "Farmácia Modelo".to_owned(),
        cnpj: Some("11222333000181".parse().unwrap()),
        store: "3".to_owned(),
    }
}

/// A notice of its failure, at ten.
pub fn notice() -> Notice {
    let words = |pt: &str, en: &str| Words { pt: pt.to_owned(), en: en.to_owned() };
    Notice {
        topic: "second-failure".to_owned(),
        at: at(10),
        severity: Severity::Alert,
        reach: Reach::Everybody,
        title: words("Backup não realizado", "Backup not made"),
        sentence: words("O login foi recusado.", "The login was refused."),
        hint: words("Confira a senha.", "Check the password."),
        last_good: Some(at(8) + TimeDelta::minutes(3)),
    }
}
