//! What the judge is told. Everything it may take into account stands here, so that a decision can
//! be stored with its inputs and asked again.

// tidy: long file because the facts of one question belong side by side; each struct is a table

mod access;
mod attestation;
mod change;

pub use access::{
    Access, AccessFacts, ObjectFacts, PrincipalFacts, PrincipalKind, ResourceKind, TokenFacts,
};
pub use attestation::{AttestationFacts, EnrolFacts};
pub use change::{ApprovalFacts, ApproverKind, AuthorFacts, AuthorKind, ChangeFacts, ChangeKind};

use std::collections::{BTreeMap, BTreeSet};

use crate::certificate::KeyKind;
use crate::estate::{
    AttestationKind, CaaIntent, DelegationSeen, Duties, Environment, Mode, Namespace, Ownership,
    Pattern, RuleId, Scope, ZoneClass, ZoneGate, ZoneKey, ZoneLimits, spelled,
};
use crate::names::{
    AccountId, EnvelopeId, ExceptionId, IssuerId, PersonId, ProfileId, SanName, ServiceId, TeamId,
};
use crate::time::Time;

/// Something that is known, or is not. Not knowing never allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact<T> {
    /// It is known to be this.
    Known(T),
    /// It is not known: nobody looked, the look failed, or the source was in doubt.
    Unknown,
}

impl<T> Fact<T> {
    /// The value, where it is known.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown => None,
        }
    }

    /// What a look-up gave: `None` is not knowing.
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Self::Known)
    }
}

/// A question to the judge.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once for a decision and never kept in numbers")]
pub enum Facts {
    /// May this certificate be issued?
    Issue(IssueFacts),
    /// Is this change approved enough?
    Change(ChangeFacts),
    /// May this principal do this to this object?
    Access(AccessFacts),
    /// May this workload have a credential?
    Enrol(EnrolFacts),
}

/// May this certificate be issued?
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssueFacts {
    /// The moment of the question.
    pub now: Time,
    /// The team that owns the control objective.
    pub control_owner: TeamId,
    /// Who asks.
    pub account: AccountFacts,
    /// The service the account is bound to.
    pub service: Fact<ServiceFacts>,
    /// The names, each once for every zone (view) it lies in.
    pub names: Vec<NameFacts>,
    /// The profile asked for.
    pub profile: Fact<ProfileFacts>,
    /// The issuer chosen.
    pub issuer: Fact<IssuerFacts>,
    /// How long the certificate would last.
    pub lifetime_seconds: Fact<u32>,
    /// The standing approval that covers the order, if there is one.
    pub envelope: Fact<Option<EnvelopeFacts>>,
    /// What the service asks its workloads for and what is attested; `None` where it asks for
    /// nothing and nothing is attested.
    pub attestation: Option<AttestationFacts>,
    /// Exceptions of the estate; those that do not apply are harmless.
    pub exceptions: Vec<ExceptionFacts>,
    /// How far the order has come.
    pub stage: Stage,
}

/// How far an order has come: the same rules, with more known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The order is placed. An allowed order still has to be asked about again.
    Order,
    /// The CSR is there; what is allowed now may be signed.
    Finalize(FinalizeFacts),
}

/// What is known only once the CSR is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FinalizeFacts {
    /// The key to be certified.
    pub key: Fact<KeyFacts>,
    /// How control of each name was shown.
    pub validated: Fact<BTreeMap<SanName, ValidationMethod>>,
    /// What CAA says.
    pub caa: Fact<CaaFact>,
}

/// A public key, as far as policy asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyFacts {
    /// Its kind.
    pub kind: KeyKind,
    /// Its size.
    pub bits: u16,
}

spelled! {
    /// How control of a name was shown (IANA: ACME validation methods).
    ValidationMethod {
        /// A file over HTTP (RFC 8555, section 8.3).
        Http01 = "http-01",
        /// A TXT record (RFC 8555, section 8.4).
        Dns01 = "dns-01",
        /// A TLS handshake (RFC 8737).
        TlsAlpn01 = "tls-alpn-01",
        /// A TXT record per account (draft-ietf-acme-dns-account-label).
        DnsAccount01 = "dns-account-01",
        /// A TXT record that stands (draft-ietf-acme-dns-persist).
        DnsPersist01 = "dns-persist-01",
    }
}

spelled! {
    /// What CAA says about the names.
    CaaFact {
        /// Not asked yet: the CAA engine decides after this judge.
        NotYet = "not-yet",
        /// It lets the issuer issue.
        Permits = "permits",
        /// It forbids it.
        Forbids = "forbids",
    }
}

