//! The climb: from a name to its relevant set, one look-up after the other (RFC 8659, section 3).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lookup::{LookupAnswer, LookupFailure, Proof, SourceAnswer, settle};
use super::name::CaaName;
use super::record::CaaRecord;
use crate::names::DnsName;
use crate::time::Time;

/// Starts a climb at a name; for `*.x` the first question is `x`.
///
/// It goes up label by label until a set is found, never asks the root, and stops at the first
/// look-up that fails: behind a failure there may be a set. A name has at most 127 labels, so it
/// asks at most 127 questions and skips none.
#[must_use]
pub fn climb(name: CaaName, private: PrivateTlds) -> ClimbStep {
    let at = name.base().clone();
    ClimbStep::Ask(Asking { climb: Climb { name, private, rungs: Vec::new() }, at })
}

/// What a climb needs next.
#[derive(Clone, Debug)]
pub enum ClimbStep {
    /// One more look-up.
    Ask(Asking),
    /// Nothing; this is what was seen.
    Finished(CaaEvidence),
}

/// A climb that waits for the answers of one look-up.
#[derive(Clone, Debug)]
pub struct Asking {
    climb: Climb,
    at: DnsName,
}

/// A climb under way.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Climb {
    name: CaaName,
    private: PrivateTlds,
    rungs: Vec<Rung>,
}

/// One name of a climb and what was answered there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rung {
    /// The name asked.
    pub name: DnsName,
    /// When the question was sent, at the earliest.
    pub asked_at: Time,
    /// What each server said.
    pub sources: Vec<SourceAnswer<CaaRecord>>,
    /// What they say together.
    pub answer: LookupAnswer<CaaRecord>,
}

/// How a climb ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClimbEnd {
    /// The last rung holds the relevant set.
    Relevant,
    /// No name up to the top-level domain has a set.
    NoSet,
    /// The look-up of the last rung failed.
    Failed(LookupFailure),
    /// The top-level domain is said not to exist, and it is not known as private. A name cannot be
    /// certified under nothing, so the answers are not to be trusted.
    NoSuchTld,
}

/// A finished climb: every name asked, every answer, in order.
///
/// Only a climb that was gone through makes one, so its end always follows from its answers;
/// stored evidence is read back by climbing again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaaEvidence {
    climb: Climb,
    end: ClimbEnd,
}

impl Asking {
    /// The name whose CAA set is wanted.
    #[must_use]
    pub const fn name(&self) -> &DnsName {
        &self.at
    }

    /// Whether this is a name above the one that the climb began at.
    #[must_use]
    pub const fn is_above_start(&self) -> bool {
        !self.climb.rungs.is_empty()
    }

    /// Takes what each server answered to a question sent at `asked_at`.
    #[must_use]
    pub fn answer(self, asked_at: Time, sources: Vec<SourceAnswer<CaaRecord>>) -> ClimbStep {
        let Self { mut climb, at } = self;
        let answer = settle(&sources);
        let parent = at.parent();
        let end = match &answer {
            LookupAnswer::Records(_) => Some(ClimbEnd::Relevant),
            LookupAnswer::Failed { failure, .. } => Some(ClimbEnd::Failed(*failure)),
            // Never what servers say together; and if it were, nobody would have answered.
            LookupAnswer::Delegated { .. } => Some(ClimbEnd::Failed(LookupFailure::NoServer)),
            LookupAnswer::NxDomain(_) if parent.is_none() && !climb.private.holds(&at) => {
                Some(ClimbEnd::NoSuchTld)
            }
            LookupAnswer::NoData(_) | LookupAnswer::NxDomain(_) => None,
        };
        climb.rungs.push(Rung { name: at, asked_at, sources, answer });
        match (end, parent) {
            (Some(end), _) => ClimbStep::Finished(CaaEvidence { climb, end }),
            (None, Some(at)) => ClimbStep::Ask(Self { climb, at }),
            (None, None) => ClimbStep::Finished(CaaEvidence { climb, end: ClimbEnd::NoSet }),
        }
    }
}

