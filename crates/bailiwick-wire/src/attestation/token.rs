//! Tokens: a compact JWS (RFC 7515, section 7.1) whose payload is claims (RFC 7519), verified as
//! RFC 8725 asks.

use std::collections::BTreeMap;

use bailiwick_core::estate::{Attestor, AttestorKind};
use bailiwick_core::names::{Digest, SpiffeId};
use bailiwick_core::time::{SECOND_MS, Time};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::bad_token::BadToken;
use super::key_set::KeySet;
use super::svid;
use crate::jose::{Algorithm, Jwk, read_object};

/// Octets of a token at most; those of CI systems have about 2,000.
pub const TOKEN_OCTETS_MAX: usize = 32 * 1024;
/// How far another clock may be ahead of ours.
const AHEAD_SECONDS_MAX: i64 = 60;
/// A token that is good for longer is a password (RFC 8725, section 3.10; BCP of the platforms).
const TOKEN_SECONDS_MAX: i64 = 24 * 3_600;
/// The same for what a workload signs itself: it makes one when it needs it.
pub const PROOF_SECONDS: i64 = 300;
/// Characters of a claim that is kept; a longer one is as if it were not there.
const CLAIM_CHARS_MAX: usize = 512;
/// Header parameters that bring a key or change how the token is read. `x5t` only names one.
const REFUSED: [&str; 5] = ["crit", "b64", "zip", "jku", "x5u"];

/// How a token brings its key.
enum Brought {
    /// Not at all: its attestor has it.
    Nothing,
    Key(Jwk),
    Chain(Vec<Vec<u8>>),
}

/// A token whose form is right and whose signature nobody has looked at.
pub struct UnverifiedToken {
    algorithm: Algorithm,
    kid: Option<String>,
    brought: Brought,
    input: Vec<u8>,
    signature: Vec<u8>,
    claims: Map<String, Value>,
}

/// What a token proves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedToken {
    /// Who it is about.
    pub subject: String,
    /// What it says, flat.
    pub claims: BTreeMap<String, String>,
    /// Names it, so that it is taken once.
    pub digest: Digest,
    /// When it ends.
    pub expires_at: Time,
}

