//! A plan: the steps of a change as data, fixed before anybody approves.

use crate::certificate::{Generation, RevocationReason};
use crate::gate::{Bounds, Envelope};
use crate::names::{
    AccountId, CertFingerprint, CertSerial, Digest, EnvelopeId, IssuerId, OrderId, PersonId,
    ProfileId, SanName, ServiceId, SpiffeId, SpkiHash,
};

use super::digest::Canon;
use super::joint::{AwaitPropagation, DeployCertificate, PublishRecords, VerifyServed};
use super::keys::{RetireKey, RotateKey};

/// Steps of one plan at most: a person has to read it.
pub const STEPS_MAX: usize = 64;

/// One certificate to be issued, down to the key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IssueCertificate {
    /// Whose certificate it will be.
    pub service: ServiceId,
    /// The account that asked, where one did.
    pub account: Option<AccountId>,
    /// The order it answers, where there is one.
    pub order: Option<OrderId>,
    /// The envelope it is issued under, where one was needed.
    pub envelope: Option<EnvelopeId>,
    /// Who issues.
    pub issuer: IssuerId,
    /// Under which profile.
    pub profile: ProfileId,
    /// The names, sorted and distinct.
    pub names: Vec<SanName>,
    /// The public key, as SubjectPublicKeyInfo DER.
    pub spki: Vec<u8>,
    /// The hash of that key.
    pub key: SpkiHash,
    /// The longest validity, in seconds.
    pub lifetime_seconds_max: u32,
    /// The workload it names beside its DNS names, where the profile names one.
    pub workload: Option<SpiffeId>,
}

/// One certificate to be revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokeCertificate {
    /// Whose certificate it is.
    pub service: ServiceId,
    /// Its bytes.
    pub fingerprint: CertFingerprint,
    /// Who issued it.
    pub issuer: IssuerId,
    /// Its serial at that issuer.
    pub serial: CertSerial,
    /// Why.
    pub reason: RevocationReason,
}

/// One envelope to be narrowed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NarrowEnvelope {
    /// Which.
    pub envelope: EnvelopeId,
    /// Whose.
    pub service: ServiceId,
    /// The pre-image: how far it reaches now.
    pub before: Bounds,
    /// How far it will reach.
    pub after: Bounds,
    /// Why, in words.
    pub why: String,
}

/// One account of ours at a CA behind ACME, to be registered (RFC 8555, section 7.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RegisterAccount {
    /// At which issuer.
    pub issuer: IssuerId,
    /// The directory that the estate named when this was asked for.
    pub directory: String,
    /// Whom the CA may write to.
    pub contacts: Vec<String>,
    /// The key identifier of the external account binding, where the CA wants one.
    pub binding: Option<String>,
}

/// Another generation of a CA of ours, from which new certificates come. The others go on with their
/// CRLs and OCSP until their last certificate is over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RotateIssuer {
    /// Which issuer.
    pub issuer: IssuerId,
    /// The pre-image: the generation that issues now.
    pub before: Generation,
    /// The generation that will.
    pub after: Generation,
    /// The key of that one.
    pub key: SpkiHash,
    /// Its certificate, where a root elsewhere or an earlier rotation made it; `None`: the root that
    /// lies here certifies the key once this is approved.
    pub certificate: Option<CertFingerprint>,
}

/// One effect. Its undo is known before it is applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Issue exactly this certificate.
    IssueCertificate(IssueCertificate),
    /// Revoke exactly this certificate and publish that.
    RevokeCertificate(RevokeCertificate),
    /// Grant this envelope.
    GrantEnvelope(Envelope),
    /// End this envelope before its time.
    EndEnvelope {
        /// Which.
        envelope: EnvelopeId,
        /// Whose.
        service: ServiceId,
        /// Why, in words.
        why: String,
    },
    /// Let this envelope reach less far. Never further: [`Bounds::is_within`] is asked once more
    /// before the effect.
    NarrowEnvelope(NarrowEnvelope),
    /// Make another estate (owners, zones, policies …) the active one.
    EditEstate {
        /// The pre-image: the estate that is active now; `None` only at the first start.
        before: Option<Digest>,
        /// The estate to activate.
        after: Digest,
    },
    /// Register an account of ours at a CA.
    RegisterAccount(RegisterAccount),
    /// Edit records of one zone.
    PublishRecords(PublishRecords),
    /// Wait until everybody sees edits.
    AwaitPropagation(AwaitPropagation),
    /// Put an issued certificate where it is served.
    DeployCertificate(DeployCertificate),
    /// See it served.
    VerifyServed(VerifyServed),
    /// Let new certificates come from another generation of an issuer.
    RotateIssuer(RotateIssuer),
    /// Let another credential of ours take the place of one.
    RotateKey(RotateKey),
    /// See the credential before refused.
    RetireKey(RetireKey),
}

