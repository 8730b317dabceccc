//! What clients are told: the objects of RFC 8555, section 7.1.

use std::collections::BTreeMap;

use bailiwick_core::gate::{
    Account, Authorization, AuthorizationStatus, Challenge, ChallengeStatus, Order, OrderStatus,
};
use bailiwick_core::names::OrderId;
use serde::Serialize;

use super::Urls;
use super::problem::{Identifier, ProblemAnswer};

/// Spells an answer. Only strings, lists and text-keyed maps are ever spelled, which cannot fail; an
/// empty object would then stand for a bug.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// What the directory says about the server (RFC 8555, section 7.1.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DirectoryMeta {
    /// A page about the server.
    pub website: Option<String>,
    /// The names it answers to in CAA records.
    pub caa_identities: Vec<String>,
    /// Profiles that can be ordered, with a line about each (draft-ietf-acme-profiles).
    pub profiles: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Directory {
    new_nonce: String,
    new_account: String,
    new_order: String,
    revoke_cert: String,
    key_change: String,
    meta: Meta,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    website: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    caa_identities: Vec<String>,
    external_account_required: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    profiles: BTreeMap<String, String>,
}

/// The directory. There is no newAuthz: names are authorized within orders only.
#[must_use]
pub fn directory(urls: &Urls, meta: DirectoryMeta) -> String {
    json(&Directory {
        new_nonce: urls.new_nonce(),
        new_account: urls.new_account(),
        new_order: urls.new_order(),
        revoke_cert: urls.revoke_cert(),
        key_change: urls.key_change(),
        meta: Meta {
            website: meta.website,
            caa_identities: meta.caa_identities,
            external_account_required: true,
            profiles: meta.profiles,
        },
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountObject {
    status: &'static str,
    contact: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_account_binding: Option<serde_json::Value>,
    orders: String,
}

/// An account.
#[must_use]
pub fn account(urls: &Urls, account: &Account) -> String {
    json(&AccountObject {
        status: account.status.as_str(),
        contact: account.contacts.clone(),
        external_account_binding: serde_json::from_str(&account.binding).ok(),
        orders: urls.orders(&account.id),
    })
}

#[derive(Serialize)]
struct OrdersList {
    orders: Vec<String>,
}

/// A page of an account's orders.
#[must_use]
pub fn orders_list(urls: &Urls, orders: &[OrderId]) -> String {
    json(&OrdersList { orders: orders.iter().map(|id| urls.order(id)).collect() })
}

#[derive(Serialize)]
struct OrderObject {
    status: &'static str,
    expires: String,
    identifiers: Vec<Identifier>,
    profile: String,
    authorizations: Vec<String>,
    finalize: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProblemAnswer>,
}

/// An order. The certificate is named only once the order is valid.
#[must_use]
pub fn order(urls: &Urls, order: &Order) -> String {
    let certificate = order
        .certificate
        .as_ref()
        .filter(|_| order.status == OrderStatus::Valid)
        .map(|it| urls.certificate(it));
    json(&OrderObject {
        status: order.status.as_str(),
        expires: order.expires_at.to_string(),
        identifiers: order.names.iter().map(Identifier::dns).collect(),
        profile: order.profile.to_string(),
        authorizations: order.authorizations.iter().map(|id| urls.authorization(id)).collect(),
        finalize: urls.finalize(&order.id),
        certificate,
        error: order.error.as_ref().map(ProblemAnswer::inner),
    })
}

#[derive(Serialize)]
struct AuthorizationObject {
    identifier: Identifier,
    status: &'static str,
    expires: String,
    challenges: Vec<ChallengeObject>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    wildcard: bool,
}

/// An authorization. Once it has ended it shows the challenge that ended it, not the others (RFC
/// 8555, section 7.1.4).
#[must_use]
pub fn authorization(urls: &Urls, authz: &Authorization) -> String {
    let shown = |challenge: &&Challenge| match authz.status {
        AuthorizationStatus::Valid => challenge.status == ChallengeStatus::Valid,
        AuthorizationStatus::Invalid => challenge.status == ChallengeStatus::Invalid,
        AuthorizationStatus::Pending
        | AuthorizationStatus::Deactivated
        | AuthorizationStatus::Expired => true,
    };
    json(&AuthorizationObject {
        identifier: Identifier::dns(&authz.name),
        status: authz.status.as_str(),
        expires: authz.expires_at.to_string(),
        challenges: authz
            .challenges
            .iter()
            .filter(shown)
            .map(|challenge| challenge_object(urls, authz, challenge))
            .collect(),
        wildcard: authz.wildcard,
    })
}

#[derive(Serialize)]
struct ChallengeObject {
    r#type: &'static str,
    url: String,
    token: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    validated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProblemAnswer>,
}

fn challenge_object(urls: &Urls, authz: &Authorization, challenge: &Challenge) -> ChallengeObject {
    ChallengeObject {
        r#type: challenge.kind.as_str(),
        url: urls.challenge(&authz.id, &challenge.id),
        token: challenge.token.clone(),
        status: challenge.status.as_str(),
        validated: challenge.validated_at.map(|at| at.to_string()),
        error: challenge.error.as_ref().map(ProblemAnswer::inner),
    }
}

/// A challenge.
#[must_use]
pub fn challenge(urls: &Urls, authz: &Authorization, challenge: &Challenge) -> String {
    json(&challenge_object(urls, authz, challenge))
}
