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
        /// The name servers that the registry publishes (RFC 9083, section 5.3).
        RegistryNs = "registry-ns",
        /// Who registered it for us (RFC 9083, section 10.2.4).
        Registrar = "registrar",
        /// When the registration ends. It moves with every renewal, so it freezes nothing.
        Expiry = "expiry",
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
        (_, DelegationKind::Expiry) => return None,
        (Some(intent), DelegationKind::Ns | DelegationKind::RegistryNs) => {
            (intent.ns.iter().map(ToString::to_string).collect(), "decided")
        }
        (Some(intent), DelegationKind::Ds) => (intent.ds.clone(), "decided"),
        (Some(intent), DelegationKind::Status) if !intent.status.is_empty() => {
            (intent.status.clone(), "decided")
        }
        (Some(DelegationIntent { registrar: Some(one), .. }), DelegationKind::Registrar) => {
            (std::iter::once(one.clone()).collect(), "decided")
        }
        (None, _) | (Some(_), DelegationKind::Status | DelegationKind::Registrar) => {
            (fact.first.clone(), "first seen")
        }
    };
    (fact.last != wanted).then(|| {
        let kind = fact.kind.as_str().to_uppercase();
        format!("{kind} is {}, {whose} was {}", names(&fact.last), names(&wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::DnsName;

    fn set(texts: &[&str]) -> BTreeSet<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn stands(kind: DelegationKind, first: &[&str], last: &[&str]) -> DelegationStands {
        DelegationStands { kind, first: set(first), last: set(last) }
    }

    fn intent(ns: &[&str], ds: &[&str]) -> DelegationIntent {
        let ns = ns.iter().map(|text| DnsName::parse(text).unwrap()).collect();
        DelegationIntent { ns, ds: set(ds), status: BTreeSet::new(), registrar: None }
    }

    #[test]
    fn a_zone_nobody_looks_at_is_neither_right_nor_wrong() {
        assert_eq!(standing(None, &[]), DelegationSeen::Unwatched);
        let intent = intent(&["ns1.shop.example"], &[]);
        assert_eq!(standing(Some(&intent), &[]), DelegationSeen::Unwatched);
    }

    #[test]
    fn it_freezes_when_the_facts_change_and_thaws_when_they_are_back_or_decided() {
        use DelegationKind::{Ds, Ns, Status};
        let evil = stands(Ns, &["ns1.shop.example"], &["ns1.evil.example"]);
        let DelegationSeen::Changed(what) = standing(None, std::slice::from_ref(&evil)) else {
            unreachable!("it changed")
        };
        assert_eq!(what, "NS is ns1.evil.example, first seen was ns1.shop.example");
        let back = stands(Ns, &["ns1.shop.example"], &["ns1.shop.example"]);
        assert_eq!(standing(None, &[back]), DelegationSeen::AsDecided);
        let decided = intent(&["ns1.evil.example"], &[]);
        assert_eq!(standing(Some(&decided), &[evil]), DelegationSeen::AsDecided);
        // What was decided counts, whatever was seen first.
        let never = stands(Ds, &[], &[]);
        let wanted = intent(&["ns1.shop.example"], &["1 13 2 ab"]);
        let ns = stands(Ns, &["x.example"], &["ns1.shop.example"]);
        let DelegationSeen::Changed(what) = standing(Some(&wanted), &[ns, never]) else {
            unreachable!("the DS is missing")
        };
        assert_eq!(what, "DS is nothing, decided was 1 13 2 ab");
        let status = stands(Status, &["active"], &["active", "pending transfer"]);
        let of_status = std::slice::from_ref(&status);
        assert!(matches!(standing(Some(&wanted), of_status), DelegationSeen::Changed(_)));
        let moving = DelegationIntent { status: set(&["active", "pending transfer"]), ..wanted };
        assert_eq!(standing(Some(&moving), &[status]), DelegationSeen::AsDecided);
        let other = stands(DelegationKind::Registrar, &["292"], &["1337"]);
        let of_other = std::slice::from_ref(&other);
        assert!(matches!(standing(Some(&moving), of_other), DelegationSeen::Changed(_)));
        let moved = DelegationIntent { registrar: Some("1337".to_owned()), ..moving };
        assert_eq!(standing(Some(&moved), of_other), DelegationSeen::AsDecided);
        let renewed = stands(DelegationKind::Expiry, &["2030"], &["2031"]);
        assert_eq!(standing(None, &[renewed]), DelegationSeen::AsDecided);
    }
}
