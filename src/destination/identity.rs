//! Whose a destination is: the file `.dmbackup-id` at its top names shop and agent.

use crate::durable;
use crate::problem::{Code, Problem, Result};
use crate::words;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use uuid::Uuid;

/// The identity file's name.
pub(super) const FILE: &str = ".dmbackup-id";

/// Longest identity file that is read.
const LONGEST_BYTES: u64 = 4 << 10;

/// Where an agent keeps its own number, below its state folder.
const AGENT_FILE: &str = "agent-id";

/// Who writes to a destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The shop, as people name it. Told to people, not compared: a shop may change its name.
    pub shop: String,
    /// The agent's own number: the one that is compared.
    pub agent: Uuid,
}

/// Whose a destination is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// No identity file.
    Absent,
    /// An empty one: a person gives the folder to whoever is configured to use it.
    Offered,
    /// This one's.
    Of(Identity),
    /// A file that is no identity.
    Unreadable,
}

#[derive(Serialize, Deserialize)]
struct AsWritten {
    format: u32,
    #[serde(flatten)]
    identity: Identity,
}

/// The format of the identity file that this version writes; later ones keep these fields.
const FORMAT: u32 = 1;

impl Mark {
    /// The mark that the bytes of an identity file make.
    pub fn read(bytes: &[u8]) -> Self {
        if bytes.trim_ascii().is_empty() {
            return Self::Offered;
        }
        serde_json::from_slice::<AsWritten>(bytes).map_or(Self::Unreadable, |found| Self::Of(found.identity))
    }

    /// The mark of the folder `root`.
    pub(super) fn of_folder(root: &Path) -> io::Result<Self> {
        match durable::read_bounded(&root.join(FILE), LONGEST_BYTES) {
            Ok(None) => Ok(Self::Absent),
            Ok(Some(bytes)) => Ok(Self::read(&bytes)),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(Self::Unreadable),
            Err(error) => Err(error),
        }
    }
}

impl Identity {
    /// The identity file's content.
    pub fn written(&self) -> Vec<u8> {
        let written = AsWritten { format: FORMAT, identity: self.clone() };
        // Two strings and two numbers: serializing them cannot fail.
        let mut bytes = serde_json::to_vec_pretty(&written).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

/// The number of the agent with this state folder: made at its first start, the same ever after.
///
/// # Errors
/// `AgentState`: the file cannot be read, is none of ours, or cannot be made.
pub fn agent_id(state: &Path) -> Result<Uuid> {
    let path = state.join(AGENT_FILE);
    let failed = |cause: &dyn std::fmt::Display| {
        tracing::error!(path = %path.display(), %cause, "the agent's number cannot be used");
        let shown = path.display();
        Problem::new(
            Code::AgentState,
            words!(
                "Não é possível ler ou criar a identificação do agente: {shown}.",
                "The agent's identity cannot be read or made: {shown}.",
            ),
            words!(
                "Verifique os direitos e o espaço da pasta de estado. Se o arquivo estiver danificado, apague-o; as pastas de \
                 backup pedirão uma confirmação.",
                "See to the rights and the space of the state folder. If the file is damaged, delete it; the backup folders \
                 will ask for a confirmation.",
            ),
        )
    };
    let found = durable::read_bounded(&path, LONGEST_BYTES).map_err(|error| failed(&error))?;
    if let Some(bytes) = found {
        let text = String::from_utf8_lossy(&bytes);
        return Uuid::parse_str(text.trim()).map_err(|error| failed(&error));
    }
    let id = Uuid::new_v4();
    durable::write_new(&path, format!("{id}\n").as_bytes()).map_err(|error| failed(&error))?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_read_back_and_everything_else_is_told_apart() {
        let id = Identity { shop: "Farmácia São João".to_owned(), agent: Uuid::new_v4() };
        assert_eq!(Mark::read(&id.written()), Mark::Of(id));
        assert_eq!(Mark::read(b" \r\n"), Mark::Offered);
        assert_eq!(Mark::read(b"{}"), Mark::Unreadable);
        assert_eq!(Mark::read(&[0xff; 100]), Mark::Unreadable);
        let later = br#"{"format":2,"shop":"A","agent":"7f3e1f3c-97b8-4f53-9a7b-0f6f0f5f5a11","more":[1]}"#;
        assert!(matches!(Mark::read(later), Mark::Of(_)), "a later version's file is still an identity");
    }

    #[test]
    fn an_agent_keeps_its_number() {
        let state = tempfile::tempdir().unwrap();
        let id = agent_id(state.path()).unwrap();
        assert_eq!(agent_id(state.path()).unwrap(), id);
        std::fs::write(state.path().join(AGENT_FILE), "garbage").unwrap();
        assert_eq!(agent_id(state.path()).unwrap_err().code, Code::AgentState);
        assert_eq!(agent_id(&state.path().join("missing")).unwrap_err().code, Code::AgentState);
    }
}
