//! http-01: a file under the name or address, fetched on port 80 (RFC 8555, section 8.3; RFC 8738,
//! section 4).

use std::net::{IpAddr, SocketAddr};

use bailiwick_core::names::AcmeIdentifier;
use tokio::time::timeout;

use super::{Failed, FailureKind, Seen, Validator, shown};
use crate::egress::{
    ADDRESSES_MAX, Answer, Exchange, Host, Method, NoAnswer, Scheme, Target, Trust, exchange,
};

/// Redirects followed (threat T10; browsers follow twenty).
const REDIRECTS_MAX: usize = 10;

impl Validator {
    /// Looks for the key authorization at the well-known place of `name`.
    ///
    /// # Errors
    /// [`Failed`] with what was seen instead.
    pub async fn http01(
        &self,
        name: &AcmeIdentifier,
        token: &str,
        key_authorization: &str,
    ) -> Result<Seen, Failed> {
        let mut seen_at = Vec::new();
        let path = format!("/.well-known/acme-challenge/{token}");
        let chain = self.chain(name, path, key_authorization, &mut seen_at);
        let result = timeout(self.limits.whole_timeout, chain).await.unwrap_or_else(|_| {
            let saw = format!("no whole answer within {:?}", self.limits.whole_timeout);
            Err((FailureKind::Connection, saw))
        });
        match result {
            Ok(()) => Ok(Seen { at: seen_at, standing: None }),
            Err((kind, saw)) => Err(Failed { kind, saw, seen_at }),
        }
    }

    /// Follows redirects from the well-known place to the key authorization.
    async fn chain(
        &self,
        name: &AcmeIdentifier,
        path: String,
        key_authorization: &str,
        seen_at: &mut Vec<String>,
    ) -> Result<(), (FailureKind, String)> {
        let mut place = Target::of(Scheme::Http, name, self.http_port, path);
        for _ in 0..=REDIRECTS_MAX {
            let answer = self.visit(&place, seen_at).await?;
            if answer.status == 200 {
                return judge(&place, &answer.body, key_authorization)
                    .map_err(|saw| (FailureKind::IncorrectResponse, saw));
            }
            let Some(target) = redirect(&answer) else {
                let saw = format!("{} answered with status {}", url(&place), answer.status);
                return Err((FailureKind::IncorrectResponse, saw));
            };
            place = self.follow(&place, target).map_err(|saw| (FailureKind::Connection, saw))?;
        }
        let saw = format!("more than {REDIRECTS_MAX} redirects, the last to {}", url(&place));
        Err((FailureKind::Connection, saw))
    }

    /// Asks the addresses of a place, one after the other, until one answers.
    async fn visit(
        &self,
        place: &Target,
        seen_at: &mut Vec<String>,
    ) -> Result<Answer, (FailureKind, String)> {
        let addresses = self.addresses_of(place.host()).await?;
        let trust =
            Trust::anybody().map_err(|cause| (FailureKind::Connection, cause.to_string()))?;
        let mut last = None;
        for address in addresses.into_iter().take(ADDRESSES_MAX) {
            let to = SocketAddr::new(address, place.port());
            let permit = match self.fence.permit(to) {
                Ok(permit) => permit,
                Err(fenced) => {
                    let saw = format!("`{}`: {fenced}", place.host());
                    last.get_or_insert((FailureKind::Connection, saw));
                    continue;
                }
            };
            seen_at.push(format!("{} at {to}", url(place)));
            let one = Exchange {
                permit,
                method: Method::Get,
                target: place,
                body: None,
                credential: None,
                accept: "*/*",
                trust: &trust,
                // A redirect or an error is not read further.
                failures_read: false,
            };
            match exchange(&one, &self.limits).await {
                Ok(answer) => return Ok(answer),
                Err(cause) => {
                    last = Some((kind_of(&cause), format!("{} at {to}: {cause}", url(place))));
                }
            }
        }
        Err(last.unwrap_or_else(|| {
            (
                FailureKind::Dns,
                format!("`{}` has no address; publish an A or AAAA record", place.host()),
            )
        }))
    }

    /// Where a redirect leads, if we go there.
    fn follow(&self, from: &Target, target: &str) -> Result<Target, String> {
        let refused = |why: &str| format!("{} redirects to `{}`: {why}", url(from), shown(target));
        let to = from.join(target).map_err(|bad| refused(&bad.to_string()))?;
        let Host::Name(_) = to.host() else {
            return Err(refused("only a DNS name is followed, not an address"));
        };
        if ![80, 443, self.http_port].contains(&to.port()) {
            return Err(refused("only the ports 80 and 443 are followed"));
        }
        Ok(to)
    }

    async fn addresses_of(&self, host: &Host) -> Result<Vec<IpAddr>, (FailureKind, String)> {
        let name = match host {
            Host::Name(name) => name,
            Host::Address(address) => return Ok(vec![*address]),
        };
        self.dns
            .addresses(&self.view, name)
            .await
            .map_err(|cause| (FailureKind::Dns, format!("`{name}`: {cause}")))
    }
}

/// A place as people are shown it.
fn url(place: &Target) -> String {
    shown(&place.to_string())
}

fn redirect(answer: &Answer) -> Option<&str> {
    matches!(answer.status, 301 | 302 | 303 | 307 | 308).then(|| answer.field("location")).flatten()
}

/// Whether the body is the key authorization; white space after it is the file's, not ours (RFC
/// 8555, section 8.3: ignore it).
fn judge(place: &Target, body: &[u8], key_authorization: &str) -> Result<(), String> {
    if body.trim_ascii_end() == key_authorization.as_bytes() {
        return Ok(());
    }
    let found = shown(&String::from_utf8_lossy(body));
    Err(format!(
        "{} holds `{found}` and not the key authorization `{key_authorization}`; let the ACME client that ordered answer there",
        url(place)
    ))
}

const fn kind_of(cause: &NoAnswer) -> FailureKind {
    match cause {
        NoAnswer::Tls(_) => FailureKind::Tls,
        NoAnswer::Dns(_) | NoAnswer::NoAddress => FailureKind::Dns,
        NoAnswer::Fenced(_)
        | NoAnswer::ConnectTimeout(_)
        | NoAnswer::Connect(_)
        | NoAnswer::AnswerTimeout(_)
        | NoAnswer::Http(_)
        | NoAnswer::TooLong => FailureKind::Connection,
    }
}
