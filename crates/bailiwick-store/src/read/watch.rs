//! What was seen and when, findings, verdicts, canaries and incidents.

mod columns;
mod leaves;

use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{DnsName, FindingId, IssuerId, PersonId};
use bailiwick_core::record::CanaryFlight;
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    CanaryRun, ClosedBy, Finding, Incident, Known, Observation, Picture, PointVerdict,
};
use bailiwick_wire::seen::decode_seen;

use self::columns::{canary, finding, flight, incident, observation, observation_row, point};
use super::ledger::StoredEntry;
use super::select::Select;
use crate::db::{Arg, Reader, args};
use crate::error::StoreError;
use crate::open::Store;
use crate::page::clamp;

/// Observations of one zone that stand, at most: the names of a zone that are watched are bounded too.
const OF_ZONE_MAX: u32 = 20_000;

/// Something that was seen, from when to when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObservationRow {
    /// The leaf of the ledger that says so.
    pub leaf: u64,
    /// What.
    pub observation: Observation,
    /// From when on.
    pub since: Time,
    /// Until when; `None`: it still stands.
    pub until: Option<Time>,
}

/// A finding with its times.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FindingRow {
    /// The leaf of the ledger that opened it.
    pub leaf: u64,
    /// The finding, with whoever has to act now.
    pub finding: Finding,
    /// When it was opened.
    pub opened_at: Time,
    /// How often it was handed on.
    pub handed_on: u32,
    /// When and how it ended, with what somebody said.
    pub closed: Option<(Time, ClosedBy, String)>,
}

/// Which findings.
#[derive(Clone, Debug, Default)]
pub struct FindingFilter {
    /// Only those that are open.
    pub open: bool,
    /// Only those somebody has to act on.
    pub assignee: Option<PersonId>,
    /// Only those of a zone.
    pub zone: Option<ZoneKey>,
}

/// A verdict with its leaf and date.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PointRow {
    /// The leaf of the ledger.
    pub leaf: u64,
    /// The verdict.
    pub verdict: PointVerdict,
    /// Since when it stands.
    pub at: Time,
}

/// A canary with its leaf and date.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CanaryRow {
    /// The leaf of the ledger.
    pub leaf: u64,
    /// What became of it.
    pub run: CanaryRun,
    /// When.
    pub at: Time,
}

/// An incident with what was told on its tracks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IncidentRow {
    /// The leaf of the ledger that opened it.
    pub leaf: u64,
    /// The incident.
    pub incident: Incident,
    /// When it was opened.
    pub opened_at: Time,
    /// What was told about the record, and when it was answered.
    pub record: (Option<String>, Option<Time>),
    /// What was told about the CA, and when it was answered.
    pub enforcement: (Option<String>, Option<Time>),
    /// When it was reviewed, and the conclusion.
    pub reviewed: Option<(Time, String)>,
}

macro_rules! finding {
    ($rest:literal) => {
        concat!(
            "SELECT id, idx, kind, zone, subject, vantage, team, assignee, next, due, says, remedy, \
             diff, evidence, opened_at, handed_on, closed_at, closed_by, note FROM finding ",
            $rest
        )
    };
}

macro_rules! control_point {
    ($rest:literal) => {
        concat!(
            "SELECT zone, issuer, point, idx, stands, says, evidence, judged_at FROM control_point ",
            $rest
        )
    };
}

macro_rules! canary {
    ($rest:literal) => {
        concat!(
            "SELECT issuer, zone, permitted, idx, name, stands, says, certificate, revoked, placed, \
             caa, at FROM canary ",
            $rest
        )
    };
}

macro_rules! incident {
    ($rest:literal) => {
        concat!(
            "SELECT id, idx, zone, subject, says, source, record, enforcement, owner, due, \
             evidence, opened_at, record_says, record_answered, enforcement_says, \
             enforcement_answered, reviewed_at, conclusion FROM incident ",
            $rest
        )
    };
}

