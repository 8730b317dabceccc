//! Credentials that Bailiwick holds at servers and CAs: which one is in force, and whether the other
//! side takes one. Asking alters nothing there.

use std::sync::Arc;

use bailiwick_connect::keys::SecretBytes;
use bailiwick_connect::upstream::{AccountKey, Trouble, change_key, find};
use bailiwick_connect::zones::{PowerDnsDoor, PowerDnsPlace, UpdateDoor, UpdatePlace, ZoneDoor};
use bailiwick_core::change::{HeldKey, KeyMark, Warrant};
use bailiwick_core::estate::{Connector, Estate, Upstream, Zone, ZoneKey};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::names::{Digest, DnsName};
use bailiwick_wire::dns::TsigKey;
use futures::future::BoxFuture;

use super::zone_door::api;
use super::{App, Live};
use crate::fault::Fault;

/// The name of a key of an HTTP API: the field that it is sent in.
pub(crate) const API_KEY_NAME: &str = "X-API-Key";

/// A credential, opened.
pub(crate) struct OpenKey {
    /// Names it.
    pub mark: KeyMark,
    /// Its octets.
    pub secret: SecretBytes,
}

/// Whether the other side takes a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Takes {
    /// It does.
    Yes,
    /// It refuses it, and what it said.
    No(String),
    /// Nobody knows, and why.
    NotKnown(String),
}

/// Who a credential is for, as they are reached.
pub(crate) trait KeyHolder: Send + Sync {
    /// Who, for people.
    fn who(&self) -> String;

    /// Whether they take it.
    fn takes<'a>(&'a self, key: &'a OpenKey) -> BoxFuture<'a, Takes>;

    /// Lets them take another one, where they do that on our word. `Ok(false)`: somebody has to
    /// configure it there.
    fn change<'a>(
        &'a self,
        from: &'a OpenKey,
        to: &'a OpenKey,
    ) -> BoxFuture<'a, Result<bool, Changed>>;
}

/// It was not changed, or nobody knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Changed {
    /// It was refused.
    No(String),
    /// The answer is lost.
    NotKnown(String),
}

impl App {
    /// Who a credential is for.
    pub(crate) fn holder<'a>(
        &'a self,
        live: &'a Live,
        of: &'a HeldKey,
    ) -> Result<Box<dyn KeyHolder + 'a>, String> {
        self.world.outside.holder(self, live, of)
    }

    /// As the network reaches them.
    pub(super) fn network_holder<'a>(
        &'a self,
        live: &'a Live,
        of: &'a HeldKey,
    ) -> Result<Box<dyn KeyHolder + 'a>, String> {
        Ok(match of {
            HeldKey::ZoneTsig(key) | HeldKey::ZoneApi(key) => {
                let zone = live.estate().zones.get(key);
                let zone = zone.ok_or_else(|| format!("the estate has no zone `{key}`"))?;
                let connector = zone.connector.as_ref();
                let fits = connector.filter(|it| Self::held_by(key, it).as_ref() == Some(of));
                let connector = fits.ok_or_else(|| {
                    format!("zone `{key}` is not written that way any more; ask again")
                })?;
                Box::new(Server { app: self, live, key, zone, connector })
            }
            HeldKey::CaAccount(issuer) => {
                let upstream = self.upstream(live, issuer);
                let upstream = upstream
                    .ok_or_else(|| format!("the estate names no CA `{issuer}` any more"))?;
                Box::new(Ca { app: self, live, upstream })
            }
        })
    }

    /// The credential that a zone's connector writes with; `None` where it needs none, or where its API
    /// does not tell a token that may write from one that may not.
    pub(crate) fn held_by(key: &ZoneKey, connector: &Connector) -> Option<HeldKey> {
        match connector {
            Connector::Rfc2136 { .. } => Some(HeldKey::ZoneTsig(key.clone())),
            Connector::PowerDns { .. } => Some(HeldKey::ZoneApi(key.clone())),
            Connector::Cloudflare { .. } | Connector::Git { .. } | Connector::Observe => None,
        }
    }

    /// The name of the TSIG key in force. The estate says it; where that name was rotated away since,
    /// the one that took its place counts, so that the folder can follow in its own time.
    pub(crate) async fn tsig_name(
        &self,
        key: &ZoneKey,
        in_estate: &DnsName,
    ) -> Result<DnsName, Fault> {
        let rows = self.store.held_keys(&HeldKey::ZoneTsig(key.clone())).await?;
        let named = |mark: &KeyMark| mark.name == in_estate.as_str();
        if !rows.iter().any(|row| named(&row.before) || named(&row.after)) {
            return Ok(in_estate.clone());
        }
        let last = rows.last().map(|row| DnsName::parse(&row.after.name));
        last.transpose().map(|name| name.unwrap_or_else(|| in_estate.clone())).map_err(|cause| {
            Fault::Damaged { message: format!("the key of zone `{key}`: {cause}") }
        })
    }

    /// A note for each zone whose folder still names a key that was rotated away. It does no harm, and
    /// whoever reads the folder should know.
    pub(super) async fn stale_keys(&self, wanted: &Estate) -> Result<Vec<String>, Fault> {
        let mut notes = Vec::new();
        for (key, zone) in &wanted.zones {
            let Some(Connector::Rfc2136 { key: name, .. }) = &zone.connector else { continue };
            let in_force = self.tsig_name(key, name).await?;
            if in_force != *name {
                notes.push(format!(
                    "zone `{key}`: its `[connector]` names key `{name}`, in whose place `{in_force}` came by a rotation; that one is used; write it"
                ));
            }
        }
        Ok(notes)
    }

    /// A sealed credential, opened and named; `None` where there is none.
    pub(crate) async fn open_key(
        &self,
        warrant: &Warrant,
        (of, name): (&HeldKey, &str),
        secret: &SealedSecret,
    ) -> Result<Option<OpenKey>, Fault> {
        let Some(secret) = self.secret(warrant, secret).await? else { return Ok(None) };
        let mark = marked(of, name, &secret).map_err(|message| Fault::Damaged { message })?;
        Ok(Some(OpenKey { mark, secret }))
    }
}

