//! Findings as people meet them: whose they are, and the two ways to end one.

use bailiwick_core::estate::{CaaIntent, Estate, ZoneKey};
use bailiwick_core::names::{DnsName, FindingId};
use bailiwick_core::policy::Access;
use bailiwick_core::watch::{Asked, Vantage, intended_set, to_intent};
use bailiwick_store::{FindingFilter, FindingRow};

use super::super::{App, Asking, Live, Loaded, Scope};
use crate::fault::Fault;

/// Findings of one answer.
const FINDINGS_MAX: u32 = 500;

impl App {
    /// Whether somebody may see what is watched.
    pub(crate) fn may_watch(&self, asking: &Asking) -> Result<(), Fault> {
        self.permit(asking, Access::Read, &Scope::Organisation)
    }

    /// Open findings, those due first, or all of late; only the caller's, or of one zone.
    pub(crate) async fn findings(
        &self,
        asking: &Asking,
        mine: bool,
        open: bool,
        zone: Option<ZoneKey>,
    ) -> Result<Vec<FindingRow>, Fault> {
        self.permit(asking, Access::Read, &Scope::Organisation)?;
        let assignee = mine.then(|| asking.by.person.clone());
        let filter = FindingFilter { open, assignee, zone };
        Ok(self.store.findings(&filter, FINDINGS_MAX).await?)
    }

    /// One finding.
    pub(crate) async fn finding_row(
        &self,
        asking: &Asking,
        id: &FindingId,
    ) -> Result<FindingRow, Fault> {
        self.permit(asking, Access::Read, &Scope::Organisation)?;
        let row = self.store.finding(id).await?;
        row.ok_or_else(|| Fault::not_found(format!("finding `{id}`")))
    }

    /// Ends a finding by deciding that what is there is right: a change of the estate, which somebody
    /// independent approves. The finding closes by itself once that is in force.
    pub(crate) async fn adopt_finding(
        &self,
        asking: &Asking,
        id: &FindingId,
        reason: &str,
    ) -> Result<Loaded, Fault> {
        let row = self.finding_row(asking, id).await?;
        let live = self.live.get();
        let wanted = self.adopted(&live, &row).await?;
        let title = format!("adopt the CAA set that is at {}", row.finding.subject);
        self.ask_for_estate(asking, wanted, title, reason).await
    }

    /// The estate in which what is there is what should be there.
    async fn adopted(&self, live: &Live, row: &FindingRow) -> Result<Estate, Fault> {
        let finding = &row.finding;
        if row.closed.is_some() {
            return Err(Fault::conflict("this finding is over; there is nothing to adopt"));
        }
        let apex = finding.zone.name.apex();
        if !finding.kind.can_be_adopted() {
            return Err(Fault::conflict(format!(
                "`{}` at `{}` cannot be adopted; {}",
                finding.kind, finding.subject, finding.remedy
            )));
        }
        let owner =
            DnsName::parse(&finding.subject).map_err(|cause| Fault::bug(cause.to_string()))?;
        let mut wanted = live.estate().clone();
        let gone = || Fault::not_found(format!("zone `{}`", finding.zone));
        let zone = wanted.zones.get_mut(&finding.zone).ok_or_else(gone)?;
        let picture = self.store.picture(&finding.zone).await?;
        let server = zone.connector.as_ref().and_then(bailiwick_core::estate::Connector::server);
        let server = server.filter(|one| zone.servers.contains(one));
        let server = server.or(zone.servers.first().copied());
        let known = server
            .and_then(|server| picture.at(Asked::Caa, Vantage::authority(server), &owner))
            .and_then(|known| known.seen.records());
        let records = known.ok_or_else(|| {
            Fault::conflict("the set cannot be read at the zone's primary now; try again")
        })?;
        let intent = to_intent(records).ok_or_else(|| {
            Fault::conflict(
                "the set holds a property that the estate cannot say (not issue, issuewild or \
                 iodef, or a flag); put the intended set back instead",
            )
        })?;
        if owner == *apex {
            zone.caa = intent;
        } else if intent == CaaIntent::default() {
            // Nothing stands there, and so nothing is intended there: it inherits.
            zone.caa_below.remove(&owner);
        } else {
            zone.caa_below.insert(owner, intent);
        }
        Ok(wanted)
    }

    /// What stands at a name on a server, as prerequisites of an update.
    async fn seen_there(
        &self,
        zone: &ZoneKey,
        owner: &str,
        server: std::net::SocketAddr,
    ) -> Result<Vec<String>, Fault> {
        let name = DnsName::parse(owner).map_err(|cause| Fault::bug(cause.to_string()))?;
        let picture = self.store.picture(zone).await?;
        let known = picture.at(Asked::Caa, Vantage::authority(server), &name);
        let records = known.and_then(|known| known.seen.records()).unwrap_or_default();
        if records.is_empty() {
            return Ok(vec![format!("nxrrset {owner}. CAA")]);
        }
        Ok(records.iter().map(|one| format!("yxrrset {owner}. CAA {one}")).collect())
    }

    /// How a finding is ended by putting the intended set back: the update that does it, which takes
    /// effect only while the set is still the one that was seen (RFC 2136, section 2.4.2).
    pub(crate) async fn revert_text(
        &self,
        asking: &Asking,
        id: &FindingId,
    ) -> Result<String, Fault> {
        let row = self.finding_row(asking, id).await?;
        let finding = &row.finding;
        let live = self.live.get();
        let gone = || Fault::not_found(format!("zone `{}`", finding.zone));
        let zone = live.estate().zones.get(&finding.zone).ok_or_else(gone)?;
        super::revert::revertible(&row)?;
        let apex = finding.zone.name.apex();
        let owner = &finding.subject;
        let server = finding.vantage.map(|vantage| vantage.server());
        let server = server
            .or(zone.connector.as_ref().and_then(bailiwick_core::estate::Connector::server))
            .or(zone.servers.first().copied());
        let server = server.ok_or_else(|| {
            Fault::conflict(format!("zone `{}` names no server in the estate", finding.zone))
        })?;
        let name = DnsName::parse(owner).map_err(|cause| Fault::bug(cause.to_string()))?;
        let intended = zone.caa_at(apex, &name).map(intended_set).unwrap_or_default();
        let mut text = format!("server {} {}\nzone {apex}.\n", server.ip(), server.port());
        // A prerequisite names the whole set, or the update would hit what nobody has seen.
        for line in self.seen_there(&finding.zone, owner, server).await? {
            text.push_str(&format!("prereq {line}\n"));
        }
        text.push_str(&format!("update delete {owner}. CAA\n"));
        for record in intended {
            text.push_str(&format!("update add {owner}. 300 CAA {record}\n"));
        }
        text.push_str("send\n");
        Ok(text)
    }
}
