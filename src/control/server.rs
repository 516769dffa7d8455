//! The agent's side of the channel. A connection is a task of its own with bounds on everything: how many there are, how long
//! each may be silent, how large its frames are, how long it may take to read an answer. Garbage costs the connection that sent
//! it, and nothing else.

use super::protocol::{
    Greeting, HELLO_WITHIN, Hello, MAX_REPLY_BYTES, MAX_REQUEST_BYTES, Reply, Request, Unreadable, codec,
    decode_request, encode,
};
use super::registry::{ConnectionId, Registry, Room};
use crate::agent::owner::Command;
use crate::agent::status::Status;
use crate::platform::{self, Peer};
use crate::problem::{Code, Problem, Result};
use crate::words;
use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Listener as _;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long the connections have for their last words when the agent ends.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The bounds of the channel.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections.
    pub room: Room,
    /// Until the client's hello.
    pub hello_within: Duration,
    /// Until the next request.
    pub idle_for: Duration,
    /// Until the client has taken a frame.
    pub taken_within: Duration,
    /// Until the agent has an answer.
    pub answered_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            room: Room { total: 128, per_user: 32 },
            hello_within: HELLO_WITHIN,
            idle_for: Duration::from_secs(60),
            taken_within: Duration::from_secs(10),
            answered_within: Duration::from_secs(120),
        }
    }
}

/// Where requests go and where the status is seen.
#[derive(Clone, Debug)]
pub struct Desk {
    /// To the agent's loop.
    pub commands: mpsc::Sender<Command>,
    /// From the agent's loop.
    pub status: watch::Receiver<Arc<Status>>,
}

/// Whoever is at the other end of a connection.
trait Caller: Send + Sync {
    /// Names the user among all: connections are shared out by it.
    fn user(&self) -> &str;
    /// The user's name, for people.
    fn name(&self) -> &str;
    /// Whether the user may command the agent now, and not only read. Asked anew for each command.
    fn may_command(&self) -> bool;
    /// Whether the user may change what the shop works with. Asked anew for each command.
    fn may_replace(&self) -> bool;
}

