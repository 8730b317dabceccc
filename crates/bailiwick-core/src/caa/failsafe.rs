//! Would issuance for a name fail safely if CAA were ignored (CAA-4)?
//!
//! A grade over the controls that would still stand. What is not known counts as not standing, and
//! the grade says what it would be if it were known to stand.

mod controls;
mod of_estate;
mod words;

use crate::policy::Fact;
use words::Span;

/// Within 24 hours a certificate that must not be is revoked, where the CA is told (BR 4.9.1.1).
const DAY_SECONDS: u64 = 24 * 60 * 60;
/// The later of its two limits (BR 4.9.1.1).
const FIVE_DAYS_SECONDS: u64 = 5 * DAY_SECONDS;

/// Whose certificates those who connect to a name believe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// Those of every public CA.
    Public,
    /// Only those of our own CA.
    Private,
}

/// What our own gate does about an order that it must not grant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum GateControl {
    /// There is none, or it only watches.
    Watches,
    /// It refuses.
    Refuses,
}

/// What limits orders of our own issuers to our account, or to some ways of validation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum IssuerLimit {
    /// Nothing.
    None,
    /// CAA does (RFC 8657), so it falls with CAA.
    ByCaa,
    /// The issuer itself does, whatever CAA says.
    ByIssuer,
}

/// Whether a certificate that somebody else got would be seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Detection {
    /// Nobody looks.
    NotWatched,
    /// The logs of Certificate Transparency are watched.
    Within {
        /// From logging to our knowing, at most.
        seconds: u64,
    },
}

/// Whether such a certificate would be revoked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Revocation {
    /// Nobody is there to ask for it.
    NotPossible,
    /// From our knowing to its being revoked, at most.
    Within {
        /// How long.
        seconds: u64,
    },
}

/// What is known about one name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FailSafeFacts {
    /// Whose certificates are believed.
    pub reach: Fact<Reach>,
    /// What the gate does.
    pub gate: Fact<GateControl>,
    /// What binds orders to our account.
    pub account: Fact<IssuerLimit>,
    /// What limits the ways of validation.
    pub methods: Fact<IssuerLimit>,
    /// Whether misuse is seen.
    pub detection: Fact<Detection>,
    /// Whether it is ended.
    pub revocation: Fact<Revocation>,
}

/// A control that could stand when CAA does not.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Control {
    /// Our own gate before our own issuers.
    Gate,
    /// Orders are bound to our account.
    AccountBinding,
    /// Only some ways of validation count.
    MethodLimits,
    /// Certificate Transparency is watched.
    CtDetection,
    /// Certificates can be revoked in time.
    Revocation,
}

/// Whether a control stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stand {
    /// It holds without CAA.
    Stands,
    /// It does not.
    Falls,
    /// It is not known, and so not counted on.
    Unknown,
    /// It means nothing for this name.
    NotApplicable,
}

/// One control, and why it stands or not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    /// Which.
    pub control: Control,
    /// Whether it stands.
    pub stand: Stand,
    /// Why, in a sentence.
    pub because: String,
}

/// How safely issuance fails; the best first.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Grade {
    /// Prevented where we can, and seen and ended within a day everywhere else.
    A,
    /// Seen and ended within a day.
    B,
    /// Seen and ended within five days.
    C,
    /// Something stands, but misuse would last longer or might not be seen.
    D,
    /// Nothing is known to stand.
    E,
}

/// The answer for one name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailSafe {
    /// The grade.
    pub grade: Grade,
    /// Why, in a sentence.
    pub because: String,
    /// Each control.
    pub controls: Vec<Standing>,
    /// How long a certificate that somebody else got would be good, where that is known.
    pub exposure_seconds: Option<u64>,
    /// The grade if all that is not known were known to stand.
    pub at_best: Grade,
    /// What would help, the most first.
    pub would_help: Vec<String>,
}

