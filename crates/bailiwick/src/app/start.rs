//! Starting: all of it or nothing, and stopping in order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_connect::dns::{DnsClient, Limits, Resolver, ResolverTrust, random_ids};
use bailiwick_connect::zones::notify::NotifyListener;
use bailiwick_core::estate::{Estate, EstateHistory, IssuerKind};
use bailiwick_store::{Past, Store, StoreUrl};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::issuers::Issuers;
use super::start_keys::IssuerKeys;
pub(crate) use super::start_options::Options;
use super::{App, Live, LiveCell};
use crate::fault::Fault;
use crate::http::server::{self, Bounds, Security};
use crate::lab::Lab;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::world::World;

/// News kept for listeners that are slow; they read the state anew when they missed some.
const NEWS_KEPT: usize = 1_024;

/// Why the server did not start; nothing of it runs then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStarted {
    /// The data folder cannot be used.
    #[error("the data folder `{path}` cannot be used: {cause}; give another with --data")]
    Data {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// An address cannot be listened on.
    #[error("`{address}` cannot be listened on: {cause}; choose another with --{flag}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The flag that sets it.
        flag: &'static str,
        /// Why.
        cause: std::io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] bailiwick_store::OpenError),
    /// Keys or CA cannot be had.
    #[error("{0}")]
    Keys(String),
    /// The estate has problems.
    #[error("{0}")]
    Estate(String),
    /// A setting makes no sense.
    #[error("--{flag}: {message}")]
    Setting {
        /// Which.
        flag: &'static str,
        /// Why.
        message: String,
    },
    /// A use case failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A server that serves.
pub(crate) struct Running {
    app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    first_link: Option<String>,
    lab: Option<Lab>,
    /// Where NOTIFY is heard.
    notify: Option<SocketAddr>,
}

/// Everything but listeners and loops.
pub(crate) struct Opened {
    /// The use cases, with the estate in force.
    pub app: Arc<App>,
    /// For the HTTPS listener.
    pub tls: Arc<rustls::ServerConfig>,
    /// The lab, where it was asked for.
    pub lab: Option<Lab>,
    /// Whether nothing was there before.
    pub first_start: bool,
}

impl Opened {
    /// Opens what lies in the data folder, and begins where nothing does.
    pub(crate) async fn with(
        options: &Options,
        settings: Settings,
        world: World,
    ) -> Result<Self, NotStarted> {
        let sealer = super::start_keys::sealer(&settings.data, &world)?;
        let ledger_key = super::start_keys::ledger_key(&settings, &sealer, &world)?;
        let url = store_url(options)?;
        let verifier = ledger_key.verifier().to_string();
        let mark = Some(settings.data.join("postgres.mark"));
        let past = Past { mark, restored: options.restored };
        let store = Store::open_after(
            &url,
            Arc::new(super::start_keys::Signer(ledger_key)),
            Arc::new(super::start_keys::StoreClock(world.clone())),
            &past,
        )
        .await?;
        super::start_keys::same_ledger(&store, &verifier).await?;
        let lab = if options.lab { Some(Lab::start(options, &world).await?) } else { None };
        let estate =
            super::start_estate::first_or_active(&store, options, lab.as_ref(), world.now())
                .await?;
        let token = super::start_token::token(&options.token, &estate)?;
        let keys = IssuerKeys { sealer: &sealer, token: token.as_ref() };
        let issuers = issuers(&settings, &estate, &keys, &world)?;
        let tls = super::start_keys::listener_tls(&settings, &sealer, &world)?;
        let (news, _) = broadcast::channel(NEWS_KEPT);
        // Nothing is in force until `begin`; the digest says so.
        let live = Live::new(estate.clone(), EstateHistory::default(), None, None)?;
        let app = Arc::new(App {
            store,
            dns: dns(&world),
            resolver: resolver(options),
            settings,
            live: LiveCell::new(live),
            issuers,
            token,
            responders: super::Responders::default(),
            key_sets: bailiwick_connect::attestation::KeySets::default(),
            enrolments: crate::limits::ByAddress::default(),
            asked_registries: super::Asked::default(),
            sealer,
            news,
            metrics: Metrics::new(),
            ca_windows: super::CaWindows::default(),
            noted_uses: super::NotedUses::default(),
            tries: super::Tries::default(),
            canary_wishes: super::CanaryWishes::default(),
            reports: crate::limits::ByAddress::default(),
            turns: crate::drive::Turns::default(),
            waiting: crate::drive::Waiting::default(),
            channels: super::Channels::default(),
            woken: super::Woken::default(),
            lab_zones: lab.as_ref().map(Lab::zones),
            world,
        });
        let first_start = app.begin(estate, &verifier).await?;
        if options.restored {
            app.restored().await?;
        }
        app.refresh_issuers().await?;
        app.refresh_crls().await?;
        Ok(Self { app, tls, lab, first_start })
    }
}

