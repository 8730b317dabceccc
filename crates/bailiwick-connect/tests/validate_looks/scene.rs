//! A small world to look at: a name server, and a web server that answers what a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_connect::dns::{DnsClient, View, random_ids};
use bailiwick_connect::lab_dns::LabDns;
use bailiwick_connect::validate::{Failed, Fence, Network, Seen, Validator};
use bailiwick_core::caa::PrivateTlds;
use bailiwick_core::names::{AcmeIdentifier, DnsName, ZoneName};
use bailiwick_core::time::Time;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Every name of the shop leads to the test's web server, but for two.
const SHOP: &str = "\
@ 60 IN SOA ns1 hostmaster 1 3600 600 86400 60
@ 60 IN NS ns1
* 60 IN A 127.0.0.1
half-dead 60 IN A 127.0.0.2
half-dead 60 IN A 127.0.0.1
dead 60 IN A 127.0.0.2
";

/// Names that lead where nobody should be sent, and nothing else.
const FENCED: &str = "\
@ 60 IN SOA ns1 hostmaster 1 3600 600 86400 60
@ 60 IN NS ns1
private 60 IN A 10.0.0.1
metadata 60 IN A 169.254.169.254
unique-local 60 IN AAAA fd00::1
mapped 60 IN AAAA ::ffff:10.0.0.1
translated 60 IN AAAA 64:ff9b::7f00:1
loopback6 60 IN AAAA ::1
alias-to-private 60 IN CNAME private
mixed 60 IN A 10.0.0.1
mixed 60 IN A 127.0.0.1
";

const OTHER: &str = "\
@ 60 IN SOA ns1 hostmaster 1 3600 600 86400 60
@ 60 IN NS ns1
txt-only 60 IN TXT \"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0\"
_acme-challenge.one 60 IN TXT \"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0\"
_acme-challenge.several 60 IN TXT \"of another order\"
_acme-challenge.several 60 IN TXT \"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0\"
_acme-challenge.alias 60 IN CNAME _acme-challenge.one
_acme-challenge.wrong 60 IN TXT \"something else\"
_acme-challenge.padded 60 IN TXT \"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0=\"
_acme-challenge.dangling 60 IN CNAME nowhere
_acme-challenge.loop 60 IN CNAME _acme-challenge.loop2
_acme-challenge.loop2 60 IN CNAME _acme-challenge.loop
";

/// What the web server does with a request.
pub(crate) enum Reply {
    Octets(Vec<u8>),
    /// Nothing, until the other side leaves.
    Silence,
    /// A header that never ends.
    Drip,
}

impl Reply {
    pub(crate) fn raw(text: &str) -> Self {
        Self::Octets(text.as_bytes().to_vec())
    }
}

pub(crate) fn text(body: &str) -> Reply {
    Reply::raw(&format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

pub(crate) fn redirect(to: &str) -> Reply {
    Reply::raw(&format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"))
}

/// A request as it came in.
#[derive(Clone)]
pub(crate) struct Request {
    head: String,
    port: u16,
    tls: bool,
}

impl Request {
    /// The `Host` field without its port.
    pub(crate) fn host(&self) -> &str {
        self.header("host").unwrap().split(':').next().unwrap()
    }

    pub(crate) fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The port of the web server.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) const fn under_tls(&self) -> bool {
        self.tls
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

pub(crate) struct Scene {
    dns: Option<LabDns>,
    dns_address: SocketAddr,
    port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
}

impl Scene {
    pub(crate) async fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let zones = [
            zone("shop.example", SHOP),
            zone("fenced.example", FENCED),
            zone("other.example", OTHER),
        ];
        let dns = LabDns::start(SocketAddr::from(([127, 0, 0, 1], 0)), &zones).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let web = Arc::new(Web { handler: Box::new(handler), port, asked: Arc::clone(&asked) });
        tokio::spawn(async move {
            let tls = acceptor();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(Arc::clone(&web), stream, tls.clone()));
            }
        });
        Self { dns_address: dns.address(), dns: Some(dns), port, asked }
    }

    /// The same with a name server that has gone.
    pub(crate) async fn stopped(mut self) -> Self {
        drop(self.dns.take());
        // Its sockets close when their tasks have ended.
        while TcpStream::connect(self.dns_address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        self
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Every request that came to the web server.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn validator_with(&self, networks: &[&str]) -> Validator {
        let limits = bailiwick_connect::dns::Limits {
            try_timeout: Duration::from_millis(500),
            tries: 1,
            ..bailiwick_connect::dns::Limits::default()
        };
        let client = DnsClient::new(limits, || Time::from_unix_seconds(1_800_000_000), random_ids);
        let zones = ["shop.example", "fenced.example", "other.example"]
            .map(|zone| ZoneName::parse(zone).unwrap());
        let view = View {
            resolver: None,
            authorities: zones.into_iter().map(|zone| (zone, vec![self.dns_address])).collect(),
            private_tlds: PrivateTlds::reserved(),
        };
        let networks = networks.iter().map(|text| Network::parse(text).unwrap()).collect();
        Validator::new(client, view, Fence::new(networks), self.port)
    }

    /// A look that may reach the web server.
    pub(crate) async fn http01(&self, at: &str, token: &str, key: &str) -> Result<Seen, Failed> {
        self.validator_with(&["127.0.0.0/8"]).http01(&whose(at), token, key).await
    }
}

pub(crate) fn whose(text: &str) -> AcmeIdentifier {
    AcmeIdentifier::parse(text).unwrap()
}

pub(crate) fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn zone(name: &str, text: &str) -> (ZoneName, String) {
    (ZoneName::parse(name).unwrap(), text.to_owned())
}

struct Web {
    handler: Box<Handler>,
    port: u16,
    asked: Arc<Mutex<Vec<Request>>>,
}

/// A certificate that nobody has a reason to trust.
fn acceptor() -> TlsAcceptor {
    let made =
        rcgen::generate_simple_self_signed(vec!["somebody.else.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(web: Arc<Web>, stream: TcpStream, tls: TlsAcceptor) {
    let mut first = [0];
    // 22 begins a TLS handshake (RFC 8446, section 5.1).
    if stream.peek(&mut first).await.is_ok_and(|_| first == [22]) {
        if let Ok(stream) = tls.accept(stream).await {
            answer(&web, stream, true).await;
        }
    } else {
        answer(&web, stream, false).await;
    }
}

async fn answer(web: &Web, mut stream: impl AsyncRead + AsyncWrite + Unpin, tls: bool) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => return,
        }
    }
    let request = Request { head: String::from_utf8(head).unwrap(), port: web.port, tls };
    web.asked.lock().unwrap().push(request.clone());
    match (web.handler)(&request) {
        Reply::Octets(octets) => {
            // The other side may have heard enough.
            let _left = stream.write_all(&octets).await;
            let _left = stream.shutdown().await;
        }
        Reply::Silence => {
            let _left = stream.read_u8().await;
        }
        Reply::Drip => {
            let mut part: &[u8] = b"HTTP/1.1 200 OK\r\nx: ";
            while stream.write_all(part).await.is_ok() {
                part = b"y";
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }
}
