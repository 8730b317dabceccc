//! What an audit finds at a name, how bad it is, and what to do about it.

use std::fmt;

use super::lookup::{AliasName, LookupFailure};
use super::record::CaaRecord;
use super::terms::IssuerDomain;
use super::value::Malformed;
use super::who::Wanted;
use crate::names::DnsName;

/// One thing that is wrong or worth knowing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuditFinding {
    /// Nothing up to the top-level domain restricts anybody.
    NoCaa,
    /// The set that counts has no `issue`, so every CA may issue (RFC 8659, section 3).
    RestrictsNothing {
        /// Where the set stands.
        owner: DnsName,
    },
    /// The set that counts restricts nothing and takes one above out of force that does.
    HiddenParent {
        /// Where the set above stands.
        parent: DnsName,
    },
    /// Whether a set above is hidden cannot be told.
    ParentUnread {
        /// The name whose look-up failed.
        at: DnsName,
        /// Why.
        failure: LookupFailure,
    },
    /// An issuer that nobody expects is allowed.
    UnexpectedIssuer {
        /// Which.
        issuer: IssuerDomain,
        /// For what.
        wanted: Wanted,
    },
    /// No server says anything: the name is dark.
    Unreachable {
        /// The name asked.
        at: DnsName,
        /// In which way.
        failure: LookupFailure,
    },
    /// A server answers with something that is no answer.
    LookupFailed {
        /// The name asked.
        at: DnsName,
        /// Why.
        failure: LookupFailure,
    },
    /// The top-level domain is said not to exist.
    NoSuchTld {
        /// Which.
        tld: DnsName,
    },
    /// A record whose tag is none, so that nobody knows what the set means.
    IllegalTag {
        /// Which.
        record: CaaRecord,
    },
    /// A critical property that is not registered: it stops every CA that does not know it.
    CriticalUnknown {
        /// Which.
        record: CaaRecord,
    },
    /// A value that breaks the grammar and so names nobody.
    Malformed {
        /// Which record.
        record: CaaRecord,
        /// What is wrong with it.
        why: Malformed,
    },
    /// A property that names an issuer under conditions that nothing can meet.
    Unsatisfiable {
        /// Which.
        record: CaaRecord,
    },
    /// A parameter that RFC 8657 does not define; CAs pass over it.
    UnknownParameter {
        /// Of which record.
        record: CaaRecord,
        /// Which.
        parameter: String,
    },
    /// A property that is not registered and not critical: CAs pass over it.
    UnknownProperty {
        /// Which.
        record: CaaRecord,
    },
    /// Flags that look as if meant to be critical, and are not (RFC 8659, section 4.1: it is 128).
    ReservedFlags {
        /// Of which record.
        record: CaaRecord,
    },
    /// The set stands at an alias's target: who edits that name decides.
    AliasDecides {
        /// The target.
        to: AliasName,
    },
    /// Nobody checked the answers with DNSSEC.
    NotValidated,
    /// `accounturi` or `validationmethods` is used. CAs must obey them from 2027-03-15 (SC-098v2).
    Bound {
        /// In which record.
        record: CaaRecord,
    },
}

/// How bad a finding is; the worst first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Severity {
    /// It can be misused today, or nobody can tell.
    High,
    /// It does not say what was meant.
    Medium,
    /// Worth knowing.
    Low,
}

/// A finding without its particulars.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum FindingKind {
    /// [`AuditFinding::HiddenParent`].
    HiddenParent,
    /// [`AuditFinding::NoCaa`].
    NoCaa,
    /// [`AuditFinding::RestrictsNothing`].
    RestrictsNothing,
    /// [`AuditFinding::UnexpectedIssuer`].
    UnexpectedIssuer,
    /// [`AuditFinding::Unreachable`].
    Unreachable,
    /// [`AuditFinding::LookupFailed`].
    LookupFailed,
    /// [`AuditFinding::NoSuchTld`].
    NoSuchTld,
    /// [`AuditFinding::IllegalTag`].
    IllegalTag,
    /// [`AuditFinding::ParentUnread`].
    ParentUnread,
    /// [`AuditFinding::CriticalUnknown`].
    CriticalUnknown,
    /// [`AuditFinding::Malformed`].
    Malformed,
    /// [`AuditFinding::Unsatisfiable`].
    Unsatisfiable,
    /// [`AuditFinding::UnknownParameter`].
    UnknownParameter,
    /// [`AuditFinding::UnknownProperty`].
    UnknownProperty,
    /// [`AuditFinding::ReservedFlags`].
    ReservedFlags,
    /// [`AuditFinding::AliasDecides`].
    AliasDecides,
    /// [`AuditFinding::NotValidated`].
    NotValidated,
    /// [`AuditFinding::Bound`].
    Bound,
}

