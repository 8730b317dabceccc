//! Entries: what one leaf of the ledger says.

// tidy: long file because everything that a leaf can say stands in one list

use crate::actor::Actor;
use crate::change::Event;
use crate::estate::{Attested, ZoneKey};
use crate::gate::{
    Account, Credential, DelegatedExecution, DelegationObservation, Emergency, EmergencyReview,
    SecretUse, StandingRecord, ValidationEvidence,
};
use crate::names::{
    AccountId, AttestorId, AuthzId, CertFingerprint, CertSerial, ChangeId, CredentialId, Digest,
    DnsName, FindingId, IssuerId, OrderId, PersonId, ProfileId, SanName, ServiceId, SessionId,
    TokenId,
};
use crate::time::Time;
use crate::watch::{CanaryRun, ClosedBy, Finding, Incident, Observation, PointVerdict, Track};

use super::decision::Decision;

/// One leaf of the ledger: who did what when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// When, by the clock of the writer; never earlier than the entry before it.
    pub at: Time,
    /// Who.
    pub by: Actor,
    /// What.
    pub fact: Fact,
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fact {
    /// The installation began; always the first entry.
    InstallationStarted {
        /// The origin line of its checkpoints.
        origin: String,
        /// The verifier key of its checkpoints.
        verifier_key: String,
    },
    /// An event of a change.
    Change {
        /// Which change.
        id: ChangeId,
        /// Counts the events of this change from 0.
        seq: u32,
        /// The state it led to, so that lists need no replay; replay checks it.
        state: String,
        /// The event.
        event: Box<Event>,
    },
    /// The policy decided.
    Decided {
        /// The decision.
        decision: Box<Decision>,
        /// The change it was about, where there is one.
        change: Option<ChangeId>,
    },
    /// An order was let in.
    OrderAccepted {
        /// Which.
        order: OrderId,
        /// Whose.
        account: AccountId,
        /// For which names.
        names: Vec<SanName>,
        /// Under which profile.
        profile: ProfileId,
        /// From which issuer.
        issuer: IssuerId,
        /// Why.
        decision: Box<Decision>,
    },
    /// An order was turned away.
    OrderRefused {
        /// Whose.
        account: AccountId,
        /// For which names.
        names: Vec<SanName>,
        /// Why.
        decision: Box<Decision>,
        /// The change that would allow it, where one can.
        change: Option<ChangeId>,
    },
    /// An order ended without a certificate after it had been let in.
    OrderFailed {
        /// Which.
        order: OrderId,
        /// The registered error type.
        problem: String,
        /// What the client was told.
        detail: String,
    },
    /// An order was let in that replaces a certificate (RFC 9773, section 5).
    OrderReplaces {
        /// Which order.
        order: OrderId,
        /// Which certificate.
        certificate: CertFingerprint,
    },
    /// An authorization was given up by its holder: what it showed counts no more (RFC 8555,
    /// section 7.5.2).
    AuthorizationGivenUp {
        /// Which.
        authorization: AuthzId,
        /// Whose.
        account: AccountId,
    },
    /// A standing validation record was seen and relied on.
    StandingRecordSeen(Box<StandingRecord>),
    /// A standing validation record is not there any more, or ended.
    StandingRecordGone {
        /// The name it stood for.
        name: String,
        /// The account it named.
        account: AccountId,
    },
    /// The holder of an account agreed to the terms of service (RFC 8555, section 7.3.3).
    TermsAgreed {
        /// Which account.
        account: AccountId,
        /// Where the terms are.
        terms: String,
    },
    /// Control of a name was shown.
    NameValidated(Box<ValidationEvidence>),
    /// Control of a name was not shown.
    ValidationFailed {
        /// Whose attempt.
        account: AccountId,
        /// Which name.
        name: String,
        /// How.
        kind: String,
        /// What was seen instead.
        saw: String,
    },
    /// An account was registered.
    AccountRegistered(Box<Account>),
    /// An account's contacts were changed.
    AccountUpdated {
        /// Which.
        account: AccountId,
        /// The contacts now.
        contacts: Vec<String>,
    },
    /// An account has another key (RFC 8555, section 7.3.5); the one before is over.
    AccountKeyChanged {
        /// Which.
        account: AccountId,
        /// RFC 7638 thumbprint of the key it has now.
        thumbprint: String,
        /// That key as canonical JWK text.
        jwk: String,
    },
    /// A CA behind ACME has an order of ours. From here on it is asked about this one, and no other
    /// is placed for the change.
    UpstreamOrdered {
        /// For which change.
        change: ChangeId,
        /// At which issuer.
        issuer: IssuerId,
        /// The order's URL.
        url: String,
    },
    /// Somebody handed a secret in. The secret itself is sealed and stands nowhere else.
    SecretSet {
        /// What it is for, such as `tsig`.
        purpose: String,
        /// Whose it is, such as a zone.
        name: String,
    },
    /// An account ended.
    AccountEnded {
        /// Which.
        account: AccountId,
        /// `deactivated` by its holder or `revoked` by us.
        status: crate::gate::AccountStatus,
    },
    /// A credential was made.
    CredentialMade(Box<Credential>),
    /// A workload proved what it is and got a credential, made in the same commit.
    WorkloadEnrolled {
        /// The credential.
        credential: CredentialId,
        /// What is attested about it.
        attested: Box<Attested>,
        /// Names the token it showed; none is taken twice.
        token: Digest,
        /// Why.
        decision: Box<Decision>,
    },
    /// A workload proved anew what it is: its account goes on with what is attested now, bound by a
    /// credential made in the same commit.
    AccountAttested {
        /// Which account.
        account: AccountId,
        /// The credential.
        credential: CredentialId,
    },
    /// A workload proved what it is and got no credential.
    WorkloadRefused {
        /// For which service.
        service: ServiceId,
        /// Who attested it.
        attestor: AttestorId,
        /// Why.
        decision: Box<Decision>,
    },
    /// A credential was revoked.
    CredentialRevoked {
        /// Which.
        credential: CredentialId,
    },
    /// A credential was made in place of another one, which registers nothing from a moment on.
    CredentialRotated {
        /// The one that is over then.
        credential: CredentialId,
        /// The one in its place.
        successor: CredentialId,
        /// From when on.
        until: Time,
    },
    /// An account was ended by somebody of ours, not by its holder.
    AccountRevoked {
        /// Which.
        account: AccountId,
        /// Why, in words.
        why: String,
    },
    /// Somebody signed in.
    SignedIn {
        /// Who.
        person: PersonId,
        /// Who stands behind the sign-in.
        chain: Vec<PersonId>,
        /// The session.
        session: SessionId,
        /// Until when.
        expires_at: Time,
    },
    /// A session ended before its time.
    SignedOut {
        /// Which.
        session: SessionId,
    },
    /// A one-time sign-in link was made for somebody.
    LinkMade {
        /// For whom.
        person: PersonId,
        /// Until when it can be used.
        expires_at: Time,
    },
    /// An API token was made.
    TokenMade {
        /// Its public part.
        token: TokenId,
        /// Whose.
        person: PersonId,
        /// Who stands behind it.
        chain: Vec<PersonId>,
        /// What it may be used for.
        scopes: Vec<String>,
        /// What it is for, in words.
        purpose: String,
        /// Until when.
        expires_at: Time,
    },
    /// An API token was revoked.
    TokenRevoked {
        /// Which.
        token: TokenId,
    },
    /// A CRL was published.
    CrlPublished {
        /// Whose.
        issuer: IssuerId,
        /// Its CRLNumber.
        number: u64,
        /// How many certificates it lists.
        revoked: u32,
        /// Its bytes.
        digest: Digest,
        /// When the next one is due at the latest.
        next_update: Time,
    },
    /// An OCSP responder is to be certified by a CA; its bytes are evidence before they are signed.
    ResponderCertified {
        /// Which CA delegates.
        issuer: IssuerId,
        /// The certificate's serial.
        serial: CertSerial,
        /// Its to-be-signed bytes.
        digest: Digest,
        /// Last second of its validity.
        not_after: Time,
    },
    /// A server says something else than before, or is heard for the first time.
    Observed(Box<Observation>),
    /// A difference between decided and seen has somebody who answers for it.
    FindingOpened(Box<Finding>),
    /// Somebody else has to act on a finding: whoever had to did not, or is not there any more.
    FindingHandedOn {
        /// Which.
        finding: FindingId,
        /// In which zone.
        zone: ZoneKey,
        /// Who has to act from here on.
        assignee: PersonId,
        /// Who is next.
        next: Option<PersonId>,
        /// By when.
        due: Time,
        /// Why.
        why: String,
    },
    /// A finding is over.
    FindingClosed {
        /// Which.
        finding: FindingId,
        /// In which zone.
        zone: ZoneKey,
        /// What ended it.
        how: ClosedBy,
        /// What somebody says about it.
        note: String,
    },
    /// A point of the control stands otherwise than before, or is judged for the first time.
    PointJudged(Box<PointVerdict>),
    /// A canary is about to be sent: from here on the CA may issue.
    CanaryBegun {
        /// To which issuer.
        issuer: IssuerId,
        /// In which zone.
        zone: ZoneKey,
        /// For which name.
        name: DnsName,
        /// Whether CAA permits it.
        permitted: bool,
    },
    /// A canary was answered.
    CanaryTried(Box<CanaryRun>),
    /// Something happened that must be answered on two tracks.
    IncidentOpened(Box<Incident>),
    /// Somebody told what was found out on one track.
    IncidentTold {
        /// Which.
        incident: FindingId,
        /// In which zone.
        zone: ZoneKey,
        /// On which track.
        track: Track,
        /// What.
        says: String,
        /// Whether the track is answered with it.
        answered: bool,
    },
    /// Somebody else has to do a part of an incident.
    IncidentHandedOn(Box<crate::watch::PartHandedOn>),
    /// An incident was reviewed, both tracks together.
    IncidentReviewed {
        /// Which.
        incident: FindingId,
        /// In which zone.
        zone: ZoneKey,
        /// The conclusion.
        says: String,
    },
    /// An emergency was declared.
    EmergencyDeclared(Box<Emergency>),
    /// Somebody independent looked at an emergency.
    EmergencyReviewed(Box<EmergencyReview>),
    /// Somebody may declare emergencies of a service for a while.
    ExecutionDelegated(Box<DelegatedExecution>),
    /// A provider's credential was opened.
    SecretUsed(Box<SecretUse>),
    /// A change was rehearsed on copies of its zones; nothing real was touched.
    ChangeRehearsed {
        /// Which.
        change: ChangeId,
        /// The plan that was rehearsed.
        plan: Digest,
        /// Names the report, which is stored aside.
        report: Digest,
        /// Whether everything went as it has to, there and back.
        holds: bool,
    },
    /// The store was restored from a copy, as somebody said at the start: approvals that were given and not
    /// spent are void, and what was under way is a person's.
    StoreRestored {
        /// How often that was said, with this time.
        epoch: u32,
        /// How many leaves the copy has.
        leaves: u64,
    },
    /// The parent of a zone, or its registrar, says something else than before.
    DelegationObserved(Box<DelegationObservation>),
    /// A certificate or account was acted on, and access was denied.
    AccessDenied {
        /// What was tried.
        action: String,
        /// On what.
        object: String,
        /// The service it belongs to, where there is one.
        service: Option<ServiceId>,
    },
}
