//! A small ACME client (RFC 8555): signed requests, an account bound by a credential.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use bailiwick_core::certificate::KeyKind;
use bailiwick_wire::jose::Jwk;
use bailiwick_wire::x509::PublicKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION};
use serde_json::{Value, json};

use super::fault::NotMeasured;

/// A request without an answer for so long fails.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How often a request is sent again because its nonce was not accepted (section 6.5).
const NONCES_MAX: u32 = 5;
/// Characters of an unexpected answer that are shown.
const SHOWN_MAX: usize = 600;
const NONCE: HeaderName = HeaderName::from_static("replay-nonce");

/// Where the server is, and how it is reached. Cheap to clone.
#[derive(Clone)]
pub(super) struct Acme {
    http: reqwest::Client,
    directory: Arc<Value>,
}

/// A credential for one account (section 7.3.4).
pub(super) struct Binding {
    /// The key's id.
    pub(super) kid: String,
    /// The MAC key, base64url.
    pub(super) hmac_key: String,
}

/// An answer.
pub(super) struct Answer {
    headers: HeaderMap,
    /// The body.
    pub(super) text: String,
    step: &'static str,
}

/// An account: it signs one request after the other.
pub(super) struct Account {
    acme: Acme,
    key: EcdsaKeyPair,
    jwk: Jwk,
    url: Option<String>,
    nonce: Option<String>,
}

/// An HTTP client that trusts one CA, for `localhost` at one address.
pub(super) fn http(
    trust_pem: &[u8],
    address: std::net::SocketAddr,
) -> Result<reqwest::Client, NotMeasured> {
    let step = "the TLS configuration";
    let failed = |cause| NotMeasured::NoAnswer { step, cause };
    let root = reqwest::Certificate::from_pem(trust_pem).map_err(failed)?;
    reqwest::Client::builder()
        .tls_certs_only([root])
        .resolve("localhost", address)
        .no_proxy()
        .timeout(ANSWER_WITHIN)
        .build()
        .map_err(failed)
}

impl Acme {
    /// Reads the directory.
    pub(super) async fn open(http: reqwest::Client, directory: &str) -> Result<Self, NotMeasured> {
        let answer = read("the directory", http.get(directory)).await?;
        Ok(Self { http, directory: Arc::new(answer.json()?) })
    }

    fn place(&self, name: &'static str) -> Result<&str, NotMeasured> {
        self.directory.get(name).and_then(Value::as_str).ok_or_else(|| NotMeasured::Answer {
            step: "the directory",
            said: format!("without `{name}`"),
        })
    }

    async fn nonce(&self) -> Result<String, NotMeasured> {
        let url = self.place("newNonce")?;
        let answer = read("newNonce", self.http.head(url)).await?;
        answer.header(&NONCE)
    }
}

impl Account {
    /// Registers an account with a fresh key.
    pub(super) async fn register(acme: Acme, binding: &Binding) -> Result<Self, NotMeasured> {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| NotMeasured::Constant("a P-256 key"))?;
        let public = PublicKey::from_point(KeyKind::EcdsaP256, key.public_key().as_ref())
            .map_err(|_| NotMeasured::Constant("a P-256 point"))?;
        let jwk = Jwk::from(public);
        let place = acme.place("newAccount")?.to_owned();
        let bound = bind(binding, &jwk, &place)?;
        let mut account = Self { acme, key, jwk, url: None, nonce: None };
        let wish = json!({ "termsOfServiceAgreed": true, "externalAccountBinding": bound });
        let answer = account.post("newAccount", &place, &wish.to_string()).await?;
        account.url = Some(answer.header(&LOCATION)?);
        Ok(account)
    }

    /// What http-01 must find for a token (section 8.1).
    pub(super) fn key_authorization(&self, token: &str) -> String {
        format!("{token}.{}", self.jwk.thumbprint())
    }

    /// Orders.
    pub(super) async fn new_order(&mut self, wish: &Value) -> Result<Answer, NotMeasured> {
        let place = self.acme.place("newOrder")?.to_owned();
        self.post("newOrder", &place, &wish.to_string()).await
    }

    /// Sends a signed request; an empty payload reads (section 6.3).
    pub(super) async fn post(
        &mut self,
        step: &'static str,
        url: &str,
        payload: &str,
    ) -> Result<Answer, NotMeasured> {
        let mut refused = None;
        for _ in 0..NONCES_MAX {
            let nonce = match self.nonce.take() {
                Some(nonce) => nonce,
                None => self.acme.nonce().await?,
            };
            let body = self.signed(&nonce, url, payload)?;
            let request =
                self.acme.http.post(url).header(CONTENT_TYPE, "application/jose+json").body(body);
            let (ok, answer) = send(step, request).await?;
            self.nonce = answer.header(&NONCE).ok();
            if ok {
                return Ok(answer);
            }
            let again = answer.text.contains("urn:ietf:params:acme:error:badNonce");
            refused = Some(answer.unexpected());
            if !again {
                break;
            }
        }
        Err(refused.unwrap_or(NotMeasured::TooLong { what: "an ACME request" }))
    }

    /// A flattened JWS (section 6.2), by account URL, or by the key itself before there is one.
    fn signed(&self, nonce: &str, url: &str, payload: &str) -> Result<String, NotMeasured> {
        let mut protected = json!({ "alg": "ES256", "nonce": nonce, "url": url });
        if let Some(protected) = protected.as_object_mut() {
            match &self.url {
                Some(account) => protected.insert("kid".to_owned(), account.as_str().into()),
                None => protected.insert("jwk".to_owned(), public(&self.jwk)?),
            };
        }
        let protected = URL_SAFE_NO_PAD.encode(protected.to_string());
        let payload = URL_SAFE_NO_PAD.encode(payload);
        let input = format!("{protected}.{payload}");
        let signature = self
            .key
            .sign(&SystemRandom::new(), input.as_bytes())
            .map_err(|_| NotMeasured::Constant("a signature"))?;
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Ok(json!({ "protected": protected, "payload": payload, "signature": signature })
            .to_string())
    }
}

