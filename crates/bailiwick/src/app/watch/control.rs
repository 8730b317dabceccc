//! The control as a whole: the board, coverage, and what was seen of a name and when.

use std::collections::BTreeSet;

use bailiwick_core::caa::{FailSafe, FailSafeFacts};
use bailiwick_core::estate::{Exception, Zone, ZoneKey};
use bailiwick_core::names::{DnsName, ExceptionId, TeamId};
use bailiwick_core::policy::Access;
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    Asked, Effective, FindingKind, Picture, Point, Quorum, Stands, Vantage, quorum,
};
use bailiwick_store::{
    CanaryRow, FindingFilter, FindingRow, IncidentRow, ObservationRow, PointRow,
};

use super::super::{App, Asking, Live, Scope};
use super::{Gathered, names};
use crate::fault::Fault;

/// Open findings that the board counts.
const FINDINGS_MAX: u32 = 1_000;
/// Observations of one name that its history shows.
const HISTORY_MAX: u32 = 200;
/// Names that a tree shows.
const TREE_MAX: u32 = 1_000;

/// The board.
pub(crate) struct ControlView {
    /// Each zone.
    pub zones: Vec<ZoneControl>,
    /// The newest canaries.
    pub canaries: Vec<CanaryRow>,
    /// Incidents, open ones first.
    pub incidents: Vec<IncidentRow>,
    /// When this was put together.
    pub at: Time,
}

/// One row of the board.
pub(crate) struct ZoneControl {
    /// Which zone and view.
    pub zone: ZoneKey,
    /// The unit of whoever publishes its records.
    pub unit: String,
    /// Policy owner, publisher and control owner, each as team and person on duty (CAA-1).
    pub duties: Vec<(&'static str, String, Option<String>)>,
    /// The verdicts, three for each issuer.
    pub points: Vec<PointRow>,
    /// What is open.
    pub findings: Vec<FindingRow>,
    /// Exceptions of the watch that hold now.
    pub exceptions: Vec<(ExceptionId, Exception)>,
    /// How many of its names have or may have certificates.
    pub bearing: usize,
    /// How many of those a set governs, as its primary serves it.
    pub governed: usize,
    /// When it was last looked at.
    pub looked_at: Option<Time>,
    /// Which controls would stand if CAA were ignored (CAA-4).
    pub fail_safe: FailSafe,
    /// What a public CA would find that looks from where our vantages stand (BR 3.2.2.9).
    pub quorum: Vec<Quorum>,
}

/// What was seen of a name.
pub(crate) struct WatchedName {
    /// The name.
    pub name: DnsName,
    /// The moment that is asked about.
    pub at: Time,
    /// For each vantage the way up and the set that decided.
    pub then: Vec<VantageThen>,
    /// What was seen at the name itself over time, the newest first.
    pub history: Vec<ObservationRow>,
}

/// What decided for a name at one vantage at a moment.
pub(crate) struct VantageThen {
    /// In which zone and view.
    pub zone: ZoneKey,
    /// Which vantage.
    pub vantage: Vantage,
    /// The names asked on the way up, to the one that decided.
    pub way: Vec<ObservationRow>,
    /// The serial that the server had.
    pub serial: Option<ObservationRow>,
}

impl App {
    /// The board: how every zone stands.
    pub(crate) async fn control(&self, asking: &Asking) -> Result<ControlView, Fault> {
        self.permit(asking, Access::Read, &Scope::Organisation)?;
        let live = self.live.get();
        let filter = FindingFilter { open: true, ..FindingFilter::default() };
        let findings = self.store.findings(&filter, FINDINGS_MAX).await?;
        let points = self.store.control_points(None).await?;
        let mut zones = Vec::new();
        for key in live.estate().zones.keys() {
            zones.push(self.zone_control(&live, key, &points, &findings).await?);
        }
        Ok(ControlView {
            zones,
            canaries: self.store.canaries(None).await?,
            incidents: self.store.incidents(50).await?,
            at: self.now(),
        })
    }

