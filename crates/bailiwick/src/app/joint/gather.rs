//! What is there now, read where edits are written, so that it becomes the pre-images of the plan.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::change::IssueCertificate;
use bailiwick_core::change::planner::{CaaWish, Intent, TlsaWish, caa_rdata};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::names::{CertFingerprint, DnsName, IssuerId, SanName};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_wire::intent::{WrittenCertificate, WrittenIntent, WrittenSet};

use crate::app::{App, Live, fingerprint};
use crate::fault::Fault;

/// `issue` and `issuewild` (RFC 8659, sections 4.2 and 4.3).
const ISSUE: &str = "issue";
const ISSUE_WILD: &str = "issuewild";

impl App {
    /// What is wanted, with what is there now.
    pub(super) async fn gather(
        &self,
        live: &Live,
        written: &WrittenIntent,
        certificate: Option<IssueCertificate>,
    ) -> Result<Intent, Fault> {
        let mut moves = Vec::new();
        for wanted in &written.records {
            let key = zone_of(live, written, wanted)?;
            let now = self.standing(live, &key, &wanted.owner, wanted.kind).await?;
            let edit = RecordEdit::new(wanted.owner.clone(), wanted.kind, now, wanted.set.clone());
            let edit = edit.map_err(|_| {
                let (owner, kind) = (&wanted.owner, wanted.kind);
                Fault::input("records", format!("`{owner}` {kind} is so already; leave it out"))
            })?;
            moves.push((key, edit));
        }
        let (mut caa, mut tlsa, mut deployments) = (Vec::new(), Vec::new(), Vec::new());
        if let (Some(wanted), Some(issue)) = (&written.certificate, &certificate) {
            if wanted.caa {
                caa = self.caa_wishes(live, written, wanted).await?;
            }
            tlsa = self.tlsa_wishes(live, written, wanted, &issue.spki).await?;
            deployments = self.places(live, written, wanted).await?;
        }
        let zones: BTreeSet<ZoneKey> = moves
            .iter()
            .map(|(zone, _)| zone.clone())
            .chain(caa.iter().map(|wish: &CaaWish| wish.zone.clone()))
            .chain(tlsa.iter().map(|wish: &TlsaWish| wish.zone.clone()))
            .collect();
        let mut negative_ttl_seconds = BTreeMap::new();
        for zone in zones {
            let seconds = self.negative_ttl(live, &zone).await?;
            negative_ttl_seconds.insert(zone, seconds);
        }
        let endpoints = written.certificate.as_ref().map(|it| it.endpoints.clone());
        Ok(Intent {
            service: written.service.clone(),
            certificate,
            moves,
            caa,
            tlsa,
            deployments,
            endpoints: endpoints.unwrap_or_default(),
            negative_ttl_seconds,
            propagation_seconds: written.propagation_seconds,
            served_seconds: written.served_seconds,
        })
    }

    async fn standing(
        &self,
        live: &Live,
        zone: &ZoneKey,
        owner: &OwnerName,
        kind: RecordType,
    ) -> Result<Option<RRset>, Fault> {
        let door = self.sight(live, zone).map_err(|why| Fault::input("records", why))?;
        let found = door.standing(owner, kind).await;
        found.map_err(|why| Fault::input("records", format!("`{owner}` {kind}: {why}")))
    }

    /// How long a resolver may remember that there is nothing: the smaller of the SOA's TTL and its
    /// last field (RFC 2308, section 5).
    async fn negative_ttl(&self, live: &Live, zone: &ZoneKey) -> Result<u32, Fault> {
        let apex = OwnerName::from(zone.name.apex().clone());
        let soa = self.standing(live, zone, &apex, RecordType::SOA).await?;
        let soa = soa.ok_or_else(|| {
            Fault::input("records", format!("zone `{zone}` has no SOA; is it served there?"))
        })?;
        let minimum = soa.rdata().iter().next().and_then(|rdata| rdata.last_chunk::<4>());
        let minimum = minimum.map_or(u32::MAX, |octets| u32::from_be_bytes(*octets));
        Ok(minimum.min(soa.ttl_seconds()))
    }

