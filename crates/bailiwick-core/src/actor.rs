//! Who did something. There is no default: nothing is put down to the system by accident.

use std::fmt;

use crate::estate::Estate;
use crate::names::{AccountId, PersonId, ServiceId};
use crate::time::Time;

/// A person who is signed in, with everybody who stands behind that sign-in.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct SignedIn {
    /// Who acts.
    pub person: PersonId,
    /// Who made the sign-in possible or handed the right on: the minter of a one-time link, the
    /// delegator of a token. Nobody in this chain is independent of the act.
    pub chain: Vec<PersonId>,
}

impl SignedIn {
    /// A sign-in that nobody vouched for.
    #[must_use]
    pub const fn alone(person: PersonId) -> Self {
        Self { person, chain: Vec::new() }
    }

    /// The same with those behind it whom the person stands in for at `now`.
    #[must_use]
    pub fn standing_in(mut self, estate: &Estate, now: Time) -> Self {
        for person in estate.stood_in_for(&self.person, now) {
            if !self.everybody().any(|one| *one == person) {
                self.chain.push(person);
            }
        }
        self
    }

    /// The person and everybody in the chain.
    pub fn everybody(&self) -> impl Iterator<Item = &PersonId> {
        std::iter::once(&self.person).chain(&self.chain)
    }

    /// Whether one human stands behind both sign-ins.
    #[must_use]
    pub fn shares_somebody_with(&self, other: &Self) -> bool {
        self.everybody().any(|one| other.everybody().any(|two| one == two))
    }
}

/// A part of Bailiwick that acts by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Component {
    /// The first start of an empty installation.
    FirstStart,
    /// The issuance gate, for a client it does not know yet.
    Gate,
    /// The loop that carries out approved changes.
    Driver,
    /// The lab of `up --lab`.
    Lab,
    /// The loop that compares what is seen with what was decided.
    Watch,
}

impl Component {
    /// Its name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstStart => "first-start",
            Self::Gate => "gate",
            Self::Driver => "driver",
            Self::Lab => "lab",
            Self::Watch => "watch",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::FirstStart, Self::Gate, Self::Driver, Self::Lab, Self::Watch]
            .into_iter()
            .find(|c| c.as_str() == word)
    }
}

/// Who caused an entry of the ledger.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Actor {
    /// A person.
    Person(SignedIn),
    /// An ACME account, for the service it is bound to.
    Account {
        /// The account.
        account: AccountId,
        /// Its service.
        service: ServiceId,
        /// Who made the credential it is bound by: stands behind everything it asks for.
        made_by: PersonId,
        /// Everybody who stood behind that sign-in.
        chain: Vec<PersonId>,
    },
    /// A part of Bailiwick.
    Component(Component),
}

impl Actor {
    /// The sign-in, where a person acted.
    #[must_use]
    pub const fn signed_in(&self) -> Option<&SignedIn> {
        match self {
            Self::Person(signed_in) => Some(signed_in),
            Self::Account { .. } | Self::Component(_) => None,
        }
    }
}

impl Actor {
    /// Whether somebody who stands behind this act stands behind that sign-in too. Then the two are
    /// not independent: neither may approve what the other requested.
    #[must_use]
    pub fn shares_somebody_with(&self, other: &SignedIn) -> bool {
        match self {
            Self::Person(signed_in) => signed_in.shares_somebody_with(other),
            Self::Account { made_by, chain, .. } => {
                other.everybody().any(|person| person == made_by || chain.contains(person))
            }
            Self::Component(_) => false,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(signed_in) => {
                write!(f, "{}", signed_in.person)?;
                signed_in.chain.iter().try_for_each(|person| write!(f, " (through {person})"))
            }
            Self::Account { service, made_by, .. } => {
                write!(f, "the ACME client of {service} (credential by {made_by})")
            }
            Self::Component(component) => write!(f, "bailiwick {}", component.as_str()),
        }
    }
}
