//! Listeners under clients that mean no good, and their stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Bounds, Security, serve};

const SHORT: Bounds = Bounds {
    places: 8,
    handshake: Duration::from_secs(5),
    headers: Duration::from_millis(300),
    idle: Duration::from_millis(600),
    farewell: Duration::from_millis(100),
};
/// Within this time everything has to have happened that is waited for.
const SOON: Duration = Duration::from_secs(10);

/// Preface and empty SETTINGS (RFC 9113, sections 3.4 and 6.5).
const H2_HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
/// HEADERS with GET http / in the static table (RFC 7541, appendix A), END_HEADERS and END_STREAM.
const H2_GET: &[u8] = b"\x00\x00\x03\x01\x05\x00\x00\x00\x01\x82\x86\x84";

struct Started {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

async fn start(bounds: Bounds, security: Security) -> Started {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        "late"
    });
    let router = Router::new().route("/", get(|| async { "here" })).route("/slow", slow);
    let (stop, stopped) = watch::channel(false);
    let served = tokio::spawn(serve(listener, security, router, bounds, stopped));
    Started { address, stop, served }
}

impl Started {
    /// Connects from an address of this machine, and says something.
    async fn say(&self, from: &str, words: &[u8]) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        stream.write_all(words).await.unwrap();
        stream
    }

    async fn ask(&self, from: &str) -> String {
        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut stream = self.say(from, request).await;
        all_of(&mut stream).await
    }

    async fn stop(self) {
        self.stop.send(true).unwrap();
        tokio::time::timeout(SOON, self.served).await.expect("it stops").unwrap();
    }
}

/// Everything until the other side ends it.
async fn all_of(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut octets = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut octets)).await;
    // A reset is an end, too.
    let _reset = read.expect("the connection ends");
    String::from_utf8_lossy(&octets).into_owned()
}

#[tokio::test]
async fn who_says_nothing_or_stays_idle_loses_the_place_and_others_are_served_meanwhile() {
    let server = start(SHORT, Security::Plain).await;
    let (flood, honest) = ("127.0.0.2", "127.0.0.1");
    let keep_alive: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let asked_and_idle = [H2_HELLO, H2_GET].concat();
    let mut held = Vec::new();
    for words in [b"".as_slice(), H2_HELLO, keep_alive, asked_and_idle.as_slice()] {
        held.push(server.say(flood, words).await);
    }
    // Its half is taken: one more is turned away, and somebody else is served.
    assert_eq!(server.ask(flood).await, "");
    assert!(server.ask(honest).await.ends_with("here"));
    let [silent, h2, kept, h2_asked]: [TcpStream; 4] = held.try_into().unwrap();
    for (mut stream, says) in [(silent, ""), (h2, ""), (kept, "here"), (h2_asked, "here")] {
        assert!(all_of(&mut stream).await.contains(says), "{says}");
    }
    assert!(server.ask(flood).await.ends_with("here"), "its places are free again");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_waits_for_nobody_else() {
    // Nothing ends by itself.
    let long = Duration::from_secs(3_600);
    let bounds = Bounds { headers: long, idle: long, places: 64, ..SHORT };
    let server = start(bounds, Security::Plain).await;
    let mut in_flight = server.say("127.0.0.1", b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let asked_and_idle = [H2_HELLO, H2_GET].concat();
    let half_a_request: &[u8] = b"GET / HTTP/1.1\r\nhost:";
    let mut held = Vec::new();
    for words in [b"".as_slice(), H2_HELLO, asked_and_idle.as_slice(), half_a_request] {
        held.push(server.say("127.0.0.1", words).await);
    }
    // Everything before was accepted once this is answered.
    assert!(server.ask("127.0.0.1").await.ends_with("here"));
    let (answer, ()) = tokio::join!(all_of(&mut in_flight), server.stop());
    assert!(answer.ends_with("late"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_end_at_once_do_not_hold_up_the_listener() {
    const CLIENTS: usize = 200;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate: CertificateDer<'static> = made.cert.der().clone();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let trusting = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(trusting));
    let (_keep, config) = watch::channel(Arc::new(config));
    let long = Duration::from_secs(60);
    // Fewer places than clients, so that some wait for others.
    let bounds = Bounds { places: 160, handshake: long, headers: long, idle: long, ..SHORT };
    let server = start(bounds, Security::Tls(config)).await;
    let mut stalled = Vec::new();
    for n in 0..CLIENTS {
        stalled.push(server.say(&format!("127.0.0.{}", 2 + n % 4), b"").await);
    }
    let asked = stalled.into_iter().map(|stream| {
        let connector = connector.clone();
        tokio::spawn(async move {
            let name = ServerName::try_from("localhost").unwrap();
            let mut stream = connector.connect(name, stream).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            stream.write_all(request).await.unwrap();
            all_of(&mut stream).await
        })
    });
    for answer in futures::future::join_all(asked).await {
        assert!(answer.unwrap().ends_with("here"));
    }
    server.stop().await;
}
