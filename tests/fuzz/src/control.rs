//! What stands on the control channel: frames in the stream, and the messages in them, as the agent and as a client reads
//! them.

use bytes::BytesMut;
use dmbackup::control::protocol::{
    Greeting, Hello, MAX_REPLY_BYTES, MAX_REQUEST_BYTES, Reply, Unreadable, codec, decode, decode_request,
    encode,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use tokio_util::codec::Decoder;

/// The first byte tells whose stream it is.
pub fn check(data: &[u8]) {
    let Some((side, stream)) = data.split_first() else { return };
    match side % 4 {
        0 => frames(stream, MAX_REQUEST_BYTES, request),
        1 => frames(stream, MAX_REPLY_BYTES, message::<Reply>),
        2 => frames(stream, MAX_REQUEST_BYTES, hello),
        _ => frames(stream, MAX_REPLY_BYTES, message::<Greeting>),
    }
}

fn frames(stream: &[u8], max_bytes: usize, read: fn(&[u8])) {
    let mut codec = codec(max_bytes);
    let mut buffer = BytesMut::from(stream);
    while let Ok(Some(frame)) = codec.decode(&mut buffer) {
        assert!(frame.len() <= max_bytes);
        read(&frame);
    }
}

fn request(frame: &[u8]) {
    match decode_request(frame) {
        Ok(request) => {
            let _ = request.needs_hands();
            let bytes = encode(&request, MAX_REPLY_BYTES).expect("a request is small");
            assert_eq!(decode_request(&bytes), Ok(request));
        }
        Err(Unreadable::Unknown(problem)) => assert!(!problem.sentence.pt.is_empty()),
        Err(Unreadable::Garbage) => {}
    }
}

fn hello(frame: &[u8]) {
    if let Ok(hello) = decode::<Hello>(frame) {
        let ours = Hello::ours();
        if let Ok(common) = ours.common(&hello) {
            assert!((ours.oldest..=ours.protocol).contains(&common));
        }
    }
}

/// What was read reads again as the same once it is written.
fn message<T: Serialize + DeserializeOwned + PartialEq + Debug>(frame: &[u8]) {
    if let Ok(message) = decode::<T>(frame)
        && let Ok(bytes) = encode(&message, MAX_REPLY_BYTES)
    {
        assert_eq!(decode::<T>(&bytes).expect("our own text is read"), message);
    }
}
