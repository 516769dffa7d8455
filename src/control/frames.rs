//! How the vocabulary stands in frames: JSON behind a length, and what a frame is that cannot be read.

use super::protocol::Request;
use crate::problem::{Code, Problem, Result};
use crate::words;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::codec::LengthDelimitedCodec;

/// How frames stand in the stream, with the largest that is read.
pub fn codec(max_frame_bytes: usize) -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(max_frame_bytes).new_codec()
}

/// A message as the bytes of a frame.
///
/// # Errors
/// [`Code::Internal`] where it is larger than `max_frame_bytes`.
pub fn encode<T: Serialize>(message: &T, max_frame_bytes: usize) -> Result<Bytes> {
    let json = serde_json::to_vec(message).map_err(Problem::internal)?;
    if json.len() > max_frame_bytes {
        return Err(Problem::internal(format_args!("a message of {} bytes", json.len())));
    }
    Ok(json.into())
}

/// A greeting or a reply from the bytes of a frame.
///
/// # Errors
/// [`Code::AgentVersion`]: the agent speaks our protocol, so what we cannot read is newer than we are.
pub fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<T> {
    serde_json::from_slice(frame).map_err(|cause| {
        tracing::warn!(%cause, "a frame of the agent cannot be read");
        Problem::new(
            Code::AgentVersion,
            words!(
                "A resposta do agente não foi entendida: ele é de outra versão.",
                "The agent's answer was not understood: it is of another version."
            ),
            words!(
                "Instale a mesma versão do programa e do agente e reinicie o agente.",
                "Install the same version of program and agent and restart the agent."
            ),
        )
    })
}

/// A request from the bytes of a frame.
///
/// # Errors
/// [`Unreadable`]: garbage, or a request that this version does not know.
pub fn decode_request(frame: &[u8]) -> Result<Request, Unreadable> {
    serde_json::from_slice(frame).map_err(|cause| match serde_json::from_slice::<Named>(frame) {
        Ok(Named { request }) => Unreadable::Unknown(unknown(&request, &cause)),
        Err(_) => Unreadable::Garbage,
    })
}

/// Why a frame is no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is one, but not for this version: the client is told, and may go on.
    Unknown(Problem),
    /// It is nothing: the connection ends.
    Garbage,
}

#[derive(Deserialize)]
struct Named {
    request: String,
}

fn unknown(request: &str, cause: &serde_json::Error) -> Problem {
    tracing::debug!(%cause, "a request cannot be read");
    let name: String = request.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
    let version = env!("CARGO_PKG_VERSION");
    Problem::new(
        Code::AgentProtocol,
        words!(
            "O agente (versão {version}) não entende o pedido «{name}».",
            "The agent (version {version}) does not understand the request «{name}»."
        ),
        words!(
            "Atualize o agente para a versão deste programa.",
            "Update the agent to the version of this program."
        ),
    )
}
