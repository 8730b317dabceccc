//! Evidence of a control, read again from its leaves: every verdict is recomputed, and the summary is made
//! anew. The same code makes a pack and checks one, without a server.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{Estate, EstateHistory, ZoneKey};
use bailiwick_core::names::Digest;
use bailiwick_core::record::{Entry, Fact};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{Decided, Known, Observation, Pace, Picture, PointVerdict, points};
use bailiwick_store::CanaryRow;
use bailiwick_wire::evidence::{Pack, WrongPack, activated};
use bailiwick_wire::ledger::Trust;

use crate::app::canaries_of;

/// What a pack is about.
pub(crate) struct Period<'a> {
    /// Which zone.
    pub zone: &'a ZoneKey,
    /// From when.
    pub from: Time,
    /// Until when.
    pub until: Time,
}

/// What came of reading a pack again.
#[derive(Debug, Default)]
pub(crate) struct Reread {
    /// Verdicts that come out as they were judged.
    pub verdicts: usize,
    /// Those that do not.
    pub differ: Vec<String>,
    /// The summary.
    pub summary: Vec<String>,
}

/// A pack that holds.
#[derive(Debug)]
pub(crate) struct Sound {
    /// The pack.
    pub pack: Pack,
    /// How many entries stand in the ledger.
    pub leaves: usize,
    /// How many verdicts come out as they were judged.
    pub verdicts: usize,
}

/// Why a pack does not hold, or cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSound {
    /// A part of it was altered, or it cannot be read here.
    #[error(transparent)]
    Pack(#[from] WrongPack),
    /// A verdict is not what comes out of the entries.
    #[error("{0}")]
    Verdict(String),
    /// A line of the summary is not what the entries say.
    #[error("line {0} of the summary was altered: it is not what the leaves say")]
    Summary(usize),
}

/// Checks a pack, offline: every entry against the signed checkpoint, every verdict of the period and the
/// summary against what comes out of the entries.
pub(crate) fn check(octets: &[u8], trust: &Trust) -> Result<Sound, NotSound> {
    let pack = Pack::read(octets)?;
    let open = pack.open(trust)?;
    let (from, until) = open.period();
    let period = Period { zone: open.zone(), from, until };
    let read = read_again(&period, open.entries(), open.evidence());
    if let Some(first) = read.differ.into_iter().next() {
        return Err(NotSound::Verdict(first));
    }
    if read.summary != pack.summary {
        let same = read.summary.iter().zip(&pack.summary).take_while(|(a, b)| a == b).count();
        return Err(NotSound::Summary(same.saturating_add(1)));
    }
    Ok(Sound { leaves: open.entries().len(), verdicts: read.verdicts, pack })
}

/// What was in force and seen up to a leaf.
#[derive(Default)]
struct Then {
    estate: Option<Estate>,
    history: EstateHistory,
    picture: Picture,
    canaries: Vec<CanaryRow>,
}

impl Then {
    fn see(&mut self, leaf: u64, at: Time, one: &Observation) {
        let before = self.picture.at(one.asked, one.vantage, &one.owner);
        let before = before.map(|known| (known.seen.clone(), known.since));
        self.picture.put(one, Known { seen: one.seen.clone(), since: at, leaf, before });
    }

    /// How a verdict comes out now; `None` where what it rests on is not here.
    fn judge(&self, verdict: &PointVerdict, now: Time) -> Option<PointVerdict> {
        let estate = self.estate.as_ref()?;
        let zone = estate.zones.get(&verdict.zone)?;
        let issuer = estate.issuers.get(&verdict.issuer)?;
        let (none, nobody) = (BTreeSet::new(), BTreeMap::new());
        let (written, last_use, accounts) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let decided = Decided {
            estate,
            key: &verdict.zone,
            zone,
            intended_since: self.history.caa_since(&verdict.zone),
            bearing: &none,
            written: &written,
            last_use: &last_use,
            accounts_over: &nobody,
            accounts: &accounts,
            pace: Pace::default(),
        };
        let canaries =
            canaries_of(&self.canaries, (&verdict.issuer, issuer), (&verdict.zone, zone));
        let of = (&verdict.issuer, issuer);
        let (all, _) = points(&decided, &self.picture, of, &canaries, now);
        all.into_iter().find(|one| one.point == verdict.point)
    }
}

