//! The steps of the cycle, in the manual's words (DM10 to DM16).

use crate::words;
use crate::words::Words;
use serde::{Deserialize, Serialize};

/// A step of the cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Is the service of SQL Server running (DM10)?
    Service,
    /// The configuration is read, if it changed (DM11).
    Parameters,
    /// It is validated (DM12).
    Validation,
    /// The shop's own data (DM13).
    ClientData,
    /// Is there a newer version (DM14)?
    Version,
    /// Is a backup due (DM15)?
    LastBackup,
    /// Everything was looked at (DM16).
    Waiting,
}

impl Step {
    /// The steps in order.
    pub const ALL: [Step; 7] = [
        Self::Service,
        Self::Parameters,
        Self::Validation,
        Self::ClientData,
        Self::Version,
        Self::LastBackup,
        Self::Waiting,
    ];

    /// What the status line says while the step goes on.
    pub fn line(self) -> Words {
        match self {
            Self::Service => {
                words!("Verificando serviço do SQL Server...", "Checking the SQL Server service...")
            }
            Self::Parameters => words!("Carregando parâmetros...", "Loading parameters..."),
            Self::Validation => words!("Validando configurações...", "Validating the configuration..."),
            Self::ClientData => words!("Carregando dados do cliente...", "Loading the client's data..."),
            Self::Version => {
                words!("Verificando atualização de versão...", "Checking for a newer version...")
            }
            Self::LastBackup => {
                words!("Verificando último backup realizado...", "Checking the last backup made...")
            }
            Self::Waiting => words!("Aguardando tarefas...", "Waiting for tasks..."),
        }
    }

    /// What the status line says when the step went well; `None` where the manual has no words for it. Of the look for a newer
    /// version it is what is said where nobody looks.
    pub fn done(self) -> Option<Words> {
        match self {
            Self::Validation => Some(words!(
                "Configurações validadas com sucesso...",
                "Configuration validated successfully..."
            )),
            Self::ClientData => Some(words!("Dados do cliente carregados...", "Client's data loaded...")),
            Self::Version => Some(words!(
                "Verificando atualização de versão... não configurado",
                "Checking for a newer version... not configured"
            )),
            Self::Service | Self::Parameters | Self::LastBackup | Self::Waiting => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_manuals() {
        let said: Vec<_> = Step::ALL
            .into_iter()
            .flat_map(|step| [Some(step.line().pt), step.done().map(|words| words.pt)])
            .flatten()
            .collect();
        assert_eq!(
            said,
            [
                "Verificando serviço do SQL Server...",
                "Carregando parâmetros...",
                "Validando configurações...",
                "Configurações validadas com sucesso...",
                "Carregando dados do cliente...",
                "Dados do cliente carregados...",
                "Verificando atualização de versão...",
                "Verificando atualização de versão... não configurado",
                "Verificando último backup realizado...",
                "Aguardando tarefas...",
            ]
        );
    }
}
