//! Ending a finding by putting the decided set back: a change, where Bailiwick writes into the zone;
//! else the update that somebody makes by hand.

use bailiwick_core::caa::CaaRecord;
use bailiwick_core::change::planner::caa_rdata;
use bailiwick_core::change::{Change, Step};
use bailiwick_core::estate::{Connector, Zone, ZoneKey};
use bailiwick_core::names::{ChangeId, DnsName, FindingId};
use bailiwick_core::policy::Access;
use bailiwick_core::record::Batch;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_core::watch::{
    Asked, Finding, FindingKind, Picture, Seen, Vantage, intended_set, to_records,
};
use bailiwick_store::{ChangeFilter, FindingRow};
use bailiwick_wire::dns::{Caa, RecordKind as _};

use super::super::words::said;
use super::super::zone_edit::ZoneEdit;
use super::super::zones::zone_of;
use super::super::{App, Asking, Live, Loaded, Scope};
use crate::fault::Fault;

/// Changes under way that are looked through.
const CHANGES_MAX: u32 = 100;
/// The TTL of a set that was never seen with one, in seconds.
const TTL_SECONDS: u32 = 300;

/// What happens where somebody else was quicker.
const ENDS: &str = "the finding ends by itself at the next look";

/// Whether the decided set can be put back by a change.
pub(crate) enum Way {
    /// It can.
    Change,
    /// It cannot: why, and who does what instead.
    ByHand(String),
}

impl App {
    /// Asks for the change that puts the decided set back. It is approved as every edit of the zone's own
    /// records is, and the finding ends by itself once every server shows the set.
    pub(crate) async fn revert_finding(
        &self,
        asking: &Asking,
        id: &FindingId,
        reason: &str,
    ) -> Result<Loaded, Fault> {
        let row = self.finding_row(asking, id).await?;
        self.permit(asking, Access::Request, &Scope::Estate)?;
        let reason = said("reason", reason, "say why what was decided is right")?;
        revertible(&row)?;
        self.nobody_is_at_it(&row.finding).await?;
        let live = self.live.get();
        let (zone, edit) = self.edit_back(&live, &row).await?;
        let subject = &row.finding.subject;
        let why = format!("the decided CAA set at {subject} is put back (finding {id})");
        let planned = self.plan_edit(&live, asking, (&zone, edit), why).await;
        let ZoneEdit { plan, prechecks } = planned.map_err(|fault| by_hand(fault, id))?;
        let title = format!("put the decided CAA set back at {subject}");
        let request = self.request_of_zone(asking.by.clone(), &zone, (title, reason))?;
        self.submit(request, plan, prechecks, Batch::default()).await
    }

    /// Refuses where a change that writes the set is under way: two of them would only be in each other's way.
    async fn nobody_is_at_it(&self, finding: &Finding) -> Result<(), Fault> {
        let Some(change) = self.put_backs(finding).await?.into_iter().next() else {
            return Ok(());
        };
        Err(Fault::conflict(format!(
            "change `{change}` writes the CAA set at `{}` and is not over: `bailiwick change show {change}` says whom \
             it waits for; if it is not wanted, refuse it, or withdraw it as who asked for it, and ask again",
            finding.subject
        )))
    }

    /// From what the primary shows to what was decided.
    async fn edit_back(
        &self,
        live: &Live,
        row: &FindingRow,
    ) -> Result<(ZoneKey, RecordEdit), Fault> {
        let finding = &row.finding;
        let zone = zone_of(live, &finding.zone)?;
        let name = subject(finding)?;
        self.may_write(live, &finding.zone).await.map_err(|fault| by_hand(fault, &finding.id))?;
        let decided = decided(zone, &finding.zone, &name);
        let owner = OwnerName::from(name.clone());
        let there = self.stands_there(live, &finding.zone, (&owner, RecordType::CAA)).await?;
        let picture = self.store.picture(&finding.zone).await?;
        if to_records(&records(there.as_ref())) == to_records(&decided) {
            return Err(Fault::conflict(self.nothing_to_write(live, zone, finding, &picture)));
        }
        let ttl = ttl_before(zone, &picture, &name, &decided);
        let ttl = ttl.or(there.as_ref().map(RRset::ttl_seconds)).unwrap_or(TTL_SECONDS);
        let after =
            rrset(ttl, &decided).ok_or_else(|| Fault::bug("a decided set has no octets"))?;
        let edit = RecordEdit::new(owner, RecordType::CAA, there, after);
        let edit = edit.map_err(|_| Fault::bug("what differs is the same"))?;
        Ok((finding.zone.clone(), edit))
    }

    /// How a finding can be ended by putting the decided set back, as far as it is known without asking
    /// anybody outside.
    pub(crate) async fn way_back(&self, row: &FindingRow) -> Result<Way, Fault> {
        revertible(row)?;
        let live = self.live.get();
        let finding = &row.finding;
        let zone = zone_of(&live, &finding.zone)?;
        if let Err(fault) = self.may_write(&live, &finding.zone).await {
            return Ok(Way::ByHand(fault.to_string()));
        }
        let picture = self.store.picture(&finding.zone).await?;
        let name = subject(finding)?;
        let seen = primary(zone).and_then(|at| picture.at(Asked::Caa, at, &name));
        let decided = to_records(&decided(zone, &finding.zone, &name));
        let same = seen.is_some_and(|known| match &known.seen {
            Seen::Nothing { .. } => decided.is_empty(),
            seen @ (Seen::Set { .. }
            | Seen::Large { .. }
            | Seen::Elsewhere
            | Seen::Failed(_)
            | Seen::Serial(_)) => seen.records().is_some_and(|it| to_records(it) == decided),
        });
        if same {
            return Ok(Way::ByHand(self.nothing_to_write(&live, zone, finding, &picture)));
        }
        Ok(Way::Change)
    }

