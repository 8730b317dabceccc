//! Issuers: who signs. The built-in CA signs in this process with sealed keys.

mod builtin;
mod ceremony;
mod fault;
mod folder;
mod generation;
mod home;
mod key;
mod listener;
mod responder;

pub use builtin::BuiltinIssuer;
pub use ceremony::{OfflineRoot, install, request, requested_key};
pub use fault::IssuerFault;
pub use folder::IssuerPlan;
pub use generation::{Generations, Standby};
pub use listener::{ListenerFault, listener_config};
pub use responder::{NewResponder, OcspResponder};
