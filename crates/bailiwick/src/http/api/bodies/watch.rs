//! Findings, the control and what was seen, as the API gives them.

use std::collections::BTreeSet;

use bailiwick_core::watch::Stands;
use bailiwick_store::{CanaryRow, FindingRow, PointRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::watch_more::{FailSafeBody, QuorumBody};

use super::incident::IncidentBody;
use crate::app::{ControlView, ZoneControl};

/// A difference between what was decided and what is seen.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FindingLine {
    /// Its id.
    pub id: String,
    /// What kind, such as `caa-shadow-edit`; an exception may name it as its rule.
    pub kind: String,
    /// The same in words.
    pub title: String,
    /// In which zone; `/internal` behind the name of an internal view.
    pub zone: String,
    /// The name or issuer it is about.
    pub subject: String,
    /// Where it is seen, where it is seen in one place only.
    pub vantage: Option<String>,
    /// Who has to act.
    pub assignee: String,
    /// In which team.
    pub team: String,
    /// Who is next.
    pub next: Option<String>,
    /// By when.
    pub due: String,
    /// What was seen and what was decided.
    pub says: String,
    /// What to do.
    pub remedy: String,
    /// `- ` decided and not there, `+ ` there and not decided.
    pub diff: Vec<String>,
    /// Since when.
    pub opened_at: String,
    /// How often it was handed on.
    pub handed_on: u32,
    /// The leaf of the ledger that opened it.
    pub leaf: u64,
    /// The leaves that show it.
    pub evidence: Vec<u64>,
    /// When it ended.
    pub closed_at: Option<String>,
    /// What ended it, in words.
    pub closed_by: Option<String>,
    /// Whether what is there can be adopted.
    pub adoptable: bool,
    /// Whether the intended set can be put back.
    pub revertible: bool,
}

impl FindingLine {
    pub(crate) fn of(row: &FindingRow) -> Self {
        let one = &row.finding;
        let open = row.closed.is_none();
        Self {
            id: one.id.to_string(),
            kind: one.kind.to_string(),
            title: one.kind.title().to_owned(),
            zone: one.zone.to_string(),
            subject: one.subject.clone(),
            vantage: one.vantage.map(|vantage| vantage.to_string()),
            assignee: one.assignee.to_string(),
            team: one.team.to_string(),
            next: one.next.as_ref().map(ToString::to_string),
            due: one.due.to_string(),
            says: one.says.clone(),
            remedy: one.remedy.clone(),
            diff: one.diff.clone(),
            opened_at: row.opened_at.to_string(),
            handed_on: row.handed_on,
            leaf: row.leaf,
            evidence: one.evidence.clone(),
            closed_at: row.closed.as_ref().map(|(at, _, _)| at.to_string()),
            closed_by: row.closed.as_ref().map(|(_, how, note)| {
                if note.is_empty() { how.words().to_owned() } else { note.clone() }
            }),
            adoptable: open && one.kind.can_be_adopted(),
            revertible: open && one.kind.can_be_reverted(),
        }
    }
}

/// How a finding is ended by hand: an update for `nsupdate`.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct RevertBody {
    /// What `nsupdate` reads. It takes effect only while the set is still the one that was seen.
    pub nsupdate: String,
}

/// A verdict about one point of the control.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct PointBody {
    /// For which issuer.
    pub issuer: String,
    /// `created`, `propagated` or `enforced`.
    pub point: String,
    /// `holds`, `fails` or `unknown`.
    pub stands: String,
    /// Why.
    pub says: String,
    /// Since when it stands.
    pub at: String,
    /// The leaf of the ledger.
    pub leaf: u64,
    /// The leaves it rests on.
    pub evidence: Vec<u64>,
}

impl PointBody {
    pub(crate) fn of(row: &PointRow) -> Self {
        let one = &row.verdict;
        Self {
            issuer: one.issuer.to_string(),
            point: one.point.to_string(),
            stands: one.stands.to_string(),
            says: one.says.clone(),
            at: row.at.to_string(),
            leaf: row.leaf,
            evidence: one.evidence.clone(),
        }
    }
}

/// Who answers for a zone's control.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ControlDuty {
    /// `policy`, `records` or `control`.
    pub duty: String,
    /// The team.
    pub team: String,
    /// The person on duty in it.
    pub person: Option<String>,
}

/// An exception that sets a kind of finding aside.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ExceptionLine {
    /// Its id in the estate.
    pub id: String,
    /// What it sets aside.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// Who approved it.
    pub approver: String,
    /// What makes up for it.
    pub compensating_control: String,
    /// Until when; then the finding returns.
    pub until: String,
}

/// One zone of the board.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ZoneControlBody {
    /// Which; `/internal` behind the name of an internal view.
    pub zone: String,
    /// The view.
    pub view: String,
    /// The unit of whoever publishes its records.
    pub unit: String,
    /// Who answers for it.
    pub duties: Vec<ControlDuty>,
    /// The verdicts, three for each issuer.
    pub points: Vec<PointBody>,
    /// What is open.
    pub findings: Vec<FindingLine>,
    /// Exceptions that hold now.
    pub exceptions: Vec<ExceptionLine>,
    /// How many names have or may have certificates.
    pub bearing: usize,
    /// How many of those a CAA set governs.
    pub governed: usize,
    /// When it was last looked at.
    pub looked_at: Option<String>,
    /// Which controls would stand if CAA were ignored.
    pub fail_safe: FailSafeBody,
    /// What public CAs would find that look from where our vantages stand, for each issuer.
    pub corroboration: Vec<QuorumBody>,
}

