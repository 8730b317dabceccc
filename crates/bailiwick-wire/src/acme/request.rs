//! What clients ask: the payloads of RFC 8555, section 7.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::jose::{BODY_OCTETS_MAX, BadJson, read_object};

/// Contacts of one account.
pub const CONTACTS_MAX: usize = 10;
/// Identifiers of one order (threat T13).
pub const IDENTIFIERS_MAX: usize = 100;

/// A payload is not what its resource takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadRequest {
    /// Not a JSON object, or one beyond all bounds.
    #[error("the payload is refused: {0}")]
    Json(BadJson),
    /// An object without the fields it needs, or with one of the wrong type.
    #[error("the payload lacks a field of this resource, or one has the wrong type")]
    Fields,
    /// A list with too many members.
    #[error("`{field}` has more than {most} members")]
    TooMany {
        /// Which list.
        field: &'static str,
        /// How many it may have.
        most: usize,
    },
    /// A field is not base64url.
    #[error("`{field}` is not base64url without padding")]
    Base64 {
        /// Which.
        field: &'static str,
    },
    /// A status that cannot be asked for.
    #[error("`status` can only be set to `deactivated`")]
    Status,
}

fn read<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BadRequest> {
    let object = read_object(payload, BODY_OCTETS_MAX).map_err(BadRequest::Json)?;
    serde_json::from_value(Value::Object(object)).map_err(|_| BadRequest::Fields)
}

fn at_most<T>(field: &'static str, list: &[T], most: usize) -> Result<(), BadRequest> {
    if list.len() > most { Err(BadRequest::TooMany { field, most }) } else { Ok(()) }
}

fn octets(field: &'static str, text: &str) -> Result<Vec<u8>, BadRequest> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| BadRequest::Base64 { field })
}

/// newAccount (section 7.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountRequest {
    /// Contact URLs as given.
    pub contacts: Vec<String>,
    /// Only look the account up.
    pub only_existing: bool,
    /// Whether the terms of service are agreed to (section 7.3.3).
    pub terms_agreed: bool,
    /// The inner JWS of the binding, with exactly its three members.
    pub binding: Option<Value>,
}

impl AccountRequest {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is none.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            contact: Option<Vec<String>>,
            only_return_existing: Option<bool>,
            terms_of_service_agreed: Option<bool>,
            external_account_binding: Option<FlattenedJws>,
        }
        /// An unprotected `header` is a member we do not take (section 6.2).
        #[derive(Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        struct FlattenedJws {
            protected: String,
            payload: String,
            signature: String,
        }
        let fields: Fields = read(payload)?;
        let contacts = fields.contact.unwrap_or_default();
        at_most("contact", &contacts, CONTACTS_MAX)?;
        Ok(Self {
            contacts,
            only_existing: fields.only_return_existing.unwrap_or(false),
            terms_agreed: fields.terms_of_service_agreed.unwrap_or(false),
            binding: fields.external_account_binding.map(|inner| json!(inner)),
        })
    }
}

/// An update of an account (sections 7.3.2 and 7.3.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountUpdate {
    /// The contacts from now on, where they are to change.
    pub contacts: Option<Vec<String>>,
    /// Whether the account is to end. Every other status is ignored (section 7.3.2).
    pub deactivate: Option<Deactivation>,
}

/// The client gives something up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deactivation;

impl AccountUpdate {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is none.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        struct Fields {
            contact: Option<Vec<String>>,
            status: Option<String>,
        }
        let fields: Fields = read(payload)?;
        at_most("contact", fields.contact.as_deref().unwrap_or_default(), CONTACTS_MAX)?;
        let deactivate = fields.status.filter(|word| word == "deactivated").map(|_| Deactivation);
        Ok(Self { contacts: fields.contact, deactivate })
    }
}

