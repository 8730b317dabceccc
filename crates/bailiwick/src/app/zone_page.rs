//! One zone as a whole: who decides in it, what it asks for on top, what its parent says of it, which
//! records of ours stand in it, what is open and what is under way.

use bailiwick_core::estate::{DelegationSeen, Pattern, Zone, ZoneKey};
use bailiwick_core::names::DnsName;
use bailiwick_core::policy::Access;
use bailiwick_core::record::ChangeRow;
use bailiwick_core::time::Time;
use bailiwick_store::{ChangeFilter, FindingFilter, StandingRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{App, Asking, Live, Scope};
use crate::fault::Fault;

/// Changes of each state, findings and standing records that are looked through.
const ROWS: u32 = 200;
/// States in which a change is not over.
const UNDER_WAY: [&str; 6] =
    ["requested", "awaiting-approval", "executing", "verifying", "rolling-back", "unknown"];

/// What is known of a zone beside its servers and the way into it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneWhole {
    /// Who decides about certificates in it, in a sentence.
    pub decides: String,
    /// What it asks for on top, each as a sentence.
    pub gates: Vec<String>,
    /// The CAA values that were decided, as `issue …`.
    pub caa: Vec<String>,
    /// Who may do what about it.
    pub people: Vec<ZonePerson>,
    /// How its delegation stands.
    pub delegation: ZoneDelegation,
    /// Validation records that stand in it and are relied on.
    pub standing: Vec<ZoneStanding>,
    /// Open findings; none where the caller may not see them.
    pub findings: Vec<ZoneFinding>,
    /// Changes under way that touch it.
    pub changes: Vec<ZoneChange>,
}

/// What one person may do about a zone.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZonePerson {
    /// Who.
    pub person: String,
    /// With others agreeing where the policy asks for that.
    pub may: Vec<String>,
    /// Alone.
    pub alone: Vec<String>,
}

/// What the parent of a zone says about it.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneDelegation {
    /// `unwatched`, `as-decided` or `changed`.
    pub stands: String,
    /// Whether nothing is issued in the zone because of it.
    pub frozen: bool,
    /// What changed, and how the freeze ends.
    pub lift: Option<String>,
    /// Each fact as it was seen last, as `ns ns1.shop.example, ns2.shop.example`.
    pub facts: Vec<String>,
}

/// A validation record that stands.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneStanding {
    /// The name that it is for.
    pub name: String,
    /// The account that may rely on it.
    pub account: String,
    /// The service.
    pub service: String,
    /// When it was last seen.
    pub seen_at: String,
}

/// An open finding.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneFinding {
    /// Its id.
    pub id: String,
    /// What it is about and what is wrong.
    pub says: String,
    /// Who has to act.
    pub assignee: String,
    /// By when.
    pub due: String,
}

/// A change under way.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneChange {
    /// Its id.
    pub id: String,
    /// What it does.
    pub title: String,
    /// Where it stands.
    pub state: String,
}

impl App {
    /// What is known of a zone beside its servers.
    pub(super) async fn zone_whole(
        &self,
        asking: &Asking,
        live: &Live,
        (key, zone): (&ZoneKey, &Zone),
    ) -> Result<ZoneWhole, Fault> {
        let people = self.duties_of(asking, &key.to_string()).await?;
        let people = people.into_iter().map(|line| ZonePerson {
            person: line.person.to_string(),
            may: line.may.iter().map(ToString::to_string).collect(),
            alone: line.alone,
        });
        Ok(ZoneWhole {
            decides: self.decides(live, zone),
            gates: zone
                .gates
                .iter()
                .map(|gate| format!("{gate}; {} can give it", self.whom(live, &gate.team)))
                .collect(),
            caa: caa(zone),
            people: people.collect(),
            delegation: self.zone_delegation(live, key, zone).await?,
            standing: self.zone_standing(asking, live, key).await?,
            findings: self.zone_findings(asking, key).await?,
            changes: self.zone_changes(asking, key).await?,
        })
    }

    fn decides(&self, live: &Live, zone: &Zone) -> String {
        let owner = self.whom(live, &zone.policy_owner);
        match zone.pattern {
            Pattern::Central => format!("{owner} approves envelopes and changes (central)"),
            Pattern::ServiceTeam => format!(
                "the service's own team, once every mandatory check holds; {owner} can too (service-team)"
            ),
            Pattern::Shared => format!(
                "the service's team acts, and {owner} approves, independent of whoever asked (shared)"
            ),
        }
    }

