//! A small ACME client of the tests' own: it can say everything wrong that a client can say wrong.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::acme::{AcmeServer, Eab};

pub(crate) fn base64url(octets: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// A key on P-256.
pub(crate) struct Key(EcdsaKeyPair);

impl Key {
    pub(crate) fn fresh() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key can be made"))
    }

    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let (x, y) = point.split_at(1).1.split_at(32);
        json!({"crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y)})
    }

    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let member =
            |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let canonical =
            format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, member("x"), member("y"));
        base64url(digest::digest(&digest::SHA256, canonical.as_bytes()))
    }

    pub(crate) fn sign(&self, input: &str) -> Vec<u8> {
        let signature = self.0.sign(&SystemRandom::new(), input.as_bytes());
        signature.expect("a text can be signed").as_ref().to_vec()
    }

    /// A flattened JWS over a payload.
    pub(crate) fn jws(&self, protected: &Value, payload: &str) -> Value {
        let (protected, payload) = (base64url(protected.to_string()), base64url(payload));
        let signature = base64url(self.sign(&format!("{protected}.{payload}")));
        json!({"protected": protected, "payload": payload, "signature": signature})
    }
}

/// The inner JWS of an external account binding (RFC 8555 §7.3.4).
pub(crate) fn binding(protected: &Value, payload: &Value, mac_key: &[u8]) -> Value {
    let (protected, payload) = (base64url(protected.to_string()), base64url(payload.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, mac_key);
    let mac = hmac::sign(&key, format!("{protected}.{payload}").as_bytes());
    json!({"protected": protected, "payload": payload, "signature": base64url(mac)})
}

/// The same, as it should be.
pub(crate) fn binding_of(eab: &Eab, url: &str, key: &Key) -> Value {
    let mac_key = URL_SAFE_NO_PAD.decode(&eab.hmac).expect("a credential's key is base64url");
    binding(&json!({"alg": "HS256", "kid": eab.kid, "url": url}), &key.jwk(), &mac_key)
}

/// What a server answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The `Location`; fails the test where there is none.
    pub(crate) fn location(&self) -> String {
        let location = self.header("location");
        location.unwrap_or_else(|| panic!("no Location: {self:?}")).to_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }

    /// A text member of the JSON; fails the test where there is none.
    pub(crate) fn member(&self, pointer: &str) -> String {
        let json = self.json();
        let member = json.pointer(pointer).and_then(Value::as_str);
        member.unwrap_or_else(|| panic!("no `{pointer}` in {json:#}")).to_owned()
    }

    /// The last part of the problem's type.
    pub(crate) fn problem(&self) -> String {
        self.member("/type").replace("urn:ietf:params:acme:error:", "")
    }

    /// Fails the test unless the status is this one.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// Targets of `Link` headers with this relation.
    pub(crate) fn links(&self, relation: &str) -> Vec<String> {
        let ending = format!(">;rel=\"{relation}\"");
        let all = self.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
        all.filter_map(|link| Some(link.strip_prefix('<')?.strip_suffix(&ending)?.to_owned()))
            .collect()
    }
}

/// An ACME server, spoken to by hand.
pub(crate) struct Client {
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    directory: Value,
}

impl Client {
    pub(crate) fn of(acme: &AcmeServer) -> Self {
        // Another test may have installed it already.
        let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let pem = std::fs::read(&acme.tls_ca).expect("the CA of the listener can be read");
        let root = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
        let http = reqwest::Client::builder()
            .tls_certs_only([root])
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(60));
        let mut client = Self {
            http: http.build().expect("an HTTP client can be made"),
            runtime: runtime.expect("a runtime can be made"),
            directory: Value::Null,
        };
        client.directory = client.ask(Method::GET, &acme.directory).expect(200).json();
        client
    }

    /// A URL of the directory.
    pub(crate) fn url(&self, name: &str) -> String {
        self.directory.get(name).and_then(Value::as_str).expect("it is in the directory").to_owned()
    }

    pub(crate) const fn directory(&self) -> &Value {
        &self.directory
    }

    /// A request without a body.
    pub(crate) fn ask(&self, method: Method, url: &str) -> Answer {
        self.send(self.http.request(method, url))
    }

    /// A POST with this body and these headers.
    pub(crate) fn post_raw(&self, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = self.http.post(url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request)
    }

    /// A POST of a JWS.
    pub(crate) fn post_jws(&self, url: &str, jws: &Value) -> Answer {
        let headers = [("content-type", "application/jose+json")];
        self.post_raw(url, &headers, jws.to_string().into_bytes())
    }

    pub(crate) fn nonce(&self) -> String {
        let answer = self.ask(Method::HEAD, &self.url("newNonce")).expect(200);
        answer.header("replay-nonce").expect("there is a nonce").to_owned()
    }

    /// A request as the key in it.
    pub(crate) fn as_key(&self, key: &Key, url: &str, payload: &Value) -> Answer {
        let protected =
            json!({"alg": "ES256", "nonce": self.nonce(), "url": url, "jwk": key.jwk()});
        self.post_jws(url, &key.jws(&protected, &payload.to_string()))
    }

    /// Registers with a credential.
    pub(crate) fn register(&self, eab: &Eab, more: Value) -> Account {
        let key = Key::fresh();
        let url = self.url("newAccount");
        let mut payload = more;
        let object = payload.as_object_mut().expect("an object");
        object.insert("externalAccountBinding".to_owned(), binding_of(eab, &url, &key));
        let kid = self.as_key(&key, &url, &payload).expect(201).location();
        Account { key, kid }
    }

    fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.runtime.block_on(async {
            let response = request.send().await.expect("the server answers");
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let text = response.text().await.expect("the answer is text");
            Answer { status, headers, text }
        })
    }
}

/// A registered account.
pub(crate) struct Account {
    pub(crate) key: Key,
    pub(crate) kid: String,
}

impl Account {
    /// A request as this account.
    pub(crate) fn post(&self, client: &Client, url: &str, payload: &Value) -> Answer {
        self.post_text(client, url, &payload.to_string())
    }

    /// A request that only reads (RFC 8555 §6.3).
    pub(crate) fn get(&self, client: &Client, url: &str) -> Answer {
        self.post_text(client, url, "")
    }

    pub(crate) fn post_text(&self, client: &Client, url: &str, payload: &str) -> Answer {
        let protected = self.protected(client, url);
        client.post_jws(url, &self.key.jws(&protected, payload))
    }

    /// A protected header as it should be.
    pub(crate) fn protected(&self, client: &Client, url: &str) -> Value {
        json!({"alg": "ES256", "nonce": client.nonce(), "url": url, "kid": self.kid})
    }

    /// Orders names.
    pub(crate) fn order(&self, client: &Client, names: &[&str]) -> Answer {
        let identifiers: Vec<Value> =
            names.iter().map(|name| json!({"type": "dns", "value": name})).collect();
        self.post(client, &client.url("newOrder"), &json!({"identifiers": identifiers}))
    }
}