    /// Where CAA stands for each name, in each view: the relevant set (RFC 8659, section 3), as far as
    /// it lies in the estate's own zone.
    async fn caa_wishes(
        &self,
        live: &Live,
        written: &WrittenIntent,
        wanted: &WrittenCertificate,
    ) -> Result<Vec<CaaWish>, Fault> {
        let mut wishes: BTreeMap<(ZoneKey, OwnerName), CaaWish> = BTreeMap::new();
        for name in &wanted.names {
            let base = dns_of(name)?;
            for key in zones_of(live, written, base)? {
                let Some((owner, now)) = self.relevant(live, &key, base).await? else {
                    continue;
                };
                let place = (key.clone(), owner.clone());
                let wish = wishes.entry(place).or_insert_with(|| CaaWish {
                    zone: key.clone(),
                    owner,
                    now: Some(now.clone()),
                    add: BTreeSet::new(),
                    in_use: BTreeSet::new(),
                    retire: BTreeSet::new(),
                    ttl_seconds: wanted.ttl_seconds,
                });
                let tags = tags(&now, name);
                for tag in tags {
                    wish.add.extend(lets_in(live, &wanted.issuer, &now, tag));
                    if let Some(old) = &wanted.retire_issuer {
                        wish.retire.extend(records_of(live, old, &now, tag));
                    }
                }
            }
        }
        Ok(wishes.into_values().collect())
    }

    /// The set that decides about a name, and where it is.
    async fn relevant(
        &self,
        live: &Live,
        zone: &ZoneKey,
        name: &DnsName,
    ) -> Result<Option<(OwnerName, RRset)>, Fault> {
        let above = std::iter::successors(Some(name.clone()), DnsName::parent)
            .take_while(|name| name.is_at_or_below(zone.name.apex()));
        for name in above {
            let owner = OwnerName::from(name);
            if let Some(set) = self.standing(live, zone, &owner, RecordType::CAA).await? {
                return Ok(Some((owner, set)));
            }
        }
        Ok(None)
    }

    async fn tlsa_wishes(
        &self,
        live: &Live,
        written: &WrittenIntent,
        wanted: &WrittenCertificate,
        spki: &[u8],
    ) -> Result<Vec<TlsaWish>, Fault> {
        let mut wishes = Vec::new();
        for port in &wanted.tlsa_ports {
            for name in wanted.names.iter().filter(|name| !name.is_wildcard()) {
                let base = dns_of(name)?;
                let owner = base.child("_tcp").and_then(|it| it.child(&format!("_{port}")));
                let owner = owner.map_err(|cause| Fault::input("tlsa_ports", cause))?;
                let owner = OwnerName::from(owner);
                for zone in zones_of(live, written, base)? {
                    let now = self.standing(live, &zone, &owner, RecordType::TLSA).await?;
                    wishes.push(TlsaWish {
                        zone,
                        owner: owner.clone(),
                        now,
                        spki: spki.to_vec(),
                        ttl_seconds: wanted.ttl_seconds,
                    });
                }
            }
        }
        Ok(wishes)
    }

    async fn places(
        &self,
        live: &Live,
        written: &WrittenIntent,
        wanted: &WrittenCertificate,
    ) -> Result<Vec<(String, Deployment, Option<CertFingerprint>)>, Fault> {
        let service = live.estate().services.get(&written.service);
        let mut all = Vec::new();
        for name in &wanted.deploy {
            let listed = service.and_then(|service| service.deployments.get(name));
            let target = listed.ok_or_else(|| {
                let service = &written.service;
                Fault::input(
                    "deploy",
                    format!("service `{service}` has no place `{name}`; add `[deploy.{name}]` to its file"),
                )
            })?;
            let there = self.place(live, target).there().await;
            let there = there.map_err(|why| Fault::input("deploy", why))?;
            all.push((name.clone(), target.clone(), there.as_ref().and_then(fingerprint)));
        }
        Ok(all)
    }
}

