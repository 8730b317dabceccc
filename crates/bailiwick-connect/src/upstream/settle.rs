//! What came of an order whose change turns back: nothing, certificates that nobody may get, or
//! something that only a person can find out.

use bailiwick_wire::acme_client::{OrderSeen, ProblemSeen, Status};

use super::client::AcmeClient;
use super::journal::{Finalized, Journal, NotKept, Past};
use super::order::{Work, download, keep_shown};

/// Error types with which a CA says that it has not issued, and why (RFC 8555, section 6.7).
/// Anything else, `serverInternal` before all, may have happened after it signed.
const HAS_NOT_ISSUED: &[&str] = &[
    "accountDoesNotExist",
    "badCSR",
    "badPublicKey",
    "caa",
    "connection",
    "dns",
    "externalAccountRequired",
    "incorrectResponse",
    "malformed",
    "orderNotReady",
    "rateLimited",
    "rejectedIdentifier",
    "tls",
    "unauthorized",
    "unsupportedIdentifier",
    "userActionRequired",
];

/// What came of an order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Came {
    /// No certificate.
    Nothing,
    /// These, DER.
    Certificates(Vec<Vec<u8>>),
    /// It is not over, or the CA cannot be asked.
    NotYet(String),
    /// The CA contradicts itself, or does not say.
    Unclear(String),
}

/// Finds out what came of an order. Where it was never finalized nothing can have, and the CA is not
/// asked.
///
/// # Errors
/// [`NotKept`].
pub async fn what_came(
    client: &AcmeClient<'_>,
    journal: &dyn Journal,
    work: &Work<'_>,
) -> Result<Came, NotKept> {
    let mut past = journal.past().await?;
    let Some(url) = past.url.clone().filter(|_| past.may_have_issued()) else {
        return Ok(Came::Nothing);
    };
    let order = match client.get(&url).await {
        Ok(answer) => OrderSeen::read(&answer.body).map_err(|cause| cause.to_string()),
        Err(trouble) => Err(trouble.to_string()),
    };
    let order = match order {
        Ok(order) => order,
        Err(why) => {
            let why = format!("order `{url}` cannot be looked at: {why}");
            return Ok(known(past, Came::NotYet(why)));
        }
    };
    let mut not_shown = None;
    if order.status == Status::Valid || order.certificate.is_some() {
        match download(client, &order).await {
            Ok(chain) => keep_shown(journal, work, &chain, &mut past.shown).await?,
            Err(why) => not_shown = Some(format!("the certificate of order `{url}`: {why}")),
        }
    }
    let otherwise = match (not_shown, order.status) {
        (Some(why), _) => Came::NotYet(why),
        (None, Status::Valid | Status::Processing) => Came::NotYet("the CA still signs".to_owned()),
        (None, Status::Over) => ended(&past, &url, order.error.as_ref()),
        (None, Status::Pending | Status::Ready) => waits_for_us(&past, &url),
    };
    Ok(known(past, otherwise))
}

/// What was shown once is certain, whatever the CA says now.
fn known(past: Past, otherwise: Came) -> Came {
    if past.shown.is_empty() { otherwise } else { Came::Certificates(past.shown) }
}

fn ended(past: &Past, url: &str, error: Option<&ProblemSeen>) -> Came {
    let kind = error.map_or("", |error| error.kind.as_str());
    if past.said_valid {
        return Came::Unclear(format!("the CA said that order `{url}` is valid and then ended it"));
    }
    if HAS_NOT_ISSUED.contains(&kind) {
        return Came::Nothing;
    }
    let says = error.map(ToString::to_string).unwrap_or_default();
    Came::Unclear(format!(
        "the CA ended order `{url}` after finalize and does not say that it has not issued ({says}); look for a certificate in the transparency logs"
    ))
}

fn waits_for_us(past: &Past, url: &str) -> Came {
    if past.said_valid {
        return Came::Unclear(format!("the CA said that order `{url}` is valid and took it back"));
    }
    match past.finalized {
        Finalized::JustNow => Came::NotYet("the CA may still act on finalize".to_owned()),
        Finalized::Never | Finalized::Refused => Came::Nothing,
        Finalized::Perhaps | Finalized::Taken => Came::Unclear(format!(
            "order `{url}` was finalized and the CA shows it as not; ask the CA, or look for a certificate in the transparency logs"
        )),
    }
}
