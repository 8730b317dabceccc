//! CAA evidence and reports as JSON, `caa/v1`.
//!
//! Evidence is written once, when a certificate is decided, and read back years later. Reading
//! climbs again over the stored answers, so what comes out is a climb that was gone through, with
//! the end that follows from its answers; what does not climb is refused. Each record keeps its
//! exact octets in `rdata`; `flags`, `tag` and `value` beside it are for people.

mod read;

use std::collections::BTreeSet;

use bailiwick_core::caa::{
    Alias, AliasKind, CaaEvidence, CaaOutcome, CaaRecord, CaaReport, CaaTerms, CaaVerdict,
    CertificateKind, ClimbEnd, Empty, Exempt, FreshnessRule, LookupAnswer, LookupFailure,
    Permission, Prohibition, Proof, Rung, Source, SourceAnswer, SourceRole, UnknownBecause,
};
use serde_json::{Value, json};

pub use read::{BadEvidence, read_evidence};

/// The form's name and version, as it stands in the store and in the ledger.
pub const EVIDENCE_KIND: &str = "caa/v1";

/// The octets to store and to hash. The same evidence always gives the same octets.
#[must_use]
pub fn evidence_octets(evidence: &CaaEvidence) -> Vec<u8> {
    evidence_json(evidence).to_string().into_bytes()
}

/// Evidence: the name, every name asked with every server's answer, and how it ended.
#[must_use]
pub fn evidence_json(evidence: &CaaEvidence) -> Value {
    json!({
        "format": EVIDENCE_KIND,
        "name": evidence.name().to_string(),
        "private_tlds": evidence.private_tlds().iter().collect::<Vec<_>>(),
        "rungs": evidence.rungs().iter().map(rung).collect::<Vec<_>>(),
        "end": end(evidence.end()),
        "relevant_set_at": evidence.relevant_owner().map(ToString::to_string),
    })
}

/// A report: what was asked, the outcome with its reason and rule, and the evidence.
#[must_use]
pub fn report_json(report: &CaaReport) -> Value {
    let verdict = report.verdict();
    let evidence = report.evidence();
    let until = |rule| evidence.map(|seen| seen.fresh_until(rule).to_string());
    json!({
        "name": report.subject().to_string(),
        "terms": terms(report.terms()),
        "outcome": outcome(verdict.outcome()),
        "reason": {
            "code": code(verdict),
            "text": report.because(),
            "rule": verdict.rule(),
            "record": deciding_record(verdict).map(record),
        },
        "remedy": report.remedy(),
        "noticed": report.noticed(),
        "relevant_set_at": evidence.and_then(CaaEvidence::relevant_owner).map(ToString::to_string),
        "fresh_until": until(FreshnessRule::Internal),
        "fresh_until_by_br": until(FreshnessRule::BaselineRequirements),
        "evidence": evidence.map(evidence_json),
    })
}

/// The outcome's word.
#[must_use]
pub const fn outcome(outcome: CaaOutcome) -> &'static str {
    match outcome {
        CaaOutcome::Allow => "allow",
        CaaOutcome::Deny => "deny",
        CaaOutcome::Unknown => "unknown",
    }
}

/// The verdict's reason as a word for programs.
#[must_use]
pub const fn code(verdict: &CaaVerdict) -> &'static str {
    match verdict {
        CaaVerdict::Allow(Permission::Exempt(Exempt::IpAddress(_))) => "ip-address",
        CaaVerdict::Allow(Permission::Exempt(Exempt::Onion(_))) => "onion",
        CaaVerdict::Allow(Permission::NoSet) => "no-set",
        CaaVerdict::Allow(Permission::NothingGoverns { .. }) => "nothing-governs",
        CaaVerdict::Allow(Permission::Named { .. }) => "named",
        CaaVerdict::Deny(Prohibition::UnknownCritical { .. }) => "unknown-critical",
        CaaVerdict::Deny(Prohibition::NotNamed { .. }) => "not-named",
        CaaVerdict::Unknown(UnknownBecause::NoSuchTld) => "no-such-tld",
        CaaVerdict::Unknown(UnknownBecause::Unread(_)) => "illegal-tag",
        CaaVerdict::Unknown(UnknownBecause::LookupFailed(failure)) => failure_word(*failure),
    }
}

