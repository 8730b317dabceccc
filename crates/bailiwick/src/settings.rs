//! What the operator set, parsed once.

use std::net::SocketAddr;
use std::path::PathBuf;

/// The settings of a running server.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The data folder.
    pub data: PathBuf,
    /// The URL under which clients reach the server, without a trailing slash.
    pub base_url: String,
    /// The URL of the plain HTTP listener (CRLs and issuer certificates, RFC 5280 section 4.2.1.13).
    pub http_url: String,
    /// Where HTTPS listens.
    pub https: SocketAddr,
    /// Where plain HTTP listens.
    pub http: SocketAddr,
    /// The port http-01 asks (RFC 8555, section 8.3: 80).
    pub http01_port: u16,
    /// The port tls-alpn-01 asks (RFC 8737, section 3: 443).
    pub tls_alpn01_port: u16,
    /// The terms that whoever registers an account agrees to.
    pub terms_of_service: Option<String>,
    /// How much one client may ask for.
    pub limits: crate::limits::Limits,
    /// Networks that may be asked although they are private or loopback.
    pub allowed_networks: Vec<bailiwick_connect::validate::Network>,
    /// After how many days without use an envelope is a finding.
    pub envelope_unused_days: u32,
    /// By which ways notices leave.
    pub ways: crate::app::Ways,
    /// Whether this is the lab.
    pub lab: bool,
}

impl Settings {
    /// The absolute URL of a console page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.base_url)
    }

    /// What the URLs of an issuer's CRLs of parts begin with.
    pub(crate) fn crl_parts_url(&self, issuer: &bailiwick_core::names::IssuerId) -> String {
        format!("{}/crl/{issuer}/", self.http_url)
    }

    /// The account URL, as it stands in CAA `accounturi` (RFC 8657, section 3).
    pub(crate) fn account_url(&self, account: &bailiwick_core::names::AccountId) -> String {
        format!("{}/acme/account/{account}", self.base_url)
    }
}
