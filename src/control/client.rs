//! The typed client: every human surface knows the agent only through it.

use super::protocol::{
    ConfigView, Greeting, HELLO_WITHIN, Hello, LoginTyped, MAX_REPLY_BYTES, MAX_REQUEST_BYTES, Reply,
    Request, SlotView, Typed, codec, decode, encode,
};
use crate::agent::status::Status;
use crate::alert::Channel;
use crate::backup::outcome::{Outcome, RunId, RunReport};
use crate::cycle::health::CheckView;
use crate::head_office::AddressReport;
use crate::journal::Event;
use crate::journal::Side;
use crate::platform;
use crate::problem::{Code, Problem, Result};
use crate::restore::outcome::{Listed, Plan, RestoreId, RestoreReport, Task};
use crate::update::VersionView;
use crate::verify::{self, Selection};
use crate::words;
use futures_util::{SinkExt, StreamExt};
use interprocess::local_socket::tokio::{Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, Name, ToFsName};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

/// An agent looks at the world for this long at most before it answers.
const ANSWER_WITHIN: Duration = Duration::from_secs(130);

/// An agent tells its status at least once a minute; one that is silent for so much longer hangs.
const STATUS_WITHIN: Duration = Duration::from_secs(170);
/// A machine that slept wakes everybody at once: the agent gets its turn before it is called silent.
const WAKE_WITHIN: Duration = Duration::from_secs(10);

/// Between two tries to get in.
const DOOR_WAIT: Duration = Duration::from_millis(10);

/// A connection to the agent.
#[derive(Debug)]
pub struct Client {
    reader: FramedRead<ReadHalf<Stream>, LengthDelimitedCodec>,
    writer: FramedWrite<WriteHalf<Stream>, LengthDelimitedCodec>,
    agent: Hello,
}

/// What came of asking for a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The run.
    pub run: RunId,
    /// It went on already.
    pub joined: bool,
}

impl Client {
    /// Connects to the agent with this state folder.
    ///
    /// # Errors
    /// [`Code::AgentMissing`] where none answers, [`Code::AgentVersion`] where it speaks another protocol, and what it says
    /// itself when it refuses.
    pub async fn connect(state: &Path) -> Result<Self> {
        let Some(stream) = reach(state).await else { return Err(missing(state)) };
        let (reader, writer) = tokio::io::split(stream);
        let mut reader = FramedRead::new(reader, codec(MAX_REPLY_BYTES));
        let mut writer = FramedWrite::new(writer, codec(MAX_REQUEST_BYTES));
        let hello = encode(&Hello::ours(), MAX_REQUEST_BYTES)?;
        // A refused client may find the connection closed already; the agent's own words are worth more than that.
        let _closed = writer.send(hello).await;
        let frame = timeout(HELLO_WITHIN, reader.next()).await.ok().flatten();
        let Some(Ok(frame)) = frame else { return Err(silent()) };
        match decode(&frame)? {
            Greeting::Hello(agent) => {
                Hello::ours().common(&agent)?;
                Ok(Self { reader, writer, agent })
            }
            Greeting::Refused { problem } => Err(problem),
        }
    }

    /// What the agent said of itself.
    pub fn agent(&self) -> &Hello {
        &self.agent
    }

