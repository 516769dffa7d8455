//! The copy at the terminal: a thread of its own follows the zip while it grows, has its copy read back, and waits for the word
//! of the run before the copy takes its good name. A share that hangs for ever holds up this thread, never the run.

use super::along::{Along, Proved};
use super::grains::Grains;
use super::growth::{self, FollowError, Growth};
use super::links::{self, Linking};
use super::outcome::CopyReport;
use crate::destination::{Destination, Name, ReadSeek, Staged};
use crate::problem::{Code, Problem, Result};
use crate::words;
use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// A terminal that takes no byte for this long has failed, however alive its share looks.
const STALL: Duration = Duration::from_secs(300);

/// A copy that is not wanted any more ends within this time, or is given up as stalled.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// What the run says when its own side is done.
enum Decision {
    /// The server's copy stands: the terminal's may take its name, if it is the same.
    Publish(Publish),
    /// The run failed or was stopped.
    Discard,
}

/// What the terminal's copy is compared with, and what it is to be called.
pub struct Publish {
    /// The content of the zip on the server, as it was read back there.
    pub grains: Grains,
    /// The other names that it takes there.
    pub links: Linking,
}

/// Figures that the thread tells while it works; both only grow.
#[derive(Debug, Default)]
struct Meter {
    copied_bytes: AtomicU64,
    read_back_bytes: AtomicU64,
    steps: AtomicU64,
    /// A [`Wish`].
    wish: AtomicU8,
}

/// What whoever waits for the copy wants of it; it only goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Wanted,
    /// It may end here, and is removed.
    Stopped,
    /// Nobody waits any more. Whoever writes there now may have begun a file under the same partial name, and newer backups may
    /// have taken the good ones: nothing there may be touched.
    GivenUp,
}

impl Meter {
    fn wish(&self) -> Wish {
        match self.wish.load(Ordering::Acquire) {
            0 => Wish::Wanted,
            1 => Wish::Stopped,
            _ => Wish::GivenUp,
        }
    }

    fn ask_for(&self, wish: Wish) {
        self.wish.fetch_max(wish as u8, Ordering::AcqRel);
    }

    fn beat(&self) -> u64 {
        self.copied_bytes.load(Ordering::Relaxed)
            + self.read_back_bytes.load(Ordering::Relaxed)
            + self.steps.load(Ordering::Relaxed)
    }

    fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
}

/// A copy that came to its end.
#[derive(Debug)]
pub struct Copied {
    /// Where it stands, or that it was not wanted.
    pub report: CopyReport,
    /// Why one of its other names still names an older backup.
    pub unnamed: Option<Problem>,
}

/// A copy under way.
pub struct TerminalCopy {
    meter: Arc<Meter>,
    decision: mpsc::Sender<Decision>,
    done: oneshot::Receiver<Result<Option<Copied>>>,
    shown: String,
}

