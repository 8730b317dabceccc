//! Findings: a difference, who answers for it, until when, and what ends it.

use super::observation::Vantage;
use crate::estate::{ZoneKey, spelled};
use crate::names::{FindingId, PersonId, TeamId};
use crate::time::Time;

spelled! {
    /// What kind of difference it is. The words are also the rules that an exception sets aside.
    FindingKind {
        /// A certificate-bearing zone has no CAA at all (CAA-3).
        Missing = "caa-missing",
        /// The set is not the intended one.
        Drift = "caa-drift",
        /// The set was changed while we watched, and no change of ours wrote it (CAA-5).
        ShadowEdit = "caa-shadow-edit",
        /// A set below the apex that restricts nothing hides one above that does (RFC 8659, section 3).
        HiddenParent = "caa-hidden-parent",
        /// The set lets more issue than anybody needs.
        TooPermissive = "caa-too-permissive",
        /// A record that nobody needs any more: issuer unused, account gone.
        Stale = "caa-stale",
        /// A server of the zone says something else than the others, with the same serial or a later one.
        ServersDisagree = "caa-servers-disagree",
        /// A server of the zone stays behind: it stopped transferring.
        ServerBehind = "caa-server-behind",
        /// A server or resolver gives no answer to rely on.
        Unreachable = "caa-unreachable",
        /// DNSSEC validation fails: to public CAs the zone is closed (BR 3.2.2.8.1).
        Bogus = "caa-bogus",
        /// A resolver says what no server of the zone says.
        ResolverLies = "caa-resolver-lies",
        /// Public CAs that look from where our vantages stand would not agree that they may issue
        /// (BR 3.2.2.9).
        NotCorroborated = "caa-not-corroborated",
        /// The policy was not tested since it last changed (CAA-6).
        NotValidated = "caa-not-validated",
        /// A CA issued what CAA forbids, or refused what it permits.
        EnforcementFailed = "caa-enforcement-failed",
        /// Somebody outside reported an issuance (RFC 8659, section 4.4), and the incident is not concluded.
        Reported = "caa-reported",
    }
}

impl FindingKind {
    /// What it is, for a headline.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Missing => "no CAA",
            Self::Drift => "CAA is not what was decided",
            Self::ShadowEdit => "CAA was edited without a change",
            Self::HiddenParent => "a set below hides the CAA above",
            Self::TooPermissive => "CAA permits more than anybody needs",
            Self::Stale => "CAA names what is no longer used",
            Self::ServersDisagree => "a server says something else than the others",
            Self::ServerBehind => "a server does not follow the others",
            Self::Unreachable => "CAA cannot be read there",
            Self::Bogus => "DNSSEC validation fails",
            Self::ResolverLies => "a resolver says what no server says",
            Self::NotCorroborated => "vantages do not agree that a CA may issue",
            Self::NotValidated => "not tested since the last change",
            Self::EnforcementFailed => "the CA does not do what CAA says",
            Self::Reported => "somebody reported an issuance",
        }
    }

    /// Whether it says that nothing could be seen.
    #[must_use]
    pub const fn is_about_reach(self) -> bool {
        matches!(self, Self::Unreachable | Self::Bogus)
    }

    /// Whether it is known from somebody's word: where nothing can be seen, it ends all the same.
    #[must_use]
    pub const fn is_from_a_report(self) -> bool {
        matches!(self, Self::Reported)
    }

    /// Whether it can be ended by deciding that what is there is right.
    #[must_use]
    pub const fn can_be_adopted(self) -> bool {
        matches!(self, Self::Drift | Self::ShadowEdit)
    }

    /// Whether it can be ended by putting the intended records back.
    #[must_use]
    pub const fn can_be_reverted(self) -> bool {
        matches!(
            self,
            Self::Missing
                | Self::Drift
                | Self::ShadowEdit
                | Self::HiddenParent
                | Self::ServersDisagree
        )
    }
}

/// A difference between decided and seen, before anybody answers for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cause {
    /// What kind.
    pub kind: FindingKind,
    /// The name or the issuer it is about.
    pub subject: String,
    /// Where it is seen, where it is seen in one place only.
    pub vantage: Option<Vantage>,
    /// The team that has to act.
    pub team: TeamId,
    /// What was seen and what was decided, one sentence.
    pub says: String,
    /// What to do, one sentence.
    pub remedy: String,
    /// Decided and not there: `- …`; there and not decided: `+ …`.
    pub diff: Vec<String>,
    /// The leaves of the ledger that show it.
    pub evidence: Vec<u64>,
}

/// A difference that somebody answers for.
///
/// Always: exactly one assignee, a moment by which it is due, and a remedy.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// What kind.
    pub kind: FindingKind,
    /// In which zone and view.
    pub zone: ZoneKey,
    /// The name or the issuer it is about.
    pub subject: String,
    /// Where it is seen, where it is seen in one place only.
    pub vantage: Option<Vantage>,
    /// The team that has to act.
    pub team: TeamId,
    /// The person who has to.
    pub assignee: PersonId,
    /// Who is next when that person does not.
    pub next: Option<PersonId>,
    /// By when.
    pub due: Time,
    /// What was seen and what was decided.
    pub says: String,
    /// What to do.
    pub remedy: String,
    /// Decided and not there: `- …`; there and not decided: `+ …`.
    pub diff: Vec<String>,
    /// The leaves of the ledger that show it.
    pub evidence: Vec<u64>,
}

impl Finding {
    /// Whether `cause` is what this finding is about, whatever it looks like by now.
    #[must_use]
    pub fn is_about(&self, cause: &Cause) -> bool {
        self.kind == cause.kind && self.subject == cause.subject && self.vantage == cause.vantage
    }
}

spelled! {
    /// What ended a finding.
    ClosedBy {
        /// Its cause ended.
        CauseEnded = "cause-ended",
        /// Something else is seen by now; another finding says what.
        SeenOtherwise = "seen-otherwise",
        /// An exception holds.
        Excepted = "exception-in-force",
        /// The zone is not in the estate any more.
        ZoneGone = "zone-gone",
        /// Somebody reviewed it.
        Reviewed = "reviewed",
    }
}

impl ClosedBy {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::CauseEnded => "its cause ended",
            Self::SeenOtherwise => "something else is seen by now",
            Self::Excepted => "an exception is in force",
            Self::ZoneGone => "the zone left the estate",
            Self::Reviewed => "it was reviewed",
        }
    }
}
