//! What is the matter with a zone: a pure function of what was decided, what is seen, and the time.

mod authorities;
mod intent;
mod quorum;
mod resolvers;
mod sets;

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Cause, FindingKind};
use super::observation::{Asked, Vantage};
use super::picture::{Known, Picture};
use crate::caa::CaaRecord;
use crate::estate::{Connector, Estate, Exception, Scope, VantagePoint, Zone, ZoneKey};
use crate::names::{DnsName, ExceptionId, IssuerId, SanName};
use crate::time::{DAY_MS, HOUR_MS, Time};

pub use quorum::{Quorum, quorum};

/// Lines of a difference at most; behind, one knows enough.
const DIFF_LINES_MAX: usize = 24;
/// Characters of such a line at most: a record may have 64 KiB.
const LINE_CHARS_MAX: usize = 200;

/// How long things may take before they are a finding.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pace {
    /// Servers may differ for so long while a change goes round, in milliseconds.
    pub grace_ms: i64,
    /// After so long without a certificate an issuer counts as unused, in milliseconds.
    pub unused_ms: i64,
    /// Within so long after a change of policy or record it has to be tested, in milliseconds.
    pub validate_within_ms: i64,
}

impl Default for Pace {
    /// 20 s: a NOTIFY is followed within seconds, and what is wrong has to be known within 60.
    fn default() -> Self {
        Self { grace_ms: 20_000, unused_ms: 90 * DAY_MS, validate_within_ms: HOUR_MS }
    }
}

/// What was decided about a zone.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// The whole estate.
    pub estate: &'a Estate,
    /// Which zone.
    pub key: &'a ZoneKey,
    /// The zone.
    pub zone: &'a Zone,
    /// Since when its intended set is the one it is.
    pub intended_since: Option<Time>,
    /// The names in it that have or may have certificates (CAA-3).
    pub bearing: &'a BTreeSet<DnsName>,
    /// Sets that changes of ours wrote, by owner.
    pub written: &'a BTreeMap<DnsName, Vec<Vec<CaaRecord>>>,
    /// When each issuer last issued for a name of the zone.
    pub last_use: &'a BTreeMap<IssuerId, Time>,
    /// Accounts that are over, by their URI, with why.
    pub accounts_over: &'a BTreeMap<String, String>,
    /// Our account at each issuer behind ACME.
    pub accounts: &'a BTreeMap<IssuerId, String>,
    /// How long things may take.
    pub pace: Pace,
}

/// A cause that an exception sets aside.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Excepted {
    /// What is the matter.
    pub cause: Cause,
    /// Which exception.
    pub exception: ExceptionId,
    /// Until when.
    pub until: Time,
}

/// What is the matter.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Judged {
    /// What somebody has to answer for.
    pub causes: Vec<Cause>,
    /// What an exception sets aside; when it ends, the cause is among the others again.
    pub excepted: Vec<Excepted>,
    /// Where nothing can be seen at the moment; `None` stands for the zone as a whole.
    pub blind: BTreeSet<Option<Vantage>>,
}

impl Judged {
    /// Adds a cause, or sets it aside where an exception holds for it.
    pub fn add(&mut self, decided: &Decided<'_>, cause: Cause, now: Time) {
        match exception(decided, &cause, now) {
            Some((id, it)) => {
                self.excepted.push(Excepted { cause, exception: id.clone(), until: it.until });
            }
            None => self.causes.push(cause),
        }
    }
}

/// Holds what is seen of a zone against what was decided.
#[must_use]
pub fn judge(decided: &Decided<'_>, picture: &Picture, now: Time) -> Judged {
    let mut judged = Judged::default();
    let mut found = Vec::new();
    for (asked, vantage, owner, known) in picture.iter() {
        let apex = owner == decided.key.name.apex();
        if known.seen.is_failure() && (asked == Asked::Caa || vantage.is_authority()) && apex {
            judged.blind.insert(Some(vantage));
        }
    }
    match reference(decided, picture) {
        Some(reference) if judged.blind.contains(&Some(reference)) => {
            judged.blind.insert(None);
        }
        Some(reference) => sets::judge(decided, picture, reference, &mut found),
        None => {
            judged.blind.insert(None);
        }
    }
    authorities::judge(decided, picture, now, &mut found);
    resolvers::judge(decided, picture, now, &mut found);
    intent::judge(decided, now, &mut found);
    found.extend(quorum::judge(decided, picture, now));
    for cause in found {
        judged.add(decided, cause, now);
    }
    judged
}

/// Whose word about the zone is compared with what was decided: the primary, else the first server, else,
/// where no server of it is known, the first resolver of its view.
#[must_use]
pub(super) fn reference(decided: &Decided<'_>, picture: &Picture) -> Option<Vantage> {
    let servers = &decided.zone.servers;
    let primary = decided.zone.connector.as_ref().and_then(Connector::server);
    let primary = primary.filter(|one| servers.contains(one)).or(servers.first().copied());
    let mut points = points_of(decided);
    let first = || points.next().map(|point| Vantage::resolver(point.server));
    let vantage = primary.map(Vantage::authority).or_else(first)?;
    picture.vantages().contains(&vantage).then_some(vantage)
}

/// The resolvers of the zone's view.
pub(super) fn points_of<'a>(decided: &Decided<'a>) -> impl Iterator<Item = &'a VantagePoint> {
    let view = decided.key.view;
    decided.estate.organisation.vantages.values().filter(move |point| point.view == view)
}

fn exception<'a>(
    decided: &Decided<'a>,
    cause: &Cause,
    now: Time,
) -> Option<(&'a ExceptionId, &'a Exception)> {
    let name = SanName::parse(&cause.subject).ok();
    let covers = |scope: &Scope| match scope {
        Scope::Zone(zone) => zone == decided.key,
        Scope::Name(one) => name.as_ref() == Some(one),
        Scope::Service(id) => {
            let service = decided.estate.services.get(id);
            service.zip(name.as_ref()).is_some_and(|(service, name)| service.owns(name))
        }
    };
    decided.estate.exceptions.iter().find(|(_, it)| {
        it.rule.as_str() == cause.kind.as_str() && now < it.until && covers(&it.scope)
    })
}

/// A cause with its team; the rest is filled in by whoever found it.
pub(super) fn cause(
    decided: &Decided<'_>,
    kind: FindingKind,
    subject: &DnsName,
    says: String,
    remedy: impl Into<String>,
) -> Cause {
    Cause {
        kind,
        subject: subject.to_string(),
        vantage: None,
        team: super::duty::team_of(kind, decided.zone).clone(),
        says,
        remedy: remedy.into(),
        diff: Vec::new(),
        evidence: Vec::new(),
    }
}

/// What is decided and not there, then what is there and not decided.
pub(super) fn difference(decided: &[String], there: &[String]) -> Vec<String> {
    let gone = decided.iter().filter(|one| !there.contains(one)).map(|one| format!("- {one}"));
    let new = there.iter().filter(|one| !decided.contains(one)).map(|one| format!("+ {one}"));
    let short = |line: String| line.chars().take(LINE_CHARS_MAX).collect();
    gone.chain(new).take(DIFF_LINES_MAX).map(short).collect()
}

/// Lines of records, compared as they count.
pub(super) fn lines(records: &[CaaRecord]) -> Vec<String> {
    super::zone::to_records(records).iter().map(ToString::to_string).collect()
}

/// Since when two vantages differ: since the later of the two came to say what it says.
pub(super) fn differ_since(one: &Known, other: &Known) -> Time {
    one.since.max(other.since)
}
