//! JWK sets (RFC 7517, section 5) and SPIFFE bundles (SPIFFE Trust Domain and Bundle, section 4).

use bailiwick_core::estate::AttestorKind;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::jose::{Algorithm, BadJson, BadJwk, Jwk, read_object};

/// Octets of a set at most; large providers publish 5 KiB.
pub const KEY_SET_OCTETS_MAX: usize = 256 * 1024;
/// Keys of a set that are looked at.
const KEYS_MAX: usize = 100;

/// The public keys that an attestor signs with.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct KeySet {
    keys: Vec<Named>,
    /// Certificates of a SPIFFE trust domain's CAs, DER.
    roots: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Named {
    kid: Option<String>,
    key: Jwk,
}

/// Octets are no key set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadKeySet {
    /// Not one bounded JSON object.
    #[error("{0}")]
    Json(#[from] BadJson),
    /// It has no list of keys, or one that is too long.
    #[error("there is no list `keys` of up to {KEYS_MAX} keys; give a JWK set")]
    Keys,
    /// It holds a private key.
    #[error("there is a private key in it; make new keys, and give the public ones only")]
    Private,
    /// Discovery named another issuer than was asked.
    #[error("discovery says the issuer is `{0}`; correct `issuer`, or name `keys_url`")]
    OtherIssuer(String),
}

impl KeySet {
    /// Reads a set. Keys of kinds that are not used here are passed over (RFC 7517, section 5).
    ///
    /// # Errors
    /// [`BadKeySet`].
    pub fn parse(octets: &[u8], kind: AttestorKind) -> Result<Self, BadKeySet> {
        let object = read_object(octets, KEY_SET_OCTETS_MAX)?;
        let keys = object.get("keys").and_then(Value::as_array).ok_or(BadKeySet::Keys)?;
        if keys.len() > KEYS_MAX {
            return Err(BadKeySet::Keys);
        }
        let mut set = Self::default();
        for key in keys.iter().filter_map(Value::as_object) {
            let purpose = key.get("use").and_then(Value::as_str);
            match (kind, purpose) {
                (AttestorKind::Spiffe, Some("x509-svid")) => set.roots.extend(certificates(key)),
                (AttestorKind::Spiffe, Some("jwt-svid")) => {
                    // Its own word for signing; the rest of the key is as elsewhere.
                    let mut plain = key.clone();
                    plain.remove("use");
                    set.add(&plain)?;
                }
                (AttestorKind::Spiffe, _) => {}
                (AttestorKind::Oidc | AttestorKind::Kubernetes | AttestorKind::HostKey, _) => {
                    set.add(key)?;
                }
            }
        }
        Ok(set)
    }

    fn add(&mut self, key: &Map<String, Value>) -> Result<(), BadKeySet> {
        let kid = key.get("kid").and_then(Value::as_str).map(str::to_owned);
        match Jwk::from_object(key) {
            Ok(key) => self.keys.push(Named { kid, key }),
            Err(BadJwk::Private) => return Err(BadKeySet::Private),
            Err(_) => {}
        }
        Ok(())
    }

    /// Whether nothing can be verified with it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.roots.is_empty()
    }

    /// The one key that a header names. Without a `kid` there has to be one for the algorithm; a
    /// `kid` that two keys of an algorithm share names none.
    pub(super) fn key(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Jwk> {
        let mut fitting = self
            .keys
            .iter()
            .filter(|one| kid.is_none_or(|kid| one.kid.as_deref() == Some(kid)))
            .filter(|one| one.key.algorithm() == algorithm);
        let first = fitting.next()?;
        fitting.next().is_none().then_some(&first.key)
    }

    /// Whether a key has this `kid`.
    #[must_use]
    pub fn knows(&self, kid: &str) -> bool {
        self.keys.iter().any(|one| one.kid.as_deref() == Some(kid))
    }

    pub(super) fn roots(&self) -> &[Vec<u8>] {
        &self.roots
    }
}

/// The certificates of a key, `x5c` (RFC 7517, section 4.7).
fn certificates(key: &Map<String, Value>) -> Vec<Vec<u8>> {
    let list = key.get("x5c").and_then(Value::as_array);
    let ders = list.into_iter().flatten().filter_map(Value::as_str);
    ders.filter_map(|text| STANDARD.decode(text).ok()).collect()
}

/// Where a provider's own description says its keys are (OpenID Connect Discovery, section 3).
///
/// # Errors
/// [`BadKeySet`] when it describes another provider, or names no place.
pub fn read_discovery(octets: &[u8], issuer: &str) -> Result<String, BadKeySet> {
    let object = read_object(octets, KEY_SET_OCTETS_MAX)?;
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    match (text("issuer"), text("jwks_uri")) {
        (Some(said), Some(url)) if said == issuer => Ok(url.to_owned()),
        (Some(said), Some(_)) => {
            Err(BadKeySet::OtherIssuer(bailiwick_core::shown::shown(said).to_string()))
        }
        (None, _) | (_, None) => Err(BadKeySet::Keys),
    }
}
