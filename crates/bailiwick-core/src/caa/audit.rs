//! What an audit says of one name: its effective set, who may issue, and what is wrong with it.
//!
//! The judgement is the one of issuance: a name whose look-up failed is *unknown*, never one without
//! CAA (promise P8).

use std::collections::BTreeSet;

use super::audit_findings::{AuditFinding, Severity};
use super::climb::{CaaEvidence, ClimbEnd};
use super::judge::{CaaVerdict, UnknownBecause};
use super::lookup::{AliasName, LookupFailure, Proof};
use super::name::CaaName;
use super::record::{CaaRecord, PropertyTag};
use super::terms::{CaaTerms, IssuerDomain};
use super::value::IssueValue;
use super::who::{MayIssue, Wanted};
use crate::names::DnsName;
use crate::time::Time;

/// One name of an audit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Audited {
    /// The name.
    pub name: CaaName,
    /// The set that counts for it.
    pub set: EffectiveSet,
    /// Who may issue an ordinary certificate.
    pub ordinary: MayIssue,
    /// Who may issue for `*.` in front of it.
    pub wildcard: MayIssue,
    /// Who may issue for mailboxes at it.
    pub mail: MayIssue,
    /// The weakest DNSSEC state of what was seen.
    pub proof: Proof,
    /// When the first question was asked.
    pub asked_at: Time,
    /// What is wrong or worth knowing, the worst first.
    pub findings: Vec<AuditFinding>,
}

/// The set that counts for a name (RFC 8659, section 3: relevant set).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum EffectiveSet {
    /// There is none up to the top-level domain.
    None,
    /// This one.
    At {
        /// The name it was found at.
        owner: DnsName,
        /// Where it really stands, when `owner` is an alias.
        alias: Option<AliasName>,
        /// Its TTL.
        ttl_seconds: u32,
        /// The records.
        records: Vec<CaaRecord>,
    },
    /// It cannot be told.
    Unknown {
        /// The name whose look-up ended the climb.
        at: DnsName,
        /// Why.
        because: UnknownBecause,
    },
}

/// Where a second climb has to begin, because the set that counts may hide one above it: it has
/// nothing that governs an ordinary certificate, such as a lone `iodef`.
#[must_use]
pub fn may_hide(evidence: &CaaEvidence) -> Option<DnsName> {
    let hides = matches!(evidence.end(), ClimbEnd::Relevant)
        && evidence.who_may_issue(Wanted::Ordinary) == MayIssue::Anyone;
    evidence.relevant_owner().filter(|_| hides).and_then(DnsName::parent)
}

/// Reads the audit of a name off what was seen.
///
/// `above` is the climb that [`may_hide`] asked for. `expected` are the issuers that should be the
/// only ones; where it is empty, no issuer is held against it.
#[must_use]
pub fn audit(
    evidence: &CaaEvidence,
    above: Option<&CaaEvidence>,
    expected: &BTreeSet<IssuerDomain>,
) -> Audited {
    let set = effective(evidence);
    let who = |wanted| evidence.who_may_issue(wanted);
    let mut findings = Vec::new();
    match &set {
        EffectiveSet::None => findings.push(AuditFinding::NoCaa),
        EffectiveSet::Unknown { at, because } => findings.push(unknown(at, because)),
        EffectiveSet::At { owner, alias, records, .. } => {
            findings.extend(alias.iter().map(|to| AuditFinding::AliasDecides { to: to.clone() }));
            of_records(records, &mut findings);
            if who(Wanted::Ordinary) == MayIssue::Anyone {
                findings.push(AuditFinding::RestrictsNothing { owner: owner.clone() });
            }
        }
    }
    if let Some(above) = above {
        findings.extend(of_above(above));
    }
    let (ordinary, wildcard, mail) =
        (who(Wanted::Ordinary), who(Wanted::Wildcard), who(Wanted::Mail));
    too_permissive(&ordinary, &wildcard, expected, &mut findings);
    let proof = evidence.weakest_proof();
    if proof == Proof::Indeterminate && !matches!(set, EffectiveSet::Unknown { .. }) {
        findings.push(AuditFinding::NotValidated);
    }
    findings.sort_by_key(|finding| (finding.severity(), finding.kind()));
    findings.dedup();
    let asked_at = evidence.rungs().iter().map(|rung| rung.asked_at).min();
    Audited {
        name: evidence.name().clone(),
        set,
        ordinary,
        wildcard,
        mail,
        proof,
        asked_at: asked_at.unwrap_or(Time::from_unix_ms(0)),
        findings,
    }
}

impl Audited {
    /// How bad the worst finding is; `None` when there is none.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(AuditFinding::severity).min()
    }
}

