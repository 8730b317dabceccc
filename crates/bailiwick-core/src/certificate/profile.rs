//! Certificate profiles: the limits that the estate sets on one kind of certificate.

use std::collections::BTreeSet;
use std::fmt;

use crate::names::ProfileId;

/// The kind of a public key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum KeyKind {
    /// ECDSA on P-256 (RFC 5480).
    EcdsaP256,
    /// ECDSA on P-384 (RFC 5480).
    EcdsaP384,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSA (RFC 3279, section 2.3.1); its size is with the key.
    Rsa,
}

impl KeyKind {
    /// Every kind, in the order of preference.
    pub const ALL: [Self; 4] = [Self::EcdsaP256, Self::EcdsaP384, Self::Ed25519, Self::Rsa];

    /// How the estate spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Ed25519 => "ed25519",
            Self::Rsa => "rsa",
        }
    }

    /// Reads the estate's spelling; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a certificate's key may be used for (RFC 5280, section 4.2.1.12).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum KeyPurpose {
    /// `id-kp-serverAuth`: a TLS server.
    ServerAuth,
    /// `id-kp-clientAuth`: a TLS client.
    ClientAuth,
}

impl KeyPurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::ServerAuth, Self::ClientAuth];

    /// How the estate spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerAuth => "server",
            Self::ClientAuth => "client",
        }
    }

    /// Reads the estate's spelling; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose rules a kind of certificate follows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum ProfileRules {
    /// The organisation's own: for relying parties that trust the organisation's root.
    Private,
    /// Those for publicly trusted TLS servers (the CA/Browser Forum's Baseline Requirements).
    PublicTls,
}

impl ProfileRules {
    /// Every kind of rules.
    pub const ALL: [Self; 2] = [Self::Private, Self::PublicTls];

    /// How the estate spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::PublicTls => "public-tls",
        }
    }

    /// Reads the estate's spelling; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rules| rules.as_str() == text)
    }
}

impl fmt::Display for ProfileRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who may be told by what means that a certificate is revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RevocationPointers {
    /// Whether certificates point at the issuer's CRL.
    pub crl: bool,
    /// Whether certificates point at the issuer's OCSP responder.
    pub ocsp: bool,
}

/// The limits on one kind of certificate.
///
/// A profile grants nothing; the policy decides which one a request may use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateProfile {
    /// Its key in the estate.
    pub id: ProfileId,
    /// Longest validity, both ends counted (BR 6.3.2).
    pub lifetime_seconds_max: u32,
    /// How far before the moment of signing the validity starts, for clocks that are slow.
    pub backdate_seconds: u32,
    /// What the key may be used for; never empty in a certificate.
    pub purposes: BTreeSet<KeyPurpose>,
    /// Kinds of key that may be certified.
    pub keys_allowed: BTreeSet<KeyKind>,
    /// Smallest RSA modulus; never below 2,048 (BR 6.1.5).
    pub rsa_bits_min: u16,
    /// Most names in one certificate.
    pub names_max: u16,
    /// Whether a name may start with `*.`.
    pub wildcard_allowed: bool,
    /// How relying parties find out about a revocation.
    pub revocation: RevocationPointers,
    /// Whether the certificate names the service's workload beside its DNS names (X509-SVID).
    pub workload_uri: bool,
    /// Whose rules it follows.
    pub rules: ProfileRules,
}
