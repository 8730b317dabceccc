//! How Bailiwick reaches CAs behind ACME and the zones it may write into: sealed secrets, the way
//! out, the connectors of the estate.

use std::net::SocketAddr;
use std::sync::Arc;

use bailiwick_connect::dns::{ChallengeRecords, NotWritten, ZoneWriter};
use bailiwick_connect::egress::{Egress, Fence, Limits, Trust, Web};
use bailiwick_connect::upstream::{AccountKey, AcmeClient};
use bailiwick_core::change::{Endpoint, HeldKey, IssueCertificate, Warrant};
use bailiwick_core::estate::{CANARY_SUFFIX, Deployment, IssuerKind, Upstream, ZoneKey};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{CertFingerprint, Digest, DnsName, IssuerId, ZoneName};
use bailiwick_store::{CertificateFilter, UpstreamAccountRow};
use futures::future::BoxFuture;

use super::doors::{self, Place, ZoneRecords, ZoneSight};
use super::held_keys::KeyHolder;
use super::{App, Live};
use crate::fault::Fault;

/// Certificates of a service that are looked through for the one that is replaced.
const LIKE_READ: u32 = 100;

/// For one request to a CA or to somebody else's server, so that one turn of a driver stays short.
const LIMITS: Limits = Limits {
    connect_timeout: std::time::Duration::from_secs(4),
    answer_timeout: std::time::Duration::from_secs(8),
    whole_timeout: std::time::Duration::from_secs(8),
};

/// CAs behind ACME and the zones of other people, as they are reached. A test brings its own.
pub(crate) trait Outside: Send + Sync {
    /// The way to CAs.
    fn web(&self, app: &App, live: &Live) -> Arc<dyn Web>;
    /// The way into zones for challenge records.
    fn records<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        warrant: &'a Warrant,
    ) -> Box<dyn ChallengeRecords + 'a>;

    /// The records of one zone, to be written.
    fn zone<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        key: &'a ZoneKey,
        warrant: &'a Warrant,
    ) -> BoxFuture<'a, Result<Box<dyn ZoneRecords + 'a>, String>> {
        Box::pin(app.door(live, key, warrant))
    }

    /// The records of one zone, to be read. No secret is needed for it.
    fn sight<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        key: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneSight + 'a>, String> {
        app.network_sight(live, key)
    }

    /// The certificate that an endpoint shows.
    fn shown<'a>(
        &'a self,
        app: &'a App,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        Box::pin(doors::shown(app, endpoint))
    }

    /// The policy for mail that an endpoint serves, in words.
    fn mail_policy<'a>(
        &'a self,
        app: &'a App,
        endpoint: &'a Endpoint,
    ) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(doors::mail_policy(app, endpoint))
    }

    /// Who a credential of ours is for.
    fn holder<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        of: &'a HeldKey,
    ) -> Result<Box<dyn KeyHolder + 'a>, String> {
        app.network_holder(live, of)
    }

    /// A place that a certificate goes to.
    fn place<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        target: &'a Deployment,
    ) -> Box<dyn Place + 'a> {
        Box::new(doors::RealPlace { app, live, target })
    }
}

/// The network: fenced, and into zones by the connectors of the estate.
pub(crate) struct Network;

impl Outside for Network {
    fn web(&self, app: &App, live: &Live) -> Arc<dyn Web> {
        let fence = Fence::new(app.settings.allowed_networks.clone());
        Arc::new(Egress::new(app.dns.clone(), app.view(live), fence, LIMITS))
    }

    fn records<'a>(
        &'a self,
        app: &'a App,
        live: &'a Live,
        warrant: &'a Warrant,
    ) -> Box<dyn ChallengeRecords + 'a> {
        Box::new(EstateRecords { app, live, warrant })
    }
}

impl App {
    /// The way out for what the estate or an answer names.
    pub(crate) fn web(&self, live: &Live) -> Arc<dyn Web> {
        self.world.outside.web(self, live)
    }