impl FindingKind {
    /// All of them, the worst first.
    pub const ALL: [Self; 18] = [
        Self::HiddenParent,
        Self::NoCaa,
        Self::RestrictsNothing,
        Self::UnexpectedIssuer,
        Self::Unreachable,
        Self::LookupFailed,
        Self::NoSuchTld,
        Self::IllegalTag,
        Self::ParentUnread,
        Self::CriticalUnknown,
        Self::Malformed,
        Self::Unsatisfiable,
        Self::UnknownParameter,
        Self::UnknownProperty,
        Self::ReservedFlags,
        Self::AliasDecides,
        Self::NotValidated,
        Self::Bound,
    ];

    /// The word that reports use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HiddenParent => "hidden-parent",
            Self::NoCaa => "no-caa",
            Self::RestrictsNothing => "restricts-nothing",
            Self::UnexpectedIssuer => "unexpected-issuer",
            Self::Unreachable => "unreachable",
            Self::LookupFailed => "lookup-failed",
            Self::NoSuchTld => "no-such-tld",
            Self::IllegalTag => "illegal-tag",
            Self::ParentUnread => "parent-unread",
            Self::CriticalUnknown => "critical-unknown",
            Self::Malformed => "malformed",
            Self::Unsatisfiable => "unsatisfiable",
            Self::UnknownParameter => "unknown-parameter",
            Self::UnknownProperty => "unknown-property",
            Self::ReservedFlags => "reserved-flags",
            Self::AliasDecides => "alias-decides",
            Self::NotValidated => "not-validated",
            Self::Bound => "bound",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::HiddenParent
            | Self::NoCaa
            | Self::RestrictsNothing
            | Self::UnexpectedIssuer
            | Self::Unreachable
            | Self::LookupFailed
            | Self::NoSuchTld
            | Self::IllegalTag
            | Self::ParentUnread => Severity::High,
            Self::CriticalUnknown
            | Self::Malformed
            | Self::Unsatisfiable
            | Self::UnknownParameter => Severity::Medium,
            Self::UnknownProperty
            | Self::ReservedFlags
            | Self::AliasDecides
            | Self::NotValidated
            | Self::Bound => Severity::Low,
        }
    }

    /// What it means, in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::HiddenParent => "a set without `issue` takes a stricter one above out of force",
            Self::NoCaa => "no CAA up to the top-level domain: every CA may issue",
            Self::RestrictsNothing => "the set has no `issue`: every CA may issue",
            Self::UnexpectedIssuer => "an issuer that is not on the list may issue",
            Self::Unreachable => "no server answered: whether CAA exists is not known",
            Self::LookupFailed => "the look-up failed: whether CAA exists is not known",
            Self::NoSuchTld => "the top-level domain is said not to exist: nothing is known",
            Self::IllegalTag => "a record has an illegal tag: nobody knows what the set means",
            Self::ParentUnread => "whether a set above is hidden is not known",
            Self::CriticalUnknown => "a critical property that CAs do not know: no CA may issue",
            Self::Malformed => "a value breaks the grammar and so names nobody",
            Self::Unsatisfiable => "an issuer is named under conditions that nothing can meet",
            Self::UnknownParameter => "a parameter that CAs pass over, so it restricts nothing",
            Self::UnknownProperty => "a property that CAs pass over",
            Self::ReservedFlags => "reserved flags that CAs pass over; critical is 128",
            Self::AliasDecides => "the set stands at an alias's target: who edits that decides",
            Self::NotValidated => "the answers were not validated with DNSSEC",
            Self::Bound => "bound to an account or a method; CAs must obey from 2027-03-15",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::HiddenParent => {
                "repeat the `issue` records of the set above here, or remove this set"
            }
            Self::NoCaa => "publish `issue` records at the zone's apex, or `0 issue \";\"`",
            Self::RestrictsNothing => "add `issue` records to the set, or `0 issue \";\"`",
            Self::UnexpectedIssuer => "remove the record, or give the issuer with --issuer",
            Self::Unreachable => {
                "check the zone's servers and its delegation, then --resume or audit again"
            }
            Self::LookupFailed => "look in the server's log; repair the zone, then audit again",
            Self::NoSuchTld => "check the spelling; a private top-level domain needs --private-tld",
            Self::IllegalTag => "correct or remove the record",
            Self::ParentUnread => "repair what fails there, then audit again",
            Self::CriticalUnknown => "remove the record or its flag 128",
            Self::Malformed => "correct the value, or write `;` to name nobody",
            Self::Unsatisfiable => {
                "correct `accounturi` or `validationmethods`, or remove the record"
            }
            Self::UnknownParameter => {
                "use `accounturi` or `validationmethods`, or remove the parameter"
            }
            Self::UnknownProperty => "remove the record if nobody needs it",
            Self::ReservedFlags => "set the flags to 0, or to 128 if it is meant to be critical",
            Self::AliasDecides => "make sure that the target's owner is meant to decide",
            Self::NotValidated => "give a validating resolver with --resolver",
            Self::Bound => "check that the account and the methods are still the ones in use",
        }
    }
}

