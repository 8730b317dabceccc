//! Incidents whose moment passes: what was not done goes to the next person.

use std::collections::BTreeSet;

use bailiwick_core::estate::{Zone, ZoneKey};
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::watch::{Track, handed_on};
use bailiwick_store::IncidentRow;

use super::super::super::{App, Live};
use super::super::WATCH;
use super::{asked_of, notice};
use crate::fault::Fault;

impl App {
    /// Hands on what people of a zone's incidents did not do in time, each with a notice.
    pub(in super::super) async fn settle_incidents(
        &self,
        live: &Live,
        key: &ZoneKey,
        zone: &Zone,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let now = self.now();
        for row in self.store.open_incidents(key).await? {
            let incident = &row.incident;
            for on in handed_on((live.estate(), zone), incident, &answered(&row), now) {
                let asked = asked_of(incident, on.part, on.due);
                batch.notices.push(notice(&on.person, &incident.id, &asked));
                let fact = Fact::IncidentHandedOn(Box::new(on));
                batch.entries.push(Entry { at: now, by: WATCH, fact });
            }
        }
        Ok(())
    }
}

fn answered(row: &IncidentRow) -> BTreeSet<Track> {
    let both = [(Track::Record, row.record.1), (Track::Enforcement, row.enforcement.1)];
    both.into_iter().filter_map(|(track, at)| at.map(|_| track)).collect()
}
