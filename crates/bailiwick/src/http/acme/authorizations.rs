//! Authorizations and challenges (RFC 8555, section 7.5).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bailiwick_core::gate::{Account, Authorization, AuthorizationStatus, ChallengeStatus};
use bailiwick_core::names::{AuthzId, ChallengeId};
use bailiwick_wire::acme::{self, AuthorizationRequest, ChallengeAnswer, Deactivation};

use super::Acme;
use super::answer::Answer;
use super::denied::Denied;
use super::path::Path;
use super::transport::Payload;
use crate::app::{AuthorizationAnswer, challenge_of};

/// When a client should look at a name that is being validated again.
const RETRY_SECONDS: u32 = 1;

pub(super) async fn authorization(
    State(acme): State<Arc<Acme>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    acme.respond(try_authorization(&acme, &id, request).await)
}

async fn try_authorization(acme: &Acme, id: &str, request: Request) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    let missing = || Denied::missing("authorization");
    let id = AuthzId::parse(id).map_err(|_| missing())?;
    let found = match &signed.payload {
        Payload::Empty => acme.app.authorization_of(&signed.account, &id).await?,
        Payload::Object(octets) => {
            let Deactivation = Deactivation::parse(octets)?;
            acme.app.deactivate_authorization(&signed.account, &id).await?
        }
    };
    let found = found.ok_or_else(missing)?;
    shown(acme, &signed.account, &found).await
}

async fn shown(acme: &Acme, account: &Account, authz: &Authorization) -> Result<Answer, Denied> {
    let issuers = acme.app.standing_issuers(account, authz).await?;
    let answer = Answer::json(acme::authorization(&acme.urls, authz, &issuers));
    Ok(answer.retry_after(retry(authz)))
}

pub(super) async fn create(State(acme): State<Arc<Acme>>, request: Request) -> Response {
    acme.respond(try_create(&acme, request).await)
}

async fn try_create(acme: &Acme, request: Request) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    let name = AuthorizationRequest::parse(signed.payload.object()?)?.name()?;
    acme.app.may_order(&signed.account).await?.map_err(|limited| acme.limited(limited))?;
    acme.terms_agreed(&signed.account).await?;
    match acme.app.new_authorization(&signed.account, name).await? {
        AuthorizationAnswer::Made(authz) => Ok(shown(acme, &signed.account, &authz)
            .await?
            .created_at(acme.urls.authorization(&authz.id))),
        AuthorizationAnswer::Known(authz) => {
            Ok(shown(acme, &signed.account, &authz).await?.at(acme.urls.authorization(&authz.id)))
        }
        AuthorizationAnswer::Refused(problem) => Err(problem.into()),
    }
}

pub(super) async fn challenge(
    State(acme): State<Arc<Acme>>,
    Path((authorization, id)): Path<(String, String)>,
    request: Request,
) -> Response {
    acme.respond(try_challenge(&acme, &authorization, &id, request).await)
}

async fn try_challenge(
    acme: &Acme,
    authorization: &str,
    id: &str,
    request: Request,
) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    let missing = || Denied::missing("challenge");
    let authorization = AuthzId::parse(authorization).map_err(|_| missing())?;
    let id = ChallengeId::parse(id).map_err(|_| missing())?;
    let found = match &signed.payload {
        Payload::Empty => acme.app.authorization_of(&signed.account, &authorization).await?,
        Payload::Object(octets) => {
            let ChallengeAnswer = ChallengeAnswer::parse(octets)?;
            acme.app.may_try(&signed.account).await?.map_err(|limited| acme.limited(limited))?;
            acme.app.answer_challenge(&signed.account, &authorization, &id).await?
        }
    };
    let found = found.ok_or_else(missing)?;
    let challenge = challenge_of(&found, &id).ok_or_else(missing)?;
    let issuers = acme.app.standing_issuers(&signed.account, &found).await?;
    // Clients find the way back by `up`, and fail without it.
    Ok(Answer::json(acme::challenge(&acme.urls, &found, challenge, &issuers))
        .link(acme.urls.authorization(&found.id), "up")
        .retry_after(retry(&found)))
}

/// While a challenge is being looked at, its client should ask again soon (section 8.2).
fn retry(authz: &Authorization) -> Option<u32> {
    let looked_at = authz.status == AuthorizationStatus::Pending
        && authz.challenges.iter().any(|one| one.status == ChallengeStatus::Processing);
    looked_at.then_some(RETRY_SECONDS)
}
