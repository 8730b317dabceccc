//! Facts about a change: who asks, who approved, what it touches.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::estate::{Duties, ZoneKey};
use bailiwick_core::names::{AccountId, ChangeId, PersonId, ServiceId, TeamId};
use bailiwick_core::policy::{
    ApprovalFacts, ApproverKind, AuthorFacts, AuthorKind, ChangeFacts, ChangeKind, Fact, ZoneFacts,
};
use bailiwick_core::time::Time;
use serde::{Deserialize, Serialize};

use super::BadFacts;
use super::spell::{Spell, table};

table! {
    ChangeFacts => ChangeForm {
        now: Time,
        control_owner: TeamId,
        change: ChangeId,
        kind: ChangeKind,
        author: AuthorFacts,
        approvals: Vec<ApprovalFacts>,
        zones: Fact<Vec<ZoneFacts>>,
        services: Fact<BTreeMap<ServiceId, Duties>>,
        also_concerned: BTreeSet<TeamId>,
        services_only: Fact<bool>,
        trust_impacting: Fact<bool>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        caa_zones: BTreeSet<ZoneKey>,
        emergency: Fact<bool>,
    }
    AuthorFacts => AuthorForm {
        kind: AuthorKind,
        teams: Fact<BTreeSet<TeamId>>,
        chain: Fact<BTreeSet<PersonId>>,
    }
    ApprovalFacts => ApprovalForm {
        person: PersonId,
        kind: ApproverKind,
        works_here: Fact<bool>,
        teams: Fact<BTreeSet<TeamId>>,
        chain: Fact<BTreeSet<PersonId>>,
    }
}

/// What kind of author; `is` says which.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum AuthorKindForm {
    Person { person: String },
    Agent { person: String },
    Account { account: String, service: String },
    Component {},
}

impl Spell for AuthorKind {
    type Form = AuthorKindForm;

    fn form(&self) -> AuthorKindForm {
        match self {
            Self::Person(person) => AuthorKindForm::Person { person: person.form() },
            Self::Agent(person) => AuthorKindForm::Agent { person: person.form() },
            Self::Account(account, service) => {
                AuthorKindForm::Account { account: account.form(), service: service.form() }
            }
            Self::Component => AuthorKindForm::Component {},
        }
    }

    fn read(form: AuthorKindForm) -> Result<Self, BadFacts> {
        Ok(match form {
            AuthorKindForm::Person { person } => Self::Person(PersonId::read(person)?),
            AuthorKindForm::Agent { person } => Self::Agent(PersonId::read(person)?),
            AuthorKindForm::Account { account, service } => {
                Self::Account(AccountId::read(account)?, ServiceId::read(service)?)
            }
            AuthorKindForm::Component {} => Self::Component,
        })
    }
}
