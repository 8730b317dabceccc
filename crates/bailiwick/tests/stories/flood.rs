//! One client that opens connections and says nothing keeps nobody else out, and no stop waits for it
//! (threats T15 and T26).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::Method;

use super::acme_jws::Client;
use crate::harness::bailiwick::BailiwickServer;

/// More than a listener has places.
const CONNECTIONS: usize = 4_200;

/// As many, or what this process may open beside the other tests: more than one client may hold all the same,
/// for the server has the same limit.
fn connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux tells limits");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    soft.parse().map_or(CONNECTIONS, |soft: usize| CONNECTIONS.min(soft / 4))
}

#[test]
fn a_client_that_holds_thousands_of_silent_connections_keeps_nobody_out() {
    let mut server = BailiwickServer::start(&["--lab"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let held: Vec<_> = ["https_address", "http_address"]
        .map(|listener| {
            let to: SocketAddr = server.announced(listener).parse().expect("an address");
            runtime.block_on(async {
                let mut held = Vec::new();
                for _ in 0..connections() {
                    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
                    socket.bind("127.0.0.2:0".parse().expect("an address")).expect("it is ours");
                    // Turned away is as good.
                    held.push(
                        tokio::time::timeout(Duration::from_secs(1), socket.connect(to)).await,
                    );
                }
                held
            })
        })
        .into();
    let began = Instant::now();
    let client = Client::of(&server.acme(None));
    client.ask(Method::HEAD, &client.url("newNonce")).expect(200);
    assert!(began.elapsed() < Duration::from_secs(5), "it took {:?}", began.elapsed());
    let began = Instant::now();
    assert!(server.stop().success());
    assert!(began.elapsed() < Duration::from_secs(8), "the stop took {:?}", began.elapsed());
    drop(held);
}
