//! What the simulated CA remembers, and when its mischief strikes.

use std::collections::BTreeSet;

use bailiwick_core::names::SanName;
use bailiwick_core::time::Time;
use bailiwick_wire::jose::Jwk;
use serde_json::{Value, json};

use super::mischief::Mischief;
use super::seeded::Seeded;

/// Where an order stands (RFC 8555, section 7.1.6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stands {
    Pending,
    Ready,
    Signed,
    Ended,
}

/// How an order is shown after it was signed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Shows {
    /// As it is, after so many looks in `processing`.
    #[default]
    Truth,
    /// `ready` until then.
    ReadyUntil(Time),
    /// `processing` until then.
    ProcessingUntil(Time),
    /// Not at all until then.
    ForgottenUntil(Time),
    /// `valid` so many times, then `invalid`.
    InvalidAfter(u32),
    /// `valid` so many times, then `ready`.
    ReadyAfter(u32),
    /// Two certificates in turn, at one URL or at two.
    Two { urls: bool },
}

#[derive(Clone, Debug)]
pub(super) struct Authorization {
    pub(super) name: SanName,
    pub(super) token: String,
    pub(super) valid: bool,
    pub(super) failed: bool,
}

/// An order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// In which run it was placed.
    pub(super) run: u32,
    pub(super) names: Vec<SanName>,
    pub(super) profile: Option<String>,
    pub(super) replaces: Option<String>,
    pub(super) stands: Stands,
    pub(super) authorizations: Vec<Authorization>,
    pub(super) error: Option<Value>,
    pub(super) shows: Shows,
    /// Looks since it was signed.
    pub(super) looks: u32,
    /// Looks for which it is shown as `processing` first.
    pub(super) slow: u32,
    /// How often it was finalized.
    pub(super) finalized: u32,
    /// Certificates by their place among all that were issued.
    pub(super) certificates: Vec<usize>,
    pub(super) downloads: u32,
}

/// A certificate that was signed.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) run: u32,
    pub(super) der: Vec<u8>,
    pub(super) serial: u128,
    /// Whether everything in it is as it was asked for.
    pub(super) right: bool,
}

/// When a mischief strikes: not the first times it could, then so many times.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    pub(super) mischief: Mischief,
    pub(super) skip: u32,
    pub(super) times: u32,
}

pub(super) struct State {
    pub(super) plan: Plan,
    pub(super) chance: Seeded,
    pub(super) run: u32,
    pub(super) nonces: BTreeSet<String>,
    pub(super) counter: u128,
    pub(super) account: Option<Jwk>,
    pub(super) deactivated: bool,
    pub(super) orders: Vec<Order>,
    pub(super) issued: Vec<Issued>,
    pub(super) revoked: BTreeSet<Vec<u8>>,
    /// When every certificate is to be renewed.
    pub(super) window: Option<(Time, Time)>,
    /// Whether the mischief struck at least once in this run.
    pub(super) struck: bool,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            plan: Plan { mischief: Mischief::Nothing, skip: 0, times: 0 },
            chance: Seeded::new(1),
            run: 0,
            nonces: BTreeSet::new(),
            counter: 0,
            account: None,
            deactivated: false,
            orders: Vec::new(),
            issued: Vec::new(),
            revoked: BTreeSet::new(),
            window: None,
            struck: false,
        }
    }

    /// Whether this mischief strikes here and now; counts.
    pub(super) fn strikes(&mut self, here: Mischief) -> bool {
        if self.plan.mischief != here {
            return false;
        }
        if self.plan.skip > 0 {
            self.plan.skip -= 1;
            return false;
        }
        if self.plan.times == 0 {
            return false;
        }
        self.plan.times = self.plan.times.saturating_sub(1);
        self.struck = true;
        true
    }

    pub(super) fn number(&mut self) -> u128 {
        self.counter += 1;
        self.counter
    }
}

/// A problem document (RFC 7807).
pub(super) fn problem(kind: &str, detail: &str) -> Value {
    json!({ "type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail })
}
