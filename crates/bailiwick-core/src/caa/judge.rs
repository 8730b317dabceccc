//! The judgement: does a relevant set permit an issuance (RFC 8659, section 4; RFC 8657; RFC 9495)?

use std::collections::BTreeSet;

use super::climb::{CaaEvidence, ClimbEnd};
use super::lookup::LookupFailure;
use super::name::Exempt;
use super::record::{CaaRecord, OtherTag, PropertyTag};
use super::terms::{AccountUri, CaaTerms, CertificateKind, IssuerDomain, ValidationMethod};
use super::value::{IssueValue, Malformed};

/// Permission, no permission, or not known, with the reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CaaVerdict {
    /// CAA permits it.
    Allow(Permission),
    /// CAA forbids it.
    Deny(Prohibition),
    /// It cannot be told. A gate must not issue.
    Unknown(UnknownBecause),
}

/// A verdict without its reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum CaaOutcome {
    /// CAA permits it.
    Allow,
    /// CAA forbids it.
    Deny,
    /// It cannot be told.
    Unknown,
}

/// Why CAA permits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Permission {
    /// CAA does not cover the identifier.
    Exempt(Exempt),
    /// Neither the name nor any name above has a set (RFC 8659, section 3).
    NoSet,
    /// The relevant set holds no property that governs this request (RFC 8659, section 3).
    NothingGoverns {
        /// The property that would.
        wanted: PropertyTag,
    },
    /// A property names the issuer, and its conditions are met (RFC 8659, section 4.2).
    Named {
        /// The property.
        by: CaaRecord,
        /// The issuer name that matched.
        issuer: IssuerDomain,
    },
}

/// Why CAA forbids.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Prohibition {
    /// A critical property that the issuer does not know (RFC 8659, section 4.1).
    UnknownCritical {
        /// The property.
        record: CaaRecord,
    },
    /// Properties govern, and none of them is satisfied (RFC 8659, section 4.2).
    NotNamed {
        /// The property that governs.
        governing: PropertyTag,
        /// Each record of it, with what it lacks.
        mismatches: Vec<(CaaRecord, Mismatch)>,
    },
}

/// Why one property does not permit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mismatch {
    /// The value breaks the grammar and so names nobody (RFC 8659, section 4.2).
    Malformed(Malformed),
    /// It names nobody (RFC 8659, section 4.2).
    Nobody,
    /// It names another issuer (RFC 8659, section 4.2).
    OtherIssuer(IssuerDomain),
    /// Its `accounturi` is not met (RFC 8657, section 3).
    Account(AccountMismatch),
    /// Its `validationmethods` is not met (RFC 8657, section 4).
    Method(MethodMismatch),
}

/// Why an `accounturi` parameter is not met (RFC 8657, section 3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AccountMismatch {
    /// There is more than one.
    Repeated,
    /// The value is not a URI.
    NotUri,
    /// The request carries no account.
    NoAccount,
    /// It names another account.
    Other(AccountUri),
}

/// Why a `validationmethods` parameter is not met (RFC 8657, section 4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MethodMismatch {
    /// There is more than one; RFC 8657 does not say what that means.
    Repeated,
    /// The value is not a list of labels.
    NotList,
    /// The request carries no method.
    NoMethod,
    /// It lists others, or none at all.
    Other(Vec<ValidationMethod>),
}

/// Why it cannot be told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UnknownBecause {
    /// A look-up of the climb failed (RFC 8659, section 6).
    LookupFailed(LookupFailure),
    /// The top-level domain is said not to exist.
    NoSuchTld,
    /// The relevant set holds a record whose tag is not one; what it would say is unknown.
    Unread(Unread),
}

/// A record that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unread {
    /// The record.
    pub record: CaaRecord,
}

impl CaaEvidence {
    /// Judges one issuance by what was seen.
    #[must_use]
    pub fn judge(&self, terms: &CaaTerms) -> CaaVerdict {
        match self.end() {
            ClimbEnd::Relevant => judge_set(self.relevant_set(), self.name().is_wildcard(), terms),
            ClimbEnd::NoSet => CaaVerdict::Allow(Permission::NoSet),
            ClimbEnd::Failed(failure) => CaaVerdict::Unknown(UnknownBecause::LookupFailed(failure)),
            ClimbEnd::NoSuchTld => CaaVerdict::Unknown(UnknownBecause::NoSuchTld),
        }
    }
}

