//! The vocabulary reads back, and nothing that is sent can do harm.

use super::*;
use crate::journal::{Event, EventKind};
use crate::words::Words;
use bytes::BytesMut;
use chrono::DateTime;
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};

fn requests() -> Vec<Request> {
    vec![
        Request::Status,
        Request::Watch,
        Request::Check,
        Request::BackupNow { accept_shrunk: true },
        Request::ExtraBackup { reason: "antes do balanço".to_owned() },
        Request::ManualBackup { folder: "E:\\".to_owned(), replace: true },
        Request::Cancel,
        Request::Quit { password: Typed::new("28062022"), stop_run: true },
        Request::ApplicationOpened,
        Request::Slots,
        Request::Journal { limit: 7, outcome: Some(Outcome::Failed) },
        Request::Events { limit: 9 },
        Request::Run { id: RunId::from_u128(5) },
        Request::Config,
        Request::Restore {
            task: Task::Drop { database: "x".to_owned() },
            login: Some(LoginTyped { user: "sa".to_owned(), password: Typed::new("segredo") }),
            by: String::new(),
        },
        Request::Restore {
            task: Task::Tick { items: crate::restore::outcome::Item::ALL.into() },
            login: None,
            by: String::new(),
        },
        Request::RestorePlan {
            task: Task::Beside {
                source: Source::Set { set: crate::slot::Set::Newest, place: Place::Terminal },
            },
        },
        Request::RestoreSources { path: Some("/mnt/x".into()) },
        Request::Restores { limit: 3 },
        Request::RestoreReport { id: RestoreId::from_u128(6) },
        Request::UpdateAddress { dry_run: true },
        Request::CheckVersion,
    ]
}

fn hello(protocol: u32, oldest: u32) -> Hello {
    Hello { protocol, oldest, program: format!("{protocol}.0.0") }
}

