//! Reading stored evidence back: climbing again over the stored answers.

use core::net::SocketAddr;

use bailiwick_core::caa::{
    Alias, AliasKind, AliasName, CaaEvidence, CaaName, CaaRecord, ClimbStep, Empty, Found,
    LookupAnswer, LookupFailure, PrivateTlds, Proof, Source, SourceAnswer, SourceRole, climb,
};
use bailiwick_core::names::DnsName;
use bailiwick_core::shown::{shown, told};
use bailiwick_core::time::Time;
use serde::Deserialize;

use super::{EVIDENCE_KIND, FAILURES, end, evidence_octets, failure_word};
use crate::dns::{Caa, RecordKind};

/// Stored evidence is not what was written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadEvidence {
    /// Not JSON of this form.
    #[error("the CAA evidence cannot be read: {}; take it from a backup", told(.0))]
    Form(String),
    /// A version we do not know.
    #[error("the CAA evidence is of format `{}`; read it with the version that wrote it", shown(.0))]
    Format(String),
    /// A name, record, address or word is not one.
    #[error("the CAA evidence holds `{}`, which is not what stands there; take it from a backup", shown(.0))]
    Content(String),
    /// The answers lead somewhere else than the evidence says.
    #[error("the CAA evidence does not follow from its own answers; take it from a backup")]
    DoesNotClimb,
    /// It says the same in another spelling than the one there is.
    #[error("the CAA evidence is not spelled as it was written; take it from a backup")]
    NotCanonical,
}

/// Reads what [`super::evidence_octets`] wrote.
///
/// # Errors
/// [`BadEvidence`]; there is no partial evidence.
pub fn read_evidence(octets: &[u8]) -> Result<CaaEvidence, BadEvidence> {
    let form: EvidenceForm =
        serde_json::from_slice(octets).map_err(|e| BadEvidence::Form(e.to_string()))?;
    if form.format != EVIDENCE_KIND {
        return Err(BadEvidence::Format(form.format));
    }
    let name = CaaName::parse(&form.name).map_err(|_| content(&form.name))?;
    let mut private = PrivateTlds::none();
    for tld in &form.private_tlds {
        private = private.and(&DnsName::parse(tld).map_err(|_| content(tld))?);
    }
    let mut step = climb(name, private);
    for rung in form.rungs {
        step = match step {
            ClimbStep::Ask(asking) if asking.name().as_str() == rung.name => {
                let sources = rung.sources.into_iter().map(SourceForm::read);
                let sources = sources.collect::<Result<_, _>>()?;
                asking.answer(Time::from_unix_ms(rung.asked_at_ms), sources)
            }
            ClimbStep::Ask(_) | ClimbStep::Finished(_) => return Err(BadEvidence::DoesNotClimb),
        };
    }
    match step {
        ClimbStep::Finished(evidence) if end(evidence.end()) == form.end => {
            let is_canonical = evidence_octets(&evidence) == octets;
            if is_canonical { Ok(evidence) } else { Err(BadEvidence::NotCanonical) }
        }
        ClimbStep::Finished(_) | ClimbStep::Ask(_) => Err(BadEvidence::DoesNotClimb),
    }
}

fn content(text: &str) -> BadEvidence {
    BadEvidence::Content(text.to_owned())
}

#[derive(Deserialize)]
struct EvidenceForm {
    format: String,
    name: String,
    private_tlds: Vec<String>,
    rungs: Vec<RungForm>,
    end: String,
}

#[derive(Deserialize)]
struct RungForm {
    name: String,
    asked_at_ms: i64,
    sources: Vec<SourceForm>,
}