impl UnverifiedToken {
    /// Reads a token.
    ///
    /// # Errors
    /// [`BadToken`].
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let text = text.trim();
        if text.len() > TOKEN_OCTETS_MAX {
            return Err(BadToken::Form);
        }
        let parts: Vec<&str> = text.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else { return Err(BadToken::Form) };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| BadToken::Form);
        let object =
            |part: &str| read_object(&decode(part)?, TOKEN_OCTETS_MAX).map_err(|_| BadToken::Form);
        let (signature, claims) = (decode(signature)?, object(payload)?);
        let input = format!("{header}.{payload}").into_bytes();
        let header = object(header)?;
        if let Some(name) = REFUSED.into_iter().find(|name| header.contains_key(*name)) {
            return Err(BadToken::Header(name));
        }
        let text = |name: &str| header.get(name).and_then(Value::as_str);
        let algorithm = text("alg")
            .and_then(|alg| Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str() == alg));
        Ok(Self {
            algorithm: algorithm.ok_or(BadToken::Algorithm)?,
            kid: match header.get("kid") {
                None => None,
                Some(Value::String(kid)) => Some(kid.clone()),
                Some(_) => return Err(BadToken::Header("kid")),
            },
            brought: brought(&header)?,
            input,
            signature,
            claims,
        })
    }

    /// Which key it says it was signed with; proves nothing.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether it claims to be one that this attestor stands behind; proves nothing.
    #[must_use]
    pub fn claims_to_be_by(&self, attestor: &Attestor) -> bool {
        match attestor.kind {
            AttestorKind::Oidc | AttestorKind::Kubernetes => {
                self.text("iss") == Some(attestor.issuer.as_str())
            }
            AttestorKind::Spiffe => match self.brought {
                Brought::Chain(_) => true,
                Brought::Nothing => self.text("sub").is_some_and(|id| is_of(id, &attestor.issuer)),
                Brought::Key(_) => false,
            },
            AttestorKind::HostKey => matches!(self.brought, Brought::Key(_)),
        }
    }

    /// Verifies it as one of `attestor`, whose keys are `keys`.
    ///
    /// # Errors
    /// [`BadToken`] says what does not hold.
    pub fn verify(
        &self,
        attestor: &Attestor,
        keys: &KeySet,
        now: Time,
    ) -> Result<VerifiedToken, BadToken> {
        let (key, id) = self.signed_by(attestor, keys, now)?;
        if key.algorithm() != self.algorithm {
            return Err(BadToken::Algorithm);
        }
        if !key.has_signed(&self.input, &self.signature) {
            return Err(BadToken::Signature);
        }
        let self_made = matches!(self.brought, Brought::Key(_) | Brought::Chain(_));
        self.check_issuer(attestor, id.as_deref())?;
        self.check_audience(&attestor.audience)?;
        let expires_at = self.check_dates(now, self_made)?;
        let subject = match &id {
            Some(id) => id.to_string(),
            None => self.text("sub").ok_or(BadToken::Missing("sub"))?.to_owned(),
        };
        let jti = self.text("jti");
        if self_made && jti.is_none() {
            return Err(BadToken::Missing("jti"));
        }
        Ok(VerifiedToken {
            claims: self.flat(attestor, &subject),
            digest: self.named(attestor, jti),
            subject,
            expires_at,
        })
    }

    /// The key it has to be signed by, and who has it where the key says so.
    fn signed_by(
        &self,
        attestor: &Attestor,
        keys: &KeySet,
        now: Time,
    ) -> Result<(Jwk, Option<String>), BadToken> {
        match (attestor.kind, &self.brought) {
            (AttestorKind::HostKey, Brought::Key(key)) => {
                Ok((key.clone(), Some(key.thumbprint().to_string())))
            }
            (AttestorKind::Spiffe, Brought::Chain(chain)) => {
                let (key, id) = svid::read(chain, keys.roots(), now)?;
                Ok((key, Some(id.to_string())))
            }
            (
                AttestorKind::Oidc | AttestorKind::Kubernetes | AttestorKind::Spiffe,
                Brought::Nothing,
            ) => {
                let key = keys.key(self.kid.as_deref(), self.algorithm);
                Ok((key.ok_or(BadToken::Key)?.clone(), None))
            }
            (_, Brought::Key(_)) => Err(BadToken::Header("jwk")),
            (_, Brought::Chain(_)) => Err(BadToken::Header("x5c")),
            (AttestorKind::HostKey, Brought::Nothing) => Err(BadToken::Missing("jwk")),
        }
    }

    /// `id` is whom the key itself names.
    fn check_issuer(&self, attestor: &Attestor, id: Option<&str>) -> Result<(), BadToken> {
        let said = match attestor.kind {
            AttestorKind::HostKey => return Ok(()),
            // An SVID names its trust domain in its id (JWT-SVID, section 3.1); `iss` is free.
            AttestorKind::Spiffe => {
                let id = id.or_else(|| self.text("sub")).ok_or(BadToken::Missing("sub"))?;
                if SpiffeId::parse(id).is_ok() && is_of(id, &attestor.issuer) {
                    return Ok(());
                }
                id
            }
            AttestorKind::Oidc | AttestorKind::Kubernetes => {
                let said = self.text("iss").ok_or(BadToken::Missing("iss"))?;
                if said == attestor.issuer {
                    return Ok(());
                }
                said
            }
        };
        let said = bailiwick_core::shown::shown(said).to_string();
        Err(BadToken::Issuer { said, wanted: attestor.issuer.clone() })
    }

    /// RFC 7519, section 4.1.3: one audience or several; ours has to be there.
    fn check_audience(&self, wanted: &str) -> Result<(), BadToken> {
        let named: Vec<&str> = match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            Some(_) | None => return Err(BadToken::Missing("aud")),
        };
        if named.contains(&wanted) {
            return Ok(());
        }
        let said: Vec<String> = named
            .iter()
            .take(3)
            .map(|one| format!("`{}`", bailiwick_core::shown::shown(one)))
            .collect();
        let said = if said.is_empty() { "nobody".to_owned() } else { said.join(", ") };
        Err(BadToken::Audience { said, wanted: wanted.to_owned() })
    }

    /// Nothing is added to the end: a clock of ours that is late must not make a token good again.
    fn check_dates(&self, now: Time, self_made: bool) -> Result<Time, BadToken> {
        let expires_at = self.moment("exp").ok_or(BadToken::Missing("exp"))?;
        if now >= expires_at {
            return Err(BadToken::Expired(expires_at));
        }
        let ahead = now.plus_ms(AHEAD_SECONDS_MAX * SECOND_MS);
        let issued_at = self.moment("iat");
        let starts = [self.moment("nbf"), issued_at].into_iter().flatten().max();
        if let Some(start) = starts.filter(|start| *start > ahead) {
            return Err(BadToken::NotYet(start));
        }
        // Where it does not say since when, what is left of it counts.
        let seconds = expires_at.ms_since(issued_at.unwrap_or(now)).div_euclid(SECOND_MS);
        let most = if self_made { PROOF_SECONDS } else { TOKEN_SECONDS_MAX };
        if seconds > most
            || expires_at.ms_since(now).div_euclid(SECOND_MS) > most + AHEAD_SECONDS_MAX
        {
            return Err(BadToken::TooLong(seconds));
        }
        Ok(expires_at)
    }

    fn moment(&self, name: &str) -> Option<Time> {
        let value = self.claims.get(name)?;
        // NumericDate may have a fraction (RFC 7519, section 2); nobody's does, so it is refused.
        value.as_i64().filter(|it| (0..=253_402_300_799).contains(it)).map(Time::from_unix_seconds)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Its name: `jti`, which its issuer gives once (RFC 7519, section 4.1.7), else everything that
    /// was signed. Never the signature, which can be spelled in several ways.
    fn named(&self, attestor: &Attestor, jti: Option<&str>) -> Digest {
        let (issuer, kind) = (&attestor.issuer, attestor.kind);
        match jti {
            Some(jti) => Digest::of(format!("{kind}\n{issuer}\njti\n{jti}").as_bytes()),
            None => Digest::of(&self.input),
        }
    }

    /// The claims by name, those of Kubernetes and SPIFFE under names of their own.
    fn flat(&self, attestor: &Attestor, subject: &str) -> BTreeMap<String, String> {
        let own = ["namespace", "service_account", "pod", "spiffe_id", "thumbprint"];
        let mut flat: BTreeMap<String, String> = self
            .claims
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str()))
            .filter_map(|(name, value)| Some((name.clone(), plain(value)?)))
            .collect();
        let mut put = |name: &str, value: Option<&str>| {
            let value = value.filter(|text| text.chars().count() <= CLAIM_CHARS_MAX);
            flat.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        };
        match attestor.kind {
            AttestorKind::Kubernetes => {
                let inner = self.claims.get("kubernetes.io");
                let at = |path: &str| inner.and_then(|it| it.pointer(path)).and_then(Value::as_str);
                put("namespace", at("/namespace"));
                put("service_account", at("/serviceaccount/name"));
                put("pod", at("/pod/name"));
            }
            AttestorKind::Spiffe => put("spiffe_id", Some(subject)),
            AttestorKind::HostKey => put("thumbprint", Some(subject)),
            // A provider's own claims of these names are its own affair.
            AttestorKind::Oidc => {
                for name in own.iter().take(3) {
                    put(name, self.text(name));
                }
            }
        }
        flat
    }
}

