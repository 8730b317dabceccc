//! Reports of issuance by others: the `iodef` of CAA leads here (RFC 8659, section 4.4).

use std::net::IpAddr;

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{Digest, DnsName, FindingId};
use bailiwick_core::policy::Access;
use bailiwick_core::record::{Batch, Work};
use bailiwick_core::time::HOUR_MS;
use bailiwick_core::watch::REPORTED;
use bailiwick_store::IncidentRow;
use bailiwick_wire::iodef::Report;

use super::super::{App, Asking, Live, News, Scope};
use super::incident::{Opening, zone_of};
use crate::fault::Fault;
use crate::limits::Limit;

/// Reports of one address.
const PER_ADDRESS: Limit = Limit { count: 12, period_ms: HOUR_MS };
/// Reports of the whole world.
const OF_ALL: Limit = Limit { count: 240, period_ms: HOUR_MS };
/// Stands for the whole world.
const ALL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
/// Open incidents out of reports, of one zone; behind them, a person has to look first.
const OPEN_MAX: usize = 20;
/// Incidents that are looked through.
const INCIDENTS_MAX: u32 = 1_000;
/// Characters of who reported.
const FROM_CHARS_MAX: usize = 120;

/// A report as it came in.
pub(crate) struct NewReport<'a> {
    /// Its octets.
    pub octets: &'a [u8],
    /// Who says that it came from them.
    pub from: String,
}

impl App {
    /// Takes a report from the network, where nobody is signed in.
    pub(crate) async fn take_report(
        &self,
        octets: &[u8],
        from: Option<IpAddr>,
    ) -> Result<FindingId, Fault> {
        let now = self.now();
        for (limit, address) in [(PER_ADDRESS, from.unwrap_or(ALL)), (OF_ALL, ALL)] {
            self.reports.take(limit, address, now).map_err(|seconds| Fault::Busy {
                message: format!("too many reports; try again in {seconds} s"),
            })?;
        }
        let from = from.map_or_else(|| "unknown".to_owned(), |from| from.to_string());
        self.reported(&NewReport { octets, from: format!("iodef from {from}") }).await
    }

    /// Takes a report that somebody hands in, such as mail.
    pub(crate) async fn hand_in_report(
        &self,
        asking: &Asking,
        report: &NewReport<'_>,
    ) -> Result<FindingId, Fault> {
        self.permit(asking, Access::Request, &Scope::Estate)?;
        let from: String = report.from.chars().take(FROM_CHARS_MAX).collect();
        let from = format!("{from}, handed in by {}", asking.by.person);
        self.reported(&NewReport { octets: report.octets, from }).await
    }

    /// One incident for each name that is reported; a second report of it belongs to the first.
    async fn reported(&self, new: &NewReport<'_>) -> Result<FindingId, Fault> {
        let report = Report::read(new.octets);
        let report = report.map_err(|cause| Fault::input("report", cause))?;
        let live = self.live.get();
        let Some((zone, name)) = about(&live, &report) else {
            let message =
                "it names nothing that lies in a zone of ours; name the certificate's names";
            return Err(Fault::input("report", message));
        };
        let rows = self.store.incidents(INCIDENTS_MAX).await?;
        let is_open = |row: &&IncidentRow| row.reviewed.is_none() && row.incident.is_reported();
        let same = rows.iter().filter(is_open).find(|row| row.incident.subject == name.as_str());
        if let Some(row) = same {
            return Ok(row.incident.id.clone());
        }
        let of_zone = rows.iter().filter(is_open).filter(|row| row.incident.zone == *zone).count();
        if of_zone >= OPEN_MAX {
            let message =
                format!("{of_zone} reports about zone `{zone}` wait already; try again later");
            return Err(Fault::Busy { message });
        }
        let digest = Digest::of(new.octets);
        let number = report.id.as_ref().map(|id| format!(" number {id}")).unwrap_or_default();
        let mut batch = Batch::default();
        batch.work.push(Work::PutEvidence { digest, kind: "report", octets: new.octets.to_vec() });
        let what = Opening {
            zone: zone.clone(),
            subject: name.to_string(),
            says: format!("somebody reports{number}: {}", report.says),
            source: format!("{REPORTED}{digest}, {}", new.from),
            evidence: Vec::new(),
        };
        let id = self.opened(&live, what, &mut batch)?;
        self.commit(batch).await?;
        self.tell(News::Watch);
        Ok(id)
    }
}

/// The first name of a report that lies in one of our zones; one below an apex before an apex, because
/// reports tend to name the zone beside the certificate.
fn about<'a>(live: &'a Live, report: &'a Report) -> Option<(&'a ZoneKey, &'a DnsName)> {
    let ours = || report.names.iter().filter_map(|name| Some((zone_of(live, name)?, name)));
    ours().find(|(zone, name)| zone.name.apex() != *name).or_else(|| ours().next())
}