impl CaaEvidence {
    /// The name that was climbed from.
    #[must_use]
    pub const fn name(&self) -> &CaaName {
        &self.climb.name
    }

    /// Top-level domains that were taken for private.
    #[must_use]
    pub const fn private_tlds(&self) -> &PrivateTlds {
        &self.climb.private
    }

    /// Every name asked and what it answered, in order.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.climb.rungs
    }

    /// How the climb ended.
    #[must_use]
    pub const fn end(&self) -> ClimbEnd {
        self.end
    }

    /// The owner of the relevant set, if one was found. With an alias on the way this is the name
    /// that was asked, not the alias's target.
    #[must_use]
    pub fn relevant_owner(&self) -> Option<&DnsName> {
        self.relevant_rung().map(|rung| &rung.name)
    }

    /// The relevant set; empty if there is none.
    #[must_use]
    pub fn relevant_set(&self) -> &[CaaRecord] {
        match self.relevant_rung().map(|rung| &rung.answer) {
            Some(LookupAnswer::Records(found)) => &found.records,
            Some(
                LookupAnswer::NoData(_)
                | LookupAnswer::NxDomain(_)
                | LookupAnswer::Delegated { .. }
                | LookupAnswer::Failed { .. },
            )
            | None => &[],
        }
    }

    /// The TTL of the relevant set, if there is one.
    #[must_use]
    pub fn relevant_ttl_seconds(&self) -> Option<u32> {
        match &self.relevant_rung()?.answer {
            LookupAnswer::Records(found) => Some(found.ttl_seconds),
            LookupAnswer::NoData(_)
            | LookupAnswer::NxDomain(_)
            | LookupAnswer::Delegated { .. }
            | LookupAnswer::Failed { .. } => None,
        }
    }

    /// The weakest DNSSEC state of all answers that count; a failed one proves nothing.
    #[must_use]
    pub fn weakest_proof(&self) -> Proof {
        let proof_of = |rung: &Rung| match &rung.answer {
            LookupAnswer::Records(found) => found.proof,
            LookupAnswer::NoData(empty) | LookupAnswer::NxDomain(empty) => empty.proof,
            LookupAnswer::Delegated { .. } | LookupAnswer::Failed { .. } => Proof::Indeterminate,
        };
        self.climb.rungs.iter().map(proof_of).min().unwrap_or(Proof::Indeterminate)
    }

    pub(super) fn relevant_rung(&self) -> Option<&Rung> {
        match self.end {
            ClimbEnd::Relevant => self.climb.rungs.last(),
            ClimbEnd::NoSet | ClimbEnd::Failed(_) | ClimbEnd::NoSuchTld => None,
        }
    }
}

/// Top-level domains that exist only inside an organisation, so that a server may rightly say
/// that they do not exist. Every climb holds them, so they are shared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PrivateTlds(Arc<BTreeSet<String>>);

/// Never delegated in the public DNS: RFC 6761, section 6; RFC 6762, appendix G and section 3;
/// RFC 9476; ICANN board resolution 2024.07.29.06 (`internal`).
const RESERVED_TLDS: [&str; 7] =
    ["alt", "example", "internal", "invalid", "local", "localhost", "test"];

impl PrivateTlds {
    /// No private top-level domain.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::default())
    }

    /// The top-level domains that standards reserve for private use.
    #[must_use]
    pub fn reserved() -> Self {
        Self(Arc::new(RESERVED_TLDS.into_iter().map(str::to_owned).collect()))
    }

    /// One more: the last label of a name of the organisation's own.
    #[must_use]
    pub fn and(mut self, inside: &DnsName) -> Self {
        Arc::make_mut(&mut self.0).extend(inside.labels().next_back().map(str::to_owned));
        self
    }

    /// The top-level domains, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(in crate::caa) fn holds(&self, tld: &DnsName) -> bool {
        self.0.contains(tld.as_str())
    }
}
