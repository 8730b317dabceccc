//! The door into a zone of the estate, as the steps of a change use it.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_connect::dns::Limits;
use bailiwick_connect::egress::{Target, Trust};
use bailiwick_connect::zones::transfer::TransferSource;
use bailiwick_connect::zones::{
    Authorities, Cause, CloudflareDoor, CloudflarePlace, GitDoor, GitPlace, Happened, ObserveDoor,
    PowerDnsDoor, PowerDnsPlace, ServerSeen, Shown, Sight, UpdateDoor, UpdatePlace, ZoneDoor,
};
use bailiwick_core::caa::LookupFailure;
use bailiwick_core::change::{Lane, Standing, Warrant};
use bailiwick_core::estate::{Connector, Zone, ZoneKey};
use bailiwick_core::gate::SealedSecret;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_wire::dns::TsigKey;
use futures::future::BoxFuture;
use zeroize::Zeroizing;

use super::doors::{Put, Rid, ZoneRecords, ZoneSight};
use super::{App, Live};
use crate::fault::Fault;
pub(crate) use bailiwick_wire::dns::rdata_text;

/// A zone's own servers answer out of memory: one that takes longer is silent, and is asked again at the
/// next look.
const LIMITS: Limits = Limits {
    try_timeout: Duration::from_millis(1_500),
    tries: 2,
    tcp_timeout: Duration::from_secs(3),
    whole_timeout: Duration::from_secs(10),
    questions_max: 50,
    tcp_only: false,
};

impl App {
    /// The records of a zone through its connector.
    pub(super) async fn door<'a>(
        &'a self,
        live: &'a Live,
        key: &'a ZoneKey,
        warrant: &'a Warrant,
    ) -> Result<Box<dyn ZoneRecords + 'a>, String> {
        let door = self.zone_door(live, key, warrant).await;
        Ok(Box::new(Through(door.map_err(|not| not.to_string())?)))
    }

    /// The records of a zone as anybody can read them where they are written.
    pub(super) fn network_sight<'a>(
        &'a self,
        live: &'a Live,
        key: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneSight + 'a>, String> {
        let zone = live.estate().zones.get(key);
        let zone = zone.ok_or_else(|| format!("the estate has no zone `{key}`"))?;
        let authorities = self.authorities(key, zone);
        if authorities.servers().is_empty() {
            return Err(format!(
                "zone `{key}` names no server in the estate, so nobody knows who shows its records; add its nameservers to its file, such as `servers = [\"192.0.2.1:53\"]`"
            ));
        }
        let primary = match &zone.connector {
            Some(Connector::Rfc2136 { server, .. }) => Some(*server),
            Some(Connector::Git { repository, branch, file }) => {
                return Ok(Box::new(Through(git(authorities, repository, branch, file))));
            }
            Some(
                Connector::PowerDns { .. } | Connector::Cloudflare { .. } | Connector::Observe,
            )
            | None => None,
        };
        Ok(Box::new(Seen(Sight::new(&authorities, primary))))
    }
}

/// Why there is no door, in full, with what to do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NoDoor(pub(crate) String);

impl App {
    /// The secret that the connector of a zone writes with; `None` where it needs none.
    pub(super) fn connector_secret(key: &ZoneKey, connector: &Connector) -> Option<SealedSecret> {
        match connector {
            Connector::Rfc2136 { .. } => Some(SealedSecret::Tsig(key.clone())),
            Connector::PowerDns { .. } | Connector::Cloudflare { .. } => {
                Some(SealedSecret::ApiKey(key.clone()))
            }
            Connector::Git { .. } | Connector::Observe => None,
        }
    }

