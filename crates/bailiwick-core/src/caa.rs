//! Certification Authority Authorization: who may issue for a name, as its DNS says (RFC 8659,
//! with RFC 8657, RFC 9495 and the CA/Browser Forum's Baseline Requirements, "BR").
//!
//! Nothing here touches the network. [`climb`] asks for one look-up after the other and takes the
//! answers; what comes out is [`CaaEvidence`], which holds everything that was seen and can be
//! judged against any [`CaaTerms`], now or years later. Three outcomes exist: allow, deny, and
//! *unknown*, and only the first is permission. Whatever is doubtful is unknown (promise P8).
//!
//! ```
//! use bailiwick_core::caa::{CaaName, CaaOutcome, CaaTerms, ClimbStep, IssuerDomain};
//! use bailiwick_core::caa::{LookupAnswer, LookupFailure, PrivateTlds, climb};
//! use bailiwick_core::time::Time;
//!
//! let mut step = climb(CaaName::parse("*.shop.example")?, PrivateTlds::reserved());
//! let evidence = loop {
//!     match step {
//!         // A real caller asks its servers for CAA at `asking.name()`; this one has none.
//!         ClimbStep::Ask(asking) => step = asking.answer(Time::from_unix_seconds(0), Vec::new()),
//!         ClimbStep::Finished(evidence) => break evidence,
//!     }
//! };
//! let terms = CaaTerms::tls([IssuerDomain::parse("ca.example")?]);
//! assert_eq!(evidence.judge(&terms).outcome(), CaaOutcome::Unknown);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod name;

mod record;

mod value;

mod terms;

mod lookup;

mod climb;

mod judge;

mod freshness;

mod perspectives;

mod report;

mod words;

mod who;

mod audit;

mod audit_findings;

mod failsafe;

mod suggest;

pub use audit::{Audited, EffectiveSet, audit, may_hide};
pub use audit_findings::{AuditFinding, FindingKind, Severity};
pub use climb::{Asking, CaaEvidence, ClimbEnd, ClimbStep, PrivateTlds, Rung, climb};
pub use failsafe::{
    Control, Detection, FailSafe, FailSafeFacts, GateControl, Grade, IssuerLimit, Reach,
    Revocation, Stand, Standing,
};
pub use freshness::{Freshness, FreshnessRule};
pub use judge::{
    AccountMismatch, CaaOutcome, CaaVerdict, MethodMismatch, Mismatch, Permission, Prohibition,
    UnknownBecause, Unread,
};
pub use lookup::{
    ALIASES_MAX, Alias, AliasKind, AliasName, Empty, Found, LookupAnswer, LookupFailure, Proof,
    RECORDS_MAX, Source, SourceAnswer, SourceRole, settle,
};
pub use name::{CaaName, CaaSubject, Exempt};
pub use perspectives::{Corroboration, NotCorroborated, Perspective, QuorumRule, Rir, corroborate};
pub use record::{CaaRecord, IllegalTag, OtherTag, PropertyTag};
pub use report::CaaReport;
pub use suggest::{KnownAccounts, Loss, SuggestedEdit, SuggestedRecord, ZoneSuggestion, suggest};
pub use terms::{AccountUri, BadTerm, CaaTerms, CertificateKind, IssuerDomain, ValidationMethod};
pub use value::{IssueValue, Malformed, Parameter};
pub use who::{Allowed, MayIssue, Wanted};
