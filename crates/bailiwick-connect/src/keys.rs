//! Keys at rest: sealed secrets, and what opens them.
//!
//! A [`Sealer`] encrypts secrets with AES-256-GCM under a data key; what a secret is for and its
//! name are bound to it, so that one sealed octet string cannot take the place of another. The
//! data key lies sealed in `data.key`; what opens it is `seal.key`, readable by this user alone,
//! or a passphrase. Files are written whole or not at all, whenever the process is killed.

mod disk;
mod fault;
mod file;
mod sealer;
mod secret;
mod subject;
mod unlock;

pub use disk::{Disk, Found, LocalDisk, Readers, put};
pub use fault::KeyFault;
pub use file::{KeyFiles, write_new};
pub use sealer::Sealer;
pub use secret::SecretBytes;
pub use subject::{SubjectPair, key_pem};
pub use unlock::SealSecret;
