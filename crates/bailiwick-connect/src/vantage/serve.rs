//! The helper: answers DNS questions of our server, and of nobody else, out of its own resolver.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bailiwick_wire::dns::{Relayed, Relaying};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::dns::{over_tcp_raw, random_ids};
use crate::egress::{Permit, datagram};

/// Connections at once: one server opens a few.
const CONNECTIONS_MAX: usize = 32;
/// For the TLS handshake, and for a whole question once its first octet came.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that asks nothing for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Questions of one connection; then the server opens another.
const QUESTIONS_MAX: u32 = 10_000;
/// Octets of a question: a name of 255, and EDNS.
const QUESTION_OCTETS_MAX: usize = 512;
/// For one datagram's reply of the resolver, and datagrams sent.
const TRY_TIMEOUT: Duration = Duration::from_millis(1_500);
const TRIES: u32 = 2;
/// For one question to the resolver over TCP.
const TCP_TIMEOUT: Duration = Duration::from_secs(3);
const DATAGRAM_OCTETS_MAX: usize = 4_096;
/// Datagrams that are not ours and still do not end the wait.
const STRAYS_MAX: u32 = 16;

/// What a helper was enrolled with.
#[derive(Clone)]
pub struct HelperFiles(Arc<ServerConfig>);

/// Why a helper does not serve.
#[derive(Debug, thiserror::Error)]
pub enum HelperFault {
    /// A file of its folder.
    #[error("`{path}`: {cause}; copy the folder that `bailiwick vantage enrol` wrote")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}; enrol this vantage again")]
    Tls(String),
}

impl HelperFiles {
    /// Reads the folder that enrolling wrote.
    ///
    /// # Errors
    /// [`HelperFault`].
    pub fn read(folder: &Path) -> Result<Self, HelperFault> {
        let text = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path)
                .map_err(|cause| HelperFault::File { path, cause: cause.to_string() })
        };
        let chain = |name: &str| {
            let octets = text(name)?;
            bailiwick_wire::x509::read_chain(&octets).map_err(|cause| HelperFault::File {
                path: folder.join(name),
                cause: cause.to_string(),
            })
        };
        let tls = |cause: &dyn std::fmt::Display| HelperFault::Tls(cause.to_string());
        let mut roots = RootCertStore::empty();
        for der in chain("root.pem")? {
            roots.add(CertificateDer::from(der)).map_err(|cause| tls(&cause))?;
        }
        let certificates = chain("vantage.pem")?.into_iter().map(CertificateDer::from).collect();
        let key = String::from_utf8(text("vantage.key")?).map_err(|cause| tls(&cause))?;
        let key = rcgen::KeyPair::from_pem(&key).map_err(|cause| tls(&cause))?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let clients =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .map_err(|cause| tls(&cause))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|cause| tls(&cause))?
            .with_client_cert_verifier(clients)
            .with_single_cert(certificates, key)
            .map_err(|cause| tls(&cause))?;
        config.alpn_protocols = vec![b"dot".to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Answers until it is dropped. Never returns.
pub async fn serve(listener: TcpListener, files: HelperFiles, resolver: SocketAddr) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, from)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&files.0));
        tokio::spawn(async move {
            if let Err(cause) = converse(acceptor, stream, resolver).await {
                tracing::info!(client = %from, %cause, "a connection ended early");
            }
            drop(permit);
        });
    }
}

async fn converse(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    resolver: SocketAddr,
) -> std::io::Result<()> {
    // Without a certificate of the vantage CA nothing is read.
    let mut stream = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await??;
    for _ in 0..QUESTIONS_MAX {
        let Ok(length) = timeout(IDLE, stream.read_u16()).await else { return Ok(()) };
        let Ok(length) = length.map(usize::from) else { return Ok(()) };
        if length > QUESTION_OCTETS_MAX {
            return Err(std::io::Error::other("a question of more octets than a name needs"));
        }
        let mut octets = vec![0; length];
        timeout(HANDSHAKE_TIMEOUT, stream.read_exact(&mut octets)).await??;
        let answer = match Relayed::read(&octets) {
            Relaying::Ask(question) => relay(&question, resolver).await,
            Relaying::Refuse(answer) => answer,
            Relaying::NoQuestion => return Err(std::io::Error::other("no DNS question")),
        };
        let length = u16::try_from(answer.len()).map_err(std::io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], &answer].concat()).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// What the resolver answered, or that it did not.
async fn relay(question: &Relayed, resolver: SocketAddr) -> Vec<u8> {
    for _ in 0..TRIES {
        let Some(id) = random_ids() else { break };
        let asked = question.with_id(id);
        match datagrams(question, &asked, id, resolver).await {
            Some(answer) if !Relayed::is_truncated(&answer) => return answer,
            Some(_) => {
                let whole = timeout(TCP_TIMEOUT, over_tcp_raw(resolver, &asked)).await;
                let whole = whole.ok().and_then(Result::ok);
                if let Some(answer) = whole.and_then(|answer| question.answer(answer, id)) {
                    return answer;
                }
            }
            None => {}
        }
    }
    question.no_answer()
}

async fn datagrams(
    question: &Relayed,
    asked: &[u8],
    id: u16,
    resolver: SocketAddr,
) -> Option<Vec<u8>> {
    let socket = datagram(Permit::named_by_operator(resolver)).await.ok()?;
    socket.send(asked).await.ok()?;
    let until = tokio::time::Instant::now() + TRY_TIMEOUT;
    let mut octets = vec![0; DATAGRAM_OCTETS_MAX];
    for _ in 0..STRAYS_MAX {
        let received = tokio::time::timeout_at(until, socket.recv(&mut octets)).await;
        let length = received.ok()?.ok()?;
        let answer = octets.get(..length).unwrap_or_default().to_vec();
        if let Some(answer) = question.answer(answer, id) {
            return Some(answer);
        }
    }
    None
}