    async fn zone_control(
        &self,
        live: &Live,
        key: &ZoneKey,
        points: &[PointRow],
        findings: &[FindingRow],
    ) -> Result<ZoneControl, Fault> {
        let estate = live.estate();
        let now = self.now();
        let zone = estate.zones.get(key).ok_or_else(|| Fault::bug("a zone of the list is gone"))?;
        let on_duty = |team: &TeamId| {
            let person = estate.person_on_duty(team, now).ok();
            person.map(|on_duty| on_duty.person().to_string())
        };
        let duty = |what, team: &TeamId| (what, team.to_string(), on_duty(team));
        let issued = self.store.names_in_date_below(key.name.apex(), now, TREE_MAX).await?;
        let bearing = names::bearing(live, key, &issued);
        let picture = self.store.picture(key).await?;
        let known = |point: &&PointRow| {
            point.verdict.zone == *key && estate.issuers.contains_key(&point.verdict.issuer)
        };
        let excepted = |one: &Exception| {
            FindingKind::parse(one.rule.as_str()).is_some()
                && now < one.until
                && covers(estate, &one.scope, key)
        };
        Ok(ZoneControl {
            zone: key.clone(),
            unit: estate
                .teams
                .get(&zone.operator)
                .map(|team| team.unit.clone())
                .unwrap_or_default(),
            duties: vec![
                duty("policy", &zone.policy_owner),
                duty("records", &zone.operator),
                duty("control", &estate.organisation.control_owner),
            ],
            points: in_order(points.iter().filter(known).cloned().collect()),
            findings: findings.iter().filter(|row| row.finding.zone == *key).cloned().collect(),
            exceptions: estate
                .exceptions
                .iter()
                .filter(|(_, one)| excepted(one))
                .map(|(id, one)| (id.clone(), one.clone()))
                .collect(),
            governed: governed(&picture, key, zone.servers.first().copied(), &bearing),
            bearing: bearing.len(),
            looked_at: self.store.looked_at(key).await?,
            fail_safe: FailSafeFacts::of_name(estate, key, zone, key.name.apex()).judge(),
            quorum: self.quorum_of(live, key, zone, &picture),
        })
    }

    /// What the vantages say together, for each issuer.
    fn quorum_of(&self, live: &Live, key: &ZoneKey, zone: &Zone, picture: &Picture) -> Vec<Quorum> {
        let gathered = Gathered::default();
        let pace = self.settings.watch.map(|watching| watching.pace).unwrap_or_default();
        quorum(&gathered.decided(live, key, zone, pace), picture, self.now())
    }

    /// What CAA said for a name at a moment, at every vantage or at one server, and its history.
    pub(crate) async fn watched_name(
        &self,
        asking: &Asking,
        name: &DnsName,
        at: Option<Time>,
        server: Option<std::net::SocketAddr>,
    ) -> Result<WatchedName, Fault> {
        self.permit(asking, Access::Read, &Scope::Organisation)?;
        let at = at.unwrap_or_else(|| self.now());
        let above: Vec<DnsName> =
            std::iter::successors(Some(name.clone()), DnsName::parent).collect();
        let rows = self.store.observed_at(&above, at).await?;
        let wanted = |vantage: &Vantage| server.is_none_or(|server| vantage.server() == server);
        let keys: BTreeSet<(ZoneKey, Vantage)> = rows
            .iter()
            .map(|row| (row.observation.zone.clone(), row.observation.vantage))
            .filter(|(_, vantage)| wanted(vantage))
            .collect();
        let history = self.store.observations_of(name, HISTORY_MAX).await?;
        if keys.is_empty() && history.is_empty() {
            let message = format!("name `{name}` among those that are watched");
            return Err(Fault::not_found(message));
        }
        let history = history.into_iter().filter(|row| wanted(&row.observation.vantage)).collect();
        let then = keys.into_iter().map(|key| climbed(key, &above, &rows)).collect();
        Ok(WatchedName { name: name.clone(), at, then, history })
    }

