//! Events: the facts of a change. Only these are stored.

use crate::actor::Actor;
use crate::certificate::{Generation, RevocationReason};
use crate::gate::Bounds;
use crate::names::{
    AccountId, CertFingerprint, CertSerial, ChangeId, Digest, EnvelopeId, IssuerId, OrderId,
    PersonId, ProfileId, SanName, ServiceId, SpkiHash, ZoneName,
};
use crate::time::Time;

use super::approve::{Approval, Basis};
use super::joint::Lane;
use super::keys::{HeldKey, KeyMark};
use super::plan::{Plan, Precheck};

/// What was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// The ticket.
    pub id: ChangeId,
    /// One line that reads alone, such as `issue www.shop.example for shop-web`.
    pub title: String,
    /// Why, in the requester's words.
    pub reason: String,
    /// Who asks, with the chain behind it.
    pub by: Actor,
    /// The service it is about, where there is one.
    pub service: Option<ServiceId>,
    /// The zones whose rules it falls under.
    pub zones: Vec<ZoneName>,
    /// When it was asked for.
    pub at: Time,
}

/// What has to be chosen before an effect so that repeating it is the same effect: serials, times.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Prepared {
    /// Nothing has to be chosen.
    Nothing,
    /// The exact octets that may be signed, once.
    ToBeSigned {
        /// The serial in them.
        serial: CertSerial,
        /// The to-be-signed certificate, DER.
        tbs: Vec<u8>,
        /// CAA as seen for each name just before, stored aside; its digest.
        caa: Digest,
    },
    /// The client's own request, which goes to a CA behind ACME as it stands.
    Forwarded {
        /// The certificate request, DER.
        csr: Vec<u8>,
        /// CAA as seen for each name just before, stored aside; its digest.
        caa: Digest,
        /// The certificate that it replaces (RFC 9773, section 5), where there is one.
        replaces: Option<CertFingerprint>,
    },
    /// The certificate of a CA of ours as its root may sign it, once.
    ToBeCertified {
        /// The to-be-signed certificate, DER.
        tbs: Vec<u8>,
    },
    /// The key of an account to be registered; it lies sealed.
    AccountKey {
        /// Names it.
        key: SpkiHash,
    },
    /// What is where a certificate goes was looked at and lies sealed, so that it can be put back.
    Kept {
        /// The certificate that was there; `None` where there was none.
        before: Option<CertFingerprint>,
    },
}

/// A certificate as it was issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssuedCertificate {
    /// Names its bytes.
    pub fingerprint: CertFingerprint,
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial at that issuer.
    pub serial: CertSerial,
    /// Names its key.
    pub key: SpkiHash,
    /// Its names.
    pub names: Vec<SanName>,
    /// From when it is in date.
    pub not_before: Time,
    /// Until when, inclusive.
    pub not_after: Time,
    /// Under which profile.
    pub profile: ProfileId,
    /// Whose it is.
    pub service: ServiceId,
    /// Which account asked.
    pub account: Option<AccountId>,
    /// Which order it answers.
    pub order: Option<OrderId>,
    /// Which envelope it used.
    pub envelope: Option<EnvelopeId>,
    /// The change that issued it.
    pub change: ChangeId,
    /// The certificate, DER.
    pub der: Vec<u8>,
    /// When it was signed.
    pub issued_at: Time,
}

/// A revocation as it was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revoked {
    /// At which issuer.
    pub issuer: IssuerId,
    /// Which serial.
    pub serial: CertSerial,
    /// The certificate, where one is known: a serial that was prepared but whose certificate never
    /// reached us is revoked all the same.
    pub fingerprint: Option<CertFingerprint>,
    /// Why.
    pub reason: RevocationReason,
    /// When.
    pub at: Time,
}

/// What an effect left behind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Receipt {
    /// Nothing to keep.
    Nothing,
    /// A certificate.
    Issued(Box<IssuedCertificate>),
    /// A revocation.
    Revoked(Revoked),
    /// An envelope is in force; its `granted_at` is the moment of the entry.
    EnvelopeGranted(Box<crate::gate::Envelope>),
    /// An envelope is over.
    EnvelopeEnded {
        /// Which.
        envelope: EnvelopeId,
        /// Why, in words.
        why: String,
    },
    /// An envelope that was ended is in force again (rollback).
    EnvelopeReopened {
        /// Which.
        envelope: EnvelopeId,
    },
    /// An envelope reaches this far now: narrowed, or by rollback as far as before.
    EnvelopeBounded {
        /// Which.
        envelope: EnvelopeId,
        /// How far it reached.
        before: Bounds,
        /// How far it reaches.
        after: Bounds,
    },
    /// An estate became the active one.
    EstateActivated {
        /// Which.
        estate: Digest,
    },
    /// A certificate that a CA behind ACME issued, checked against what was approved.
    Adopted {
        /// The certificate.
        certificate: Box<IssuedCertificate>,
        /// What is served behind it, stored aside; its digest.
        chain: Digest,
    },
    /// A certificate that a CA issued and nobody gets: it is not what was approved, or its change
    /// turned back. It is revoked.
    Disowned {
        /// The certificate, DER.
        der: Vec<u8>,
        /// Its revocation.
        revoked: Revoked,
    },
    /// An account of ours at a CA.
    AccountRegistered {
        /// At which issuer.
        issuer: IssuerId,
        /// Its URL, as it stands in CAA `accounturi` (RFC 8657, section 3).
        uri: String,
        /// Names its key.
        key: SpkiHash,
    },
    /// An account of ours at a CA is over.
    AccountDeactivated {
        /// At which issuer.
        issuer: IssuerId,
    },
    /// New certificates of an issuer come from this generation: rotated, or by rollback the one before.
    GenerationActivated {
        /// Which issuer.
        issuer: IssuerId,
        /// Which of its CAs.
        generation: Generation,
        /// That one's certificate.
        certificate: CertFingerprint,
    },
    /// A credential of ours took the place of another one, by rollback the one before.
    KeyActivated {
        /// Which.
        of: HeldKey,
        /// The one that was in force.
        before: KeyMark,
        /// The one that is.
        after: KeyMark,
    },
}

