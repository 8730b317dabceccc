//! Issuers: who signs. The built-in CA signs in this process with sealed keys.

mod builtin;
mod fault;
mod folder;
mod key;
mod listener;

pub use builtin::BuiltinIssuer;
pub use fault::IssuerFault;
pub use folder::IssuerPlan;
pub use listener::{ListenerFault, listener_config};
