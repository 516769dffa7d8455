//! What no client would send: garbage, halves, and floods.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{client, run, server};

#[tokio::test]
async fn garbage_costs_nothing_but_its_own_connection() {
    let fixture = server();
    let mut random = fastrand::Rng::with_seed(11);
    for round in 0..200 {
        let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
        let mut bytes: Vec<u8> = (0..random.usize(1..300)).map(|_| random.u8(..)).collect();
        if round % 2 == 0 {
            // A credible header in front of nonsense.
            let length = u16::try_from(bytes.len() + 8).unwrap().to_be_bytes();
            let kind = *random.choice(&[1, 3, 14, 16, 18]).unwrap();
            bytes.splice(0..0, [kind, 1, length[0], length[1], 0, 0, 1, 0]);
        }
        // The server may have hung up before it has read all.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
    let mut client = client(&fixture).await;
    run(&mut client, "SELECT 1").await;
}

#[tokio::test]
async fn a_message_without_end_is_cut_off() {
    let fixture = server();
    let mut stream = TcpStream::connect(fixture.server.address()).await.unwrap();
    let mut packet = vec![18, 0, 0x7f, 0xff, 0, 0, 1, 0];
    packet.resize(0x7fff, 0);
    let mut sent = 0u64;
    while stream.write_all(&packet).await.is_ok() {
        sent += packet.len() as u64;
        assert!(sent < 1 << 30, "the server swallows everything");
    }
}

#[tokio::test]
async fn a_hundred_idle_connections_keep_nobody_out_and_do_not_keep_the_server_from_ending() {
    let fixture = server();
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(fixture.server.address()).await.unwrap());
    }
    let mut client = client(&fixture).await;
    run(&mut client, "SELECT 1").await;
    fixture.server.stop();
}
