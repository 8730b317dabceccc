//! What the judge answers.

use std::collections::BTreeSet;
use std::fmt;

use crate::estate::{RuleId, ZoneKey, spelled};
use crate::names::{Digest, SanName, TeamId};

spelled! {
    /// Yes or no.
    Decision {
        /// Yes.
        Allow = "allow",
        /// No.
        Deny = "deny",
    }
}

/// The judge's answer, with everything a person needs to understand it.
///
/// Always: an `Allow` has a permit and no reason; a `Deny` has at least one reason. Only
/// [`judge`](super::judge) makes one, so whoever holds one need not ask whether it was judged:
///
/// ```compile_fail
/// use bailiwick_core::policy::{Decision, Verdict};
/// fn cheat(refused: Verdict) -> Verdict { Verdict { decision: Decision::Allow, ..refused } }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verdict {
    pub(super) decision: Decision,
    pub(super) permits: Vec<Permit>,
    pub(super) reasons: Vec<Reason>,
    pub(super) notes: Vec<Reason>,
    pub(super) missing_approvals: Vec<MissingApproval>,
    pub(super) grantable: Option<Grantable>,
    pub(super) policy_digest: Digest,
}

/// A rule that said yes.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Permit {
    /// The rule.
    pub rule: RuleId,
    /// The file it stands in.
    pub source: String,
    /// The control it serves, where it says so.
    pub control: Option<String>,
    /// The zone it said yes for, where the question was about one.
    pub zone: Option<ZoneKey>,
}

/// Why the answer is no (or, as a note, would be).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reason {
    /// The rule.
    pub rule: RuleId,
    /// The file it stands in; `bailiwick` where the judge itself refuses.
    pub source: String,
    /// The control it serves, where it says so.
    pub control: Option<String>,
    /// The offending fact, in words, with the values that were seen.
    pub fact: String,
    /// The name it is about, where it is about one.
    pub name: Option<SanName>,
    /// Who can grant what the rule refuses.
    pub grantor: Grantor,
    /// What to do.
    pub remedy: String,
}

/// Who can grant what a rule refuses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Grantor {
    /// Nobody: the request itself has to change.
    Nobody,
    /// These teams, any of them.
    Teams(BTreeSet<TeamId>),
}

impl fmt::Display for Grantor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => f.write_str("nobody"),
            Self::Teams(teams) => {
                let names: Vec<&str> = teams.iter().map(TeamId::as_str).collect();
                f.write_str(&names.join(" or "))
            }
        }
    }
}

spelled! {
    /// As what a team approves; the order is that in which they are asked.
    Role {
        /// As policy owner of a zone.
        ZonePolicyOwner = "zone-policy-owner",
        /// As policy owner of a service.
        ServicePolicyOwner = "service-policy-owner",
        /// As owner of the control objective.
        ControlOwner = "control-owner",
        /// As the team that a gate of a zone names.
        ZoneGate = "zone-gate",
        /// As operator of a zone.
        ZoneOperator = "zone-operator",
        /// As operator of a service.
        ServiceOperator = "service-operator",
        /// As somebody with a duty elsewhere.
        OtherDuty = "other-duty",
    }
}

/// An approval that is still missing, found by asking again as if it were there.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct MissingApproval {
    /// From which team.
    pub team: TeamId,
    /// As what.
    pub role: Role,
    /// From how many of its people.
    pub count: u32,
    /// Whether they must share no team with the author.
    pub independent: bool,
}

/// A refused request that would pass once somebody grants something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grantable {
    /// What has to be granted; all of it together suffices.
    pub acts: Vec<GrantAct>,
}

/// Something that can be granted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum GrantAct {
    /// A standing approval that covers the order.
    Envelope {
        /// The teams that have to approve it, one per zone that asks for one.
        by: BTreeSet<TeamId>,
    },
    /// A confirmation that the service owns its names.
    ConfirmOwnership {
        /// The team that confirms it.
        by: TeamId,
    },
}

impl Verdict {
    /// Yes or no.
    #[must_use]
    pub const fn decision(&self) -> Decision {
        self.decision
    }

    /// Whether the answer is yes.
    #[must_use]
    pub const fn allows(&self) -> bool {
        matches!(self.decision, Decision::Allow)
    }

    /// The rules that said yes; empty when the answer is no.
    #[must_use]
    pub fn permits(&self) -> &[Permit] {
        &self.permits
    }

    /// Why the answer is no; empty when it is yes.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// What did not block: what an exception set aside, and what a zone that is not in `enforce`
    /// mode would refuse if it were.
    #[must_use]
    pub fn notes(&self) -> &[Reason] {
        &self.notes
    }

    /// Approvals that would turn the answer into yes; empty when none would or none is missing.
    #[must_use]
    pub fn missing_approvals(&self) -> &[MissingApproval] {
        &self.missing_approvals
    }

    /// What could be granted so that the same request passes; `None` when it is allowed, or when
    /// nothing that anybody grants would help.
    #[must_use]
    pub const fn grantable(&self) -> Option<&Grantable> {
        self.grantable.as_ref()
    }

    /// The policies that were asked.
    #[must_use]
    pub const fn policy_digest(&self) -> Digest {
        self.policy_digest
    }
}
