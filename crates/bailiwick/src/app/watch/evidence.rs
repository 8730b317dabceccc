//! Evidence of one zone's control for a period, as a pack that is checked without us.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{View, ZoneKey};
use bailiwick_core::ledger::LeafIndex;
use bailiwick_core::names::Digest;
use bailiwick_core::policy::Access;
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_wire::evidence::{
    PACK_FORMAT, PACK_OCTETS_MAX, Pack, PackEvidence, PackLeaf, activated, named,
};
use bailiwick_wire::ledger::SignedNote;

use super::super::{App, Asking, Scope};
use crate::evidence::{Period, read_again};
use crate::fault::Fault;

/// Entries of a pack at most: with proof and spelling each has some two thousand octets.
const LEAVES_MAX: u32 = 10_000;
/// Canaries so long before the period may still count in it.
const CANARIES_BEFORE_MS: i64 = 40 * DAY_MS;
/// Looks at the apex before the period that verdicts may rest on.
const LOOKS_MAX: u32 = 1_000;
/// Verdicts before the period of which the newest of each point stands at its begin.
const VERDICTS_MAX: u32 = 1_000;

type Entries = BTreeMap<LeafIndex, (Vec<u8>, Entry)>;

impl App {
    /// The evidence of a zone's control from one moment to another.
    pub(crate) async fn control_evidence(
        &self,
        asking: &Asking,
        key: &ZoneKey,
        (from, until): (Time, Time),
    ) -> Result<Pack, Fault> {
        self.permit(asking, Access::Read, &Scope::Ledger)?;
        if !self.live.get().estate().zones.contains_key(key) {
            return Err(Fault::not_found(format!("zone `{key}`")));
        }
        if until < from {
            return Err(Fault::input("to", "it is before `from`; give the later moment"));
        }
        let entries = self.evidence_entries(key, from, until).await?;
        let evidence = self.named_evidence(&entries).await?;
        let newest = self.store.checkpoint().await?;
        let newest = newest.ok_or_else(|| Fault::not_found("checkpoint"))?;
        let note = only_of_the_log(&newest.note)?;
        let mut leaves = Vec::new();
        let mut read = BTreeMap::new();
        for (leaf, (octets, entry)) in entries {
            let proof = self.proof(leaf, newest.head.size).await?;
            leaves.push(PackLeaf::new(&octets, &proof));
            read.insert(leaf.get(), entry);
        }
        let octets =
            evidence.iter().map(|(digest, (_, octets))| (*digest, octets.clone())).collect();
        let period = Period { zone: key, from, until };
        let pack = Pack {
            format: PACK_FORMAT.to_owned(),
            zone: key.to_string(),
            from: from.to_string(),
            until: until.to_string(),
            summary: read_again(&period, &read, &octets).summary,
            checkpoint: note,
            leaves,
            evidence: evidence
                .values()
                .map(|(kind, octets)| PackEvidence::new(kind, octets))
                .collect(),
        };
        if pack.encode().len() > PACK_OCTETS_MAX { Err(too_much()) } else { Ok(pack) }
    }

    /// Every entry about the zone in the period, and those that its verdicts rest on.
    async fn evidence_entries(
        &self,
        key: &ZoneKey,
        from: Time,
        until: Time,
    ) -> Result<Entries, Fault> {
        let of_period = self.store.leaves_of_zone(key, from, until, LEAVES_MAX + 1).await?;
        let mut wanted: BTreeSet<u64> = of_period.into_iter().collect();
        let live = self.live.get();
        let zone = live.estate().zones.get(key);
        let below = zone.into_iter().flat_map(|zone| zone.caa_below.keys());
        for owner in std::iter::once(key.name.apex()).chain(below) {
            wanted.extend(self.store.looks_until(key, owner, until, LOOKS_MAX).await?);
        }
        wanted.extend(self.verdicts_before(key, from).await?);
        wanted.extend(self.activations(until).await?);
        for zone in self.canary_zones(key) {
            let when = (from.plus_ms(-CANARIES_BEFORE_MS), until);
            let tried = self.store.leaves_of_kind(&zone, "canary.tried", when, LEAVES_MAX + 1);
            wanted.extend(tried.await?);
        }
        let mut entries = BTreeMap::new();
        // What a verdict rests on rests on nothing else: one more round is enough.
        for _ in 0..2 {
            for leaf in std::mem::take(&mut wanted) {
                if entries.len() > usize::try_from(LEAVES_MAX).unwrap_or(usize::MAX) {
                    return Err(too_much());
                }
                let Some((index, octets, entry)) = self.entry_at(leaf).await? else { continue };
                if let Fact::PointJudged(verdict) = &entry.fact {
                    wanted.extend(verdict.evidence.iter().copied());
                }
                entries.insert(index, (octets, entry));
            }
            wanted.retain(|leaf| LeafIndex::new(*leaf).is_ok_and(|at| !entries.contains_key(&at)));
        }
        Ok(entries)
    }