    /// The status now.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn status(&mut self) -> Result<Status> {
        let Reply::Status { status } = self.ask(&Request::Status).await? else { return Err(unexpected()) };
        Ok(*status)
    }

    /// The status now and whenever it changes.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn watch(mut self) -> Result<Watch> {
        self.tell(&Request::Watch).await?;
        Ok(Watch { client: self, heard: Instant::now() })
    }

    /// Lets the agent look at the world now; what is unhealthy, causes first.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn check(&mut self) -> Result<Vec<CheckView>> {
        let Reply::Checks { checks } = self.ask(&Request::Check).await? else { return Err(unexpected()) };
        Ok(checks)
    }

    /// Asks for a backup now.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn backup_now(&mut self, accept_shrunk: bool) -> Result<Accepted> {
        self.ask_for_run(&Request::BackupNow { accept_shrunk }).await
    }

    /// Asks for an extra copy, outside the rotation.
    ///
    /// # Errors
    /// As [`Client::ask`]; [`Code::Usage`] for a reason that is none.
    pub async fn extra_backup(&mut self, reason: String) -> Result<Accepted> {
        self.ask_for_run(&Request::ExtraBackup { reason }).await
    }

    /// Asks for a backup in the folder with this full path; `replace` where a person confirmed that what stands there may go
    /// first.
    ///
    /// # Errors
    /// As [`Client::ask`]; what is foreseen of the folder, [`Code::ManualReplace`] among it.
    pub async fn manual_backup(&mut self, folder: String, replace: bool) -> Result<Accepted> {
        self.ask_for_run(&Request::ManualBackup { folder, replace }).await
    }

    async fn ask_for_run(&mut self, request: &Request) -> Result<Accepted> {
        let Reply::Accepted { run, joined } = self.ask(request).await? else { return Err(unexpected()) };
        Ok(Accepted { run, joined })
    }

    /// Asks for a deep check of kept backups; the name of the one that was begun or joined.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn verify(&mut self, selection: Selection, side: Option<Side>) -> Result<Accepted> {
        let Reply::Accepted { run, joined } = self.ask(&Request::Verify { selection, side }).await? else {
            return Err(unexpected());
        };
        Ok(Accepted { run, joined })
    }

    /// What came of a deep check; `None` while it goes on.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn verified(&mut self, id: RunId) -> Result<Option<verify::Report>> {
        let Reply::Verified { report } = self.ask(&Request::Verified { id }).await? else {
            return Err(unexpected());
        };
        Ok(report.map(|report| *report))
    }

    /// Stops the run that goes on.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn cancel(&mut self) -> Result<()> {
        let Reply::Done = self.ask(&Request::Cancel).await? else { return Err(unexpected()) };
        Ok(())
    }

    /// Ends the agent; `stop_run` where a person confirmed that a backup that goes on may be stopped.
    ///
    /// # Errors
    /// As [`Client::ask`]; [`Code::AgentPassword`], [`Code::AgentRunGoesOn`].
    pub async fn quit(&mut self, password: Typed, stop_run: bool) -> Result<()> {
        let Reply::Done = self.ask(&Request::Quit { password, stop_run }).await? else {
            return Err(unexpected());
        };
        Ok(())
    }

    /// Tells that the store's application was opened; what its user is to be told, if anything.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn application_opened(&mut self) -> Result<Option<Problem>> {
        let Reply::Opened { notice } = self.ask(&Request::ApplicationOpened).await? else {
            return Err(unexpected());
        };
        Ok(notice)
    }

    /// What stands in the slots, and why the terminal could not be looked at.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn slots(&mut self) -> Result<(Vec<SlotView>, Option<Problem>)> {
        let Reply::Slots { slots, terminal_problem } = self.ask(&Request::Slots).await? else {
            return Err(unexpected());
        };
        Ok((slots, terminal_problem))
    }

    /// The last runs, newest first.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn journal(&mut self, limit: u32, outcome: Option<Outcome>) -> Result<Vec<RunReport>> {
        let Reply::Journal { runs } = self.ask(&Request::Journal { limit, outcome }).await? else {
            return Err(unexpected());
        };
        Ok(runs)
    }

    /// What happened besides the runs, newest first.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn events(&mut self, limit: u32) -> Result<Vec<Event>> {
        let Reply::Events { events } = self.ask(&Request::Events { limit }).await? else {
            return Err(unexpected());
        };
        Ok(events)
    }

    /// One run, from the journal.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn run(&mut self, id: RunId) -> Result<Option<RunReport>> {
        let Reply::Run { run } = self.ask(&Request::Run { id }).await? else { return Err(unexpected()) };
        Ok(run.map(|run| *run))
    }

    /// Asks for a restore.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn restore(&mut self, task: Task, login: Option<LoginTyped>) -> Result<RestoreId> {
        let request = Request::Restore { task, login, by: String::new() };
        let Reply::RestoreBegun { restore } = self.ask(&request).await? else { return Err(unexpected()) };
        Ok(restore)
    }

    /// What a restore would do.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn restore_plan(&mut self, task: Task) -> Result<Plan> {
        let Reply::RestorePlan { plan } = self.ask(&Request::RestorePlan { task }).await? else {
            return Err(unexpected());
        };
        Ok(*plan)
    }

    /// What can be restored from, and why the terminal could not be looked at.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn restore_sources(&mut self, path: Option<PathBuf>) -> Result<(Vec<Listed>, Option<Problem>)> {
        let Reply::RestoreSources { sources, terminal_problem } =
            self.ask(&Request::RestoreSources { path }).await?
        else {
            return Err(unexpected());
        };
        Ok((sources, terminal_problem))
    }

    /// The last restores, newest first.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn restores(&mut self, limit: u32) -> Result<Vec<RestoreReport>> {
        let Reply::Restores { restores } = self.ask(&Request::Restores { limit }).await? else {
            return Err(unexpected());
        };
        Ok(restores)
    }

    /// One restore, from the journal.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn restore_report(&mut self, id: RestoreId) -> Result<Option<RestoreReport>> {
        let Reply::RestoreReport { restore } = self.ask(&Request::RestoreReport { id }).await? else {
            return Err(unexpected());
        };
        Ok(restore.map(|restore| *restore))
    }

    /// Tries a way on which people are told.
    ///
    /// # Errors
    /// As [`Client::ask`]; [`Code::AlertUnsent`], [`Code::AlertNotConfigured`].
    pub async fn alert_test(&mut self, channel: Channel) -> Result<()> {
        let Reply::Done = self.ask(&Request::AlertTest { channel }).await? else { return Err(unexpected()) };
        Ok(())
    }

    /// Has the head office told by which address it is reached from here, or only finds that out; old and new.
    ///
    /// # Errors
    /// As [`Client::ask`]; what stands in the way.
    pub async fn update_address(&mut self, dry_run: bool) -> Result<AddressReport> {
        let Reply::AddressUpdated { report } = self.ask(&Request::UpdateAddress { dry_run }).await? else {
            return Err(unexpected());
        };
        Ok(report)
    }

    /// Has a newer version looked for now; what is known then.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn check_version(&mut self) -> Result<VersionView> {
        let Reply::Version { version } = self.ask(&Request::CheckVersion).await? else {
            return Err(unexpected());
        };
        Ok(*version)
    }

    /// The configuration in force.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub async fn config(&mut self) -> Result<ConfigView> {
        let Reply::Config { config } = self.ask(&Request::Config).await? else { return Err(unexpected()) };
        Ok(config)
    }

    /// Asks and awaits the answer.
    ///
    /// # Errors
    /// What the agent says when it refuses; [`Code::AgentMissing`] where it ended meanwhile.
    pub async fn ask(&mut self, request: &Request) -> Result<Reply> {
        self.tell(request).await?;
        match timeout(ANSWER_WITHIN, self.reader.next()).await {
            Ok(frame) => reply(frame),
            Err(_) => Err(silent()),
        }
    }

    async fn tell(&mut self, request: &Request) -> Result<()> {
        let frame = encode(request, MAX_REQUEST_BYTES)?;
        self.writer.send(frame).await.map_err(|cause| {
            tracing::debug!(%cause, "the agent hung up");
            silent()
        })
    }
}

