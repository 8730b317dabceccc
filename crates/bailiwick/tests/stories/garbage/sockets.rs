//! Garbage below HTTP: what is no request, no TLS, or a body that never comes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

use super::{Watch, noise, sound};
use crate::stories::acme_gate::Gate;
use crate::stories::authorization::waiting_change;
use crate::stories::kill9::dice::Dice;

/// An answer, or the end of the connection, comes by then.
const PATIENCE: Duration = Duration::from_secs(40);
/// A refusal that needs no look at the body comes by then.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Sends octets and reads what comes back until the other side is done or `enough` is there.
fn exchange(mut stream: impl Read + Write, octets: &[u8]) -> String {
    // The other side may be done before it has read all.
    let _sent = stream.write_all(octets).and_then(|()| stream.flush());
    let mut got = Vec::new();
    let mut some = [0; 4_096];
    while let Ok(count @ 1..) = stream.read(&mut some) {
        got.extend_from_slice(some.get(..count).unwrap_or_default());
        if got.windows(4).any(|four| four == b"\r\n\r\n") {
            break;
        }
    }
    String::from_utf8_lossy(&got).into_owned()
}

fn plain(gate: &Gate, octets: &[u8]) -> String {
    exchange(connect(gate.server.announced("http_address")), octets)
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time can be set");
    stream
}

/// The HTTPS side, for whoever writes their HTTP by hand.
struct Tls {
    config: Arc<rustls::ClientConfig>,
    address: String,
}

impl Tls {
    fn of(gate: &Gate) -> Self {
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut roots = rustls::RootCertStore::empty();
        let root = CertificateDer::from_pem_file(gate.server.announced("trust"));
        roots.add(root.expect("a certificate")).expect("a root");
        let config =
            rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let address = gate.server.https().trim_start_matches("https://").to_owned();
        Self { config: Arc::new(config), address }
    }

    fn exchange(&self, octets: &[u8]) -> String {
        let name = self.address.split(':').next().unwrap_or_default().to_owned();
        let name = ServerName::try_from(name).expect("a name");
        let tls = rustls::ClientConnection::new(Arc::clone(&self.config), name);
        let tls = tls.expect("a client");
        exchange(rustls::StreamOwned::new(tls, connect(&self.address)), octets)
    }
}

fn status(answer: &str) -> u16 {
    let word = answer.split(' ').nth(1).unwrap_or_default();
    word.parse().unwrap_or(0)
}

/// Requests that are none: an answer in 400..500, or the connection ends.
fn requests(dice: &mut Dice) -> Vec<Vec<u8>> {
    let head = |lines: &str| format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n");
    let mut all: Vec<Vec<u8>> = [
        "\r\n\r\n\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET /healthz HTTP/9.9\r\n\r\n".to_owned(),
        "GET /healthz\0 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "GET http://[::1 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "G\u{1}T / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0".to_owned(),
        head("x: a\0b\r\n"),
        head("x\0: a\r\n"),
        head(": a\r\n"),
        head("no colon\r\n"),
        head("content-length: -1\r\n"),
        head("content-length: 99999999999999999999999\r\n"),
        head("content-length: 1\r\ncontent-length: 2\r\n"),
        head("transfer-encoding: gzip\r\n"),
        head(&format!("x: {}\r\n", "a".repeat(600_000))),
        head(&"x: a\r\n".repeat(5_000)),
        format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(70_000)),
        "POST /ocsp/house HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n\
         zz\r\nabc\r\n"
            .to_owned(),
        "POST /ocsp/house HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n\
         ffffffffffffffff\r\nabc\r\n"
            .to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec();
    for count in [1, 7, 64, 512, 8_192, 70_000] {
        let mut octets = noise(dice, count);
        octets.extend_from_slice(b"\r\n\r\n");
        all.push(octets);
    }
    all
}

#[test]
fn what_is_no_request_gets_no_service() {
    let gate = Gate::start();
    let tls = Tls::of(&gate);
    let mut dice = Dice::new(Dice::seed());
    let watch = Watch::begin(&gate);
    let good = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(status(&plain(&gate, good)), 200);
    assert_eq!(status(&tls.exchange(good)), 200);
    let requests = requests(&mut dice);
    // Whoever sends half a request is waited for, so all of them are sent at once.
    std::thread::scope(|scope| {
        for octets in &requests {
            let (gate, tls) = (&gate, &tls);
            scope.spawn(move || {
                for answer in [plain(gate, octets), tls.exchange(octets)] {
                    // What is served without TLS is not served here; that is an answer, too.
                    let shown = String::from_utf8_lossy(octets.get(..60).unwrap_or(octets));
                    let refused = answer.is_empty() || (300..500).contains(&status(&answer));
                    // HTTP/2 has frames of its own to say no.
                    let frames = octets.starts_with(b"PRI");
                    assert!(refused || frames, "{shown:?}: {answer}");
                }
                // No TLS at all where TLS is spoken.
                let _alert = exchange(connect(&tls.address), octets);
            });
        }
    });
    assert_eq!(status(&tls.exchange(good)), 200);
    watch.end(&gate, &[]);
    sound(gate, None);
}

#[test]
fn a_body_that_is_too_large_is_not_waited_for_and_one_that_never_comes_not_long() {
    let gate = Gate::start();
    let tls = Tls::of(&gate);
    let file = gate.server.data().join("lab/dana.token");
    let token = std::fs::read_to_string(file).expect("the lab keeps it");
    let post = |path: &str, kind: &str, length: u64, begin: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{begin}",
            token.trim()
        )
        .into_bytes()
    };
    let watch = Watch::begin(&gate);
    let large = 64 * 1024 * 1024;
    let json = "application/json";
    for (path, kind) in [
        ("/api/v1/tokens", json),
        ("/api/v1/estate/plan", json),
        ("/acme/new-account", "application/jose+json"),
    ] {
        let began = Instant::now();
        let answer = tls.exchange(&post(path, kind, large, "{"));
        assert_eq!(status(&answer), 413, "{path}: {answer}");
        assert!(began.elapsed() < AT_ONCE, "{path}: {:?}", began.elapsed());
    }
    let began = Instant::now();
    let ocsp = post("/ocsp/house", "application/ocsp-request", large, "0");
    assert_eq!(status(&plain(&gate, &ocsp)), 413);
    assert!(began.elapsed() < AT_ONCE, "{:?}", began.elapsed());
    // A few octets and then nothing: each waits for itself, none holds up another.
    std::thread::scope(|scope| {
        for _ in 0..50 {
            let slow = || tls.exchange(&post("/api/v1/tokens", json, 100, "{\"scopes\":"));
            scope.spawn(move || assert_eq!(status(&slow()), 408));
        }
        waiting_change(&gate);
    });
    watch.end(
        &gate,
        &[
            "credential.made",
            "account.registered",
            "order.refused",
            "change.requested",
            "change.validated",
        ],
    );
    sound(gate, None);
}
