//! A change: one ticket that binds everything it alters in certificates, records and estate.
//!
//! ```text
//! Requested --validated--> Awaiting --approved--> Executing --last step done--> Verifying --verified--> Closed
//!     |                       |                      | failed / unknown             | mismatch
//!     +-- refused, withdrawn, expired                +--------> RollingBack <-------+ ----> RolledBack
//!                                                                   | undo fails or needs a person
//!                                                                   +--> WithPerson --resolved--> RolledBack | Closed
//!                                                                            |    (a certificate that comes to light later is
//!                                                                            +--> RollingBack              undone by itself)
//! ```
//!
//! [`Change::decide`] says which events a command causes and changes nothing; [`Change::apply`]
//! folds an event in and cannot have effects; [`Change::next`] only names what the driver has to do.
//! Only events are stored. An event that cannot happen is [`DamagedHistory`], never skipped.

mod approve;
mod decide;
mod digest;
mod event;
mod fold;
mod grant;
mod joint;
mod keys;
mod plan;
pub mod planner;
mod state;
mod warrant;

pub use crate::certificate::RevocationReason;
pub use approve::{Approval, ApprovedPlan, Basis, NotApproved};
pub use decide::{Command, Refusal};
pub use event::{Event, IssuedCertificate, Prepared, Receipt, Request, Revoked};
pub use fold::DamagedHistory;
pub use grant::{GRANT_MS, Grant};
pub use joint::{
    AwaitPropagation, DeployCertificate, Endpoint, Lane, PublishRecords, Standing, VerifyServed,
};
pub use keys::{HeldKey, KeyMark, RetireKey, RotateKey};
pub use plan::{
    BadPlan, IssueCertificate, NarrowEnvelope, Plan, PlanDigest, Precheck, RegisterAccount,
    RevokeCertificate, RotateIssuer, STEPS_MAX, Step, Undo,
};
pub use state::{
    Awaiting, Change, Direction, Executing, Next, Outcome, RollingBack, Started, Touched,
    WithPerson,
};
pub use warrant::{Chore, Warrant, over_with};

/// How often one effect is tried before the change turns back, or before a person is asked.
/// Three: one lost reply and one restart in the middle still leave a try.
pub const TRIES_MAX: u32 = 3;
