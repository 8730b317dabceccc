//! What is looked at before anybody is asked. Each check says what it saw, whether that holds, and
//! whose it is to mend (TRW-3).

use std::collections::BTreeSet;

use bailiwick_core::change::planner::{Intent, Timeline};
use bailiwick_core::change::{Plan, Precheck, Step};
use bailiwick_core::estate::{Service, ZoneKey};
use bailiwick_core::names::{CertFingerprint, PersonId, SanName, TeamId};
use bailiwick_core::records::RecordEdit;
use bailiwick_store::CertificateFilter;
use bailiwick_wire::intent::WrittenIntent;

use crate::app::{App, Asking, Live};
use crate::drive::asked_as;
use crate::drive::caa::CaaSeen;

/// Certificates of an issuer that are looked through for services that need it.
const CERTIFICATES_READ: u32 = 200;

/// One check being made.
pub(super) struct Looked {
    pub(super) name: &'static str,
    pub(super) holds: bool,
    pub(super) saw: String,
    pub(super) team: Option<TeamId>,
}

impl Looked {
    const fn fine(name: &'static str, saw: String) -> Self {
        Self { name, holds: true, saw, team: None }
    }
}

impl App {
    /// Makes every check.
    pub(super) async fn look_before(
        &self,
        live: &Live,
        asking: &Asking,
        written: &WrittenIntent,
        intent: &Intent,
        plan: &Plan,
    ) -> Vec<Precheck> {
        let Some(service) = live.estate().services.get(&written.service) else {
            return Vec::new();
        };
        let mut all = self.in_step(live, intent).await;
        all.push(owned(service, intent));
        all.push(self.served_today(intent).await);
        all.push(continuity(service, intent));
        all.extend(self.ca_is_ready(live, intent).await);
        all.extend(self.caa_permits(live, intent).await);
        all.extend(tlsa(intent));
        all.extend(self.mail_policies(live, service, intent).await);
        all.push(rollback(plan));
        let zones: BTreeSet<ZoneKey> =
            edits_by_zone(intent).into_iter().map(|(zone, _)| zone).collect();
        all.push(self.freezes(live, asking, &zones));
        all.push(self.affected(live, written, intent, service).await);
        let mut all: Vec<Precheck> =
            all.into_iter().map(|looked| self.precheck(live, looked)).collect();
        all.extend(intent.certificate.as_ref().map(|issue| self.issuing_check(live, issue)));
        all
    }

    fn precheck(&self, live: &Live, looked: Looked) -> Precheck {
        let estate = live.estate();
        let on_duty = |team: &TeamId| -> Option<PersonId> {
            estate.person_on_duty(team, self.now()).ok().map(|it| it.person().clone())
        };
        let assignee = looked.team.as_ref().filter(|_| !looked.holds).and_then(on_duty);
        Precheck { name: looked.name.to_owned(), holds: looked.holds, saw: looked.saw, assignee }
    }

    /// Makes the checks of an edit that belongs to a zone and to no service. A server that shows something
    /// else than the others is told, and no reason to leave the zone as it is: it may be what is mended.
    pub(in crate::app) async fn look_before_edit(
        &self,
        live: &Live,
        asking: &Asking,
        (zone, edit): (&ZoneKey, &RecordEdit),
        plan: &Plan,
    ) -> Vec<Precheck> {
        let zones = BTreeSet::from([zone.clone()]);
        let all = [
            self.reachable(live, zone, edit).await,
            rollback(plan),
            self.freezes(live, asking, &zones),
        ];
        all.into_iter().map(|looked| self.precheck(live, looked)).collect()
    }

    /// Every authoritative server of a zone answers.
    async fn reachable(&self, live: &Live, zone: &ZoneKey, edit: &RecordEdit) -> Looked {
        let of = live.estate().zones.get(zone);
        let team = of.map(|zone| zone.operator.clone());
        let door = match self.sight(live, zone) {
            Ok(door) => door,
            Err(saw) => return Looked { name: "authorities-answer", holds: false, saw, team },
        };
        let serials = match of {
            Some(of) => self.servers_seen(&self.authorities(zone, of)).await,
            None => Vec::new(),
        };
        let refuses = |who: &str| {
            serials.iter().any(|server| server.server == who && server.problem.is_some())
        };
        let lanes = door.rid(&[edit.reversed()]).await;
        let mut holds = !lanes.is_empty();
        let lines: Vec<String> = lanes
            .iter()
            .map(|one| {
                let answers = !one.is_silent && !refuses(&one.lane.who);
                holds &= answers;
                let step = match (answers, one.lane.shows) {
                    (false, _) => "does NOT answer",
                    (true, true) => "answers",
                    (true, false) => "answers and differs",
                };
                format!("{} {step}: {}", one.lane.who, one.lane.saw)
            })
            .collect();
        let saw = format!("zone {zone}: {}", lines.join("; "));
        Looked { name: "authorities-answer", holds, saw, team }
    }

