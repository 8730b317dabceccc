//! Zones as people meet them: what each server says, what the records are, and the door that writes
//! them.

use std::net::SocketAddr;

use bailiwick_connect::zones::transfer::{Read, TransferLimits, read_zone};
use bailiwick_connect::zones::{Authorities, Compared, Lane, Shown};
use bailiwick_core::change::{Chore, Warrant};
use bailiwick_core::estate::{Connector, Zone, ZoneKey};
use bailiwick_core::names::TeamId;
use bailiwick_core::policy::Access;
use bailiwick_core::records::{OwnerName, RRset, RecordType, ZoneSnapshot};
use bailiwick_wire::dns::{owner_in, rdata_text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::zone_door::NoDoor;
use super::zone_page::ZoneWhole;
use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// Records that one answer shows; a zone with more is narrowed by owner or type.
const RECORDS_MAX: usize = 10_000;

/// A zone with its servers as they answer now.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneView {
    /// Its name, with `/internal` for the internal view.
    pub zone: String,
    /// `customer-facing`, `business-critical`, `corporate` or `test`.
    pub class: String,
    /// Who decides about certificates in it.
    pub pattern: String,
    /// `observe`, `advise` or `enforce`.
    pub mode: String,
    /// The team that defines its issuance policy.
    pub policy_owner: String,
    /// The team that publishes its records.
    pub operator: String,
    /// Each server as it answers now.
    pub servers: Vec<ServerView>,
    /// Whether all of them answer with one serial.
    pub in_step: bool,
    /// How its records are written.
    pub connector: Option<ConnectorView>,
    /// Where the whole zone is read from.
    pub transfer: Option<String>,
    /// Everything else about it.
    #[serde(flatten)]
    pub whole: ZoneWhole,
}

/// A server of a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ServerView {
    /// Its address.
    pub server: String,
    /// The serial of its copy.
    pub serial: Option<u32>,
    /// What is wrong with its answer.
    pub problem: Option<String>,
}

/// The way into a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ConnectorView {
    /// `rfc2136`, `powerdns`, `git` or `observe`; `lab` for the lab's own DNS.
    pub kind: String,
    /// Where it writes.
    pub place: String,
    /// What is promised when somebody else writes at the same moment.
    pub promise: String,
    /// `sealed`, `missing` or `none-needed`.
    pub secret: String,
}

/// Records of a zone, or of one set as every server shows it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct RecordsView {
    /// The zone.
    pub zone: String,
    /// Where they were read.
    pub sources: Vec<SourceView>,
    /// Whether all sources show the same.
    pub agree: bool,
}

/// What one place shows.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct SourceView {
    /// The server.
    pub server: String,
    /// The serial of its copy.
    pub serial: Option<u32>,
    /// The records, by owner and type.
    pub records: Vec<RecordView>,
    /// What is wrong, or noteworthy.
    pub note: Option<String>,
}

/// One record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct RecordView {
    /// Where.
    pub owner: String,
    /// How long it may be remembered.
    pub ttl_seconds: u32,
    /// Of which type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its data, as a zone file spells it.
    pub data: String,
}

