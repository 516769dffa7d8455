//! What a statement says to its client, as tokens that travel from the statement's thread to the session's task.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::sync::mpsc;

use super::cancel::{Cancel, Reason};
use crate::error::SqlError;
use crate::tds::token::{self, Change, Column, Done, DoneKind, Origin, status};
use crate::value::Value;

/// Tokens are handed over in pieces of about this size.
const PIECE_BYTES: usize = 32 << 10;

/// A piece of an answer.
#[derive(Debug)]
pub enum Piece {
    /// Tokens that can wait for more
    Tokens(BytesMut),
    /// Tokens that the client is to see now
    Now(BytesMut),
    /// The connection is to be cut without another word
    HangUp,
}

/// Nothing more can be said: the statement ends here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped(pub Reason);

/// How a statement ends that does not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// With an error of its own
    Sql(SqlError),
    /// With several, the last of which sums up: BACKUP's cause and 3013
    Several(Vec<SqlError>),
    /// Because it was told to
    Stopped(Stopped),
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

/// What comes instead of an answer, once the statement is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// The connection is cut
    Cut,
    /// Nothing, until the client has had enough
    Endless,
}

/// The way to the client.
#[derive(Debug)]
pub struct Output {
    pieces: mpsc::Sender<Piece>,
    buffer: BytesMut,
    sent_bytes: u64,
    sever_at_bytes: Option<u64>,
    silence: Option<Silence>,
    /// The last DONE waits until it is known whether more follows.
    held: Option<Done>,
    kind: DoneKind,
    command: u16,
    line: u32,
    version: u32,
    server: Arc<str>,
    cancel: Arc<Cancel>,
    fatal: bool,
}

impl Output {
    /// To a client of TDS `version`, from the server that calls itself `server`.
    pub fn new(pieces: mpsc::Sender<Piece>, version: u32, server: Arc<str>, cancel: Arc<Cancel>) -> Self {
        Self {
            pieces,
            buffer: BytesMut::new(),
            sent_bytes: 0,
            sever_at_bytes: None,
            silence: None,
            held: None,
            kind: DoneKind::Statement,
            command: 0,
            line: 1,
            version,
            server,
            cancel,
            fatal: false,
        }
    }

    /// What tells this statement to stop.
    pub fn cancel(&self) -> &Arc<Cancel> {
        &self.cancel
    }

    /// From here on statements run inside a procedure, or no longer.
    pub fn set_in_procedure(&mut self, inside: bool) {
        self.kind = if inside { DoneKind::InProcedure } else { DoneKind::Statement };
    }

    /// A statement begins: its kind as DONE names it, and its line in the batch.
    pub fn begin(&mut self, command: u16, line: u32) {
        self.command = command;
        self.line = line;
    }

    /// Cuts the connection once so many more bytes have been said.
    pub fn sever_after(&mut self, bytes: u64) {
        self.sever_at_bytes = Some(self.sent_bytes + self.buffer.len() as u64 + bytes);
    }

    /// Says nothing of what is carried out, up to its end and then.
    pub fn keep_silent(&mut self, silence: Silence) {
        self.silence = Some(silence);
    }

    /// Whether an error was said that closes the connection.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }

    /// # Errors
    /// The statement has to stop.
    pub fn check(&self) -> Result<(), Stopped> {
        match self.cancel.reason() {
            Some(reason) => Err(Stopped(reason)),
            None => Ok(()),
        }
    }

    /// Describes the columns of a result.
    ///
    /// # Errors
    /// The statement has to stop.
    pub fn columns(&mut self, columns: &[Column]) -> Result<(), Stopped> {
        let version = self.version;
        self.put(|out| token::columns(out, columns, version))
    }

    /// One row of the result whose columns were described.
    ///
    /// # Errors
    /// A value does not fit its column (8115), or the statement has to stop.
    pub fn row(&mut self, columns: &[Column], values: &[Value]) -> Result<(), Failure> {
        let version = self.version;
        let mut written = Ok(());
        self.put(|out| written = token::row(out, columns, values, version))?;
        written.map_err(|_| {
            let text = "Arithmetic overflow error converting expression to the type of its column.";
            Failure::Sql(SqlError::new(8115, text).state(2))
        })
    }

    /// A message that is no error.
    ///
    /// # Errors
    /// The statement has to stop.
    pub fn info(&mut self, info: &SqlError) -> Result<(), Stopped> {
        let server = Arc::clone(&self.server);
        let origin = Origin { server: &server, line: self.line };
        self.put(|out| token::info(out, info, origin))
    }

    /// An error. Said even when the statement has to stop.
    pub fn error(&mut self, error: &SqlError) {
        self.fatal |= error.is_fatal();
        let server = Arc::clone(&self.server);
        let origin = Origin { server: &server, line: self.line };
        self.release_held();
        token::error(&mut self.buffer, error, origin);
    }

