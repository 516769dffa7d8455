//! The life of a session after its login. The engine works on a thread of its own; here its answers are passed on while
//! the client, KILL and the server's end are listened to.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::cancel::{Abandon, Cancel, Reason};
use super::login::Admitted;
use super::output::{Output, Piece};
use super::{Reception, invalid};
use crate::engine::{Engine, Work};
use crate::tds::packet::{Kind, MESSAGE_BYTES_LIMIT, Message, MessageWriter, read_message};
use crate::tds::rpc;
use crate::tds::token;

/// Messages that may wait while a statement runs: the statement's attention, and no flood.
const WAITING_MESSAGES: usize = 4;
/// Pieces of an answer that may wait for a slow client.
const WAITING_PIECES: usize = 4;

/// Serves statements until either side hangs up.
pub async fn serve<R, W>(
    reader: R,
    writer: MessageWriter<W>,
    admitted: Admitted,
    reception: &Reception,
) -> io::Result<()>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin,
{
    let (sender, messages) = mpsc::channel(WAITING_MESSAGES);
    let _reading = AbortOnDropHandle::new(tokio::spawn(read_all(reader, sender)));
    let server: Arc<str> = reception.instance.state().identity.server_name().into();
    let engine = Engine::new(Arc::clone(&reception.instance), &admitted);
    let mut session = Session {
        messages,
        writer,
        server,
        version: admitted.version,
        kill: admitted.kill,
        cut: admitted.cut,
        engine: Some(engine),
    };
    session.run().await
}

/// Reads on while statements run: an attention must be seen, and a client that hangs up.
async fn read_all<R: AsyncRead + Unpin>(reader: R, messages: mpsc::Sender<io::Result<Message>>) {
    let mut reader = BufReader::new(reader);
    loop {
        let read = read_message(&mut reader, MESSAGE_BYTES_LIMIT).await.transpose();
        let Some(message) = read else { return };
        let broken = message.is_err();
        if messages.send(message).await.is_err() || broken {
            return;
        }
    }
}

struct Session<W> {
    messages: mpsc::Receiver<io::Result<Message>>,
    writer: MessageWriter<W>,
    server: Arc<str>,
    version: u32,
    kill: CancellationToken,
    cut: CancellationToken,
    /// At home between statements, on its own thread during one.
    engine: Option<Engine>,
}

/// Whether the session goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Statement,
    End,
}

impl<W: AsyncWrite + Unpin> Session<W> {
    async fn run(&mut self) -> io::Result<()> {
        loop {
            let message = tokio::select! {
                biased;
                () = self.kill.cancelled() => None,
                () = self.cut.cancelled() => None,
                message = self.messages.recv() => message.transpose()?,
            };
            let Some(message) = message else {
                self.writer.hang_up().await;
                return Ok(());
            };
            let next = match message.kind {
                Kind::Attention => self.acknowledge_attention().await?,
                Kind::Batch | Kind::Rpc | Kind::TransactionManager => {
                    let work = understand(&message)?;
                    self.execute(work, message.reset).await?
                }
                Kind::BulkLoad | Kind::Response | Kind::Login | Kind::Sspi | Kind::PreLogin => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a message out of place"));
                }
            };
            if next == Next::End {
                self.writer.hang_up().await;
                return Ok(());
            }
        }
    }

    async fn acknowledge_attention(&mut self) -> io::Result<Next> {
        let mut out = BytesMut::new();
        token::attention_acknowledged(&mut out);
        self.writer.write(&out).await?;
        self.writer.finish().await?;
        Ok(Next::Statement)
    }

    /// Runs `work` and passes on what it says.
    async fn execute(&mut self, work: Work, reset: bool) -> io::Result<Next> {
        let Some(mut engine) = self.engine.take() else { return Ok(Next::End) };
        let (sender, mut pieces) = mpsc::channel(WAITING_PIECES);
        let cancel = Arc::new(Cancel::default());
        // This task may be dropped at any await, when the server ends; the engine's thread must hear of it.
        let _abandon = Abandon(Arc::clone(&cancel));
        let mut output = Output::new(sender, self.version, Arc::clone(&self.server), Arc::clone(&cancel));
        let running = tokio::task::spawn_blocking(move || {
            engine.run(work, reset, &mut output);
            output.finish();
            (engine, output.is_fatal())
        });
        let relayed = self.relay(&mut pieces, &cancel).await;
        if !matches!(relayed, Ok(Relayed::Complete { .. })) {
            cancel.cancel(Reason::Gone);
        }
        // Nobody listens any more: the engine, if it still speaks, must not wait for an ear.
        drop(pieces);
        let (engine, fatal) = running.await.map_err(io::Error::other)?;
        self.engine = Some(engine);
        let Relayed::Complete { attention } = relayed? else { return Ok(Next::End) };
        self.writer.finish().await?;
        if attention {
            self.acknowledge_attention().await?;
        }
        let killed = cancel.reason() == Some(Reason::Killed);
        Ok(if fatal || killed { Next::End } else { Next::Statement })
    }

    async fn relay(&mut self, pieces: &mut mpsc::Receiver<Piece>, cancel: &Cancel) -> io::Result<Relayed> {
        let mut attention = false;
        loop {
            tokio::select! {
                biased;
                () = self.cut.cancelled() => {
                    cancel.cancel(Reason::Died);
                    return Ok(Relayed::Abandoned);
                }
                () = self.kill.cancelled(), if cancel.reason().is_none() => cancel.cancel(Reason::Killed),
                message = self.messages.recv() => match message.transpose()? {
                    Some(Message { kind: Kind::Attention, .. }) => {
                        attention = true;
                        cancel.cancel(Reason::Attention);
                    }
                    // Hung up, or speaking out of turn.
                    Some(_) | None => return Ok(Relayed::Abandoned),
                },
                piece = pieces.recv() => match piece {
                    Some(Piece::Tokens(tokens)) => self.writer.write(&tokens).await?,
                    Some(Piece::Now(tokens)) => {
                        self.writer.write(&tokens).await?;
                        self.writer.flush().await?;
                    }
                    Some(Piece::HangUp) => return Ok(Relayed::Abandoned),
                    None => return Ok(Relayed::Complete { attention }),
                },
            }
        }
    }
}

enum Relayed {
    /// The engine has said everything
    Complete {
        /// and the client asked it to stop
        attention: bool,
    },
    /// One side has cut the connection
    Abandoned,
}

fn understand(message: &Message) -> io::Result<Work> {
    Ok(match message.kind {
        Kind::Rpc => Work::Calls(rpc::parse_calls(&message.body).map_err(invalid)?),
        Kind::TransactionManager => {
            Work::Transaction(rpc::parse_transaction(&message.body).map_err(invalid)?)
        }
        Kind::Batch
        | Kind::Response
        | Kind::Attention
        | Kind::BulkLoad
        | Kind::Login
        | Kind::Sspi
        | Kind::PreLogin => Work::Batch(rpc::parse_batch(&message.body).map_err(invalid)?),
    })
}
