//! Every reader of outside text in this crate, under changed inputs: one target each.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[expect(
    dead_code,
    clippy::disallowed_methods,
    reason = "other crates use the rest of it; a run watches the clock and the memory"
)]
#[path = "../fuzzing/mod.rs"]
mod fuzzing;
#[path = "../caa/reference.rs"]
mod reference;

mod caa;
mod names;
mod policy;
