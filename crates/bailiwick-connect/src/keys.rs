//! Keys at rest: sealed files, and the secrets that open them.
//!
//! A [`Sealer`] encrypts secrets with AES-256-GCM under a key of its own; what a secret is for and
//! its name are bound to it, so that one sealed octet string cannot take the place of another. The
//! sealing key lies in `seal.key`, readable by this user alone, or is derived from a passphrase.

mod file;
mod sealer;

pub use file::{KeyFiles, write_new};
pub use sealer::{KeyFault, Sealer};
