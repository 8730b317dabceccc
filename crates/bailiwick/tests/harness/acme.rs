//! What every ACME client needs to be told: the server, and how it shows control of a name.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::bind::TsigKey;

/// An ACME server as a client sees it.
#[derive(Clone, Debug)]
pub(crate) struct AcmeServer {
    /// The URL of the directory (RFC 8555 §7.1.1).
    pub(crate) directory: String,
    /// PEM file of the CA that signed the server's own TLS certificate.
    pub(crate) tls_ca: PathBuf,
    pub(crate) eab: Option<Eab>,
}

/// External account binding (RFC 8555 §7.3.4).
#[derive(Clone, Debug)]
pub(crate) struct Eab {
    pub(crate) kid: String,
    /// The MAC key, base64url without padding.
    pub(crate) hmac: String,
}

/// How a client answers challenges.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Challenges<'a> {
    /// http-01: the client listens on this port of 127.0.0.1 itself.
    Http01 { port: u16 },
    /// tls-alpn-01: the client listens on this port of 127.0.0.1 itself.
    TlsAlpn01 { port: u16 },
    /// dns-01: the client updates this server (RFC 2136) with this key.
    Dns01 { server: SocketAddr, key: &'a TsigKey },
}
