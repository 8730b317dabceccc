//! Incidents that canaries open, and what the CA has to do about one.

use bailiwick_core::names::{CertFingerprint, IssuerId};
use bailiwick_core::record::{Batch, Entry, Fact};
use bailiwick_core::time::{DAY_MS, Time};
use bailiwick_core::watch::{CanaryRun, Track};
use bailiwick_store::IncidentRow;

use super::super::super::{App, Live, News};
use super::super::WATCH;
use super::{INCIDENTS_MAX, Opening};
use crate::fault::Fault;

/// Where an incident is known from, that a canary opened.
const BY_CANARY: &str = "canary";

/// What the CA has to do, and how it hears of it.
pub(crate) struct CaSide {
    /// Which CA.
    pub issuer: IssuerId,
    /// Where it takes problem reports, as the estate says.
    pub report_to: Option<String>,
    /// Until when it has to have answered a report that went out when the incident opened (BR 4.9.5).
    pub answers_by: Time,
    /// Until when it has to have revoked (BR 4.9.1.1).
    pub revokes_by: Time,
    /// What can be sent as it stands.
    pub report: String,
}

/// A canary that was issued though CAA forbids it.
pub(crate) struct CanaryIssued<'a> {
    /// What is on record of it.
    pub run: &'a CanaryRun,
    /// The certificate.
    pub der: &'a [u8],
    /// When the canary was begun.
    pub since: Time,
}

impl App {
    /// A CA issued a canary that CAA forbids: one incident of it is open from here on. Called again with
    /// the same certificate it does nothing.
    pub(crate) async fn open_canary_incident(
        &self,
        live: &Live,
        issued: &CanaryIssued<'_>,
    ) -> Result<(), Fault> {
        let run = issued.run;
        let fingerprint = CertFingerprint::of(issued.der).to_string();
        let rows = self.store.incidents(INCIDENTS_MAX).await?;
        let same = |row: &&IncidentRow| {
            row.incident.source == BY_CANARY && row.incident.subject == run.issuer.as_str()
        };
        let mut batch = Batch::default();
        let facts = bailiwick_wire::x509::read_certificate(issued.der).ok();
        let serial = facts
            .and_then(|facts| facts.serial.regular().map(ToString::to_string))
            .unwrap_or_default();
        let order = run.order.as_deref().unwrap_or("unknown");
        let says = format!(
            "`{}` issued certificate {fingerprint} (serial {serial}) for {}; order {order}, begun {}",
            run.issuer, run.says, issued.since
        );
        if let Some(row) = rows.iter().filter(same).find(|row| row.reviewed.is_none()) {
            let told = self.incident_entries(row).await?;
            let known = row.incident.says.contains(&fingerprint)
                || told.iter().any(|one| {
                    matches!(&one.entry.fact, Fact::IncidentTold { says, .. } if says.contains(&fingerprint))
                });
            if known {
                return Ok(());
            }
            let fact = Fact::IncidentTold {
                incident: row.incident.id.clone(),
                zone: row.incident.zone.clone(),
                track: Track::Enforcement,
                says: format!("again: {says}"),
                answered: false,
            };
            batch.entries.push(Entry { at: self.now(), by: WATCH, fact });
        } else if rows.iter().filter(same).any(|row| row.incident.says.contains(&fingerprint)) {
            return Ok(());
        } else {
            let stored = self.store.canaries(Some(&run.issuer)).await?;
            let leaf = stored.iter().find(|row| row.run.name == run.name).map(|row| row.leaf);
            let what = Opening {
                zone: run.zone.clone(),
                subject: run.issuer.to_string(),
                says,
                source: BY_CANARY.to_owned(),
                evidence: leaf.into_iter().collect(),
            };
            self.opened(live, what, &mut batch)?;
        }
        self.commit(batch).await?;
        self.tell(News::Watch);
        Ok(())
    }

    /// The CA's side of an incident: whom to tell, by when it has to act, and what to send.
    pub(super) fn ca_side(&self, live: &Live, row: &IncidentRow) -> Option<CaSide> {
        let one = &row.incident;
        let issuer = IssuerId::parse(&one.subject).ok()?;
        let it = live.estate().issuers.get(&issuer)?;
        let report_to = it.upstream.as_ref().and_then(|it| it.problem_reports.clone());
        let organisation = &live.estate().organisation.name;
        let report = format!(
            "Certificate problem report (BR 4.9.3) by {organisation}\n\n{}.\n\n\
             The CAA set that forbids it is that of the name above. Please revoke the certificate within 24 hours \
             (BR 4.9.1.1), tell us within 24 hours what you found (BR 4.9.5), and why CAA was not processed before \
             issuance (RFC 8659, section 3; BR 3.2.2.8).\n",
            one.says
        );
        Some(CaSide {
            issuer,
            report_to,
            answers_by: row.opened_at.plus_ms(DAY_MS),
            revokes_by: row.opened_at.plus_ms(DAY_MS),
            report,
        })
    }
}