/// The zones that a name of the service lies in: one in each view that the service lives in.
/// Records stand at names: an address has no zone of the estate.
fn dns_of(name: &SanName) -> Result<&DnsName, Fault> {
    name.dns().ok_or_else(|| {
        Fault::input("names", format!("`{name}` is an address; give the certificate DNS names"))
    })
}

fn zones_of(live: &Live, written: &WrittenIntent, name: &DnsName) -> Result<Vec<ZoneKey>, Fault> {
    let estate = live.estate();
    let view = estate.services.get(&written.service).and_then(|service| service.view);
    let found = estate.zones_of(name, view);
    if found.is_empty() {
        return Err(Fault::input("names", format!("`{name}` lies in no zone of the estate")));
    }
    Ok(found.into_iter().map(|(key, _)| key.clone()).collect())
}

/// The zone that a set belongs to. `zone` chooses among the views of the service, and nothing else: whoever
/// answers for the zone that is written is who is asked.
fn zone_of(live: &Live, written: &WrittenIntent, wanted: &WrittenSet) -> Result<ZoneKey, Fault> {
    let name = wanted.owner.base();
    let found = zones_of(live, written, name)?;
    match (&wanted.zone, found.as_slice()) {
        (Some(key), all) if all.contains(key) => Ok(key.clone()),
        (Some(key), all) => {
            let all: Vec<String> = all.iter().map(|one| format!("`{one}`")).collect();
            let (all, service) = (all.join(" or "), &written.service);
            Err(Fault::input(
                "zone",
                format!(
                    "for service `{service}`, `{name}` belongs to zone {all}, not to `{key}`; name that one or leave `zone` out, and let whoever answers for `{key}` ask for its own records"
                ),
            ))
        }
        (None, [one]) => Ok(one.clone()),
        (None, more) => Err(Fault::input(
            "records",
            format!("`{name}` lies in {} views; say which with `zone`", more.len()),
        )),
    }
}

/// Property tag and value of a record; `None` where it is no CAA.
fn parts(rdata: &[u8]) -> Option<(String, String)> {
    let (_, rest) = rdata.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (tag, value) = rest.split_at_checked(usize::from(*length))?;
    let tag = String::from_utf8_lossy(tag).to_ascii_lowercase();
    Some((tag, String::from_utf8_lossy(value).into_owned()))
}

/// The issuer domain name in a value (RFC 8659, section 4.2).
fn domain(value: &str) -> String {
    let before = value.split_once(';').map_or(value, |(domain, _)| domain);
    before.trim().to_ascii_lowercase()
}

/// The properties that decide about a name: `issuewild` only where the set has one.
fn tags(now: &RRset, name: &SanName) -> Vec<&'static str> {
    let has_wild =
        now.rdata().iter().filter_map(|rdata| parts(rdata)).any(|(tag, _)| tag == ISSUE_WILD);
    if name.is_wildcard() && has_wild { vec![ISSUE_WILD] } else { vec![ISSUE] }
}

/// Records of a set that name an issuer under a tag.
pub(super) fn records_of(
    live: &Live,
    issuer: &IssuerId,
    now: &RRset,
    tag: &str,
) -> BTreeSet<Vec<u8>> {
    let Some(issuer) = live.estate().issuers.get(issuer) else { return BTreeSet::new() };
    let names = |rdata: &&Vec<u8>| {
        parts(rdata)
            .is_some_and(|(its, value)| its == tag && issuer.caa_domains.contains(&domain(&value)))
    };
    now.rdata().iter().filter(names).cloned().collect()
}

/// The record that lets an issuer in, where none of the set does and the set restricts the property.
fn lets_in(live: &Live, issuer: &IssuerId, now: &RRset, tag: &'static str) -> Option<Vec<u8>> {
    let restricts = now.rdata().iter().filter_map(|rdata| parts(rdata)).any(|(its, _)| its == tag);
    if !restricts || !records_of(live, issuer, now, tag).is_empty() {
        return None;
    }
    let domain = live.estate().issuers.get(issuer)?.caa_domains.first()?;
    caa_rdata(0, tag, domain)
}