fn judge_set(set: &[CaaRecord], wildcard: bool, terms: &CaaTerms) -> CaaVerdict {
    let mut properties = Vec::with_capacity(set.len());
    for record in set {
        match record.property_tag() {
            Ok(tag) => properties.push((tag, record)),
            Err(_) => {
                return CaaVerdict::Unknown(UnknownBecause::Unread(Unread {
                    record: record.clone(),
                }));
            }
        }
    }
    let unknown = |(tag, record): &&(PropertyTag, &CaaRecord)| {
        record.is_issuer_critical() && !terms.known_tags.contains(tag)
    };
    if let Some((_, record)) = properties.iter().find(unknown) {
        return CaaVerdict::Deny(Prohibition::UnknownCritical { record: (*record).clone() });
    }
    let governing = governing(&properties, wildcard, terms.kind);
    let mut mismatches = Vec::new();
    for (_, record) in properties.iter().filter(|(tag, _)| *tag == governing) {
        match judge_property(&record.value, terms) {
            Ok(issuer) => {
                return CaaVerdict::Allow(Permission::Named { by: (*record).clone(), issuer });
            }
            Err(mismatch) => mismatches.push(((*record).clone(), mismatch)),
        }
    }
    if mismatches.is_empty() {
        return CaaVerdict::Allow(Permission::NothingGoverns { wanted: governing });
    }
    CaaVerdict::Deny(Prohibition::NotNamed { governing, mismatches })
}

/// The property that governs a request: a single `issuewild`, readable or not, takes wildcards
/// away from `issue` (RFC 8659, section 4.3).
pub(super) fn governing(
    properties: &[(PropertyTag, &CaaRecord)],
    wildcard: bool,
    kind: CertificateKind,
) -> PropertyTag {
    let has_issuewild = || properties.iter().any(|(tag, _)| *tag == PropertyTag::IssueWild);
    match kind {
        CertificateKind::Email => PropertyTag::IssueMail,
        CertificateKind::Tls if wildcard && has_issuewild() => PropertyTag::IssueWild,
        CertificateKind::Tls => PropertyTag::Issue,
    }
}

/// One property: all of its conditions hold, or it does not permit.
fn judge_property(value: &[u8], terms: &CaaTerms) -> Result<IssuerDomain, Mismatch> {
    let value = IssueValue::read(value).map_err(Mismatch::Malformed)?;
    let issuer = value.issuer.clone().ok_or(Mismatch::Nobody)?;
    if !terms.issuers.contains(&issuer) {
        return Err(Mismatch::OtherIssuer(issuer));
    }
    judge_account(&value, terms).map_err(Mismatch::Account)?;
    judge_method(&value, terms).map_err(Mismatch::Method)?;
    Ok(issuer)
}

fn judge_account(value: &IssueValue, terms: &CaaTerms) -> Result<(), AccountMismatch> {
    let named = match only(value.values_of("accounturi")) {
        Only::None => return Ok(()),
        Only::Many => return Err(AccountMismatch::Repeated),
        Only::One(text) => AccountUri::parse(text).map_err(|_| AccountMismatch::NotUri)?,
    };
    let account = terms.account.as_ref().ok_or(AccountMismatch::NoAccount)?;
    if *account == named || terms.parent_accounts.contains(&named) {
        Ok(())
    } else {
        Err(AccountMismatch::Other(named))
    }
}

fn judge_method(value: &IssueValue, terms: &CaaTerms) -> Result<(), MethodMismatch> {
    let listed = match only(value.values_of("validationmethods")) {
        Only::None => return Ok(()),
        Only::Many => return Err(MethodMismatch::Repeated),
        Only::One(text) => {
            ValidationMethod::read_list(text).map_err(|_| MethodMismatch::NotList)?
        }
    };
    let method = terms.method.as_ref().ok_or(MethodMismatch::NoMethod)?;
    let counts = |label| label == method || terms.equivalent_methods.contains(label);
    if listed.iter().any(counts) { Ok(()) } else { Err(MethodMismatch::Other(listed)) }
}

/// The one value of a parameter, if it stands there.
///
/// # Errors
/// [`Repeated`] when it stands there more than once, so that nothing satisfies it.
pub(super) fn only_value<'a>(
    value: &'a IssueValue,
    tag: &'a str,
) -> Result<Option<&'a str>, Repeated> {
    match only(value.values_of(tag)) {
        Only::None => Ok(None),
        Only::One(text) => Ok(Some(text)),
        Only::Many => Err(Repeated),
    }
}

/// A parameter stands in a value more than once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeated;

