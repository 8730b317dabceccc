//! The servers of a zone, one against the other.

use super::{Decided, cause, differ_since, difference, reference};
use crate::names::DnsName;
use crate::time::Time;
use crate::watch::finding::{Cause, FindingKind};
use crate::watch::observation::{Asked, Seen, Vantage, serial_is_ahead};
use crate::watch::picture::{Known, Picture};

pub(super) fn judge(decided: &Decided<'_>, picture: &Picture, now: Time, found: &mut Vec<Cause>) {
    let reference = reference(decided, picture);
    for vantage in picture.vantages().into_iter().filter(Vantage::is_authority) {
        if let Some((owner, known)) = unseen(picture, vantage) {
            found.push(unreachable(decided, vantage, owner, known));
            continue;
        }
        let Some(reference) = reference.filter(|one| *one != vantage && one.is_authority()) else {
            continue;
        };
        found.extend(behind(decided, picture, reference, vantage, now));
    }
}

/// The first name that a vantage gave no answer for.
fn unseen(picture: &Picture, vantage: Vantage) -> Option<(&DnsName, &Known)> {
    let all = picture.iter().filter(|(_, at, _, known)| *at == vantage && known.seen.is_failure());
    all.map(|(_, _, owner, known)| (owner, known)).next()
}

fn unreachable(decided: &Decided<'_>, vantage: Vantage, owner: &DnsName, known: &Known) -> Cause {
    let failure = match &known.seen {
        Seen::Failed(failure) => failure.to_string(),
        other @ (Seen::Set { .. }
        | Seen::Large { .. }
        | Seen::Nothing { .. }
        | Seen::Elsewhere
        | Seen::Serial(_)) => other.lines().join(", "),
    };
    let says = format!(
        "{vantage} gives no answer for `{owner}` since {}: {failure}; CAs that ask there must not issue",
        known.since
    );
    let remedy = format!("bring {} back, or take it out of the zone's servers", vantage.server());
    let mut one = cause(decided, FindingKind::Unreachable, decided.key.name.apex(), says, remedy);
    one.vantage = Some(vantage);
    one.evidence = vec![known.leaf];
    one
}

/// How one server differs from the primary, once it does for longer than a change takes to go round.
fn behind(
    decided: &Decided<'_>,
    picture: &Picture,
    reference: Vantage,
    vantage: Vantage,
    now: Time,
) -> Option<Cause> {
    let apex = decided.key.name.apex();
    let serial = |at: Vantage| match picture.at(Asked::Serial, at, apex) {
        Some(known) => match known.seen {
            Seen::Serial(serial) => Some((serial, known)),
            Seen::Set { .. }
            | Seen::Large { .. }
            | Seen::Nothing { .. }
            | Seen::Elsewhere
            | Seen::Failed(_) => None,
        },
        None => None,
    };
    let late = |since: Time| now.ms_since(since) >= decided.pace.grace_ms;
    let (ours, theirs) = (serial(reference)?, serial(vantage)?);
    if serial_is_ahead(ours.0, theirs.0) {
        if !late(behind_since(ours.1, theirs.0)) {
            return None;
        }
        let says = format!(
            "{vantage} serves serial {} while the primary has {}: it stopped transferring the zone",
            theirs.0, ours.0
        );
        let remedy = format!(
            "look at the transfers of {} (TSIG key, allow-transfer, NOTIFY, firewall); until it follows, it \
             answers with old records",
            vantage.server()
        );
        let mut one = cause(decided, FindingKind::ServerBehind, apex, says, remedy);
        one.vantage = Some(vantage);
        one.evidence = vec![ours.1.leaf, theirs.1.leaf];
        return Some(one);
    }
    let differing = picture.owners().into_iter().find_map(|owner| {
        let ours = picture.at(Asked::Caa, reference, owner)?;
        let theirs = picture.at(Asked::Caa, vantage, owner)?;
        let differs = !ours.seen.is_failure() && !ours.seen.same_records(&theirs.seen);
        (differs && late(differ_since(ours, theirs))).then_some((owner, ours, theirs))
    });
    let (owner, ours, theirs) = differing?;
    let says = format!(
        "{vantage} has another CAA set at `{owner}` than the primary, and its serial is not behind: it was \
         edited there at {}",
        theirs.since
    );
    let remedy = format!(
        "let {} transfer the zone anew (such as `rndc retransfer {apex}`), and find out who edited it",
        vantage.server()
    );
    let mut one = cause(decided, FindingKind::ServersDisagree, owner, says, remedy);
    one.vantage = Some(vantage);
    one.diff = difference(&ours.seen.lines(), &theirs.seen.lines());
    one.evidence = vec![ours.leaf, theirs.leaf];
    Some(one)
}

/// Since when a server with `serial` is behind the primary. A primary that moves on and on does not make
/// the other one look fresh.
fn behind_since(primary: &Known, serial: u32) -> Time {
    match &primary.before {
        Some((Seen::Serial(before), since)) if serial_is_ahead(*before, serial) => *since,
        _ => primary.since,
    }
}
