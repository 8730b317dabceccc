//! How one value of the core is spelled: its form, and the way there and back.

use bailiwick_core::certificate::Generation;
use bailiwick_core::change::{Plan, PlanDigest, RevocationReason};
use bailiwick_core::gate::{
    AccountStatus, AuthorizationStatus, ChallengeKind, ChallengeStatus, OrderStatus, ProblemKind,
};
use bailiwick_core::names::{
    AccountId, AcmeIdentifier, AttestorId, AuthzId, CertFingerprint, CertSerial, ChallengeId,
    ChangeId, CredentialId, DecisionId, Digest, DnsName, EnvelopeId, FindingId, IssuerId, OrderId,
    PersonId, ProfileId, SanName, ServiceId, SessionId, SpiffeId, SpkiHash, TeamId, TokenId,
    ZoneName,
};
use bailiwick_core::time::Time;
use bailiwick_core::watch::{Asked, ClosedBy, FindingKind, IncidentPart, Point, Stands, Track};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::record::{BadValue, NotStorable};

/// A value of the core that has a stored form.
///
/// Reading may accept more spellings than are written: `record::decode` spells again and compares.
pub(crate) trait Stored: Sized {
    /// What serde writes and reads.
    type Form: Serialize + DeserializeOwned;

    /// The form of this value.
    fn form(&self) -> Result<Self::Form, NotStorable>;

    /// The value of a form.
    fn read(form: Self::Form) -> Result<Self, BadValue>;
}

