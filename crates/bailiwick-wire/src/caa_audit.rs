//! Audits of CAA: one row per name as JSON and CSV, and the summary over all rows.

mod csv;
mod summary;

use bailiwick_core::caa::{
    Allowed, Audited, EffectiveSet, MayIssue, Proof, UnknownBecause, ValidationMethod,
};
use serde::{Deserialize, Serialize};

pub use csv::{csv_head, csv_line};
pub use summary::{Examples, KindSummary, Summary, ZoneSummary};

/// The form's name and version.
pub const AUDIT_FORMAT: &str = "caa-audit/v1";

/// One name of an audit, as it is written down.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuditRow {
    /// Its number in the list of names, from 0.
    pub number: u64,
    /// The name.
    pub name: String,
    /// The zone it is counted under.
    pub zone: String,
    /// Whether there is a set that counts.
    pub set: SetState,
    /// Where the set was found, or where the climb had to end.
    pub at: Option<String>,
    /// Where the set really stands, if `at` is an alias.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alias: Option<String>,
    /// The set's TTL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ttl_seconds: Option<u32>,
    /// The set, as a zone file spells it.
    pub records: Vec<String>,
    /// Who may issue an ordinary certificate.
    pub ordinary: Who,
    /// Who may issue for `*.` in front of the name.
    pub wildcard: Who,
    /// Who may issue for mailboxes.
    pub mail: Who,
    /// The DNSSEC state.
    pub dnssec: String,
    /// When the first question was asked.
    pub asked_at: String,
    /// What is wrong or worth knowing, the worst first.
    pub findings: Vec<RowFinding>,
}

/// Whether there is a set that counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SetState {
    /// Yes.
    Found,
    /// No, up to the top-level domain.
    None,
    /// It cannot be told.
    Unknown,
}

/// Who may issue: a word, or the list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Who {
    /// `anyone` or `unknown`.
    Word(WhoWord),
    /// These.
    Only(Vec<OneAllowed>),
}

/// Who may issue, where it is no list.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhoWord {
    /// CAA restricts nobody.
    Anyone,
    /// It cannot be told.
    Unknown,
}

/// One issuer and its conditions.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OneAllowed {
    /// Its CAA domain.
    pub issuer: String,
    /// Only for this account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// Only by these methods.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub methods: Option<Vec<String>>,
}

/// One finding of a row.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RowFinding {
    /// Its kind's word.
    pub kind: String,
    /// `high`, `medium` or `low`.
    pub severity: String,
    /// The particulars.
    pub detail: String,
}

impl AuditRow {
    /// The row of an audited name.
    #[must_use]
    pub fn of(number: u64, zone: String, audited: &Audited) -> Self {
        let (set, at, alias, ttl_seconds, records) = match &audited.set {
            EffectiveSet::None => (SetState::None, None, None, None, Vec::new()),
            EffectiveSet::At { owner, alias, ttl_seconds, records } => (
                SetState::Found,
                Some(owner.to_string()),
                alias.as_ref().map(ToString::to_string),
                Some(*ttl_seconds),
                records.iter().map(ToString::to_string).collect(),
            ),
            EffectiveSet::Unknown { at, because } => {
                let record = match because {
                    UnknownBecause::Unread(unread) => vec![unread.record.to_string()],
                    UnknownBecause::LookupFailed(_) | UnknownBecause::NoSuchTld => Vec::new(),
                };
                (SetState::Unknown, Some(at.to_string()), None, None, record)
            }
        };
        let findings = audited.findings.iter().map(|finding| RowFinding {
            kind: finding.kind().as_str().to_owned(),
            severity: finding.severity().to_string(),
            detail: finding.to_string(),
        });
        Self {
            number,
            name: audited.name.to_string(),
            zone,
            set,
            at,
            alias,
            ttl_seconds,
            records,
            ordinary: Who::of(&audited.ordinary),
            wildcard: Who::of(&audited.wildcard),
            mail: Who::of(&audited.mail),
            dnssec: dnssec(audited).to_owned(),
            asked_at: audited.asked_at.to_string(),
            findings: findings.collect(),
        }
    }

    /// The row as one line of JSON, without the line's end.
    ///
    /// # Errors
    /// Never: every field can be written.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads a line that [`AuditRow::to_line`] wrote.
    ///
    /// # Errors
    /// When it is no such line.
    pub fn read_line(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

fn dnssec(audited: &Audited) -> &'static str {
    match (&audited.set, audited.proof) {
        (EffectiveSet::Unknown { .. }, _) => "unknown",
        (EffectiveSet::None | EffectiveSet::At { .. }, Proof::Secure) => "secure",
        (EffectiveSet::None | EffectiveSet::At { .. }, Proof::Insecure) => "insecure",
        (EffectiveSet::None | EffectiveSet::At { .. }, Proof::Indeterminate) => "not-validated",
    }
}

impl Who {
    fn of(may: &MayIssue) -> Self {
        match may {
            MayIssue::Anyone => Self::Word(WhoWord::Anyone),
            MayIssue::Unknown => Self::Word(WhoWord::Unknown),
            MayIssue::Only(all) => Self::Only(all.iter().map(OneAllowed::of).collect()),
        }
    }

    /// In words, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Word(WhoWord::Anyone) => "anyone".to_owned(),
            Self::Word(WhoWord::Unknown) => "unknown".to_owned(),
            Self::Only(all) if all.is_empty() => "nobody".to_owned(),
            Self::Only(all) => all.iter().map(OneAllowed::shown).collect::<Vec<_>>().join(", "),
        }
    }
}

impl OneAllowed {
    fn of(one: &Allowed) -> Self {
        let spelled = |methods: &Vec<ValidationMethod>| {
            methods.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        Self {
            issuer: one.issuer.to_string(),
            account: one.account.as_ref().map(ToString::to_string),
            methods: one.methods.as_ref().map(spelled),
        }
    }

    fn shown(&self) -> String {
        let account = self.account.as_ref().map_or_else(String::new, |a| format!(" for {a}"));
        let methods =
            self.methods.as_ref().map_or_else(String::new, |m| format!(" by {}", m.join(" or ")));
        format!("{}{account}{methods}", self.issuer)
    }
}
