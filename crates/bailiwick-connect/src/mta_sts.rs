//! The policy body of MTA-STS as an endpoint serves it (RFC 8461, section 3.3).

use std::net::SocketAddr;

use bailiwick_core::names::DnsName;
use bailiwick_wire::mta_sts::{BadMtaSts, MtaSts};
use tokio::time::timeout;

use crate::egress::{
    Answer, Call, Exchange, Fence, Limits, Method, NoAnswer, Target, Trust, Web, exchange,
};

/// The media type of a body (RFC 8461, section 3.2).
const ACCEPTED: &str = "text/plain";

/// An endpoint serves no policy that senders of mail would take.
#[derive(Debug, thiserror::Error)]
pub enum NoPolicy {
    /// Nobody answers.
    #[error("{0}")]
    NoAnswer(#[from] NoAnswer),
    /// Something else than a body came; a redirect is one too (RFC 8461, section 3.3).
    #[error("the answer has status {0}; it has to be 200, and nobody follows a redirect")]
    Status(u16),
    /// It is called something else.
    #[error("its media type is `{0}`; it has to be `text/plain`")]
    MediaType(String),
    /// It is no policy.
    #[error("{0}")]
    Body(#[from] BadMtaSts),
}

/// The policy that the server at `at` serves for the host `name` (`mta-sts.` and the domain). Whose
/// certificate it shows is not asked here.
///
/// # Errors
/// [`NoPolicy`].
pub async fn policy(
    fence: &Fence,
    limits: &Limits,
    name: &DnsName,
    at: SocketAddr,
) -> Result<MtaSts, NoPolicy> {
    let permit = fence.permit(at).map_err(NoAnswer::Fenced)?;
    let url = format!("https://{name}:{}/.well-known/mta-sts.txt", at.port());
    let target = Target::parse(&url).map_err(|cause| NoAnswer::Http(cause.to_string()))?;
    let trust = Trust::anybody().map_err(|cause| NoAnswer::Tls(cause.to_string()))?;
    let one = Exchange {
        permit,
        method: Method::Get,
        target: &target,
        body: None,
        credential: None,
        accept: ACCEPTED,
        trust: &trust,
        failures_read: false,
    };
    let answer = timeout(limits.whole_timeout, exchange(&one, limits))
        .await
        .unwrap_or(Err(NoAnswer::AnswerTimeout(limits.whole_timeout)))?;
    read(&answer)
}

/// The policy that is served behind a URL, as `web` finds its host; whose certificate is shown is not
/// asked.
///
/// # Errors
/// [`NoPolicy`].
pub async fn policy_behind(web: &dyn Web, target: Target) -> Result<MtaSts, NoPolicy> {
    let trust = Trust::anybody().map_err(|cause| NoAnswer::Tls(cause.to_string()))?;
    let call =
        Call { method: Method::Get, target, body: None, credential: None, accept: ACCEPTED, trust };
    read(&web.call(call).await?)
}

fn read(answer: &Answer) -> Result<MtaSts, NoPolicy> {
    if answer.status != 200 {
        return Err(NoPolicy::Status(answer.status));
    }
    let kind = answer.field("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(ACCEPTED) {
        let shown = kind.chars().filter(char::is_ascii_graphic).take(64).collect();
        return Err(NoPolicy::MediaType(shown));
    }
    Ok(MtaSts::read(&answer.body)?)
}
