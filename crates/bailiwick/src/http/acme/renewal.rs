//! renewalInfo: asked by anybody, cached by whoever wants (RFC 9773, section 4).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bailiwick_wire::acme;
use bailiwick_wire::x509::AriId;

use super::Acme;
use super::answer::Answer;
use super::denied::Denied;
use super::path::Path;

/// How long an answer may be kept: a window that is pulled forward is seen a minute later.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=60");

pub(super) async fn show(
    State(acme): State<Arc<Acme>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let shown = match acme.admit(request.extensions()) {
        Ok(()) => try_show(&acme, &id).await,
        Err(denied) => Err(denied),
    };
    match shown {
        Ok(answer) => {
            let mut response = acme.respond(Ok(answer));
            let headers = response.headers_mut();
            // A nonce must not be cached (RFC 8555, section 6.5.1), and nobody needs one for this.
            headers.remove("replay-nonce");
            headers.insert(header::CACHE_CONTROL, CACHED);
            response
        }
        Err(denied) => acme.respond(Err(denied)),
    }
}

async fn try_show(acme: &Acme, id: &str) -> Result<Answer, Denied> {
    let id = AriId::parse(id).map_err(|cause| Denied::malformed(cause.to_string()))?;
    let info = acme.app.renewal_info(&id).await?;
    let info = info.ok_or_else(|| {
        Denied::malformed("no certificate of this server has that name").with_status(404)
    })?;
    let (window, explanation) = (info.window, info.explanation);
    Ok(Answer::json(acme::renewal_info(window.start, window.end, explanation))
        .retry_after(Some(window.retry_after_seconds)))
}
