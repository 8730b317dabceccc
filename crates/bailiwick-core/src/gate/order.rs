//! Orders, authorizations and challenges (RFC 8555, sections 7.1.3 to 7.1.6).

use crate::names::{
    AccountId, AcmeIdentifier, AuthzId, CertFingerprint, ChallengeId, ChangeId, DecisionId,
    IssuerId, OrderId, ProfileId, SanName,
};
use crate::time::Time;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }
        impl $name {
            /// The word of the protocol.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
            /// Reads the word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// Where an order stands.
    OrderStatus {
        /// Some name is not validated yet.
        Pending = "pending",
        /// Every name is validated; the CSR is awaited.
        Ready = "ready",
        /// The CSR was accepted; the change runs.
        Processing = "processing",
        /// The certificate can be fetched.
        Valid = "valid",
        /// It ended without a certificate.
        Invalid = "invalid",
    }
}

words! {
    /// Where an authorization stands.
    AuthorizationStatus {
        /// A challenge is awaited.
        Pending = "pending",
        /// Control of the name was shown.
        Valid = "valid",
        /// A challenge failed.
        Invalid = "invalid",
        /// The client gave it up.
        Deactivated = "deactivated",
        /// It is too old.
        Expired = "expired",
    }
}

words! {
    /// Where a challenge stands.
    ChallengeStatus {
        /// The client has not answered.
        Pending = "pending",
        /// We are looking.
        Processing = "processing",
        /// It was seen.
        Valid = "valid",
        /// It was not.
        Invalid = "invalid",
    }
}

words! {
    /// How control of a name is shown (RFC 8555, section 8).
    ChallengeKind {
        /// A file over HTTP on port 80 (section 8.3).
        Http01 = "http-01",
        /// A TXT record (section 8.4).
        Dns01 = "dns-01",
        /// A TLS handshake (RFC 8737).
        TlsAlpn01 = "tls-alpn-01",
        /// A TXT record per account (draft-ietf-acme-dns-account-label).
        DnsAccount01 = "dns-account-01",
        /// A TXT record that stands (draft-ietf-acme-dns-persist).
        DnsPersist01 = "dns-persist-01",
    }
}

words! {
    /// Error types of the ACME registry (RFC 8555, section 6.7), as far as we use them.
    ProblemKind {
        /// No account for this key.
        AccountDoesNotExist = "accountDoesNotExist",
        /// Another order replaces the certificate already (RFC 9773, section 7.4).
        AlreadyReplaced = "alreadyReplaced",
        /// The certificate is revoked already.
        AlreadyRevoked = "alreadyRevoked",
        /// The CSR cannot be accepted.
        BadCsr = "badCSR",
        /// The nonce is unknown or used.
        BadNonce = "badNonce",
        /// The key cannot be accepted.
        BadPublicKey = "badPublicKey",
        /// The reason cannot be accepted.
        BadRevocationReason = "badRevocationReason",
        /// The signature algorithm cannot be accepted.
        BadSignatureAlgorithm = "badSignatureAlgorithm",
        /// CAA forbids it, or could not be decided.
        Caa = "caa",
        /// Several errors; see the subproblems.
        Compound = "compound",
        /// The validation target could not be reached.
        Connection = "connection",
        /// A DNS look-up failed.
        Dns = "dns",
        /// A binding is required.
        ExternalAccountRequired = "externalAccountRequired",
        /// The answer to a challenge was wrong.
        IncorrectResponse = "incorrectResponse",
        /// A contact cannot be used.
        InvalidContact = "invalidContact",
        /// The request is malformed.
        Malformed = "malformed",
        /// Finalize before ready.
        OrderNotReady = "orderNotReady",
        /// Too many requests.
        RateLimited = "rateLimited",
        /// A name that will not be served.
        RejectedIdentifier = "rejectedIdentifier",
        /// Our fault.
        ServerInternal = "serverInternal",
        /// TLS to the validation target failed.
        Tls = "tls",
        /// Not allowed.
        Unauthorized = "unauthorized",
        /// A contact scheme we do not know.
        UnsupportedContact = "unsupportedContact",
        /// An identifier type we do not know.
        UnsupportedIdentifier = "unsupportedIdentifier",
        /// A person has to act; see `instance`.
        UserActionRequired = "userActionRequired",
        /// A profile that does not exist or may not be used.
        InvalidProfile = "invalidProfile",
    }
}

/// A problem as a client is told it (RFC 9457, RFC 8555 section 6.7).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// The registered type.
    pub kind: ProblemKind,
    /// For a person: what is wrong and what to do.
    pub detail: String,
    /// A page about exactly this case, such as the change to approve.
    pub instance: Option<String>,
    /// One per name where that helps.
    pub subproblems: Vec<(String, Self)>,
}

/// An order.
///
/// Always: its names are sorted, distinct and not empty; names, profile and issuer never change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Order {
    /// Its id, the last part of the order URL.
    pub id: OrderId,
    /// Who ordered.
    pub account: AccountId,
    /// For which names.
    pub names: Vec<SanName>,
    /// Under which profile.
    pub profile: ProfileId,
    /// From which issuer; the policy chose it.
    pub issuer: IssuerId,
    /// Where it stands.
    pub status: OrderStatus,
    /// The authorizations it waits for, in the order of the names' bases.
    pub authorizations: Vec<AuthzId>,
    /// The decision that let it in.
    pub decision: DecisionId,
    /// When it was made.
    pub created_at: Time,
    /// After this moment it is invalid unless it ended before.
    pub expires_at: Time,
    /// The change that issues, once finalized.
    pub change: Option<ChangeId>,
    /// The certificate, once there is one.
    pub certificate: Option<CertFingerprint>,
    /// Why it is invalid.
    pub error: Option<Problem>,
    /// The certificate that this order replaces, as its client named it (RFC 9773, section 5).
    pub replaces: Option<String>,
}

/// An authorization of one account for one name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authorization {
    /// Its id, the last part of its URL.
    pub id: AuthzId,
    /// Whose it is.
    pub account: AccountId,
    /// The name without `*.`, or the address.
    pub name: AcmeIdentifier,
    /// Whether it was made for `*.name`: then only DNS can show control.
    pub wildcard: bool,
    /// Where it stands.
    pub status: AuthorizationStatus,
    /// After this moment it shows nothing.
    pub expires_at: Time,
    /// The ways to show control.
    pub challenges: Vec<Challenge>,
}

/// One way to show control.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    /// Its id, the last part of its URL.
    pub id: ChallengeId,
    /// Which way.
    pub kind: ChallengeKind,
    /// At least 128 random bits, base64url.
    pub token: String,
    /// Where it stands.
    pub status: ChallengeStatus,
    /// When control was seen.
    pub validated_at: Option<Time>,
    /// Why it is invalid.
    pub error: Option<Problem>,
}

/// What was seen when control of a name was shown; kept in the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ValidationEvidence {
    /// The authorization it made valid.
    pub authorization: AuthzId,
    /// Whose it is.
    pub account: AccountId,
    /// The name or address validated.
    pub name: AcmeIdentifier,
    /// Whether it was made for `*.name`.
    pub wildcard: bool,
    /// How.
    pub kind: ChallengeKind,
    /// Where we looked: addresses asked, redirects, record owner.
    pub seen_at: Vec<String>,
    /// When control was seen.
    pub at: Time,
    /// Until when it may be relied on.
    pub expires_at: Time,
}
