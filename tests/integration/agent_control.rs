//! The control channel of a real agent, over real sockets: who may what, what garbage costs, one agent at a time.

use crate::support::agent::{AgentProcess, Shop};
use dmbackup::control::protocol::{Greeting, Hello};
use dmbackup::platform;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

/// Nothing listens at this port of this machine.
const NOBODY: u16 = 1;

/// The socket of a running agent.
fn socket(shop: &Shop) -> PathBuf {
    let channels = platform::channels_to_try(&shop.state());
    channels.into_iter().find(|channel| UnixStream::connect(channel).is_ok()).expect("an agent listens")
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    frame.extend_from_slice(bytes);
    frame
}

fn hello() -> Vec<u8> {
    frame(&serde_json::to_vec(&Hello::ours()).unwrap())
}

/// Whether the agent has hung up; waits for it.
fn is_hung_up(stream: &mut UnixStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

/// Whether the agent still holds its end, after whatever it has said.
fn is_open(stream: &mut UnixStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let mut said = [0; 4_096];
    loop {
        match stream.read(&mut said) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return error.kind() == ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn without_an_agent_it_is_said_that_there_is_none() {
    let shop = Shop::new();
    for verb in ["status", "backup", "cancel", "slots", "journal"] {
        let said = shop.ctl(&[verb]);
        assert_eq!(said.exit, 12, "{said:?}");
        assert!(said.err.contains("O agente de backup não está em execução"), "{said:?}");
    }
    assert_eq!(shop.ctl(&["status", "--json"]).json()["problem"]["code"], "agent.missing");
}

#[test]
fn a_second_agent_is_refused_and_the_first_goes_on() {
    let shop = Shop::new();
    let mut first = shop.run();
    first.wait_for("Verificando último backup realizado...");
    let second = shop.ctl(&["run"]);
    assert_eq!(second.exit, 14, "{second:?}");
    assert!(second.err.contains("já está em execução"), "{second:?}");
    assert_eq!(shop.ctl(&["status"]).exit, 0);
    assert_eq!(first.terminate().code(), Some(0));
    assert_eq!(shop.ctl(&["status"]).exit, 12);
}

#[test]
fn of_agents_that_are_started_together_one_works_and_the_others_say_so() {
    let shop = Shop::new();
    let mut started: Vec<_> = (0..6).map(|_| shop.run()).collect();
    let works = |agent: &mut AgentProcess| agent.says("Verificando último backup realizado...");
    let at_work: Vec<_> = started.iter_mut().map(works).collect();
    assert_eq!(at_work.iter().filter(|works| **works).count(), 1, "{at_work:?}");
    assert_eq!(shop.ctl(&["status"]).exit, 0);
    for (agent, works) in started.into_iter().zip(at_work) {
        if works {
            assert_eq!(agent.terminate().code(), Some(0));
        } else {
            assert_eq!(agent.ended().1, Some(14), "another holds the state");
        }
    }
}

#[test]
fn a_killed_agent_leaves_nothing_that_keeps_the_next_one_out() {
    let shop = Shop::new();
    let mut first = shop.run();
    first.wait_for("Verificando último backup realizado...");
    first.kill();
    assert_eq!(shop.ctl(&["status"]).exit, 12, "nobody answers at the socket that it left");
    let mut second = shop.run();
    second.wait_for("Verificando último backup realizado...");
    assert_eq!(shop.ctl(&["status"]).exit, 0);
}

#[test]
fn another_local_user_may_look_but_not_command() {
    let shop = Shop::new();
    shop.configure(NOBODY);
    let mut agent = shop.run();
    agent.wait_for("Backup não realizado");
    if !rustix::process::geteuid().is_root() {
        // Without root there is no second user to be.
        assert_eq!(shop.ctl(&["status"]).exit, 0);
        return;
    }
    for verb in ["status", "check", "slots", "journal"] {
        let said = shop.ctl_as_nobody(&[verb, "--json"]);
        assert!(said.json()["problem"].is_null(), "{verb}: {said:?}");
    }
    for verb in ["backup", "cancel"] {
        let said = shop.ctl_as_nobody(&[verb]);
        assert_eq!(said.exit, 13, "{said:?}");
        assert!(said.err.contains("não comandá-lo"), "{said:?}");
    }
    let runs = shop.ctl(&["journal", "--json"]).json()["runs"].as_array().unwrap().len();
    assert_eq!(runs, 1, "only the first one, which nobody asked for");
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum.map(|most| most.min(4_096)).or(Some(4_096)), ..limit };
    setrlimit(Resource::Nofile, raised).unwrap();
    let shop = Shop::new();
    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    let socket = socket(&shop);
    let mut idle = Vec::new();
    for number in 0..1_000 {
        let mut stream = UnixStream::connect(&socket).unwrap();
        if number % 2 == 0 {
            // The agent may have sent it away already.
            let _sent_away = stream.write_all(&hello());
        }
        idle.push(stream);
        if number % 200 == 0 {
            let said = shop.ctl(&["status"]);
            assert_eq!(said.exit, 0, "after {number}: {said:?}");
        }
    }
    assert_eq!(shop.ctl(&["status"]).exit, 0);
    let open = idle.iter_mut().filter_map(|stream| is_open(stream).then_some(())).count();
    assert!(open <= 32, "{open} of them are still served");
    assert_eq!(agent.terminate().code(), Some(0), "they do not keep it from ending");
}

#[test]
fn garbage_costs_only_the_connection_that_sent_it() {
    let shop = Shop::new();
    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    let socket = socket(&shop);
    let oversize = [&hello()[..], &u32::MAX.to_be_bytes()].concat();
    let unknown_then_garbage = [hello(), frame(br#"{"request":"coffee"}"#), frame(b"\xff\xfe")].concat();
    let sent: [&[u8]; 5] =
        [b"GET / HTTP/1.1\r\n\r\n", &frame(b"{}"), &frame(&[0; 70_000]), &oversize, &unknown_then_garbage];
    for bytes in sent {
        let mut good = UnixStream::connect(&socket).unwrap();
        good.write_all(&hello()).unwrap();
        let mut bad = UnixStream::connect(&socket).unwrap();
        // The agent may hang up before it has everything.
        let _hung_up = bad.write_all(bytes);
        assert!(is_hung_up(&mut bad), "{:?}", &bytes[..bytes.len().min(40)]);
        good.write_all(&frame(br#"{"request":"status"}"#)).unwrap();
        let mut length = [0; 4];
        good.read_exact(&mut length).unwrap();
    }
    assert_eq!(shop.ctl(&["status"]).exit, 0);
}

#[test]
fn an_agent_of_another_protocol_is_named_as_such() {
    let shop = Shop::new();
    std::fs::create_dir(shop.state()).unwrap();
    let socket = platform::channel_to_listen(&shop.state()).unwrap();
    let listener = UnixListener::bind(&socket).unwrap();
    let newer = Hello { protocol: 90, oldest: 80, program: "9.0.0".to_owned() };
    let greeting = serde_json::to_vec(&Greeting::Hello(newer)).unwrap();
    let agent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&frame(&greeting)).unwrap();
        is_hung_up(&mut stream)
    });
    let said = shop.ctl(&["status"]);
    assert_eq!(said.exit, 12, "{said:?}");
    assert!(said.err.contains("9.0.0") && said.err.contains("não falam o mesmo protocolo"), "{said:?}");
    assert!(agent.join().unwrap());
    std::fs::remove_file(socket).unwrap();
}

#[test]
fn a_broken_configuration_is_told_and_mended_without_a_restart() {
    let shop = Shop::new();
    std::fs::write(shop.path("dmbackup.toml"), "version = 1\n[server]\nport = 'x'\n").unwrap();
    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    let refused = shop.ctl(&["backup"]);
    assert_eq!(refused.exit, 3, "{refused:?}");
    let status = shop.ctl(&["status", "--json"]).json();
    assert_eq!(status["configuration"]["in_force"], false);
    assert!(status["configuration"]["findings"].as_array().unwrap().len() > 1, "all at once: {status}");
    assert_eq!(shop.ctl(&["check"]).exit, 3);

    shop.configure(NOBODY);
    assert_eq!(shop.ctl(&["check"]).exit, 4, "now it is the server that does not answer");
    std::fs::write(shop.path("dmbackup.toml"), [0; 1_000]).unwrap();
    assert_eq!(shop.ctl(&["check"]).exit, 3);
    let status = shop.ctl(&["status", "--json"]).json();
    assert_eq!(status["configuration"]["in_force"], true, "the last good one");
}

#[test]
fn whoever_watches_sees_the_end() {
    let shop = Shop::new();
    let mut agent = shop.run();
    agent.wait_for("Verificando último backup realizado...");
    let mut watcher = UnixStream::connect(socket(&shop)).unwrap();
    watcher.write_all(&hello()).unwrap();
    watcher.write_all(&frame(br#"{"request":"watch"}"#)).unwrap();
    // It watches once it has seen something; before that the agent may be gone without having heard of it.
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(r#""activity""#) {
        let mut piece = [0; 4096];
        let read = watcher.read(&mut piece).unwrap();
        assert!(read > 0, "the agent hung up");
        seen.extend_from_slice(&piece[..read]);
    }
    assert_eq!(agent.terminate().code(), Some(0));
    watcher.read_to_end(&mut seen).unwrap();
    assert!(String::from_utf8_lossy(&seen).contains(r#""activity":"stopping""#));
}
