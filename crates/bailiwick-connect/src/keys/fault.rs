//! What can be wrong with keys at rest, and what to do about it.

use std::path::PathBuf;

/// Why keys at rest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// A file cannot be read or written.
    #[error("`{path}` cannot be used: {cause}; check the folder, its permissions and its space")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Others than this user can read a secret.
    #[error(
        "`{path}` can be read by others (mode {mode:o}); run `chmod 600` on it, and replace the keys if anybody did"
    )]
    Exposed {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A file that must be there is not. It is never made anew, because that would hide the loss.
    #[error("`{path}` is missing; restore it from the backup that has the files beside it")]
    Lost {
        /// Which.
        path: PathBuf,
    },
    /// The octets are not what was sealed, or were sealed with another key or for something else.
    #[error(
        "{what} is damaged, or was sealed with another key or passphrase; give that one, or restore it with `seal.key` and `data.key` from one backup"
    )]
    Damaged {
        /// What.
        what: String,
    },
    /// Somebody without the right to it wanted a secret opened.
    #[error(
        "{what} is not opened for `{by}`, or not any more; that step or chore has no right to it"
    )]
    NoWarrant {
        /// Which secret.
        what: String,
        /// For what.
        by: &'static str,
    },
    /// The data key was sealed the other way.
    #[error("`{path}` was sealed with {with}; start with that")]
    OtherSecret {
        /// The file of the data key.
        path: PathBuf,
        /// What it was sealed with.
        with: &'static str,
    },
    /// A passphrase that can be guessed.
    #[error("the passphrase has fewer than {chars_min} characters; take a longer one")]
    ShortPassphrase {
        /// How many it needs.
        chars_min: usize,
    },
    /// The crypto library failed.
    #[error("the crypto library failed at {0}; check the memory and the build")]
    Crypto(&'static str),
    /// The token, or a key in it.
    #[error(transparent)]
    Token(#[from] crate::token::TokenFault),
    /// There is no randomness.
    #[error("the system gives no randomness; check that /dev/urandom can be read")]
    NoRandomness,
}

impl KeyFault {
    /// An error of the disk about `path`.
    pub(crate) fn io(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self + '_ {
        move |cause| Self::Io { path: path.to_owned(), cause }
    }

    /// Damage of the file `path`.
    pub(crate) fn damaged(path: &std::path::Path) -> Self {
        Self::Damaged { what: format!("`{}`", path.display()) }
    }
}