impl Caller for Peer {
    fn user(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn may_command(&self) -> bool {
        platform::sits_here(self)
    }

    fn may_replace(&self) -> bool {
        platform::may_replace(self)
    }
}

/// Opens the channel of the agent with this state folder. The caller holds the lock on the state.
///
/// # Errors
/// [`Code::AgentState`]: the runtime folder or the socket cannot be made.
pub fn open(state: &Path) -> Result<Listener> {
    let opened = platform::channel_to_listen(state).and_then(|path| platform::listen(&path));
    opened.map_err(|cause| {
        tracing::error!(%cause, "the control channel cannot be opened");
        Problem::new(
            Code::AgentState,
            words!(
                "O canal de controle do agente não pôde ser aberto: {cause}.",
                "The agent's control channel cannot be opened: {cause}."
            ),
            words!(
                "Verifique as permissões da pasta de execução (/run/dmbackup) e reinicie o agente.",
                "Check the rights of the runtime folder (/run/dmbackup) and restart the agent."
            ),
        )
    })
}

/// Serves clients until `end`. Whoever watches still sees the last status; then every connection ends.
pub async fn serve(listener: Listener, desk: Desk, limits: Limits, end: CancellationToken) {
    let registry = Arc::new(Mutex::new(Registry::new(limits.room)));
    let connections = TaskTracker::new();
    let hang_up = CancellationToken::new();
    loop {
        let stream = tokio::select! {
            () = end.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match stream.and_then(|stream| Ok((platform::peer(&stream)?, stream))) {
            Ok((peer, stream)) => {
                // Here, and not in the task: tasks begin in any order, and the youngest client must not count as an old one.
                let seat = Seat::take(&registry, &peer);
                let served = receive(stream, peer, desk.clone(), limits, seat);
                let hang_up = hang_up.clone();
                connections.spawn(async move { hang_up.run_until_cancelled(served).await });
            }
            Err(error) => rest_after(&error).await,
        }
    }
    drop(desk);
    connections.close();
    if timeout(LAST_WORDS, connections.wait()).await.is_err() {
        hang_up.cancel();
        connections.wait().await;
    }
}

/// A client that is gone already is nothing; a system without handles gets time to find some.
async fn rest_after(error: &io::Error) {
    tracing::debug!(%error, "a connection was not accepted");
    if error.kind() != io::ErrorKind::ConnectionReset {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn receive(stream: Stream, peer: Peer, desk: Desk, limits: Limits, seat: Option<Seat>) {
    let Some(seat) = seat else {
        let (_, writer) = tokio::io::split(stream);
        let refusal = Greeting::Refused { problem: too_many() };
        let _gone = send(&mut writing(writer), &refusal, &limits).await;
        return;
    };
    tokio::select! {
        () = seat.leave.cancelled() => tracing::debug!(user = peer.name, "an idle connection made room"),
        ended = converse(stream, &peer, &desk, &limits, &seat) => {
            if let Err(Gone(why)) = ended {
                tracing::debug!(user = peer.name, why, "a connection ended");
            }
        }
    }
}

/// A place among the connections, given back when it is dropped.
struct Seat {
    id: ConnectionId,
    leave: CancellationToken,
    registry: Arc<Mutex<Registry>>,
}

impl Seat {
    /// A seat for this caller; `None` where there is none.
    fn take(registry: &Arc<Mutex<Registry>>, caller: &dyn Caller) -> Option<Self> {
        let (id, leave) = lock(registry).admit(caller.user())?;
        Some(Self { id, leave, registry: Arc::clone(registry) })
    }

    fn set_idle(&self, idle: bool) {
        lock(&self.registry).set_idle(self.id, idle);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        lock(&self.registry).remove(self.id);
    }
}

fn lock(registry: &Mutex<Registry>) -> std::sync::MutexGuard<'_, Registry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a connection ended before its client hung up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gone(&'static str);

type Reader<S> = FramedRead<ReadHalf<S>, LengthDelimitedCodec>;
type Writer<S> = FramedWrite<WriteHalf<S>, LengthDelimitedCodec>;

fn writing<S: AsyncWrite>(half: WriteHalf<S>) -> Writer<S> {
    FramedWrite::new(half, codec(MAX_REPLY_BYTES))
}

async fn converse<S: AsyncRead + AsyncWrite>(
    stream: S,
    caller: &dyn Caller,
    desk: &Desk,
    limits: &Limits,
    seat: &Seat,
) -> Result<(), Gone> {
    let (reader, writer) = tokio::io::split(stream);
    let mut reader = FramedRead::new(reader, codec(MAX_REQUEST_BYTES));
    let mut writer = writing(writer);
    greet(&mut reader, &mut writer, limits).await?;
    let mut next = read(&mut reader, limits.idle_for).await?;
    while let Some(frame) = next {
        seat.set_idle(false);
        let request = match decode_request(&frame) {
            Ok(request) => request,
            Err(Unreadable::Unknown(problem)) => {
                send(&mut writer, &Reply::Refused { problem }, limits).await?;
                next = wait(&mut reader, limits, seat).await?;
                continue;
            }
            Err(Unreadable::Garbage) => return Err(Gone("garbage")),
        };
        drop(frame);
        next = if request == Request::Watch {
            watch(&mut reader, &mut writer, desk, limits).await?
        } else {
            let reply = answer(request, caller, desk, limits).await;
            send(&mut writer, &reply, limits).await?;
            wait(&mut reader, limits, seat).await?
        };
    }
    Ok(())
}

async fn greet<S: AsyncRead + AsyncWrite>(
    reader: &mut Reader<S>,
    writer: &mut Writer<S>,
    limits: &Limits,
) -> Result<(), Gone> {
    let frame = read(reader, limits.hello_within).await?.ok_or(Gone("hung up before its hello"))?;
    let theirs: Hello = serde_json::from_slice(&frame).map_err(|_| Gone("no hello"))?;
    // Whoever is newer knows whether it still speaks our protocol; both look.
    send(writer, &Greeting::Hello(Hello::ours()), limits).await?;
    Hello::ours().common(&theirs).map(drop).map_err(|_| Gone("another version"))
}

async fn wait<S: AsyncRead>(
    reader: &mut Reader<S>,
    limits: &Limits,
    seat: &Seat,
) -> Result<Option<BytesMut>, Gone> {
    seat.set_idle(true);
    read(reader, limits.idle_for).await
}

/// The next frame; `None` where the client hung up.
async fn read<S: AsyncRead>(reader: &mut Reader<S>, within: Duration) -> Result<Option<BytesMut>, Gone> {
    match timeout(within, reader.next()).await {
        Ok(frame) => frame.transpose().map_err(|_| Gone("no frame")),
        Err(_) => Err(Gone("silent for too long")),
    }
}

async fn send<S: AsyncWrite, T: serde::Serialize>(
    writer: &mut Writer<S>,
    message: &T,
    limits: &Limits,
) -> Result<(), Gone> {
    let frame = encode(message, MAX_REPLY_BYTES)
        .or_else(|problem| encode(&Reply::Refused { problem }, MAX_REPLY_BYTES))
        .map_err(|_| Gone("an answer that no frame holds"))?;
    match timeout(limits.taken_within, writer.send(frame)).await {
        Ok(sent) => sent.map_err(|_| Gone("hung up")),
        Err(_) => Err(Gone("did not take its answer")),
    }
}

/// Sends the status whenever it changes. Returns the client's next frame: it ends the watch.
async fn watch<S: AsyncRead + AsyncWrite>(
    reader: &mut Reader<S>,
    writer: &mut Writer<S>,
    desk: &Desk,
    limits: &Limits,
) -> Result<Option<BytesMut>, Gone> {
    let mut status = desk.status.clone();
    loop {
        let now = Arc::clone(&status.borrow_and_update());
        send(writer, &Reply::Status { status: Box::new(Status::clone(&now)) }, limits).await?;
        tokio::select! {
            frame = reader.next() => return frame.transpose().map_err(|_| Gone("no frame")),
            changed = status.changed() => changed.map_err(|_| Gone("the agent ended"))?,
        }
    }
}

async fn answer(request: Request, caller: &dyn Caller, desk: &Desk, limits: &Limits) -> Reply {
    if request == Request::Status {
        return Reply::Status { status: Box::new(Status::clone(&desk.status.borrow())) };
    }
    if request.needs_hands() && !caller.may_command() {
        tracing::warn!(user = caller.user(), ?request, "refused: this user does not sit at the machine");
        return Reply::Refused { problem: forbidden() };
    }
    if request.needs_administrator() && !caller.may_replace() {
        tracing::warn!(user = caller.user(), ?request, "refused: this user is no administrator");
        return Reply::Refused { problem: administrators_only() };
    }
    let request = request.asked_by(caller.name());
    let (answer, answered) = oneshot::channel();
    match desk.commands.try_send(Command { request, answer }) {
        Ok(()) => match timeout(limits.answered_within, answered).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Reply::Refused { problem: ending() },
            Err(_) => Reply::Refused { problem: busy() },
        },
        Err(mpsc::error::TrySendError::Full(_)) => Reply::Refused { problem: busy() },
        Err(mpsc::error::TrySendError::Closed(_)) => Reply::Refused { problem: ending() },
    }
}

/// Whoever asks may only look.
pub(crate) fn forbidden() -> Problem {
    Problem::new(
        Code::AgentForbidden,
        words!(
            "Este usuário pode ver o estado do backup, mas não comandá-lo.",
            "This user may see the state of the backup, but not command it."
        ),
        words!(
            "Use o computador diretamente, ou execute como administrador (root) ou como o usuário do agente.",
            "Sit at the machine, or do it as an administrator (root) or as the agent's own user."
        ),
    )
}

fn administrators_only() -> Problem {
    Problem::new(
        Code::AgentForbidden,
        words!(
            "Só um administrador pode trocar o banco de dados da loja.",
            "Only an administrator may exchange the shop's database."
        ),
        words!(
            "Execute como administrador (root), ou dê um login de administrador do SQL Server só para esta restauração (--admin-user, --admin-password-file).",
            "Run it as an administrator (root), or give a login of an administrator of SQL Server for this one restore (--admin-user, --admin-password-file)."
        ),
    )
}

fn too_many() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("Há conexões demais com o agente.", "There are too many connections to the agent."),
        words!(
            "Feche os programas que o observam e tente de novo.",
            "Close programs that watch it, and try again."
        ),
    )
}

fn busy() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("O agente não respondeu a tempo.", "The agent did not answer in time."),
        words!("Tente de novo em instantes.", "Try again in a moment."),
    )
}

fn ending() -> Problem {
    Problem::new(
        Code::AgentNotNow,
        words!("O agente está sendo encerrado.", "The agent is ending."),
        words!("Tente de novo quando ele for aberto.", "Try again when it has been started."),
    )
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
