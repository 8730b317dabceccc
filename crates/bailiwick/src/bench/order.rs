//! One order from newOrder to the checked certificate (RFC 8555, section 7.4).

use std::time::Duration;

use bailiwick_core::certificate::NameSeen;
use bailiwick_core::names::{SanName, SpkiHash};
use bailiwick_wire::x509::{read_certificate, read_chain};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::LOCATION;
use serde_json::{Value, json};

use super::client::{Account, Answer};
use super::csr::Request;
use super::fault::NotMeasured;
use super::responder::Responder;

/// Pauses between two looks at something that is being validated or issued: short at first, because
/// on one machine it takes milliseconds, and longer each time, so that looking is not the load.
const PAUSE_FIRST: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// Looks at most: more than ten seconds of them.
const LOOKS_MAX: u32 = 250;
/// Times at most that an order is finalized again because it is not ready yet.
const EARLY_MAX: u32 = 50;

/// Gets one certificate for one fresh name over http-01, and checks it. Says how often the server
/// took the order for unready although every authorization was valid.
pub(super) async fn order(
    account: &mut Account,
    responder: &Responder,
    name: &str,
) -> Result<u32, NotMeasured> {
    let wish = json!({ "identifiers": [{ "type": "dns", "value": name }] });
    let placed = account.new_order(&wish).await?;
    let url = placed.header(&LOCATION)?;
    let order = placed.json()?;
    for authorization in order.get("authorizations").and_then(Value::as_array).into_iter().flatten()
    {
        let authorization = authorization.as_str().ok_or_else(|| placed.unexpected())?;
        authorize(account, responder, authorization).await?;
    }
    let request = Request::fresh(name)?;
    let wish = json!({ "csr": URL_SAFE_NO_PAD.encode(&request.der) }).to_string();
    let finalize = text(&placed, &order, "finalize")?;
    let (finalized, early) = finalized(account, &finalize, &wish).await?;
    let finished = until_valid(account, "the order", &url, finalized).await?;
    let certificate = text(&finished, &finished.json()?, "certificate")?;
    let chain = account.post("certificate", &certificate, "").await?;
    check(&chain.text, name, &request.key)?;
    Ok(early)
}

/// Finalizes; again after a moment where the order is said not to be ready yet.
async fn finalized(
    account: &mut Account,
    url: &str,
    wish: &str,
) -> Result<(Answer, u32), NotMeasured> {
    for early in 0..EARLY_MAX {
        match account.post("finalize", url, wish).await {
            Ok(answer) => return Ok((answer, early)),
            Err(NotMeasured::Answer { said, .. }) if said.contains("error:orderNotReady") => {
                tokio::time::sleep(PAUSE_FIRST).await;
            }
            Err(other) => return Err(other),
        }
    }
    Err(NotMeasured::TooLong { what: "an order that should be ready" })
}

async fn authorize(
    account: &mut Account,
    responder: &Responder,
    url: &str,
) -> Result<(), NotMeasured> {
    let answer = account.post("authorization", url, "").await?;
    let authorization = answer.json()?;
    let challenges = authorization.get("challenges").and_then(Value::as_array);
    let is_http = |one: &&Value| one.get("type").and_then(Value::as_str) == Some("http-01");
    let challenge = challenges.and_then(|all| all.iter().find(is_http));
    let challenge = challenge.ok_or_else(|| answer.unexpected())?;
    let token = text(&answer, challenge, "token")?;
    responder.put(&token, account.key_authorization(&token));
    account.post("challenge", &text(&answer, challenge, "url")?, "{}").await?;
    let first = account.post("authorization", url, "").await?;
    until_valid(account, "the authorization", url, first).await?;
    responder.take(&token);
    Ok(())
}

/// Looks again until it is `valid`.
async fn until_valid(
    account: &mut Account,
    step: &'static str,
    url: &str,
    first: Answer,
) -> Result<Answer, NotMeasured> {
    let (mut answer, mut pause) = (first, PAUSE_FIRST);
    for _ in 0..LOOKS_MAX {
        match text(&answer, &answer.json()?, "status")?.as_str() {
            "valid" => return Ok(answer),
            "pending" | "processing" | "ready" => {}
            _ => return Err(answer.unexpected()),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(PAUSE_MAX);
        answer = account.post(step, url, "").await?;
    }
    Err(NotMeasured::TooLong { what: step })
}

fn text(answer: &Answer, value: &Value, field: &str) -> Result<String, NotMeasured> {
    let text = value.get(field).and_then(Value::as_str).map(str::to_owned);
    text.ok_or_else(|| answer.unexpected())
}

/// The certificate has exactly this name and this key, and its issuer's certificate comes with it.
fn check(pem: &str, name: &str, key: &SpkiHash) -> Result<(), NotMeasured> {
    let wrong = |came: String| NotMeasured::Wrong { what: "a certificate", came };
    let chain = read_chain(pem.as_bytes()).map_err(|cause| wrong(cause.to_string()))?;
    let [leaf, _, ..] = chain.as_slice() else {
        return Err(wrong(format!("a chain of {}", chain.len())));
    };
    let leaf = read_certificate(leaf).map_err(|cause| wrong(cause.to_string()))?;
    let asked = SanName::parse(name).map_err(|cause| wrong(cause.to_string()))?;
    if leaf.names == [NameSeen::Dns(asked)] && leaf.key == *key {
        Ok(())
    } else {
        Err(wrong(format!("names {:?} and key {} for `{name}`", leaf.names, leaf.key)))
    }
}
