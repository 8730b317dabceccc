//! Incidents: a certificate out of policy, or the report of one, answered on two tracks and reviewed
//! together (CAA-7, MIS-4).

mod due;
mod of_canary;

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{DnsName, FindingId, PersonId, TeamId};
use bailiwick_core::policy::Access;
use bailiwick_core::record::{Batch, Entry, Fact, Notice};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{FindingKind, Incident, IncidentPart, Track, due_ms, ladder};
use bailiwick_store::{IncidentRow, StoredEntry};

use super::super::words::said;
use super::super::{App, Asking, Live, News};
use super::WATCH;
use crate::fault::Fault;

pub(crate) use of_canary::{CaSide, CanaryIssued};

/// Incidents of one answer.
const INCIDENTS_MAX: u32 = 200;
/// Characters of a subject of a notice.
const TOLD_MAX: usize = 200;

/// An incident with all that belongs to it.
pub(crate) struct IncidentView {
    /// As it stands.
    pub row: IncidentRow,
    /// What happened, the oldest first.
    pub timeline: Vec<IncidentLine>,
    /// The CA's side, where it is known which CA.
    pub ca: Option<CaSide>,
}

/// Something that happened to an incident.
pub(crate) struct IncidentLine {
    /// When.
    pub at: Time,
    /// Who did it.
    pub by: String,
    /// What.
    pub says: String,
    /// The leaf of the ledger.
    pub leaf: u64,
}

/// What somebody found out.
pub(crate) struct IncidentNote {
    /// On which track.
    pub track: Track,
    /// What.
    pub says: String,
    /// Whether the track is answered with it.
    pub answered: bool,
}

/// Where an incident comes from.
pub(super) struct Opening {
    pub(super) zone: ZoneKey,
    pub(super) subject: String,
    pub(super) says: String,
    pub(super) source: String,
    pub(super) evidence: Vec<u64>,
}

impl App {
    /// Incidents, open ones first.
    pub(crate) async fn incidents(&self, asking: &Asking) -> Result<Vec<IncidentRow>, Fault> {
        self.may_watch(asking)?;
        Ok(self.store.incidents(INCIDENTS_MAX).await?)
    }

    /// Open incidents in which somebody has to act.
    pub(crate) async fn incidents_of(&self, asking: &Asking) -> Result<Vec<IncidentRow>, Fault> {
        let person = &asking.by.person;
        let mut all = self.incidents(asking).await?;
        all.retain(|row| {
            let one = &row.incident;
            let record = one.record == *person && row.record.1.is_none();
            let enforcement = one.enforcement == *person && row.enforcement.1.is_none();
            let both = row.record.1.is_some() && row.enforcement.1.is_some();
            row.reviewed.is_none() && (record || enforcement || (one.owner == *person && both))
        });
        Ok(all)
    }

    /// One incident, with what happened and what the CA has to do.
    pub(crate) async fn incident(
        &self,
        asking: &Asking,
        id: &FindingId,
    ) -> Result<IncidentView, Fault> {
        self.may_watch(asking)?;
        let row = self.incident_row(id).await?;
        let entries = self.incident_entries(&row).await?;
        let timeline = entries.iter().filter_map(line).collect();
        let ca = self.ca_side(&self.live.get(), &row);
        Ok(IncidentView { row, timeline, ca })
    }

    async fn incident_row(&self, id: &FindingId) -> Result<IncidentRow, Fault> {
        let row = self.store.incident(id).await?;
        row.ok_or_else(|| Fault::not_found(format!("incident `{id}`")))
    }

    /// The entries about an incident, the oldest first.
    async fn incident_entries(&self, row: &IncidentRow) -> Result<Vec<StoredEntry>, Fault> {
        let zone = &row.incident.zone;
        let all = self.store.incident_entries(zone, row.leaf).await?;
        Ok(all.into_iter().filter(|one| id_of(&one.entry.fact) == Some(&row.incident.id)).collect())
    }

