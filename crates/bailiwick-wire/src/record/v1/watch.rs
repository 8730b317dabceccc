//! What was seen, findings, verdicts, canaries, incidents.

use bailiwick_core::caa::{CaaRecord, Proof};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::{
    CertFingerprint, Digest, DnsName, FindingId, IssuerId, PersonId, TeamId,
};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{
    Asked, CanaryRun, Finding, FindingKind, Incident, IncidentPart, Observation, PartHandedOn,
    Point, PointVerdict, Seen, Stands, Vantage,
};
use serde::{Deserialize, Serialize};

use super::stored::{Stored, mirror};
use crate::caa_json::{failure_of_word, failure_word, other_code, proof_of_word, proof_word};
use crate::record::{BadValue, NotStorable};

mirror! {
    Observation => ObservationForm {
        zone: ZoneKey,
        owner: DnsName,
        asked: Asked,
        vantage: Vantage,
        seen: Seen,
    }
    Finding => FindingForm {
        id: FindingId,
        kind: FindingKind,
        zone: ZoneKey,
        subject: String,
        vantage: Option<Vantage>,
        team: TeamId,
        assignee: PersonId,
        next: Option<PersonId>,
        due: Time,
        says: String,
        remedy: String,
        diff: Vec<String>,
        evidence: Vec<u64>,
    }
    PointVerdict => PointVerdictForm {
        zone: ZoneKey,
        issuer: IssuerId,
        point: Point,
        stands: Stands,
        says: String,
        evidence: Vec<u64>,
    }
    CanaryRun => CanaryRunForm {
        issuer: IssuerId,
        zone: ZoneKey,
        name: DnsName,
        permitted: bool,
        stands: Stands,
        says: String,
        certificate: Option<CertFingerprint>,
        revoked: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        order: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caa: Option<Digest>,
    }
    PartHandedOn => PartHandedOnForm {
        incident: FindingId,
        zone: ZoneKey,
        part: IncidentPart,
        person: PersonId,
        due: Time,
        why: String,
    }
    Incident => IncidentForm {
        id: FindingId,
        zone: ZoneKey,
        subject: String,
        says: String,
        source: String,
        record: PersonId,
        enforcement: PersonId,
        owner: PersonId,
        due: Time,
        evidence: Vec<u64>,
    }
}

/// A CAA record, octet by octet.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaaRecordForm {
    flags: u8,
    tag: String,
    value: String,
}

impl Stored for CaaRecord {
    type Form = CaaRecordForm;

    fn form(&self) -> Result<CaaRecordForm, NotStorable> {
        Ok(CaaRecordForm { flags: self.flags, tag: self.tag.form()?, value: self.value.form()? })
    }

    fn read(form: CaaRecordForm) -> Result<Self, BadValue> {
        Ok(Self {
            flags: form.flags,
            tag: Stored::read(form.tag)?,
            value: Stored::read(form.value)?,
        })
    }
}

/// What was answered.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SeenForm {
    Set { records: Vec<CaaRecordForm>, ttl_seconds: Option<u32>, proof: String },
    Large { records: u32, digest: String },
    Nothing { proof: String },
    Elsewhere {},
    Failed { failure: String, code: Option<u16> },
    Serial { serial: u32 },
}

impl Stored for Seen {
    type Form = SeenForm;

    fn form(&self) -> Result<SeenForm, NotStorable> {
        Ok(match self {
            Self::Set { records, ttl_seconds, proof } => SeenForm::Set {
                records: records.form()?,
                ttl_seconds: *ttl_seconds,
                proof: proof_word(*proof).to_owned(),
            },
            Self::Large { records, digest } => {
                SeenForm::Large { records: *records, digest: digest.form()? }
            }
            Self::Nothing { proof } => SeenForm::Nothing { proof: proof_word(*proof).to_owned() },
            Self::Elsewhere => SeenForm::Elsewhere {},
            Self::Failed(failure) => SeenForm::Failed {
                failure: failure_word(*failure).to_owned(),
                code: other_code(*failure),
            },
            Self::Serial(serial) => SeenForm::Serial { serial: *serial },
        })
    }

    fn read(form: SeenForm) -> Result<Self, BadValue> {
        let proof = |word: String| -> Result<Proof, BadValue> {
            proof_of_word(&word).ok_or(BadValue::Word { of: "proof", word })
        };
        Ok(match form {
            SeenForm::Set { records, ttl_seconds, proof: word } => Self::Set {
                records: Vec::<CaaRecord>::read(records)?,
                ttl_seconds,
                proof: proof(word)?,
            },
            SeenForm::Large { records, digest } => {
                Self::Large { records, digest: Digest::read(digest)? }
            }
            SeenForm::Nothing { proof: word } => Self::Nothing { proof: proof(word)? },
            SeenForm::Elsewhere {} => Self::Elsewhere,
            SeenForm::Failed { failure, code } => Self::Failed(
                failure_of_word(&failure, code)
                    .ok_or(BadValue::Word { of: "failure", word: failure })?,
            ),
            SeenForm::Serial { serial } => Self::Serial(serial),
        })
    }
}

impl Stored for ZoneKey {
    type Form = String;

    fn form(&self) -> Result<String, NotStorable> {
        Ok(self.to_string())
    }

    fn read(form: String) -> Result<Self, BadValue> {
        Self::parse(&form).ok_or(BadValue::Word { of: "zone", word: form })
    }
}

impl Stored for Vantage {
    type Form = String;

    fn form(&self) -> Result<String, NotStorable> {
        Ok(self.to_string())
    }

    fn read(form: String) -> Result<Self, BadValue> {
        Self::parse(&form).map_err(|_| BadValue::Word { of: "vantage", word: form })
    }
}
