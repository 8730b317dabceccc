//! Who takes part.

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::{Approval, Basis, Plan, Request};
use bailiwick_core::names::{ChangeId, DecisionId, Digest, PersonId};
use bailiwick_core::time::{DAY_MS, HOUR_MS, Time};

/// When the requests are made.
pub(crate) const START: Time = Time::from_unix_ms(1_772_532_000_000);
/// Until when a change can be approved.
pub(crate) const CHANGE_EXPIRES: Time = START.plus_ms(7 * DAY_MS);
/// Until when an approval counts.
pub(crate) const APPROVAL_EXPIRES: Time = START.plus_ms(2 * HOUR_MS);

pub(crate) fn person(name: &str) -> PersonId {
    PersonId::parse(name).unwrap()
}

/// A sign-in with the people behind it.
pub(crate) fn signed_in(name: &str, chain: &[&str]) -> SignedIn {
    SignedIn { person: person(name), chain: chain.iter().map(|one| person(one)).collect() }
}

pub(crate) fn change_id() -> ChangeId {
    ChangeId::parse("c1").unwrap()
}

pub(crate) fn request(by: Actor) -> Request {
    Request {
        id: change_id(),
        title: "a change".to_owned(),
        reason: "to see how it ends".to_owned(),
        by,
        service: None,
        zones: Vec::new(),
        at: START,
    }
}

pub(crate) fn approval(by: SignedIn, plan: &Plan) -> Approval {
    Approval {
        by,
        teams: Vec::new(),
        of: plan.digest(),
        at: START,
        expires_at: APPROVAL_EXPIRES,
        comment: "seen".to_owned(),
    }
}

pub(crate) fn basis(plan: &Plan, approvals_needed: u32) -> Basis {
    Basis {
        decision: DecisionId::parse("d1").unwrap(),
        policy: Digest::from_bytes([1; 32]),
        of: plan.digest(),
        approvals_needed,
    }
}