const fn deciding_record(verdict: &CaaVerdict) -> Option<&CaaRecord> {
    match verdict {
        CaaVerdict::Allow(Permission::Named { by, .. }) => Some(by),
        CaaVerdict::Deny(Prohibition::UnknownCritical { record }) => Some(record),
        CaaVerdict::Unknown(UnknownBecause::Unread(unread)) => Some(&unread.record),
        CaaVerdict::Allow(_) | CaaVerdict::Deny(_) | CaaVerdict::Unknown(_) => None,
    }
}

fn terms(terms: &CaaTerms) -> Value {
    json!({
        "kind": match terms.kind {
            CertificateKind::Tls => "tls",
            CertificateKind::Email => "email",
        },
        "issuers": spelled(&terms.issuers),
        "account": terms.account.as_ref().map(ToString::to_string),
        "parent_accounts": spelled(&terms.parent_accounts),
        "method": terms.method.as_ref().map(ToString::to_string),
        "equivalent_methods": spelled(&terms.equivalent_methods),
        "known_tags": spelled(&terms.known_tags),
    })
}

fn spelled<T: ToString>(all: &BTreeSet<T>) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn rung(rung: &Rung) -> Value {
    json!({
        "name": rung.name.as_str(),
        "asked_at_ms": rung.asked_at.unix_ms(),
        "asked_at": rung.asked_at.to_string(),
        "answer": answer(&rung.answer),
        "sources": rung.sources.iter().map(source_answer).collect::<Vec<_>>(),
    })
}

fn source_answer(one: &SourceAnswer<CaaRecord>) -> Value {
    let Source { role, server } = one.source;
    let role = match role {
        SourceRole::Resolver => "resolver",
        SourceRole::Authority => "authority",
    };
    json!({ "role": role, "server": server.to_string(), "answer": answer(&one.answer) })
}

fn answer(answer: &LookupAnswer<CaaRecord>) -> Value {
    match answer {
        LookupAnswer::Records(found) => json!({
            "kind": "records",
            "records": found.records.iter().map(record).collect::<Vec<_>>(),
            "ttl_seconds": found.ttl_seconds,
            "dnssec": proof_word(found.proof),
            "aliases": aliases(&found.aliases),
        }),
        LookupAnswer::NoData(empty) => nothing("no-data", empty),
        LookupAnswer::NxDomain(empty) => nothing("nx-domain", empty),
        LookupAnswer::Delegated { cut } => json!({ "kind": "delegated", "cut": cut.as_str() }),
        LookupAnswer::Failed { failure, aliases: followed } => {
            let (number, text) = (other_code(*failure), failure.to_string());
            json!({
                "kind": "failed",
                "failure": failure_word(*failure),
                "code": number,
                "text": text,
                "aliases": aliases(followed),
            })
        }
    }
}

fn nothing(kind: &str, empty: &Empty) -> Value {
    json!({
        "kind": kind,
        "ttl_seconds": empty.ttl_seconds,
        "dnssec": proof_word(empty.proof),
        "aliases": aliases(&empty.aliases),
    })
}

fn record(record: &CaaRecord) -> Value {
    json!({
        "text": record.to_string(),
        "flags": record.flags,
        "tag": String::from_utf8_lossy(&record.tag),
        "value": String::from_utf8_lossy(&record.value),
        "rdata": hex(record),
    })
}

