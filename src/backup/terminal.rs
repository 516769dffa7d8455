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
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;

/// A terminal that takes no byte for this long has failed, however alive its share looks.
pub const STALL: Duration = Duration::from_secs(300);

/// What the run says when its own side is done.
pub enum Decision {
    /// The server's copy stands: the terminal's may take its name, if it is the same.
    Publish {
        /// The content of the zip on the server, as it was read back there.
        grains: Grains,
        /// The other names that it takes there.
        links: Linking,
    },
    /// The run failed or was stopped.
    Discard,
}

/// Figures that the thread tells while it works; both only grow.
#[derive(Debug, Default)]
struct Meter {
    copied_bytes: AtomicU64,
    read_back_bytes: AtomicU64,
    steps: AtomicU64,
}

impl Meter {
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
    done: oneshot::Receiver<Result<Copied>>,
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

    /// Tells the decision and waits for the end; `tick` is called while waiting.
    ///
    /// # Errors
    /// What failed at the terminal; [`Code::TerminalIo`] where nothing moved for `stall`.
    pub async fn finish(
        mut self,
        decision: Decision,
        stall: Duration,
        mut tick: impl FnMut(&Self),
    ) -> Result<Copied> {
        // A worker that has failed already has told so in `done`.
        let _ = self.decision.send(decision);
        let mut last = self.meter.beat();
        let mut quiet_since = tokio::time::Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_millis(500));
        loop {
            tokio::select! {
                biased;
                done = &mut self.done => {
                    return done.unwrap_or_else(|_| Err(Problem::internal("thread «terminal» ended early")));
                }
                _ = ticks.tick() => {
                    tick(&self);
                    let beat = self.meter.beat();
                    if beat != last {
                        last = beat;
                        quiet_since = tokio::time::Instant::now();
                    } else if quiet_since.elapsed() > stall {
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
    fn work(&self, mut source: Box<dyn ReadSeek>, decided: &mpsc::Receiver<Decision>) -> Result<Copied> {
        let mut staged = self.terminal.stage(&self.name)?;
        self.meter.step();
        let copied = self.copy(&mut *source, &mut *staged);
        match copied {
            Ok(Some(proved)) => match decided.recv() {
                Ok(Decision::Publish { grains, links }) if grains == proved.grains => {
                    self.publish(staged, &proved, &links)
                }
                Ok(Decision::Publish { .. }) => {
                    staged.discard()?;
                    Err(read_back_differs(&self.terminal.shown()))
                }
                Ok(Decision::Discard) | Err(mpsc::RecvError) => self.give_up(staged),
            },
            Ok(None) => self.give_up(staged),
            Err(problem) => {
                if let Err(left) = staged.discard() {
                    tracing::warn!(problem = %left, "the unfinished copy stays until the terminal is back");
                }
                Err(problem)
            }
        }
    }

    fn copy(&self, source: &mut dyn ReadSeek, staged: &mut dyn Staged) -> Result<Option<Proved>> {
        let meter = Arc::clone(&self.meter);
        let read_back = move |bytes| {
            meter.read_back_bytes.fetch_add(bytes, Ordering::Relaxed);
        };
        let mut along = Along::begin(staged, Arc::new(read_back))?;
        let told = &mut |bytes| self.meter.copied_bytes.store(bytes, Ordering::Relaxed);
        let followed = growth::follow(&self.growth, source, &mut along, told);
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
        let unnamed = links::make(&*self.terminal, links);
        let report = CopyReport {
            path,
            done: true,
            from_medium: Some(proved.from_medium),
            links_pending: unnamed.is_some(),
            bytes_per_sec: proved.bytes_per_sec,
        };
        Ok(Copied { report, unnamed })
    }

    fn give_up(&self, staged: Box<dyn Staged>) -> Result<Copied> {
        staged.discard()?;
        let report = CopyReport {
            path: self.terminal.shown(),
            done: false,
            from_medium: None,
            links_pending: false,
            bytes_per_sec: None,
        };
        Ok(Copied { report, unnamed: None })
    }
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