impl ZoneControlBody {
    pub(crate) fn of(one: &ZoneControl) -> Self {
        let duty = |(duty, team, person): &(&str, String, Option<String>)| ControlDuty {
            duty: (*duty).to_owned(),
            team: team.clone(),
            person: person.clone(),
        };
        Self {
            zone: one.zone.to_string(),
            view: one.zone.view.to_string(),
            unit: one.unit.clone(),
            duties: one.duties.iter().map(duty).collect(),
            points: one.points.iter().map(PointBody::of).collect(),
            findings: one.findings.iter().map(FindingLine::of).collect(),
            exceptions: one
                .exceptions
                .iter()
                .map(|(id, it)| ExceptionLine {
                    id: id.to_string(),
                    rule: it.rule.to_string(),
                    reason: it.reason.clone(),
                    approver: it.approver.to_string(),
                    compensating_control: it.compensating_control.clone(),
                    until: it.until.to_string(),
                })
                .collect(),
            bearing: one.bearing,
            governed: one.governed,
            looked_at: one.looked_at.map(|at| at.to_string()),
            fail_safe: FailSafeBody::of(&one.fail_safe),
            corroboration: one.quorum.iter().map(QuorumBody::of).collect(),
        }
    }
}

/// A canary.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct CanaryBody {
    /// Which issuer was asked.
    pub issuer: String,
    /// In which zone.
    pub zone: String,
    /// For which name.
    pub name: String,
    /// Whether CAA permits it.
    pub permitted: bool,
    /// Whether the issuer did what it should.
    pub stands: String,
    /// What it did.
    pub says: String,
    /// What it issued.
    pub certificate: Option<String>,
    /// Whether that was revoked.
    pub revoked: bool,
    /// When.
    pub at: String,
    /// The leaf of the ledger.
    pub leaf: u64,
}

impl CanaryBody {
    pub(crate) fn of(row: &CanaryRow) -> Self {
        let one = &row.run;
        Self {
            issuer: one.issuer.to_string(),
            zone: one.zone.to_string(),
            name: one.name.to_string(),
            permitted: one.permitted,
            stands: one.stands.to_string(),
            says: one.says.clone(),
            certificate: one.certificate.map(|it| it.to_string()),
            revoked: one.revoked,
            at: row.at.to_string(),
            leaf: row.leaf,
        }
    }
}

/// How far CAA reaches, as a number.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Coverage {
    /// What is counted: `all`, a view, or a unit.
    pub of: String,
    /// Names that have or may have certificates.
    pub bearing: usize,
    /// How many of those a CAA set governs.
    pub governed: usize,
    /// Zones.
    pub zones: usize,
    /// Zones at which all three points hold for every issuer.
    pub holding: usize,
}

/// The control as a whole.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ControlBody {
    /// When this was put together.
    pub at: String,
    /// How far it reaches: all, by view, by unit.
    pub coverage: Vec<Coverage>,
    /// Each zone.
    pub zones: Vec<ZoneControlBody>,
    /// The newest canaries.
    pub canaries: Vec<CanaryBody>,
    /// Incidents, open ones first.
    pub incidents: Vec<IncidentBody>,
}

impl ControlBody {
    pub(crate) fn of(view: &ControlView) -> Self {
        let views: BTreeSet<String> =
            view.zones.iter().map(|zone| format!("view {}", zone.zone.view)).collect();
        let units: BTreeSet<String> =
            view.zones.iter().map(|zone| format!("unit {}", zone.unit)).collect();
        let names: Vec<String> =
            std::iter::once("all".to_owned()).chain(views).chain(units).collect();
        let counted = |name: &String| {
            let inside = |zone: &&ZoneControl| {
                name == "all"
                    || *name == format!("view {}", zone.zone.view)
                    || *name == format!("unit {}", zone.unit)
            };
            let zones: Vec<&ZoneControl> = view.zones.iter().filter(inside).collect();
            let holds = |zone: &&&ZoneControl| {
                !zone.points.is_empty()
                    && zone.points.iter().all(|row| row.verdict.stands == Stands::Holds)
            };
            Coverage {
                of: name.clone(),
                bearing: zones.iter().map(|zone| zone.bearing).sum(),
                governed: zones.iter().map(|zone| zone.governed).sum(),
                zones: zones.len(),
                holding: zones.iter().filter(holds).count(),
            }
        };
        Self {
            at: view.at.to_string(),
            coverage: names.iter().map(counted).collect(),
            zones: view.zones.iter().map(ZoneControlBody::of).collect(),
            canaries: view.canaries.iter().map(CanaryBody::of).collect(),
            incidents: view.incidents.iter().map(IncidentBody::of).collect(),
        }
    }
}

/// Record sets that a DNS administrator of the lab puts into one of its zones.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabEdit {
    /// Records as a master file spells them; an owner and a type alone take the set away.
    pub records: String,
}

/// A zone of the lab after an edit.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct LabEdited {
    /// Which.
    pub zone: String,
    /// Its serial now.
    pub serial: u32,
}
