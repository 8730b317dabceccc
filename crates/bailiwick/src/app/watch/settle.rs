//! Findings of a zone: what opens, what closes, who is told, who is next.

use bailiwick_core::estate::{Zone, ZoneKey};
use bailiwick_core::names::{FindingId, PersonId};
use bailiwick_core::record::{Batch, Entry, Fact, Notice};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    Cause, ClosedBy, Finding, Judged, Reconciled, due_ms, ladder, passes_to, reconcile,
};
use bailiwick_store::{FindingFilter, FindingRow};

use super::super::{App, Live};
use super::WATCH;
use crate::fault::Fault;

/// Open findings that are looked through at most.
const OPEN_MAX: u32 = 1_000;

impl App {
    /// Puts what follows from a judgement into a batch.
    pub(super) async fn settle_findings(
        &self,
        live: &Live,
        key: &ZoneKey,
        zone: &Zone,
        judged: &Judged,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let now = self.now();
        let filter =
            FindingFilter { open: true, zone: Some(key.clone()), ..FindingFilter::default() };
        let rows = self.store.findings(&filter, OPEN_MAX).await?;
        let open: Vec<Finding> = rows.iter().map(|row| row.finding.clone()).collect();
        let Reconciled { open: causes, close } = reconcile(&open, judged);
        for (finding, how) in &close {
            let fact = Fact::FindingClosed {
                finding: finding.clone(),
                zone: key.clone(),
                how: *how,
                note: String::new(),
            };
            batch.entries.push(Entry { at: now, by: WATCH, fact });
        }
        for cause in causes {
            let finding = self.finding_of(live, key, zone, cause, now)?;
            told(&finding, batch);
            let fact = Fact::FindingOpened(Box::new(finding));
            batch.entries.push(Entry { at: now, by: WATCH, fact });
        }
        for row in rows.iter().filter(|row| close.iter().all(|(id, _)| *id != row.finding.id)) {
            hand_on(live, zone, row, now, batch);
        }
        Ok(())
    }

    /// A cause with somebody who answers for it.
    pub(super) fn finding_of(
        &self,
        live: &Live,
        key: &ZoneKey,
        zone: &Zone,
        cause: Cause,
        now: Time,
    ) -> Result<Finding, Fault> {
        let id = FindingId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad finding id"))?;
        let mut people = ladder(live.estate(), zone, &cause.team, now).into_iter();
        let assignee = people.next().unwrap_or_else(crate::lab::nobody);
        Ok(Finding {
            id,
            kind: cause.kind,
            zone: key.clone(),
            subject: cause.subject,
            vantage: cause.vantage,
            team: cause.team,
            assignee,
            next: people.next(),
            due: now.plus_ms(due_ms(cause.kind, zone.class)),
            says: cause.says,
            remedy: cause.remedy,
            diff: cause.diff,
            evidence: cause.evidence,
        })
    }

    /// Findings of zones that are in the estate no more have nobody to answer for them.
    pub(crate) async fn close_findings_without_zone(&self) -> Result<(), Fault> {
        let live = self.live.get();
        let filter = FindingFilter { open: true, ..FindingFilter::default() };
        let rows = self.store.findings(&filter, OPEN_MAX).await?;
        let gone = |row: &&FindingRow| !live.estate().zones.contains_key(&row.finding.zone);
        let mut batch = Batch::default();
        for row in rows.iter().filter(gone) {
            let fact = Fact::FindingClosed {
                finding: row.finding.id.clone(),
                zone: row.finding.zone.clone(),
                how: ClosedBy::ZoneGone,
                note: String::new(),
            };
            batch.entries.push(Entry { at: self.now(), by: WATCH, fact });
        }
        if !batch.entries.is_empty() {
            self.commit(batch).await?;
        }
        Ok(())
    }
}

/// Tells the assignee, in the same commit.
fn told(finding: &Finding, batch: &mut Batch) {
    let (kind, subject) = (finding.kind.title(), &finding.subject);
    batch.notices.push(Notice {
        to: finding.assignee.clone(),
        subject: format!("{subject}: {kind}; act until {}", finding.due),
        page: format!("findings/{}", finding.id),
    });
}

/// Hands a finding on whose assignee is not there any more or did not act in time.
fn hand_on(live: &Live, zone: &Zone, row: &FindingRow, now: Time, batch: &mut Batch) {
    let finding = &row.finding;
    let people = ladder(live.estate(), zone, &finding.team, now);
    let on = passes_to(&people, &finding.assignee, finding.due, now);
    let Some((assignee, why)) = on else { return };
    let next = after(&people, assignee);
    let due = now.plus_ms(due_ms(finding.kind, zone.class));
    let handed = Finding { assignee: assignee.clone(), next: next.clone(), due, ..finding.clone() };
    told(&handed, batch);
    let fact = Fact::FindingHandedOn {
        finding: finding.id.clone(),
        zone: finding.zone.clone(),
        assignee: assignee.clone(),
        next,
        due,
        why,
    };
    batch.entries.push(Entry { at: now, by: WATCH, fact });
}

fn after(people: &[PersonId], person: &PersonId) -> Option<PersonId> {
    let mut rest = people.iter().skip_while(|one| *one != person);
    rest.next()?;
    rest.next().cloned()
}