    /// Every authoritative server of every zone answers and shows what is there now.
    async fn in_step(&self, live: &Live, intent: &Intent) -> Vec<Looked> {
        let mut all = Vec::new();
        for (zone, edits) in edits_by_zone(intent) {
            let team = live.estate().zones.get(&zone).map(|zone| zone.operator.clone());
            let (holds, saw) = match self.sight(live, &zone) {
                Err(why) => (false, why),
                Ok(door) => {
                    let back: Vec<RecordEdit> = edits.iter().map(RecordEdit::reversed).collect();
                    let lanes = door.seen(&back).await;
                    let lines: Vec<String> = lanes
                        .iter()
                        .map(|lane| {
                            let step = if lane.shows { "in step" } else { "NOT in step" };
                            format!("{} {step}: {}", lane.who, lane.saw)
                        })
                        .collect();
                    let holds = !lanes.is_empty() && lanes.iter().all(|lane| lane.shows);
                    (holds, format!("zone {zone}: {}", lines.join("; ")))
                }
            };
            all.push(Looked { name: "authorities-in-step", holds, saw, team });
        }
        all
    }

    /// What each endpoint shows today; nothing has to be there yet.
    async fn served_today(&self, intent: &Intent) -> Looked {
        let mut lines = Vec::new();
        for endpoint in &intent.endpoints {
            let shown = match self.shown(endpoint).await {
                Ok(der) => format!("certificate {}", CertFingerprint::of(&der)),
                Err(why) => format!("nothing ({why})"),
            };
            lines.push(format!("{endpoint}: {shown}"));
        }
        let saw =
            if lines.is_empty() { "no endpoint is named".to_owned() } else { lines.join("; ") };
        Looked::fine("served-today", saw)
    }

    /// CAA permits the issuer for each name: by the records that the plan publishes first, else as it
    /// is seen now, in each view.
    async fn caa_permits(&self, live: &Live, intent: &Intent) -> Option<Looked> {
        let issue = intent.certificate.as_ref()?;
        let edited: Vec<String> = intent
            .caa
            .iter()
            .filter(|wish| !wish.add.is_empty())
            .map(|wish| {
                let added = wish.add.iter().map(|rdata| {
                    crate::app::rdata_text(bailiwick_core::records::RecordType::CAA, rdata)
                });
                let added: Vec<String> = added.collect();
                format!("`{}` in zone {} will say {}", wish.owner, wish.zone, added.join(", "))
            })
            .collect();
        if !edited.is_empty() {
            let saw = format!("not yet; before the order {}", edited.join("; "));
            return Some(Looked::fine("caa-permits", saw));
        }
        let issuer = live.estate().issuers.get(&issue.issuer)?;
        let (holds, saw) = match asked_as(self, live, issue).await {
            Ok((account, names)) => {
                let seen = CaaSeen::look(self, live, &issuer.caa_domains, &account, &names).await;
                (seen.permits(), if seen.permits() { seen.summary() } else { seen.refusal() })
            }
            Err(why) => (false, why),
        };
        let zone = issue.names.first().and_then(|name| {
            live.estate().zones_of(name.dns()?, None).first().map(|(_, zone)| zone.operator.clone())
        });
        Some(Looked { name: "caa-permits", holds, saw, team: zone })
    }

    fn freezes(&self, live: &Live, asking: &Asking, zones: &BTreeSet<ZoneKey>) -> Looked {
        let estate = live.estate();
        let teams = estate.teams_of(&asking.by.person);
        let now = self.now();
        let holding = estate.organisation.freezes.iter().filter(|(_, it)| it.holds(now, zones));
        let mut said = Vec::new();
        let mut team = None;
        for (name, freeze) in holding {
            let who = &freeze.may_break;
            if teams.contains(who) {
                said.push(format!("`{name}` holds, and {who} may break it"));
            } else {
                said.push(format!(
                    "`{name}` holds until {}: {}; {who} may break it",
                    freeze.until, freeze.reason
                ));
                team = Some(who.clone());
            }
        }
        let saw = if said.is_empty() { "no freeze holds".to_owned() } else { said.join("; ") };
        Looked { name: "freezes", holds: team.is_none(), saw, team }
    }

    /// Who else lives with what is changed; a service that still gets certificates from an issuer that
    /// is shut out would be cut off.
    async fn affected(
        &self,
        live: &Live,
        written: &WrittenIntent,
        intent: &Intent,
        service: &Service,
    ) -> Looked {
        let mut said = vec![format!(
            "{} relying parties, {} endpoints",
            service.relying_parties.len(),
            intent.endpoints.len()
        )];
        let mut team = None;
        let retired = written.certificate.as_ref().and_then(|it| it.retire_issuer.clone());
        for wish in intent.caa.iter().filter(|wish| !wish.retire.is_empty()) {
            let filter = CertificateFilter {
                issuer: retired.clone(),
                ends_from: Some(self.now()),
                revoked: Some(false),
                ..CertificateFilter::default()
            };
            let Ok(page) = self.store.certificates(&filter, None, CERTIFICATES_READ).await else {
                let saw = "the certificates of the old issuer could not be read".to_owned();
                return Looked { name: "who-is-affected", holds: false, saw, team };
            };
            for row in page.items {
                let one = row.certificate;
                let below = |name: &SanName| name.is_below(wish.owner.base());
                if one.service != written.service && one.names.iter().any(below) {
                    said.push(format!(
                        "service {} has a certificate of the old issuer below `{}` and could not renew it",
                        one.service, wish.owner
                    ));
                    let other = live.estate().services.get(&one.service);
                    team = other.map(|other| other.duties.operator.clone());
                }
            }
        }
        Looked { name: "who-is-affected", holds: team.is_none(), saw: said.join("; "), team }
    }
}

