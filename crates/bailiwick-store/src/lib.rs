//! What Bailiwick remembers. The only SQL; SQLite and PostgreSQL behind one set of methods.
//!
//! [`Store::commit`] stores a [`Batch`](bailiwick_core::record::Batch) whole or not at all: leaves of
//! the ledger, the rows that follow from them, working state and notices, under one signed checkpoint.
//! Everything else reads. Reading order: `open`, `commit`, `writer`, `rows`, `read`, `lease`, `fsck`,
//! `audit`.

mod audit;
mod commit;
mod db;
mod error;
mod fsck;
mod kept;
mod lease;
mod mark;
mod open;
mod page;
mod read;
mod rows;
mod schema;
mod url;
mod writer;

pub use audit::Audited;
pub use commit::{CommitError, Committed, Conflict, Unavailable, Unknown};
pub use db::Engine;
pub use error::{DbError, StoreError};
pub use lease::{Claim, Lease};
pub use open::{CheckpointSigner, Clock, OpenError, Past, SignFailed, Store};
pub use page::{After, BadAfter, LIMIT_MAX, Page};
pub use read::{
    ActRow, ActiveEstate, CanaryRow, CertificateCounts, CertificateFilter, CertificateOrder,
    ChangeFilter, CheckpointRow, CrlRow, EmergencyRow, Evidence, FindingFilter, FindingRow,
    GenerationRow, HeldKeyRow, IncidentRow, IssuedRow, LinkRow, NamePart, ObservationRow,
    OutboxRow, PointRow, ReviewRow, SessionRow, StandingRow, StoredDecision, StoredEntry,
    StoredEvent, TokenRow, UpstreamAccountRow, UpstreamOrderRow,
};
pub use url::{BadStoreUrl, StoreUrl};