impl Deactivation {
    /// Reads the payload that gives an authorization up (section 7.5.2).
    ///
    /// # Errors
    /// [`BadRequest`] for any other.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        struct Fields {
            status: String,
        }
        let fields: Fields = read(payload)?;
        if fields.status == "deactivated" { Ok(Self) } else { Err(BadRequest::Status) }
    }
}

/// newOrder (section 7.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderRequest {
    /// Type and value of each identifier, as given.
    pub identifiers: Vec<(String, String)>,
    /// Whether a notBefore or notAfter is asked for.
    pub dates_wanted: DatesWanted,
    /// The profile (draft-ietf-acme-profiles).
    pub profile: Option<String>,
    /// The certificate that it replaces (RFC 9773, section 5).
    pub replaces: Option<String>,
}

/// Whether an order asks for exact dates.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DatesWanted {
    /// It leaves them to us.
    None,
    /// It wants some; what is accepted must be kept exactly (section 7.4), so it is not.
    Some,
}

impl OrderRequest {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is none.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            identifiers: Vec<Identifier>,
            not_before: Option<IgnoredAny>,
            not_after: Option<IgnoredAny>,
            profile: Option<String>,
            replaces: Option<String>,
        }
        let fields: Fields = read(payload)?;
        at_most("identifiers", &fields.identifiers, IDENTIFIERS_MAX)?;
        let dates_wanted = match (fields.not_before, fields.not_after) {
            (None, None) => DatesWanted::None,
            _ => DatesWanted::Some,
        };
        let identifiers = fields.identifiers.into_iter().map(|it| (it.r#type, it.value)).collect();
        let (profile, replaces) = (fields.profile, fields.replaces);
        Ok(Self { identifiers, dates_wanted, profile, replaces })
    }
}

#[derive(Deserialize)]
struct Identifier {
    r#type: String,
    value: String,
}

/// newAuthz (section 7.4.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorizationRequest {
    /// Type and value of the identifier, as given.
    pub identifier: (String, String),
}

impl AuthorizationRequest {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is none.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        struct Fields {
            identifier: Identifier,
        }
        let Fields { identifier } = read(payload)?;
        Ok(Self { identifier: (identifier.r#type, identifier.value) })
    }
}

/// Finalize (section 7.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FinalizeRequest {
    /// The CSR's DER.
    pub csr: Vec<u8>,
}

impl FinalizeRequest {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is none.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        struct Fields {
            csr: String,
        }
        let fields: Fields = read(payload)?;
        Ok(Self { csr: octets("csr", &fields.csr)? })
    }
}

/// The answer to a challenge (section 7.5.1): an object, whatever is in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ChallengeAnswer;

impl ChallengeAnswer {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is no object.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        read::<serde_json::Map<String, Value>>(payload).map(|_| Self)
    }
}

/// revokeCert (section 7.6).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokeRequest {
    /// The certificate's DER.
    pub certificate: Vec<u8>,
    /// The CRLReason, as given.
    pub reason: Option<i64>,
}

impl RevokeRequest {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is none.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        struct Fields {
            certificate: String,
            reason: Option<i64>,
        }
        let fields: Fields = read(payload)?;
        Ok(Self { certificate: octets("certificate", &fields.certificate)?, reason: fields.reason })
    }
}

/// The payload of the outer JWS of keyChange is a JWS again; this is the payload of that (section
/// 7.3.5).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyChange {
    /// The account's URL.
    pub account: String,
    /// Its old key, as JSON.
    pub old_key: String,
}

