//! Canaries: when one is due, and what its answer says about the CA (CAA-2, CAA-6; promise P9).

use super::points::Stands;
use crate::caa::CaaOutcome;
use crate::estate::{CanaryPlan, CanarySense};
use crate::time::{HOUR_MS, MINUTE_MS, Time};

/// A canary that told nothing is sent again after so long at the earliest, in milliseconds.
const AGAIN_MS: i64 = 10 * MINUTE_MS;

/// What became of a canary at the CA.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CanaryCame {
    /// It issued.
    Issued,
    /// It refused, with an error of this type (RFC 8555, section 6.7), empty where there was none.
    Refused {
        /// The type, such as `caa`.
        kind: String,
        /// What it says.
        says: String,
    },
    /// Nobody can tell.
    NotKnown(String),
}

impl CanarySense {
    /// What CAA has to say of the name before the canary is sent: else it would show nothing, or have
    /// a CA issue what nobody forbids.
    #[must_use]
    pub const fn expects(self) -> CaaOutcome {
        match self {
            Self::Permitted => CaaOutcome::Allow,
            Self::Forbidden | Self::OtherAccount | Self::OtherMethod => CaaOutcome::Deny,
        }
    }

    /// Why CAA forbids it, for a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Permitted => "what CAA permits",
            Self::Forbidden => "what CAA lets other CAs issue only",
            Self::OtherAccount => "what CAA lets another account have only",
            Self::OtherMethod => "what CAA lets nobody have by dns-01",
        }
    }
}

/// Whether the CA did what it should. `after` is CAA as seen when the answer had come: where it changed
/// meanwhile, nobody is to blame.
#[must_use]
pub fn canary_verdict(
    sense: CanarySense,
    came: &CanaryCame,
    after: CaaOutcome,
) -> (Stands, String) {
    let what = sense.words();
    let same = after == sense.expects();
    match (sense.expects(), came) {
        (_, CanaryCame::NotKnown(why)) => (Stands::Unknown, format!("{what}: not known: {why}")),
        (_, _) if !same => {
            let says = format!("{what}: CAA of the name changed meanwhile; it is sent again");
            (Stands::Unknown, says)
        }
        (CaaOutcome::Allow, CanaryCame::Issued) => (Stands::Holds, format!("{what}: issued")),
        (_, CanaryCame::Issued) => (Stands::Fails, format!("{what}: issued, though forbidden")),
        (CaaOutcome::Allow, CanaryCame::Refused { kind, says }) if kind == "caa" => {
            (Stands::Fails, format!("{what}: refused for CAA, though permitted: {says}"))
        }
        (CaaOutcome::Deny, CanaryCame::Refused { kind, says }) if kind == "caa" => {
            (Stands::Holds, format!("{what}: refused for CAA: {says}"))
        }
        (_, CanaryCame::Refused { says, .. }) => {
            let says = format!("{what}: refused, and not for CAA, which shows nothing: {says}");
            (Stands::Unknown, says)
        }
    }
}

/// Whether a canary has to be sent now: once a cycle, and after every change of policy or record, but
/// never sooner than was agreed.
#[must_use]
pub fn canary_is_due(
    plan: &CanaryPlan,
    last: Option<(Time, Stands)>,
    changed: Option<Time>,
    now: Time,
) -> bool {
    let Some((at, stands)) = last else { return true };
    let age = now.ms_since(at);
    let pause = i64::from(plan.pause_minutes).saturating_mul(MINUTE_MS);
    let cycle = i64::from(plan.every_hours).saturating_mul(HOUR_MS);
    let changed = changed.is_some_and(|changed| at < changed);
    age >= pause
        && (age >= cycle || changed || (stands == Stands::Unknown && age >= pause.max(AGAIN_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::DnsName;

    fn refused(kind: &str) -> CanaryCame {
        CanaryCame::Refused { kind: kind.to_owned(), says: "no".to_owned() }
    }

    #[test]
    fn p9_only_a_refusal_for_caa_shows_that_a_ca_obeys() {
        use CaaOutcome::{Allow, Deny, Unknown};
        use CanarySense::{Forbidden, OtherAccount, OtherMethod, Permitted};
        for sense in [Forbidden, OtherAccount, OtherMethod] {
            let stands = |came: &CanaryCame, after| canary_verdict(sense, came, after).0;
            assert_eq!(stands(&CanaryCame::Issued, Deny), Stands::Fails);
            assert_eq!(stands(&CanaryCame::Issued, Allow), Stands::Unknown, "it changed meanwhile");
            assert_eq!(stands(&CanaryCame::Issued, Unknown), Stands::Unknown);
            assert_eq!(stands(&refused("caa"), Deny), Stands::Holds);
            assert_eq!(stands(&refused("caa"), Allow), Stands::Unknown);
            for other in ["", "rateLimited", "dns", "unauthorized"] {
                assert_eq!(stands(&refused(other), Deny), Stands::Unknown, "{other}");
            }
            let lost = CanaryCame::NotKnown("lost".to_owned());
            assert_eq!(stands(&lost, Deny), Stands::Unknown);
        }
        let stands = |came: &CanaryCame, after| canary_verdict(Permitted, came, after).0;
        assert_eq!(stands(&CanaryCame::Issued, Allow), Stands::Holds);
        assert_eq!(stands(&refused("caa"), Allow), Stands::Fails);
        assert_eq!(stands(&refused("caa"), Deny), Stands::Unknown);
        assert_eq!(stands(&refused("rateLimited"), Allow), Stands::Unknown);
    }

    #[test]
    fn caa_6_a_canary_is_due_once_a_cycle_and_after_every_change_but_never_too_soon() {
        let place = crate::estate::Upstream {
            directory: "https://ca.example/dir".to_owned(),
            contacts: Vec::new(),
            binding: None,
            trust_roots: None,
            ca_profiles: std::collections::BTreeMap::new(),
            problem_reports: None,
        };
        let plan = CanaryPlan {
            place,
            permitted: DnsName::parse("a.example").unwrap(),
            forbidden: DnsName::parse("b.example").unwrap(),
            forbidden_account: None,
            forbidden_method: None,
            every_hours: 24,
            pause_minutes: 60,
        };
        let at = |minutes: i64| Time::from_unix_ms(minutes * MINUTE_MS);
        let due = |stands, changed: Option<i64>, now| {
            canary_is_due(&plan, Some((at(0), stands)), changed.map(at), at(now))
        };
        assert!(canary_is_due(&plan, None, None, at(0)));
        assert!(!due(Stands::Holds, None, 24 * 60 - 1) && due(Stands::Holds, None, 24 * 60));
        assert!(!due(Stands::Holds, Some(10), 59) && due(Stands::Holds, Some(10), 60));
        assert!(!due(Stands::Holds, Some(-10), 60), "it was sent after that change");
        assert!(!due(Stands::Unknown, None, 59) && due(Stands::Unknown, None, 60));
    }
}
