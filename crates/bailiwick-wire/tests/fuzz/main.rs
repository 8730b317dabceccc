//! Every reader of outside bytes in this crate, under changed inputs: one target each.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[expect(dead_code, reason = "orders and authorizations of it are seeds")]
#[path = "../record/strategies.rs"]
mod entries;
#[path = "../../../bailiwick-core/tests/fuzzing/mod.rs"]
mod fuzzing;
#[expect(dead_code, reason = "one pack of it is a seed")]
#[path = "../evidence_pack/pack.rs"]
mod pack;
#[expect(dead_code, reason = "proofs of it are seeds")]
#[path = "../ledger_suite/reference.rs"]
mod tree;
#[expect(dead_code, reason = "samples of it stand in the golden file")]
#[path = "../record/watched.rs"]
mod watched;

mod acme;
mod authority;
mod dns;
mod estate;
mod jose;
mod ledger;
mod mail;
mod reported;
mod stored;
mod x509;
mod zones;
