//! Incidents whose moment passes: what was not done goes to the next person.

use std::collections::BTreeSet;

use bailiwick_core::estate::Zone;
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::watch::{Track, handed_on};
use bailiwick_store::IncidentRow;

use super::super::super::{App, Live};
use super::super::WATCH;
use super::{asked_of, notice};

impl App {
    /// Hands on what people of a zone's incidents did not do in time, each with a notice.
    pub(in super::super) fn settle_incidents(
        &self,
        live: &Live,
        zone: &Zone,
        open: &[IncidentRow],
        batch: &mut Batch,
    ) {
        let now = self.now();
        for row in open {
            let incident = &row.incident;
            for on in handed_on((live.estate(), zone), incident, &answered(row), now) {
                let asked = asked_of(incident, on.part, on.due);
                batch.notices.push(notice(&on.person, &incident.id, &asked));
                let fact = Fact::IncidentHandedOn(Box::new(on));
                batch.entries.push(Entry { at: now, by: WATCH, fact });
            }
        }
    }
}

fn answered(row: &IncidentRow) -> BTreeSet<Track> {
    let both = [(Track::Record, row.record.1), (Track::Enforcement, row.enforcement.1)];
    both.into_iter().filter_map(|(track, at)| at.map(|_| track)).collect()
}
