//! The simulated CA behind a real HTTPS listener, and our own way out to it: what goes wrong on the wire
//! goes wrong there.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_connect::dns::{DnsClient, Limits as DnsLimits, View, ZoneServers, random_ids};
use bailiwick_connect::egress::{Egress, Limits, Method, Web};
use bailiwick_core::caa::PrivateTlds;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::acme::{Asked, Ca, Carried, Reply};
use super::mischief::Mischief;
use super::net::fence;
use crate::world::{Clock as _, SystemClock};

/// How long an answer may take here.
const DEADLINE: Duration = Duration::from_secs(2);

/// Our own way out.
pub(super) fn way_out() -> Arc<dyn Web> {
    let limits =
        Limits { connect_timeout: DEADLINE, answer_timeout: DEADLINE, whole_timeout: DEADLINE };
    let dns = DnsClient::new(DnsLimits::default(), || SystemClock.now(), random_ids);
    let private_tlds = PrivateTlds::reserved();
    let view = View { resolver: None, authorities: ZoneServers::default(), private_tlds };
    Arc::new(Egress::new(dns, view, fence(), limits))
}

/// Serves the CA for as long as the test runs.
pub(super) fn serve(ca: Arc<Ca>, listener: TcpListener) {
    let own = acceptor(&ca, "127.0.0.1");
    let other = acceptor(&ca, "another.example");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let ca = Arc::clone(&ca);
            let is_other = ca.state().strikes(Mischief::TlsOfAnother);
            let acceptor = if is_other { other.clone() } else { own.clone() };
            tokio::spawn(async move {
                // Whoever breaks off is the client; it has its reasons.
                let _broken = one(&ca, acceptor, stream).await;
            });
        }
    });
}

fn acceptor(ca: &Ca, name: &str) -> TlsAcceptor {
    let (certificate, key) = ca.paper.root.server(name, ca.clock.now());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate)],
            PrivateKeyDer::try_from(key).unwrap(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// One request and its answer, by hand: so that it can be cut anywhere.
async fn one(ca: &Ca, acceptor: TlsAcceptor, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut read = Vec::new();
    let asked = loop {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
        if let Some(asked) = parsed(&read) {
            break asked;
        }
    };
    let is_head = asked.method == Method::Head;
    let reply = ca.answer(&asked);
    match reply.carried {
        Carried::Lost | Carried::NeverArrived | Carried::OtherName => return Ok(()),
        Carried::Late => tokio::time::sleep(DEADLINE + DEADLINE / 4).await,
        Carried::Whole | Carried::CutShort => {}
    }
    let mut octets = head(&reply).into_bytes();
    if reply.carried == Carried::CutShort {
        octets.extend(&reply.body[..reply.body.len() / 2]);
    } else if !is_head {
        octets.extend(&reply.body);
    }
    stream.write_all(&octets).await?;
    stream.shutdown().await
}

fn head(reply: &Reply) -> String {
    let length = match reply.carried {
        // More is promised than comes.
        Carried::CutShort => reply.body.len() + 1,
        _ => reply.body.len(),
    };
    let mut head = format!("HTTP/1.1 {} -\r\ncontent-length: {length}\r\n", reply.status);
    for (name, value) in &reply.fields {
        head += &format!("{name}: {value}\r\n");
    }
    head + "connection: close\r\n\r\n"
}

/// The request, once all of it is there.
fn parsed(read: &[u8]) -> Option<Asked> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8(read[..end].to_vec()).unwrap().to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |text| text.trim().parse::<usize>().unwrap());
    let body = read.get(end..end + length)?.to_vec();
    let line = String::from_utf8(read[..end].to_vec()).unwrap();
    let mut words = line.split(' ');
    let method = match words.next()? {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => Method::Post,
    };
    Some(Asked { method, path: words.next()?.to_owned(), body })
}