#[test]
fn requests_read_back_and_their_text_is_stable() {
    for request in requests() {
        let frame = encode(&request, MAX_REQUEST_BYTES).unwrap();
        assert_eq!(decode_request(&frame), Ok(request));
    }
    let text = |request: &Request| String::from_utf8(encode(request, 1_000).unwrap().to_vec()).unwrap();
    assert_eq!(text(&Request::Status), r#"{"request":"status"}"#);
    assert_eq!(
        text(&Request::Journal { limit: 2, outcome: None }),
        r#"{"request":"journal","limit":2,"outcome":null}"#
    );
}

#[test]
fn a_typed_password_is_never_printed() {
    let request = Request::Quit { password: Typed::new("28062022"), stop_run: false };
    assert!(!format!("{request:?} {request:#?}").contains("2806"));
    let bare = decode_request(br#"{"request":"quit","password":"28062022"}"#);
    assert_eq!(bare, Ok(request));
}

#[test]
fn who_asks_for_a_restore_is_never_the_clients_to_say_nor_is_a_password_printed() {
    let asked = br#"{"request":"restore","task":{"task":"drop","database":"x"},"by":"root"}"#;
    let request = decode_request(asked).unwrap();
    let Request::Restore { by, .. } = request.asked_by("ana") else { panic!("a restore") };
    assert_eq!(by, "ana");
    assert!(!format!("{:?}", requests()).contains("segredo"));
}

#[test]
fn versions_understand_each_other_or_say_so() {
    assert_eq!(hello(1, 1).common(&hello(3, 1)), Ok(1), "an older tray, a newer agent");
    assert_eq!(hello(3, 2).common(&hello(2, 1)), Ok(2));
    let problem = hello(1, 1).common(&hello(3, 2)).unwrap_err();
    assert_eq!(problem.code, Code::AgentVersion);
    assert!(problem.sentence.pt.contains("1.0.0") && problem.sentence.pt.contains("3.0.0"));
}

#[test]
fn a_request_of_a_newer_version_is_answered_by_name_and_new_fields_are_let_pass() {
    let Err(Unreadable::Unknown(problem)) = decode_request(br#"{"request":"make_coffee","sugar":2}"#) else {
        panic!("it is not known");
    };
    assert_eq!(problem.code, Code::AgentProtocol);
    assert!(problem.sentence.en.contains("make_coffee"));
    assert_eq!(decode_request(br#"{"request":"status","verbose":true}"#), Ok(Request::Status));
    let bare = decode_request(br#"{"request":"backup_now"}"#);
    assert_eq!(bare, Ok(Request::BackupNow { accept_shrunk: false }));
    assert_eq!(decode_request(br#"{"request":7}"#), Err(Unreadable::Garbage));
    assert_eq!(decode_request(b"GET / HTTP/1.1"), Err(Unreadable::Garbage));
}

#[test]
fn a_frame_beyond_the_bound_is_refused_before_its_bytes_arrive() {
    let mut codec = codec(MAX_REQUEST_BYTES);
    let mut wire = BytesMut::from(&u32::MAX.to_be_bytes()[..]);
    assert!(codec.decode(&mut wire).is_err());
    assert!(wire.capacity() < 1024, "nothing was reserved for it");
}

#[test]
fn rows_that_no_reply_holds_are_shortened_to_the_first_and_all_stay_where_there_is_room() {
    let event = |length: usize| Event {
        at: DateTime::parse_from_rfc3339("2026-11-22T14:00:00-03:00").unwrap(),
        kind: EventKind::Released,
        text: Words::same("á".repeat(length)),
    };
    let few: Vec<Event> = (1..=750).map(event).collect();
    assert_eq!(first_that_fit(few.clone(), MAX_REPLY_BYTES), Ok(few));

    let many: Vec<Event> = (1..=750).map(|number| event(4_000 + number)).collect();
    let events = first_that_fit(many.clone(), MAX_REPLY_BYTES).unwrap();
    assert!((100..750).contains(&events.len()), "{} of them", events.len());
    assert_eq!(events, many[..events.len()]);
    assert!(encode(&Reply::Events { events: many }, MAX_REPLY_BYTES).is_err(), "this had no answer before");
    let frame = encode(&Reply::Events { events }, MAX_REPLY_BYTES).unwrap();
    assert!(frame.len() > MAX_REPLY_BYTES - 20_000, "the room is used: {} bytes", frame.len());
}

proptest! {
    #[test]
    fn garbage_is_never_more_than_garbage(frame in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = decode_request(&frame);
        let _ = decode::<Reply>(&frame);
        let _ = decode::<Greeting>(&frame);
    }

    #[test]
    fn a_name_of_any_length_and_alphabet_makes_a_short_answer(name in ".{0,200}") {
        let frame = serde_json::to_vec(&serde_json::json!({ "request": name })).unwrap();
        match decode_request(&frame) {
            Err(Unreadable::Unknown(problem)) => prop_assert!(problem.sentence.en.len() < 200),
            Err(Unreadable::Garbage) => prop_assert!(false, "it has a name"),
            Ok(_) => {}
        }
    }

    #[test]
    fn frames_read_back_however_they_are_split(cuts in proptest::collection::vec(1usize..9, 1..60)) {
        let mut sender = codec(MAX_REQUEST_BYTES);
        let mut wire = BytesMut::new();
        for request in requests() {
            sender.encode(encode(&request, MAX_REQUEST_BYTES).unwrap(), &mut wire).unwrap();
        }
        let mut receiver = codec(MAX_REQUEST_BYTES);
        let mut arrived = BytesMut::new();
        let mut read = Vec::new();
        let mut cuts = cuts.into_iter().cycle();
        while !wire.is_empty() {
            let cut = cuts.next().unwrap().min(wire.len());
            arrived.extend_from_slice(&wire.split_to(cut));
            while let Some(frame) = receiver.decode(&mut arrived).unwrap() {
                read.push(decode_request(&frame).unwrap());
            }
        }
        prop_assert_eq!(read, requests());
    }
}