impl TerminalCopy {
    /// Starts to follow `source`, whose growing `growth` tells, to `name` at `terminal`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        terminal: Arc<dyn Destination>,
        name: Name,
        growth: Arc<Growth>,
        source: Box<dyn ReadSeek>,
    ) -> Result<Self> {
        let meter = Arc::new(Meter::default());
        let (decision, decided) = mpsc::channel();
        let (tell, done) = oneshot::channel();
        let shown = terminal.shown();
        let worker = Worker { terminal, name, growth, meter: Arc::clone(&meter) };
        std::thread::Builder::new()
            .name("terminal".into())
            .spawn(move || {
                // Nobody listens any more where the run gave us up as stalled.
                let _ = tell.send(worker.work(source, &decided));
            })
            .map_err(|error| Problem::internal(format!("thread «terminal»: {error}")))?;
        Ok(Self { meter, decision, done, shown })
    }

    /// A gauge of [`Self::copied_bytes`] that outlives the borrow.
    pub fn meter(&self) -> Box<dyn Fn() -> u64 + Send + Sync> {
        let meter = Arc::clone(&self.meter);
        Box::new(move || meter.copied_bytes.load(Ordering::Relaxed))
    }

    /// Bytes that the terminal has.
    pub fn copied_bytes(&self) -> u64 {
        self.meter.copied_bytes.load(Ordering::Relaxed)
    }

    /// Bytes that were read back there.
    pub fn read_back_bytes(&self) -> u64 {
        self.meter.read_back_bytes.load(Ordering::Relaxed)
    }

    /// Tells that the server's copy stands, and waits for the end; `tick` is called while waiting. Once `stop` is cancelled
    /// what is not there yet stays pending.
    ///
    /// # Errors
    /// What failed at the terminal; [`Code::TerminalIo`] where nothing moved for [`STALL`]; [`Code::TerminalPending`] where
    /// somebody stopped it.
    pub async fn finish(
        self,
        publish: Publish,
        stop: &CancellationToken,
        tick: impl FnMut(&Self),
    ) -> Result<Copied> {
        let shown = self.shown.clone();
        match self.end(Decision::Publish(publish), stop, tick).await {
            Ok(Some(copied)) => Ok(copied),
            Ok(None) => Err(stopped(&shown)),
            Err(problem) => Err(problem),
        }
    }

    /// Ends a copy that is not wanted any more.
    ///
    /// # Errors
    /// What failed at the terminal, or that it does not answer.
    pub async fn discard(self) -> Result<()> {
        let stop = CancellationToken::new();
        stop.cancel();
        self.end(Decision::Discard, &stop, |_| ()).await.map(drop)
    }

    async fn end(
        mut self,
        decision: Decision,
        stop: &CancellationToken,
        mut tick: impl FnMut(&Self),
    ) -> Result<Option<Copied>> {
        // A worker that has failed already has told so in `done`.
        let _ = self.decision.send(decision);
        let mut last = self.meter.beat();
        let mut patience = STALL;
        let mut quiet_since = tokio::time::Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                biased;
                done = &mut self.done => {
                    return done.unwrap_or_else(|_| Err(Problem::internal("thread «terminal» ended early")));
                }
                () = stop.cancelled(), if patience == STALL => {
                    self.meter.ask_for(Wish::Stopped);
                    patience = STOP_PATIENCE;
                    quiet_since = tokio::time::Instant::now();
                }
                _ = ticks.tick() => {
                    tick(&self);
                    let beat = self.meter.beat();
                    if beat != last {
                        last = beat;
                        quiet_since = tokio::time::Instant::now();
                    } else if quiet_since.elapsed() > patience {
                        self.meter.ask_for(Wish::GivenUp);
                        return Err(stalled(&self.shown));
                    }
                }
            }
        }
    }
}

struct Worker {
    terminal: Arc<dyn Destination>,
    name: Name,
    growth: Arc<Growth>,
    meter: Arc<Meter>,
}

impl Worker {
    /// The copy from beginning to end; `None` where it was not wanted to the end.
    fn work(
        &self,
        mut source: Box<dyn ReadSeek>,
        decided: &mpsc::Receiver<Decision>,
    ) -> Result<Option<Copied>> {
        let mut staged = self.terminal.stage(&self.name)?;
        self.meter.step();
        let copied = self.copy(&mut *source, &mut *staged);
        let (proved, Publish { grains, links }) = match copied {
            Ok(Some(proved)) => match decided.recv() {
                Ok(Decision::Publish(publish)) => (proved, publish),
                Ok(Decision::Discard) | Err(mpsc::RecvError) => return self.put_away(staged).map(|()| None),
            },
            Ok(None) => return self.put_away(staged).map(|()| None),
            Err(problem) => {
                if let Err(left) = self.put_away(staged) {
                    tracing::warn!(problem = %left, "the unfinished copy stays until the terminal is back");
                }
                return Err(problem);
            }
        };
        if self.meter.wish() != Wish::Wanted {
            return self.put_away(staged).map(|()| None);
        }
        if grains != proved.grains {
            self.put_away(staged)?;
            return Err(read_back_differs(&self.terminal.shown()));
        }
        self.publish(staged, &proved, &links).map(Some)
    }

