//! What a client makes of an agent that does not answer as agents do.

use super::*;
use crate::agent::testing::status;

#[tokio::test]
async fn an_agent_that_tells_nothing_any_more_is_as_one_that_went_away() {
    let state = tempfile::tempdir().unwrap();
    let listener =
        platform::channel_to_listen(state.path()).and_then(|path| platform::listen(&path)).unwrap();
    // It greets, tells its status once, and hangs.
    let hanging = tokio::spawn(async move {
        let (reader, writer) = tokio::io::split(listener.accept().await.unwrap());
        let mut reader = FramedRead::new(reader, codec(MAX_REQUEST_BYTES));
        let mut writer = FramedWrite::new(writer, codec(MAX_REPLY_BYTES));
        reader.next().await.unwrap().unwrap();
        writer.send(encode(&Greeting::Hello(Hello::ours()), MAX_REPLY_BYTES).unwrap()).await.unwrap();
        reader.next().await.unwrap().unwrap();
        let reply = Reply::Status { status: Box::new(status()) };
        writer.send(encode(&reply, MAX_REPLY_BYTES).unwrap()).await.unwrap();
        std::future::pending::<()>().await;
    });
    let mut watch = Client::connect(state.path()).await.unwrap().watch().await.unwrap();
    assert_eq!(watch.next().await.unwrap(), status());
    tokio::time::pause();
    let begun = Instant::now();
    let problem = watch.next().await.unwrap_err();
    assert_eq!(problem, silent());
    assert!(begun.elapsed() > Duration::from_secs(120), "a minute's silence is nothing");
    hanging.abort();
}
