//! Reading. Everything comes out as core types; what is stored and cannot be read is damaged, never
//! skipped.

mod attestation;
mod certificates;
mod changes;
mod envelopes;
mod gate;
mod issuers;
mod ledger;
mod orders;
mod people;
mod policy;
mod power;
mod select;
mod upstream;
mod watch;

pub use certificates::{
    CertificateCounts, CertificateFilter, CertificateOrder, IssuedRow, NamePart,
};
pub use changes::ChangeFilter;
pub use gate::StandingRow;
pub use issuers::{CrlRow, GenerationRow};
pub use ledger::{CheckpointRow, StoredEntry, StoredEvent};
pub use people::{LinkRow, OutboxRow, SessionRow, TokenRow};
pub use policy::{ActiveEstate, Evidence, StoredDecision};
pub use power::{ActRow, EmergencyRow, ReviewRow};
pub use upstream::{HeldKeyRow, UpstreamAccountRow, UpstreamOrderRow};
pub use watch::{CanaryRow, FindingFilter, FindingRow, IncidentRow, ObservationRow, PointRow};

pub(crate) use certificates::reversed;
pub(crate) use ledger::{checkpoint, index};