    /// Puts down what somebody found out on one track.
    pub(crate) async fn tell_incident(
        &self,
        asking: &Asking,
        id: &FindingId,
        note: &IncidentNote,
    ) -> Result<IncidentView, Fault> {
        self.may_watch(asking)?;
        let row = self.incident_row(id).await?;
        let one = &row.incident;
        let named = match note.track {
            Track::Record => &one.record,
            Track::Enforcement => &one.enforcement,
        };
        let live = self.live.get();
        let estate = live.estate();
        let zone = estate.zones.get(&one.zone);
        let team = zone.map(|zone| IncidentPart::from(note.track).team(estate, zone));
        if !self.answers(&live, asking, named, team) && !self.reviews(&live, asking, &row) {
            return Err(Fault::NotAllowed {
                rule: "incident-track".to_owned(),
                message: format!(
                    "track `{}` of this incident is answered by `{named}`, their team, or whoever owns the control; let one of them do it",
                    note.track
                ),
            });
        }
        open(&row)?;
        let says = said("says", &note.says, "say what was found out")?;
        let fact = Fact::IncidentTold {
            incident: id.clone(),
            zone: one.zone.clone(),
            track: note.track,
            says,
            answered: note.answered,
        };
        let mut batch = Batch::default();
        batch.entries.push(self.by_person(asking, fact));
        let other = match note.track {
            Track::Record => row.enforcement.1,
            Track::Enforcement => row.record.1,
        };
        if note.answered && other.is_some() {
            batch.notices.push(notice(
                &one.owner,
                id,
                &format!("{}: both tracks are answered; review them together", one.subject),
            ));
        }
        self.commit(batch).await?;
        self.tell(News::Watch);
        self.incident(asking, id).await
    }

    /// Ends an incident with a conclusion: both tracks are answered, and whoever concludes answered none.
    pub(crate) async fn review_incident(
        &self,
        asking: &Asking,
        id: &FindingId,
        says: &str,
    ) -> Result<IncidentView, Fault> {
        self.may_watch(asking)?;
        let row = self.incident_row(id).await?;
        let live = self.live.get();
        if !self.reviews(&live, asking, &row) {
            return Err(Fault::NotAllowed {
                rule: "incident-review".to_owned(),
                message: format!(
                    "incidents are concluded by whoever owns the control: `{}`, or somebody of `{}`",
                    row.incident.owner,
                    live.estate().organisation.control_owner
                ),
            });
        }
        open(&row)?;
        for (track, (_, answered)) in
            [(Track::Record, &row.record), (Track::Enforcement, &row.enforcement)]
        {
            if answered.is_none() {
                return Err(Fault::conflict(format!(
                    "track `{track}` is not answered: {} answer it with `bailiwick incident note {id} --track {track} --answered --says \"…\"`",
                    track.question()
                )));
            }
        }
        if self.answered_a_track(&row, &asking.by).await? {
            return Err(Fault::NotAllowed {
                rule: "incident-review".to_owned(),
                message: "you answered one of its tracks; let somebody else conclude it".to_owned(),
            });
        }
        let says = said("says", says, "say what is concluded, and what follows")?;
        let fact =
            Fact::IncidentReviewed { incident: id.clone(), zone: row.incident.zone.clone(), says };
        let entry = self.by_person(asking, fact);
        self.commit(Batch { entries: vec![entry], ..Batch::default() }).await?;
        self.tell(News::Watch);
        self.incident(asking, id).await
    }

    /// Whether somebody, or whoever stands behind them, answered a track of an incident: every note is
    /// looked at, however many there are.
    async fn answered_a_track(&self, row: &IncidentRow, by: &SignedIn) -> Result<bool, Fault> {
        let theirs = |one: &StoredEntry| {
            matches!(one.entry.fact, Fact::IncidentTold { answered: true, .. })
                && id_of(&one.entry.fact) == Some(&row.incident.id)
                && one.entry.by.shares_somebody_with(by)
        };
        let mut from = row.leaf;
        loop {
            let page = self.store.incident_entries(&row.incident.zone, from).await?;
            let Some(last) = page.last() else { return Ok(false) };
            if page.iter().any(theirs) {
                return Ok(true);
            }
            from = last.index.get().saturating_add(1);
        }
    }

    fn by_person(&self, asking: &Asking, fact: Fact) -> Entry {
        Entry { at: self.now(), by: Actor::Person(asking.by.clone()), fact }
    }

    /// Whether somebody may answer a track: the person named, or one of the team.
    fn answers(
        &self,
        live: &Live,
        asking: &Asking,
        named: &PersonId,
        team: Option<&TeamId>,
    ) -> bool {
        let (estate, person) = (live.estate(), &asking.by.person);
        let in_team = team.is_some_and(|team| estate.members_of(team).contains(person));
        estate.works_here(person, self.now()) && (person == named || in_team) && writes(asking)
    }

    /// Whether somebody may conclude an incident.
    fn reviews(&self, live: &Live, asking: &Asking, row: &IncidentRow) -> bool {
        let owner = &live.estate().organisation.control_owner;
        self.answers(live, asking, &row.incident.owner, Some(owner))
    }

