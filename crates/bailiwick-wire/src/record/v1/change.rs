//! What the events of a change hold: requests, approvals, what was prepared and what was left.

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{
    Approval, Basis, HeldKey, IssuedCertificate, KeyMark, PlanDigest, Prepared, Receipt, Request,
    RevocationReason, Revoked,
};
use bailiwick_core::gate::{Bounds, Envelope};
use bailiwick_core::names::{
    AccountId, CertFingerprint, CertSerial, ChangeId, DecisionId, Digest, EnvelopeId, IssuerId,
    OrderId, ProfileId, SanName, ServiceId, SpkiHash, TeamId, ZoneName,
};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::stored::{Stored, mirror};
use crate::record::{BadValue, NotStorable};

mirror! {
    Request => RequestForm {
        id: ChangeId,
        title: String,
        reason: String,
        by: Actor,
        service: Option<ServiceId>,
        zones: Vec<ZoneName>,
        at: Time,
    }
    Approval => ApprovalForm {
        by: SignedIn,
        teams: Vec<TeamId>,
        of: PlanDigest,
        at: Time,
        expires_at: Time,
        comment: String,
    }
    Basis => BasisForm {
        decision: DecisionId,
        policy: Digest,
        of: PlanDigest,
        approvals_needed: u32,
    }
    IssuedCertificate => IssuedForm {
        fingerprint: CertFingerprint,
        issuer: IssuerId,
        serial: CertSerial,
        key: SpkiHash,
        names: Vec<SanName>,
        not_before: Time,
        not_after: Time,
        profile: ProfileId,
        service: ServiceId,
        account: Option<AccountId>,
        order: Option<OrderId>,
        envelope: Option<EnvelopeId>,
        change: ChangeId,
        der: Vec<u8>,
        issued_at: Time,
    }
    Revoked => RevokedForm {
        issuer: IssuerId,
        serial: CertSerial,
        fingerprint: Option<CertFingerprint>,
        reason: RevocationReason,
        at: Time,
    }
}

/// What was chosen before an effect; `is` says what.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum PreparedForm {
    Nothing {},
    ToBeSigned { serial: String, tbs: String, caa: String },
    Forwarded { csr: String, caa: String, replaces: Option<String> },
    AccountKey { key: String },
    Kept { before: Option<String> },
    ToBeCertified { tbs: String },
}

impl Stored for Prepared {
    type Form = PreparedForm;

    fn form(&self) -> Result<PreparedForm, NotStorable> {
        Ok(match self {
            Self::Nothing => PreparedForm::Nothing {},
            Self::ToBeSigned { serial, tbs, caa } => PreparedForm::ToBeSigned {
                serial: serial.form()?,
                tbs: tbs.form()?,
                caa: caa.form()?,
            },
            Self::Forwarded { csr, caa, replaces } => PreparedForm::Forwarded {
                csr: csr.form()?,
                caa: caa.form()?,
                replaces: replaces.form()?,
            },
            Self::AccountKey { key } => PreparedForm::AccountKey { key: key.form()? },
            Self::Kept { before } => PreparedForm::Kept { before: before.form()? },
            Self::ToBeCertified { tbs } => PreparedForm::ToBeCertified { tbs: tbs.form()? },
        })
    }

    fn read(form: PreparedForm) -> Result<Self, BadValue> {
        Ok(match form {
            PreparedForm::Nothing {} => Self::Nothing,
            PreparedForm::ToBeSigned { serial, tbs, caa } => Self::ToBeSigned {
                serial: CertSerial::read(serial)?,
                tbs: Vec::<u8>::read(tbs)?,
                caa: Digest::read(caa)?,
            },
            PreparedForm::Forwarded { csr, caa, replaces } => Self::Forwarded {
                csr: Vec::<u8>::read(csr)?,
                caa: Digest::read(caa)?,
                replaces: Option::<CertFingerprint>::read(replaces)?,
            },
            PreparedForm::AccountKey { key } => Self::AccountKey { key: SpkiHash::read(key)? },
            PreparedForm::Kept { before } => {
                Self::Kept { before: Option::<CertFingerprint>::read(before)? }
            }
            PreparedForm::ToBeCertified { tbs } => {
                Self::ToBeCertified { tbs: Vec::<u8>::read(tbs)? }
            }
        })
    }
}

/// What an effect left; `is` says what.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ReceiptForm {
    Nothing {},
    Issued(Box<IssuedForm>),
    Revoked(RevokedForm),
    EnvelopeGranted(Box<<Envelope as Stored>::Form>),
    EnvelopeEnded {
        envelope: String,
        why: String,
    },
    EnvelopeReopened {
        envelope: String,
    },
    EnvelopeBounded {
        envelope: String,
        before: <Bounds as Stored>::Form,
        after: <Bounds as Stored>::Form,
    },
    EstateActivated {
        estate: String,
    },
    Adopted {
        certificate: Box<IssuedForm>,
        chain: String,
    },
    Disowned {
        der: String,
        revoked: RevokedForm,
    },
    AccountRegistered {
        issuer: String,
        uri: String,
        key: String,
    },
    AccountDeactivated {
        issuer: String,
    },
    GenerationActivated {
        issuer: String,
        generation: u8,
        certificate: String,
    },
    KeyActivated {
        of: <HeldKey as Stored>::Form,
        before: <KeyMark as Stored>::Form,
        after: <KeyMark as Stored>::Form,
    },
}

