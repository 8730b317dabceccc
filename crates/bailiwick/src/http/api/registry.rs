//! Credentials, ACME accounts and standing records over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bailiwick_core::names::{AccountId, CredentialId, DnsName, ServiceId};
use serde::Deserialize;

use super::bodies::{
    AccountBody, AccountStory, AgreeBody, Because, CertificateBody, CredentialBody, CredentialLine,
    NewCredentialBody, PageOf, RotateBody, StandingBody,
};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path, Query};
use crate::app::{App, Asking, NewCredential};
use crate::fault::Fault;

/// What a list is narrowed to.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only of this service.
    pub(crate) service: Option<String>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
    /// Rows of a page, 1 to 200.
    pub(crate) limit: Option<u32>,
}

impl ListParams {
    fn service(&self) -> Result<Option<ServiceId>, Fault> {
        let parse = |id: &String| ServiceId::parse(id);
        self.service.as_ref().map(parse).transpose().map_err(|cause| Fault::input("service", cause))
    }

    fn after<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
        let bad = || Fault::input("after", "take the `next` of the page before as it stands");
        self.after.as_deref().map(|text| parse(text).ok_or_else(bad)).transpose()
    }
}

pub(crate) fn credential_id(text: &str) -> Result<CredentialId, Fault> {
    CredentialId::parse(text).map_err(|cause| Fault::input("credential", cause))
}

pub(crate) fn account_id(text: &str) -> Result<AccountId, Fault> {
    AccountId::parse(text).map_err(|cause| Fault::input("account", cause))
}

/// A page of credentials as the API and the console show them.
pub(crate) async fn credentials_page(
    app: &App,
    asking: &Asking,
    params: &ListParams,
) -> Result<PageOf<CredentialLine>, Fault> {
    let after = params.after(|text| CredentialId::parse(text).ok())?;
    let service = params.service()?;
    let page = app.credentials(asking, service.as_ref(), after.as_ref(), params.limit).await?;
    Ok(PageOf { items: page.items.iter().map(CredentialLine::of).collect(), next: page.next })
}

/// A page of accounts as the API and the console show them.
pub(crate) async fn accounts_page(
    app: &App,
    asking: &Asking,
    params: &ListParams,
) -> Result<PageOf<AccountBody>, Fault> {
    let after = params.after(|text| AccountId::parse(text).ok())?;
    let service = params.service()?;
    let page = app.accounts(asking, service.as_ref(), after.as_ref(), params.limit).await?;
    Ok(PageOf { items: page.items.iter().map(AccountBody::of).collect(), next: page.next })
}

/// A page of standing records as the API and the console show them.
pub(crate) async fn standing_page(
    app: &App,
    asking: &Asking,
    params: &ListParams,
) -> Result<PageOf<StandingBody>, Fault> {
    let after = params.after(|text| {
        let (name, account) = text.split_once(' ')?;
        Some((DnsName::parse(name).ok()?, AccountId::parse(account).ok()?))
    })?;
    let after = after.as_ref().map(|(name, account)| (name, account));
    let service = params.service()?;
    let page = app.standing_records(asking, service.as_ref(), after, params.limit).await?;
    Ok(PageOf { items: page.items.iter().map(StandingBody::of).collect(), next: page.next })
}

/// One account with what it got, as the API and the console show it.
pub(crate) async fn account_story(
    app: &App,
    asking: &Asking,
    id: &str,
) -> Result<AccountStory, Fault> {
    let (view, newest) = app.account_view(asking, &account_id(id)?).await?;
    let newest = newest.iter().map(|row| {
        let revoked = row.revoked.as_ref().map(|revoked| revoked.at.to_string());
        CertificateBody::of(&row.certificate, revoked)
    });
    Ok(AccountStory { line: AccountBody::of(&view), newest: newest.collect() })
}

/// Makes a credential out of what was sent.
pub(crate) async fn made(
    app: &App,
    asking: &Asking,
    wish: NewCredentialBody,
) -> Result<CredentialBody, Fault> {
    let service =
        ServiceId::parse(&wish.service).map_err(|cause| Fault::input("service", cause))?;
    let wanted = NewCredential {
        service,
        environment: wish.environment,
        namespace: wish.namespace,
        attestations: wish.attestations,
        hours: wish.hours,
    };
    let fresh = app.make_credential(asking, wanted).await?;
    Ok(CredentialBody::of(fresh, directory(app)))
}

/// Rotates a credential.
pub(crate) async fn rotated(
    app: &App,
    asking: &Asking,
    id: &str,
    overlap_hours: u32,
) -> Result<CredentialBody, Fault> {
    let fresh = app.rotate_credential(asking, &credential_id(id)?, overlap_hours).await?;
    Ok(CredentialBody::of(fresh, directory(app)))
}

