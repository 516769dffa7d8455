//! What a SQL Server answers, read by the client: whatever it is, it is an answer or a problem, and soon.
//!
//! The input is the server's part of a conversation: a byte of flags, a byte that tells what is asked of it, and then its
//! answers, each behind its length in two bytes, lower first. Whoever asks more than is answered is hung up on.

use dmbackup::config::{DatabaseName, Encrypt, Login, Secret, ServerConfig};
use dmbackup::problem::Problem;
use dmbackup::sqlserver::{BackupRequest, DumpProgress, Limits, RestoreRequest, Server};
use std::cell::RefCell;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The input begins with the answer to PRELOGIN; else the handshake is an ordinary one and the answers are to what is asked.
const OWN_HANDSHAKE: u8 = 1;
/// The input's answers are packets already; else each is put into one.
const OWN_PACKETS: u8 = 2;
/// The last answer on each connection comes late, so that whoever watches a statement looks at it meanwhile.
const LATE: u8 = 4;

/// So late: after a look, and before anybody has lost patience.
const DELAY: Duration = Duration::from_millis(1_500);

/// What can be asked, by the numbers from 0.
const QUESTIONS: u8 = 15;

/// What is asked must have an end within this, many times the limits.
const PATIENCE: Duration = Duration::from_secs(300);
const LIMITS: Limits = Limits {
    connect: Duration::from_secs(2),
    answer: Duration::from_secs(2),
    change: Duration::from_secs(2),
    count: Duration::from_secs(2),
    stall: Duration::from_secs(2),
    look: Duration::from_secs(1),
    ending: Duration::from_secs(2),
};

/// PRELOGIN: version 16, and no encryption.
const PRELOGIN: &[u8] = &[0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 3, 0xe8, 0, 0, 2];
/// LOGINACK for TDS 7.4 of a server without a name, and DONE.
const LOGIN: &[u8] = &[
    0xad, 10, 0, 1, 0x74, 0, 0, 4, 0, 16, 0, 3, 0xe8, // LOGINACK
    0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // DONE
];

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Asks a server that answers so.
pub fn check(data: &[u8]) {
    let [flags, question, rest @ ..] = data else { return };
    WORLD.with_borrow_mut(|world| {
        let world = world.get_or_insert_with(World::new);
        let World { runtime, listener, server } = world;
        runtime.block_on(async {
            let asking = tokio::time::timeout(PATIENCE, ask(server, question % QUESTIONS));
            tokio::select! {
                biased;
                answered = asking => {
                    let answered = answered.expect("an end, whatever the server says");
                    if let Err(problem) = answered {
                        assert!(!problem.sentence.pt.is_empty() && !problem.sentence.en.is_empty());
                    }
                }
                () = serve(listener, *flags, rest) => {}
            }
        });
    });
}

/// Its time is paused: whoever only waits goes on at once, so that waiting for what never comes costs nothing.
struct World {
    runtime: Runtime,
    listener: TcpListener,
    server: Server,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port of this machine");
        let port = listener.local_addr().expect("it has an address").port();
        let config = ServerConfig {
            host: "127.0.0.1".into(),
            instance: None,
            port: Some(port),
            encrypt: Encrypt::Off,
            trust_server_certificate: true,
            login: Login::Sql { user: "sa".into(), password: Secret::new("x") },
            service: None,
        };
        let server = Server::with_limits(&config, "DMBackup fuzz", LIMITS);
        Self { runtime, listener, server }
    }
}

async fn ask(server: &Server, question: u8) -> Result<(), Problem> {
    let database = DatabaseName::new("MCDados").expect("a name");
    let never = CancellationToken::new();
    match question {
        0 => server.health(&database).await.map(|health| assert!(!format!("{health:?}").is_empty())),
        1 => server.history(&database, 5).await.map(drop),
        2 => server.suspect_pages(&database).await.map(drop),
        3 => server.grant_plan(&database).await.map(|plan| drop(plan.script())),
        4 => server.header_only("x.bak", &never).await.map(drop),
        5 => server.file_list_only("x.bak", &never).await.map(drop),
        6 => server.connect().await.map(drop),
        7 => server.backup(&dump(database), &look, &never).await.map(drop),
        8 => server.verify_only("x.bak", &never).await,
        9 => server.restore(&restoring(), &look, &never).await,
        10 => server.check_database("MCDados", &look, &never).await.map(drop),
        11 => server.count_rows("MCDados", &never).await.map(drop),
        12 => server.kept_row_counts("MCDados", &never).await.map(drop),
        13 => server.restore_rights("MCDados").await.map(drop),
        _ => server.database_identity("MCDados").await.map(drop),
    }
}