    /// The way into zones for challenge records.
    pub(crate) fn records<'a>(
        &'a self,
        live: &'a Live,
        warrant: &'a Warrant,
    ) -> Box<dyn ChallengeRecords + 'a> {
        self.world.outside.records(self, live, warrant)
    }

    /// How a CA behind ACME is reached, where the issuer is one; for the account that canaries are sent
    /// from (`ISSUER.canary`), as it was agreed.
    pub(crate) fn upstream<'a>(&self, live: &'a Live, issuer: &IssuerId) -> Option<&'a Upstream> {
        let issuers = &live.estate().issuers;
        if let Some(tested) = issuer.as_str().strip_suffix(CANARY_SUFFIX) {
            let tested = issuers.get(&IssuerId::parse(tested).ok()?)?;
            return tested.canary.as_ref().map(|canary| &canary.place);
        }
        issuers.get(issuer)?.upstream.as_ref()
    }

    /// The account to order with, where there is one that is not over.
    pub(crate) async fn upstream_account(
        &self,
        issuer: &IssuerId,
    ) -> Result<Option<UpstreamAccountRow>, Fault> {
        let account = self.store.upstream_account(issuer).await?;
        Ok(account.filter(|account| !account.ended))
    }

    /// The CAs behind ACME at which there is an account. Those without one serve nobody yet.
    pub(crate) async fn upstream_serving(&self, live: &Live) -> Result<Vec<IssuerId>, Fault> {
        let acme = |kind| kind == IssuerKind::Acme;
        if !live.estate().issuers.values().any(|issuer| acme(issuer.kind)) {
            return Ok(Vec::new());
        }
        let accounts = self.store.upstream_accounts().await?;
        let usable = accounts.into_iter().filter(|account| !account.ended);
        // An account for canaries serves nobody.
        let usable = usable.filter(|one| live.estate().issuers.contains_key(&one.issuer));
        Ok(usable.map(|account| account.issuer).collect())
    }

    /// The key of our account at a CA.
    pub(crate) async fn account_key(
        &self,
        warrant: &Warrant,
        issuer: &IssuerId,
    ) -> Result<Option<AccountKey>, Fault> {
        let secret = SealedSecret::AccountKey(issuer.clone());
        let Some(pkcs8) = self.secret(warrant, &secret).await? else { return Ok(None) };
        let key = AccountKey::open(&pkcs8);
        key.map(Some).map_err(|cause| Fault::Damaged { message: cause.to_string() })
    }

    /// Opens a CA for a key and, where it has one, its account.
    pub(crate) async fn open_upstream<'a>(
        &self,
        web: &'a dyn Web,
        upstream: &Upstream,
        key: &'a AccountKey,
        account: Option<String>,
    ) -> Result<AcmeClient<'a>, bailiwick_connect::upstream::Trouble> {
        let strange = |cause: String| bailiwick_connect::upstream::Trouble::Strange(cause);
        let trust = match &upstream.trust_roots {
            Some(pem) => {
                let roots = bailiwick_wire::x509::read_chain(pem.as_bytes())
                    .map_err(|cause| strange(cause.to_string()))?;
                Trust::roots(roots)
            }
            None => Trust::system(),
        };
        let trust = trust.map_err(|cause| strange(cause.to_string()))?;
        AcmeClient::open(web, trust, &upstream.directory, key, account).await
    }

    /// The chain that was stored with a certificate, PEM.
    pub(crate) async fn stored_chain(&self, digest: Digest) -> Result<Option<String>, Fault> {
        let found = self.store.evidence(&digest).await?;
        Ok(found.map(|evidence| String::from_utf8_lossy(&evidence.octets).into_owned()))
    }

    /// The newest certificate of this issuer for the same service and names, which a new one
    /// replaces.
    pub(crate) async fn newest_like(
        &self,
        wanted: &IssueCertificate,
    ) -> Result<Option<CertFingerprint>, Fault> {
        let filter = CertificateFilter {
            service: Some(wanted.service.clone()),
            issuer: Some(wanted.issuer.clone()),
            ends_from: Some(self.now()),
            revoked: Some(false),
            ..CertificateFilter::default()
        };
        let page = self.store.certificates(&filter, None, LIKE_READ).await?;
        let like = page.items.into_iter().find(|row| row.certificate.names == wanted.names);
        Ok(like.map(|row| row.certificate.fingerprint))
    }

    /// The zone of the estate that a record lies in and that Bailiwick may write into.
    pub(crate) fn writable_zone(&self, live: &Live, owner: &DnsName) -> Option<ZoneKey> {
        let above = std::iter::successors(Some(owner.clone()), DnsName::parent);
        let mut keys = above
            .filter_map(|apex| ZoneName::parse(apex.as_str()).ok())
            .flat_map(|name| [ZoneKey::external(name.clone()), ZoneKey::internal(name)]);
        // The deepest zone holds the name; a connector above it could not write there.
        keys.find(|key| live.estate().zones.contains_key(key))
            .filter(|key| live.estate().zones.get(key).is_some_and(|it| it.connector.is_some()))
    }

    async fn writer(
        &self,
        live: &Live,
        owner: &DnsName,
        warrant: &Warrant,
    ) -> Result<ZoneWriter, NoWriter> {
        let key = self
            .writable_zone(live, owner)
            .ok_or_else(|| NoWriter(format!("no zone of `{owner}` has a connector; add one")))?;
        let door = self.zone_door(live, &key, warrant).await;
        let door = door.map_err(|cause| NoWriter(cause.to_string()))?;
        if door.servers().servers().is_empty() {
            // Whether they show the record could not be seen.
            return Err(NoWriter(format!(
                "it is not known who serves zone `{key}`; name its `servers` in the zone's file"
            )));
        }
        Ok(ZoneWriter::new(self.dns.clone(), door))
    }
}

/// A key of nobody, for what a CA tells anybody: our account's stays closed.
pub(super) fn passing_key() -> Result<AccountKey, String> {
    let fresh = AccountKey::fresh().map_err(|cause| cause.to_string())?;
    AccountKey::open(&fresh).map_err(|cause| cause.to_string())
}

/// A zone cannot be written into.
pub(crate) struct NoWriter(String);

/// Records in whatever zone of the estate they lie.
struct EstateRecords<'a> {
    app: &'a App,
    live: &'a Live,
    warrant: &'a Warrant,
}

impl ChallengeRecords for EstateRecords<'_> {
    fn place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(async move {
            let writer = self.app.writer(self.live, owner, self.warrant).await;
            writer.map_err(|NoWriter(why)| NotWritten::NoWay(why))?.place(owner, value).await
        })
    }

    fn clear<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(async move {
            let writer = self.app.writer(self.live, owner, self.warrant).await;
            writer.map_err(|NoWriter(why)| NotWritten::NoWay(why))?.clear(owner, value).await
        })
    }

    fn waiting_for<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Vec<SocketAddr>> {
        Box::pin(async move {
            match self.app.writer(self.live, owner, self.warrant).await {
                Ok(writer) => writer.waiting_for(owner, value).await,
                Err(NoWriter(_)) => Vec::new(),
            }
        })
    }
}