/// How the effect of a step is taken back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Undo {
    /// Put the pre-image back.
    Restore,
    /// It cannot be taken back, but answered: revoke what was issued, end what was granted.
    Compensate,
    /// Nothing of ours takes it back: a person has to decide. The point of no return.
    AskPerson,
    /// It alters nothing, so there is nothing to take back.
    Nothing,
}

impl Step {
    /// How its effect is taken back.
    #[must_use]
    pub const fn undo(&self) -> Undo {
        match self {
            Self::IssueCertificate(_) | Self::GrantEnvelope(_) | Self::RegisterAccount(_) => {
                Undo::Compensate
            }
            Self::RevokeCertificate(_) | Self::RetireKey(_) => Undo::AskPerson,
            Self::EndEnvelope { .. }
            | Self::NarrowEnvelope(_)
            | Self::EditEstate { .. }
            | Self::RotateIssuer(_)
            | Self::RotateKey(_)
            | Self::PublishRecords(_)
            | Self::DeployCertificate(_) => Undo::Restore,
            Self::AwaitPropagation(_) | Self::VerifyServed(_) => Undo::Nothing,
        }
    }

    /// Whether it is looked for again while a person is asked about it. Only certificates are: a record
    /// or a place may be under the person's hands.
    #[must_use]
    pub const fn is_looked_for(&self) -> bool {
        matches!(self, Self::IssueCertificate(_))
    }

    /// The name of its kind, for people, metrics and stored events.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::IssueCertificate(_) => "issue-certificate",
            Self::RevokeCertificate(_) => "revoke-certificate",
            Self::GrantEnvelope(_) => "grant-envelope",
            Self::EndEnvelope { .. } => "end-envelope",
            Self::NarrowEnvelope(_) => "narrow-envelope",
            Self::EditEstate { .. } => "edit-estate",
            Self::RegisterAccount(_) => "register-account",
            Self::PublishRecords(_) => "publish-records",
            Self::AwaitPropagation(_) => "await-propagation",
            Self::DeployCertificate(_) => "deploy-certificate",
            Self::VerifyServed(_) => "verify-served",
            Self::RotateIssuer(_) => "rotate-issuer",
            Self::RotateKey(_) => "rotate-key",
            Self::RetireKey(_) => "retire-key",
        }
    }

    /// The service it is about, where there is one.
    #[must_use]
    pub const fn service(&self) -> Option<&ServiceId> {
        match self {
            Self::IssueCertificate(issue) => Some(&issue.service),
            Self::RevokeCertificate(revoke) => Some(&revoke.service),
            Self::GrantEnvelope(envelope) => Some(&envelope.service),
            Self::EndEnvelope { service, .. } => Some(service),
            Self::NarrowEnvelope(narrow) => Some(&narrow.service),
            Self::PublishRecords(publish) => publish.service.as_ref(),
            Self::AwaitPropagation(wait) => wait.service.as_ref(),
            Self::DeployCertificate(deploy) => Some(&deploy.service),
            Self::VerifyServed(look) => Some(&look.service),
            Self::EditEstate { .. }
            | Self::RegisterAccount(_)
            | Self::RotateIssuer(_)
            | Self::RotateKey(_)
            | Self::RetireKey(_) => None,
        }
    }

    /// The step that issues the certificate which this one is about, where it names one.
    #[must_use]
    pub const fn issued_by(&self) -> Option<usize> {
        match self {
            Self::DeployCertificate(deploy) => Some(deploy.issued_by),
            Self::VerifyServed(look) => Some(look.issued_by),
            Self::IssueCertificate(_)
            | Self::RevokeCertificate(_)
            | Self::GrantEnvelope(_)
            | Self::EndEnvelope { .. }
            | Self::NarrowEnvelope(_)
            | Self::EditEstate { .. }
            | Self::RegisterAccount(_)
            | Self::RotateIssuer(_)
            | Self::RotateKey(_)
            | Self::RetireKey(_)
            | Self::PublishRecords(_)
            | Self::AwaitPropagation(_) => None,
        }
    }

    /// Whether it edits records, or is there because of a step that does.
    #[must_use]
    pub const fn is_joint(&self) -> bool {
        matches!(
            self,
            Self::PublishRecords(_)
                | Self::AwaitPropagation(_)
                | Self::DeployCertificate(_)
                | Self::VerifyServed(_)
        )
    }
}