/// A stream of whole statuses.
#[derive(Debug)]
pub struct Watch {
    client: Client,
    /// When the last status came.
    heard: Instant,
}

impl Watch {
    /// The next status, as soon as there is one. Safe to drop and call again.
    ///
    /// # Errors
    /// [`Code::AgentMissing`] where the agent ended, or tells nothing any more.
    pub async fn next(&mut self) -> Result<Status> {
        let reader = &mut self.client.reader;
        let frame = match timeout_at(self.heard + STATUS_WITHIN, reader.next()).await {
            Ok(frame) => frame,
            Err(_) => timeout(WAKE_WITHIN, reader.next()).await.map_err(|_| silent())?,
        };
        let Reply::Status { status } = reply(frame)? else { return Err(unexpected()) };
        self.heard = Instant::now();
        Ok(*status)
    }
}

fn reply(frame: Option<std::io::Result<bytes::BytesMut>>) -> Result<Reply> {
    let Some(Ok(frame)) = frame else { return Err(silent()) };
    let reply = decode(&frame)?;
    if let Reply::Refused { problem } = reply {
        return Err(problem);
    }
    Ok(reply)
}

/// The first channel at which an agent listens that may be believed.
async fn reach(state: &Path) -> Option<Stream> {
    for channel in platform::channels_to_try(state) {
        let Ok(name) = channel.as_path().to_fs_name::<GenericFilePath>() else { continue };
        match timeout(HELLO_WITHIN, knock(&name)).await {
            Ok(Ok(stream)) => match platform::peer(&stream) {
                Ok(agent) if platform::may_serve(&channel, &agent) => return Some(stream),
                Ok(agent) => tracing::warn!(user = agent.name, ?channel, "somebody else listens there"),
                Err(error) => tracing::debug!(%error, ?channel, "it is not told who listens there"),
            },
            Ok(Err(error)) => tracing::debug!(%error, ?channel, "nobody listens there"),
            Err(_) => tracing::debug!(?channel, "whoever listens there does not answer"),
        }
    }
    None
}

/// Connects; waits while more clients stand at the door than the system lets in at once.
async fn knock(name: &Name<'_>) -> io::Result<Stream> {
    loop {
        match Stream::connect(name.borrow()).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(DOOR_WAIT).await,
            connected => return connected,
        }
    }
}

fn missing(state: &Path) -> Problem {
    let state = state.display();
    Problem::new(
        Code::AgentMissing,
        words!(
            "O agente de backup não está em execução (estado em {state}).",
            "The backup agent is not running (state in {state})."
        ),
        words!(
            "Abra o DMBackup, ou execute «dmbackupctl run» no servidor.",
            "Start DMBackup, or run «dmbackupctl run» on the server."
        ),
    )
}

fn silent() -> Problem {
    Problem::new(
        Code::AgentMissing,
        words!("O agente de backup deixou de responder.", "The backup agent stopped answering."),
        words!(
            "Veja se ele ainda está em execução e tente de novo.",
            "See whether it still runs, and try again."
        ),
    )
}

fn unexpected() -> Problem {
    Problem::new(
        Code::AgentVersion,
        words!("O agente respondeu outra coisa.", "The agent answered something else."),
        words!(
            "Instale a mesma versão do programa e do agente e reinicie o agente.",
            "Install the same version of program and agent and restart the agent."
        ),
    )
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