impl Answer {
    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, NotMeasured> {
        serde_json::from_str(&self.text).map_err(|_| self.unexpected())
    }

    /// A header field as text.
    pub(super) fn header(&self, name: &HeaderName) -> Result<String, NotMeasured> {
        let text = self.headers.get(name).and_then(|value| value.to_str().ok());
        text.map(str::to_owned).ok_or_else(|| NotMeasured::Answer {
            step: self.step,
            said: format!("without `{name}`"),
        })
    }

    /// This is not what should have come.
    pub(super) fn unexpected(&self) -> NotMeasured {
        let said: String = self.text.chars().take(SHOWN_MAX).collect();
        NotMeasured::Answer { step: self.step, said: format!("`{said}`") }
    }
}

/// Sends a request that must succeed.
pub(super) async fn read(
    step: &'static str,
    request: reqwest::RequestBuilder,
) -> Result<Answer, NotMeasured> {
    match send(step, request).await? {
        (true, answer) => Ok(answer),
        (false, answer) => Err(answer.unexpected()),
    }
}

/// Sends a request; says whether it succeeded.
async fn send(
    step: &'static str,
    request: reqwest::RequestBuilder,
) -> Result<(bool, Answer), NotMeasured> {
    let failed = |cause| NotMeasured::NoAnswer { step, cause };
    let mut response = request.send().await.map_err(failed)?;
    let ok = response.status().is_success();
    let headers = std::mem::take(response.headers_mut());
    let text = response.text().await.map_err(failed)?;
    Ok((ok, Answer { headers, text, step }))
}

fn public(jwk: &Jwk) -> Result<Value, NotMeasured> {
    serde_json::from_str(&jwk.canonical()).map_err(|_| NotMeasured::Constant("a JWK"))
}

/// The inner JWS of a binding: the account key under the MAC of a credential (section 7.3.4).
fn bind(binding: &Binding, jwk: &Jwk, url: &str) -> Result<Value, NotMeasured> {
    let key = URL_SAFE_NO_PAD
        .decode(&binding.hmac_key)
        .map_err(|_| NotMeasured::Constant("a credential's key"))?;
    let protected = json!({ "alg": "HS256", "kid": binding.kid, "url": url });
    let protected = URL_SAFE_NO_PAD.encode(protected.to_string());
    let payload = URL_SAFE_NO_PAD.encode(jwk.canonical());
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mac = hmac::sign(&key, format!("{protected}.{payload}").as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac);
    Ok(json!({ "protected": protected, "payload": payload, "signature": signature }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_verified_by_the_server() {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = PublicKey::from_point(KeyKind::EcdsaP256, key.public_key().as_ref());
        let jwk = Jwk::from(point.unwrap());
        let binding = Binding { kid: "one".to_owned(), hmac_key: URL_SAFE_NO_PAD.encode([7; 32]) };
        let url = "https://localhost/acme/new-account";
        let bound = bind(&binding, &jwk, url).unwrap();
        let read = bailiwick_wire::jose::ExternalBinding::parse(&bound).unwrap();
        assert_eq!(read.kid(), "one");
        assert!(read.verify(&[7; 32], url, &jwk).is_ok());
    }
}