fn brought(header: &Map<String, Value>) -> Result<Brought, BadToken> {
    match (header.get("jwk"), header.get("x5c")) {
        (None, None) => Ok(Brought::Nothing),
        (Some(Value::Object(key)), None) => {
            Jwk::from_object(key).map(Brought::Key).map_err(|_| BadToken::Header("jwk"))
        }
        (None, Some(Value::Array(chain))) if (1..=svid::CHAIN_MAX).contains(&chain.len()) => {
            let der = |one: &Value| STANDARD.decode(one.as_str()?).ok();
            let chain: Option<Vec<Vec<u8>>> = chain.iter().map(der).collect();
            chain.map(Brought::Chain).ok_or(BadToken::Header("x5c"))
        }
        (Some(_), _) => Err(BadToken::Header("jwk")),
        (None, Some(_)) => Err(BadToken::Header("x5c")),
    }
}

/// Whether a SPIFFE id is one of this trust domain.
fn is_of(id: &str, trust_domain: &str) -> bool {
    let rest = id.strip_prefix("spiffe://").and_then(|rest| rest.strip_prefix(trust_domain));
    rest.is_some_and(|path| path.starts_with('/'))
}

/// A claim as text; lists and objects have none.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    let storable = !text.contains('\0') && text.chars().count() <= CLAIM_CHARS_MAX;
    storable.then_some(text)
}