/// One fact about a change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// It was asked for.
    Requested(Box<Request>),
    /// The checks passed for exactly this plan.
    Validated {
        /// What will be done.
        plan: Plan,
        /// What was checked, and what was seen.
        prechecks: Vec<Precheck>,
        /// After this moment it can no longer be approved.
        expires_at: Time,
    },
    /// It will not be done.
    Refused {
        /// Who said so.
        by: Actor,
        /// Why.
        why: String,
        /// The checks behind it, where it failed on them.
        prechecks: Vec<Precheck>,
    },
    /// The requester took it back.
    Withdrawn {
        /// Who.
        by: Actor,
    },
    /// Nobody decided in time.
    Expired,
    /// One person said yes.
    ApprovalGiven(Approval),
    /// The policy says: this is enough.
    Approved(Basis),
    /// The intent to apply a step is durable from here on.
    StepStarted {
        /// Which step.
        index: usize,
        /// What was chosen for it.
        prepared: Prepared,
    },
    /// What was seen while a step waits. It alters nothing; when it was seen is what counts.
    StepSeen {
        /// Which step.
        index: usize,
        /// Whether it is as it has to be, from this moment on, until the next of these.
        holds: bool,
        /// What each server or endpoint shows; none where this only notes that something begins.
        lanes: Vec<Lane>,
    },
    /// A step is applied.
    StepDone {
        /// Which step.
        index: usize,
        /// What it left.
        receipt: Receipt,
    },
    /// A step was not applied, and the reply said so.
    StepFailed {
        /// Which step.
        index: usize,
        /// What the reply said.
        why: String,
    },
    /// Nobody knows whether a step was applied; it is tried again, a bounded number of times.
    StepUnknown {
        /// Which step.
        index: usize,
        /// What is known.
        why: String,
    },
    /// The intent to undo a step is durable from here on.
    UndoStarted {
        /// Which step.
        index: usize,
    },
    /// A step is undone.
    UndoDone {
        /// Which step.
        index: usize,
        /// What that left.
        receipt: Receipt,
    },
    /// An undo did not work, or nobody knows; it is tried again, a bounded number of times.
    UndoNotDone {
        /// Which step.
        index: usize,
        /// What is known.
        why: String,
    },
    /// A person has to find out and decide.
    HandedOver {
        /// At which step.
        index: usize,
        /// Who.
        person: PersonId,
        /// What is known.
        why: String,
    },
    /// The world matches the intent.
    Verified,
    /// It does not: everything is undone.
    VerifyFailed {
        /// What differs.
        why: String,
    },
    /// Whether it does could not be seen; it is looked at again, a bounded number of times.
    VerifyUnknown {
        /// What is known.
        why: String,
    },
    /// The person said how it stands.
    Resolved {
        /// Who.
        by: Actor,
        /// Whether the world is as after the change (`true`) or as before it.
        carried_out: bool,
        /// What was found and done.
        note: String,
    },
}

impl Event {
    /// The name of its kind in the ledger.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Requested(_) => "requested",
            Self::Validated { .. } => "validated",
            Self::Refused { .. } => "refused",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Expired => "expired",
            Self::ApprovalGiven(_) => "approval-given",
            Self::Approved(_) => "approved",
            Self::StepStarted { .. } => "step-started",
            Self::StepSeen { .. } => "step-seen",
            Self::StepDone { .. } => "step-done",
            Self::StepFailed { .. } => "step-failed",
            Self::StepUnknown { .. } => "step-unknown",
            Self::UndoStarted { .. } => "undo-started",
            Self::UndoDone { .. } => "undo-done",
            Self::UndoNotDone { .. } => "undo-not-done",
            Self::HandedOver { .. } => "handed-over",
            Self::Verified => "verified",
            Self::VerifyFailed { .. } => "verify-failed",
            Self::VerifyUnknown { .. } => "verify-unknown",
            Self::Resolved { .. } => "resolved",
        }
    }
}
