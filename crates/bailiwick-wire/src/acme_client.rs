//! ACME from the client's side (RFC 8555): requests to sign, answers to read.
//!
//! What a CA answers is hostile text: sizes are bounded, members are picked one by one, and nothing
//! that is not understood is believed.

use bailiwick_core::names::SanName;
use bailiwick_core::time::Time;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::jose::{Jwk, read_object};

/// Octets of one answer at most.
const ANSWER_OCTETS_MAX: usize = 64 * 1024;
/// Characters of somebody else's words that are kept.
const WORDS_MAX: usize = 300;
/// Authorizations of one order at most.
const AUTHORIZATIONS_MAX: usize = 100;

/// An answer cannot be understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the answer has no usable `{0}`")]
pub struct BadAnswer(pub &'static str);

/// Where a CA wants to be asked for what (RFC 8555, section 7.1.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Directory {
    /// Nonces.
    pub new_nonce: String,
    /// Accounts.
    pub new_account: String,
    /// Orders.
    pub new_order: String,
    /// Revocations.
    pub revoke_cert: String,
    /// Other keys for accounts (RFC 8555, section 7.3.5), where they are taken.
    pub key_change: Option<String>,
    /// Renewal information (RFC 9773), where it is served.
    pub renewal_info: Option<String>,
    /// The profiles it names.
    pub profiles: Vec<String>,
    /// The names it answers to in CAA records (RFC 8555, section 7.1.1); none where it says nothing.
    pub caa_identities: Vec<String>,
}

impl Directory {
    /// Reads a directory.
    ///
    /// # Errors
    /// [`BadAnswer`].
    pub fn read(octets: &[u8]) -> Result<Self, BadAnswer> {
        let object = object(octets)?;
        let url = |name| text(&object, name).map(str::to_owned).ok_or(BadAnswer(name));
        let meta = object.get("meta").and_then(Value::as_object);
        let profiles = meta.and_then(|meta| meta.get("profiles")).and_then(Value::as_object);
        let identities = meta.and_then(|meta| meta.get("caaIdentities")).and_then(Value::as_array);
        let identities = identities.into_iter().flatten();
        Ok(Self {
            new_nonce: url("newNonce")?,
            new_account: url("newAccount")?,
            new_order: url("newOrder")?,
            revoke_cert: url("revokeCert")?,
            key_change: text(&object, "keyChange").map(str::to_owned),
            renewal_info: text(&object, "renewalInfo").map(str::to_owned),
            profiles: profiles.map(|map| map.keys().cloned().collect()).unwrap_or_default(),
            caa_identities: identities.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }
}

/// Where an order stands at the CA (RFC 8555, section 7.1.6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Waits for us.
    Pending,
    /// Can be finalized.
    Ready,
    /// The CA works on it.
    Processing,
    /// Done.
    Valid,
    /// Over: invalid, expired, deactivated, revoked.
    Over,
}

impl Status {
    fn read(object: &Map<String, Value>) -> Result<Self, BadAnswer> {
        Ok(match text(object, "status").ok_or(BadAnswer("status"))? {
            "pending" => Self::Pending,
            "ready" => Self::Ready,
            "processing" => Self::Processing,
            "valid" => Self::Valid,
            "invalid" | "expired" | "deactivated" | "revoked" => Self::Over,
            _ => return Err(BadAnswer("status")),
        })
    }
}

/// An order as the CA shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OrderSeen {
    /// Where it stands.
    pub status: Status,
    /// For which names, sorted.
    pub names: Vec<SanName>,
    /// Its authorizations.
    pub authorizations: Vec<String>,
    /// Where it is finalized.
    pub finalize: String,
    /// Where the certificate lies, once there is one.
    pub certificate: Option<String>,
    /// Why it is over.
    pub error: Option<ProblemSeen>,
}