    /// Opens an incident: one person on each track, one who reviews, each told in the same commit.
    pub(super) fn opened(
        &self,
        live: &Live,
        what: Opening,
        batch: &mut Batch,
    ) -> Result<FindingId, Fault> {
        let id = FindingId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad incident id"))?;
        let now = self.now();
        let estate = live.estate();
        let zone = estate.zones.get(&what.zone);
        let zone = zone.ok_or_else(|| Fault::not_found(format!("zone `{}`", what.zone)))?;
        let first = |team: &TeamId| {
            let people = ladder(estate, zone, team, now);
            people.into_iter().next().unwrap_or_else(crate::lab::nobody)
        };
        let kind = FindingKind::EnforcementFailed;
        let incident = Incident {
            id: id.clone(),
            zone: what.zone,
            subject: what.subject,
            says: what.says,
            source: what.source,
            record: first(&zone.operator),
            enforcement: first(&zone.policy_owner),
            owner: first(&estate.organisation.control_owner),
            due: now.plus_ms(due_ms(kind, zone.class)),
            evidence: what.evidence,
        };
        let (subject, due) = (&incident.subject, incident.due);
        let told = [
            (&incident.record, asked_of(&incident, IncidentPart::Record, due)),
            (&incident.enforcement, asked_of(&incident, IncidentPart::Enforcement, due)),
            (&incident.owner, format!("{subject}: an incident is open; review it until {due}")),
        ];
        for (person, text) in told {
            if batch.notices.iter().all(|one| one.to != *person) {
                batch.notices.push(notice(person, &id, &text));
            }
        }
        let fact = Fact::IncidentOpened(Box::new(incident));
        batch.entries.push(Entry { at: now, by: WATCH, fact });
        Ok(id)
    }
}

/// An auditor's token only looks; so does one that was made for reading.
fn writes(asking: &Asking) -> bool {
    let narrow = asking.token.as_ref();
    narrow.is_none_or(|token| token.allows.contains(&Access::Request))
}

/// What somebody is asked for.
fn asked_of(incident: &Incident, part: IncidentPart, due: Time) -> String {
    let what = match part {
        IncidentPart::Record => "answer for the DNS record",
        IncidentPart::Enforcement => "answer for the CA",
        IncidentPart::Review => "both tracks are answered; review them together",
    };
    format!("{}: {what} until {due}", incident.subject)
}

fn open(row: &IncidentRow) -> Result<(), Fault> {
    match &row.reviewed {
        None => Ok(()),
        Some((at, _)) => Err(Fault::conflict(format!("this incident is over since {at}"))),
    }
}

fn notice(to: &PersonId, id: &FindingId, text: &str) -> Notice {
    let subject = text.chars().take(TOLD_MAX).collect();
    Notice { to: to.clone(), subject, page: format!("incidents/{id}") }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other fact is about something else")]
const fn id_of(fact: &Fact) -> Option<&FindingId> {
    match fact {
        Fact::IncidentOpened(one) => Some(&one.id),
        Fact::IncidentHandedOn(on) => Some(&on.incident),
        Fact::IncidentTold { incident, .. } | Fact::IncidentReviewed { incident, .. } => {
            Some(incident)
        }
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller hands over these facts only")]
fn line(one: &StoredEntry) -> Option<IncidentLine> {
    let says = match &one.entry.fact {
        Fact::IncidentOpened(incident) => format!("opened: {}", incident.says),
        Fact::IncidentTold { track, says, answered, .. } => {
            let how = if *answered { "answered" } else { "noted" };
            format!("{track}, {how}: {says}")
        }
        Fact::IncidentHandedOn(on) => {
            format!("{} is handed on to {} until {}: {}", on.part, on.person, on.due, on.why)
        }
        Fact::IncidentReviewed { says, .. } => format!("concluded: {says}"),
        _ => return None,
    };
    let leaf = u64::try_from(one.index.as_i64()).ok()?;
    Some(IncidentLine { at: one.entry.at, by: one.entry.by.to_string(), says, leaf })
}

/// The name of a report lies in this zone.
pub(super) fn zone_of<'a>(live: &'a Live, name: &DnsName) -> Option<&'a ZoneKey> {
    let estate = live.estate();
    let views = bailiwick_core::estate::View::ALL;
    views.iter().find_map(|view| estate.zone_of(name, *view).map(|(key, _)| key))
}
