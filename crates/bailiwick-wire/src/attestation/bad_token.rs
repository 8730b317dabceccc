//! Why a token proves nothing, and the rule that people are told.

use bailiwick_core::time::Time;

/// Why a token proves nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadToken {
    /// Not a compact JWS of bounded size.
    #[error("this is not a token; send the whole of it, three parts with dots between")]
    Form,
    /// The header has a parameter that is not taken.
    #[error("the token's header has `{0}`, which is not taken here")]
    Header(&'static str),
    /// Signed by no algorithm that is taken.
    #[error("the token's `alg` is not taken; have it signed with ES256, ES384, EdDSA or RS256")]
    Algorithm,
    /// No key of the attestor is the one it names.
    #[error("no key of the attestor signed this token; look at its `kid`")]
    Key,
    /// The signature is not that key's.
    #[error("the token's signature is not right")]
    Signature,
    /// The certificate in the header is no SVID of the trust domain.
    #[error("the SVID is refused: {0}")]
    Svid(&'static str),
    /// A claim that has to be there is not.
    #[error("the token has no `{0}`")]
    Missing(&'static str),
    /// Another issuer.
    #[error("the token is by `{said}`, and `{wanted}` is asked for")]
    Issuer {
        /// By whom it is.
        said: String,
        /// By whom it has to be.
        wanted: String,
    },
    /// For somebody else.
    #[error("the token is for {said}, and not for `{wanted}`; ask for one with that audience")]
    Audience {
        /// Whom it is for.
        said: String,
        /// Whom it has to be for.
        wanted: String,
    },
    /// Over.
    #[error("the token was good until {0}; get a fresh one")]
    Expired(Time),
    /// Not good yet.
    #[error("the token is good only from {0} on; look at the clocks")]
    NotYet(Time),
    /// Good for too long.
    #[error("the token is good for {0} seconds, which is too long; have short-lived ones issued")]
    TooLong(i64),
}

impl BadToken {
    /// The rule that people are told.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Expired(_) | Self::NotYet(_) | Self::TooLong(_) => "token-out-of-date",
            Self::Audience { .. } => "token-audience",
            Self::Issuer { .. } => "token-issuer",
            Self::Form | Self::Header(_) | Self::Missing(_) => "token-malformed",
            Self::Algorithm | Self::Key | Self::Signature | Self::Svid(_) => "token-not-verified",
        }
    }
}