impl FailSafeFacts {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        reach: Fact::Unknown,
        gate: Fact::Unknown,
        account: Fact::Unknown,
        methods: Fact::Unknown,
        detection: Fact::Unknown,
        revocation: Fact::Unknown,
    };

    /// Judges them.
    #[must_use]
    pub fn judge(&self) -> FailSafe {
        let controls = self.controls();
        let (grade, because) = self.grade(&controls);
        let at_best = self.at_best();
        FailSafe {
            grade,
            because,
            would_help: self.would_help(grade),
            controls,
            exposure_seconds: self.exposure(),
            at_best,
        }
    }

    /// From logging to revocation, where both are known.
    fn exposure(&self) -> Option<u64> {
        match (self.detection, self.revocation) {
            (
                Fact::Known(Detection::Within { seconds: seen }),
                Fact::Known(Revocation::Within { seconds: ended }),
            ) => Some(seen.saturating_add(ended)),
            _ => None,
        }
    }

    fn is_private(&self) -> bool {
        self.reach == Fact::Known(Reach::Private)
    }

    fn grade(&self, controls: &[Standing]) -> (Grade, String) {
        let refuses = self.gate == Fact::Known(GateControl::Refuses);
        if self.is_private() {
            return self.grade_private(refuses);
        }
        let bound = [self.account, self.methods].contains(&Fact::Known(IssuerLimit::ByIssuer));
        match self.exposure() {
            Some(seconds) if seconds <= DAY_SECONDS && refuses && bound => (
                Grade::A,
                format!(
                    "our own issuers refuse without CAA, and a certificate of another is revoked within {}",
                    Span(seconds)
                ),
            ),
            Some(seconds) if seconds <= DAY_SECONDS => (
                Grade::B,
                format!(
                    "nothing keeps another CA from issuing, but its certificate is revoked within {}",
                    Span(seconds)
                ),
            ),
            Some(seconds) if seconds <= FIVE_DAYS_SECONDS => (
                Grade::C,
                format!(
                    "a certificate of another CA is good for {}, longer than a day",
                    Span(seconds)
                ),
            ),
            Some(seconds) => (
                Grade::D,
                format!(
                    "a certificate of another CA is good for {}, longer than five days",
                    Span(seconds)
                ),
            ),
            None if controls.iter().any(|one| one.stand == Stand::Stands) => (
                Grade::D,
                "a certificate of another CA might not be seen, or not be revoked in a known time"
                    .to_owned(),
            ),
            None => (Grade::E, "no other control is known to stand".to_owned()),
        }
    }

    /// Only our own CA is believed, so the gate stands before every certificate.
    fn grade_private(&self, refuses: bool) -> (Grade, String) {
        let revocation = match self.revocation {
            Fact::Known(Revocation::Within { seconds }) => Some(seconds),
            Fact::Known(Revocation::NotPossible) | Fact::Unknown => None,
        };
        match (refuses, revocation) {
            (true, Some(seconds)) if seconds <= DAY_SECONDS => (
                Grade::A,
                format!("the gate stands before every certificate, and one is revoked within {}", Span(seconds)),
            ),
            (true, _) => (
                Grade::B,
                "the gate stands before every certificate; a revocation takes longer than a day or is not known".to_owned(),
            ),
            (false, Some(seconds)) => (
                Grade::D,
                format!("nothing refuses; a certificate is revoked within {} of our knowing", Span(seconds)),
            ),
            (false, None) => (Grade::E, "no other control is known to stand".to_owned()),
        }
    }

    /// With everything unknown known to be good. What is known stays.
    fn at_best(&self) -> Grade {
        let best = Self {
            reach: self.reach,
            gate: or(self.gate, GateControl::Refuses),
            account: or(self.account, IssuerLimit::ByIssuer),
            methods: or(self.methods, IssuerLimit::ByIssuer),
            detection: or(self.detection, Detection::Within { seconds: 0 }),
            revocation: or(self.revocation, Revocation::Within { seconds: 0 }),
        };
        best.grade(&best.controls()).0
    }

    /// What makes the grade better, by itself; the best first.
    fn would_help(&self, now: Grade) -> Vec<String> {
        let day = Detection::Within { seconds: DAY_SECONDS / 4 };
        let revoked = Revocation::Within { seconds: DAY_SECONDS / 2 };
        let (watch, revoke) = (Fact::Known(day), Fact::Known(revoked));
        let steps = [
            (
                Self { detection: watch, ..*self },
                "watch the CT logs for this name, within six hours",
            ),
            (
                Self { revocation: revoke, ..*self },
                "rehearse a revocation, so that it is known to take at most twelve hours",
            ),
            (
                Self { detection: watch, revocation: revoke, ..*self },
                "watch the CT logs within six hours, and rehearse a revocation within twelve",
            ),
            (
                Self { gate: Fact::Known(GateControl::Refuses), ..*self },
                "put the zone into the mode `enforce`, so that the gate refuses",
            ),
            (
                Self { account: Fact::Known(IssuerLimit::ByIssuer), ..*self },
                "have the CA itself lock the name to your account",
            ),
        ];
        let better = |(facts, what): (Self, &str)| {
            let grade = facts.grade(&facts.controls()).0;
            (grade < now).then(|| (grade, format!("{what}: grade {grade}")))
        };
        let mut helpful: Vec<(Grade, String)> = steps.into_iter().filter_map(better).collect();
        helpful.sort_by_key(|(grade, _)| *grade);
        helpful.into_iter().map(|(_, what)| what).collect()
    }
}

const fn or<T: Copy>(fact: Fact<T>, best: T) -> Fact<T> {
    match fact {
        Fact::Known(value) => Fact::Known(value),
        Fact::Unknown => Fact::Known(best),
    }
}