impl Store {
    /// All that is known of a zone now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn picture(&self, zone: &ZoneKey) -> Result<Picture, StoreError> {
        let now = "SELECT c.idx, c.zone, c.owner, c.asked, c.vantage, c.seen, c.since, \
            p.seen, p.since FROM observation AS c LEFT JOIN observation AS p \
            ON p.zone = c.zone AND p.owner = c.owner AND p.asked = c.asked \
            AND p.vantage = c.vantage AND p.until = c.since AND p.idx < c.idx \
            WHERE c.zone = $1 AND c.until IS NULL ORDER BY c.idx, p.idx LIMIT $2";
        let rows = self.inner.db.all(now, &args![zone.to_string(), OF_ZONE_MAX]).await?;
        let mut picture = Picture::default();
        for row in rows {
            let mut row = Reader::new("observation", row);
            let (leaf, observation) = observation(&mut row)?;
            let since = row.time()?;
            let before = row.text_maybe()?;
            let before = before.map(|text| decode_seen(&text).map_err(|why| row.damaged(why)));
            let before = before.transpose()?.zip(row.time_maybe()?);
            let seen = observation.seen.clone();
            picture.put(&observation, Known { seen, since, leaf, before });
        }
        Ok(picture)
    }

    /// What stood at a moment for some names, from any vantage: one look-up.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn observed_at(
        &self,
        names: &[DnsName],
        at: Time,
    ) -> Result<Vec<ObservationRow>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut select = Select::new(
            "SELECT idx, zone, owner, asked, vantage, seen, since, until FROM observation",
        );
        let owned = |name: &DnsName| [Arg::from(name.as_str().to_owned())];
        if let Some((first, rest)) = names.split_first() {
            select.and("(owner = ?", owned(first));
            for name in rest {
                select.push(" OR owner = ?", owned(name));
            }
            select.push(")", []);
        }
        select.and("since <= ?", [Arg::from(at)]);
        select.and("(until IS NULL OR until > ?)", [Arg::from(at)]);
        select.push(" ORDER BY vantage, owner, asked, idx LIMIT ?", [Arg::from(OF_ZONE_MAX)]);
        let (sql, args) = select.done();
        self.inner.db.all(sql, &args).await?.into_iter().map(observation_row).collect()
    }

    /// What was seen of one name over time, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn observations_of(
        &self,
        name: &DnsName,
        limit: u32,
    ) -> Result<Vec<ObservationRow>, StoreError> {
        let some = "SELECT idx, zone, owner, asked, vantage, seen, since, until FROM observation \
            WHERE owner = $1 ORDER BY since DESC, idx DESC LIMIT $2";
        let rows = self.inner.db.all(some, &args![name, clamp(limit)]).await?;
        rows.into_iter().map(observation_row).collect()
    }

    /// When a zone was last looked at.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn looked_at(&self, zone: &ZoneKey) -> Result<Option<Time>, StoreError> {
        let one = "SELECT at FROM watch_look WHERE zone = $1";
        let row = self.inner.db.first(one, &args![zone.to_string()]).await?;
        row.map(|row| Reader::new("watch_look", row).time()).transpose()
    }

    /// Findings, those due first; closed ones the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn findings(
        &self,
        filter: &FindingFilter,
        limit: u32,
    ) -> Result<Vec<FindingRow>, StoreError> {
        let mut select = Select::new(finding!(""));
        if filter.open {
            select.and("closed_at IS NULL", []);
        }
        if let Some(person) = &filter.assignee {
            select.and("assignee = ?", [Arg::from(person.as_str().to_owned())]);
        }
        if let Some(zone) = &filter.zone {
            select.and("zone = ?", [Arg::from(zone.to_string())]);
        }
        let order = if filter.open {
            " ORDER BY due, id LIMIT ?"
        } else {
            " ORDER BY opened_at DESC, id DESC LIMIT ?"
        };
        select.push(order, [Arg::from(clamp(limit))]);
        let (sql, args) = select.done();
        self.inner.db.all(sql, &args).await?.into_iter().map(finding).collect()
    }

    /// One finding.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finding(&self, id: &FindingId) -> Result<Option<FindingRow>, StoreError> {
        let row = self.inner.db.first(finding!("WHERE id = $1"), &args![id.as_str()]).await?;
        row.map(finding).transpose()
    }

    /// The verdicts of a zone, or of all zones.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn control_points(
        &self,
        zone: Option<&ZoneKey>,
    ) -> Result<Vec<PointRow>, StoreError> {
        let db = &self.inner.db;
        let rows = match zone {
            Some(zone) => {
                let some = control_point!("WHERE zone = $1 ORDER BY zone, issuer, point");
                db.all(some, &args![zone.to_string()]).await?
            }
            None => db.all(control_point!("ORDER BY zone, issuer, point"), &[]).await?,
        };
        rows.into_iter().map(point).collect()
    }

    /// The newest canaries of an issuer, or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn canaries(&self, issuer: Option<&IssuerId>) -> Result<Vec<CanaryRow>, StoreError> {
        let db = &self.inner.db;
        let rows = match issuer {
            Some(issuer) => {
                let some = canary!("WHERE issuer = $1 ORDER BY issuer, zone, permitted, name");
                db.all(some, &args![issuer]).await?
            }
            None => db.all(canary!("ORDER BY issuer, zone, permitted, name"), &[]).await?,
        };
        rows.into_iter().map(canary).collect()
    }

    /// The newest canaries about one zone, of every issuer.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn canaries_in_zone(&self, zone: &ZoneKey) -> Result<Vec<CanaryRow>, StoreError> {
        let some = canary!("WHERE zone = $1 ORDER BY issuer, zone, permitted, name");
        let rows = self.inner.db.all(some, &args![zone.to_string()]).await?;
        rows.into_iter().map(canary).collect()
    }

    /// Canaries that were sent and not answered yet, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn canary_flights(&self) -> Result<Vec<CanaryFlight>, StoreError> {
        let all = "SELECT run, issuer, zone, name, sense, csr, spki, caa, at FROM canary_flight \
            ORDER BY at, run";
        self.inner.db.all(all, &[]).await?.into_iter().map(flight).collect()
    }

    /// Incidents, open ones first, then the newest.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn incidents(&self, limit: u32) -> Result<Vec<IncidentRow>, StoreError> {
        let some = incident!(
            "ORDER BY CASE WHEN reviewed_at IS NULL THEN 0 ELSE 1 END, opened_at DESC, id LIMIT $1"
        );
        self.inner.db.all(some, &args![clamp(limit)]).await?.into_iter().map(incident).collect()
    }

    /// The open incidents of a zone, the oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_incidents(&self, zone: &ZoneKey) -> Result<Vec<IncidentRow>, StoreError> {
        let some = incident!("WHERE zone = $1 AND reviewed_at IS NULL ORDER BY opened_at, id");
        self.inner.db.all(some, &args![zone.to_string()]).await?.into_iter().map(incident).collect()
    }

    /// One incident.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn incident(&self, id: &FindingId) -> Result<Option<IncidentRow>, StoreError> {
        let row = self.inner.db.first(incident!("WHERE id = $1"), &args![id.as_str()]).await?;
        row.map(incident).transpose()
    }

    /// The entries about incidents of a zone from a leaf on, the oldest first: a thousand at most, and none
    /// where there are no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn incident_entries(
        &self,
        zone: &ZoneKey,
        from: u64,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let all = "SELECT idx, body FROM entry WHERE subject = $1 AND idx >= $2 \
            AND kind LIKE 'incident.%' ORDER BY idx LIMIT 1000";
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let rows = self.inner.db.all(all, &args![format!("zone/{zone}"), from]).await?;
        rows.into_iter().map(super::ledger::stored).collect()
    }
}
