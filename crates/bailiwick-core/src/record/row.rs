//! A row that an entry causes, one variant for each way rows are altered.

use crate::certificate::Generation;
use crate::change::{HeldKey, IssuedCertificate, KeyMark, Request, Revoked};
use crate::estate::Attested;
use crate::gate::{
    Account, AccountStatus, Bounds, Credential, DelegatedExecution, DelegationObservation,
    Emergency, Envelope, StandingRecord, ValidationEvidence,
};
use crate::names::{
    AccountId, AuthzId, CertFingerprint, ChangeId, CredentialId, Digest, EnvelopeId, IssuerId,
    OrderId, PersonId, SessionId, SpkiHash, TokenId,
};
use crate::time::Time;

use super::acts::Act;
use super::decision::Decision;
use super::watched::WatchRow;

/// A change as lists show it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChangeRow {
    /// What was asked for.
    pub request: Request,
    /// The kind of its first step; empty until there is a plan.
    pub kind: String,
    /// The state's name.
    pub state: String,
    /// How many events it has.
    pub events: u32,
    /// When the last one was stored.
    pub updated_at: Time,
    /// Until when it can be approved, once it waits for that.
    pub expires_at: Option<Time>,
}

/// One alteration of the rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Row {
    /// A change came into being.
    OpenChange(Box<ChangeRow>),
    /// A change got one more event.
    MoveChange {
        /// Which.
        id: ChangeId,
        /// The event's number; the row must have had exactly this many before.
        seq: u32,
        /// The state it is in now.
        state: String,
        /// When.
        at: Time,
        /// Set when this event made the plan.
        kind: Option<String>,
        /// Set when this event says until when it can be approved.
        expires_at: Option<Time>,
    },
    /// A decision was made.
    PutDecision {
        /// The decision.
        decision: Box<Decision>,
        /// When.
        at: Time,
    },
    /// An account came into being; its credential is bound with it.
    PutAccount(Box<Account>),
    /// An account has other contacts.
    SetContacts {
        /// Which.
        account: AccountId,
        /// The contacts.
        contacts: Vec<String>,
    },
    /// An account has another key; no other account may have it.
    SetAccountKey {
        /// Which.
        account: AccountId,
        /// RFC 7638 thumbprint of the key.
        thumbprint: String,
        /// The key as canonical JWK text.
        jwk: String,
    },
    /// An account ended.
    SetAccountStatus {
        /// Which.
        account: AccountId,
        /// How.
        status: AccountStatus,
    },
    /// An account is bound by another credential from now on: what is attested about its holder, and
    /// who answers for it, are that one's.
    BindAccount {
        /// Which.
        account: AccountId,
        /// By which; no other account may be bound by it.
        credential: CredentialId,
    },
    /// A credential came into being.
    PutCredential(Box<Credential>),
    /// What is attested about the holder of a credential. A token is taken once: a second is refused.
    PutAttestation {
        /// Whose.
        credential: CredentialId,
        /// What.
        attested: Box<Attested>,
        /// Names the token.
        token: Digest,
    },
    /// A credential was revoked.
    RevokeCredential {
        /// Which.
        credential: CredentialId,
        /// When.
        at: Time,
    },
    /// A credential registers nothing from a moment on: another one is in its place.
    RotateCredential {
        /// Which.
        credential: CredentialId,
        /// The one in its place.
        successor: CredentialId,
        /// From when on.
        until: Time,
        /// When that was decided.
        at: Time,
    },
    /// The holder of an account agreed to terms of service, in place of those before.
    SetAccountTerms {
        /// Which account.
        account: AccountId,
        /// Where the terms are.
        terms: String,
        /// When.
        at: Time,
    },
    /// An order replaces a certificate.
    PutReplacement {
        /// Which order.
        order: OrderId,
        /// Which certificate.
        certificate: CertFingerprint,
        /// When.
        at: Time,
    },
    /// What an authorization showed counts no more; nothing where it showed nothing.
    EndValidation {
        /// Which authorization.
        authorization: AuthzId,
        /// When.
        at: Time,
    },
    /// A standing validation record was seen, for the first time or again.
    PutStandingRecord {
        /// As it was seen.
        seen: Box<StandingRecord>,
        /// When.
        at: Time,
    },
    /// A standing validation record is gone; nothing where none was seen.
    EndStandingRecord {
        /// The name it stood for.
        name: String,
        /// The account it named.
        account: AccountId,
        /// When.
        at: Time,
    },
    /// Control of a name was shown.
    PutValidation(Box<ValidationEvidence>),
    /// A certificate came into being. (issuer, serial) is unique: a second is refused.
    PutCertificate(Box<IssuedCertificate>),
    /// A serial was revoked. Once revoked it stays so: a second is ignored.
    PutRevocation {
        /// The change that did it.
        change: ChangeId,
        /// What is revoked.
        revoked: Revoked,
    },
    /// An envelope is in force.
    PutEnvelope(Box<Envelope>),
    /// A certificate was issued under an envelope.
    CountEnvelopeUse(EnvelopeId),
    /// An envelope ended.
    EndEnvelope {
        /// Which.
        envelope: EnvelopeId,
        /// When.
        at: Time,
        /// Why.
        why: String,
    },
    /// An envelope that was ended is in force again.
    ReopenEnvelope(EnvelopeId),
    /// An envelope reaches this far; refused when it did not reach as far as `before` says.
    BoundEnvelope {
        /// Which.
        envelope: EnvelopeId,
        /// How far it reached.
        before: Bounds,
        /// How far it reaches.
        after: Bounds,
    },
    /// An estate became the active one.
    ActivateEstate {
        /// Which.
        estate: Digest,
        /// When.
        at: Time,
        /// By which change.
        change: ChangeId,
    },
    /// A session began.
    PutSession {
        /// Which.
        session: SessionId,
        /// Whose.
        person: PersonId,
        /// Who stands behind it.
        chain: Vec<PersonId>,
        /// When.
        at: Time,
        /// Until when.
        expires_at: Time,
    },
    /// A session ended.
    EndSession(SessionId),
    /// A token came into being.
    PutToken {
        /// Which.
        token: TokenId,
        /// Whose.
        person: PersonId,
        /// Who stands behind it.
        chain: Vec<PersonId>,
        /// What for.
        scopes: Vec<String>,
        /// What for, in words.
        purpose: String,
        /// When.
        at: Time,
        /// Until when.
        expires_at: Time,
    },
    /// A token was revoked.
    EndToken {
        /// Which.
        token: TokenId,
        /// When.
        at: Time,
    },
    /// A CA has an order of ours for a change. A change has one: a second is refused.
    PutUpstreamOrder {
        /// For which change.
        change: ChangeId,
        /// At which issuer.
        issuer: IssuerId,
        /// The order's URL.
        url: String,
        /// Since when.
        at: Time,
    },
    /// What is served behind a certificate; its octets are evidence.
    PutChain {
        /// Behind which.
        fingerprint: CertFingerprint,
        /// Its digest.
        chain: Digest,
    },
    /// An account of ours at a CA, in place of the one before.
    PutUpstreamAccount {
        /// At which issuer.
        issuer: IssuerId,
        /// Its URL.
        uri: String,
        /// Names its key.
        key: SpkiHash,
        /// By which change.
        change: ChangeId,
        /// Since when.
        at: Time,
    },
    /// An account of ours at a CA is over.
    EndUpstreamAccount(IssuerId),
    /// Something that was seen, or somebody answers for.
    Watch {
        /// What.
        row: WatchRow,
        /// When.
        at: Time,
    },
    /// New certificates of an issuer come from this generation.
    ActivateGeneration {
        /// Which issuer.
        issuer: IssuerId,
        /// Which of its CAs.
        generation: Generation,
        /// That one's certificate.
        certificate: CertFingerprint,
        /// When.
        at: Time,
        /// By which change.
        change: ChangeId,
    },
    /// A credential of ours is in force in place of another one.
    ActivateKey {
        /// Which.
        of: HeldKey,
        /// The one that was.
        before: KeyMark,
        /// The one that is.
        after: KeyMark,
        /// When.
        at: Time,
        /// By which change.
        change: ChangeId,
    },
    /// An emergency was declared.
    PutEmergency {
        /// Which.
        emergency: Box<Emergency>,
        /// When.
        at: Time,
    },
    /// Its review is closed.
    ReviewEmergency {
        /// Which.
        change: ChangeId,
        /// By whom.
        by: PersonId,
        /// Whether it was one.
        justified: bool,
        /// What was found.
        note: String,
        /// When.
        at: Time,
    },
    /// Execution is delegated for a while.
    PutDelegatedExecution {
        /// What.
        delegated: Box<DelegatedExecution>,
        /// Since when.
        at: Time,
    },
    /// What is said about the delegation of a zone.
    PutDelegation {
        /// What.
        seen: Box<DelegationObservation>,
        /// Since when.
        at: Time,
    },
    /// An act on a key, an account, a zone or a registration.
    PutAct(Box<Act>),
    /// A CRL was published.
    PutCrl {
        /// Whose.
        issuer: IssuerId,
        /// Its number; must be larger than the one before.
        number: u64,
        /// Its bytes' digest; the bytes are evidence, stored aside.
        digest: Digest,
        /// When.
        at: Time,
        /// When the next is due.
        next_update: Time,
    },
}

/// A stored row differs from what the ledger says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mismatch {
    /// The table.
    pub table: &'static str,
    /// The row's key.
    pub key: String,
    /// What differs, in words.
    pub what: String,
}