/// The digest of a plan: what people approve.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct PlanDigest(Digest);

impl PlanDigest {
    /// The value.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// Takes a digest that a person or a stored event names.
    #[must_use]
    pub const fn claimed(digest: Digest) -> Self {
        Self(digest)
    }
}

impl std::fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Steps in order.
///
/// Always: at least one and at most [`STEPS_MAX`]; a step that only a person could take back stands
/// after every step that can be undone; a step about an issued certificate names an earlier step that
/// issues it; a credential is retired only after the step before it put another one in its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan(Vec<Step>);

/// A list of steps is not a plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadPlan {
    /// There are none, or more than [`STEPS_MAX`].
    Length,
    /// An irreversible step comes before a reversible one.
    Order,
    /// A step is about a certificate that no earlier step issues, or with another key.
    Certificate,
    /// A credential is retired that the step before does not replace.
    Key,
}

impl Plan {
    /// A plan of these steps.
    ///
    /// # Errors
    /// [`BadPlan`].
    pub fn new(steps: Vec<Step>) -> Result<Self, BadPlan> {
        if steps.is_empty() || steps.len() > STEPS_MAX {
            return Err(BadPlan::Length);
        }
        let irreversible = |step: &Step| step.undo() == Undo::AskPerson;
        if !steps.is_sorted_by_key(irreversible) {
            return Err(BadPlan::Order);
        }
        if !steps.iter().enumerate().all(|(at, step)| is_issued_before(&steps, at, step)) {
            return Err(BadPlan::Certificate);
        }
        if !steps.iter().enumerate().all(|(at, step)| is_replaced_before(&steps, at, step)) {
            return Err(BadPlan::Key);
        }
        Ok(Self(steps))
    }

    /// A plan of one step.
    #[must_use]
    pub fn of(step: Step) -> Self {
        Self(vec![step])
    }

    /// The steps, in order of application.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The first step after which the change cannot turn back by itself.
    #[must_use]
    pub fn point_of_no_return(&self) -> Option<usize> {
        self.0.iter().position(|step| step.undo() == Undo::AskPerson)
    }

    /// The digest of exactly these steps: one differing octet gives another.
    #[must_use]
    pub fn digest(&self) -> PlanDigest {
        let mut canon = Canon::new("bailiwick/plan/v1");
        canon.list(&self.0, Canon::step);
        PlanDigest(canon.finish())
    }
}

fn is_issued_before(steps: &[Step], at: usize, step: &Step) -> bool {
    let Some(issued_by) = step.issued_by() else { return true };
    let Some(Step::IssueCertificate(issue)) = steps.get(issued_by).filter(|_| issued_by < at)
    else {
        return false;
    };
    if let Step::DeployCertificate(deploy) = step { deploy.key == issue.key } else { true }
}

fn is_replaced_before(steps: &[Step], at: usize, step: &Step) -> bool {
    let Step::RetireKey(retire) = step else { return true };
    let before = at.checked_sub(1).and_then(|before| steps.get(before));
    matches!(before, Some(Step::RotateKey(it)) if it.of == retire.of && it.before == retire.old)
}

/// One check made before anybody is asked, with what it saw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Precheck {
    /// Its name, such as `names-owned`.
    pub name: String,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen.
    pub saw: String,
    /// Whose it is to mend, where it does not hold.
    pub assignee: Option<PersonId>,
}
