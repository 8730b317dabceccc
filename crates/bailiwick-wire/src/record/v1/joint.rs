//! Steps that bind records and certificates.

use core::net::SocketAddr;

use bailiwick_core::change::{
    AwaitPropagation, DeployCertificate, Endpoint, Lane, PublishRecords, VerifyServed,
};
use bailiwick_core::estate::{Deployment, ZoneKey};
use bailiwick_core::names::{CertFingerprint, DnsName, ServiceId, SpkiHash};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use serde::{Deserialize, Serialize};

use super::stored::{Stored, mirror};
use crate::record::{BadValue, NotStorable};

mirror! {
    PublishRecords => PublishForm {
        service: Option<ServiceId>,
        zone: ZoneKey,
        edits: Vec<RecordEdit>,
        why: String,
        undo_hold_seconds: u32,
        within_seconds: u32,
    }
    AwaitPropagation => AwaitForm {
        service: Option<ServiceId>,
        zone: ZoneKey,
        edits: Vec<RecordEdit>,
        hold_seconds: u32,
        within_seconds: u32,
    }
    DeployCertificate => DeployForm {
        service: ServiceId,
        issued_by: usize,
        key: SpkiHash,
        place: String,
        target: Deployment,
        before: Option<CertFingerprint>,
    }
    VerifyServed => ServedForm {
        service: ServiceId,
        issued_by: usize,
        endpoints: Vec<Endpoint>,
        within_seconds: u32,
    }
    Lane => LaneForm {
        who: String,
        shows: bool,
        saw: String,
    }
    Endpoint => EndpointForm {
        name: DnsName,
        at: SocketAddr,
    }
}

/// One edit of one set; a set that is not there is `null`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditForm {
    owner: String,
    kind: String,
    before: Option<SetForm>,
    after: Option<SetForm>,
}

/// The records of a set, RDATA in base64, in the order of their octets.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetForm {
    ttl_seconds: u32,
    rdata: Vec<String>,
}

/// A place; `kind` says which.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum DeploymentForm {
    Client {},
    Files { folder: String, reload: Vec<String> },
    Webhook { url: String },
}

fn word(of: &'static str, word: String) -> BadValue {
    BadValue::Word { of, word }
}

impl Stored for RRset {
    type Form = SetForm;

    fn form(&self) -> Result<SetForm, NotStorable> {
        let rdata: Result<Vec<String>, NotStorable> =
            self.rdata().iter().map(Stored::form).collect();
        Ok(SetForm { ttl_seconds: self.ttl_seconds(), rdata: rdata? })
    }

    fn read(form: SetForm) -> Result<Self, BadValue> {
        let rdata: Vec<Vec<u8>> = Stored::read(form.rdata)?;
        let empty = || word("set of records", "[]".to_owned());
        Self::new(form.ttl_seconds, rdata).ok_or_else(empty)
    }
}

impl Stored for RecordEdit {
    type Form = EditForm;

    fn form(&self) -> Result<EditForm, NotStorable> {
        Ok(EditForm {
            owner: self.owner().to_string(),
            kind: self.kind().to_string(),
            before: self.before().map(Stored::form).transpose()?,
            after: self.after().map(Stored::form).transpose()?,
        })
    }

    fn read(form: EditForm) -> Result<Self, BadValue> {
        let owner = OwnerName::parse(&form.owner)?;
        let kind = RecordType::parse(&form.kind);
        let kind = kind.ok_or_else(|| word("record type", form.kind.clone()))?;
        let set = |form: Option<SetForm>| form.map(RRset::read).transpose();
        let edit = Self::new(owner, kind, set(form.before)?, set(form.after)?);
        edit.map_err(|_| word("edit of a set", form.owner))
    }
}

impl Stored for SocketAddr {
    type Form = String;

    fn form(&self) -> Result<String, NotStorable> {
        Ok(self.to_string())
    }

    fn read(form: String) -> Result<Self, BadValue> {
        form.parse().map_err(|_| word("address with a port", form))
    }
}

impl Stored for Deployment {
    type Form = DeploymentForm;

    fn form(&self) -> Result<DeploymentForm, NotStorable> {
        Ok(match self {
            Self::Client => DeploymentForm::Client {},
            Self::Files { folder, reload } => {
                DeploymentForm::Files { folder: folder.clone(), reload: reload.clone() }
            }
            Self::Webhook { url } => DeploymentForm::Webhook { url: url.clone() },
        })
    }

    fn read(form: DeploymentForm) -> Result<Self, BadValue> {
        Ok(match form {
            DeploymentForm::Client {} => Self::Client,
            DeploymentForm::Files { folder, reload } => Self::Files { folder, reload },
            DeploymentForm::Webhook { url } => Self::Webhook { url },
        })
    }
}
