//! How each kind of value is spelled inside facts: words, ids, moments, sets, and not knowing.

use std::collections::{BTreeMap, BTreeSet};

use bailiwick_core::certificate::KeyKind;
use bailiwick_core::estate::{
    AttestationKind, Environment, GatedKind, Mode, Namespace, Pattern, RuleId, ZoneClass,
};
use bailiwick_core::names::{
    AccountId, AttestorId, ChangeId, EnvelopeId, ExceptionId, IssuerId, PersonId, ProfileId,
    SanName, ServiceId, TeamId, TokenId,
};
use bailiwick_core::policy::{
    Access, ApproverKind, CaaFact, ChangeKind, Fact, ResourceKind, ValidationMethod,
};
use bailiwick_core::time::Time;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::BadFacts;
use crate::record::BadValue;

/// What stands before the milliseconds of a moment outside the years that RFC 3339 spells.
const UNIX_MS: &str = "unix-ms:";

/// A value of the core that facts hold. Spelling never fails, for a decision that was made has to
/// be stored; that is the difference to the forms of `record`.
///
/// Reading may accept more spellings than are written: `read_facts` spells again and compares.
pub(super) trait Spell: Sized {
    /// What serde writes and reads.
    type Form: Serialize + DeserializeOwned;

    /// The form of this value.
    fn form(&self) -> Self::Form;

    /// The value of a form.
    fn read(form: Self::Form) -> Result<Self, BadFacts>;
}

/// A table of structs of the core and their forms. Every field must be named, so that a new one in
/// the core does not compile until it has been given a place here, which is in a new version.
macro_rules! table {
    ($($core:ty => $form:ident { $($(#[$note:meta])* $field:ident: $type:ty,)+ })+) => {$(
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $form {
            $($(#[$note])* $field: <$type as $crate::policy::spell::Spell>::Form,)+
        }

        impl $crate::policy::spell::Spell for $core {
            type Form = $form;

            fn form(&self) -> $form {
                let Self { $($field),+ } = self;
                $form { $($field: $crate::policy::spell::Spell::form($field),)+ }
            }

            fn read(form: $form) -> Result<Self, $crate::policy::BadFacts> {
                Ok(Self { $($field: $crate::policy::spell::Spell::read(form.$field)?,)+ })
            }
        }
    )+};
}
pub(super) use table;

/// Values whose form is themselves.
macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Spell for $type {
            type Form = Self;
            fn form(&self) -> Self {
                self.clone()
            }
            fn read(form: Self) -> Result<Self, BadFacts> {
                Ok(form)
            }
        }
    )+};
}
plain!(bool, u16, u32, String);

/// Values with one text that their own parser reads.
macro_rules! texts {
    ($($type:ty),+) => {$(
        impl Spell for $type {
            type Form = String;
            fn form(&self) -> String {
                self.to_string()
            }
            fn read(form: String) -> Result<Self, BadFacts> {
                Ok(Self::parse(&form).map_err(BadValue::from)?)
            }
        }
    )+};
}
texts!(
    AccountId,
    AttestorId,
    ChangeId,
    EnvelopeId,
    ExceptionId,
    IssuerId,
    PersonId,
    ProfileId,
    ServiceId,
    TeamId,
    TokenId
);
texts!(AttestationKind, Environment, Namespace, RuleId, SanName);

/// Values out of a list of words.
macro_rules! words {
    ($($type:ty = $of:literal),+ $(,)?) => {$(
        impl Spell for $type {
            type Form = String;
            fn form(&self) -> String {
                self.as_str().to_owned()
            }
            fn read(form: String) -> Result<Self, BadFacts> {
                Ok(Self::parse(&form).ok_or(BadValue::Word { of: $of, word: form })?)
            }
        }
    )+};
}
words!(
    Access = "access",
    ApproverKind = "kind of approver",
    CaaFact = "answer of CAA",
    ChangeKind = "kind of change",
    GatedKind = "kind of gated change",
    KeyKind = "kind of key",
    Mode = "mode of a zone",
    Pattern = "pattern of a zone",
    ResourceKind = "kind of object",
    ValidationMethod = "validation method",
    ZoneClass = "class of a zone",
);

impl Spell for Time {
    type Form = String;

    fn form(&self) -> String {
        let text = self.to_string();
        if Self::parse(&text) == Ok(*self) { text } else { format!("{UNIX_MS}{}", self.unix_ms()) }
    }

    fn read(form: String) -> Result<Self, BadFacts> {
        let time = match form.strip_prefix(UNIX_MS) {
            Some(ms) => ms.parse().map(Self::from_unix_ms).map_err(|_| bad_time()),
            None => Self::parse(&form).map_err(BadValue::from),
        };
        Ok(time?)
    }
}

fn bad_time() -> BadValue {
    BadValue::Time(bailiwick_core::time::BadTime)
}

/// Something that is known, or is not. Neither is left out.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum FactForm<Form> {
    Known(Form),
    /// Always `true`: a text with anything else is another spelling, and refused.
    Unknown(bool),
}

impl<T: Spell> Spell for Fact<T> {
    type Form = FactForm<T::Form>;

    fn form(&self) -> Self::Form {
        match self {
            Self::Known(value) => FactForm::Known(value.form()),
            Self::Unknown => FactForm::Unknown(true),
        }
    }

    fn read(form: Self::Form) -> Result<Self, BadFacts> {
        Ok(match form {
            FactForm::Known(form) => Self::Known(T::read(form)?),
            FactForm::Unknown(_) => Self::Unknown,
        })
    }
}

impl<T: Spell> Spell for Option<T> {
    type Form = Option<T::Form>;

    fn form(&self) -> Self::Form {
        self.as_ref().map(T::form)
    }

    fn read(form: Self::Form) -> Result<Self, BadFacts> {
        form.map(T::read).transpose()
    }
}

impl<T: Spell> Spell for Vec<T> {
    type Form = Vec<T::Form>;

    fn form(&self) -> Self::Form {
        self.iter().map(T::form).collect()
    }

    fn read(form: Self::Form) -> Result<Self, BadFacts> {
        form.into_iter().map(T::read).collect()
    }
}

impl<T: Spell + Ord> Spell for BTreeSet<T> {
    type Form = Vec<T::Form>;

    fn form(&self) -> Self::Form {
        self.iter().map(T::form).collect()
    }

    fn read(form: Self::Form) -> Result<Self, BadFacts> {
        form.into_iter().map(T::read).collect()
    }
}

impl<T: Spell> Spell for BTreeMap<ServiceId, T> {
    type Form = BTreeMap<String, T::Form>;

    fn form(&self) -> Self::Form {
        self.iter().map(|(id, value)| (id.form(), value.form())).collect()
    }

    fn read(form: Self::Form) -> Result<Self, BadFacts> {
        form.into_iter().map(|(id, value)| Ok((ServiceId::read(id)?, T::read(value)?))).collect()
    }
}
