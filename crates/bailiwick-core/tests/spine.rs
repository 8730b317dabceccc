//! The spine under every fault, in a small simulated world.
//!
//! `together_or_not_at_all` strikes every effect of every plan with every fault and looks how it
//! ends; `separation_of_duties` goes through everybody who could approve for everybody who could
//! request; `decisions_and_histories` compares what is decided with what is folded;
//! `plans_and_digests` edits every field that an approval binds.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise"
)]

mod spine {
    pub(crate) mod drive;
    pub(crate) mod people;
    pub(crate) mod plans;
    pub(crate) mod world;

    mod decisions_and_histories;
    mod plans_and_digests;
    mod separation_of_duties;
    mod together_or_not_at_all;
    mod warrants;
}
