//! The table of exit codes.

use crate::problem::Exit;
use crate::words;
use crate::words::{Language, Words};
use serde::Serialize;

/// Every exit code, in order.
pub const ALL: [Exit; 15] = [
    Exit::Success,
    Exit::Internal,
    Exit::Usage,
    Exit::Configuration,
    Exit::Server,
    Exit::Access,
    Exit::Database,
    Exit::Folder,
    Exit::Space,
    Exit::Warning,
    Exit::Damaged,
    Exit::Cancelled,
    Exit::NoAgent,
    Exit::Refused,
    Exit::AlreadyRunning,
];

/// A row of the table, for programs.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The number.
    pub code: u8,
    /// What it means.
    pub meaning: Words,
}

/// The table, for programs.
pub fn rows() -> Vec<Row> {
    ALL.into_iter().map(|exit| Row { code: exit as u8, meaning: meaning(exit) }).collect()
}

/// The table, for people.
pub fn table(language: Language) -> String {
    let rows: Vec<_> =
        ALL.into_iter().map(|exit| format!("{:>3}  {}", exit as u8, meaning(exit).get(language))).collect();
    rows.join("\n")
}

fn meaning(exit: Exit) -> Words {
    match exit {
        Exit::Success => words!("Feito, tudo certo.", "Done, everything well."),
        Exit::Internal => words!("Erro interno do programa.", "An error of the program."),
        Exit::Usage => words!("Linha de comando errada.", "The command line is wrong."),
        Exit::Configuration => {
            words!("Configuração ausente ou errada.", "The configuration is missing or wrong.")
        }
        Exit::Server => words!(
            "SQL Server inacessível: serviço parado, rede, TLS, conexão perdida, sem resposta.",
            "SQL Server cannot be reached: service stopped, network, TLS, connection lost, no answer."
        ),
        Exit::Access => words!("Login recusado, ou sem permissão.", "Login refused, or without a right."),
        Exit::Database => words!(
            "Banco de dados ausente, offline, em restauração ou indisponível.",
            "Database missing, offline, restoring or unavailable."
        ),
        Exit::Folder => words!(
            "Pasta de backup ausente, somente leitura, de outro agente, ou com erro de disco.",
            "Backup folder missing, read-only, another agent's, or its disk fails."
        ),
        Exit::Space => words!("Falta espaço em disco.", "Not enough disk space."),
        Exit::Warning => words!(
            "Backup bom, mas não em todos os lugares, ou há algo a rever.",
            "The backup is good but not everywhere, or there is something to look over."
        ),
        Exit::Damaged => words!(
            "Dados danificados: o banco, ou um arquivo de backup.",
            "Data are damaged: the database, or a backup file."
        ),
        Exit::Cancelled => words!("Interrompido por alguém.", "Somebody stopped it."),
        Exit::NoAgent => words!(
            "O agente não está em execução, não responde, ou é de outra versão.",
            "No agent is running, it does not answer, or it is of another version."
        ),
        Exit::Refused => words!(
            "O agente recusou: sem permissão, ou não é possível agora.",
            "The agent refused: not allowed, or not possible now."
        ),
        Exit::AlreadyRunning => words!(
            "Outro agente já usa este estado ou esta pasta de backup.",
            "Another agent already holds this state or this backup folder."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_counts_without_a_gap_and_every_problem_ends_in_it() {
        for (number, exit) in ALL.into_iter().enumerate() {
            assert_eq!(exit as usize, number);
        }
        for code in crate::problem::Code::ALL {
            assert!(ALL.contains(&code.exit()), "{code}");
        }
    }
}
