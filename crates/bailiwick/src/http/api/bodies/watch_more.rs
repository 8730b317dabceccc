//! What a zone's control is worth beyond its three points: without CAA, and from elsewhere.

use bailiwick_core::caa::{CaaOutcome, Corroboration, FailSafe, NotCorroborated};
use bailiwick_core::watch::Quorum;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One control that could stand without CAA.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct StandingControl {
    /// Which.
    pub control: String,
    /// `stands`, `falls`, `unknown` or `does not apply`.
    pub stand: String,
    /// Why.
    pub because: String,
}

/// Whether issuance would fail safely if CAA were ignored.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FailSafeBody {
    /// `A`, the best, to `E`.
    pub grade: String,
    /// Why.
    pub because: String,
    /// Each control.
    pub controls: Vec<StandingControl>,
    /// The grade if all that is not known were known to stand.
    pub at_best: String,
    /// What would help, the most first.
    pub would_help: Vec<String>,
}

impl FailSafeBody {
    pub(crate) fn of(one: &FailSafe) -> Self {
        let control = |one: &bailiwick_core::caa::Standing| StandingControl {
            control: one.control.as_str().to_owned(),
            stand: one.stand.as_str().to_owned(),
            because: one.because.clone(),
        };
        Self {
            grade: one.grade.to_string(),
            because: one.because.clone(),
            controls: one.controls.iter().map(control).collect(),
            at_best: one.at_best.to_string(),
            would_help: one.would_help.clone(),
        }
    }
}

const fn word(outcome: CaaOutcome) -> &'static str {
    match outcome {
        CaaOutcome::Allow => "allow",
        CaaOutcome::Deny => "deny",
        CaaOutcome::Unknown => "unknown",
    }
}

/// One vantage as a remote perspective.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct RemoteBody {
    /// The vantage.
    pub vantage: String,
    /// Its region.
    pub region: String,
    /// `allow`, `deny` or `unknown`.
    pub outcome: String,
}

/// What the vantages say together of one issuer.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct QuorumBody {
    /// Which issuer.
    pub issuer: String,
    /// Each vantage with a region.
    pub remotes: Vec<RemoteBody>,
    /// How many a public CA has to ask today (BR 3.2.2.9).
    pub remotes_needed: usize,
    /// In how many regions those that agree have to stand.
    pub regions_needed: usize,
    /// In words, what came out.
    pub says: String,
}

impl QuorumBody {
    pub(crate) fn of(one: &Quorum) -> Self {
        let remote = |(vantage, it): &(String, bailiwick_core::caa::Perspective)| RemoteBody {
            vantage: vantage.clone(),
            region: it.rir.to_string(),
            outcome: word(it.outcome).to_owned(),
        };
        let short = |short: &NotCorroborated| match short {
            NotCorroborated::TooFewRemotes { asked, wanted } => format!(
                "{asked} vantages look from a region of their own, and a public CA asks {wanted} or more"
            ),
            NotCorroborated::TooManyDissent { dissent, tolerated } => {
                format!("{dissent} dissent and {tolerated} may: a CA refuses")
            }
            NotCorroborated::TooFewRirs { regions, wanted } => {
                format!("those that agree stand in {regions} regions, and {wanted} are asked for")
            }
        };
        let says = match &one.result {
            Corroboration::Stands { agreeing, of, short: None } => {
                format!("{agreeing} of {of} agree that it may issue")
            }
            Corroboration::Stands { agreeing, of, short: Some(why) } => {
                format!("{agreeing} of {of} agree that it may issue; {}", short(why))
            }
            Corroboration::NotCorroborated(why) => short(why),
            Corroboration::PrimaryForbids(outcome) => {
                format!("nothing to agree on: the zone's own server says {}", word(*outcome))
            }
        };
        Self {
            issuer: one.issuer.to_string(),
            remotes: one.remotes.iter().map(remote).collect(),
            remotes_needed: one.rule.remotes_min,
            regions_needed: one.rule.rirs_min,
            says,
        }
    }
}
