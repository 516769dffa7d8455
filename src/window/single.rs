//! Two windows are one: the first of a session holds a lock and listens; a second start tells it what it was opened for, and
//! ends.

use super::args::Wish;
use crate::durable::LockFile;
use crate::platform;
use interprocess::local_socket::tokio::{Stream, prelude::*};
use interprocess::local_socket::{GenericFilePath, ToFsName};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, timeout};

/// The lock that one window a session holds.
const LOCK: &str = "window";
/// No wish is longer, in bytes.
const LONGEST_WISH: u64 = 64 * 1024;
/// The first window answers at once, or hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries to let a later start in, where the system refused the first.
const DOOR_WAIT: Duration = Duration::from_millis(50);

/// The first window's place.
#[derive(Debug)]
pub struct Seat {
    place: PathBuf,
    _lock: LockFile,
}

/// Takes the place of the session's one window; `None` where another has it.
///
/// # Errors
/// The session's folder cannot be used.
pub fn take(state: &Path) -> io::Result<Option<Seat>> {
    let place = platform::session_file(state, LOCK)?;
    Ok(LockFile::take(&place)?.map(|lock| Seat { place, _lock: lock }))
}

/// Tells the first window what this start was for.
///
/// # Errors
/// It does not listen, or somebody else does in its place.
pub async fn tell(state: &Path, wish: &Wish) -> io::Result<()> {
    let place = platform::session_file(state, LOCK)?;
    let text = serde_json::to_vec(wish)?;
    let telling = async {
        for channel in platform::channels_to_try(&place) {
            let Ok(mut stream) = Stream::connect(channel.as_path().to_fs_name::<GenericFilePath>()?).await
            else {
                continue;
            };
            if platform::peer(&stream)?.ourselves {
                stream.write_all(&text).await?;
                return stream.shutdown().await;
            }
        }
        Err(io::ErrorKind::NotFound.into())
    };
    timeout(PATIENCE, telling).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

impl Seat {
    /// Hears what later starts wish, until nobody wants to know any more.
    pub async fn listen(self, wishes: UnboundedSender<Wish>) {
        let listener =
            platform::channel_to_listen(&self.place).and_then(|channel| platform::listen(&channel));
        let listener = match listener {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(%error, "a second window cannot reach this one");
                return std::future::pending().await;
            }
        };
        while !wishes.is_closed() {
            let stream = match listener.accept().await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a second window was not let in");
                    // For lack of descriptors, as a rule; nobody tells when there are some again.
                    sleep(DOOR_WAIT).await;
                    continue;
                }
            };
            match hear(stream).await {
                Ok(Some(wish)) => {
                    if wishes.send(wish).is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "a second window was not understood"),
            }
        }
    }
}

/// The wish of a later start; `None` for anybody who is not this user.
async fn hear(stream: Stream) -> io::Result<Option<Wish>> {
    if !platform::peer(&stream)?.ourselves {
        return Ok(None);
    }
    let mut text = Vec::new();
    let mut bounded = stream.take(LONGEST_WISH);
    let read = bounded.read_to_end(&mut text);
    timeout(PATIENCE, read).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    Ok(Some(serde_json::from_slice(&text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_window_tells_the_first_what_it_was_opened_for() {
        let folder = tempfile::tempdir().unwrap();
        let seat = take(folder.path()).unwrap().unwrap();
        assert!(take(folder.path()).unwrap().is_none(), "one window a session");
        let (wishes, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let listening = tokio::spawn(seat.listen(wishes));
        let wish = Wish { page: "journal".to_owned(), message: String::new() };
        while tell(folder.path(), &wish).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert_eq!(heard.recv().await, Some(wish));
        listening.abort();
        assert!(listening.await.unwrap_err().is_cancelled());
        assert!(take(folder.path()).unwrap().is_some(), "free again");
    }
}
