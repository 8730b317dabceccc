//! Which CAA sets changes of ours wrote: what one of them wrote, nobody edited behind our back.

use std::collections::BTreeMap;

use bailiwick_core::caa::CaaRecord;
use bailiwick_core::change::Step;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::DnsName;
use bailiwick_core::records::{RRset, RecordType};
use bailiwick_store::ChangeFilter;
use bailiwick_wire::dns::{Caa, RecordKind as _};

use super::super::App;
use crate::fault::Fault;

/// Changes that are looked through, those that moved last first.
const CHANGES_MAX: u32 = 100;
/// States of changes that have written nothing.
const NOT_BEGUN: [&str; 5] = ["requested", "awaiting-approval", "refused", "withdrawn", "expired"];

impl App {
    /// The sets that changes of ours put into a zone, or put back, by their owner.
    pub(super) async fn written_by_changes(
        &self,
        zone: &ZoneKey,
    ) -> Result<BTreeMap<DnsName, Vec<Vec<CaaRecord>>>, Fault> {
        let page = self.store.changes(&ChangeFilter::default(), None, CHANGES_MAX).await?;
        let mut written: BTreeMap<DnsName, Vec<Vec<CaaRecord>>> = BTreeMap::new();
        for row in page.items.iter().filter(|row| !NOT_BEGUN.contains(&row.state.as_str())) {
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

fn records(set: Option<&RRset>) -> Vec<CaaRecord> {
    set.into_iter().flat_map(RRset::rdata).filter_map(|rdata| Caa::read(rdata)).collect()
}