impl App {
    /// A zone with its servers as they answer now.
    pub(crate) async fn zone_view(
        &self,
        asking: &Asking,
        key: &ZoneKey,
    ) -> Result<ZoneView, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let live = self.live.get();
        let zone = zone_of(&live, key)?;
        let servers = self.servers_seen(&self.authorities(key, zone)).await;
        let first = servers.first().and_then(|it| it.serial);
        let in_step = first.is_some() && servers.iter().all(|it| it.serial == first);
        let connector = match &zone.connector {
            Some(connector) => Some(self.connector_view(key, connector).await?),
            None => self.lab_view(&self.authorities(key, zone)),
        };
        Ok(ZoneView {
            zone: key.to_string(),
            class: zone.class.to_string(),
            pattern: zone.pattern.to_string(),
            mode: zone.mode.to_string(),
            policy_owner: zone.policy_owner.to_string(),
            operator: zone.operator.to_string(),
            servers,
            in_step,
            connector,
            transfer: zone.transfer.as_ref().map(|from| from.server.to_string()),
            whole: self.zone_whole(asking, &live, (key, zone)).await?,
        })
    }

    pub(super) async fn servers_seen(&self, authorities: &Authorities) -> Vec<ServerView> {
        let lanes = authorities.serials().await;
        let view =
            |(server, serial): (SocketAddr, Result<_, bailiwick_core::caa::LookupFailure>)| {
                let serial: Result<bailiwick_core::records::SoaSerial, _> = serial;
                ServerView {
                    server: server.to_string(),
                    serial: serial.as_ref().ok().map(|it| it.number()),
                    problem: serial.err().map(|why| why.to_string()),
                }
            };
        lanes.into_iter().map(view).collect()
    }

    /// The way into a zone of the lab, which no estate names.
    fn lab_view(&self, authorities: &Authorities) -> Option<ConnectorView> {
        self.lab_zones.as_ref()?.door(authorities)?;
        Some(ConnectorView {
            kind: "lab".to_owned(),
            place: "the lab's own DNS".to_owned(),
            promise: "what differs from the plan is never overwritten".to_owned(),
            secret: "none-needed".to_owned(),
        })
    }

    async fn connector_view(
        &self,
        key: &ZoneKey,
        connector: &Connector,
    ) -> Result<ConnectorView, Fault> {
        let (place, compared) = match connector {
            Connector::Rfc2136 { server, key: name } => {
                let name = self.tsig_name(key, name).await?;
                (format!("{server} with key `{name}`"), Compared::AtTheServer)
            }
            Connector::PowerDns { url, .. } => (url.clone(), Compared::JustBefore),
            Connector::Cloudflare { url, zone_id, .. } => {
                (format!("{url}, zone {zone_id}"), Compared::JustBefore)
            }
            Connector::Git { repository, branch, file } => {
                (format!("{file} on branch `{branch}` of {repository}"), Compared::AtTheServer)
            }
            Connector::Observe => ("nowhere".to_owned(), Compared::Never),
        };
        let promise = match compared {
            Compared::AtTheServer => "what differs from the plan is never overwritten",
            Compared::JustBefore => {
                "compared just before; an edit by somebody else in that moment could be overwritten"
            }
            Compared::Never => "nothing is ever written",
        };
        let secret = match Self::connector_secret(key, connector) {
            None => "none-needed",
            Some(secret) if self.has_secret(&secret).await? => "sealed",
            Some(_) => "missing",
        };
        let (kind, promise) = (connector.kind().to_string(), promise.to_owned());
        Ok(ConnectorView { kind, place, promise, secret: secret.to_owned() })
    }

    /// A team, with who of it is on duty.
    pub(super) fn whom(&self, live: &Live, team: &TeamId) -> String {
        match live.estate().person_on_duty(team, self.now()) {
            Ok(duty) => {
                let person = live.estate().people.get(duty.person());
                let name = person.map_or_else(|| duty.person().to_string(), |it| it.name.clone());
                format!("{name} of team `{team}`")
            }
            Err(_) => format!("team `{team}`, in which nobody is on duty"),
        }
    }

    /// The records of a zone: one set as every server shows it, or all by a transfer.
    pub(crate) async fn zone_records(
        &self,
        asking: &Asking,
        key: &ZoneKey,
        owner: Option<&str>,
        kind: Option<&str>,
    ) -> Result<RecordsView, Fault> {
        self.permit(asking, Access::Read, &Scope::Estate)?;
        let live = self.live.get();
        let zone = zone_of(&live, key)?;
        let owner = owner.map(|text| owner_in(text, &key.name)).transpose();
        let owner = owner.map_err(|cause| Fault::input("owner", cause))?;
        let kind = match kind {
            None => None,
            Some(text) => Some(RecordType::parse(text).ok_or_else(|| {
                Fault::input("type", format!("`{text}` is not a record type; write such as `CAA`"))
            })?),
        };
        if let (Some(owner), Some(kind)) = (&owner, kind) {
            let lanes = self.authorities(key, zone).read(owner, kind).await;
            let sources: Vec<SourceView> =
                lanes.iter().map(|lane| source_of(lane, owner, kind)).collect();
            let first = sources.first().map(|it| it.records.clone());
            let agree = lanes.iter().all(|lane| lane.shown.is_ok())
                && sources.iter().all(|it| Some(&it.records) == first.as_ref());
            return Ok(RecordsView { zone: key.to_string(), sources, agree });
        }
        let chore = Chore::ReadZone { zone: key.clone(), by: Some(asking.by.clone()) };
        let warrant = Warrant::to_do(chore, self.now());
        let source = self.transfer_source(&live, key, &warrant).await;
        let source = source.map_err(|NoDoor(why)| Fault::conflict(why))?.ok_or_else(|| {
            Fault::conflict(format!(
                "zone `{key}` has no `[transfer]`, so only one set can be asked for: give both `--owner` and `--type`"
            ))
        })?;
        let limits = TransferLimits::default();
        let read = read_zone(&self.dns, &key.name, &source, None, &limits).await;
        let unreachable = |cause: &dyn std::fmt::Display| Fault::Unreachable {
            peer: format!("the server of zone `{key}`"),
            message: cause.to_string(),
        };
        let snapshot = match read.map_err(|cause| unreachable(&cause))? {
            Read::New(snapshot) => snapshot,
            Read::UpToDate(_) => return Err(unreachable(&"it sent nothing")),
        };
        let source = whole(source.server, &snapshot, owner.as_ref(), kind);
        Ok(RecordsView { zone: key.to_string(), sources: vec![source], agree: true })
    }
}

