//! Multi-perspective corroboration: a primary verdict and what remote perspectives say of it
//! (BR 3.2.2.9).

use std::collections::BTreeSet;

use super::judge::CaaOutcome;
pub use crate::estate::Rir;
use crate::time::Time;

/// A remote network perspective's own verdict on a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Perspective {
    /// The Regional Internet Registry in whose region it stands.
    pub rir: Rir,
    /// What it found. It corroborates if this is permission; the records need not be the same.
    pub outcome: CaaOutcome,
}

/// What is demanded of a corroboration at a moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QuorumRule {
    /// Remote perspectives that must be asked.
    pub remotes_min: usize,
    /// Regions among those that corroborate.
    pub rirs_min: usize,
    /// Whether falling short blocks, or is only reported.
    pub blocks: bool,
}

/// The result of a corroboration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Corroboration {
    /// The primary permission stands.
    Stands {
        /// Perspectives that agree.
        agreeing: usize,
        /// Perspectives asked.
        of: usize,
        /// What is missing while falling short is only reported.
        short: Option<NotCorroborated>,
    },
    /// The primary does not permit, so there is nothing to corroborate.
    PrimaryForbids(CaaOutcome),
    /// The primary permits, and not enough perspectives do.
    NotCorroborated(NotCorroborated),
}

/// What a corroboration falls short of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NotCorroborated {
    /// Too few perspectives were asked.
    TooFewRemotes {
        /// How many were.
        asked: usize,
        /// How many must be.
        wanted: usize,
    },
    /// Too many did not agree.
    TooManyDissent {
        /// How many did not.
        dissent: usize,
        /// How many may.
        tolerated: usize,
    },
    /// Those that agree stand in too few regions.
    TooFewRirs {
        /// In how many they stand.
        regions: usize,
        /// How many it must be.
        wanted: usize,
    },
}

/// The phase-in of BR 3.2.2.9: from when (UTC), how many remotes, how many regions, blocking or not.
const PHASES: [(i64, QuorumRule); 5] = [
    (1_741_996_800, QuorumRule { remotes_min: 2, rirs_min: 1, blocks: false }), // 2025-03-15
    (1_757_894_400, QuorumRule { remotes_min: 2, rirs_min: 1, blocks: true }),  // 2025-09-15
    (1_773_532_800, QuorumRule { remotes_min: 3, rirs_min: 2, blocks: true }),  // 2026-03-15
    (1_781_481_600, QuorumRule { remotes_min: 4, rirs_min: 2, blocks: true }),  // 2026-06-15
    (1_797_292_800, QuorumRule { remotes_min: 5, rirs_min: 2, blocks: true }),  // 2026-12-15
];

/// Before the phase-in nothing was asked for.
const NO_RULE: QuorumRule = QuorumRule { remotes_min: 0, rirs_min: 0, blocks: false };

/// Perspectives from which on two may dissent instead of one (BR 3.2.2.9, quorum table).
const TWO_MAY_DISSENT_FROM: usize = 6;

impl QuorumRule {
    /// The rule in force at a moment.
    #[must_use]
    pub fn at(moment: Time) -> Self {
        let in_force = PHASES.iter().rev().find(|(from, _)| moment.unix_seconds() >= *from);
        in_force.map_or(NO_RULE, |(_, rule)| *rule)
    }
}

/// Holds a primary verdict against those of the remote perspectives.
#[must_use]
pub fn corroborate(primary: CaaOutcome, remotes: &[Perspective], moment: Time) -> Corroboration {
    match primary {
        CaaOutcome::Allow => {}
        CaaOutcome::Deny | CaaOutcome::Unknown => return Corroboration::PrimaryForbids(primary),
    }
    let rule = QuorumRule::at(moment);
    let agreeing: Vec<&Perspective> =
        remotes.iter().filter(|p| p.outcome == CaaOutcome::Allow).collect();
    match shortfall(rule, remotes.len(), &agreeing) {
        Some(short) if rule.blocks => Corroboration::NotCorroborated(short),
        short => Corroboration::Stands { agreeing: agreeing.len(), of: remotes.len(), short },
    }
}

fn shortfall(rule: QuorumRule, asked: usize, agreeing: &[&Perspective]) -> Option<NotCorroborated> {
    let tolerated = if asked >= TWO_MAY_DISSENT_FROM { 2 } else { 1 };
    let dissent = asked.saturating_sub(agreeing.len());
    let regions = agreeing.iter().map(|p| p.rir).collect::<BTreeSet<_>>().len();
    if asked < rule.remotes_min {
        Some(NotCorroborated::TooFewRemotes { asked, wanted: rule.remotes_min })
    } else if dissent > tolerated {
        Some(NotCorroborated::TooManyDissent { dissent, tolerated })
    } else if regions < rule.rirs_min {
        Some(NotCorroborated::TooFewRirs { regions, wanted: rule.rirs_min })
    } else {
        None
    }
}

impl Corroboration {
    /// What it means for the issuance: falling short is not knowing.
    #[must_use]
    pub const fn outcome(&self) -> CaaOutcome {
        match self {
            Self::Stands { .. } => CaaOutcome::Allow,
            Self::PrimaryForbids(outcome) => *outcome,
            Self::NotCorroborated(_) => CaaOutcome::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phases_begin_on_their_dates() {
        let dates = ["2025-03-15", "2025-09-15", "2026-03-15", "2026-06-15", "2026-12-15"];
        for (date, (from, rule)) in dates.into_iter().zip(PHASES) {
            let start = Time::parse(date).unwrap();
            assert_eq!(start.unix_seconds(), from, "{date}");
            assert_eq!(QuorumRule::at(start), rule, "{date}");
            assert_ne!(QuorumRule::at(start.plus_ms(-1)), rule, "{date}");
        }
    }

    #[test]
    fn a_primary_that_does_not_permit_is_never_outvoted() {
        let remotes = [Perspective { rir: Rir::Arin, outcome: CaaOutcome::Allow }; 9];
        let now = Time::parse("2027-01-01").unwrap();
        for primary in [CaaOutcome::Deny, CaaOutcome::Unknown] {
            assert_eq!(corroborate(primary, &remotes, now).outcome(), primary);
        }
        assert_eq!(
            corroborate(CaaOutcome::Allow, &remotes, now),
            Corroboration::NotCorroborated(NotCorroborated::TooFewRirs { regions: 1, wanted: 2 })
        );
    }
}
