//! What the operator asked for, as `bailiwick up` reads it.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::start_token::TokenOptions;

/// What the operator asked for.
pub(crate) struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// The estate folder to begin with.
    pub estate: Option<PathBuf>,
    /// Whether to bring the lab.
    pub lab: bool,
    /// PostgreSQL, where it is not the embedded database.
    pub database: Option<String>,
    /// Where HTTPS listens.
    pub listen: SocketAddr,
    /// Where plain HTTP listens.
    pub listen_http: SocketAddr,
    /// Under which URL clients reach HTTPS.
    pub base_url: Option<String>,
    /// Under which URL clients reach plain HTTP.
    pub http_url: Option<String>,
    /// A validating resolver.
    pub resolver: Option<SocketAddr>,
    /// The port http-01 asks.
    pub http01_port: Option<u16>,
    /// The port tls-alpn-01 asks.
    pub tls_alpn01_port: Option<u16>,
    /// Where the terms of service are.
    pub terms_of_service: Option<String>,
    /// Limits that differ from the usual ones.
    pub limit: Vec<String>,
    /// Networks that validation may reach although private.
    pub allow_network: Vec<String>,
    /// After how many days without use an envelope is a finding.
    pub envelope_unused_days: u32,
    /// How often zones are looked at.
    pub watch_seconds: u32,
    /// Where the lab's DNS listens.
    pub lab_dns: SocketAddr,
    /// The token of CA keys.
    pub token: TokenOptions,
}