/// An ACME account, as its credential binds it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountFacts {
    /// Its id.
    pub id: AccountId,
    /// Whether it is in good standing: neither deactivated nor revoked.
    pub usable: Fact<bool>,
    /// The service it is bound to.
    pub service: Fact<ServiceId>,
    /// The environment its credential was made for.
    pub environment: Fact<Environment>,
    /// The namespace its credential was made for, if for one.
    pub namespace: Fact<Option<Namespace>>,
    /// What is vouched for about it.
    pub attestations: Fact<BTreeSet<AttestationKind>>,
}

/// A service, as the estate has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServiceFacts {
    /// Its id.
    pub id: ServiceId,
    /// Where it runs.
    pub environment: Environment,
    /// Its namespace, if it has one.
    pub namespace: Option<Namespace>,
    /// Profiles it may use.
    pub profiles: BTreeSet<ProfileId>,
    /// Who answers for it.
    pub duties: Duties,
    /// When its ownership was last confirmed, if ever.
    pub ownership: Option<Ownership>,
    /// Since when it has the owners it has.
    pub owner_since: Fact<Time>,
}

/// One name in one zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameFacts {
    /// The name.
    pub name: SanName,
    /// The service that owns it, if one does.
    pub owner: Fact<Option<ServiceId>>,
    /// The zone it lies in. A name outside every zone has none to know.
    pub zone: Fact<ZoneFacts>,
}

/// A zone, as the estate has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneFacts {
    /// Which.
    pub key: ZoneKey,
    /// How much it matters.
    pub class: ZoneClass,
    /// Who decides.
    pub pattern: Pattern,
    /// How far Bailiwick goes.
    pub mode: Mode,
    /// The team that defines its policy.
    pub policy_owner: TeamId,
    /// The team that publishes its records.
    pub operator: TeamId,
    /// The CAA records it should have.
    pub caa: CaaIntent,
    /// Its limits.
    pub limits: ZoneLimits,
    /// What it asks for beside its pattern.
    pub gates: Vec<ZoneGate>,
    /// Whether its parent says what was decided.
    pub delegation: Fact<DelegationSeen>,
}

/// A profile, as far as policy asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProfileFacts {
    /// Its id.
    pub id: ProfileId,
    /// Environments it is meant for.
    pub environments: BTreeSet<Environment>,
    /// Longest lifetime.
    pub lifetime_seconds_max: u32,
    /// Kinds of key it takes.
    pub keys_allowed: BTreeSet<KeyKind>,
    /// Smallest RSA modulus.
    pub rsa_bits_min: u16,
    /// Most names.
    pub names_max: u16,
    /// Whether a wildcard may be certified.
    pub wildcard_allowed: bool,
    /// Proof about the client that it asks for.
    pub attestation_required: Option<AttestationKind>,
}

/// An issuer, as far as policy asks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuerFacts {
    /// Its id.
    pub id: IssuerId,
    /// The issuer domain names it answers to.
    pub caa_domains: BTreeSet<String>,
    /// Environments it may issue for.
    pub environments: BTreeSet<Environment>,
    /// Profiles it may issue under.
    pub profiles: BTreeSet<ProfileId>,
}

/// A standing approval that covers (part of) the order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvelopeFacts {
    /// Which.
    pub id: EnvelopeId,
    /// Whose.
    pub service: ServiceId,
    /// Names it covers, exactly.
    pub names: BTreeSet<SanName>,
    /// From which issuer.
    pub issuer: IssuerId,
    /// Under which profiles.
    pub profiles: BTreeSet<ProfileId>,
    /// Only for this account, where one is named.
    pub account: Option<AccountId>,
    /// From when.
    pub granted_at: Time,
    /// Until when; an envelope that was ended early ends there.
    pub until: Time,
    /// What is left of it.
    pub uses_left: Fact<UsesLeft>,
    /// Who approved it, as recorded then.
    pub approvals: Fact<Vec<EnvelopeApproval>>,
}

/// How often an envelope may still be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UsesLeft {
    /// As often as wanted.
    Unlimited,
    /// So often.
    Limited(u32),
}

/// One approval of an envelope, as recorded when it was given.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct EnvelopeApproval {
    /// Who approved.
    pub person: PersonId,
    /// The teams that person belonged to.
    pub teams: BTreeSet<TeamId>,
    /// Whether the person was independent of the requester.
    pub independent: bool,
}

/// An exception of the estate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExceptionFacts {
    /// Which.
    pub id: ExceptionId,
    /// Where it holds.
    pub scope: Scope,
    /// The rule it sets aside.
    pub rule: RuleId,
    /// When it ends.
    pub until: Time,
}
