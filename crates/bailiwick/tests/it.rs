//! The integration tests: Bailiwick among real servers and real clients.
//!
//! One binary, because each more is another link of everything. `harness` starts the others; the stories that
//! are told with it are modules of their own.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first surprise"
)]

mod harness;
mod stories;
