//! A helper that stands elsewhere and asks the DNS for us: its certificates, and the helper itself.
//!
//! Both sides show certificates of the vantage CA, which issues for nothing else. The helper may do one
//! thing: ask its own resolver for a name and one of a few types. Nothing of what it was sent goes
//! further than that name and type, and every message, connection and wait is bounded.

mod authority;
mod serve;

pub use authority::{Enrolled, VantageAuthority, VantageFault};
pub use serve::{HelperFault, HelperFiles, serve};
