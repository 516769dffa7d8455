//! Questions to folders that may never answer: a share whose machine is gone blocks whoever asks. Nobody waits for ever, and
//! never do two ask the same folder at once.

use super::{Destination, Kind};
use crate::problem::{Code, Problem, Result};
use crate::words;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A share that has not answered after this long is not there.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Asks one folder, one question at a time.
#[derive(Debug)]
pub struct Asker {
    turn: Arc<Mutex<()>>,
    patience: Duration,
}

impl Default for Asker {
    fn default() -> Self {
        Self { turn: Arc::default(), patience: PATIENCE }
    }
}

impl Asker {
    /// One who waits for so long.
    pub fn with_patience(patience: Duration) -> Self {
        Self { patience, ..Self::default() }
    }

    /// Asks `question`, which is about `destination`, in a thread that may wait.
    ///
    /// # Errors
    /// The question's own; or that the destination does not answer, also when a question from before still waits there.
    pub async fn ask<T: Send + 'static>(
        &self,
        destination: &dyn Destination,
        question: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask_within(self.patience, destination, question).await
    }

    /// The same for a question that takes its time even where all is well: three times as long.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_long<T: Send + 'static>(
        &self,
        destination: &dyn Destination,
        question: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask_within(self.patience * 3, destination, question).await
    }

    async fn ask_within<T: Send + 'static>(
        &self,
        patience: Duration,
        destination: &dyn Destination,
        question: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = Arc::clone(&self.turn);
        let answered = async {
            let turn = turn.lock_owned().await;
            blocking(move || {
                let answer = question();
                drop(turn);
                answer
            })
            .await
        };
        match timeout(patience, answered).await {
            Ok(answer) => answer,
            Err(_) => Err(no_answer(destination, patience)),
        }
    }
}

/// Does blocking work in a thread that may wait.
///
/// # Errors
/// The work's own; an internal one where it panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|cause| Err(Problem::internal(cause)))
}

/// That a folder does not answer.
pub fn no_answer(destination: &dyn Destination, patience: Duration) -> Problem {
    let (shown, seconds) = (destination.shown(), patience.as_secs());
    let code = match destination.kind() {
        Kind::Server => Code::FolderIo,
        Kind::Terminal => Code::TerminalMissing,
    };
    Problem::new(
        code,
        words!(
            "A pasta {shown} não respondeu em {seconds} segundos.",
            "The folder {shown} did not answer within {seconds} seconds."
        ),
        words!(
            "Verifique se o computador ou o disco dessa pasta está ligado e na rede.",
            "Check that the machine or the disk of that folder is on and on the network."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::Folder;
    use crate::durable::Ledger;
    use crate::slot::ArchiveName;
    use std::sync::mpsc;

    #[tokio::test]
    async fn a_folder_that_never_answers_costs_one_thread_and_nobody_waits_for_ever() {
        let state = tempfile::tempdir().unwrap();
        let ledger = Arc::new(Ledger::open(state.path()));
        let folder = Folder::new(Kind::Terminal, state.path(), ArchiveName::default(), ledger);
        let asker = Asker::with_patience(Duration::from_millis(20));
        let (release, held) = mpsc::channel::<()>();
        let first = asker.ask(&folder, move || {
            let _released = held.recv();
            Ok(())
        });
        assert_eq!(first.await.unwrap_err().code, Code::TerminalMissing);
        let second = asker.ask(&folder, || -> Result<()> { panic!("it must not be asked beside the first") });
        assert_eq!(second.await.unwrap_err().code, Code::TerminalMissing);
        drop(release);
        let patient = Asker { turn: asker.turn, ..Asker::default() };
        assert_eq!(patient.ask(&folder, || Ok(7)).await, Ok(7));
    }
}
