//! What clients are told: the objects of RFC 8555, section 7.1.

use std::collections::BTreeMap;

use bailiwick_core::gate::{
    Account, Authorization, AuthorizationStatus, Challenge, ChallengeKind, ChallengeStatus, Order,
    OrderStatus,
};
use bailiwick_core::names::OrderId;
use bailiwick_core::time::Time;
use serde::Serialize;

use super::Urls;
use super::problem::{Identifier, ProblemAnswer};

/// Spells an answer. Only strings, lists and text-keyed maps are ever spelled, which cannot fail; an
/// empty object would then stand for a bug.
pub(super) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// Issuer domain names in one challenge at most (draft-ietf-acme-dns-persist: 1 to 10).
const ISSUERS_NAMED_MAX: usize = 10;

/// What the directory says about the server (RFC 8555, section 7.1.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DirectoryMeta {
    /// The terms that whoever registers agrees to (section 7.3.3).
    pub terms_of_service: Option<String>,
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
    new_authz: String,
    revoke_cert: String,
    key_change: String,
    renewal_info: String,
    meta: Meta,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    terms_of_service: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    website: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    caa_identities: Vec<String>,
    external_account_required: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    profiles: BTreeMap<String, String>,
}

/// The directory.
#[must_use]
pub fn directory(urls: &Urls, meta: DirectoryMeta) -> String {
    json(&Directory {
        new_nonce: urls.new_nonce(),
        new_account: urls.new_account(),
        new_order: urls.new_order(),
        new_authz: urls.new_authz(),
        revoke_cert: urls.revoke_cert(),
        key_change: urls.key_change(),
        renewal_info: urls.renewal_info(),
        meta: Meta {
            terms_of_service: meta.terms_of_service,
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
    replaces: Option<String>,
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
        identifiers: order.names.iter().map(Identifier::of).collect(),
        profile: order.profile.to_string(),
        authorizations: order.authorizations.iter().map(|id| urls.authorization(id)).collect(),
        finalize: urls.finalize(&order.id),
        replaces: order.replaces.clone(),
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
/// 8555, section 7.1.4). `issuers` are the names that a standing record may hold.
#[must_use]
pub fn authorization(urls: &Urls, authz: &Authorization, issuers: &[String]) -> String {
    let shown = |challenge: &&Challenge| match authz.status {
        AuthorizationStatus::Valid => challenge.status == ChallengeStatus::Valid,
        AuthorizationStatus::Invalid => challenge.status == ChallengeStatus::Invalid,
        AuthorizationStatus::Pending
        | AuthorizationStatus::Deactivated
        | AuthorizationStatus::Expired => true,
    };
    json(&AuthorizationObject {
        identifier: Identifier::of(&authz.name),
        status: authz.status.as_str(),
        expires: authz.expires_at.to_string(),
        challenges: authz
            .challenges
            .iter()
            .filter(shown)
            .map(|challenge| challenge_object(urls, authz, challenge, issuers))
            .collect(),
        wildcard: authz.wildcard,
    })
}

#[derive(Serialize)]
struct ChallengeObject {
    r#type: &'static str,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(rename = "issuer-domain-names", skip_serializing_if = "Vec::is_empty")]
    issuer_domain_names: Vec<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    validated: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ProblemAnswer>,
}

fn challenge_object(
    urls: &Urls,
    authz: &Authorization,
    challenge: &Challenge,
    issuers: &[String],
) -> ChallengeObject {
    // A standing record names issuer and account, and no token (draft-ietf-acme-dns-persist).
    let stands = challenge.kind == ChallengeKind::DnsPersist01;
    let issuers = issuers.iter().take(ISSUERS_NAMED_MAX).filter(|_| stands);
    ChallengeObject {
        r#type: challenge.kind.as_str(),
        url: urls.challenge(&authz.id, &challenge.id),
        token: (!stands).then(|| challenge.token.clone()),
        issuer_domain_names: issuers.cloned().collect(),
        status: challenge.status.as_str(),
        validated: challenge.validated_at.map(|at| at.to_string()),
        error: challenge.error.as_ref().map(ProblemAnswer::inner),
    }
}

/// A challenge.
#[must_use]
pub fn challenge(
    urls: &Urls,
    authz: &Authorization,
    challenge: &Challenge,
    issuers: &[String],
) -> String {
    json(&challenge_object(urls, authz, challenge, issuers))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RenewalInfo {
    suggested_window: Window,
    #[serde(rename = "explanationURL", skip_serializing_if = "Option::is_none")]
    explanation_url: Option<String>,
}

#[derive(Serialize)]
struct Window {
    start: String,
    end: String,
}

/// When a certificate should be renewed (RFC 9773, section 4.2), and where a person reads why.
#[must_use]
pub fn renewal_info(start: Time, end: Time, explanation_url: Option<String>) -> String {
    let suggested_window = Window { start: start.to_string(), end: end.to_string() };
    json(&RenewalInfo { suggested_window, explanation_url })
}
