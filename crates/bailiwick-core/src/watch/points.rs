//! The three points at which the control is tested, each on its own and each with evidence (CAA-2).

use super::finding::{Cause, FindingKind};
use super::judge::{Decided, difference, lines, points_of, reference};
use super::observation::{Asked, Seen, Vantage};
use super::picture::{Known, Picture};
use super::zone::{Permitted, intended_set, permitted_domains, to_records};
use crate::estate::{CaaIntent, Issuer, ZoneKey, spelled};
use crate::names::IssuerId;
use crate::time::{SECOND_MS, Time};

spelled! {
    /// Where the control is tested.
    Point {
        /// The authority holds exactly the intended sets: at the apex, and each that is declared below it.
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

/// Whether an intended set lets an issuer issue at all.
fn is_permitted(intent: &CaaIntent, issuer: &Issuer) -> bool {
    match permitted_domains(&intended_set(intent)) {
        Permitted::Everybody => true,
        Permitted::Only(domains) => {
            issuer.caa_domains.iter().any(|one| domains.contains(&one.to_ascii_lowercase()))
        }
    }
}

/// The set of the apex first, then those that are declared below it.
fn created(decided: &Decided<'_>, picture: &Picture, issuer: &Issuer) -> Told {
    let apex = decided.key.name.apex();
    let Some(at) = reference(decided, picture) else {
        return (Stands::Unknown, "not looked at yet".to_owned(), Vec::new());
    };
    let mut sets = decided.zone.caa_sets(apex).map(|(owner, intent)| {
        let known = picture.at(Asked::Caa, at, owner);
        (owner, created_at((owner == apex, intent), issuer, at, known))
    });
    let (mut stands, mut says, mut evidence) =
        sets.next().map(|(_, told)| told).unwrap_or((Stands::Unknown, String::new(), Vec::new()));
    let (mut held, mut wrong) = (0_usize, Vec::new());
    for (owner, (one, told, leaves)) in sets {
        stands = worse(stands, one);
        evidence.extend(leaves);
        match one {
            Stands::Holds => held = held.saturating_add(1),
            Stands::Fails | Stands::Unknown => wrong.push(format!("at `{owner}`: {told}")),
        }
    }
    if wrong.is_empty() && held > 0 {
        says.push_str(&format!("; {held} of {held} sets below the apex, too"));
    }
    for told in first(wrong) {
        says.push_str("; ");
        says.push_str(&told);
    }
    (stands, says, evidence)
}

/// Names of one sentence at most.
const NAMED_MAX: usize = 5;

/// The first of them, with how many more there are.
fn first(mut all: Vec<String>) -> Vec<String> {
    let more = all.len().saturating_sub(NAMED_MAX);
    all.truncate(NAMED_MAX);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all
}

fn created_at(
    (is_apex, intent): (bool, &CaaIntent),
    issuer: &Issuer,
    at: Vantage,
    known: Option<&Known>,
) -> Told {
    let Some(known) = known else {
        return (Stands::Unknown, "not looked at yet".to_owned(), Vec::new());
    };
    let evidence = vec![known.leaf];
    if known.seen.is_failure() {
        return (Stands::Unknown, format!("{at}: {}", known.seen.lines().join(", ")), evidence);
    }
    let intended = intended_set(intent);
    let records = known.seen.records();
    if records.is_some_and(|records| to_records(records) == to_records(&intended)) {
        let says = match (intended.is_empty() && is_apex, is_permitted(intent, issuer)) {
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
    let apex = decided.key.name.apex();
    let servers = decided.zone.servers.iter().map(|server| Vantage::authority(*server));
    let resolvers = points_of(decided).map(|point| Vantage::resolver(point.server));
    let vantages: Vec<Vantage> = servers.chain(resolvers).collect();
    let mut evidence = Vec::new();
    let (mut asked, mut unknown, mut other) = (0_usize, Vec::new(), Vec::new());
    for (owner, intent) in decided.zone.caa_sets(apex) {
        let intended = to_records(&intended_set(intent));
        for vantage in &vantages {
            asked = asked.saturating_add(1);
            let shown = || {
                if owner == apex { vantage.to_string() } else { format!("{vantage} at `{owner}`") }
            };
            let Some(known) = picture.at(Asked::Caa, *vantage, owner) else {
                unknown.push(shown());
                continue;
            };
            evidence.push(known.leaf);
            match known.seen.records() {
                Some(records) if to_records(records) == intended => {}
                Some(_) => other.push(shown()),
                None => unknown.push(shown()),
            }
        }
    }
    if asked == 0 {
        return (Stands::Unknown, "no server and no resolver to ask".to_owned(), evidence);
    }
    let of = if decided.zone.caa_below.is_empty() { "" } else { " answers" };
    if !other.is_empty() {
        let (count, which) = (other.len(), first(other).join(", "));
        let says = format!("{count} of {asked}{of} say otherwise: {which}");
        return (Stands::Fails, says, evidence);
    }
    if !unknown.is_empty() {
        let (count, which) = (unknown.len(), first(unknown).join(", "));
        let what = if of.is_empty() { "give no answer" } else { "are missing" };
        return (Stands::Unknown, format!("{count} of {asked}{of} {what}: {which}"), evidence);
    }
    match remembered_until(decided, picture).filter(|until| now < *until) {
        Some(until) => (
            Stands::Unknown,
            format!("all agree; the set from before may be remembered until {until}"),
            evidence,
        ),
        None => (Stands::Holds, format!("all {asked}{of} agree"), evidence),
    }
}

/// What the compared server says of each name that should have a set.
fn seen_of<'a>(decided: &'a Decided<'_>, picture: &'a Picture) -> impl Iterator<Item = &'a Known> {
    let at = reference(decided, picture);
    let sets = decided.zone.caa_sets(decided.key.name.apex());
    sets.filter_map(move |(owner, _)| picture.at(Asked::Caa, at?, owner))
}

/// Until when a resolver that nobody asks here may remember a set from before.
fn remembered_until(decided: &Decided<'_>, picture: &Picture) -> Option<Time> {
    let until = seen_of(decided, picture).filter_map(|known| match &known.before {
        Some((Seen::Set { ttl_seconds: Some(ttl), .. }, _)) => {
            Some(known.since.plus_ms(i64::from(*ttl).saturating_mul(SECOND_MS)))
        }
        _ => None,
    });
    until.max()
}

/// When policy or a record last changed; what was tested before then was another policy (CAA-6).
#[must_use]
pub fn changed_at(decided: &Decided<'_>, picture: &Picture) -> Option<Time> {
    let record = seen_of(decided, picture).map(|known| known.since).max();
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
        Stands::Unknown if late && is_permitted(&decided.zone.caa, issuer) => {
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
