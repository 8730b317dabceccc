//! One port, two places: a permitted address and all the others of this machine. What arrives at either is
//! counted by the address it arrived at.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_connect::dns::{DnsClient, View, random_ids};
use bailiwick_connect::egress::{Egress, Fence, Limits, Network, Trust};
use bailiwick_connect::lab_dns::LabDns;
use bailiwick_connect::validate::Validator;
use bailiwick_core::caa::PrivateTlds;
use bailiwick_core::names::ZoneName;
use bailiwick_core::time::Time;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The one address of this machine that the fence lets through.
pub(crate) const PERMITTED: &str = "127.77.0.1";

const NAMES: &str = "\
@ 60 IN SOA ns1 hostmaster 1 3600 600 86400 60
@ 60 IN NS ns1
loopback 60 IN A 127.0.0.1
loopback6 60 IN AAAA ::1
mapped 60 IN AAAA ::ffff:127.0.0.1
translated 60 IN AAAA 64:ff9b::7f00:1
metadata 60 IN A 169.254.169.254
alias 60 IN CNAME loopback
permitted 60 IN A 127.77.0.1
";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Permitted,
    Forbidden,
}

/// What the server at the permitted address answers.
#[derive(Default)]
pub(crate) struct Script {
    /// URLs that stand in its answers instead of its own, by their path.
    pub(crate) instead: Option<(&'static str, String)>,
    /// What it redirects, and where.
    pub(crate) redirect: Option<(&'static str, String)>,
    /// Redirects of http-01: how many are left, and where the last one leads.
    pub(crate) hops: Option<(usize, String)>,
    /// What was asked for.
    pub(crate) paths: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Counts {
    permitted: AtomicUsize,
    forbidden: AtomicUsize,
}

pub(crate) struct World {
    pub(crate) script: Arc<Mutex<Script>>,
    counts: Arc<Counts>,
    dns: LabDns,
    port: u16,
    /// The certificate of the permitted server, DER.
    pub(crate) root: Vec<u8>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let zone = ZoneName::parse("fenced.example").unwrap();
        let zones = [(zone, NAMES.to_owned())];
        let dns = LabDns::start(SocketAddr::from(([127, 0, 0, 1], 0)), &zones).await.unwrap();
        // Every address of this machine, of both families where it has both.
        let listener = match TcpListener::bind("[::]:0").await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind("0.0.0.0:0").await.unwrap(),
        };
        let port = listener.local_addr().unwrap().port();
        let (script, counts) = (Arc::<Mutex<Script>>::default(), Arc::<Counts>::default());
        let (tls, root) = acceptor();
        let (shared, counted) = (Arc::clone(&script), Arc::clone(&counts));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let at = stream.local_addr().unwrap().ip().to_canonical().to_string();
                let count = if at == PERMITTED { &counted.permitted } else { &counted.forbidden };
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(Arc::clone(&shared), stream, tls.clone(), port));
            }
        });
        Self { script, counts, dns, port, root }
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn reached(&self, kind: Kind) -> usize {
        match kind {
            Kind::Permitted => self.counts.permitted.load(Ordering::SeqCst),
            Kind::Forbidden => self.counts.forbidden.load(Ordering::SeqCst),
        }
    }

    /// From now on what is asked for at this path is said to be elsewhere.
    pub(crate) fn redirects(&self, path: &'static str, to: String) {
        self.script.lock().unwrap().redirect = Some((path, to));
    }

    pub(crate) fn asked_for(&self, path: &str) -> bool {
        self.script.lock().unwrap().paths.iter().any(|asked| asked.starts_with(path))
    }

    /// Connects to the forbidden place as somebody without a fence would.
    pub(crate) async fn knock(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
    }

    pub(crate) fn fence() -> Fence {
        Fence::new(vec![Network::parse("127.77.0.0/16").unwrap()])
    }

    pub(crate) fn limits() -> Limits {
        Limits {
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(5),
            whole_timeout: Duration::from_secs(8),
        }
    }

    pub(crate) fn egress(&self) -> Egress {
        let (client, view) = resolving(self.dns.address());
        Egress::new(client, view, Self::fence(), Self::limits())
    }

    pub(crate) fn validator(&self) -> Validator {
        let (client, view) = resolving(self.dns.address());
        let validator = Validator::new(client, view, Self::fence(), self.port);
        validator.with_tls_port(self.port).with_limits(Self::limits())
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::roots([self.root.clone()]).unwrap()
    }
}

/// Asks this server about the names of the tests, and nobody about others.
pub(crate) fn resolving(server: SocketAddr) -> (DnsClient, View) {
    let limits = bailiwick_connect::dns::Limits {
        try_timeout: Duration::from_millis(500),
        tries: 1,
        ..bailiwick_connect::dns::Limits::default()
    };
    let client = DnsClient::new(limits, || Time::from_unix_seconds(1_800_000_000), random_ids);
    let zone = ZoneName::parse("fenced.example").unwrap();
    let view = View {
        resolver: None,
        authorities: std::iter::once((zone, vec![server])).collect(),
        private_tlds: PrivateTlds::reserved(),
    };
    (client, view)
}

fn acceptor() -> (TlsAcceptor, Vec<u8>) {
    let names = [PERMITTED, "permitted.fenced.example"].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let der = made.cert.der().to_vec();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"acme-tls/1".to_vec(), b"http/1.1".to_vec()];
    (TlsAcceptor::from(Arc::new(config)), der)
}

async fn serve(script: Arc<Mutex<Script>>, stream: TcpStream, tls: TlsAcceptor, port: u16) {
    let mut first = [0];
    // 22 begins a TLS handshake (RFC 8446, section 5.1).
    if stream.peek(&mut first).await.is_ok_and(|_| first == [22]) {
        if let Ok(stream) = tls.accept(stream).await {
            if stream.get_ref().1.alpn_protocol() == Some(b"acme-tls/1") {
                script.lock().unwrap().paths.push("acme-tls/1".to_owned());
            }
            answer(&script, stream, port).await;
        }
    } else {
        answer(&script, stream, port).await;
    }
}

async fn answer(
    script: &Mutex<Script>,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    port: u16,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(octet) => head.push(octet),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let text = crate::sources::script(&mut script.lock().unwrap(), &path, port);
    // The other side may have heard enough.
    let _left = stream.write_all(text.as_bytes()).await;
    let _left = stream.shutdown().await;
}
