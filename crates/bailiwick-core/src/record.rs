//! What is remembered: entries of the ledger, and the rows that follow from them.
//!
//! An [`Entry`] is one leaf. [`rows`] says which rows it causes; the store applies those in the same
//! transaction, and `ledger fsck` does it again from the first leaf and compares. So a row that no
//! leaf explains is a finding. [`Work`] is what a protocol needs while it runs and what no audit
//! needs afterwards (orders in flight, sealed secrets): it is no part of the ledger.

mod acts;
mod clients;
mod decision;
mod entry;
mod kinds;
mod receipts;
mod row;
mod rows;
mod watched;
mod work;

pub use acts::{Act, ActClass, act};
pub use decision::Decision;
pub use entry::{Entry, Fact};
pub use row::{ChangeRow, Mismatch, Row};
pub use rows::rows;
pub use watched::WatchRow;
pub use work::{
    Batch, CanaryFlight, Expect, Notice, OrderMark, OrderRefusal, PlacedRecord, Reached, Work,
};
