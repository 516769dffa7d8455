//! One conversation over a pipe in memory: what each side may say, and what it costs to say something else.

use super::*;
use crate::agent::history::History;
use crate::agent::owner::now;
use crate::agent::state::State;
use crate::agent::view::Facts;
use crate::clock::SystemClock;
use crate::control::protocol::decode;
use bytes::Bytes;
use tokio::io::{AsyncWriteExt, DuplexStream};
use uuid::Uuid;

struct Guest {
    may_command: bool,
}

impl Caller for Guest {
    fn user(&self) -> &str {
        "guest"
    }

    fn name(&self) -> &str {
        "Guest"
    }

    fn may_command(&self) -> bool {
        self.may_command
    }

    fn may_replace(&self) -> bool {
        false
    }
}

fn status() -> Status {
    let now = now(&SystemClock);
    let facts = Facts { agent: Uuid::nil(), pid: 7, started_at: now.wall };
    State::new("dmbackup.toml".to_owned(), History::default(), &now).status(&facts, &now)
}

/// A client at one end, a conversation at the other, and an agent that accepts every command.
struct Pair {
    reader: FramedRead<ReadHalf<DuplexStream>, LengthDelimitedCodec>,
    writer: FramedWrite<WriteHalf<DuplexStream>, LengthDelimitedCodec>,
    status: watch::Sender<Arc<Status>>,
    conversation: tokio::task::JoinHandle<Result<(), Gone>>,
}

impl Pair {
    fn new(may_command: bool) -> Self {
        let (near, far) = tokio::io::duplex(1 << 20);
        let (reader, writer) = tokio::io::split(near);
        let (commands, mut asked) = mpsc::channel::<Command>(4);
        let (status, seen) = watch::channel(Arc::new(status()));
        tokio::spawn(async move {
            while let Some(command) = asked.recv().await {
                command.answer.send(Reply::Done).unwrap();
            }
        });
        let conversation = tokio::spawn(async move {
            let limits = Limits::default();
            let registry = Arc::new(Mutex::new(Registry::new(limits.room)));
            let guest = Guest { may_command };
            let seat = Seat::take(&registry, &guest).unwrap();
            let desk = Desk { commands, status: seen };
            converse(far, &guest, &desk, &limits, &seat).await
        });
        Self {
            reader: FramedRead::new(reader, codec(MAX_REPLY_BYTES)),
            writer: FramedWrite::new(writer, codec(MAX_REPLY_BYTES)),
            status,
            conversation,
        }
    }

    async fn greeted(may_command: bool) -> Self {
        let mut pair = Self::new(may_command);
        pair.send(&Hello::ours()).await;
        assert_eq!(decode(&pair.frame().await), Ok(Greeting::Hello(Hello::ours())));
        pair
    }

    async fn send(&mut self, message: &impl serde::Serialize) {
        let frame = Bytes::from(serde_json::to_vec(message).unwrap());
        self.writer.send(frame).await.unwrap();
    }

    async fn frame(&mut self) -> BytesMut {
        self.reader.next().await.unwrap().unwrap()
    }

    async fn ask(&mut self, request: &Request) -> Reply {
        self.send(request).await;
        decode(&self.frame().await).unwrap()
    }

    async fn refused(&mut self, request: &Request) -> Code {
        let reply = self.ask(request).await;
        let Reply::Refused { problem } = reply else { panic!("{reply:?}") };
        problem.code
    }
}

#[tokio::test]
async fn everybody_reads_and_only_whoever_sits_here_commands() {
    let mut guest = Pair::greeted(false).await;
    assert!(matches!(guest.ask(&Request::Status).await, Reply::Status { .. }));
    assert_eq!(guest.ask(&Request::Slots).await, Reply::Done);
    for command in [Request::BackupNow { accept_shrunk: false }, Request::Cancel] {
        assert_eq!(guest.refused(&command).await, Code::AgentForbidden);
    }
    assert!(matches!(guest.ask(&Request::Status).await, Reply::Status { .. }), "it may go on reading");
    let mut owner = Pair::greeted(true).await;
    assert_eq!(owner.ask(&Request::Cancel).await, Reply::Done);
}

#[tokio::test]
async fn a_request_of_a_newer_client_is_refused_by_name_and_the_connection_lives() {
    let mut pair = Pair::greeted(true).await;
    pair.send(&serde_json::json!({ "request": "restore", "table": "x" })).await;
    let Reply::Refused { problem } = decode(&pair.frame().await).unwrap() else { panic!() };
    assert_eq!(problem.code, Code::AgentProtocol);
    assert!(matches!(pair.ask(&Request::Status).await, Reply::Status { .. }));
}

#[tokio::test]
async fn a_client_of_another_protocol_learns_ours_before_it_is_left() {
    let mut pair = Pair::new(true);
    pair.send(&Hello { protocol: 90, oldest: 80, program: "9.0.0".to_owned() }).await;
    assert_eq!(decode(&pair.frame().await), Ok(Greeting::Hello(Hello::ours())));
    assert!(pair.reader.next().await.is_none());
    assert_eq!(pair.conversation.await.unwrap(), Err(Gone("another version")));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection_before_and_after_its_hello() {
    let silent = Pair::new(true);
    assert_eq!(silent.conversation.await.unwrap(), Err(Gone("silent for too long")));
    let idle = Pair::greeted(true).await;
    assert_eq!(idle.conversation.await.unwrap(), Err(Gone("silent for too long")));
}

#[tokio::test]
async fn garbage_and_frames_beyond_the_bound_end_the_connection() {
    let mut garbage = Pair::new(true);
    garbage.writer.send(Bytes::from_static(b"GET / HTTP/1.1")).await.unwrap();
    assert_eq!(garbage.conversation.await.unwrap(), Err(Gone("no hello")));

    let mut later = Pair::greeted(true).await;
    later.writer.send(Bytes::from_static(&[0xff; 32])).await.unwrap();
    assert_eq!(later.conversation.await.unwrap(), Err(Gone("garbage")));

    let mut oversize = Pair::greeted(true).await;
    oversize.writer.get_mut().write_all(&u32::MAX.to_be_bytes()).await.unwrap();
    assert_eq!(oversize.conversation.await.unwrap(), Err(Gone("no frame")));
}

#[tokio::test]
async fn a_watch_sends_every_change_until_the_client_says_something_else() {
    let mut pair = Pair::greeted(true).await;
    assert!(matches!(pair.ask(&Request::Watch).await, Reply::Status { .. }));
    let mut changed = status();
    changed.pid = 8;
    pair.status.send_replace(Arc::new(changed));
    let Reply::Status { status } = decode(&pair.frame().await).unwrap() else { panic!() };
    assert_eq!(status.pid, 8);
    assert_eq!(pair.ask(&Request::Cancel).await, Reply::Done);
    drop((pair.reader, pair.writer));
    assert_eq!(pair.conversation.await.unwrap(), Ok(()));
}
