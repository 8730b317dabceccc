//! Facts about access: who, what for, to what.

use std::collections::BTreeSet;

use bailiwick_core::names::{PersonId, ServiceId, TeamId, TokenId};
use bailiwick_core::policy::{
    Access, AccessFacts, Fact, ObjectFacts, PrincipalFacts, PrincipalKind, ResourceKind, TokenFacts,
};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::BadFacts;
use super::spell::{Spell, table};

table! {
    AccessFacts => AccessForm {
        now: Time,
        principal: PrincipalFacts,
        access: Access,
        object: ObjectFacts,
    }
    PrincipalFacts => PrincipalForm {
        kind: PrincipalKind,
        works_here: Fact<bool>,
        teams: Fact<BTreeSet<TeamId>>,
        administrator: Fact<bool>,
    }
    TokenFacts => TokenForm {
        id: TokenId,
        allows: BTreeSet<Access>,
        services: Option<BTreeSet<ServiceId>>,
        until: Time,
    }
    ObjectFacts => ObjectForm {
        kind: ResourceKind,
        id: String,
        service: Option<ServiceId>,
        person: Option<PersonId>,
        policy_owners: Fact<BTreeSet<TeamId>>,
        operators: Fact<BTreeSet<TeamId>>,
        integration_owners: Fact<BTreeSet<TeamId>>,
        control_owner: TeamId,
        auditors: Option<TeamId>,
    }
}

/// As what a principal comes; `is` says which.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum PrincipalKindForm {
    Person { person: String },
    Token { person: String, token: TokenForm },
    Agent { person: String, token: TokenForm },
}

impl Spell for PrincipalKind {
    type Form = PrincipalKindForm;

    fn form(&self) -> PrincipalKindForm {
        match self {
            Self::Person(person) => PrincipalKindForm::Person { person: person.form() },
            Self::Token(person, token) => {
                PrincipalKindForm::Token { person: person.form(), token: token.form() }
            }
            Self::Agent(person, token) => {
                PrincipalKindForm::Agent { person: person.form(), token: token.form() }
            }
        }
    }

    fn read(form: PrincipalKindForm) -> Result<Self, BadFacts> {
        Ok(match form {
            PrincipalKindForm::Person { person } => Self::Person(PersonId::read(person)?),
            PrincipalKindForm::Token { person, token } => {
                Self::Token(PersonId::read(person)?, TokenFacts::read(token)?)
            }
            PrincipalKindForm::Agent { person, token } => {
                Self::Agent(PersonId::read(person)?, TokenFacts::read(token)?)
            }
        })
    }
}