    /// Whether Bailiwick writes into a zone; why not, and who does. Nothing is tried.
    pub(super) async fn may_write(&self, live: &Live, key: &ZoneKey) -> Result<(), Fault> {
        let zone = super::zones::zone_of(live, key)?;
        let connector = match &zone.connector {
            Some(connector) if !matches!(connector, Connector::Observe) => connector,
            Some(_) | None => {
                let authorities = self.authorities(key, zone);
                if self.lab_zones.as_ref().is_some_and(|lab| lab.door(&authorities).is_some()) {
                    return Ok(());
                }
                let whom = self.whom(live, &zone.operator);
                return Err(Fault::conflict(format!(
                    "nothing is written into zone `{key}`: it is observed only; ask {whom} to make the edit"
                )));
            }
        };
        match Self::connector_secret(key, connector) {
            Some(secret) if !self.has_secret(&secret).await? => Err(Fault::conflict(format!(
                "the connector of zone `{key}` has no secret; hand it in with `bailiwick connector set-secret {key}`"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Every server that is known to answer for a zone.
    pub(super) fn authorities(&self, key: &ZoneKey, zone: &Zone) -> Authorities {
        let mut servers = zone.servers.clone();
        if let Some(Connector::Rfc2136 { server, .. }) = &zone.connector {
            servers.push(*server);
        }
        Authorities::new(self.dns.with_limits(LIMITS), key.name.clone(), &servers)
    }

    /// The door into a zone of the estate. Its secret is opened here and goes nowhere else.
    pub(crate) async fn zone_door(
        &self,
        live: &Live,
        key: &ZoneKey,
        warrant: &Warrant,
    ) -> Result<Arc<dyn ZoneDoor>, NoDoor> {
        let zone = live.estate().zones.get(key);
        let zone = zone.ok_or_else(|| NoDoor(format!("the estate has no zone `{key}`")))?;
        let authorities = self.authorities(key, zone);
        let whom = self.whom(live, &zone.operator);
        let Some(connector) = &zone.connector else {
            if let Some(door) = self.lab_zones.as_ref().and_then(|lab| lab.door(&authorities)) {
                return Ok(Arc::new(door));
            }
            return Ok(Arc::new(ObserveDoor::new(authorities, whom)));
        };
        let secret = match Self::connector_secret(key, connector) {
            Some(secret) => self.secret(warrant, &secret).await,
            None => Ok(None),
        };
        let secret = secret.map_err(|cause| NoDoor(cause.to_string()))?;
        let needed = || {
            secret.as_ref().ok_or_else(|| {
                NoDoor(format!(
                    "the connector of zone `{key}` has no secret; hand it in with `bailiwick connector set-secret {key}`"
                ))
            })
        };
        Ok(match connector {
            Connector::Rfc2136 { server, key: name } => {
                let name = self.tsig_name(key, name).await;
                let name = name.map_err(|cause| NoDoor(cause.to_string()))?;
                let tsig = TsigKey::new(&name, needed()?);
                let key = tsig.map_err(|cause| NoDoor(cause.to_string()))?;
                Arc::new(UpdateDoor::new(&authorities, UpdatePlace { primary: *server, key }))
            }
            Connector::PowerDns { url, trust_roots } => {
                let (server, trust, key) = api(url, trust_roots.as_deref(), needed()?)?;
                let place = PowerDnsPlace { server, key, trust };
                Arc::new(PowerDnsDoor::new(self.web(live), authorities, place))
            }
            Connector::Cloudflare { zone_id, url, trust_roots } => {
                let (api, trust, token) = api(url, trust_roots.as_deref(), needed()?)?;
                let place = CloudflarePlace { api, zone_id: zone_id.clone(), token, trust };
                Arc::new(CloudflareDoor::new(self.web(live), authorities, place))
            }
            Connector::Git { repository, branch, file } => {
                git(authorities, repository, branch, file)
            }
            Connector::Observe => Arc::new(ObserveDoor::new(authorities, whom)),
        })
    }

    /// Where the whole zone is read from, with a key of its own: the one that writes never reads.
    pub(crate) async fn transfer_source(
        &self,
        live: &Live,
        key: &ZoneKey,
        warrant: &Warrant,
    ) -> Result<Option<TransferSource>, NoDoor> {
        let zone = live.estate().zones.get(key);
        let zone = zone.ok_or_else(|| NoDoor(format!("the estate has no zone `{key}`")))?;
        let Some(from) = &zone.transfer else { return Ok(None) };
        let Some(name) = &from.key else {
            return Ok(Some(TransferSource { server: from.server, key: None }));
        };
        let secret = self.secret(warrant, &SealedSecret::TransferKey(key.clone())).await;
        let secret = secret.map_err(|cause| NoDoor(cause.to_string()))?.ok_or_else(|| {
            NoDoor(format!(
                "key `{name}`, which zone `{key}` is transferred with, has no secret; hand it in with `bailiwick connector set-secret {key} --transfer`"
            ))
        })?;
        let tsig = TsigKey::new(name, &secret).map_err(|cause| NoDoor(cause.to_string()))?;
        Ok(Some(TransferSource { server: from.server, key: Some(tsig) }))
    }
}

fn git(authorities: Authorities, repository: &str, branch: &str, file: &str) -> Arc<dyn ZoneDoor> {
    let place = GitPlace {
        repository: repository.into(),
        branch: branch.to_owned(),
        file: file.to_owned(),
    };
    Arc::new(GitDoor::new(authorities, place))
}

/// An API of a provider: where it is, whose certificate is believed, and what opens it.
pub(super) fn api(
    url: &str,
    roots: Option<&str>,
    secret: &[u8],
) -> Result<(Target, Trust, Zeroizing<String>), NoDoor> {
    let server = Target::parse(url).map_err(|cause| NoDoor(format!("`{url}`: {cause}")))?;
    let trust = match roots {
        Some(pem) => {
            let roots = bailiwick_wire::x509::read_chain(pem.as_bytes());
            Trust::roots(roots.map_err(|cause| NoDoor(cause.to_string()))?)
        }
        None => Trust::system(),
    };
    let trust = trust.map_err(|cause| NoDoor(cause.to_string()))?;
    let key = String::from_utf8(secret.to_vec());
    let key =
        key.map_err(|_| NoDoor("the key of the API is no text; hand it in again".to_owned()))?;
    Ok((server, trust, Zeroizing::new(key)))
}

/// A zone of the network, looked at.
struct Seen(Sight);

impl ZoneSight for Seen {
    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, String>> {
        Box::pin(async move {
            self.0.standing(owner, kind).await.map_err(|refused| refused.to_string())
        })
    }

    fn seen<'a>(&'a self, edits: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Lane>> {
        Box::pin(async move { self.0.seen(edits).await.iter().map(lane).collect() })
    }

    fn rid<'a>(&'a self, back: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Rid>> {
        Box::pin(async move {
            let seen = self.0.seen(back).await;
            seen.iter().map(|server| rid(server, back)).collect()
        })
    }
}

/// A door of the network.
struct Through(Arc<dyn ZoneDoor>);

impl ZoneSight for Through {
    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, String>> {
        Box::pin(async move {
            self.0.standing(owner, kind).await.map_err(|refused| refused.to_string())
        })
    }

    fn seen<'a>(&'a self, edits: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Lane>> {
        Box::pin(async move { self.0.seen(edits).await.iter().map(lane).collect() })
    }

    fn rid<'a>(&'a self, back: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Rid>> {
        Box::pin(async move {
            let seen = self.0.seen(back).await;
            seen.iter().map(|server| rid(server, back)).collect()
        })
    }
}

impl ZoneRecords for Through {
    fn put<'a>(&'a self, edits: &'a [RecordEdit], why: &'a str) -> BoxFuture<'a, Put> {
        Box::pin(async move {
            match self.0.apply(edits, Cause { author: "bailiwick", text: why }).await {
                Ok(_) => Put::Done,
                Err(not) => match not.happened() {
                    Happened::Nothing => Put::Nothing(not.to_string()),
                    // What stands is read anyway before anything follows from it.
                    Happened::NotKnown | Happened::Something => Put::Unknown(not.to_string()),
                },
            }
        })
    }
}

/// A server that refuses the zone, or could not load it, shows nobody anything of it.
pub(super) fn rid(seen: &ServerSeen, back: &[RecordEdit]) -> Rid {
    let (mut shows, mut is_silent) = (true, false);
    for (edit, one) in back.iter().zip(&seen.edits) {
        let set = match &one.shown {
            Ok(Shown::Set(set) | Shown::Star(set)) => Some(set),
            Ok(Shown::Nothing) => None,
            Err(LookupFailure::Refused | LookupFailure::ServFail) => continue,
            Err(_) => {
                (shows, is_silent) = (false, true);
                continue;
            }
        };
        let is_back = one.stands == bailiwick_connect::zones::Stands::After;
        // What the change wrote is before the edit that goes back.
        let is_foreign = Standing::of(&edit.reversed(), set) == Standing::Foreign;
        shows &= is_back || is_foreign;
    }
    Rid { lane: Lane { shows, ..lane(seen) }, is_silent }
}

pub(super) fn lane(seen: &ServerSeen) -> Lane {
    let serial = match &seen.serial {
        Ok(serial) => format!("serial {serial}"),
        Err(cause) => format!("no serial ({cause})"),
    };
    let late =
        seen.edits.iter().find(|edit| !edit.stands.eq(&bailiwick_connect::zones::Stands::After));
    let saw = match late {
        None => serial,
        Some(edit) => {
            let (owner, kind) = (&edit.owner, edit.kind);
            let what = match &edit.shown {
                Ok(Shown::Set(set) | Shown::Star(set)) => records(kind, set),
                Ok(Shown::Nothing) => "nothing".to_owned(),
                Err(cause) => cause.to_string(),
            };
            format!("{serial}, `{owner}` {kind}: {what}")
        }
    };
    Lane { who: seen.server.to_string(), shows: seen.is_after(), saw }
}

fn records(kind: RecordType, set: &RRset) -> String {
    let all: Vec<String> = set.rdata().iter().map(|rdata| rdata_text(kind, rdata)).collect();
    all.join(", ")
}
