//! Issuers: who signs. The built-in CA signs in this process with sealed keys.

mod builtin;
mod fault;
mod folder;
mod home;
mod key;
mod listener;
mod responder;

pub use builtin::BuiltinIssuer;
pub use fault::IssuerFault;
pub use folder::IssuerPlan;
pub use listener::{ListenerFault, listener_config};
pub use responder::{NewResponder, OcspResponder};
