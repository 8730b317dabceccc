//! Every reader of outside bytes in this crate, under changed inputs: one target each.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../../../bailiwick-core/tests/fuzzing/mod.rs"]
mod fuzzing;

mod authority;
mod x509;