impl Stored for Receipt {
    type Form = ReceiptForm;

    fn form(&self) -> Result<ReceiptForm, NotStorable> {
        Ok(match self {
            Self::Nothing => ReceiptForm::Nothing {},
            Self::Issued(issued) => ReceiptForm::Issued(Box::new(issued.form()?)),
            Self::Revoked(revoked) => ReceiptForm::Revoked(revoked.form()?),
            Self::EnvelopeGranted(envelope) => {
                ReceiptForm::EnvelopeGranted(Box::new(envelope.form()?))
            }
            Self::EnvelopeEnded { envelope, why } => {
                ReceiptForm::EnvelopeEnded { envelope: envelope.form()?, why: why.form()? }
            }
            Self::EnvelopeReopened { envelope } => {
                ReceiptForm::EnvelopeReopened { envelope: envelope.form()? }
            }
            Self::EnvelopeBounded { envelope, before, after } => ReceiptForm::EnvelopeBounded {
                envelope: envelope.form()?,
                before: before.form()?,
                after: after.form()?,
            },
            Self::EstateActivated { estate } => {
                ReceiptForm::EstateActivated { estate: estate.form()? }
            }
            Self::Adopted { certificate, chain } => ReceiptForm::Adopted {
                certificate: Box::new(certificate.form()?),
                chain: chain.form()?,
            },
            Self::Disowned { der, revoked } => {
                ReceiptForm::Disowned { der: der.form()?, revoked: revoked.form()? }
            }
            Self::AccountRegistered { issuer, uri, key } => ReceiptForm::AccountRegistered {
                issuer: issuer.form()?,
                uri: uri.form()?,
                key: key.form()?,
            },
            Self::AccountDeactivated { issuer } => {
                ReceiptForm::AccountDeactivated { issuer: issuer.form()? }
            }
            Self::KeyActivated { of, before, after } => ReceiptForm::KeyActivated {
                of: of.form()?,
                before: before.form()?,
                after: after.form()?,
            },
            Self::GenerationActivated { issuer, generation, certificate } => {
                ReceiptForm::GenerationActivated {
                    issuer: issuer.form()?,
                    generation: generation.form()?,
                    certificate: certificate.form()?,
                }
            }
        })
    }

    fn read(form: ReceiptForm) -> Result<Self, BadValue> {
        Ok(match form {
            ReceiptForm::Nothing {} => Self::Nothing,
            ReceiptForm::Issued(issued) => Self::Issued(Stored::read(*issued)?),
            ReceiptForm::Revoked(revoked) => Self::Revoked(Stored::read(revoked)?),
            ReceiptForm::EnvelopeGranted(envelope) => {
                Self::EnvelopeGranted(Stored::read(*envelope)?)
            }
            ReceiptForm::EnvelopeEnded { envelope, why } => {
                Self::EnvelopeEnded { envelope: EnvelopeId::read(envelope)?, why }
            }
            ReceiptForm::EnvelopeReopened { envelope } => {
                Self::EnvelopeReopened { envelope: EnvelopeId::read(envelope)? }
            }
            ReceiptForm::EnvelopeBounded { envelope, before, after } => Self::EnvelopeBounded {
                envelope: EnvelopeId::read(envelope)?,
                before: Bounds::read(before)?,
                after: Bounds::read(after)?,
            },
            ReceiptForm::EstateActivated { estate } => {
                Self::EstateActivated { estate: Digest::read(estate)? }
            }
            ReceiptForm::Adopted { certificate, chain } => Self::Adopted {
                certificate: Box::new(Stored::read(*certificate)?),
                chain: Digest::read(chain)?,
            },
            ReceiptForm::Disowned { der, revoked } => {
                Self::Disowned { der: Vec::<u8>::read(der)?, revoked: Stored::read(revoked)? }
            }
            ReceiptForm::AccountRegistered { issuer, uri, key } => Self::AccountRegistered {
                issuer: IssuerId::read(issuer)?,
                uri,
                key: SpkiHash::read(key)?,
            },
            ReceiptForm::AccountDeactivated { issuer } => {
                Self::AccountDeactivated { issuer: IssuerId::read(issuer)? }
            }
            ReceiptForm::KeyActivated { of, before, after } => Self::KeyActivated {
                of: HeldKey::read(of)?,
                before: KeyMark::read(before)?,
                after: KeyMark::read(after)?,
            },
            ReceiptForm::GenerationActivated { issuer, generation, certificate } => {
                Self::GenerationActivated {
                    issuer: IssuerId::read(issuer)?,
                    generation: Generation::read(generation)?,
                    certificate: CertFingerprint::read(certificate)?,
                }
            }
        })
    }
}