fn effective(evidence: &CaaEvidence) -> EffectiveSet {
    let last = evidence.rungs().last();
    let at = || last.map_or_else(|| evidence.name().base().clone(), |rung| rung.name.clone());
    match evidence.end() {
        ClimbEnd::NoSet => EffectiveSet::None,
        ClimbEnd::Failed(failure) => {
            EffectiveSet::Unknown { at: at(), because: UnknownBecause::LookupFailed(failure) }
        }
        ClimbEnd::NoSuchTld => {
            EffectiveSet::Unknown { at: at(), because: UnknownBecause::NoSuchTld }
        }
        // Nobody is named, so that only what holds for every issuer can come out.
        ClimbEnd::Relevant => match evidence.judge(&CaaTerms::tls([])) {
            CaaVerdict::Unknown(because) => EffectiveSet::Unknown { at: at(), because },
            CaaVerdict::Allow(_) | CaaVerdict::Deny(_) => EffectiveSet::At {
                owner: at(),
                alias: last.and_then(|rung| rung.answer.aliases().last()).map(|a| a.to.clone()),
                ttl_seconds: evidence.relevant_ttl_seconds().unwrap_or(0),
                records: evidence.relevant_set().to_vec(),
            },
        },
    }
}

fn unknown(at: &DnsName, because: &UnknownBecause) -> AuditFinding {
    let at = at.clone();
    match because {
        UnknownBecause::LookupFailed(
            failure @ (LookupFailure::Timeout
            | LookupFailure::Unreachable
            | LookupFailure::NoServer
            | LookupFailure::TooManyQuestions),
        ) => AuditFinding::Unreachable { at, failure: *failure },
        UnknownBecause::LookupFailed(failure) => {
            AuditFinding::LookupFailed { at, failure: *failure }
        }
        UnknownBecause::NoSuchTld => AuditFinding::NoSuchTld { tld: at },
        UnknownBecause::Unread(unread) => {
            AuditFinding::IllegalTag { record: unread.record.clone() }
        }
    }
}

fn of_above(above: &CaaEvidence) -> Option<AuditFinding> {
    match above.end() {
        ClimbEnd::NoSet => None,
        ClimbEnd::Failed(failure) => {
            let at = above.rungs().last().map_or_else(|| above.name().base(), |rung| &rung.name);
            Some(AuditFinding::ParentUnread { at: at.clone(), failure })
        }
        ClimbEnd::NoSuchTld => None,
        ClimbEnd::Relevant => {
            let restricts = above.who_may_issue(Wanted::Ordinary) != MayIssue::Anyone;
            let owner = above.relevant_owner().filter(|_| restricts)?;
            Some(AuditFinding::HiddenParent { parent: owner.clone() })
        }
    }
}

fn of_records(records: &[CaaRecord], findings: &mut Vec<AuditFinding>) {
    for record in records {
        let Ok(tag) = record.property_tag() else { continue };
        if record.is_issuer_critical() && !tag.is_registered() {
            findings.push(AuditFinding::CriticalUnknown { record: record.clone() });
        }
        if record.flags != 0 && !record.is_issuer_critical() {
            findings.push(AuditFinding::ReservedFlags { record: record.clone() });
        }
        if matches!(tag, PropertyTag::Issue | PropertyTag::IssueWild | PropertyTag::IssueMail) {
            of_issue(record, findings);
        } else if !tag.is_registered() {
            findings.push(AuditFinding::UnknownProperty { record: record.clone() });
        }
    }
}

fn of_issue(record: &CaaRecord, findings: &mut Vec<AuditFinding>) {
    let value = match IssueValue::read(&record.value) {
        Ok(value) => value,
        Err(why) => {
            findings.push(AuditFinding::Malformed { record: record.clone(), why });
            return;
        }
    };
    if value.issuer.is_none() {
        return;
    }
    let mut bound = false;
    for parameter in &value.parameters {
        match parameter.tag.as_str() {
            "accounturi" | "validationmethods" => bound = true,
            // Some CAs name the account like that; others pass over it (RFC 8659, section 4.2).
            _ => findings.push(AuditFinding::UnknownParameter {
                record: record.clone(),
                parameter: parameter.tag.clone(),
            }),
        }
    }
    if super::who::allowed(record).is_none() {
        findings.push(AuditFinding::Unsatisfiable { record: record.clone() });
    } else if bound {
        findings.push(AuditFinding::Bound { record: record.clone() });
    }
}

fn too_permissive(
    ordinary: &MayIssue,
    wildcard: &MayIssue,
    expected: &BTreeSet<IssuerDomain>,
    findings: &mut Vec<AuditFinding>,
) {
    if expected.is_empty() {
        return;
    }
    for (wanted, may) in [(Wanted::Ordinary, ordinary), (Wanted::Wildcard, wildcard)] {
        let MayIssue::Only(all) = may else { continue };
        let others = all.iter().map(|one| &one.issuer).filter(|issuer| !expected.contains(*issuer));
        let unwanted =
            others.map(|issuer| AuditFinding::UnexpectedIssuer { issuer: issuer.clone(), wanted });
        findings.extend(unwanted);
    }
}