    async fn entry_at(&self, leaf: u64) -> Result<Option<(LeafIndex, Vec<u8>, Entry)>, Fault> {
        let index = LeafIndex::new(leaf).map_err(|cause| Fault::bug(cause.to_string()))?;
        let Some((_, octets)) = self.store.entry_octets(index, 1).await?.pop() else {
            return Ok(None);
        };
        let entry = bailiwick_wire::record::decode(&octets)
            .map_err(|cause| Fault::Damaged { message: format!("leaf {leaf}: {cause}") })?;
        Ok(Some((index, octets, entry)))
    }

    /// The verdicts that stood when the period began.
    async fn verdicts_before(&self, key: &ZoneKey, from: Time) -> Result<Vec<u64>, Fault> {
        let when = (Time::from_unix_ms(i64::MIN), from);
        let leaves = self.store.leaves_of_kind(key, "control.judged", when, VERDICTS_MAX).await?;
        let mut newest = BTreeMap::new();
        for leaf in leaves {
            if let Some((_, _, entry)) = self.entry_at(leaf).await?
                && let Fact::PointJudged(verdict) = entry.fact
            {
                newest.entry((verdict.issuer, verdict.point.as_str())).or_insert(leaf);
            }
        }
        Ok(newest.into_values().collect())
    }

    /// The zones in which canaries lie, what they show counts for every zone; and this one, in which the
    /// built-in CAs are asked.
    fn canary_zones(&self, key: &ZoneKey) -> BTreeSet<ZoneKey> {
        let live = self.live.get();
        let estate = live.estate();
        let plans = estate.issuers.values().filter_map(|issuer| issuer.canary.as_ref());
        let zones = plans.flat_map(bailiwick_core::estate::CanaryPlan::names);
        let zones = zones.filter_map(|(_, name)| estate.zone_of(name, View::External));
        zones.map(|(zone, _)| zone).chain([key]).cloned().collect()
    }

    /// The leaves by which estates came into force.
    async fn activations(&self, until: Time) -> Result<Vec<u64>, Fault> {
        let mut leaves = Vec::new();
        for one in self.store.estate_history().await? {
            let events = self.store.change_events(&one.change).await?;
            for stored in events.into_iter().filter(|stored| stored.at <= until) {
                let fact = Fact::Change {
                    id: one.change.clone(),
                    seq: stored.seq,
                    state: stored.state,
                    event: Box::new(stored.event),
                };
                if activated(&fact) == Some(one.digest) {
                    leaves.push(stored.index.get());
                }
            }
        }
        Ok(leaves)
    }

    /// What entries name by digest, and is stored aside.
    async fn named_evidence(
        &self,
        entries: &Entries,
    ) -> Result<BTreeMap<Digest, (String, Vec<u8>)>, Fault> {
        let mut found = BTreeMap::new();
        for (leaf, (_, entry)) in entries {
            for (digest, _) in named(&entry.fact) {
                if found.contains_key(&digest) {
                    continue;
                }
                let evidence = self.store.evidence(&digest).await?;
                let evidence = evidence.ok_or_else(|| Fault::Damaged {
                    message: format!("evidence `{digest}`, which leaf {leaf} names, is gone"),
                })?;
                found.insert(digest, (evidence.kind, evidence.octets));
            }
        }
        Ok(found)
    }
}

/// The newest checkpoint as the log signed it; who else signed it is not what a pack shows.
fn only_of_the_log(note: &[u8]) -> Result<String, Fault> {
    let note = SignedNote::parse(note)
        .map_err(|cause| Fault::Damaged { message: format!("the checkpoint: {cause}") })?;
    let first = note.signatures().first().cloned();
    let first = first.ok_or_else(|| Fault::bug("a note has a signature"))?;
    Ok(SignedNote::new(note.text().clone(), first).to_string())
}

fn too_much() -> Fault {
    let message = format!(
        "more than {LEAVES_MAX} entries, or {} MiB, belong to that period; take a shorter one",
        PACK_OCTETS_MAX / 1024 / 1024
    );
    Fault::input("from", message)
}
