//! The policy judge, shown on a small organisation.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test stops at the first surprise"
)]

mod access;
mod attestation;
mod changes;
mod compiling;
mod estates;
mod graphs;
mod oracle;
mod power;
mod refusals;
mod world;
