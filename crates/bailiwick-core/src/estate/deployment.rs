//! Where a service's certificates go, who relies on them, and when nothing may be changed.

use std::collections::BTreeSet;

use crate::names::{IssuerId, TeamId};
use crate::time::Time;

use super::zone::ZoneKey;

/// A place that a certificate and its key are put into. The estate lists every one: a folder, a
/// command or a URL that is not listed is never touched.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Deployment {
    /// The service's ACME client fetches it by itself.
    Client,
    /// Two files on this host (`fullchain.pem`, `privkey.pem`), then a command that makes the server
    /// read them.
    Files {
        /// The folder, an absolute path.
        folder: String,
        /// Program and arguments; no shell reads them. Empty: nothing has to be told.
        reload: Vec<String>,
    },
    /// Somebody else's machine takes both over HTTPS.
    Webhook {
        /// Where.
        url: String,
    },
}

impl Deployment {
    /// Its kind, as the estate spells it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Files { .. } => "files",
            Self::Webhook { .. } => "webhook",
        }
    }
}

/// Somebody who relies on a service's certificates, with the CAs whose roots they trust.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelyingParty {
    /// The issuers that they can check a chain to.
    pub trusts: BTreeSet<IssuerId>,
}

/// A time in which nothing is changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Freeze {
    /// From when.
    pub from: Time,
    /// Until when.
    pub until: Time,
    /// In which zones; everywhere where none is named.
    pub zones: BTreeSet<ZoneKey>,
    /// The team that may break it.
    pub may_break: TeamId,
    /// Why, for whoever is stopped by it.
    pub reason: String,
}

impl Freeze {
    /// Whether it holds at `now` in one of `zones`.
    #[must_use]
    pub fn holds(&self, now: Time, zones: &BTreeSet<ZoneKey>) -> bool {
        let here = self.zones.is_empty() || self.zones.iter().any(|zone| zones.contains(zone));
        here && self.from <= now && now < self.until
    }
}
