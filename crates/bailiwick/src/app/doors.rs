//! Zones, endpoints and places as the steps of a change reach them. The network's are here; a test
//! brings its own.

use std::path::Path;
use std::time::Duration;

use bailiwick_connect::egress::{Call, Fence, Limits, Method, Target, Trust};
use bailiwick_connect::keys::SecretBytes;
use bailiwick_connect::mta_sts;
use bailiwick_connect::places::{self, Held};
use bailiwick_core::change::{Endpoint, Lane, Warrant};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::names::CertFingerprint;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use futures::future::BoxFuture;

use super::{App, Live};

/// How long a command may take that tells a server to read its files again.
const RELOAD: Duration = Duration::from_secs(15);
/// For one handshake with an endpoint.
const HANDSHAKE: Limits = Limits {
    connect_timeout: Duration::from_secs(2),
    answer_timeout: Duration::from_secs(3),
    whole_timeout: Duration::from_secs(4),
};

/// The records of one zone, as they are read.
pub(crate) trait ZoneSight: Send + Sync {
    /// The set as it stands where edits are written.
    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, String>>;

    /// How far each authoritative server is with edits.
    fn seen<'a>(&'a self, edits: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Lane>>;

    /// Whether each authoritative server is rid of what the reverse of these edits wrote: it shows the
    /// state before, or somebody else's that has nothing of it, or refuses the zone altogether.
    fn rid<'a>(&'a self, back: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Rid>>;
}

/// What one server shows on the way back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Rid {
    /// Who, whether it is rid of it, and what it shows.
    pub lane: Lane,
    /// Nothing was heard of it, so that nobody knows.
    pub is_silent: bool,
}

/// The records of one zone, as they are written.
pub(crate) trait ZoneRecords: ZoneSight {
    /// All edits or none, only where every pre-image stands.
    fn put<'a>(&'a self, edits: &'a [RecordEdit], why: &'a str) -> BoxFuture<'a, Put>;
}

/// What came of writing somewhere.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Put {
    /// It is written, and was read back.
    Done,
    /// Nothing was written, and why.
    Nothing(String),
    /// Nobody knows.
    Unknown(String),
}

/// A place that a certificate goes to.
pub(crate) trait Place: Send + Sync {
    /// What is there, where that can be seen.
    fn there(&self) -> BoxFuture<'_, Result<Option<Held>, String>>;

    /// Puts it there, or with `None` takes away what is there, and lets the server know.
    fn put<'a>(&'a self, held: Option<&'a Held>) -> BoxFuture<'a, Put>;
}

/// The certificate in a chain, by its bytes.
pub(crate) fn fingerprint(held: &Held) -> Option<CertFingerprint> {
    let chain = bailiwick_wire::x509::read_chain(&held.chain).ok()?;
    chain.first().map(|leaf| CertFingerprint::of(leaf))
}

impl App {
    /// The records of a zone that Bailiwick may write into.
    pub(crate) async fn zone<'a>(
        &'a self,
        live: &'a Live,
        key: &'a ZoneKey,
        warrant: &'a Warrant,
    ) -> Result<Box<dyn ZoneRecords + 'a>, String> {
        self.world.outside.zone(self, live, key, warrant).await
    }

    /// The records of a zone, to be read.
    pub(crate) fn sight<'a>(
        &'a self,
        live: &'a Live,
        key: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneSight + 'a>, String> {
        self.world.outside.sight(self, live, key)
    }

    /// The certificate that an endpoint shows, DER.
    pub(crate) async fn shown(&self, endpoint: &Endpoint) -> Result<Vec<u8>, String> {
        self.world.outside.shown(self, endpoint).await
    }

    /// The policy for mail that an endpoint serves, in words.
    pub(crate) async fn mail_policy(&self, endpoint: &Endpoint) -> Result<String, String> {
        self.world.outside.mail_policy(self, endpoint).await
    }

    /// A place of a certificate.
    pub(crate) fn place<'a>(
        &'a self,
        live: &'a Live,
        target: &'a Deployment,
    ) -> Box<dyn Place + 'a> {
        self.world.outside.place(self, live, target)
    }
}