impl Running {
    /// Starts everything, or nothing.
    pub(crate) async fn start(options: Options) -> Result<Self, NotStarted> {
        make_private(&options.data)
            .map_err(|cause| NotStarted::Data { path: options.data.clone(), cause })?;
        let https = bind(options.listen, "listen").await?;
        let plain = bind(options.listen_http, "listen-http").await?;
        let notify =
            match options.listen_notify {
                Some(address) => Some(NotifyListener::bind(address).await.map_err(|cause| {
                    NotStarted::Listen { address, flag: "listen-notify", cause }
                })?),
                None => None,
            };
        let settings = settings(&options, &https, &plain)?;
        let Opened { app, tls, lab, first_start } =
            Opened::with(&options, settings, World::system()).await?;
        let first_link = match (&lab, first_start) {
            (None, true) => app.first_link().await?.map(|link| link.url),
            _ => None,
        };
        let mut running = Self::serve(app, https, plain, tls);
        running.listen_for_notify(notify);
        running.first_link = first_link;
        if let Some(mut lab) = lab {
            lab.people(&running.app).await?;
            running.lab = Some(lab);
        }
        Ok(running)
    }

    fn serve(
        app: Arc<App>,
        https: TcpListener,
        plain: TcpListener,
        tls: Arc<rustls::ServerConfig>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (_keep, tls) = watch::channel(tls);
        let holder = format!("{}", app.now().unix_ms());
        let (ours, public) = (crate::http::router(&app), crate::http::plain_router(&app));
        let (tls, bounds) = (Security::Tls(tls), Bounds::of_this_process());
        let tasks = vec![
            tokio::spawn(server::serve(https, tls, ours, bounds, stopped.clone())),
            tokio::spawn(server::serve(plain, Security::Plain, public, bounds, stopped.clone())),
            tokio::spawn(crate::drive::run(Arc::clone(&app), holder, stopped)),
        ];
        Self { app, stop, tasks, first_link: None, lab: None, notify: None }
    }

    /// Hears of zones that changed; where nobody listens, they are looked at in their turn.
    fn listen_for_notify(&mut self, listener: Option<NotifyListener>) {
        let Some(listener) = listener else { return };
        self.notify = listener.address().ok();
        let wakes = Arc::new(super::Listening(Arc::clone(&self.app)));
        let mut stopped = self.stop.subscribe();
        self.tasks.push(tokio::spawn(async move {
            tokio::select! {
                () = listener.run(wakes) => {}
                _ = stopped.changed() => {}
            }
        }));
    }

    /// The line that says that everything is served, for programs.
    pub(crate) fn ready_json(&self) -> String {
        let settings = &self.app.settings;
        let mut ready = serde_json::json!({
            "event": "ready",
            "https": settings.base_url,
            "http": settings.http_url,
            "directory": format!("{}/acme/directory", settings.base_url),
            "https_address": settings.https.to_string(),
            "http_address": settings.http.to_string(),
            "notify_address": self.notify.map(|address| address.to_string()),
            "data": settings.data,
            "trust": settings.data.join("tls/root.pem"),
            "first_link": self.first_link,
            "pid": std::process::id(),
        });
        if let (Some(lab), Some(object)) = (&self.lab, ready.as_object_mut()) {
            object.insert("lab".to_owned(), lab.json());
        }
        ready.to_string()
    }

    /// The same for a person.
    pub(crate) fn welcome(&self, lab: bool) -> String {
        let settings = &self.app.settings;
        let mut text = format!(
            "Bailiwick serves.\n\n  console         {base}\n  ACME directory  {base}/acme/directory\n  \
             trust file      {trust}   (the CA of this listener; give it to browsers and clients)\n  \
             data            {data}\n",
            base = settings.base_url,
            trust = settings.data.join("tls/root.pem").display(),
            data = settings.data.display(),
        );
        if let Some(link) = &self.first_link {
            text.push_str(&format!(
                "\nSign in as the first administrator with this link; it works once, for 30 minutes:\n\n  {link}\n"
            ));
        }
        if let (true, Some(lab)) = (lab, &self.lab) {
            text.push_str(&lab.welcome(settings));
        }
        text.push_str("\nStop with Ctrl-C.");
        text
    }

