//! Which CAA sets changes of ours wrote: what one of them wrote, nobody edited behind our back.

use std::collections::BTreeMap;

use bailiwick_core::caa::CaaRecord;
use bailiwick_core::change::Step;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::DnsName;
use bailiwick_core::record::ChangeRow;
use bailiwick_core::records::{RRset, RecordType};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_core::watch::{FindingKind, Judged, Picture};
use bailiwick_wire::dns::{Caa, RecordKind as _};

use super::super::App;
use crate::fault::Fault;

/// For so long a server that watches may have been away between a change of ours and its next look.
const UNSEEN_MS: i64 = 30 * DAY_MS;
/// States of changes that have written nothing.
const NOT_BEGUN: [&str; 5] = ["requested", "awaiting-approval", "refused", "withdrawn", "expired"];

impl App {
    /// The sets that changes of ours put into a zone, or put back, by their owner: changes that moved since
    /// sets look edited, however many others there were.
    pub(crate) async fn written_by_changes(
        &self,
        zone: &ZoneKey,
        since: Time,
    ) -> Result<BTreeMap<DnsName, Vec<Vec<CaaRecord>>>, Fault> {
        let all = self.store.changes_of_records(since.plus_ms(-UNSEEN_MS)).await?;
        let mut written: BTreeMap<DnsName, Vec<Vec<CaaRecord>>> = BTreeMap::new();
        for row in all.iter().filter(|row| may_have_written(row, zone)) {
            let loaded = self.load_change(&row.request.id).await?;
            let approved = loaded.change.approved();
            for step in approved.into_iter().flat_map(|plan| plan.steps()) {
                let Step::PublishRecords(publish) = step else { continue };
                let ours = publish.edits.iter().filter(|edit| edit.kind() == RecordType::CAA);
                for edit in ours.filter(|_| publish.zone == *zone) {
                    let sets = written.entry(edit.owner().base().clone()).or_default();
                    sets.push(records(edit.after()));
                    // Records of the zone itself are put right from what somebody left there: coming
                    // back to that makes it no set of ours.
                    if publish.service.is_some() {
                        sets.push(records(edit.before()));
                    }
                }
            }
        }
        Ok(written)
    }
}

/// Since when the sets stand that look as if nobody of ours had written them; `None` where none does.
pub(super) fn edited_since(judged: &Judged, picture: &Picture) -> Option<Time> {
    let edits = judged.causes.iter().filter(|cause| cause.kind == FindingKind::ShadowEdit);
    let leaves: Vec<u64> = edits.flat_map(|cause| cause.evidence.iter().copied()).collect();
    let known = picture.iter().map(|(_, _, _, known)| known);
    known.filter(|known| leaves.contains(&known.leaf)).map(|known| known.since).min()
}

/// Whether a change can have written into a zone, as far as its row says.
fn may_have_written(row: &ChangeRow, zone: &ZoneKey) -> bool {
    let of_zone = row.request.service.is_none() && !row.request.zones.is_empty();
    let elsewhere = of_zone && !row.request.zones.contains(&zone.name);
    !elsewhere && !NOT_BEGUN.contains(&row.state.as_str())
}

fn records(set: Option<&RRset>) -> Vec<CaaRecord> {
    set.into_iter().flat_map(RRset::rdata).filter_map(|rdata| Caa::read(rdata)).collect()
}