#[derive(Deserialize)]
struct SourceForm {
    role: RoleForm,
    server: SocketAddr,
    answer: AnswerForm,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RoleForm {
    Resolver,
    Authority,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum AnswerForm {
    Records {
        records: Vec<RecordForm>,
        ttl_seconds: u32,
        dnssec: ProofForm,
        aliases: Vec<AliasForm>,
    },
    NoData(EmptyForm),
    NxDomain(EmptyForm),
    Delegated {
        cut: String,
    },
    Failed {
        failure: String,
        code: Option<u16>,
        aliases: Vec<AliasForm>,
    },
}

#[derive(Deserialize)]
struct EmptyForm {
    ttl_seconds: Option<u32>,
    dnssec: ProofForm,
    aliases: Vec<AliasForm>,
}

#[derive(Deserialize)]
struct RecordForm {
    rdata: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ProofForm {
    Secure,
    Insecure,
    Indeterminate,
}

#[derive(Deserialize)]
struct AliasForm {
    from: String,
    to: String,
    by: KindForm,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindForm {
    Cname,
    Dname,
}

impl SourceForm {
    fn read(self) -> Result<SourceAnswer<CaaRecord>, BadEvidence> {
        let role = match self.role {
            RoleForm::Resolver => SourceRole::Resolver,
            RoleForm::Authority => SourceRole::Authority,
        };
        Ok(SourceAnswer {
            source: Source { role, server: self.server },
            answer: self.answer.read()?,
        })
    }
}

impl AnswerForm {
    fn read(self) -> Result<LookupAnswer<CaaRecord>, BadEvidence> {
        Ok(match self {
            Self::Records { records, ttl_seconds, dnssec, aliases } => {
                LookupAnswer::Records(Found {
                    records: records.iter().map(RecordForm::read).collect::<Result<_, _>>()?,
                    ttl_seconds,
                    proof: dnssec.read(),
                    aliases: read_aliases(&aliases)?,
                })
            }
            Self::NoData(empty) => LookupAnswer::NoData(empty.read()?),
            Self::NxDomain(empty) => LookupAnswer::NxDomain(empty.read()?),
            Self::Delegated { cut } => LookupAnswer::Delegated { cut: read_name(&cut)? },
            Self::Failed { failure, code, aliases } => LookupAnswer::Failed {
                failure: read_failure(&failure, code)?,
                aliases: read_aliases(&aliases)?,
            },
        })
    }
}

impl EmptyForm {
    fn read(self) -> Result<Empty, BadEvidence> {
        let aliases = read_aliases(&self.aliases)?;
        Ok(Empty { ttl_seconds: self.ttl_seconds, proof: self.dnssec.read(), aliases })
    }
}

impl RecordForm {
    /// By the same reader as the wire's, so nothing can be stored that could not have been served.
    fn read(&self) -> Result<CaaRecord, BadEvidence> {
        unhex(&self.rdata).and_then(|octets| Caa::read(&octets)).ok_or_else(|| content(&self.rdata))
    }
}

impl ProofForm {
    const fn read(self) -> Proof {
        match self {
            Self::Secure => Proof::Secure,
            Self::Insecure => Proof::Insecure,
            Self::Indeterminate => Proof::Indeterminate,
        }
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn read_failure(word: &str, code: Option<u16>) -> Result<LookupFailure, BadEvidence> {
    match code {
        Some(code) if word == failure_word(LookupFailure::OtherCode(code)) => {
            Ok(LookupFailure::OtherCode(code))
        }
        Some(_) => Err(content(word)),
        None => FAILURES
            .into_iter()
            .find(|failure| failure_word(*failure) == word)
            .ok_or_else(|| content(word)),
    }
}

fn read_name(text: &str) -> Result<AliasName, BadEvidence> {
    AliasName::from_stored(text).ok_or_else(|| content(text))
}

fn read_aliases(forms: &[AliasForm]) -> Result<Vec<Alias>, BadEvidence> {
    let read = |form: &AliasForm| {
        let by = match form.by {
            KindForm::Cname => AliasKind::Cname,
            KindForm::Dname => AliasKind::Dname,
        };
        Ok(Alias { from: read_name(&form.from)?, to: read_name(&form.to)?, by })
    };
    forms.iter().map(read).collect()
}
