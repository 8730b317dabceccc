//! A copy of a zone, for a name server of the rehearsal's own: the whole zone where it can be transferred, else
//! the sets that the plan touches and those that decide about CAA.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_connect::lab_dns::LabDns;
use bailiwick_connect::zones::transfer::{Read, TransferLimits, read_zone};
use bailiwick_core::actor::SignedIn;
use bailiwick_core::change::{Chore, Plan, Step, Warrant};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::{OwnerName, RRset, RecordType};
use bailiwick_wire::dns::set_lines;

use crate::app::{App, Live};
use crate::fault::Fault;

/// The sets of a zone by owner and type.
pub(super) type Sets = BTreeMap<(OwnerName, RecordType), RRset>;

/// What was copied, and what has to be said about it.
pub(super) struct Copied {
    pub(super) sets: Sets,
    pub(super) note: String,
}

/// The zones that a plan edits, and those whose CAA decides about its names.
pub(super) fn zones(live: &Live, plan: &Plan) -> BTreeSet<ZoneKey> {
    let mut all = BTreeSet::new();
    for step in plan.steps() {
        if let Step::PublishRecords(wanted) = step {
            all.insert(wanted.zone.clone());
        }
        if let Step::IssueCertificate(wanted) = step {
            let names = wanted.names.iter().filter_map(|name| name.dns());
            let found = names.flat_map(|name| live.estate().zones_of(name, None));
            all.extend(found.map(|(key, _)| key.clone()));
        }
    }
    all
}

/// Copies a zone.
pub(super) async fn copy(
    app: &App,
    live: &Live,
    key: &ZoneKey,
    (plan, by): (&Plan, SignedIn),
) -> Result<Copied, Fault> {
    let warrant = Warrant::to_do(Chore::ReadZone { zone: key.clone(), by: Some(by) }, app.now());
    if let Ok(Some(source)) = app.transfer_source(live, key, &warrant).await {
        let limits = TransferLimits::default();
        if let Ok(Read::New(zone)) = read_zone(&app.dns, &key.name, &source, None, &limits).await {
            let mut sets = Sets::new();
            let mut left = 0_usize;
            for ((owner, kind), set) in zone.sets() {
                let text = owner.to_string();
                let parsed = OwnerName::parse(text.trim_end_matches('.')).ok();
                match parsed.filter(|owner| serves(&key.name, owner, *kind, set)) {
                    Some(owner) if !kind.is_made_by_signer() => {
                        sets.insert((owner, *kind), set.clone());
                    }
                    Some(_) => {}
                    None => left = left.saturating_add(1),
                }
            }
            let mut note = format!("zone {key} was copied whole, {} sets", sets.len());
            if left > 0 {
                note += &format!(
                    "; {left} of kinds that the rehearsal's server does not know were left out"
                );
            }
            // A transfer's SOA frames it, and is no set of it.
            sets.extend(read(app, live, key, [soa_of(key)].into()).await?);
            return Ok(Copied { sets, note });
        }
    }
    let sets = touched(app, live, key, plan).await?;
    let note = format!(
        "zone {key} cannot be transferred, so only the {} sets that the plan touches or that decide about CAA were copied",
        sets.len()
    );
    Ok(Copied { sets, note })
}

/// The sets that matter, read one by one where edits are written.
async fn touched(app: &App, live: &Live, key: &ZoneKey, plan: &Plan) -> Result<Sets, Fault> {
    let apex = OwnerName::from(key.name.apex().clone());
    let mut wanted = BTreeSet::from([soa_of(key), (apex, RecordType::NS)]);
    for step in plan.steps() {
        if let Step::PublishRecords(publish) = step
            && publish.zone == *key
        {
            wanted.extend(publish.edits.iter().map(|edit| (edit.owner().clone(), edit.kind())));
        }
        if let Step::IssueCertificate(issue) = step {
            let below = |name: &&DnsName| name.is_at_or_below(key.name.apex());
            for name in issue.names.iter().filter_map(|name| name.dns()).filter(below) {
                let above = std::iter::successors(Some(name.clone()), DnsName::parent);
                let inside = above.take_while(|name| name.is_at_or_below(key.name.apex()));
                wanted.extend(inside.map(|name| (OwnerName::from(name), RecordType::CAA)));
            }
        }
    }
    read(app, live, key, wanted).await
}

fn soa_of(key: &ZoneKey) -> (OwnerName, RecordType) {
    (OwnerName::from(key.name.apex().clone()), RecordType::SOA)
}

/// Reads sets where edits are written.
async fn read(
    app: &App,
    live: &Live,
    key: &ZoneKey,
    wanted: BTreeSet<(OwnerName, RecordType)>,
) -> Result<Sets, Fault> {
    let unread = |why: String| Fault::Unreachable {
        peer: format!("the servers of zone `{key}`"),
        message: why,
    };
    let door = app.sight(live, key).map_err(unread)?;
    let mut sets = Sets::new();
    for (owner, kind) in wanted {
        if let Some(set) = door.standing(&owner, kind).await.map_err(unread)? {
            sets.insert((owner, kind), set);
        }
    }
    Ok(sets)
}

fn serves(zone: &ZoneName, owner: &OwnerName, kind: RecordType, set: &RRset) -> bool {
    LabDns::can_serve(zone, &set_lines(owner, kind, set).join("\n"))
}

/// A zone as a master file.
pub(super) fn text(sets: &Sets) -> String {
    let lines = sets.iter().flat_map(|((owner, kind), set)| set_lines(owner, *kind, set));
    let lines: Vec<String> = lines.collect();
    lines.join("\n") + "\n"
}