impl KeyChange {
    /// Reads the payload.
    ///
    /// # Errors
    /// [`BadRequest`] when it is none.
    pub fn parse(payload: &[u8]) -> Result<Self, BadRequest> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            account: String,
            old_key: Value,
        }
        let fields: Fields = read(payload)?;
        Ok(Self { account: fields.account, old_key: fields.old_key.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_ignored_and_never_kept() {
        let given = AccountRequest::parse(
            br#"{"contact":["mailto:a@b.example"],"termsOfServiceAgreed":true,"status":"valid","x":{"y":[1]}}"#,
        );
        let contacts = vec!["mailto:a@b.example".to_owned()];
        let expected =
            AccountRequest { contacts, only_existing: false, terms_agreed: true, binding: None };
        assert_eq!(given, Ok(expected));
    }

    #[test]
    fn a_binding_has_three_members() {
        let binding = |inner: &str| {
            AccountRequest::parse(format!(r#"{{"externalAccountBinding":{inner}}}"#).as_bytes())
                .map(|request| request.binding)
        };
        let whole = r#"{"protected":"a","payload":"b","signature":"c"}"#;
        let read = json!({"protected": "a", "payload": "b", "signature": "c"});
        assert_eq!(binding(whole), Ok(Some(read)));
        assert!(binding(r#"{"protected":"a","payload":"b"}"#).is_err());
        assert!(binding(r#"{"protected":"a","payload":"b","signature":"c","header":{}}"#).is_err());
        assert!(
            binding(r#"{"protected":"a","protected":"a","payload":"b","signature":"c"}"#).is_err()
        );
    }

    #[test]
    fn only_deactivation_is_a_status_one_can_ask_for() {
        let update = |text: &str| AccountUpdate::parse(text.as_bytes()).map(|it| it.deactivate);
        assert_eq!(update(r#"{"status":"deactivated"}"#), Ok(Some(Deactivation)));
        assert_eq!(update(r#"{"status":"valid"}"#), Ok(None));
        assert_eq!(Deactivation::parse(br#"{"status":"valid"}"#), Err(BadRequest::Status));
        assert_eq!(Deactivation::parse(b"{}"), Err(BadRequest::Fields));
    }

    #[test]
    fn what_is_no_object_or_too_much_is_refused() {
        for (payload, expected) in [
            ("", BadRequest::Json(BadJson::NoObject)),
            ("[]", BadRequest::Json(BadJson::NoObject)),
            (r#"["x"]"#, BadRequest::Json(BadJson::NoObject)),
            ("null", BadRequest::Json(BadJson::NoObject)),
            ("{", BadRequest::Json(BadJson::NoObject)),
            (r#"{"csr":"a","csr":"a"}"#, BadRequest::Json(BadJson::Twice)),
            (r#"{"csr":1}"#, BadRequest::Fields),
            (r#"{"CSR":"YQ"}"#, BadRequest::Fields),
            (r#"{"csr":"a+b="}"#, BadRequest::Base64 { field: "csr" }),
            (r#"{"csr":"YQ=="}"#, BadRequest::Base64 { field: "csr" }),
        ] {
            assert_eq!(FinalizeRequest::parse(payload.as_bytes()), Err(expected), "{payload}");
        }
        let names = vec![r#"{"type":"dns","value":"a.example"}"#; IDENTIFIERS_MAX + 1].join(",");
        assert_eq!(
            OrderRequest::parse(format!(r#"{{"identifiers":[{names}]}}"#).as_bytes()),
            Err(BadRequest::TooMany { field: "identifiers", most: IDENTIFIERS_MAX })
        );
    }

    #[test]
    fn an_order_says_whether_it_wants_dates() {
        let order = |more: &str| {
            let text = format!(r#"{{"identifiers":[{{"type":"dns","value":"a.example"}}]{more}}}"#);
            OrderRequest::parse(text.as_bytes()).unwrap()
        };
        assert_eq!(order("").dates_wanted, DatesWanted::None);
        assert_eq!(order(r#","notBefore":null"#).dates_wanted, DatesWanted::None);
        assert_eq!(order(r#","notAfter":"2026-01-01T00:00:00Z""#).dates_wanted, DatesWanted::Some);
        assert_eq!(order(r#","profile":"tls-server""#).profile.as_deref(), Some("tls-server"));
        assert_eq!(order("").identifiers, [("dns".to_owned(), "a.example".to_owned())]);
    }
}
