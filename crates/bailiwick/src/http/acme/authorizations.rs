//! Authorizations and challenges (RFC 8555, section 7.5).

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use bailiwick_core::gate::{Authorization, AuthorizationStatus, ChallengeStatus};
use bailiwick_core::names::{AuthzId, ChallengeId};
use bailiwick_wire::acme::{self, ChallengeAnswer, Deactivation};

use super::Acme;
use super::answer::Answer;
use super::denied::Denied;
use super::transport::Payload;
use crate::app::challenge_of;

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
    let answer = Answer::json(acme::authorization(&acme.urls, &found));
    Ok(answer.retry_after(retry(&found)))
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
            acme.app.answer_challenge(&signed.account, &authorization, &id).await?
        }
    };
    let found = found.ok_or_else(missing)?;
    let challenge = challenge_of(&found, &id).ok_or_else(missing)?;
    // Clients find the way back by `up`, and fail without it.
    Ok(Answer::json(acme::challenge(&acme.urls, &found, challenge))
        .link(acme.urls.authorization(&found.id), "up")
        .retry_after(retry(&found)))
}

/// While a challenge is being looked at, its client should ask again soon (section 8.2).
fn retry(authz: &Authorization) -> Option<u32> {
    let looked_at = authz.status == AuthorizationStatus::Pending
        && authz.challenges.iter().any(|one| one.status == ChallengeStatus::Processing);
    looked_at.then_some(RETRY_SECONDS)
}
