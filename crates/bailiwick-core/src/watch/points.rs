//! The three points at which the control is tested, each on its own and each with evidence (CAA-2).

use super::finding::{Cause, FindingKind};
use super::judge::{Decided, difference, lines, points_of, reference};
use super::observation::{Asked, Seen, Vantage};
use super::picture::{Known, Picture};
use super::zone::{Permitted, intended_set, permitted_domains, to_records};
use crate::estate::{Issuer, ZoneKey, spelled};
use crate::names::IssuerId;
use crate::time::{SECOND_MS, Time};

spelled! {
    /// Where the control is tested.
    Point {
        /// The authority holds exactly the intended set.
        Created = "created",
        /// Every server and every vantage agrees, and what was remembered of before has run out.
        Propagated = "propagated",
        /// An allowed request is served and a forbidden one refused, by the issuer itself.
        Enforced = "enforced",
    }
}

spelled! {
    /// How it stands there.
    Stands {
        /// As it should.
        Holds = "holds",
        /// Not as it should.
        Fails = "fails",
        /// It cannot be told, or not yet.
        Unknown = "unknown",
    }
}

/// A dated verdict about one point of one zone for one issuer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PointVerdict {
    /// Which zone and view.
    pub zone: ZoneKey,
    /// For which issuer.
    pub issuer: IssuerId,
    /// Which point.
    pub point: Point,
    /// How it stands.
    pub stands: Stands,
    /// Why, in one sentence.
    pub says: String,
    /// The leaves of the ledger it rests on.
    pub evidence: Vec<u64>,
}

/// The newest canaries of an issuer, as far as there were any.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Canaries {
    /// Whether canaries are agreed with this issuer at all.
    pub agreed: bool,
    /// The one zone in which somebody answers for it when they go wrong; `None`: in each.
    pub home: Option<ZoneKey>,
    /// What became of a request that CAA permits.
    pub allowed: Option<Canary>,
    /// What became of a request that CAA forbids.
    pub forbidden: Option<Canary>,
}

/// What became of one canary.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Canary {
    /// Whether the issuer did what it should; `None` where that cannot be told.
    pub right: Option<bool>,
    /// What it did, in words.
    pub says: String,
    /// When.
    pub at: Time,
    /// The leaf of the ledger that says so.
    pub leaf: u64,
}

/// The verdicts of one zone for one issuer, and what is the matter with its enforcement.
#[must_use]
pub fn points(
    decided: &Decided<'_>,
    picture: &Picture,
    (id, issuer): (&IssuerId, &Issuer),
    canaries: &Canaries,
    now: Time,
) -> (Vec<PointVerdict>, Option<Cause>) {
    let of = |point, (stands, says, evidence): Told| PointVerdict {
        zone: decided.key.clone(),
        issuer: id.clone(),
        point,
        stands,
        says,
        evidence,
    };
    let created = created(decided, picture, issuer);
    let propagated = propagated(decided, picture, now);
    let (enforced, cause) = enforced(decided, picture, (id, issuer), canaries, now);
    let verdicts = vec![
        of(Point::Created, created),
        of(Point::Propagated, propagated),
        of(Point::Enforced, enforced),
    ];
    (verdicts, cause)
}

type Told = (Stands, String, Vec<u64>);

fn apex_at<'a>(decided: &Decided<'_>, picture: &'a Picture, at: Vantage) -> Option<&'a Known> {
    picture.at(Asked::Caa, at, decided.key.name.apex())
}

/// Whether the intended set lets an issuer issue at all.
fn is_permitted(decided: &Decided<'_>, issuer: &Issuer) -> bool {
    match permitted_domains(&intended_set(&decided.zone.caa)) {
        Permitted::Everybody => true,
        Permitted::Only(domains) => {
            issuer.caa_domains.iter().any(|one| domains.contains(&one.to_ascii_lowercase()))
        }
    }
}

fn created(decided: &Decided<'_>, picture: &Picture, issuer: &Issuer) -> Told {
    let known = reference(decided, picture)
        .and_then(|at| apex_at(decided, picture, at).map(|known| (at, known)));
    let Some((at, known)) = known else {
        return (Stands::Unknown, "not looked at yet".to_owned(), Vec::new());
    };
    let evidence = vec![known.leaf];
    if known.seen.is_failure() {
        return (Stands::Unknown, format!("{at}: {}", known.seen.lines().join(", ")), evidence);
    }
    let intended = intended_set(&decided.zone.caa);
    let records = known.seen.records();
    if records.is_some_and(|records| to_records(records) == to_records(&intended)) {
        let says = match (intended.is_empty(), is_permitted(decided, issuer)) {
            (true, _) => return (Stands::Fails, "no CAA is intended".to_owned(), evidence),
            (false, true) => "exactly the intended set, which names it",
            (false, false) => "exactly the intended set, which does not name it",
        };
        return (Stands::Holds, says.to_owned(), evidence);
    }
    let diff = difference(&lines(&intended), &records.map(lines).unwrap_or_default());
    (Stands::Fails, format!("another set: {}", diff.join(", ")), evidence)
}