/// Every edit of the plan by its zone, as far as it starts from what is there now.
fn edits_by_zone(intent: &Intent) -> Vec<(ZoneKey, Vec<RecordEdit>)> {
    let mut all: Vec<(ZoneKey, Vec<RecordEdit>)> = Vec::new();
    let Ok(plan) = intent.plan() else { return all };
    let mut seen = BTreeSet::new();
    for step in plan.steps() {
        let Step::PublishRecords(publish) = step else { continue };
        for edit in &publish.edits {
            if !seen.insert((publish.zone.clone(), edit.owner().clone(), edit.kind())) {
                continue;
            }
            match all.iter_mut().find(|(zone, _)| *zone == publish.zone) {
                Some((_, edits)) => edits.push(edit.clone()),
                None => all.push((publish.zone.clone(), vec![edit.clone()])),
            }
        }
    }
    all
}

/// Endpoints ask for names of the certificate, the certificate holds names of the service, and so do
/// the records.
fn owned(service: &Service, intent: &Intent) -> Looked {
    let mut not = Vec::new();
    let names = intent.certificate.as_ref().map(|it| it.names.as_slice()).unwrap_or_default();
    for name in names.iter().filter(|name| !service.owns(name)) {
        not.push(format!("`{name}` is no name of the service"));
    }
    let covers = |name| names.iter().any(|san| san.covers(name));
    for endpoint in intent.endpoints.iter().filter(|endpoint| !covers(&endpoint.name)) {
        not.push(format!("the certificate does not hold `{}`", endpoint.name));
    }
    for (_, edit) in &intent.moves {
        let mut base = edit.owner().base().clone();
        while base.labels().next().is_some_and(|label| label.starts_with('_')) {
            let Some(parent) = base.parent() else { break };
            base = parent;
        }
        let name = match edit.owner().is_wildcard() {
            true => SanName::star(&base),
            false => SanName::parse(base.as_str()),
        };
        if !name.is_ok_and(|name| service.owns(&name)) {
            not.push(format!("`{}` is no name of the service", edit.owner()));
        }
    }
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let holds = not.is_empty();
    let saw = if holds {
        format!(
            "{} names in the certificate, all of the service: {}",
            names.len(),
            names.join(", ")
        )
    } else {
        not.join("; ")
    };
    let team = Some(service.duties.policy_owner.clone());
    Looked { name: "names-owned", holds, saw, team }
}

/// Every known relying party can check a chain to the new issuer.
fn continuity(service: &Service, intent: &Intent) -> Looked {
    let Some(issue) = &intent.certificate else {
        return Looked::fine("chain-continuity", "no certificate changes".to_owned());
    };
    let not: Vec<&String> = service
        .relying_parties
        .iter()
        .filter(|(_, party)| !party.trusts.contains(&issue.issuer))
        .map(|(name, _)| name)
        .collect();
    let names: Vec<&str> = service.relying_parties.keys().map(String::as_str).collect();
    let issuer = &issue.issuer;
    let holds = not.is_empty();
    let saw = match (names.is_empty(), holds) {
        (true, _) => "the estate names no relying party".to_owned(),
        (false, true) => format!("{} trust issuer {issuer}", names.join(", ")),
        (false, false) => {
            let not: Vec<&str> = not.into_iter().map(String::as_str).collect();
            format!("{} would not trust issuer {issuer}; give them its root first", not.join(", "))
        }
    };
    let team = Some(service.duties.integration_owner.clone());
    Looked { name: "chain-continuity", holds, saw, team }
}

/// TLSA will name the new key before it is served.
fn tlsa(intent: &Intent) -> Option<Looked> {
    if intent.tlsa.is_empty() {
        return None;
    }
    let lines: Vec<String> = intent
        .tlsa
        .iter()
        .map(|wish| match &wish.now {
            Some(now) => format!(
                "`{}` has {} records; the new key's come beside them, twice {} s before it is served",
                wish.owner,
                now.rdata().len(),
                now.ttl_seconds()
            ),
            None => format!("`{}` is introduced when the new key is served everywhere", wish.owner),
        })
        .collect();
    Some(Looked::fine("tlsa-matches", lines.join("; ")))
}

/// How it is taken back.
fn rollback(plan: &Plan) -> Looked {
    let timeline = Timeline::of(plan);
    let saw = match plan.point_of_no_return() {
        None => format!(
            "every step can be taken back, within {} s at the latest",
            timeline.rollback_seconds()
        ),
        Some(step) => format!("from step {} on only a person can", step.saturating_add(1)),
    };
    Looked::fine("rollback-possible", saw)
}
