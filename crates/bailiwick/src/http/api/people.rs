//! Who asks, sign-in links, tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::names::{PersonId, ServiceId, TokenId};
use bailiwick_core::policy::{Access, ResourceKind};
use bailiwick_core::time::HOUR_MS;

use super::bodies::{ExchangeLink, FreshLink, FreshTokenBody, Me, NewToken, TokenBody};
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::{Json, Path};
use crate::app::{App, Scope, TokenWish};
use crate::fault::Fault;

/// Who you are.
#[utoipa::path(get, path = "/me", tag = "people", responses((status = 200, body = Me)))]
pub(super) async fn me(State(app): State<Arc<App>>, Caller(asking): Caller) -> Json<Me> {
    let live = app.live.get();
    let person = &asking.by.person;
    Json(Me {
        person: person.to_string(),
        name: live.estate().people.get(person).map(|one| one.name.clone()),
        teams: live.estate().teams_at(person, app.now()).iter().map(ToString::to_string).collect(),
        through: asking.by.chain.iter().map(ToString::to_string).collect(),
        administrator: live.estate().organisation.administrators.contains(person),
    })
}

/// Make a one-time sign-in link for a person. You stand behind that sign-in: neither of you can
/// approve what the other requests until they sign in another way.
#[utoipa::path(post, path = "/people/{person}/link", tag = "people",
    params(("person" = String, Path)),
    responses((status = 201, body = FreshLink), (status = 403, body = ErrorBody)))]
pub(super) async fn make_link(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(person): Path<String>,
) -> Result<(StatusCode, Json<FreshLink>), ApiError> {
    app.permit(&asking, Access::Administer, &Scope::Organisation)?;
    let person = PersonId::parse(&person).map_err(|cause| Fault::input("person", cause))?;
    let link = app.make_link(&Actor::Person(asking.by.clone()), &person).await?;
    let body = FreshLink { url: link.url, expires_at: link.expires_at.to_string() };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Spend a one-time sign-in link for a token of your own, for the command line.
#[utoipa::path(post, path = "/sign-in", tag = "people", request_body = ExchangeLink, security(()),
    responses((status = 201, body = FreshTokenBody), (status = 403, body = ErrorBody)))]
pub(super) async fn exchange_link(
    State(app): State<Arc<App>>,
    Json(body): Json<ExchangeLink>,
) -> Result<(StatusCode, Json<FreshTokenBody>), ApiError> {
    let secret = body.link.rsplit('/').next().unwrap_or_default();
    let session = app.use_link(secret).await?;
    let asking = app.session(&session.secret).await?;
    let asking = asking.ok_or_else(|| Fault::bug("a session vanished"))?;
    let all: BTreeSet<Access> = Access::ALL.iter().copied().collect();
    let token = app
        .make_token(
            &Actor::Person(asking.by.clone()),
            &asking.by,
            &TokenWish {
                allows: &all,
                services: None,
                lifetime_ms: session.expires_at.ms_since(app.now()),
                purpose: "bailiwick login",
                made_with: None,
            },
        )
        .await?;
    app.sign_out(&asking).await?;
    Ok((StatusCode::CREATED, Json(FreshTokenBody::of(token))))
}

/// Make a token that can do no more than you, for a limited time. One that is made with a token ends with it
/// at the latest, and is revoked with it.
#[utoipa::path(post, path = "/tokens", tag = "people", request_body = NewToken,
    responses((status = 201, body = FreshTokenBody), (status = 400, body = ErrorBody)))]
pub(super) async fn make_token(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Json(body): Json<NewToken>,
) -> Result<(StatusCode, Json<FreshTokenBody>), ApiError> {
    let holder = asking.by.person.clone();
    app.permit(&asking, Access::Administer, &Scope::Person(ResourceKind::Token, holder))?;
    let allows: BTreeSet<Access> = body
        .scopes
        .iter()
        .map(|word| {
            Access::parse(word).ok_or_else(|| {
                Fault::input("scopes", "use read, request, approve, revoke or administer")
            })
        })
        .collect::<Result<_, _>>()?;
    let services: Option<BTreeSet<ServiceId>> = match &body.services {
        Some(ids) => Some(
            ids.iter()
                .map(|id| ServiceId::parse(id).map_err(|cause| Fault::input("services", cause)))
                .collect::<Result<_, _>>()?,
        ),
        None => None,
    };
    // A token made with a token only shrinks.
    if let Some(own) = &asking.token {
        let wider = !allows.is_subset(&own.allows)
            || own
                .services
                .as_ref()
                .is_some_and(|mine| services.as_ref().is_none_or(|wanted| !wanted.is_subset(mine)));
        if wider {
            return Err(ApiError(Fault::NotAllowed {
                rule: "tokens-shrink".to_owned(),
                message: "a token can only make narrower tokens; sign in to make a wider one"
                    .to_owned(),
            }));
        }
    }
    let holder: &SignedIn = &asking.by;
    let by = Actor::Person(asking.by.clone());
    let wish = TokenWish {
        allows: &allows,
        services: services.as_ref(),
        lifetime_ms: i64::from(body.hours).saturating_mul(HOUR_MS),
        purpose: &body.purpose,
        made_with: asking.token.as_ref(),
    };
    let token = app.make_token(&by, holder, &wish).await?;
    Ok((StatusCode::CREATED, Json(FreshTokenBody::of(token))))
}

/// Your tokens that are not over.
#[utoipa::path(get, path = "/tokens", tag = "people", responses((status = 200, body = [TokenBody])))]
pub(super) async fn list_tokens(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
) -> Result<Json<Vec<TokenBody>>, ApiError> {
    let all = app.tokens_of(&asking.by.person).await?;
    Ok(Json(all.into_iter().map(TokenBody::of).collect()))
}

/// Revoke a token, yours or (as an administrator) anybody's.
#[utoipa::path(delete, path = "/tokens/{token}", tag = "people", params(("token" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
pub(super) async fn revoke_token(
    State(app): State<Arc<App>>,
    Caller(asking): Caller,
    Path(token): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = TokenId::parse(&token).map_err(|cause| Fault::input("token", cause))?;
    app.revoke_token(&asking, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