    /// Serves until a signal, then drains and closes the store.
    pub(crate) async fn until_stopped(self) {
        super::start_beside::stopped_by_signal().await;
        tracing::info!("stopping: requests in flight are finished first");
        if self.stop.send(true).is_err() {
            tracing::debug!("everything had stopped already");
        }
        for task in self.tasks {
            if let Err(cause) = task.await {
                tracing::error!(error = %cause, "a part of the server ended badly");
            }
        }
        self.app.store.close().await;
        tracing::info!("stopped");
    }
}

async fn bind(address: SocketAddr, flag: &'static str) -> Result<TcpListener, NotStarted> {
    TcpListener::bind(address).await.map_err(|cause| NotStarted::Listen { address, flag, cause })
}

fn settings(
    options: &Options,
    https: &TcpListener,
    plain: &TcpListener,
) -> Result<Settings, NotStarted> {
    let at = |listener: &TcpListener| {
        listener.local_addr().map_err(|cause| NotStarted::Keys(cause.to_string()))
    };
    let (https, http) = (at(https)?, at(plain)?);
    let network = |text: &String| {
        bailiwick_connect::validate::Network::parse(text).map_err(|cause| NotStarted::Setting {
            flag: "allow-network",
            message: cause.to_string(),
        })
    };
    let mut allowed: Vec<_> =
        options.allow_network.iter().map(network).collect::<Result<_, _>>()?;
    if options.lab {
        allowed.push(network(&"127.0.0.0/8".to_owned())?);
    }
    let limits = crate::limits::Limits::parse(&options.limit)
        .map_err(|bad| NotStarted::Setting { flag: "limit", message: bad.to_string() })?;
    let trimmed = |url: &String| url.trim_end_matches('/').to_owned();
    Ok(Settings {
        data: options.data.clone(),
        base_url: options.base_url.as_ref().map_or_else(|| default_url("https", https), trimmed),
        http_url: options.http_url.as_ref().map_or_else(|| default_url("http", http), trimmed),
        https,
        http,
        http01_port: options.http01_port.unwrap_or(if options.lab { 7402 } else { 80 }),
        tls_alpn01_port: options.tls_alpn01_port.unwrap_or(if options.lab { 7401 } else { 443 }),
        terms_of_service: options.terms_of_service.clone(),
        limits,
        allowed_networks: allowed,
        envelope_unused_days: options.envelope_unused_days,
        watch: crate::settings::Watching::every_seconds(options.watch_seconds),
        ways: super::start_options::ways(options)?,
        rdap: super::start_options::rdap(options)?,
        lab: options.lab,
    })
}

fn default_url(scheme: &str, address: SocketAddr) -> String {
    let host = if address.ip().is_loopback() || address.ip().is_unspecified() {
        "localhost".to_owned()
    } else {
        address.ip().to_string()
    };
    format!("{scheme}://{host}:{}", address.port())
}

fn store_url(options: &Options) -> Result<StoreUrl, NotStarted> {
    match &options.database {
        Some(url) => StoreUrl::parse(url)
            .map_err(|cause| NotStarted::Setting { flag: "database", message: cause.to_string() }),
        None => Ok(StoreUrl::sqlite(options.data.join("bailiwick.db"))),
    }
}

/// The first generation of each CA; those that the ledger names are opened once it can be asked.
fn issuers(
    settings: &Settings,
    estate: &Estate,
    keys: &IssuerKeys<'_>,
    world: &World,
) -> Result<Issuers, NotStarted> {
    let all = Issuers::default();
    let here = estate.issuers.iter().filter(|(_, issuer)| issuer.kind == IssuerKind::BuiltIn);
    for (id, _) in here {
        all.put(super::start_keys::open_issuer(settings, estate, id, keys, world)?);
    }
    Ok(all)
}

/// A resolver that the operator names is one that validates: `--help` says so.
fn resolver(options: &Options) -> Option<Resolver> {
    options.resolver.map(|server| Resolver { server, trust: ResolverTrust::Validates })
}

fn dns(world: &World) -> DnsClient {
    let clock = Arc::clone(&world.clock);
    DnsClient::new(Limits::default(), move || clock.now(), random_ids)
}

/// Makes the folder where it is missing, for this user alone.
pub(super) fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
    if !path.exists() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    }
    let mut permissions = std::fs::metadata(path)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o700);
        std::fs::set_permissions(path, permissions)?;
    }
    Ok(())
}