fn directory(app: &App) -> String {
    format!("{}/acme/directory", app.settings.base_url)
}

/// The credentials you may see, by id: who made each, until when, which account it bound.
#[utoipa::path(get, path = "/credentials", tag = "services", operation_id = "list_credentials",
    params(ListParams),
    responses((status = 200, body = PageOf<CredentialLine>), (status = 404, body = ErrorBody)))]
pub(super) async fn credentials(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<PageOf<CredentialLine>>, ApiError> {
    Ok(Json(credentials_page(&app, &asking, &params).await?))
}

/// Make a credential for an ACME client of a service. Its key is shown this once.
#[utoipa::path(post, path = "/credentials", tag = "services", request_body = NewCredentialBody,
    responses((status = 201, body = CredentialBody), (status = 403, body = ErrorBody)))]
pub(super) async fn make_credential(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(wish): Json<NewCredentialBody>,
) -> Result<(StatusCode, Json<CredentialBody>), ApiError> {
    Ok((StatusCode::CREATED, Json(made(&app, &asking, wish).await?)))
}

/// Make a credential in place of another one, for the same service and place. The one before
/// registers nothing more, at once or after an overlap; accounts stay.
#[utoipa::path(post, path = "/credentials/{credential}/rotate", tag = "services",
    params(("credential" = String, Path)), request_body = RotateBody,
    responses((status = 201, body = CredentialBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
pub(super) async fn rotate_credential(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(credential): Path<String>,
    Json(wish): Json<RotateBody>,
) -> Result<(StatusCode, Json<CredentialBody>), ApiError> {
    let fresh = rotated(&app, &asking, &credential, wish.overlap_hours).await?;
    Ok((StatusCode::CREATED, Json(fresh)))
}

/// Revoke a credential: no account can be registered with it any more.
#[utoipa::path(delete, path = "/credentials/{credential}", tag = "services",
    params(("credential" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke_credential(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(credential): Path<String>,
) -> Result<StatusCode, ApiError> {
    app.revoke_credential(&asking, &credential_id(&credential)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The ACME accounts you may see, by id: whose each is, who answers, and the CAA records it needs.
#[utoipa::path(get, path = "/accounts", tag = "services", operation_id = "list_accounts",
    params(ListParams),
    responses((status = 200, body = PageOf<AccountBody>), (status = 404, body = ErrorBody)))]
pub(super) async fn accounts(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<PageOf<AccountBody>>, ApiError> {
    Ok(Json(accounts_page(&app, &asking, &params).await?))
}

/// One ACME account with the certificates it got.
#[utoipa::path(get, path = "/accounts/{account}", tag = "services", operation_id = "show_account",
    params(("account" = String, Path)),
    responses((status = 200, body = AccountStory), (status = 404, body = ErrorBody)))]
pub(super) async fn account(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(account): Path<String>,
) -> Result<Json<AccountStory>, ApiError> {
    Ok(Json(account_story(&app, &asking, &account).await?))
}

/// End an ACME account, whatever its holder wants. Its certificates stay.
#[utoipa::path(post, path = "/accounts/{account}/deactivate", tag = "services",
    params(("account" = String, Path)), request_body = Because,
    responses((status = 200, body = AccountBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
pub(super) async fn deactivate_account(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(account): Path<String>,
    Json(why): Json<Because>,
) -> Result<Json<AccountBody>, ApiError> {
    let view = app.revoke_account(&asking, &account_id(&account)?, &why.reason).await?;
    Ok(Json(AccountBody::of(&view)))
}

/// Agree to the terms of service for an ACME account that was registered under others.
#[utoipa::path(post, path = "/accounts/{account}/agree", tag = "services",
    params(("account" = String, Path)), request_body = AgreeBody,
    responses((status = 200, body = AccountBody), (status = 404, body = ErrorBody)))]
pub(super) async fn agree(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(account): Path<String>,
    Json(wish): Json<AgreeBody>,
) -> Result<Json<AccountBody>, ApiError> {
    let view = app.agree_for_account(&asking, &account_id(&account)?, &wish.terms).await?;
    Ok(Json(AccountBody::of(&view)))
}

/// The standing validation records you may see (dns-persist-01), by name: whom each serves, since
/// when, until when.
#[utoipa::path(get, path = "/standing-records", tag = "services", params(ListParams),
    operation_id = "list_standing_records",
    responses((status = 200, body = PageOf<StandingBody>), (status = 404, body = ErrorBody)))]
pub(super) async fn standing_records(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<PageOf<StandingBody>>, ApiError> {
    Ok(Json(standing_page(&app, &asking, &params).await?))
}