    /// The names of a zone with the set that each inherits, and from where.
    pub(crate) async fn zone_tree(
        &self,
        asking: &Asking,
        key: &ZoneKey,
    ) -> Result<(ZoneControl, Vec<TreeLine>), Fault> {
        self.permit(asking, Access::Read, &Scope::Organisation)?;
        let live = self.live.get();
        let gone = || Fault::not_found(format!("zone `{key}`"));
        let zone = live.estate().zones.get(key).ok_or_else(gone)?;
        let filter =
            FindingFilter { open: true, zone: Some(key.clone()), ..FindingFilter::default() };
        let findings = self.store.findings(&filter, FINDINGS_MAX).await?;
        let points = self.store.control_points(Some(key)).await?;
        let control = self.zone_control(&live, key, &points, &findings).await?;
        let picture = self.store.picture(key).await?;
        let issued = self.store.names_in_date_below(key.name.apex(), self.now(), TREE_MAX).await?;
        let bearing = names::bearing(&live, key, &issued);
        let vantage = zone.servers.first().copied().map(Vantage::authority);
        let lines = names::owners(key, &bearing).into_iter().map(|name| {
            let effective = vantage.map(|at| picture.effective(at, &name, key.name.apex()));
            let (from, set) = match effective {
                Some(Effective::Set(from, known)) => (Some(from.clone()), known.seen.lines()),
                Some(Effective::Nothing) => (None, vec!["no CAA".to_owned()]),
                Some(Effective::Unknown) | None => (None, vec!["not known".to_owned()]),
            };
            TreeLine { bearing: bearing.contains(&name), name, from, set }
        });
        Ok((control, lines.collect()))
    }
}

/// One name of a tree.
pub(crate) struct TreeLine {
    /// The name.
    pub name: DnsName,
    /// Whether it has or may have certificates.
    pub bearing: bool,
    /// Where its set stands; `None`: nowhere, or it is not known.
    pub from: Option<DnsName>,
    /// The set.
    pub set: Vec<String>,
}

fn covers(
    estate: &bailiwick_core::estate::Estate,
    scope: &bailiwick_core::estate::Scope,
    key: &ZoneKey,
) -> bool {
    use bailiwick_core::estate::Scope as Covered;
    match scope {
        Covered::Zone(zone) => zone == key,
        Covered::Name(name) => name
            .dns()
            .and_then(|base| estate.zone_of(base, key.view))
            .is_some_and(|(one, _)| one == key),
        Covered::Service(id) => estate.services.get(id).is_some_and(|service| {
            service.names.iter().any(|name| {
                name.dns()
                    .and_then(|base| estate.zone_of(base, key.view))
                    .is_some_and(|(one, _)| one == key)
            })
        }),
    }
}

/// Each issuer's points in the order in which they are tested.
fn in_order(mut points: Vec<PointRow>) -> Vec<PointRow> {
    points.sort_by(|a, b| {
        let (a, b) = (&a.verdict, &b.verdict);
        a.issuer.cmp(&b.issuer).then(a.point.cmp(&b.point))
    });
    points
}

/// How many names a set governs, as one server serves them.
fn governed(
    picture: &Picture,
    key: &ZoneKey,
    server: Option<std::net::SocketAddr>,
    bearing: &BTreeSet<DnsName>,
) -> usize {
    let Some(vantage) = server.map(Vantage::authority) else { return 0 };
    let is = |name: &&DnsName| {
        matches!(picture.effective(vantage, name, key.name.apex()), Effective::Set(..))
    };
    bearing.iter().filter(is).count()
}

fn climbed(
    (zone, vantage): (ZoneKey, Vantage),
    above: &[DnsName],
    rows: &[ObservationRow],
) -> VantageThen {
    let of = |asked: Asked, owner: &DnsName| {
        let mut here = rows.iter().filter(|row| {
            let one = &row.observation;
            one.zone == zone && one.vantage == vantage && one.asked == asked && one.owner == *owner
        });
        here.next_back().cloned()
    };
    let mut way = Vec::new();
    for owner in above {
        let Some(row) = of(Asked::Caa, owner) else { continue };
        let decided = row.observation.seen.records().is_none_or(|records| !records.is_empty());
        way.push(row);
        if decided {
            break;
        }
    }
    let serial = of(Asked::Serial, zone.name.apex());
    VantageThen { zone, vantage, way, serial }
}

impl ZoneControl {
    /// How the control stands at a point: the worst of its issuers.
    pub(crate) fn at(&self, point: Point) -> Option<&PointRow> {
        let rows = self.points.iter().filter(|row| row.verdict.point == point);
        rows.max_by_key(|row| match row.verdict.stands {
            Stands::Holds => 0,
            Stands::Unknown => 1,
            Stands::Fails => 2,
        })
    }
}