    fn copy(&self, source: &mut dyn ReadSeek, staged: &mut dyn Staged) -> Result<Option<Proved>> {
        let meter = Arc::clone(&self.meter);
        let read_back = move |bytes| {
            meter.read_back_bytes.fetch_add(bytes, Ordering::Relaxed);
        };
        let mut along = Along::begin(staged, Arc::new(read_back))?;
        let told = &mut |bytes| self.meter.copied_bytes.store(bytes, Ordering::Relaxed);
        let followed =
            growth::follow(&self.growth, source, &mut Wanted { along: &mut along, meter: &self.meter }, told);
        if self.meter.wish() != Wish::Wanted {
            return Ok(None);
        }
        match followed {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(None),
            Err(FollowError::Target(error)) => return Err(along.explain(&error, &*self.terminal)),
            Err(FollowError::Source(error)) => {
                tracing::error!(%error, "the zip on the server cannot be read for the copy");
                return Err(unreadable(&self.terminal.shown()));
            }
        }
        self.meter.step();
        along.finish().map(Some)
    }

    fn publish(&self, staged: Box<dyn Staged>, proved: &Proved, links: &Linking) -> Result<Copied> {
        let path = self.terminal.path_of(&self.name).display().to_string();
        staged.publish()?;
        self.meter.step();
        // Whoever came after us has given the other names to a newer backup by now.
        let unnamed = match self.meter.wish() {
            Wish::GivenUp => None,
            Wish::Wanted | Wish::Stopped => links::make(&*self.terminal, links),
        };
        let report = CopyReport {
            path,
            done: true,
            from_medium: Some(proved.from_medium),
            links_pending: unnamed.is_some(),
            bytes_per_sec: proved.bytes_per_sec,
        };
        Ok(Copied { report, unnamed })
    }

    /// Removes a copy that is not wanted, unless nothing there is ours to remove any more.
    fn put_away(&self, staged: Box<dyn Staged>) -> Result<()> {
        if self.meter.wish() == Wish::GivenUp {
            staged.leave();
            return Ok(());
        }
        staged.discard()
    }
}

/// Ends the writing of a copy that is not wanted any more.
struct Wanted<'a, 'b> {
    along: &'a mut Along<'b>,
    meter: &'a Meter,
}

impl Write for Wanted<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.meter.wish() {
            Wish::Wanted => self.along.write(bytes),
            Wish::Stopped | Wish::GivenUp => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.along.flush()
    }
}

impl Seek for Wanted<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.along.seek(to)
    }
}

fn stopped(shown: &str) -> Problem {
    Problem::new(
        Code::TerminalPending,
        words!(
            "A cópia para o terminal de backup ({shown}) foi interrompida a pedido; o backup está no servidor.",
            "The copy to the terminal de backup ({shown}) was stopped on request; the backup is on the server.",
        ),
        words!(
            "Nada a fazer: a cópia será feita sozinha mais tarde.",
            "Nothing to do: the copy is made by itself later.",
        ),
    )
}

fn stalled(shown: &str) -> Problem {
    Problem::new(
        Code::TerminalIo,
        words!(
            "O terminal de backup ({shown}) parou de responder durante a cópia.",
            "The terminal de backup ({shown}) stopped answering during the copy.",
        ),
        words!(
            "Veja se o computador está ligado e a rede funcionando; a cópia será refeita sozinha quando ele voltar.",
            "See that the machine is on and the network works; the copy is made up by itself when it is back.",
        ),
    )
}

fn read_back_differs(shown: &str) -> Problem {
    Problem::new(
        Code::BackupReadBack,
        words!(
            "O que foi lido de volta do terminal de backup ({shown}) não é o que foi gravado.",
            "What was read back from the terminal de backup ({shown}) is not what was written.",
        ),
        words!(
            "O disco, a rede ou a memória desse computador está falhando: troque o cabo ou o disco e faça um novo backup.",
            "That machine's disk, network or memory is failing: replace cable or disk and make a new backup.",
        ),
    )
}

fn unreadable(shown: &str) -> Problem {
    Problem::new(
        Code::FolderIo,
        words!(
            "O arquivo zip do servidor não pôde ser lido para a cópia ao terminal de backup ({shown}).",
            "The zip on the server could not be read for the copy to the terminal de backup ({shown}).",
        ),
        words!(
            "Verifique o disco do servidor (chkdsk); a cópia será tentada de novo.",
            "Check the server's disk (chkdsk); the copy will be tried again.",
        ),
    )
}
