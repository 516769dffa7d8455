//! The checklist after a replacement (PS8): what a person looks at in the shop, «como se a loja estivesse sendo inaugurada», before
//! the old database goes. Pure.

use crate::words;
use crate::words::{Language, Words};
use serde::{Deserialize, Serialize};

/// Something that is to be in order before the shop works with a restored database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Sales.
    Vendas,
    /// Fiscal documents.
    Fiscal,
    /// Purchases.
    Compras,
    /// Users.
    Usuarios,
    /// The last entries.
    Lancamentos,
}

impl Item {
    /// The whole checklist, in its order.
    pub const ALL: [Self; 5] = [Self::Vendas, Self::Fiscal, Self::Compras, Self::Usuarios, Self::Lancamentos];

    /// What people type for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vendas => "vendas",
            Self::Fiscal => "fiscal",
            Self::Compras => "compras",
            Self::Usuarios => "usuarios",
            Self::Lancamentos => "lancamentos",
        }
    }

    /// The item that is called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|item| item.name() == name)
    }

    /// What is to be in order.
    pub fn words(self) -> Words {
        match self {
            Self::Vendas => words!("uma venda baixa o estoque", "a sale lowers the stock"),
            Self::Fiscal => {
                words!("a sequência de NFC-e e NF-e está certa", "the sequence of NFC-e and NF-e is right")
            }
            Self::Compras => words!("entra uma nota de compra", "a purchase can be entered"),
            Self::Usuarios => words!("os usuários entram no sistema", "users can log in"),
            Self::Lancamentos => {
                words!("os últimos lançamentos são os esperados", "the last entries are the expected ones")
            }
        }
    }
}

/// The names of items, as they are typed: `vendas, fiscal`.
pub fn names(items: &[Item]) -> String {
    items.iter().map(|item| item.name()).collect::<Vec<_>>().join(", ")
}

/// A replacement that stands: the shop works with a restored database, and nobody has released it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    /// The name of the old database; `None` where there is none, since it was overwritten or had been lost.
    pub kept: Option<String>,
    /// The safety backup of the old database, where it was overwritten.
    #[serde(default)]
    pub safety: Option<String>,
    /// What of the checklist is ticked.
    pub ticked: Vec<Item>,
    /// What is not, and keeps the old database from being removed.
    pub missing: Vec<Item>,
}

impl Replacement {
    /// One of which `ticked` is ticked.
    pub fn new(kept: Option<String>, ticked: &[Item]) -> Self {
        let (ticked, missing) = Item::ALL.into_iter().partition(|item| ticked.contains(item));
        Self { kept, safety: None, ticked, missing }
    }

    /// The whole list, a line each: `[x] vendas: uma venda baixa o estoque`.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let line = |item: Item| {
            let mark = if self.ticked.contains(&item) { "x" } else { " " };
            format!("[{mark}] {}: {}", item.name(), item.words().get(language))
        };
        Item::ALL.map(line).into()
    }

    /// What is still to be done, in one line.
    pub fn next(&self) -> Words {
        if self.missing.is_empty() {
            return words!(
                "tudo conferido; encerre com «dmbackupctl restore --release»",
                "all checked; end it by “dmbackupctl restore --release”"
            );
        }
        let names = names(&self.missing);
        words!("falta conferir: {names}", "still to be checked: {names}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_found_by_its_name_and_by_no_other() {
        for item in Item::ALL {
            assert_eq!(Item::named(item.name()), Some(item));
            assert_eq!(serde_json::to_value(item).unwrap(), item.name(), "one name everywhere");
        }
        assert_eq!(Item::named("tudo"), None);
    }

    #[test]
    fn what_is_not_ticked_is_missing_in_the_lists_own_order() {
        let replacement = Replacement::new(None, &[Item::Lancamentos, Item::Fiscal]);
        assert_eq!(replacement.ticked, [Item::Fiscal, Item::Lancamentos]);
        assert_eq!(replacement.missing, [Item::Vendas, Item::Compras, Item::Usuarios]);
        assert_eq!(replacement.next().pt, "falta conferir: vendas, compras, usuarios");
        let lines = replacement.lines(Language::Portuguese);
        assert_eq!(
            lines[..2],
            ["[ ] vendas: uma venda baixa o estoque", "[x] fiscal: a sequência de NFC-e e NF-e está certa"]
        );
        assert!(Replacement::new(None, &Item::ALL).next().en.contains("restore --release"));
    }
}