impl OrderSeen {
    /// Reads an order.
    ///
    /// # Errors
    /// [`BadAnswer`].
    pub fn read(octets: &[u8]) -> Result<Self, BadAnswer> {
        let object = object(octets)?;
        let list = |name| object.get(name).and_then(Value::as_array).ok_or(BadAnswer(name));
        let name = |value: &Value| {
            let it = value.as_object()?;
            let is_dns = text(it, "type") == Some("dns");
            let name =
                text(it, "value").filter(|_| is_dns).and_then(|name| SanName::parse(name).ok());
            name.filter(|name| name.dns().is_some())
        };
        let names: Option<Vec<SanName>> = list("identifiers")?.iter().map(name).collect();
        let mut names = names.ok_or(BadAnswer("identifiers"))?;
        names.sort();
        let authorizations: Option<Vec<String>> = list("authorizations")?
            .iter()
            .take(AUTHORIZATIONS_MAX)
            .map(|url| url.as_str().map(str::to_owned))
            .collect();
        Ok(Self {
            status: Status::read(&object)?,
            names,
            authorizations: authorizations.ok_or(BadAnswer("authorizations"))?,
            finalize: text(&object, "finalize").ok_or(BadAnswer("finalize"))?.to_owned(),
            certificate: text(&object, "certificate").map(str::to_owned),
            error: object.get("error").and_then(Value::as_object).map(ProblemSeen::of),
        })
    }
}

/// An authorization as the CA shows it, as far as dns-01 goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuthorizationSeen {
    /// Where it stands.
    pub status: Status,
    /// The name, without the star.
    pub name: SanName,
    /// URL, token and status of its dns-01 challenge.
    pub dns01: Option<(String, String, Status)>,
    /// Why a challenge failed.
    pub error: Option<ProblemSeen>,
}

impl AuthorizationSeen {
    /// Reads an authorization.
    ///
    /// # Errors
    /// [`BadAnswer`].
    pub fn read(octets: &[u8]) -> Result<Self, BadAnswer> {
        let object = object(octets)?;
        let identifier = object.get("identifier").and_then(Value::as_object);
        let name = identifier.and_then(|it| text(it, "value"));
        let name =
            name.and_then(|name| SanName::parse(name).ok()).ok_or(BadAnswer("identifier"))?;
        let challenges = object.get("challenges").and_then(Value::as_array);
        let challenges = challenges.ok_or(BadAnswer("challenges"))?;
        let all = || challenges.iter().filter_map(Value::as_object);
        let dns01 = all().find(|it| text(it, "type") == Some("dns-01")).and_then(|it| {
            let status = Status::read(it).ok()?;
            Some((text(it, "url")?.to_owned(), text(it, "token")?.to_owned(), status))
        });
        let error = all().find_map(|it| it.get("error").and_then(Value::as_object));
        let status = Status::read(&object)?;
        Ok(Self { status, name, dns01, error: error.map(ProblemSeen::of) })
    }
}

/// When a CA wants a certificate to be renewed (RFC 9773, section 4.2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WindowSeen {
    /// Begin of the window.
    pub start: Time,
    /// Its end; always later than the begin.
    pub end: Time,
}

impl WindowSeen {
    /// Reads renewal information.
    ///
    /// # Errors
    /// [`BadAnswer`].
    pub fn read(octets: &[u8]) -> Result<Self, BadAnswer> {
        let object = object(octets)?;
        let window = object.get("suggestedWindow").and_then(Value::as_object);
        let moment = |name| {
            let text = window.and_then(|window| text(window, name));
            text.and_then(|text| Time::parse(text).ok())
        };
        match (moment("start"), moment("end")) {
            (Some(start), Some(end)) if start < end => Ok(Self { start, end }),
            (Some(_) | None, Some(_) | None) => Err(BadAnswer("suggestedWindow")),
        }
    }
}

/// A problem document (RFC 7807; RFC 8555, section 6.7).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ProblemSeen {
    /// The end of its type, such as `badNonce`; empty where there is none.
    pub kind: String,
    /// What the CA says, bounded and printable.
    pub detail: String,
}

impl ProblemSeen {
    /// Reads what may be a problem document.
    #[must_use]
    pub fn read(octets: &[u8]) -> Self {
        object(octets).map(|object| Self::of(&object)).unwrap_or_default()
    }

    fn of(object: &Map<String, Value>) -> Self {
        let kind = text(object, "type").unwrap_or_default();
        let kind = kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or_default();
        let detail = text(object, "detail").unwrap_or_default();
        Self { kind: printable(kind), detail: printable(detail) }
    }
}

impl std::fmt::Display for ProblemSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.kind.as_str(), self.detail.as_str()) {
            ("", "") => f.write_str("without a reason"),
            (kind, detail) => write!(f, "{kind}: {detail}"),
        }
    }
}

