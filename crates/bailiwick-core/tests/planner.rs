//! The ordering rules of the planner, at every intermediate state: plans are carried out, and turned
//! back from every step, in a small DNS with servers that lag and caches that hold on to what they
//! saw.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod planner {
    mod rules;
    mod world;

    mod at_every_moment;
}
