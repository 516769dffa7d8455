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
use tokio::time::{Instant, sleep, timeout};

/// The lock that one window a session holds.
const LOCK: &str = "window";
/// No wish is longer, in bytes.
const LONGEST_WISH: u64 = 64 * 1024;
/// The first window listens and answers within this time, or hangs.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries to let a later start in, where the system refused the first.
const DOOR_WAIT: Duration = Duration::from_millis(50);
/// Between two tries to reach the first window, which may be beginning or ending just now.
const KNOCK_AGAIN: Duration = Duration::from_millis(50);

/// The first window's place.
#[derive(Debug)]
pub struct Seat {
    place: PathBuf,
    _lock: LockFile,
}

/// Takes the place of the session's one window; or tells the window that has it what this start was for, and is `None`. Two
/// starts at once, as of a double click, find a first window that does not listen yet, or one that is just ending: it is tried
/// again for a while.
///
/// # Errors
/// The session's folder cannot be used; the first window neither listens nor ends.
pub async fn take_or_tell(state: &Path, wish: &Wish) -> io::Result<Option<Seat>> {
    let begun = Instant::now();
    loop {
        if let Some(seat) = take(state)? {
            return Ok(Some(seat));
        }
        match tell(state, wish).await {
            Ok(()) => return Ok(None),
            Err(error) if begun.elapsed() >= PATIENCE => return Err(error),
            Err(error) => tracing::debug!(%error, "the first window does not listen"),
        }
        sleep(KNOCK_AGAIN).await;
    }
}

/// Takes the place of the session's one window; `None` where another has it.
fn take(state: &Path) -> io::Result<Option<Seat>> {
    let place = platform::session_file(state, LOCK)?;
    Ok(LockFile::take(&place)?.map(|lock| Seat { place, _lock: lock }))
}

/// Tells the first window what this start was for. Fails where it does not listen, or somebody else does in its place.
async fn tell(state: &Path, wish: &Wish) -> io::Result<()> {
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
        assert!(take_or_tell(folder.path(), &wish).await.unwrap().is_none());
        assert_eq!(heard.recv().await, Some(wish));
        listening.abort();
        assert!(listening.await.unwrap_err().is_cancelled());
        assert!(take(folder.path()).unwrap().is_some(), "free again");
    }

    #[tokio::test]
    async fn a_second_window_waits_for_a_first_one_that_does_not_listen_yet() {
        let folder = tempfile::tempdir().unwrap();
        let seat = take(folder.path()).unwrap().unwrap();
        let wish = Wish { page: "home".to_owned(), message: String::new() };
        assert!(tell(folder.path(), &wish).await.is_err(), "nobody listens");
        let (state, wished) = (folder.path().to_owned(), wish.clone());
        let second = tokio::spawn(async move { take_or_tell(&state, &wished).await });
        let (wishes, mut heard) = tokio::sync::mpsc::unbounded_channel();
        tokio::task::yield_now().await;
        let listening = tokio::spawn(seat.listen(wishes));
        assert!(second.await.unwrap().unwrap().is_none());
        assert_eq!(heard.recv().await, Some(wish));
        listening.abort();
    }

    #[tokio::test]
    async fn a_second_window_takes_the_place_of_a_first_one_that_ends() {
        let folder = tempfile::tempdir().unwrap();
        let seat = take(folder.path()).unwrap().unwrap();
        let (state, wish) = (folder.path().to_owned(), Wish { page: String::new(), message: String::new() });
        let second = tokio::spawn(async move { take_or_tell(&state, &wish).await });
        tokio::task::yield_now().await;
        drop(seat);
        assert!(second.await.unwrap().unwrap().is_some());
    }
}
