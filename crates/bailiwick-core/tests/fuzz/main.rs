//! Every reader of outside text in this crate, under changed inputs: one target each.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(dead_code, reason = "other crates use the rest of it")]
#[path = "../fuzzing/mod.rs"]
mod fuzzing;
#[path = "../caa/reference.rs"]
mod reference;

mod caa;
mod names;
mod policy;
