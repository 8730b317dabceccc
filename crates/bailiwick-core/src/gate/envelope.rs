//! Envelopes: an approved change that pre-approves a pattern of orders until a day.

use std::fmt;

use crate::names::{AccountId, ChangeId, EnvelopeId, IssuerId, ProfileId, SanName, ServiceId};
use crate::time::Time;

/// A standing approval for orders of one service.
///
/// Always: granted by exactly one approved change, has an end, and is void once the service's owners
/// are others than when it was granted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    /// Its id: that of the change that granted it, with a number where that granted several.
    pub id: EnvelopeId,
    /// The change that granted it.
    pub change: ChangeId,
    /// Whose orders it covers.
    pub service: ServiceId,
    /// Names it covers; `*.x` covers the wildcard name only, never names below `x`.
    pub names: Vec<SanName>,
    /// From which issuer.
    pub issuer: IssuerId,
    /// Under which profiles.
    pub profiles: Vec<ProfileId>,
    /// Only for this account, where one is named.
    pub account: Option<AccountId>,
    /// From when.
    pub granted_at: Time,
    /// Until when.
    pub until: Time,
    /// How many certificates at most, where it is limited.
    pub uses_max: Option<u32>,
    /// How many were issued under it.
    pub uses: u32,
    /// Set when it was ended before its time.
    pub ended: Option<EnvelopeEnd>,
}

/// How an envelope ended before its time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvelopeEnd {
    /// When.
    pub at: Time,
    /// Why, in words.
    pub why: String,
}

/// What an order asks of an envelope.
#[derive(Clone, Copy, Debug)]
pub struct Coverage<'a> {
    /// The ordering service.
    pub service: &'a ServiceId,
    /// The ordering account.
    pub account: &'a AccountId,
    /// The ordered names.
    pub names: &'a [SanName],
    /// The issuer chosen.
    pub issuer: &'a IssuerId,
    /// The profile asked for.
    pub profile: &'a ProfileId,
    /// When the service's owners last changed, if they ever did.
    pub owners_since: Option<Time>,
}

/// Why an envelope does not cover an order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotCovered {
    /// It belongs to another service.
    OtherService,
    /// It is for one account, and another asks.
    OtherAccount,
    /// It is for another issuer.
    OtherIssuer,
    /// It does not hold this profile.
    OtherProfile,
    /// It does not hold this name.
    Name(SanName),
    /// Its end has come.
    Over {
        /// When it ended.
        since: Time,
    },
    /// Every certificate it allowed was issued.
    UsedUp {
        /// How many that were.
        uses: u32,
    },
    /// The service has other owners since it was granted.
    OwnersChanged {
        /// When they changed.
        at: Time,
    },
}

impl fmt::Display for NotCovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherService => f.write_str("it belongs to another service"),
            Self::OtherAccount => f.write_str("it is for another ACME account"),
            Self::OtherIssuer => f.write_str("it is for another issuer"),
            Self::OtherProfile => f.write_str("it does not hold this profile"),
            Self::Name(name) => write!(f, "it does not hold the name `{name}`"),
            Self::Over { since } => write!(f, "it ended at {since}"),
            Self::UsedUp { uses } => write!(f, "all {uses} certificates it allowed were issued"),
            Self::OwnersChanged { at } => {
                write!(f, "the service has other owners since {at}, after it was granted")
            }
        }
    }
}

impl Envelope {
    /// Whether the envelope covers all of an order at `now`.
    ///
    /// # Errors
    /// The first [`NotCovered`] that holds.
    pub fn covers(&self, order: &Coverage<'_>, now: Time) -> Result<(), NotCovered> {
        if self.service != *order.service {
            return Err(NotCovered::OtherService);
        }
        if self.account.as_ref().is_some_and(|account| account != order.account) {
            return Err(NotCovered::OtherAccount);
        }
        if self.issuer != *order.issuer {
            return Err(NotCovered::OtherIssuer);
        }
        if !self.profiles.contains(order.profile) {
            return Err(NotCovered::OtherProfile);
        }
        if let Some(name) = order.names.iter().find(|name| !self.names.contains(name)) {
            return Err(NotCovered::Name(name.clone()));
        }
        if let Some(end) = &self.ended {
            return Err(NotCovered::Over { since: end.at });
        }
        if now >= self.until {
            return Err(NotCovered::Over { since: self.until });
        }
        if self.uses_max.is_some_and(|max| self.uses >= max) {
            return Err(NotCovered::UsedUp { uses: self.uses });
        }
        match order.owners_since {
            Some(at) if at > self.granted_at => Err(NotCovered::OwnersChanged { at }),
            Some(_) | None => Ok(()),
        }
    }
}