    /// Changes that are under way and write the set that a finding is about.
    pub(crate) async fn put_backs(&self, finding: &Finding) -> Result<Vec<ChangeId>, Fault> {
        let mut all = Vec::new();
        for state in ["awaiting-approval", "executing", "verifying"] {
            let filter = ChangeFilter {
                state: Some(state.to_owned()),
                kind: Some("publish-records".to_owned()),
                ..ChangeFilter::default()
            };
            for row in self.store.changes(&filter, None, CHANGES_MAX).await?.items {
                let loaded = self.load_change(&row.request.id).await?;
                let steps = if let Change::Awaiting(waiting) = &loaded.change {
                    waiting.plan.steps()
                } else {
                    loaded.change.approved().map(|plan| plan.steps()).unwrap_or_default()
                };
                if steps.iter().any(|step| writes(step, finding)) {
                    all.push(row.request.id);
                }
            }
        }
        Ok(all)
    }

    /// The primary holds what was decided: who does what instead.
    fn nothing_to_write(
        &self,
        live: &Live,
        zone: &Zone,
        finding: &Finding,
        picture: &Picture,
    ) -> String {
        let key = &finding.zone;
        let Some(at) = finding.vantage.filter(Vantage::is_authority) else {
            let is_missing = finding.kind == FindingKind::Missing;
            let next = if is_missing { finding.remedy.as_str() } else { ENDS };
            return format!(
                "the primary of zone `{key}` holds what was decided for `{}`, so there is nothing to write; {next}",
                finding.subject
            );
        };
        let serial =
            |at: Vantage| picture.at(Asked::Serial, at, key.name.apex()).map(|it| &it.seen);
        let ahead = match (serial(at), primary(zone).and_then(serial)) {
            (Some(Seen::Serial(its)), Some(Seen::Serial(ours))) => format!(
                "; it has serial {its} and the primary {ours}, so it does not follow by itself until the primary is past that"
            ),
            (_, _) => String::new(),
        };
        format!(
            "the primary of zone `{key}` holds the decided set, so writing it again mends nothing: {} was edited itself and has to transfer the zone anew (such as `rndc retransfer {}`){ahead}; {} can do that",
            at.server(),
            key.name,
            self.whom(live, &zone.operator)
        )
    }
}

fn writes(step: &Step, finding: &Finding) -> bool {
    let Step::PublishRecords(publish) = step else { return false };
    let is_it = |edit: &RecordEdit| {
        edit.kind() == RecordType::CAA && edit.owner().to_string() == finding.subject
    };
    publish.zone == finding.zone && publish.edits.iter().any(is_it)
}

/// That a finding is open and of a kind that the decided set ends.
pub(super) fn revertible(row: &FindingRow) -> Result<(), Fault> {
    let finding = &row.finding;
    if row.closed.is_some() {
        return Err(Fault::conflict("this finding is over; there is nothing to put back"));
    }
    if !finding.kind.can_be_reverted() {
        let message = format!("there is nothing to put back; {}", finding.remedy);
        return Err(Fault::conflict(message));
    }
    Ok(())
}

fn by_hand(fault: Fault, id: &FindingId) -> Fault {
    let Fault::Conflict { message } = fault else { return fault };
    let text = format!("{message}; `bailiwick finding revert {id} --nsupdate` prints the update");
    Fault::conflict(text)
}

fn subject(finding: &Finding) -> Result<DnsName, Fault> {
    DnsName::parse(&finding.subject).map_err(|cause| Fault::bug(cause.to_string()))
}

fn decided(zone: &Zone, key: &ZoneKey, name: &DnsName) -> Vec<CaaRecord> {
    zone.caa_at(key.name.apex(), name).map(intended_set).unwrap_or_default()
}

/// The server whose word is compared with what was decided.
fn primary(zone: &Zone) -> Option<Vantage> {
    let server = zone.connector.as_ref().and_then(Connector::server);
    let server = server.filter(|one| zone.servers.contains(one));
    server.or(zone.servers.first().copied()).map(Vantage::authority)
}

/// The TTL with which the decided set was seen before it was edited.
fn ttl_before(
    zone: &Zone,
    picture: &Picture,
    name: &DnsName,
    decided: &[CaaRecord],
) -> Option<u32> {
    let known = picture.at(Asked::Caa, primary(zone)?, name)?;
    let (before, _) = known.before.as_ref()?;
    if let Seen::Set { records, ttl_seconds, .. } = before
        && to_records(records) == to_records(decided)
    {
        return *ttl_seconds;
    }
    None
}

fn records(set: Option<&RRset>) -> Vec<CaaRecord> {
    set.into_iter().flat_map(RRset::rdata).filter_map(|rdata| Caa::read(rdata)).collect()
}

/// The set with these records, no set for none; `None` where one of them cannot be written.
#[expect(clippy::option_option, reason = "no set is what an edit can lead to")]
fn rrset(ttl_seconds: u32, records: &[CaaRecord]) -> Option<Option<RRset>> {
    let octets = |one: &CaaRecord| {
        let (tag, value) = (core::str::from_utf8(&one.tag), core::str::from_utf8(&one.value));
        caa_rdata(one.flags, tag.ok()?, value.ok()?)
    };
    let rdata: Option<Vec<Vec<u8>>> = records.iter().map(octets).collect();
    Some(RRset::new(ttl_seconds, rdata?))
}
