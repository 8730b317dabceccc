//! Issuers: who signs. The built-in CA signs in this process with sealed keys.

mod builtin;
mod listener;

pub use builtin::{BuiltinIssuer, IssuerFault, IssuerPlan};
pub use listener::{ListenerFault, listener_config};