/// A table of structs of the core and their forms. Every field must be named, so that a new one in
/// the core does not compile until it has been given a place here, which is in a new version.
macro_rules! mirror {
    ($($core:ty => $form:ident { $($(#[$note:meta])* $field:ident: $type:ty,)+ })+) => {$(
        #[derive(serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $form {
            $($(#[$note])* $field: <$type as $crate::record::v1::Stored>::Form,)+
        }

        impl $crate::record::v1::Stored for $core {
            type Form = $form;

            fn form(&self) -> Result<$form, $crate::record::NotStorable> {
                let Self { $($field),+ } = self;
                Ok($form { $($field: $crate::record::v1::Stored::form($field)?,)+ })
            }

            fn read(form: $form) -> Result<Self, $crate::record::BadValue> {
                Ok(Self { $($field: $crate::record::v1::Stored::read(form.$field)?,)+ })
            }
        }
    )+};
}
pub(crate) use mirror;

/// A table of enums of the core and what each variant's data look like; its kind stands outside.
/// The first block lists variants with fields, the second those that hold one value.
macro_rules! variants {
    (
        $core:ident {
            $($kind:literal => $variant:ident { $($field:ident: $type:ty),* $(,)? },)+
        } values {
            $($value_kind:literal => $value_variant:ident($value_type:ty),)+
        } $(nested $nested:ident($nested_form:ty) { $pattern:pat => $expression:expr })?
    ) => {
        /// The data of one kind. Only ever written: what is read has its kind first.
        #[derive(serde::Serialize)]
        #[serde(untagged)]
        pub(crate) enum Data {
            $($variant($variant),)+
            $($value_variant(Box<<$value_type as Stored>::Form>),)+
            $($nested(Box<$nested_form>),)?
        }

        $(
            #[derive(serde::Serialize, serde::Deserialize)]
            #[serde(deny_unknown_fields)]
            pub(crate) struct $variant { $($field: <$type as Stored>::Form,)* }
        )+

        /// The data of a value.
        pub(crate) fn form(value: &$core) -> Result<Data, NotStorable> {
            Ok(match value {
                $($core::$variant { $($field),* } => {
                    Data::$variant($variant { $($field: Stored::form($field)?,)* })
                })+
                $($core::$value_variant(value) => {
                    Data::$value_variant(Box::new(Stored::form(value)?))
                })+
                $($pattern => Data::$nested(Box::new($expression)),)?
            })
        }

        /// The value of a kind and its data.
        pub(crate) fn read(kind: &str, data: serde_json::Value) -> Result<$core, BadEntry> {
            match kind {
                $($kind => {
                    let $variant { $($field),* } = serde_json::from_value(data)?;
                    Ok($core::$variant { $($field: Stored::read($field)?,)* })
                })+
                $($value_kind => {
                    let value = serde_json::from_value(data)?;
                    Ok($core::$value_variant(<$value_type as Stored>::read(value)?))
                })+
                other => Err(BadEntry::Kind { kind: other.to_owned() }),
            }
        }
    };
}
pub(super) use variants;

/// Values whose form is themselves.
macro_rules! plain {
    ($($type:ty),+) => {$(
        impl Stored for $type {
            type Form = Self;
            fn form(&self) -> Result<Self, NotStorable> {
                Ok(self.clone())
            }
            fn read(form: Self) -> Result<Self, BadValue> {
                Ok(form)
            }
        }
    )+};
}
plain!(bool, u32, u64, String);

/// Values with one text that their own parser reads.
macro_rules! texts {
    ($($type:ty),+) => {$(
        impl Stored for $type {
            type Form = String;
            fn form(&self) -> Result<String, NotStorable> {
                Ok(self.to_string())
            }
            fn read(form: String) -> Result<Self, BadValue> {
                Ok(Self::parse(&form)?)
            }
        }
    )+};
}
texts!(
    AccountId,
    AttestorId,
    AuthzId,
    ChallengeId,
    ChangeId,
    CredentialId,
    DecisionId,
    EnvelopeId,
    FindingId,
    IssuerId,
    OrderId,
    PersonId,
    ProfileId,
    ServiceId,
    SessionId,
    TeamId,
    TokenId
);
texts!(
    AcmeIdentifier,
    DnsName,
    SanName,
    SpiffeId,
    ZoneName,
    CertFingerprint,
    CertSerial,
    Digest,
    SpkiHash
);

/// Values out of a list of words.
macro_rules! words {
    ($($type:ty = $of:literal),+ $(,)?) => {$(
        impl Stored for $type {
            type Form = String;
            fn form(&self) -> Result<String, NotStorable> {
                Ok(self.as_str().to_owned())
            }
            fn read(form: String) -> Result<Self, BadValue> {
                Self::parse(&form).ok_or(BadValue::Word { of: $of, word: form })
            }
        }
    )+};
}
words!(
    AccountStatus = "account status",
    AuthorizationStatus = "authorization status",
    ChallengeKind = "challenge",
    ChallengeStatus = "challenge status",
    OrderStatus = "order status",
    ProblemKind = "problem",
    RevocationReason = "revocation reason",
    Asked = "question",
    FindingKind = "kind of finding",
    ClosedBy = "end of a finding",
    Point = "point",
    Stands = "verdict",
    Track = "track",
    IncidentPart = "part of an incident",
);

impl Stored for Time {
    type Form = String;

    fn form(&self) -> Result<String, NotStorable> {
        let text = self.to_string();
        // RFC 3339 ends with the year 9999; what cannot be read again must not be written.
        if Self::parse(&text) == Ok(*self) { Ok(text) } else { Err(NotStorable::Time(*self)) }
    }

    fn read(form: String) -> Result<Self, BadValue> {
        Ok(Self::parse(&form)?)
    }
}

impl Stored for usize {
    type Form = u32;

    fn form(&self) -> Result<u32, NotStorable> {
        u32::try_from(*self).map_err(|_| NotStorable::Index(*self))
    }

    fn read(form: u32) -> Result<Self, BadValue> {
        Self::try_from(form).map_err(|_| BadValue::Index(form))
    }
}

impl Stored for Generation {
    type Form = u8;

    fn form(&self) -> Result<u8, NotStorable> {
        Ok(self.number())
    }

    fn read(form: u8) -> Result<Self, BadValue> {
        let word = || BadValue::Word { of: "generation", word: form.to_string() };
        Self::new(form).ok_or_else(word)
    }
}

impl Stored for PlanDigest {
    type Form = String;

    fn form(&self) -> Result<String, NotStorable> {
        self.digest().form()
    }

    fn read(form: String) -> Result<Self, BadValue> {
        Digest::read(form).map(Self::claimed)
    }
}

impl Stored for Plan {
    type Form = Vec<super::plan::StepForm>;

    fn form(&self) -> Result<Self::Form, NotStorable> {
        self.steps().iter().map(Stored::form).collect()
    }

    fn read(form: Self::Form) -> Result<Self, BadValue> {
        Self::new(Vec::read(form)?).map_err(BadValue::Plan)
    }
}

/// Octets: DER, signatures.
impl Stored for Vec<u8> {
    type Form = String;

    fn form(&self) -> Result<String, NotStorable> {
        Ok(STANDARD.encode(self))
    }

    fn read(form: String) -> Result<Self, BadValue> {
        Ok(STANDARD.decode(form)?)
    }
}

impl<T: Stored> Stored for Vec<T> {
    type Form = Vec<T::Form>;

    fn form(&self) -> Result<Self::Form, NotStorable> {
        self.iter().map(T::form).collect()
    }

    fn read(form: Self::Form) -> Result<Self, BadValue> {
        form.into_iter().map(T::read).collect()
    }
}

impl Stored for std::collections::BTreeMap<String, String> {
    type Form = Self;

    fn form(&self) -> Result<Self, NotStorable> {
        Ok(self.clone())
    }

    fn read(form: Self) -> Result<Self, BadValue> {
        Ok(form)
    }
}

impl<T: Stored> Stored for Option<T> {
    type Form = Option<T::Form>;

    fn form(&self) -> Result<Self::Form, NotStorable> {
        self.as_ref().map(T::form).transpose()
    }

    fn read(form: Self::Form) -> Result<Self, BadValue> {
        form.map(T::read).transpose()
    }
}

impl<T: Stored> Stored for Box<T> {
    type Form = T::Form;

    fn form(&self) -> Result<T::Form, NotStorable> {
        (**self).form()
    }

    fn read(form: T::Form) -> Result<Self, BadValue> {
        T::read(form).map(Self::new)
    }
}
