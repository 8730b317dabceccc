//! What the operator set, parsed once.

use std::net::SocketAddr;
use std::path::PathBuf;

use bailiwick_core::certificate::Generation;
use bailiwick_core::names::IssuerId;
use bailiwick_core::time::SECOND_MS;
use bailiwick_core::watch::Pace;

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
    /// How often zones are looked at, and how long differences may last; `None`: never.
    pub watch: Option<Watching>,
    /// The RDAP server that is asked about registrations.
    pub rdap: Option<bailiwick_connect::egress::Target>,
    /// By which ways notices leave.
    pub ways: crate::app::Ways,
    /// Whether this is the lab.
    pub lab: bool,
}

/// How zones are watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watching {
    /// How often each zone is looked at.
    pub every: std::time::Duration,
    /// How long things may take before they are a finding.
    pub pace: Pace,
}

impl Watching {
    /// Looks every so many seconds; 0 is never. Servers may differ for two looks: a third within a
    /// minute finds them different still.
    pub(crate) fn every_seconds(seconds: u32) -> Option<Self> {
        let grace_ms = i64::from(seconds).saturating_mul(2 * SECOND_MS);
        let every = std::time::Duration::from_secs(u64::from(seconds));
        (seconds > 0).then_some(Self { every, pace: Pace { grace_ms, ..Pace::default() } })
    }
}

impl Settings {
    /// The absolute URL of a console page.
    pub(crate) fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.base_url)
    }

    /// What the URLs of an issuer's CRLs of parts begin with.
    pub(crate) fn crl_parts_url(&self, issuer: &IssuerId, generation: Generation) -> String {
        match generation {
            Generation::FIRST => format!("{}/crl/{issuer}/", self.http_url),
            later => format!("{}/crl/{issuer}/g{later}-", self.http_url),
        }
    }

    /// What every account URL begins with.
    pub(crate) fn account_url_prefix(&self) -> String {
        format!("{}/acme/account/", self.base_url)
    }

    /// The account URL, as it stands in CAA `accounturi` (RFC 8657, section 3).
    pub(crate) fn account_url(&self, account: &bailiwick_core::names::AccountId) -> String {
        format!("{}/acme/account/{account}", self.base_url)
    }
}