/// Flags, tag length, tag, value: the octets of the wire. A tag that came from there has at most
/// 255 octets; a longer one would not read back, and so be noticed.
fn hex(record: &CaaRecord) -> String {
    let head = [record.flags, u8::try_from(record.tag.len()).unwrap_or(0)];
    let octets = head.iter().chain(&record.tag).chain(&record.value);
    octets.map(|octet| format!("{octet:02x}")).collect()
}

fn aliases(aliases: &[Alias]) -> Vec<Value> {
    let word = |kind| match kind {
        AliasKind::Cname => "cname",
        AliasKind::Dname => "dname",
    };
    let one = |a: &Alias| json!({ "from": a.from.as_str(), "to": a.to.as_str(), "by": word(a.by) });
    aliases.iter().map(one).collect()
}

pub(crate) const fn proof_word(proof: Proof) -> &'static str {
    match proof {
        Proof::Secure => "secure",
        Proof::Insecure => "insecure",
        Proof::Indeterminate => "indeterminate",
    }
}

/// The proof of a word.
pub(crate) fn proof_of_word(word: &str) -> Option<Proof> {
    let all = [Proof::Secure, Proof::Insecure, Proof::Indeterminate];
    all.into_iter().find(|one| proof_word(*one) == word)
}

/// The failure of a word, with the response code where it is a numbered one.
pub(crate) fn failure_of_word(word: &str, code: Option<u16>) -> Option<LookupFailure> {
    let numbered = code.map(LookupFailure::OtherCode);
    let plain = FAILURES.iter().copied().filter(|_| code.is_none());
    plain.chain(numbered).find(|one| failure_word(*one) == word)
}

const fn end(end: ClimbEnd) -> &'static str {
    match end {
        ClimbEnd::Relevant => "relevant",
        ClimbEnd::NoSet => "no-set",
        ClimbEnd::Failed(_) => "failed",
        ClimbEnd::NoSuchTld => "no-such-tld",
    }
}

pub(crate) const fn other_code(failure: LookupFailure) -> Option<u16> {
    if let LookupFailure::OtherCode(code) = failure { Some(code) } else { None }
}

/// Every failure but a numbered one.
const FAILURES: [LookupFailure; 19] = [
    LookupFailure::NoServer,
    LookupFailure::Unreachable,
    LookupFailure::Timeout,
    LookupFailure::ServFail,
    LookupFailure::Bogus,
    LookupFailure::Refused,
    LookupFailure::NotImp,
    LookupFailure::FormErr,
    LookupFailure::Malformed,
    LookupFailure::BadRecord,
    LookupFailure::Truncated,
    LookupFailure::NotAuthoritative,
    LookupFailure::Referral,
    LookupFailure::AliasLoop,
    LookupFailure::TooManyAliases,
    LookupFailure::AliasTooLong,
    LookupFailure::TooManyRecords,
    LookupFailure::TooManyQuestions,
    LookupFailure::Disagreement,
];

pub(crate) const fn failure_word(failure: LookupFailure) -> &'static str {
    match failure {
        LookupFailure::NoServer => "no-server",
        LookupFailure::Unreachable => "unreachable",
        LookupFailure::Timeout => "timeout",
        LookupFailure::ServFail => "servfail",
        LookupFailure::Bogus => "bogus",
        LookupFailure::Refused => "refused",
        LookupFailure::NotImp => "notimp",
        LookupFailure::FormErr => "formerr",
        LookupFailure::OtherCode(_) => "other-code",
        LookupFailure::Malformed => "malformed",
        LookupFailure::BadRecord => "bad-record",
        LookupFailure::Truncated => "truncated",
        LookupFailure::NotAuthoritative => "not-authoritative",
        LookupFailure::Referral => "referral",
        LookupFailure::AliasLoop => "alias-loop",
        LookupFailure::TooManyAliases => "too-many-aliases",
        LookupFailure::AliasTooLong => "alias-too-long",
        LookupFailure::TooManyRecords => "too-many-records",
        LookupFailure::TooManyQuestions => "too-many-questions",
        LookupFailure::Disagreement => "disagreement",
    }
}
