//! The estate as code, shown on the folder of the lab.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod attestors;
mod lab;
mod plans;
mod problems;
mod stored;
