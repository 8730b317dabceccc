//! Encrypted ways to a resolver: over TLS (RFC 7858), over HTTPS (RFC 8484), and to a helper of ours.
//!
//! The operator named the address; the certificate it shows must be for its name, or for that address,
//! and chain to the roots that were given for it. A connection is used again for as long as the other
//! side keeps it (RFC 7858, section 3.4), but for HTTPS.

use std::fmt;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_core::names::DnsName;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::exchange::read_message;
use crate::egress::{BadTrust, Identity, Permit, Trust, dial_tls, over_https};

/// Connections that are kept for the next question.
const IDLE_MAX: usize = 4;
/// Where DNS is asked over HTTPS, where nothing else is said (RFC 8484, section 4.1.1).
const PATH: &str = "/dns-query";

/// What is spoken over TLS.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Spoken {
    /// DNS messages, each after its length.
    Messages,
    /// HTTP, at this path.
    Https(Option<String>),
}

/// One resolver behind TLS.
pub struct Channel {
    server: SocketAddr,
    name: ServerName<'static>,
    authority: String,
    spoken: Spoken,
    config: Arc<ClientConfig>,
    idle: Mutex<Vec<TlsStream<TcpStream>>>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Channel({}, {:?})", self.server, self.spoken)
    }
}

impl Channel {
    /// The way to one resolver. Its certificate must be for `name`, or for its address where that is
    /// absent; `identity` is what we show ourselves.
    ///
    /// # Errors
    /// [`BadTrust`].
    pub fn new(
        server: SocketAddr,
        name: Option<&DnsName>,
        spoken: Spoken,
        trust_roots: Option<&str>,
        identity: Option<&Identity>,
    ) -> Result<Self, BadTrust> {
        let trust = match (trust_roots, identity) {
            (None, _) => Trust::system()?,
            (Some(pem), None) => Trust::roots(roots(pem)?)?,
            (Some(pem), Some(identity)) => Trust::roots_as(roots(pem)?, identity)?,
        };
        let protocols: &[&[u8]] = match spoken {
            Spoken::Messages => &[b"dot"],
            Spoken::Https(_) => &[b"h2", b"http/1.1"],
        };
        let host = name.map_or_else(|| server.ip().to_string(), ToString::to_string);
        let name = match name {
            Some(name) => ServerName::try_from(name.to_string())
                .map_err(|_| BadTrust::Tls("the name is no host".to_owned()))?,
            None => ServerName::from(server.ip()),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Ok(Self {
            server,
            name,
            authority: format!("{host}:{}", server.port()),
            spoken,
            config: trust.speaking(protocols),
            idle: Mutex::default(),
        })
    }

    /// One question and what came for it; how long that may take is the caller's to bound.
    pub(super) async fn ask(&self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        if let Spoken::Https(path) = &self.spoken {
            let path = path.as_deref().unwrap_or(PATH);
            let stream = self.connect().await?;
            let answer = over_https(stream, &self.authority, path, question).await;
            return answer.map_err(Error::other);
        }
        // The other side may have closed it meanwhile: then one more is opened.
        if let Some(stream) = self.kept()
            && let Ok(answer) = self.talk(stream, question).await
        {
            return Ok(answer);
        }
        let stream = self.connect().await?;
        self.talk(stream, question).await
    }

    fn kept(&self) -> Option<TlsStream<TcpStream>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let permit = Permit::named_by_operator(self.server);
        let shaken = dial_tls(permit, self.name.clone(), Arc::clone(&self.config));
        shaken.await.inspect_err(|cause| {
            if cause.kind() == ErrorKind::InvalidData {
                tracing::warn!(server = %self.server, %cause, "a vantage does not show the certificate it should");
            }
        })
    }

    async fn talk(
        &self,
        mut stream: TlsStream<TcpStream>,
        question: &[u8],
    ) -> std::io::Result<Vec<u8>> {
        let length = u16::try_from(question.len()).map_err(Error::other)?;
        stream.write_all(&[&length.to_be_bytes()[..], question].concat()).await?;
        stream.flush().await?;
        let answer = read_message(&mut stream).await?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push(stream);
        }
        Ok(answer)
    }
}

fn roots(pem: &str) -> Result<Vec<Vec<u8>>, BadTrust> {
    bailiwick_wire::x509::read_chain(pem.as_bytes())
        .map_err(|cause| BadTrust::Root(cause.to_string()))
}
