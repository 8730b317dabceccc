//! Certificates: fetched and revoked (RFC 8555, sections 7.4.2 and 7.6).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use bailiwick_core::certificate::RevocationReason;
use bailiwick_core::gate::ProblemKind;
use bailiwick_core::names::CertFingerprint;
use bailiwick_wire::acme::RevokeRequest;

use super::Acme;
use super::answer::Answer;
use super::denied::Denied;
use super::path::Path;
use super::transport::Signer;
use crate::app::RevokeAnswer;

pub(super) async fn certificate(
    State(acme): State<Arc<Acme>>,
    Path(fingerprint): Path<String>,
    request: Request,
) -> Response {
    acme.respond(try_certificate(&acme, &fingerprint, 0, request).await)
}

/// The same certificate with another chain (section 7.4.2).
pub(super) async fn alternate(
    State(acme): State<Arc<Acme>>,
    Path((fingerprint, chain)): Path<(String, String)>,
    request: Request,
) -> Response {
    // Chain 0 has a URL of its own, and nothing has two.
    let chain = chain.parse().ok().filter(|chain| *chain > 0).unwrap_or(usize::MAX);
    acme.respond(try_certificate(&acme, &fingerprint, chain, request).await)
}

async fn try_certificate(
    acme: &Acme,
    text: &str,
    chain: usize,
    request: Request,
) -> Result<Answer, Denied> {
    let signed = acme.signed_by_account(request).await?;
    signed.payload.empty()?;
    let missing = || Denied::missing("certificate");
    let fingerprint = CertFingerprint::parse(text).map_err(|_| missing())?;
    let known =
        acme.app.store.certificate(&fingerprint).await.map_err(crate::fault::Fault::from)?;
    let own = known.filter(|known| known.account.as_ref() == Some(&signed.account.id));
    let own = own.ok_or_else(missing)?;
    let chains = acme.app.certificate_chains(&own).await?;
    let (mut asked, mut others) = (None, Vec::new());
    for (number, pem) in chains.into_iter().enumerate() {
        if number == chain {
            asked = Some(pem);
            continue;
        }
        others.push(match number {
            0 => acme.urls.certificate(&own.fingerprint),
            other => acme.urls.alternate(&own.fingerprint, other),
        });
    }
    let answer = Answer::chain(asked.ok_or_else(missing)?);
    Ok(others.into_iter().fold(answer, |answer, url| answer.link(url, "alternate")))
}

pub(super) async fn revoke(State(acme): State<Arc<Acme>>, request: Request) -> Response {
    acme.respond(try_revoke(&acme, request).await)
}

async fn try_revoke(acme: &Acme, request: Request) -> Result<Answer, Denied> {
    let (signer, payload) = acme.signed_by_anybody(request).await?;
    let wanted = RevokeRequest::parse(payload.object()?)?;
    let reason = reason(wanted.reason)?;
    let answer = match &signer {
        Signer::Account(account) => {
            acme.app.revoke_as_account(account, &wanted.certificate, reason).await?
        }
        Signer::Key(key) => {
            acme.app.revoke_with_key(key.spki_hash(), &wanted.certificate, reason).await?
        }
    };
    match answer {
        RevokeAnswer::Revoked => Ok(Answer::nothing()),
        RevokeAnswer::Refused(problem) => Err(problem.into()),
    }
}

/// The reason, if a client may give it: not those that only a CA can know (RFC 5280, section 5.3.1).
fn reason(number: Option<i64>) -> Result<RevocationReason, Denied> {
    let Some(number) = number else { return Ok(RevocationReason::Unspecified) };
    u8::try_from(number).ok().and_then(RevocationReason::from_code).ok_or_else(|| {
        let may = RevocationReason::ALL.map(|reason| reason.code().to_string()).join(", ");
        let detail = format!("this reason cannot be given; use one of {may}");
        Denied::new(ProblemKind::BadRevocationReason, detail)
    })
}