fn printable(text: &str) -> String {
    let fits = |c: char| if c == '`' || c.is_control() { '?' } else { c };
    text.chars().take(WORDS_MAX).map(fits).collect()
}

fn object(octets: &[u8]) -> Result<Map<String, Value>, BadAnswer> {
    read_object(octets, ANSWER_OCTETS_MAX).map_err(|_| BadAnswer("JSON object"))
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// Who signs a request.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// A key that the CA does not know yet.
    Key(&'a Jwk),
    /// An account, by its URL.
    Account(&'a str),
}

/// A request without its signature.
#[derive(Clone, Debug)]
pub struct Unsigned {
    protected: String,
    payload: String,
}

impl Unsigned {
    /// A request to `url`; `None` as payload is POST-as-GET (RFC 8555, section 6.3).
    #[must_use]
    pub fn new(
        signer: Signer<'_>,
        algorithm: &str,
        nonce: &str,
        url: &str,
        payload: Option<&Value>,
    ) -> Self {
        let mut header = json!({ "alg": algorithm, "nonce": nonce, "url": url });
        let who = match signer {
            Signer::Key(jwk) => ("jwk", parsed(&jwk.canonical())),
            Signer::Account(uri) => ("kid", Value::from(uri)),
        };
        if let Some(header) = header.as_object_mut() {
            header.insert(who.0.to_owned(), who.1);
        }
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        let payload = payload.map_or_else(String::new, |value| encode(value.to_string()));
        Self { protected: encode(header.to_string()), payload }
    }

    /// An external account binding (RFC 8555, section 7.3.4).
    #[must_use]
    pub fn binding(kid: &str, url: &str, key: &Jwk) -> Self {
        let header = json!({ "alg": "HS256", "kid": kid, "url": url }).to_string();
        let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
        Self { protected: encode(header), payload: encode(key.canonical()) }
    }

    /// The inner request of a keyChange, to be signed with the new key (RFC 8555, section 7.3.5): it
    /// names the account and the key that it has, and no nonce.
    #[must_use]
    pub fn key_change(algorithm: &str, url: &str, new: &Jwk, (account, old): (&str, &Jwk)) -> Self {
        let header = json!({ "alg": algorithm, "jwk": parsed(&new.canonical()), "url": url });
        let payload = json!({ "account": account, "oldKey": parsed(&old.canonical()) });
        let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        Self { protected: encode(header), payload: encode(payload) }
    }

    /// What is signed (RFC 7515, section 5.1).
    #[must_use]
    pub fn input(&self) -> String {
        format!("{}.{}", self.protected, self.payload)
    }

    /// The flattened JWS.
    #[must_use]
    pub fn signed(self, signature: &[u8]) -> Value {
        let signature = URL_SAFE_NO_PAD.encode(signature);
        json!({ "protected": self.protected, "payload": self.payload, "signature": signature })
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}

/// The payload of newOrder.
#[must_use]
pub fn new_order(names: &[SanName], profile: Option<&str>, replaces: Option<&str>) -> Value {
    let names: Vec<Value> =
        names.iter().map(|name| json!({ "type": "dns", "value": name.to_string() })).collect();
    let mut order = json!({ "identifiers": names });
    if let Some(order) = order.as_object_mut() {
        order.extend(profile.map(|profile| ("profile".to_owned(), Value::from(profile))));
        order.extend(replaces.map(|id| ("replaces".to_owned(), Value::from(id))));
    }
    order
}

/// The payload of finalize.
#[must_use]
pub fn finalize(csr: &[u8]) -> Value {
    json!({ "csr": URL_SAFE_NO_PAD.encode(csr) })
}

/// The payload of newAccount.
#[must_use]
pub fn new_account(contacts: &[String], binding: Option<Value>) -> Value {
    let mut account = json!({ "termsOfServiceAgreed": true, "contact": contacts });
    if let (Some(account), Some(binding)) = (account.as_object_mut(), binding) {
        account.insert("externalAccountBinding".to_owned(), binding);
    }
    account
}

/// The payload that ends an account.
#[must_use]
pub fn deactivate() -> Value {
    json!({ "status": "deactivated" })
}

/// The payload of revokeCert.
#[must_use]
pub fn revoke(der: &[u8], reason: u8) -> Value {
    json!({ "certificate": URL_SAFE_NO_PAD.encode(der), "reason": reason })
}