impl AuditFinding {
    /// Without its particulars.
    #[must_use]
    pub const fn kind(&self) -> FindingKind {
        match self {
            Self::NoCaa => FindingKind::NoCaa,
            Self::RestrictsNothing { .. } => FindingKind::RestrictsNothing,
            Self::HiddenParent { .. } => FindingKind::HiddenParent,
            Self::ParentUnread { .. } => FindingKind::ParentUnread,
            Self::UnexpectedIssuer { .. } => FindingKind::UnexpectedIssuer,
            Self::Unreachable { .. } => FindingKind::Unreachable,
            Self::LookupFailed { .. } => FindingKind::LookupFailed,
            Self::NoSuchTld { .. } => FindingKind::NoSuchTld,
            Self::IllegalTag { .. } => FindingKind::IllegalTag,
            Self::CriticalUnknown { .. } => FindingKind::CriticalUnknown,
            Self::Malformed { .. } => FindingKind::Malformed,
            Self::Unsatisfiable { .. } => FindingKind::Unsatisfiable,
            Self::UnknownParameter { .. } => FindingKind::UnknownParameter,
            Self::UnknownProperty { .. } => FindingKind::UnknownProperty,
            Self::ReservedFlags { .. } => FindingKind::ReservedFlags,
            Self::AliasDecides { .. } => FindingKind::AliasDecides,
            Self::NotValidated => FindingKind::NotValidated,
            Self::Bound { .. } => FindingKind::Bound,
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.kind().severity()
    }
}

impl fmt::Display for AuditFinding {
    /// The particulars; empty where the kind says it all. Safe to print: records are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCaa | Self::NotValidated => Ok(()),
            Self::RestrictsNothing { owner } => write!(f, "at {owner}"),
            Self::HiddenParent { parent } => write!(f, "hides the set at {parent}"),
            Self::ParentUnread { at, failure }
            | Self::Unreachable { at, failure }
            | Self::LookupFailed { at, failure } => write!(f, "{at}: {failure}"),
            Self::UnexpectedIssuer { issuer, wanted } => write!(f, "{issuer} ({wanted})"),
            Self::NoSuchTld { tld } => write!(f, "{tld}"),
            Self::IllegalTag { record }
            | Self::CriticalUnknown { record }
            | Self::Unsatisfiable { record }
            | Self::UnknownProperty { record }
            | Self::ReservedFlags { record }
            | Self::Bound { record } => write!(f, "{record}"),
            Self::Malformed { record, why } => write!(f, "{record}: {why}"),
            Self::UnknownParameter { record, parameter } => write!(f, "{parameter} in {record}"),
            Self::AliasDecides { to } => write!(f, "{to}"),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        })
    }
}