/// Names a credential by its octets.
pub(crate) fn marked(of: &HeldKey, name: &str, secret: &SecretBytes) -> Result<KeyMark, String> {
    match of {
        HeldKey::ZoneTsig(_) | HeldKey::ZoneApi(_) => Ok(KeyMark::of_secret(name, secret)),
        HeldKey::CaAccount(_) => {
            let key = AccountKey::open(secret).map_err(|cause| cause.to_string())?;
            let digest = Digest::from_bytes(*key.hash().as_bytes());
            Ok(KeyMark { name: name.to_owned(), digest })
        }
    }
}

/// The server that a zone is written at.
struct Server<'a> {
    app: &'a App,
    live: &'a Live,
    key: &'a ZoneKey,
    zone: &'a Zone,
    connector: &'a Connector,
}

impl Server<'_> {
    /// A door that is opened with this credential and no other.
    fn door(&self, key: &OpenKey) -> Result<Arc<dyn ZoneDoor>, String> {
        let authorities = self.app.authorities(self.key, self.zone);
        match self.connector {
            Connector::Rfc2136 { server, .. } => {
                let name = DnsName::parse(&key.mark.name).map_err(|cause| cause.to_string())?;
                let tsig = TsigKey::new(&name, &key.secret).map_err(|cause| cause.to_string())?;
                let place = UpdatePlace { primary: *server, key: tsig };
                Ok(Arc::new(UpdateDoor::new(&authorities, place)))
            }
            Connector::PowerDns { url, trust_roots } => {
                let place = api(url, trust_roots.as_deref(), &key.secret);
                let (server, trust, key) = place.map_err(|cause| cause.to_string())?;
                let place = PowerDnsPlace { server, key, trust };
                Ok(Arc::new(PowerDnsDoor::new(self.app.web(self.live), authorities, place)))
            }
            Connector::Cloudflare { .. } | Connector::Git { .. } | Connector::Observe => {
                Err(format!("zone `{}` is written without a key", self.key))
            }
        }
    }
}

impl KeyHolder for Server<'_> {
    fn who(&self) -> String {
        match self.connector {
            Connector::Rfc2136 { server, .. } => server.to_string(),
            Connector::PowerDns { url, .. } => url.clone(),
            Connector::Cloudflare { .. } | Connector::Git { .. } | Connector::Observe => {
                self.key.to_string()
            }
        }
    }

    fn takes<'a>(&'a self, key: &'a OpenKey) -> BoxFuture<'a, Takes> {
        Box::pin(async move {
            let door = match self.door(key) {
                Ok(door) => door,
                Err(why) => return Takes::NotKnown(why),
            };
            match door.tried().await {
                Ok(_) => Takes::Yes,
                Err(refused) if refused.is_of_key() => Takes::No(refused.to_string()),
                Err(other) => Takes::NotKnown(other.to_string()),
            }
        })
    }

    fn change<'a>(
        &'a self,
        _: &'a OpenKey,
        _: &'a OpenKey,
    ) -> BoxFuture<'a, Result<bool, Changed>> {
        Box::pin(async { Ok(false) })
    }
}

/// A CA behind ACME.
struct Ca<'a> {
    app: &'a App,
    live: &'a Live,
    upstream: &'a Upstream,
}

impl Ca<'_> {
    /// The account that has this key.
    async fn account(&self, key: &AccountKey) -> Result<Option<String>, Trouble> {
        let web = self.app.web(self.live);
        let client = self.app.open_upstream(web.as_ref(), self.upstream, key, None).await?;
        find(&client).await
    }
}

impl KeyHolder for Ca<'_> {
    fn who(&self) -> String {
        self.upstream.directory.clone()
    }

    fn takes<'a>(&'a self, key: &'a OpenKey) -> BoxFuture<'a, Takes> {
        Box::pin(async move {
            let account = match AccountKey::open(&key.secret) {
                Ok(open) => self.account(&open).await,
                Err(cause) => return Takes::NotKnown(cause.to_string()),
            };
            match account {
                Ok(Some(uri)) if uri == key.mark.name => Takes::Yes,
                Ok(Some(uri)) => Takes::No(format!("the key is that of another account, {uri}")),
                Ok(None) => Takes::No("the CA has no account with that key".to_owned()),
                Err(trouble) => Takes::NotKnown(trouble.to_string()),
            }
        })
    }

    fn change<'a>(
        &'a self,
        from: &'a OpenKey,
        to: &'a OpenKey,
    ) -> BoxFuture<'a, Result<bool, Changed>> {
        Box::pin(async move {
            let key = |open: &OpenKey| {
                AccountKey::open(&open.secret).map_err(|cause| Changed::No(cause.to_string()))
            };
            let (from_key, to_key) = (key(from)?, key(to)?);
            let (web, uri) = (self.app.web(self.live), from.mark.name.clone());
            let opened =
                self.app.open_upstream(web.as_ref(), self.upstream, &from_key, Some(uri.clone()));
            let changed = match opened.await {
                Ok(client) => change_key(&client, &uri, &to_key).await,
                Err(trouble) => Err(trouble),
            };
            match changed {
                Ok(()) => Ok(true),
                Err(trouble) if trouble.passes() => Err(Changed::NotKnown(trouble.to_string())),
                Err(trouble) => Err(Changed::No(trouble.to_string())),
            }
        })
    }
}