/// The zone of a key.
pub(super) fn zone_of<'a>(live: &'a Live, key: &ZoneKey) -> Result<&'a Zone, Fault> {
    let zone = live.estate().zones.get(key);
    zone.ok_or_else(|| Fault::not_found(format!("zone `{key}` in the estate")))
}

fn records_of(owner: &str, kind: RecordType, set: &RRset) -> Vec<RecordView> {
    let record = |rdata: &Vec<u8>| RecordView {
        owner: owner.to_owned(),
        ttl_seconds: set.ttl_seconds(),
        kind: kind.to_string(),
        data: rdata_text(kind, rdata),
    };
    set.rdata().iter().map(record).collect()
}

fn source_of(lane: &Lane, owner: &OwnerName, kind: RecordType) -> SourceView {
    let records = |set| records_of(&owner.to_string(), kind, set);
    let (records, note) = match &lane.shown {
        Ok(Shown::Set(set)) => (records(set), None),
        Ok(Shown::Nothing) => (Vec::new(), Some("no such set".to_owned())),
        Ok(Shown::Star(set)) => (records(set), Some("a `*` above answers the same".to_owned())),
        Err(why) => (Vec::new(), Some(why.to_string())),
    };
    let serial = lane.serial.as_ref().ok().map(|it| it.number());
    SourceView { server: lane.server.to_string(), serial, records, note }
}

fn whole(
    server: SocketAddr,
    snapshot: &ZoneSnapshot,
    owner: Option<&OwnerName>,
    kind: Option<RecordType>,
) -> SourceView {
    let fits = |name: &str, its: RecordType| {
        owner.is_none_or(|owner| owner.to_string() == name) && kind.is_none_or(|kind| kind == its)
    };
    let sets = snapshot.sets().iter();
    let sets = sets.map(|((owner, kind), set)| (owner.to_string(), *kind, set));
    let mut records: Vec<RecordView> = sets
        .filter(|(owner, kind, _)| fits(owner, *kind))
        .flat_map(|(owner, kind, set)| records_of(&owner, kind, set))
        .collect();
    let more = records.len().saturating_sub(RECORDS_MAX);
    records.truncate(RECORDS_MAX);
    let note = (more > 0).then(|| format!("{more} more; narrow it with `--owner` or `--type`"));
    let serial = Some(snapshot.serial().number());
    SourceView { server: server.to_string(), serial, records, note }
}
