//! Who has to act on a finding, who is next, and by when.

use super::finding::FindingKind;
use crate::estate::{Estate, Zone, ZoneClass};
use crate::names::{PersonId, TeamId};
use crate::time::{HOUR_MS, Time};

/// Hours within which a CA has to revoke what CAA forbade (BR 4.9.1.1): nothing that may lead there
/// may take longer.
const MISISSUANCE_HOURS: i64 = 24;

/// The team that answers for a kind of finding in a zone: whoever publishes records, for what is
/// published; whoever defines the policy, for what is intended and tested (CAA-1).
#[must_use]
pub const fn team_of(kind: FindingKind, zone: &Zone) -> &TeamId {
    match kind {
        FindingKind::Missing
        | FindingKind::Drift
        | FindingKind::ShadowEdit
        | FindingKind::HiddenParent
        | FindingKind::ServersDisagree
        | FindingKind::ServerBehind
        | FindingKind::Unreachable
        | FindingKind::Bogus
        | FindingKind::NotCorroborated
        | FindingKind::ResolverLies => &zone.operator,
        FindingKind::TooPermissive
        | FindingKind::Stale
        | FindingKind::NotValidated
        | FindingKind::EnforcementFailed
        | FindingKind::Reported => &zone.policy_owner,
    }
}

/// Milliseconds in which somebody has to have acted. What lets a wrong certificate exist is due within
/// the 24 hours of BR 4.9.1.1, sooner where customers or the business stand behind the zone; what only
/// weakens the control within days.
#[must_use]
pub const fn due_ms(kind: FindingKind, class: ZoneClass) -> i64 {
    let matters = matches!(class, ZoneClass::CustomerFacing | ZoneClass::BusinessCritical);
    let hours = match kind {
        FindingKind::ShadowEdit
        | FindingKind::Bogus
        | FindingKind::ResolverLies
        | FindingKind::EnforcementFailed
        | FindingKind::Reported => {
            if matters {
                4
            } else {
                MISISSUANCE_HOURS
            }
        }
        FindingKind::Missing
        | FindingKind::Drift
        | FindingKind::HiddenParent
        | FindingKind::ServersDisagree
        | FindingKind::ServerBehind
        | FindingKind::NotCorroborated
        | FindingKind::Unreachable => {
            if matters {
                MISISSUANCE_HOURS
            } else {
                3 * MISISSUANCE_HOURS
            }
        }
        FindingKind::TooPermissive | FindingKind::Stale | FindingKind::NotValidated => {
            5 * MISISSUANCE_HOURS
        }
    };
    hours * HOUR_MS
}

/// Who is asked, one after the other: the team's person on call and its deputy, the zone's policy
/// owner, the control owner, an administrator. Everybody still works here, nobody stands in it twice.
#[must_use]
pub fn ladder(estate: &Estate, zone: &Zone, team: &TeamId, now: Time) -> Vec<PersonId> {
    let both = |team: &TeamId| {
        let team = estate.teams.get(team);
        team.map(|team| [team.on_call.clone(), team.deputy.clone()]).into_iter().flatten()
    };
    let owners = [&zone.policy_owner, &estate.organisation.control_owner];
    let asked = both(team)
        .chain(owners.into_iter().flat_map(both))
        .chain(estate.organisation.administrators.iter().cloned());
    let mut ladder = Vec::new();
    for person in asked.filter(|person| estate.works_here(person, now)) {
        if !ladder.contains(&person) {
            ladder.push(person);
        }
    }
    ladder
}

/// To whom what `held` has goes now, with why: they are not there any more, or did not end it until `due`.
/// `None` where it stays, also at the end of the ladder.
#[must_use]
pub fn passes_to<'a>(
    ladder: &'a [PersonId],
    held: &PersonId,
    due: Time,
    now: Time,
) -> Option<(&'a PersonId, String)> {
    let (person, why) = match ladder.iter().position(|one| one == held) {
        None => (ladder.first(), format!("`{held}` is not there any more")),
        Some(at) if now >= due => {
            let next = at.checked_add(1).and_then(|next| ladder.get(next));
            (next, format!("`{held}` did not end it in time"))
        }
        Some(_) => return None,
    };
    Some((person.filter(|one| *one != held)?, why))
}