/// Reads entries in the order of their leaves; `evidence` holds the estates that they put in force.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other fact is about something else")]
pub(crate) fn read_again(
    period: &Period<'_>,
    entries: &BTreeMap<u64, Entry>,
    evidence: &BTreeMap<Digest, Vec<u8>>,
) -> Reread {
    let mut then = Then::default();
    let mut read = Reread::default();
    let mut standing: BTreeMap<(String, &'static str), String> = BTreeMap::new();
    let mut happened = Vec::new();
    for (leaf, entry) in entries {
        let at = entry.at;
        if let Some(digest) = activated(&entry.fact) {
            let octets = evidence.get(&digest).map(Vec::as_slice).unwrap_or_default();
            if let Ok(estate) = bailiwick_wire::estate::decode(octets) {
                then.history = then.history.advance(then.estate.as_ref(), &estate, at);
                then.estate = Some(estate);
            }
        }
        match &entry.fact {
            Fact::Observed(one) if one.zone == *period.zone => then.see(*leaf, at, one),
            Fact::CanaryTried(run) => {
                then.canaries.push(CanaryRow { leaf: *leaf, run: (**run).clone(), at });
            }
            Fact::PointJudged(verdict) if verdict.zone == *period.zone => {
                // What was judged before the period rests on what may not be here.
                match then.judge(verdict, at) {
                    _ if at < period.from => {}
                    Some(again) if again.stands == verdict.stands => {
                        read.verdicts = read.verdicts.saturating_add(1);
                    }
                    again => read.differ.push(differs(*leaf, verdict, again.as_ref())),
                }
                let key = (verdict.issuer.to_string(), verdict.point.as_str());
                let line = format!(
                    "  {} {}: {} since {at} [{leaf}]: {}",
                    verdict.issuer, verdict.point, verdict.stands, verdict.says
                );
                standing.insert(key, line);
            }
            _ => {}
        }
        let within = period.from <= at && at <= period.until;
        if let Some(told) = told(&entry.fact).filter(|_| within) {
            happened.push(format!("  {at} [{leaf}] {}: {told}", entry.by));
        }
    }
    read.summary = summary(period, then.estate.as_ref(), standing, happened);
    read
}

fn differs(leaf: u64, verdict: &PointVerdict, again: Option<&PointVerdict>) -> String {
    let (issuer, point, stands) = (&verdict.issuer, verdict.point, verdict.stands);
    match again {
        Some(again) => format!(
            "leaf {leaf}: `{point}` for `{issuer}` was judged `{stands}`; out of what is here comes `{}`: {}",
            again.stands, again.says
        ),
        None => format!("leaf {leaf}: what `{point}` for `{issuer}` rests on is not here"),
    }
}

fn summary(
    period: &Period<'_>,
    estate: Option<&Estate>,
    standing: BTreeMap<(String, &'static str), String>,
    happened: Vec<String>,
) -> Vec<String> {
    let Period { zone, from, until } = period;
    let mut lines = vec![
        format!("Evidence of the CAA control of zone {zone}, from {from} to {until}."),
        "Numbers in brackets are leaves of the ledger; each stands below with its proof.".to_owned(),
        "Check it without a server: bailiwick control verify FILE --key KEY. That nothing was left out shows \
         `bailiwick ledger verify` on a copy of the whole ledger."
            .to_owned(),
    ];
    if let Some((estate, zone)) = estate.and_then(|it| Some((it, it.zones.get(zone)?))) {
        lines.push(format!(
            "Who answers: {} for the policy, {} for the records, {} for the control.",
            zone.policy_owner, zone.operator, estate.organisation.control_owner
        ));
        lines.push(format!(
            "Decided: issue {:?}, issuewild {:?}.",
            zone.caa.issue, zone.caa.issuewild
        ));
    }
    lines.push("How it stands at the end:".to_owned());
    if standing.is_empty() {
        lines.push("  nothing was judged".to_owned());
    }
    lines.extend(standing.into_values());
    lines.push("What happened:".to_owned());
    if happened.is_empty() {
        lines.push("  nothing".to_owned());
    }
    lines.extend(happened);
    lines
}

/// A fact of the watch in one line; what else there is, is there for the verdicts.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other fact is about something else")]
fn told(fact: &Fact) -> Option<String> {
    let which = |permitted: bool| if permitted { "permitted" } else { "forbidden" };
    Some(match fact {
        Fact::Observed(one) => {
            format!("{} says of {}: {}", one.vantage, one.owner, one.seen.lines().join(", "))
        }
        Fact::PointJudged(one) => {
            format!("{} {}: {}: {}", one.issuer, one.point, one.stands, one.says)
        }
        Fact::CanaryBegun { issuer, name, permitted, .. } => {
            format!("a {} canary is about to be sent to {issuer}: {name}", which(*permitted))
        }
        Fact::CanaryTried(run) => {
            let certificate = run.certificate.map(|one| format!(", certificate {one}"));
            let certificate = certificate.unwrap_or_default();
            let kind = which(run.permitted);
            format!("{kind} canary at {}: {}: {}{certificate}", run.issuer, run.stands, run.says)
        }
        Fact::FindingOpened(one) => format!(
            "finding {}: {}: {}; {} acts until {}",
            one.id,
            one.kind.title(),
            one.says,
            one.assignee,
            one.due
        ),
        Fact::FindingHandedOn { finding, assignee, why, .. } => {
            format!("finding {finding} is handed on to {assignee}: {why}")
        }
        Fact::FindingClosed { finding, how, .. } => {
            format!("finding {finding} is over: {}", how.words())
        }
        Fact::IncidentOpened(one) => format!(
            "incident {}: {}; {} answers for the record, {} for the CA, {} reviews, until {}",
            one.id, one.says, one.record, one.enforcement, one.owner, one.due
        ),
        Fact::IncidentTold { incident, track, says, answered, .. } => {
            let how = if *answered { "answered" } else { "noted" };
            format!("incident {incident}, {track} {how}: {says}")
        }
        Fact::IncidentHandedOn(on) => format!(
            "incident {}, {} is handed on to {} until {}: {}",
            on.incident, on.part, on.person, on.due, on.why
        ),
        Fact::IncidentReviewed { incident, says, .. } => {
            format!("incident {incident} is concluded: {says}")
        }
        _ => return None,
    })
}