fn propagated(decided: &Decided<'_>, picture: &Picture, now: Time) -> Told {
    let intended = to_records(&intended_set(&decided.zone.caa));
    let servers = decided.zone.servers.iter().map(|server| Vantage::authority(*server));
    let resolvers = points_of(decided).map(|point| Vantage::resolver(point.server));
    let mut evidence = Vec::new();
    let (mut asked, mut unknown, mut other) = (0_usize, Vec::new(), Vec::new());
    for vantage in servers.chain(resolvers) {
        asked += 1;
        let Some(known) = apex_at(decided, picture, vantage) else {
            unknown.push(vantage.to_string());
            continue;
        };
        evidence.push(known.leaf);
        match known.seen.records() {
            Some(records) if to_records(records) == intended => {}
            Some(_) => other.push(vantage.to_string()),
            None => unknown.push(vantage.to_string()),
        }
    }
    if asked == 0 {
        return (Stands::Unknown, "no server and no resolver to ask".to_owned(), evidence);
    }
    if !other.is_empty() {
        let says = format!("{} of {asked} say otherwise: {}", other.len(), other.join(", "));
        return (Stands::Fails, says, evidence);
    }
    if !unknown.is_empty() {
        let says = format!("{} of {asked} give no answer: {}", unknown.len(), unknown.join(", "));
        return (Stands::Unknown, says, evidence);
    }
    match remembered_until(decided, picture).filter(|until| now < *until) {
        Some(until) => (
            Stands::Unknown,
            format!("all agree; the set from before may be remembered until {until}"),
            evidence,
        ),
        None => (Stands::Holds, format!("all {asked} agree"), evidence),
    }
}

/// Until when a resolver that nobody asks here may remember the set from before.
fn remembered_until(decided: &Decided<'_>, picture: &Picture) -> Option<Time> {
    let known = apex_at(decided, picture, reference(decided, picture)?)?;
    match &known.before {
        Some((Seen::Set { ttl_seconds: Some(ttl), .. }, _)) => {
            Some(known.since.plus_ms(i64::from(*ttl).saturating_mul(SECOND_MS)))
        }
        _ => None,
    }
}

/// When policy or record last changed; what was tested before then was another policy (CAA-6).
#[must_use]
pub fn changed_at(decided: &Decided<'_>, picture: &Picture) -> Option<Time> {
    let record = reference(decided, picture)
        .and_then(|at| apex_at(decided, picture, at))
        .map(|known| known.since);
    decided.intended_since.max(record)
}

fn enforced(
    decided: &Decided<'_>,
    picture: &Picture,
    (id, issuer): (&IssuerId, &Issuer),
    canaries: &Canaries,
    now: Time,
) -> (Told, Option<Cause>) {
    let changed = changed_at(decided, picture);
    let both = [("its own", &canaries.allowed), ("a forbidden", &canaries.forbidden)];
    let mut evidence = Vec::new();
    let mut told = Vec::new();
    let mut stands = Stands::Holds;
    for (which, canary) in both {
        let Some(canary) = canary else {
            stands = worse(stands, Stands::Unknown);
            told.push(format!("{which} request was not tried"));
            continue;
        };
        evidence.push(canary.leaf);
        let old = changed.is_some_and(|changed| canary.at < changed);
        let is = match canary.right {
            Some(false) => Stands::Fails,
            Some(true) if !old => Stands::Holds,
            Some(true) | None => Stands::Unknown,
        };
        stands = worse(stands, is);
        let since = if old { "; policy or record changed since" } else { "" };
        told.push(format!("{which} request, at {}: {}{since}", canary.at, canary.says));
    }
    if !canaries.agreed && evidence.is_empty() {
        told = vec![format!("no canary is agreed with `{id}`")];
    }
    let says = told.join("; ");
    let late = changed.is_some_and(|at| now.ms_since(at) >= decided.pace.validate_within_ms);
    let elsewhere = canaries.home.as_ref().is_some_and(|home| home != decided.key);
    let cause = match stands {
        // It fails for every zone, and is one thing to be answered.
        Stands::Fails if elsewhere => None,
        Stands::Fails => Some(cause(decided, FindingKind::EnforcementFailed, id, &says, &evidence)),
        Stands::Unknown if late && is_permitted(decided, issuer) => {
            Some(cause(decided, FindingKind::NotValidated, id, &says, &evidence))
        }
        Stands::Unknown | Stands::Holds => None,
    };
    ((stands, says, evidence), cause)
}

fn worse(a: Stands, b: Stands) -> Stands {
    match (a, b) {
        (Stands::Fails, _) | (_, Stands::Fails) => Stands::Fails,
        (Stands::Unknown, _) | (_, Stands::Unknown) => Stands::Unknown,
        (Stands::Holds, Stands::Holds) => Stands::Holds,
    }
}

fn cause(
    decided: &Decided<'_>,
    kind: FindingKind,
    issuer: &IssuerId,
    says: &str,
    evidence: &[u64],
) -> Cause {
    let (says, remedy) = if kind == FindingKind::EnforcementFailed {
        (
            format!("`{issuer}` does not do what CAA says: {says}"),
            "answer the incident on both tracks: the DNS record, and the CA (a problem report; what it \
             issued is to be revoked within 24 hours, BR 4.9.1.1)",
        )
    } else {
        (
            format!(
                "whether `{issuer}` obeys CAA was not tested since policy or record last changed: {says}"
            ),
            "agree canary names with the issuer (`canary` in issuers.toml), or run them again",
        )
    };
    Cause {
        kind,
        subject: issuer.to_string(),
        vantage: None,
        team: super::duty::team_of(kind, decided.zone).clone(),
        says,
        remedy: remedy.to_owned(),
        diff: Vec::new(),
        evidence: evidence.to_vec(),
    }
}