    async fn zone_delegation(
        &self,
        live: &Live,
        key: &ZoneKey,
        zone: &Zone,
    ) -> Result<ZoneDelegation, Fault> {
        let all = self.zones_standing().await?;
        let Some((_, seen, facts)) = all.into_iter().find(|(one, _, _)| one == key) else {
            return Ok(ZoneDelegation::default());
        };
        let facts = facts.iter().map(|fact| {
            let last: Vec<&str> = fact.last.iter().map(String::as_str).collect();
            let last = if last.is_empty() { "none".to_owned() } else { last.join(", ") };
            format!("{} {last}", fact.kind)
        });
        let (stands, lift) = match seen {
            DelegationSeen::Unwatched => ("unwatched", None),
            DelegationSeen::AsDecided => ("as-decided", None),
            DelegationSeen::Changed(what) => {
                let whom = self.whom(live, &zone.operator);
                let lift = format!(
                    "{what}. If nobody decided that, {whom} has it put back at the parent or the registrar. If it was decided, write it into `[delegation]` of the zone's file and have that edit approved; issuance goes on by itself then"
                );
                ("changed", Some(lift))
            }
        };
        let frozen = lift.is_some();
        Ok(ZoneDelegation { stands: stands.to_owned(), frozen, lift, facts: facts.collect() })
    }

    async fn zone_standing(
        &self,
        asking: &Asking,
        live: &Live,
        key: &ZoneKey,
    ) -> Result<Vec<ZoneStanding>, Fault> {
        let rows = self.store.standing_records(None, true, None, ROWS).await?;
        let deepest = |name: &DnsName| {
            let zone = live.estate().zones_of(name, Some(key.view));
            zone.first().is_some_and(|(one, _)| *one == key)
        };
        let seen = |row: &StandingRow| {
            let service = &row.record.service;
            let kind = bailiwick_core::policy::ResourceKind::Account;
            let scope = Scope::Service(kind, row.record.account.to_string(), service.clone());
            deepest(&row.record.name) && self.may(asking, Access::Read, &scope)
        };
        let rows = rows.into_iter().filter(seen).map(|row| ZoneStanding {
            name: row.record.name.to_string(),
            account: row.record.account.to_string(),
            service: row.record.service.to_string(),
            seen_at: row.seen_at.to_string(),
        });
        Ok(rows.collect())
    }

    async fn zone_findings(
        &self,
        asking: &Asking,
        key: &ZoneKey,
    ) -> Result<Vec<ZoneFinding>, Fault> {
        if !self.may(asking, Access::Read, &Scope::Organisation) {
            return Ok(Vec::new());
        }
        let filter =
            FindingFilter { open: true, zone: Some(key.clone()), ..FindingFilter::default() };
        let rows = self.store.findings(&filter, ROWS).await?.into_iter();
        Ok(rows
            .map(|row| ZoneFinding {
                id: row.finding.id.to_string(),
                says: format!("{}: {}", row.finding.subject, row.finding.says),
                assignee: row.finding.assignee.to_string(),
                due: row.finding.due.to_string(),
            })
            .collect())
    }

    async fn zone_changes(&self, asking: &Asking, key: &ZoneKey) -> Result<Vec<ZoneChange>, Fault> {
        let mut all: Vec<(Time, ZoneChange)> = Vec::new();
        for state in UNDER_WAY {
            let filter = ChangeFilter { state: Some(state.to_owned()), service: None, kind: None };
            let page = self.store.changes(&filter, None, ROWS).await?;
            let touches = |row: &ChangeRow| {
                let scope = Scope::Change(row.request.id.clone(), row.request.service.clone());
                row.request.zones.contains(&key.name) && self.may(asking, Access::Read, &scope)
            };
            all.extend(page.items.into_iter().filter(touches).map(|row| {
                let change = ZoneChange {
                    id: row.request.id.to_string(),
                    title: row.request.title.clone(),
                    state: row.state.clone(),
                };
                (row.request.at, change)
            }));
        }
        all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Ok(all.into_iter().map(|(_, change)| change).collect())
    }
}

/// The decided CAA, property by property.
fn caa(zone: &Zone) -> Vec<String> {
    let spelled = |tag: &str, values: &[String]| {
        values.iter().map(|value| format!("{tag} {value}")).collect::<Vec<_>>()
    };
    [
        spelled("issue", &zone.caa.issue),
        spelled("issuewild", &zone.caa.issuewild),
        spelled("iodef", &zone.caa.iodef),
    ]
    .concat()
}
