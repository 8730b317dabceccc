//! Where the keys of one CA live: sealed in its folder, or in a token.

use std::sync::Arc;

use bailiwick_core::estate::AuthorityKey;
use bailiwick_core::names::IssuerId;

use super::folder::IssuerPlan;
use super::key::CaKey;
use crate::keys::{KeyFault, KeyFiles, Sealer};
use crate::token::{Token, TokenFault};

pub(super) enum Home<'a> {
    Sealed { files: KeyFiles<'a>, sealer: &'a Sealer, purpose: String },
    Token { token: &'a Arc<Token>, issuer: IssuerId },
}

impl<'a> Home<'a> {
    pub(super) fn sealed(files: KeyFiles<'a>, sealer: &'a Sealer, plan: &IssuerPlan) -> Self {
        // The id is bound in: the key of one issuer cannot be laid into the folder of another.
        Self::Sealed { files, sealer, purpose: format!("ca key of {}", plan.id) }
    }

    /// The key of this role; `None` where none was made.
    pub(super) fn read(&self, role: &str) -> Result<Option<CaKey>, KeyFault> {
        match self {
            Self::Sealed { files, purpose, .. } => CaKey::read(files, purpose, role),
            Self::Token { token, issuer } => Ok(token.key(&label(issuer, role))?.map(CaKey::from)),
        }
    }

    /// A new key, where it stays, before anybody gets it.
    pub(super) fn make(&self, role: &str, kind: AuthorityKey) -> Result<CaKey, KeyFault> {
        match self {
            Self::Sealed { files, sealer, purpose } => {
                CaKey::make(files, sealer, purpose, role, kind)
            }
            Self::Token { token, issuer } => Ok(token.make_key(&label(issuer, role), kind)?.into()),
        }
    }

    /// The key of this role should be there and is not.
    pub(super) fn lost(&self, role: &str) -> KeyFault {
        match self {
            Self::Sealed { files, .. } => KeyFault::Lost { path: files.path(role) },
            Self::Token { token, issuer } => {
                let (token, label) = (token.label().to_owned(), label(issuer, role));
                TokenFault::Lost { token, label }.into()
            }
        }
    }
}

fn label(issuer: &IssuerId, role: &str) -> String {
    format!("bailiwick {issuer} {role}")
}
