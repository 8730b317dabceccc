//! The data of each event of a change.

use bailiwick_core::actor::Actor;
use bailiwick_core::change::{
    Approval, Basis, Event, Lane, Plan, Precheck, Prepared, Receipt, Request,
};
use bailiwick_core::names::PersonId;
use bailiwick_core::time::Time;

use super::stored::{Stored, variants};
use crate::record::{BadEntry, NotStorable};

variants! {
    Event {
        "validated" => Validated { plan: Plan, prechecks: Vec<Precheck>, expires_at: Time },
        "refused" => Refused { by: Actor, why: String, prechecks: Vec<Precheck> },
        "withdrawn" => Withdrawn { by: Actor },
        "expired" => Expired {},
        "step-started" => StepStarted { index: usize, prepared: Prepared },
        "step-seen" => StepSeen { index: usize, holds: bool, lanes: Vec<Lane> },
        "step-done" => StepDone { index: usize, receipt: Receipt },
        "step-failed" => StepFailed { index: usize, why: String },
        "step-unknown" => StepUnknown { index: usize, why: String },
        "undo-started" => UndoStarted { index: usize },
        "undo-done" => UndoDone { index: usize, receipt: Receipt },
        "undo-not-done" => UndoNotDone { index: usize, why: String },
        "handed-over" => HandedOver { index: usize, person: PersonId, why: String },
        "verified" => Verified {},
        "verify-failed" => VerifyFailed { why: String },
        "verify-unknown" => VerifyUnknown { why: String },
        "resolved" => Resolved { by: Actor, carried_out: bool, note: String },
    } values {
        "requested" => Requested(Box<Request>),
        "approval-given" => ApprovalGiven(Approval),
        "approved" => Approved(Basis),
    }
}
