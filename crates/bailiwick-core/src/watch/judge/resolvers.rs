//! What resolvers say of a zone, against what its own servers say.

use super::{Decided, cause, difference, points_of, reference};
use crate::caa::LookupFailure;
use crate::estate::VantagePoint;
use crate::time::{SECOND_MS, Time};
use crate::watch::finding::{Cause, FindingKind};
use crate::watch::observation::{Asked, Seen, Vantage};
use crate::watch::picture::{Known, Picture};

pub(super) fn judge(decided: &Decided<'_>, picture: &Picture, now: Time, found: &mut Vec<Cause>) {
    for point in points_of(decided) {
        let vantage = Vantage::resolver(point.server);
        let first = picture.owners().into_iter().find_map(|owner| {
            let known = picture.at(Asked::Caa, vantage, owner)?;
            match &known.seen {
                Seen::Failed(failure) => Some(failed(decided, point, owner, known, *failure)),
                Seen::Set { .. }
                | Seen::Large { .. }
                | Seen::Nothing { .. }
                | Seen::Elsewhere
                | Seen::Serial(_) => lie(decided, picture, point, owner, now),
            }
        });
        found.extend(first);
    }
}

fn failed(
    decided: &Decided<'_>,
    point: &VantagePoint,
    owner: &crate::names::DnsName,
    known: &Known,
    failure: LookupFailure,
) -> Cause {
    let vantage = Vantage::resolver(point.server);
    let apex = decided.key.name.apex();
    let mut one = if failure == LookupFailure::Bogus {
        let says = format!(
            "DNSSEC validation of `{owner}` fails at {vantage} since {}: no public CA may issue for the \
             zone, and validating clients do not reach it",
            known.since
        );
        let remedy =
            "sign the zone anew or repair its DS record (`delv` and `dnssec-verify` show which)";
        cause(decided, FindingKind::Bogus, apex, says, remedy)
    } else {
        let says =
            format!("{vantage} gives no answer for `{owner}` since {}: {failure}", known.since);
        let remedy = format!("bring the resolver at {} back, or the servers it asks", point.server);
        let mut one = cause(decided, FindingKind::Unreachable, apex, says, remedy);
        one.team.clone_from(&point.operator);
        one
    };
    one.vantage = Some(vantage);
    one.evidence = vec![known.leaf];
    one
}

/// A resolver that says what no server of the zone says. It may repeat what the servers said before
/// for as long as that could be remembered.
fn lie(
    decided: &Decided<'_>,
    picture: &Picture,
    point: &VantagePoint,
    owner: &crate::names::DnsName,
    now: Time,
) -> Option<Cause> {
    let reference = reference(decided, picture).filter(Vantage::is_authority)?;
    let vantage = Vantage::resolver(point.server);
    let ours = picture.at(Asked::Caa, reference, owner)?;
    let theirs = picture.at(Asked::Caa, vantage, owner)?;
    let elsewhere = matches!(ours.seen, Seen::Elsewhere);
    if elsewhere || ours.seen.is_failure() || ours.seen.same_records(&theirs.seen) {
        return None;
    }
    let grace = decided.pace.grace_ms;
    if now < remembered_until(ours, theirs, grace) {
        return None;
    }
    let elsewhere = picture.vantages().into_iter().filter(Vantage::is_authority).any(|server| {
        picture
            .at(Asked::Caa, server, owner)
            .is_some_and(|known| known.seen.same_records(&theirs.seen))
    });
    if elsewhere {
        // A server of the zone says the same: the finding is there.
        return None;
    }
    let says = format!(
        "{vantage} says something else of `{owner}` than every server of the zone, longer than anything \
         could be remembered: it lies, or somebody between does"
    );
    let remedy = format!(
        "do not rely on {}; look for a forwarder, a response policy or an attacker in front of it",
        point.server
    );
    let mut one = cause(decided, FindingKind::ResolverLies, owner, says, remedy);
    one.team.clone_from(&point.operator);
    one.vantage = Some(vantage);
    one.diff = difference(&ours.seen.lines(), &theirs.seen.lines());
    one.evidence = vec![ours.leaf, theirs.leaf];
    Some(one)
}

/// Until when a resolver may rightly say what it says: the set from before for its TTL after it was
/// replaced; anything else only while a change goes round.
fn remembered_until(ours: &Known, theirs: &Known, grace_ms: i64) -> Time {
    match &ours.before {
        Some((before, _)) if before.same_records(&theirs.seen) => {
            let ttl = match before {
                Seen::Set { ttl_seconds, .. } => ttl_seconds.unwrap_or(0),
                // How long an empty answer is remembered is not known; a day at most (RFC 2308,
                // section 5), an hour by custom.
                Seen::Large { .. }
                | Seen::Nothing { .. }
                | Seen::Elsewhere
                | Seen::Failed(_)
                | Seen::Serial(_) => 3_600,
            };
            ours.since.plus_ms(i64::from(ttl).saturating_mul(SECOND_MS).saturating_add(grace_ms))
        }
        _ => super::differ_since(ours, theirs).plus_ms(grace_ms),
    }
}