/// How often a parameter stands in a value.
enum Only<'a> {
    None,
    One(&'a str),
    Many,
}

fn only<'a>(mut values: impl Iterator<Item = &'a str>) -> Only<'a> {
    match (values.next(), values.next()) {
        (None, _) => Only::None,
        (Some(value), None) => Only::One(value),
        (Some(_), Some(_)) => Only::Many,
    }
}

impl CaaVerdict {
    /// The verdict without its reason.
    #[must_use]
    pub const fn outcome(&self) -> CaaOutcome {
        match self {
            Self::Allow(_) => CaaOutcome::Allow,
            Self::Deny(_) => CaaOutcome::Deny,
            Self::Unknown(_) => CaaOutcome::Unknown,
        }
    }

    /// Where the deciding rule stands.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Allow(Permission::Exempt(Exempt::IpAddress(_))) => {
                "RFC 8659, section 3; BR 3.2.2.8"
            }
            Self::Allow(Permission::Exempt(Exempt::Onion(_))) => "BR 3.2.2.8; RFC 7686, section 2",
            Self::Allow(Permission::NoSet | Permission::NothingGoverns { .. }) => {
                "RFC 8659, section 3"
            }
            Self::Allow(Permission::Named { .. }) => "RFC 8659, section 4.2",
            Self::Deny(Prohibition::UnknownCritical { .. })
            | Self::Unknown(UnknownBecause::Unread(_)) => "RFC 8659, section 4.1",
            Self::Deny(Prohibition::NotNamed { governing, mismatches }) => {
                rule_of_refusal(governing, mismatches.as_slice())
            }
            Self::Unknown(UnknownBecause::LookupFailed(failure)) => match failure {
                LookupFailure::Bogus => "RFC 8659, section 6.4; BR 3.2.2.8.1",
                LookupFailure::Truncated => "RFC 7766, section 5; RFC 8659, section 6.1",
                LookupFailure::AliasTooLong => "RFC 6672, section 2.2",
                LookupFailure::AliasLoop | LookupFailure::TooManyAliases => {
                    "RFC 1034, section 5.2.2; RFC 8659, section 3"
                }
                LookupFailure::BadRecord | LookupFailure::TooManyRecords => "RFC 8659, section 4.1",
                LookupFailure::Refused
                | LookupFailure::NotImp
                | LookupFailure::FormErr
                | LookupFailure::Malformed
                | LookupFailure::OtherCode(_) => "RFC 8659, section 6.2",
                LookupFailure::NoServer
                | LookupFailure::Unreachable
                | LookupFailure::Timeout
                | LookupFailure::ServFail
                | LookupFailure::NotAuthoritative
                | LookupFailure::Referral
                | LookupFailure::TooManyQuestions
                | LookupFailure::Disagreement => "RFC 8659, section 6.1; BR 3.2.2.8",
            },
            Self::Unknown(UnknownBecause::NoSuchTld) => "RFC 8659, section 3",
        }
    }
}

/// The narrowest rule that a refusal rests on: the parameters', if the issuer itself was named.
const fn rule_of_refusal(
    governing: &PropertyTag,
    mismatches: &[(CaaRecord, Mismatch)],
) -> &'static str {
    let mut rest = mismatches;
    while let [(_, mismatch), more @ ..] = rest {
        match mismatch {
            Mismatch::Account(_) => return "RFC 8657, section 3",
            Mismatch::Method(_) => return "RFC 8657, section 4",
            Mismatch::Malformed(_) | Mismatch::Nobody | Mismatch::OtherIssuer(_) => rest = more,
        }
    }
    match governing {
        PropertyTag::IssueWild => "RFC 8659, section 4.3",
        PropertyTag::IssueMail => "RFC 9495, section 4",
        PropertyTag::Issue
        | PropertyTag::IssueVmc
        | PropertyTag::Iodef
        | PropertyTag::ContactEmail
        | PropertyTag::ContactPhone
        | PropertyTag::Other(OtherTag { .. }) => "RFC 8659, section 4.2",
    }
}

impl CaaOutcome {
    /// What several names say together: every name must pass (RFC 8659, section 3). Nothing asked
    /// is nothing known.
    #[must_use]
    pub fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let seen: BTreeSet<Self> = outcomes.into_iter().collect();
        if seen.contains(&Self::Deny) {
            Self::Deny
        } else if seen.contains(&Self::Unknown) || seen.is_empty() {
            Self::Unknown
        } else {
            Self::Allow
        }
    }
}
