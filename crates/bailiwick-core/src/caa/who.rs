//! Who may issue, read off a set: the judgement turned round (RFC 8659, section 4).
//!
//! [`CaaEvidence::judge`] says whether one issuance is permitted; this says which could be. Both
//! follow the same rules, and a test holds them together.

use std::fmt;

use super::climb::{CaaEvidence, ClimbEnd};
use super::judge::{governing, only_value};
use super::record::{CaaRecord, PropertyTag};
use super::terms::{AccountUri, CertificateKind, IssuerDomain, ValidationMethod};
use super::value::IssueValue;

/// What kind of certificate for a name is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Wanted {
    /// For the name itself.
    Ordinary,
    /// For `*.` in front of it.
    Wildcard,
    /// For mailboxes at it (RFC 9495).
    Mail,
}

impl Wanted {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::Wildcard, Self::Mail];

    const fn kind(self) -> CertificateKind {
        match self {
            Self::Ordinary | Self::Wildcard => CertificateKind::Tls,
            Self::Mail => CertificateKind::Email,
        }
    }
}

/// Who may issue one kind of certificate for a name, for an issuer that knows the registered
/// properties ([`PropertyTag::REGISTERED`]).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MayIssue {
    /// CAA restricts nobody.
    Anyone,
    /// These, each under its conditions; nobody where the list is empty.
    Only(Vec<Allowed>),
    /// It cannot be told.
    Unknown,
}

/// One property that can be satisfied.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Allowed {
    /// The issuer it names.
    pub issuer: IssuerDomain,
    /// Only for this account (RFC 8657, section 3); any, where there is none.
    pub account: Option<AccountUri>,
    /// Only by one of these methods (RFC 8657, section 4); by any, where there is no list.
    pub methods: Option<Vec<ValidationMethod>>,
}

impl CaaEvidence {
    /// Who may issue, by what was seen.
    #[must_use]
    pub fn who_may_issue(&self, wanted: Wanted) -> MayIssue {
        match self.end() {
            ClimbEnd::Relevant => of_set(self.relevant_set(), wanted),
            ClimbEnd::NoSet => MayIssue::Anyone,
            ClimbEnd::Failed(_) | ClimbEnd::NoSuchTld => MayIssue::Unknown,
        }
    }
}

fn of_set(set: &[CaaRecord], wanted: Wanted) -> MayIssue {
    let mut properties = Vec::with_capacity(set.len());
    for record in set {
        match record.property_tag() {
            Ok(tag) => properties.push((tag, record)),
            Err(_) => return MayIssue::Unknown,
        }
    }
    let blocks = |(tag, record): &(PropertyTag, &CaaRecord)| {
        record.is_issuer_critical() && !tag.is_registered()
    };
    if properties.iter().any(blocks) {
        return MayIssue::Only(Vec::new());
    }
    let governing = governing(&properties, wanted == Wanted::Wildcard, wanted.kind());
    let mut governed = properties.iter().filter(|(tag, _)| *tag == governing).peekable();
    if governed.peek().is_none() {
        return MayIssue::Anyone;
    }
    let mut all: Vec<Allowed> = governed.filter_map(|(_, record)| allowed(record)).collect();
    all.sort();
    all.dedup();
    MayIssue::Only(all)
}

/// What has to hold for one property to permit; `None` when nothing can satisfy it.
pub(super) fn allowed(record: &CaaRecord) -> Option<Allowed> {
    let value = IssueValue::read(&record.value).ok()?;
    let issuer = value.issuer.clone()?;
    let account = match only_value(&value, "accounturi").ok()? {
        None => None,
        Some(text) => Some(AccountUri::parse(text).ok()?),
    };
    let methods = match only_value(&value, "validationmethods").ok()? {
        None => None,
        Some(text) => Some(ValidationMethod::read_list(text).ok().filter(|all| !all.is_empty())?),
    };
    Some(Allowed { issuer, account, methods })
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ordinary => "ordinary",
            Self::Wildcard => "wildcard",
            Self::Mail => "mail",
        })
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.issuer.fmt(f)?;
        if let Some(account) = &self.account {
            write!(f, " for {account}")?;
        }
        if let Some(methods) = &self.methods {
            let listed: Vec<&str> = methods.iter().map(ValidationMethod::as_str).collect();
            write!(f, " by {}", listed.join(" or "))?;
        }
        Ok(())
    }
}

impl fmt::Display for MayIssue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("anyone"),
            Self::Unknown => f.write_str("unknown"),
            Self::Only(all) if all.is_empty() => f.write_str("nobody"),
            Self::Only(all) => {
                let listed: Vec<String> = all.iter().map(ToString::to_string).collect();
                f.write_str(&listed.join(", "))
            }
        }
    }
}
