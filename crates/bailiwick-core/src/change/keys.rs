//! Credentials that Bailiwick itself holds towards others, and what a change of them is: another one in
//! force, and the one before refused.

use crate::estate::ZoneKey;
use crate::gate::SealedSecret;
use crate::names::{Digest, IssuerId};

/// A credential that Bailiwick holds towards somebody else, by what it opens.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum HeldKey {
    /// The TSIG key that a zone is written with (RFC 8945).
    ZoneTsig(ZoneKey),
    /// The key of the HTTP API that a zone is written through.
    ZoneApi(ZoneKey),
    /// The key of our account at a CA behind ACME (RFC 8555, section 7.3.5).
    CaAccount(IssuerId),
}

impl HeldKey {
    /// The secret in force.
    #[must_use]
    pub fn now(&self) -> SealedSecret {
        match self {
            Self::ZoneTsig(zone) => SealedSecret::Tsig(zone.clone()),
            Self::ZoneApi(zone) => SealedSecret::ApiKey(zone.clone()),
            Self::CaAccount(issuer) => SealedSecret::AccountKey(issuer.clone()),
        }
    }

    /// The secret that waits to come in force.
    #[must_use]
    pub fn next(&self) -> SealedSecret {
        match self {
            Self::ZoneTsig(zone) => SealedSecret::NextTsig(zone.clone()),
            Self::ZoneApi(zone) => SealedSecret::NextApiKey(zone.clone()),
            Self::CaAccount(issuer) => SealedSecret::NextAccountKey(issuer.clone()),
        }
    }

    /// The secret that was in force before, kept until its change is over.
    #[must_use]
    pub fn last(&self) -> SealedSecret {
        match self {
            Self::ZoneTsig(zone) => SealedSecret::LastTsig(zone.clone()),
            Self::ZoneApi(zone) => SealedSecret::LastApiKey(zone.clone()),
            Self::CaAccount(issuer) => SealedSecret::LastAccountKey(issuer.clone()),
        }
    }

    /// What it opens, in one word.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ZoneTsig(_) => "zone-tsig",
            Self::ZoneApi(_) => "zone-api",
            Self::CaAccount(_) => "ca-account",
        }
    }

    /// Whose it is: the zone, or the issuer.
    #[must_use]
    pub fn owner(&self) -> String {
        match self {
            Self::ZoneTsig(zone) | Self::ZoneApi(zone) => zone.to_string(),
            Self::CaAccount(issuer) => issuer.to_string(),
        }
    }

    /// The zone it writes, where it does.
    #[must_use]
    pub const fn zone(&self) -> Option<&ZoneKey> {
        match self {
            Self::ZoneTsig(zone) | Self::ZoneApi(zone) => Some(zone),
            Self::CaAccount(_) => None,
        }
    }

    /// Takes kind and owner as they are stored.
    #[must_use]
    pub fn parse(kind: &str, owner: &str) -> Option<Self> {
        match kind {
            "zone-tsig" => ZoneKey::parse(owner).map(Self::ZoneTsig),
            "zone-api" => ZoneKey::parse(owner).map(Self::ZoneApi),
            "ca-account" => IssuerId::parse(owner).ok().map(Self::CaAccount),
            _ => None,
        }
    }
}

/// Names a credential. Never the secret.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct KeyMark {
    /// The name that the other side knows it under: that of a TSIG key, the URL of an account, or for
    /// the key of an API the field that it is sent in.
    pub name: String,
    /// What tells it from another one of that name: the hash of an account's public key, or else
    /// SHA-256 over name and secret.
    pub digest: Digest,
}

impl KeyMark {
    /// Names a shared secret. Whoever sees a message signed with it can try guesses as well as whoever
    /// sees this; a secret of 16 random octets withstands both.
    #[must_use]
    pub fn of_secret(name: &str, secret: &[u8]) -> Self {
        let mut canon = super::digest::Canon::new("bailiwick/key-mark/v1");
        canon.text(name);
        canon.bytes(secret);
        Self { name: name.to_owned(), digest: canon.finish() }
    }
}

/// Another credential takes the place of one that Bailiwick holds, once the other side takes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RotateKey {
    /// Which.
    pub of: HeldKey,
    /// The pre-image: the one in force.
    pub before: KeyMark,
    /// The one that will be.
    pub after: KeyMark,
    /// How long the other side has to take the new one, in seconds.
    pub within_seconds: u32,
}

/// The credential before is refused by the other side. Bailiwick cannot do that for a server; it waits,
/// says what has to be removed, and forgets the secret with the end of the change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RetireKey {
    /// Which.
    pub of: HeldKey,
    /// The one that must be refused.
    pub old: KeyMark,
    /// How long the other side has to refuse it, in seconds; then a person has to look.
    pub within_seconds: u32,
}