/// What the network's endpoint shows.
pub(super) async fn shown(app: &App, endpoint: &Endpoint) -> Result<Vec<u8>, String> {
    let fence = Fence::new(app.settings.allowed_networks.clone());
    bailiwick_connect::served::certificate(&fence, &HANDSHAKE, &endpoint.name, endpoint.at)
        .await
        .map_err(|cause| cause.to_string())
}

/// The policy that the network's endpoint serves.
pub(super) async fn mail_policy(app: &App, endpoint: &Endpoint) -> Result<String, String> {
    let fence = Fence::new(app.settings.allowed_networks.clone());
    let read = mta_sts::policy(&fence, &HANDSHAKE, &endpoint.name, endpoint.at).await;
    read.map(|policy| policy.to_string()).map_err(|cause| cause.to_string())
}

/// A place as it is reached from this host.
pub(super) struct RealPlace<'a> {
    pub(super) app: &'a App,
    pub(super) live: &'a Live,
    pub(super) target: &'a Deployment,
}

impl RealPlace<'_> {
    /// Tells a webhook. Without a certificate it has to go back to the one before.
    async fn call(&self, url: &str, held: Option<&Held>) -> Put {
        let target = match Target::parse(url) {
            Ok(target) => target,
            Err(cause) => return Put::Nothing(format!("`{url}`: {cause}")),
        };
        let trust = match Trust::system() {
            Ok(trust) => trust,
            Err(cause) => return Put::Nothing(cause.to_string()),
        };
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        let body = match held {
            Some(held) => serde_json::json!({
                "deploy": { "certificate": text(&held.chain), "private_key": text(&held.key) },
            }),
            None => serde_json::json!({ "restore": true }),
        };
        let call = Call {
            method: Method::Post,
            target,
            body: Some(("application/json", body.to_string().into_bytes())),
            accept: "application/json",
            credential: None,
            trust,
        };
        match self.app.web(self.live).call(call).await {
            Ok(answer) if (200..300).contains(&answer.status) => Put::Done,
            Ok(answer) => Put::Nothing(format!("`{url}` answered with status {}", answer.status)),
            Err(cause) if cause.may_have_arrived() => Put::Unknown(format!("`{url}`: {cause}")),
            Err(cause) => Put::Nothing(format!("`{url}`: {cause}")),
        }
    }
}

impl Place for RealPlace<'_> {
    fn there(&self) -> BoxFuture<'_, Result<Option<Held>, String>> {
        Box::pin(async move {
            match self.target {
                Deployment::Files { folder, .. } => {
                    places::there(Path::new(folder)).map_err(|cause| cause.to_string())
                }
                // Nobody can look into those.
                Deployment::Client | Deployment::Webhook { .. } => Ok(None),
            }
        })
    }

    fn put<'a>(&'a self, held: Option<&'a Held>) -> BoxFuture<'a, Put> {
        Box::pin(async move {
            match self.target {
                Deployment::Client => Put::Done,
                Deployment::Webhook { url } => self.call(url, held).await,
                Deployment::Files { folder, reload } => {
                    if let Err(cause) = places::put(Path::new(folder), held) {
                        return Put::Nothing(cause.to_string());
                    }
                    // A server that has nothing to serve any more is told all the same.
                    match places::tell(reload, RELOAD).await {
                        Ok(()) => Put::Done,
                        Err(cause) if cause.may_have_worked() => Put::Unknown(cause.to_string()),
                        Err(cause) => Put::Nothing(cause.to_string()),
                    }
                }
            }
        })
    }
}

/// A private key as it is handed to a server.
pub(crate) fn held(chain: String, pkcs8: &SecretBytes) -> Held {
    Held { chain: chain.into_bytes(), key: bailiwick_connect::keys::key_pem(pkcs8) }
}