fn dump(database: DatabaseName) -> BackupRequest {
    BackupRequest {
        database,
        device_path: "x.bak".to_owned(),
        name: "DMBackup MCDados".to_owned(),
        description: "loja 7".to_owned(),
        no_compression: false,
        continue_after_error: false,
    }
}

fn restoring() -> RestoreRequest {
    RestoreRequest {
        database: "MCDados_beside".to_owned(),
        device_path: "x.bak".to_owned(),
        moves: vec![
            ("MCDados".to_owned(), "x.mdf".to_owned()),
            ("MCDados_log".to_owned(), "x.ldf".to_owned()),
        ],
        checksum: true,
        replace: false,
    }
}

/// What a server tells of its progress is a share of a whole, whatever it sends.
fn look(seen: DumpProgress) {
    assert!(seen.percent.is_none_or(|percent| (0.0..=100.0).contains(&percent)), "{seen:?}");
}

/// Answers each connection with the input, from its beginning.
async fn serve(listener: &TcpListener, flags: u8, input: &[u8]) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            let answers = answers(flags, input);
            connections.spawn(async move {
                // The client may have hung up, on what it was told.
                let _hung_up = answer(stream, answers, flags & LATE != 0).await;
            });
        }
    }
}

async fn answer(mut stream: TcpStream, answers: Vec<Vec<u8>>, late: bool) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let count = answers.len();
    for (number, answer) in answers.into_iter().enumerate() {
        read_message(&mut stream).await?;
        if late && number + 1 == count {
            tokio::time::sleep(DELAY).await;
        }
        stream.write_all(&answer).await?;
    }
    // What was asked last is not answered.
    read_message(&mut stream).await
}

/// Reads packets up to the one that ends a message.
async fn read_message(stream: &mut TcpStream) -> std::io::Result<()> {
    const LAST: u8 = 1;
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header).await?;
        let length = u16::from_be_bytes([header[2], header[3]]).saturating_sub(8);
        let mut payload = vec![0; length.into()];
        stream.read_exact(&mut payload).await?;
        if header[1] & LAST != 0 {
            return Ok(());
        }
    }
}

fn answers(flags: u8, mut input: &[u8]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    if flags & OWN_HANDSHAKE == 0 {
        answers.extend([packets(PRELOGIN), packets(LOGIN)]);
    }
    while let [low, high, rest @ ..] = input {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (answer, others) = rest.split_at(length);
        answers.push(if flags & OWN_PACKETS == 0 { packets(answer) } else { answer.to_vec() });
        input = others;
    }
    if flags & OWN_HANDSHAKE != 0
        && let Some(prelogin) = answers.first_mut()
    {
        name_no_thread(prelogin);
    }
    answers
}

/// Takes the thread's number out of an answer to PRELOGIN. No server sends one, and tiberius asserts so, but in builds with
/// debug assertions only, as these are: what users have ignores it.
fn name_no_thread(prelogin: &mut [u8]) {
    const HEADER_BYTES: usize = 8;
    const OPTION_BYTES: usize = 5;
    const THREAD: u8 = 3;
    const MARS: u8 = 4;
    const END: u8 = 0xff;
    let options = prelogin.get_mut(HEADER_BYTES..).unwrap_or_default();
    for option in options.chunks_mut(OPTION_BYTES) {
        match option.first_mut() {
            Some(token) if *token == THREAD => *token = MARS,
            Some(token) if *token != END => {}
            Some(_) | None => break,
        }
    }
}

/// Tokens as the packets of one message.
fn packets(tokens: &[u8]) -> Vec<u8> {
    const PAYLOAD_BYTES: usize = 4_088;
    let mut message = Vec::new();
    let count = tokens.len().div_ceil(PAYLOAD_BYTES).max(1);
    for number in 0..count {
        let from = number * PAYLOAD_BYTES;
        let payload = &tokens[from..tokens.len().min(from + PAYLOAD_BYTES)];
        let length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX).to_be_bytes();
        let last = u8::from(number + 1 == count);
        message.extend_from_slice(&[4, last, length[0], length[1], 0, 0, 0, 0]);
        message.extend_from_slice(payload);
    }
    message
}
