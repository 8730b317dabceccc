//! What a public CA would find that looks at the zone from where our vantages stand (BR 3.2.2.9).

use super::{Decided, cause, points_of, reference};
use crate::caa::{
    CaaOutcome, Corroboration, NotCorroborated, Perspective, QuorumRule, corroborate,
};
use crate::estate::{Issuer, View};
use crate::names::{DnsName, IssuerId};
use crate::time::Time;
use crate::watch::finding::{Cause, FindingKind};
use crate::watch::observation::{Asked, Vantage};
use crate::watch::picture::{Effective, Picture};
use crate::watch::zone::{Permitted, permitted_domains};

/// What the vantages say together about one issuer and the zone's apex.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quorum {
    /// Which issuer.
    pub issuer: IssuerId,
    /// The rule of the day.
    pub rule: QuorumRule,
    /// Each remote perspective, by the name of its vantage.
    pub remotes: Vec<(String, Perspective)>,
    /// The result.
    pub result: Corroboration,
}

/// Holds the primary's word for each issuer against that of every vantage with a region.
///
/// Nothing for a zone that no public CA sees, and nothing where no vantage has a region.
#[must_use]
pub fn quorum(decided: &Decided<'_>, picture: &Picture, now: Time) -> Vec<Quorum> {
    let Some(primary) = reference(decided, picture) else { return Vec::new() };
    if decided.key.view != View::External {
        return Vec::new();
    }
    let apex = decided.key.name.apex();
    let mut all = Vec::new();
    for (id, issuer) in &decided.estate.issuers {
        let remotes: Vec<(String, Perspective)> = decided
            .estate
            .organisation
            .vantages
            .iter()
            .filter(|(_, point)| point.view == decided.key.view)
            .filter_map(|(name, point)| {
                let vantage = Vantage::resolver(point.server);
                let rir = point.region?;
                // What was not looked at yet is no perspective.
                picture.at(Asked::Caa, vantage, apex)?;
                let outcome = outcome(picture, vantage, apex, issuer);
                Some((name.clone(), Perspective { rir, outcome }))
            })
            .collect();
        if remotes.is_empty() {
            continue;
        }
        let told: Vec<Perspective> = remotes.iter().map(|(_, one)| *one).collect();
        let result = corroborate(outcome(picture, primary, apex, issuer), &told, now);
        let (issuer, rule) = (id.clone(), QuorumRule::at(now));
        all.push(Quorum { issuer, rule, remotes, result });
    }
    all
}

/// Whether an issuer may issue for the apex, as one vantage sees it.
fn outcome(picture: &Picture, at: Vantage, apex: &DnsName, issuer: &Issuer) -> CaaOutcome {
    match picture.effective(at, apex, apex) {
        Effective::Nothing => CaaOutcome::Allow,
        Effective::Unknown => CaaOutcome::Unknown,
        Effective::Set(_, known) => match known.seen.records().map(permitted_domains) {
            Some(Permitted::Everybody) => CaaOutcome::Allow,
            Some(Permitted::Only(domains)) => {
                let named = issuer
                    .caa_domains
                    .iter()
                    .any(|one| domains.contains(&one.to_ascii_lowercase()));
                if named { CaaOutcome::Allow } else { CaaOutcome::Deny }
            }
            None => CaaOutcome::Unknown,
        },
    }
}

/// Vantages that dissent so far that a CA would refuse. That we have fewer vantages than a CA needs
/// is no finding: it is the CA's to have them.
pub(super) fn judge(decided: &Decided<'_>, picture: &Picture, now: Time) -> Option<Cause> {
    let apex = decided.key.name.apex();
    let grace = decided.pace.grace_ms;
    let settled = points_of(decided)
        .filter_map(|point| picture.at(Asked::Caa, Vantage::resolver(point.server), apex))
        .chain(reference(decided, picture).and_then(|at| picture.at(Asked::Caa, at, apex)))
        .all(|known| now >= known.since.plus_ms(grace));
    if !settled {
        // While a change goes round, vantages differ.
        return None;
    }
    quorum(decided, picture, now).into_iter().find_map(|one| {
        let dissent: Vec<&str> = one
            .remotes
            .iter()
            .filter(|(_, it)| it.outcome != CaaOutcome::Allow)
            .map(|(name, _)| name.as_str())
            .collect();
        let why = match dissents(&one.result)? {
            NotCorroborated::TooFewRirs { regions, wanted } => {
                format!("those that agree stand in {regions} regions and {wanted} are asked for")
            }
            NotCorroborated::TooFewRemotes { .. } if dissent.len() < 2 => return None,
            NotCorroborated::TooManyDissent { .. } | NotCorroborated::TooFewRemotes { .. } => {
                format!("{} of {} dissent", dissent.len(), one.remotes.len())
            }
        };
        if dissent.is_empty() {
            return None;
        }
        let says = format!(
            "the zone's own server lets `{}` issue, and from our vantages it looks otherwise ({}): {why}; a \
             public CA that looks like that refuses (BR 3.2.2.9)",
            one.issuer,
            dissent.join(", ")
        );
        let remedy = "find out why the zone looks otherwise there: a resolver that holds an old answer, a \
                      server of the zone that only they reach, or somebody in between";
        let mut cause = cause(decided, FindingKind::NotCorroborated, apex, says, remedy);
        cause.evidence = decided
            .estate
            .organisation
            .vantages
            .iter()
            .filter(|(name, _)| dissent.contains(&name.as_str()))
            .filter_map(|(_, it)| picture.at(Asked::Caa, Vantage::resolver(it.server), apex))
            .map(|known| known.leaf)
            .collect();
        Some(cause)
    })
}

/// What a result falls short of, whether that blocks or is only reported yet.
const fn dissents(result: &Corroboration) -> Option<NotCorroborated> {
    match result {
        Corroboration::NotCorroborated(short) => Some(*short),
        Corroboration::Stands { short, .. } => *short,
        Corroboration::PrimaryForbids(_) => None,
    }
}
