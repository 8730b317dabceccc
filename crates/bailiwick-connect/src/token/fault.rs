//! What can be wrong with a token, and what to do about it.

use std::path::PathBuf;

use cryptoki::error::Error;

/// Why a token or a key in it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFault {
    /// The module cannot be loaded or does not start.
    #[error(
        "the pkcs#11 module `{path}` cannot be used: {cause}; give the shared library of the token's maker, for this machine, and its configuration"
    )]
    Module {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: Error,
    },
    /// No token of this label.
    #[error(
        "there is no token `{label}`; the module shows {}; insert it, or give the label that `pkcs11-tool --list-slots` shows",
        shown(others)
    )]
    NoToken {
        /// Which was wanted.
        label: String,
        /// Those that there are.
        others: Vec<String>,
    },
    /// Two tokens of one label.
    #[error("{count} tokens are named `{label}`; give each its own label")]
    ManyTokens {
        /// Which.
        label: String,
        /// How many.
        count: usize,
    },
    /// The PIN is refused.
    #[error(
        "token `{token}` refuses the pin; correct BAILIWICK_PKCS11_PIN or the file of --pkcs11-pin-file before it locks"
    )]
    Pin {
        /// Which token.
        token: String,
    },
    /// The PIN was wrong too often.
    #[error("token `{token}` is locked; its security officer has to set a new pin")]
    PinLocked {
        /// Which token.
        token: String,
    },
    /// Two keys of one label.
    #[error(
        "the token holds {count} keys `{label}`; remove the one that signed nothing, after a look at the ca's certificates"
    )]
    ManyKeys {
        /// The label.
        label: String,
        /// How many.
        count: usize,
    },
    /// The key could be taken out.
    #[error(
        "key `{label}` may be taken out of the token; make a ca with a new key there, and end this one"
    )]
    Exposed {
        /// The label.
        label: String,
    },
    /// The key that the CA's certificate names is not there.
    #[error("token `{token}` has no key `{label}`; insert the token that has it, or its backup")]
    Lost {
        /// Which token.
        token: String,
        /// The key's label.
        label: String,
    },
    /// A key of a kind that no CA here has, or that the token cannot make.
    #[error(
        "key `{label}` of the token cannot be used: {why}; choose another `key` in issuers.toml"
    )]
    Key {
        /// The label.
        label: String,
        /// What about it.
        why: String,
    },
    /// The token answers with an error.
    #[error("token `{token}` failed at {what}: {cause}; look at the token and its module")]
    Failed {
        /// Which token.
        token: String,
        /// What was tried.
        what: &'static str,
        /// Its answer.
        cause: Error,
    },
}

fn shown(others: &[String]) -> String {
    if others.is_empty() { "none".to_owned() } else { format!("`{}`", others.join("`, `")) }
}
