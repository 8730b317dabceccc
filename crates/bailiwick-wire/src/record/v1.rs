//! Version 1 of the stored form, as tables: one line per field, in the order in which it is spelled.
//!
//! The tables are the format. A change here that alters a stored octet breaks every ledger written
//! so far, and the golden octets under `tests/record` say so.

mod change;
mod event;
mod fact;
mod gate;
mod joint;
mod plan;
mod power;
mod stored;
mod watch;

use bailiwick_core::actor::{Actor, Component, SignedIn};
use bailiwick_core::names::{AccountId, PersonId, ServiceId};
use bailiwick_core::record::Entry;
use bailiwick_core::time::Time;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BadEntry, BadValue, NotStorable};
pub(crate) use stored::{Stored, mirror};

/// The version that stands in every entry.
pub(crate) const VERSION: u64 = 1;

/// What a document of this version begins with.
const BEGINS: &[u8] = b"{\"v\":1,";

/// An entry around its data: `Data` is typed when it is written, since the order of its fields
/// counts, and a tree when it is read, since its shape hangs on `kind`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer<Data> {
    v: u64,
    kind: String,
    at: <Time as Stored>::Form,
    by: <Actor as Stored>::Form,
    data: Data,
}

/// Spells an entry, of whatever size.
pub(super) fn encode(entry: &Entry) -> Result<Vec<u8>, NotStorable> {
    let Entry { at, by, fact } = entry;
    write(&Outer {
        v: VERSION,
        kind: fact.kind(),
        at: at.form()?,
        by: by.form()?,
        data: fact::form(fact)?,
    })
}

/// Reads an entry, in whatever spelling serde accepts.
pub(super) fn decode(octets: &[u8]) -> Result<Entry, BadEntry> {
    let outer: Outer<Value> = read(octets)?;
    Ok(Entry {
        at: Stored::read(outer.at)?,
        by: Stored::read(outer.by)?,
        fact: fact::read(&outer.kind, outer.data)?,
    })
}

/// Spells a form without white space.
pub(crate) fn write(form: &impl Serialize) -> Result<Vec<u8>, NotStorable> {
    serde_json::to_vec(form).map_err(NotStorable::Form)
}

/// Reads a form without a version around it.
pub(crate) fn read_text<T: DeserializeOwned>(text: &str) -> Result<T, BadEntry> {
    Ok(serde_json::from_str(text)?)
}

/// Reads a form of this version; anything with another number in `v` is told apart.
pub(crate) fn read<T: DeserializeOwned>(octets: &[u8]) -> Result<T, BadEntry> {
    // As every canonical spelling begins: nothing of another version needs to be told apart.
    if octets.starts_with(BEGINS) {
        return Ok(serde_json::from_slice(octets)?);
    }
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    match serde_json::from_slice::<Version>(octets) {
        Ok(Version { v: VERSION }) => Ok(serde_json::from_slice(octets)?),
        Ok(Version { v }) => Err(BadEntry::Version { v }),
        Err(cause) => Err(cause.into()),
    }
}

mirror! {
    SignedIn => SignedInForm { person: PersonId, chain: Vec<PersonId>, }
}

/// Who acted.
#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ActorForm {
    Person {
        person: String,
        chain: Vec<String>,
    },
    Account {
        account: String,
        service: String,
        made_by: String,
        // Came later: entries without one keep the octets they always had.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        chain: Vec<String>,
    },
    Component {
        name: String,
    },
}

impl Stored for Actor {
    type Form = ActorForm;

    fn form(&self) -> Result<ActorForm, NotStorable> {
        Ok(match self {
            Self::Person(SignedIn { person, chain }) => {
                ActorForm::Person { person: person.form()?, chain: chain.form()? }
            }
            Self::Account { account, service, made_by, chain } => ActorForm::Account {
                account: account.form()?,
                service: service.form()?,
                made_by: made_by.form()?,
                chain: chain.form()?,
            },
            Self::Component(component) => {
                ActorForm::Component { name: component.as_str().to_owned() }
            }
        })
    }

    fn read(form: ActorForm) -> Result<Self, BadValue> {
        Ok(match form {
            ActorForm::Person { person, chain } => Self::Person(SignedIn {
                person: PersonId::read(person)?,
                chain: Vec::<PersonId>::read(chain)?,
            }),
            ActorForm::Account { account, service, made_by, chain } => Self::Account {
                account: AccountId::read(account)?,
                service: ServiceId::read(service)?,
                made_by: PersonId::read(made_by)?,
                chain: Vec::<PersonId>::read(chain)?,
            },
            ActorForm::Component { name } => Self::Component(
                Component::parse(&name).ok_or(BadValue::Word { of: "component", word: name })?,
            ),
        })
    }
}
