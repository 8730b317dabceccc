//! What the parent of a zone and its registrar say, as it was seen.

use std::collections::BTreeSet;

use crate::estate::{DelegationIntent, DelegationSeen, ZoneKey, spelled};

spelled! {
    /// Which fact about a delegation.
    DelegationKind {
        /// The name servers (RFC 1035, section 3.3.11).
        Ns = "ns",
        /// The DS records (RFC 4034, section 5).
        Ds = "ds",
        /// The status of the registration (RFC 9083, section 4.6).
        Status = "status",
    }
}

/// One fact about the delegation of a zone, seen for the first time or otherwise than before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DelegationObservation {
    /// Of which zone.
    pub zone: ZoneKey,
    /// Which fact.
    pub kind: DelegationKind,
    /// What is said now; none where there is nothing.
    pub values: BTreeSet<String>,
    /// What was said before; `None` when it was seen for the first time.
    pub before: Option<BTreeSet<String>>,
    /// Where it was seen.
    pub seen_at: String,
}

/// One fact about a delegation as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DelegationStands {
    /// Which fact.
    pub kind: DelegationKind,
    /// What was seen first.
    pub first: BTreeSet<String>,
    /// What was seen last.
    pub last: BTreeSet<String>,
}

/// How the delegation of a zone stands, by what was decided or, where nothing was, by what was seen
/// first. Pure, so that it ends by itself when its cause does: the facts are back, or the estate says
/// what they are.
#[must_use]
pub fn standing(intent: Option<&DelegationIntent>, facts: &[DelegationStands]) -> DelegationSeen {
    if facts.is_empty() {
        return DelegationSeen::Unwatched;
    }
    let differs: Vec<String> = facts.iter().filter_map(|fact| difference(intent, fact)).collect();
    if differs.is_empty() {
        DelegationSeen::AsDecided
    } else {
        DelegationSeen::Changed(differs.join("; "))
    }
}

fn difference(intent: Option<&DelegationIntent>, fact: &DelegationStands) -> Option<String> {
    let names = |set: &BTreeSet<String>| {
        let all: Vec<&str> = set.iter().map(String::as_str).collect();
        if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
    };
    let (wanted, whose) = match (intent, fact.kind) {
        (Some(intent), DelegationKind::Ns) => {
            (intent.ns.iter().map(ToString::to_string).collect(), "decided")
        }
        (Some(intent), DelegationKind::Ds) => (intent.ds.clone(), "decided"),
        (None, _) | (Some(_), DelegationKind::Status) => (fact.first.clone(), "first seen"),
    };
    (fact.last != wanted).then(|| {
        let kind = fact.kind.as_str().to_uppercase();
        format!("{kind} is {}, {whose} was {}", names(&fact.last), names(&wanted))
    })
}
