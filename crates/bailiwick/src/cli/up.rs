//! `bailiwick up`: starts the server and stays until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::ceremony::TokenArgs;
use super::exit;
use crate::app::NoticeOptions;
use crate::app::start::{Options, Running};

/// Start the server: ACME, API, console and the loops behind them.
#[derive(Args)]
pub(crate) struct Up {
    /// Where data lies: database, sealed keys, CA certificates
    #[arg(long, value_name = "DIR", default_value = "bailiwick-data", env = "BAILIWICK_DATA")]
    data: PathBuf,
    /// The estate to begin with, a folder of TOML and Cedar files; later edits go through
    /// `bailiwick estate apply`
    #[arg(long, value_name = "DIR")]
    estate: Option<PathBuf>,
    /// Bring a small fictional organisation, with its DNS, to learn on
    #[arg(long)]
    lab: bool,
    /// PostgreSQL instead of the embedded database, as postgres://USER:PASSWORD@HOST/DATABASE
    #[arg(long, value_name = "URL", env = "BAILIWICK_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Where HTTPS listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7443")]
    listen: SocketAddr,
    /// Where plain HTTP listens, for CRLs and health; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7480")]
    listen_http: SocketAddr,
    /// Where servers may say that a zone changed (NOTIFY), over UDP and TCP: it is then looked at within
    /// seconds. Of several servers of one installation each has to be told; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    listen_notify: Option<SocketAddr>,
    /// The URL under which clients reach HTTPS; the listening address where none is given
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// The URL that certificates name for CRLs; the plain listening address where none is given
    #[arg(long, value_name = "URL")]
    http_url: Option<String>,
    /// A resolver that validates DNSSEC; asked beside the authoritative servers of each zone
    #[arg(long, value_name = "ADDR:PORT")]
    resolver: Option<SocketAddr>,
    /// The port that http-01 validation asks
    #[arg(long, value_name = "PORT")]
    http01_port: Option<u16>,
    /// The port that tls-alpn-01 validation asks
    #[arg(long, value_name = "PORT")]
    tls_alpn01_port: Option<u16>,
    /// The terms that whoever registers an ACME account has to agree to
    #[arg(long, value_name = "URL")]
    terms_of_service: Option<String>,
    /// How much one ACME client may ask for, such as orders-per-account=300/3h or
    /// requests-per-address=off; also orders-per-service and failures-per-account; may be repeated
    #[arg(long, value_name = "NAME=COUNT/PERIOD")]
    limit: Vec<String>,
    /// A network that validation may reach although it is private or loopback; may be repeated
    #[arg(long, value_name = "CIDR")]
    allow_network: Vec<String>,
    /// After how many days without use a standing approval is a finding
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=3660))]
    envelope_unused_days: u32,
    /// How often each zone is looked at, at every server and vantage; 0 is never
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=3600))]
    watch_seconds: u32,
    /// The database was restored or copied: void approvals that are not spent, hand what was under way to
    /// people, and go on. Say it once; the ledger keeps that it was said
    #[arg(long)]
    restored: bool,
    /// An RDAP server that is asked every hour about the registration of each zone (RFC 9082)
    #[arg(long, value_name = "URL")]
    rdap: Option<String>,
    #[command(flatten)]
    notices: NoticeArgs,
    /// Where the lab's DNS listens; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7453")]
    lab_dns: SocketAddr,
    #[command(flatten)]
    token: TokenArgs,
    /// Print one line of JSON on standard output once everything is served
    #[arg(long)]
    ready_json: bool,
    /// Write logs as JSON
    #[arg(long)]
    log_json: bool,
}

/// Where notices to people go; without any of these they only stand on people's pages.
#[derive(Args)]
struct NoticeArgs {
    /// Post each notice to this URL as signed JSON; the key comes with `bailiwick notices set-secret webhook`
    #[arg(long, value_name = "URL")]
    notify_webhook: Option<String>,
    /// Mail each notice through this relay: smtps://HOST:PORT, or smtp://HOST:PORT inside a network
    #[arg(long, value_name = "URL", requires = "notify_from")]
    notify_smtp: Option<String>,
    /// The sender of these mails
    #[arg(long, value_name = "ADDRESS")]
    notify_from: Option<String>,
    /// The user at the relay, where it wants one; the password comes with `bailiwick notices set-secret smtp`
    #[arg(long, value_name = "NAME", requires = "notify_smtp")]
    notify_user: Option<String>,
    /// Run this program for each notice, with JSON on its standard input
    #[arg(long, value_name = "PROGRAM")]
    notify_command: Option<PathBuf>,
}

impl NoticeArgs {
    fn options(self) -> NoticeOptions {
        NoticeOptions {
            webhook: self.notify_webhook,
            smtp: self.notify_smtp,
            from: self.notify_from,
            user: self.notify_user,
            command: self.notify_command,
        }
    }
}

/// Runs the server.
pub(crate) async fn run(up: Up) -> u8 {
    logs(up.log_json);
    let (ready_json, lab) = (up.ready_json, up.lab);
    let options = Options {
        data: up.data,
        estate: up.estate,
        given: None,
        lab: up.lab,
        database: up.database,
        listen: up.listen,
        listen_http: up.listen_http,
        listen_notify: up.listen_notify,
        base_url: up.base_url,
        http_url: up.http_url,
        resolver: up.resolver,
        http01_port: up.http01_port,
        tls_alpn01_port: up.tls_alpn01_port,
        terms_of_service: up.terms_of_service,
        limit: up.limit,
        allow_network: up.allow_network,
        envelope_unused_days: up.envelope_unused_days,
        watch_seconds: up.watch_seconds,
        rdap: up.rdap,
        restored: up.restored,
        notices: up.notices.options(),
        lab_dns: up.lab_dns,
        token: up.token.options(),
    };
    let running = match Running::start(options).await {
        Ok(running) => running,
        Err(cause) => return super::failed(cause, exit::FAILED),
    };
    if ready_json {
        println!("{}", running.ready_json());
    } else {
        println!("{}", running.welcome(lab));
    }
    running.until_stopped().await;
    exit::YES
}

fn logs(json: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("BAILIWICK_LOG")
        .unwrap_or_else(|_| EnvFilter::new("warn,bailiwick=info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json { builder.json().init() } else { builder.with_target(false).compact().init() }
}
