//! How the vocabulary stands in frames: JSON behind a length, and what a frame is that cannot be read.

use super::protocol::Request;
use crate::problem::{Code, Problem, Result};
use crate::words;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio_util::codec::LengthDelimitedCodec;

/// More than what stands around the rows of a reply, in bytes.
const ENVELOPE_BYTES: usize = 1024;

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

/// What of `rows`, of which the first matter most, has room in a reply: a month of runs with long problems may be larger than a
/// frame, and the newest of them are worth more than none.
///
/// # Errors
/// [`Code::Internal`] where a row cannot be written as JSON.
pub fn first_that_fit<T: Serialize>(mut rows: Vec<T>, max_frame_bytes: usize) -> Result<Vec<T>> {
    let mut room = max_frame_bytes.saturating_sub(ENVELOPE_BYTES);
    let mut fit = 0;
    for row in &rows {
        let bytes = serde_json::to_vec(row).map_err(Problem::internal)?.len() + ",".len();
        let Some(left) = room.checked_sub(bytes) else { break };
        room = left;
        fit += 1;
    }
    if fit < rows.len() {
        tracing::debug!(fit, of = rows.len(), "a reply is shortened to what a frame holds");
        rows.truncate(fit);
    }
    Ok(rows)
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