    /// A change of the session's environment.
    ///
    /// # Errors
    /// The statement has to stop.
    pub fn environment(&mut self, change: Change<'_>) -> Result<(), Stopped> {
        self.put(|out| token::environment(out, change))
    }

    /// The statement ended well, with so many rows where that means something.
    pub fn done(&mut self, rows: Option<u64>) {
        let status = if rows.is_some() { status::COUNT } else { 0 };
        self.hold(status, rows.unwrap_or_default());
    }

    /// The statement failed.
    pub fn failed(&mut self) {
        self.hold(status::ERROR, 0);
    }

    fn hold(&mut self, status: u16, rows: u64) {
        self.release_held();
        self.held = Some(Done { kind: self.kind, status, command: self.command, rows });
    }

    /// A step of the statement is done and more is to come; the client is to see it now.
    ///
    /// # Errors
    /// The statement has to stop.
    pub fn step(&mut self) -> Result<(), Stopped> {
        self.check()?;
        self.release_held();
        token::done(
            &mut self.buffer,
            Done { kind: self.kind, status: status::MORE, command: self.command, rows: 0 },
        );
        self.hand_over(Piece::Now)
    }

    /// What a procedure returns, its output parameters, and its end.
    pub fn procedure_done(&mut self, returned: i32, outputs: &[(u16, Column, Value)], failed: bool) {
        self.release_held();
        token::return_status(&mut self.buffer, returned);
        for (ordinal, parameter, value) in outputs {
            // An output that does not fit its own type cannot be: it came in as that type or was made for it.
            let _ = token::return_value(&mut self.buffer, *ordinal, parameter, value);
        }
        let status = if failed { status::ERROR } else { 0 };
        self.held = Some(Done { kind: DoneKind::Procedure, status, command: 0xe0, rows: 0 });
    }

    /// The statement stopped before its end.
    pub fn stopped(&mut self, Stopped(reason): Stopped) {
        match reason {
            Reason::Attention => self.failed(),
            Reason::Killed => {
                self.error(&crate::error::killed());
                self.failed();
            }
            Reason::Gone | Reason::Died => {}
        }
    }

    /// An answer without any end, as of a batch that only declares, gets one.
    pub fn ensure_done(&mut self) {
        if self.held.is_none() {
            self.hold(0, 0);
        }
    }

    /// The answer is complete.
    pub fn finish(&mut self) {
        match self.silence {
            None => {}
            Some(Silence::Cut) => {
                self.hang_up();
                return;
            }
            Some(Silence::Endless) => return self.cancel.wait(None),
        }
        if let Some(done) = self.held.take() {
            token::done(&mut self.buffer, done);
        }
        // Whoever no longer listens needs no end either.
        let _ = self.hand_over(Piece::Tokens);
    }

    fn put(&mut self, write: impl FnOnce(&mut BytesMut)) -> Result<(), Stopped> {
        self.check()?;
        self.release_held();
        write(&mut self.buffer);
        if self.buffer.len() >= PIECE_BYTES || self.sever_at_bytes.is_some() {
            self.hand_over(Piece::Tokens)?;
        }
        Ok(())
    }

    /// What was said last was not the end after all.
    fn release_held(&mut self) {
        if let Some(mut done) = self.held.take() {
            done.status |= status::MORE;
            token::done(&mut self.buffer, done);
        }
    }

    fn hand_over(&mut self, piece: impl FnOnce(BytesMut) -> Piece) -> Result<(), Stopped> {
        let mut tokens = self.buffer.split();
        if self.silence.is_some() {
            return Ok(());
        }
        let severed = self.sever_at_bytes.filter(|at| self.sent_bytes + tokens.len() as u64 >= *at);
        if let Some(at) = severed {
            tokens.truncate(usize::try_from(at - self.sent_bytes.min(at)).unwrap_or(usize::MAX));
            self.send(Piece::Now(tokens))?;
            self.send(Piece::HangUp)?;
            self.cancel.cancel(Reason::Gone);
            return Err(Stopped(Reason::Gone));
        }
        self.sent_bytes += tokens.len() as u64;
        if tokens.is_empty() { Ok(()) } else { self.send(piece(tokens)) }
    }

    fn send(&self, piece: Piece) -> Result<(), Stopped> {
        self.pieces.blocking_send(piece).map_err(|_| Stopped(Reason::Gone))
    }

    /// Cuts the connection here and now.
    pub fn hang_up(&mut self) -> Stopped {
        self.buffer.clear();
        let _ = self.send(Piece::HangUp);
        self.cancel.cancel(Reason::Gone);
        Stopped(Reason::Gone)
    }
}
