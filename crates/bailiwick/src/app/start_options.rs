//! What the operator asked for, as `bailiwick up` reads it.

use std::net::SocketAddr;
use std::path::PathBuf;

use bailiwick_core::estate::Estate;

use super::start::NotStarted;
use super::start_token::TokenOptions;

/// What the operator asked for.
pub(crate) struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// Whether somebody says that the store was restored from a copy.
    pub restored: bool,
    /// The estate folder to begin with.
    pub estate: Option<PathBuf>,
    /// An estate that was read already, to begin with.
    pub given: Option<Estate>,
    /// Whether to bring the lab.
    pub lab: bool,
    /// PostgreSQL, where it is not the embedded database.
    pub database: Option<String>,
    /// Where HTTPS listens.
    pub listen: SocketAddr,
    /// Where plain HTTP listens.
    pub listen_http: SocketAddr,
    /// Where NOTIFY is heard, if anywhere.
    pub listen_notify: Option<SocketAddr>,
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
    /// Where registries tell about registrations.
    pub rdap: Option<String>,
    /// Where notices go.
    pub notices: NoticeOptions,
    /// Where the lab's DNS listens.
    pub lab_dns: SocketAddr,
    /// The token of CA keys.
    pub token: TokenOptions,
}

/// Where notices go, as the operator wrote it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NoticeOptions {
    /// A URL that takes signed JSON.
    pub webhook: Option<String>,
    /// A mail relay.
    pub smtp: Option<String>,
    /// The sender of mails.
    pub from: Option<String>,
    /// The user at the relay.
    pub user: Option<String>,
    /// A command that takes JSON.
    pub command: Option<PathBuf>,
}

/// The RDAP server.
pub(super) fn rdap(
    options: &Options,
) -> Result<Option<bailiwick_connect::egress::Target>, NotStarted> {
    let parsed = options.rdap.as_deref().map(bailiwick_connect::egress::Target::parse);
    let wrong = |it: bailiwick_connect::egress::BadTarget| NotStarted::Setting {
        flag: "rdap",
        message: it.to_string(),
    };
    parsed.transpose().map_err(wrong)
}

/// The ways by which notices leave.
pub(super) fn ways(options: &Options) -> Result<super::Ways, NotStarted> {
    let wrong = |flag: &'static str| move |message: String| NotStarted::Setting { flag, message };
    let told = &options.notices;
    let webhook = told.webhook.as_deref().map(bailiwick_connect::egress::Target::parse);
    let webhook = webhook.transpose().map_err(|it| it.to_string());
    let relay = match (&told.smtp, &told.from) {
        (Some(url), Some(from)) => {
            let relay = bailiwick_connect::notify::Relay::parse(url, from, told.user.as_deref());
            Some(relay.map_err(|it| it.to_string()).map_err(wrong("notify-smtp"))?)
        }
        (Some(_), None) => {
            return Err(wrong("notify-from")("name the sender of mails".to_owned()));
        }
        (None, _) => None,
    };
    Ok(super::Ways {
        webhook: webhook.map_err(wrong("notify-webhook"))?,
        relay,
        command: told.command.clone(),
    })
}
