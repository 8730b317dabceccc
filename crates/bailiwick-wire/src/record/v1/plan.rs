//! Plans: steps and the checks before them.

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    AwaitPropagation, DeployCertificate, HeldKey, IssueCertificate, KeyMark, NarrowEnvelope,
    Precheck, PublishRecords, RegisterAccount, RetireKey, RevocationReason, RevokeCertificate,
    RotateIssuer, RotateKey, Step, VerifyServed,
};
use bailiwick_core::gate::{Bounds, Envelope};
use bailiwick_core::names::{
    AccountId, CertFingerprint, CertSerial, Digest, EnvelopeId, IssuerId, OrderId, PersonId,
    ProfileId, SanName, ServiceId, SpiffeId, SpkiHash,
};
use serde::{Deserialize, Serialize};

use super::stored::{Stored, mirror};
use crate::record::{BadValue, NotStorable};

mirror! {
    IssueCertificate => IssueForm {
        service: ServiceId,
        account: Option<AccountId>,
        order: Option<OrderId>,
        envelope: Option<EnvelopeId>,
        issuer: IssuerId,
        profile: ProfileId,
        names: Vec<SanName>,
        spki: Vec<u8>,
        key: SpkiHash,
        lifetime_seconds_max: u32,
        // Came later: entries without one keep the octets they always had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workload: Option<SpiffeId>,
    }
    RevokeCertificate => RevokeForm {
        service: ServiceId,
        fingerprint: CertFingerprint,
        issuer: IssuerId,
        serial: CertSerial,
        reason: RevocationReason,
    }
    NarrowEnvelope => NarrowForm {
        envelope: EnvelopeId,
        service: ServiceId,
        before: Bounds,
        after: Bounds,
        why: String,
    }
    RegisterAccount => RegisterForm {
        issuer: IssuerId,
        directory: String,
        contacts: Vec<String>,
        binding: Option<String>,
    }
    RotateIssuer => RotateForm {
        issuer: IssuerId,
        before: Generation,
        after: Generation,
        key: SpkiHash,
        certificate: Option<CertFingerprint>,
    }
    KeyMark => MarkForm {
        name: String,
        digest: Digest,
    }
    RotateKey => RotateKeyForm {
        of: HeldKey,
        before: KeyMark,
        after: KeyMark,
        within_seconds: u32,
    }
    RetireKey => RetireKeyForm {
        of: HeldKey,
        old: KeyMark,
        within_seconds: u32,
    }
    Precheck => PrecheckForm {
        name: String,
        holds: bool,
        saw: String,
        assignee: Option<PersonId>,
    }
}

/// A credential of ours: what it opens, and whose that is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeldForm {
    kind: String,
    owner: String,
}

impl Stored for HeldKey {
    type Form = HeldForm;

    fn form(&self) -> Result<HeldForm, NotStorable> {
        Ok(HeldForm { kind: self.kind().to_owned(), owner: self.owner() })
    }

    fn read(form: HeldForm) -> Result<Self, BadValue> {
        let HeldForm { kind, owner } = form;
        let word = || format!("{kind} of {owner}");
        Self::parse(&kind, &owner).ok_or_else(|| BadValue::Word { of: "credential", word: word() })
    }
}

/// A step; `step` says which.
#[derive(Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum StepForm {
    IssueCertificate(IssueForm),
    RevokeCertificate(RevokeForm),
    GrantEnvelope(<Envelope as Stored>::Form),
    EndEnvelope { envelope: String, service: String, why: String },
    NarrowEnvelope(NarrowForm),
    EditEstate { before: Option<String>, after: String },
    RegisterAccount(RegisterForm),
    PublishRecords(<PublishRecords as Stored>::Form),
    AwaitPropagation(<AwaitPropagation as Stored>::Form),
    DeployCertificate(<DeployCertificate as Stored>::Form),
    VerifyServed(<VerifyServed as Stored>::Form),
    RotateIssuer(RotateForm),
    RotateKey(RotateKeyForm),
    RetireKey(RetireKeyForm),
}

impl Stored for Step {
    type Form = StepForm;

    fn form(&self) -> Result<StepForm, NotStorable> {
        Ok(match self {
            Self::IssueCertificate(issue) => StepForm::IssueCertificate(issue.form()?),
            Self::RevokeCertificate(revoke) => StepForm::RevokeCertificate(revoke.form()?),
            Self::GrantEnvelope(envelope) => StepForm::GrantEnvelope(envelope.form()?),
            Self::EndEnvelope { envelope, service, why } => StepForm::EndEnvelope {
                envelope: envelope.form()?,
                service: service.form()?,
                why: why.form()?,
            },
            Self::NarrowEnvelope(narrow) => StepForm::NarrowEnvelope(narrow.form()?),
            Self::EditEstate { before, after } => {
                StepForm::EditEstate { before: before.form()?, after: after.form()? }
            }
            Self::RegisterAccount(register) => StepForm::RegisterAccount(register.form()?),
            Self::PublishRecords(publish) => StepForm::PublishRecords(publish.form()?),
            Self::AwaitPropagation(wait) => StepForm::AwaitPropagation(wait.form()?),
            Self::DeployCertificate(deploy) => StepForm::DeployCertificate(deploy.form()?),
            Self::VerifyServed(look) => StepForm::VerifyServed(look.form()?),
            Self::RotateIssuer(rotate) => StepForm::RotateIssuer(rotate.form()?),
            Self::RotateKey(rotate) => StepForm::RotateKey(rotate.form()?),
            Self::RetireKey(retire) => StepForm::RetireKey(retire.form()?),
        })
    }

    fn read(form: StepForm) -> Result<Self, BadValue> {
        Ok(match form {
            StepForm::IssueCertificate(issue) => Self::IssueCertificate(Stored::read(issue)?),
            StepForm::RevokeCertificate(revoke) => Self::RevokeCertificate(Stored::read(revoke)?),
            StepForm::GrantEnvelope(envelope) => Self::GrantEnvelope(Stored::read(envelope)?),
            StepForm::EndEnvelope { envelope, service, why } => Self::EndEnvelope {
                envelope: EnvelopeId::read(envelope)?,
                service: ServiceId::read(service)?,
                why,
            },
            StepForm::NarrowEnvelope(narrow) => Self::NarrowEnvelope(Stored::read(narrow)?),
            StepForm::EditEstate { before, after } => Self::EditEstate {
                before: Option::<Digest>::read(before)?,
                after: Digest::read(after)?,
            },
            StepForm::RegisterAccount(register) => Self::RegisterAccount(Stored::read(register)?),
            StepForm::PublishRecords(publish) => Self::PublishRecords(Stored::read(publish)?),
            StepForm::AwaitPropagation(wait) => Self::AwaitPropagation(Stored::read(wait)?),
            StepForm::DeployCertificate(deploy) => Self::DeployCertificate(Stored::read(deploy)?),
            StepForm::VerifyServed(look) => Self::VerifyServed(Stored::read(look)?),
            StepForm::RotateIssuer(rotate) => Self::RotateIssuer(Stored::read(rotate)?),
            StepForm::RotateKey(rotate) => Self::RotateKey(Stored::read(rotate)?),
            StepForm::RetireKey(retire) => Self::RetireKey(Stored::read(retire)?),
        })
    }
}
