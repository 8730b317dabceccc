//! Key sets by their attestor, fetched when they are needed and kept for a while.
//!
//! Always: what could not be fetched verifies nothing. A set is believed for [`FRESH_MS`]; a `kid`
//! that it lacks has it fetched anew (keys rotate), though not more often than [`AGAIN_MS`], so that
//! nobody makes us ask a provider by sending tokens with made-up keys.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_core::estate::{Attestor, AttestorKeys};
use bailiwick_core::time::{MINUTE_MS, SECOND_MS, Time};
use bailiwick_wire::attestation::{BadKeySet, KeySet, read_discovery};

use crate::egress::{BadTarget, BadTrust, Call, Method, NoAnswer, Scheme, Target, Trust, Web};
use crate::validate::shown;

/// How long a set is believed: a key that its provider withdrew is of no use after it.
const FRESH_MS: i64 = 10 * MINUTE_MS;
/// How soon a set is fetched anew for a key that it lacks.
const AGAIN_MS: i64 = 30 * SECOND_MS;
/// Attestors whose sets are kept; an estate has a handful.
const KEPT_MAX: usize = 256;
/// Where a provider describes itself (OpenID Connect Discovery, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Why there are no keys to verify with.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    /// The URL is none that is called.
    #[error("`{url}` is not called: {cause}; correct it in the estate")]
    Url {
        /// Which.
        url: String,
        /// Why not.
        cause: BadTarget,
    },
    /// The URL is not one of TLS.
    #[error("`{0}` is not https; keys are fetched over TLS only")]
    Clear(String),
    /// The trust roots are none.
    #[error("{0}")]
    Trust(#[from] BadTrust),
    /// The roots in the estate are no PEM.
    #[error("the trust roots cannot be read: {0}")]
    Roots(String),
    /// Nobody answered.
    #[error("`{url}` did not answer: {cause}; no token is believed until it does")]
    NoAnswer {
        /// Who.
        url: String,
        /// What happened.
        cause: NoAnswer,
    },
    /// Something else was answered.
    #[error("`{url}` answered with status {status}; no token is believed until it gives its keys")]
    Status {
        /// Who.
        url: String,
        /// What.
        status: u16,
    },
    /// What was answered are no keys.
    #[error("`{url}` gave no keys: {cause}")]
    Set {
        /// Who.
        url: String,
        /// Why not.
        cause: BadKeySet,
    },
}

struct Kept {
    /// The attestor as it was when they were fetched; another estate may ask elsewhere.
    attestor: Attestor,
    set: Arc<KeySet>,
    at: Time,
}

/// The key sets that are kept.
#[derive(Default)]
pub struct KeySets(Mutex<BTreeMap<String, Kept>>);

impl KeySets {
    /// The keys of an attestor, for a token that names this `kid`.
    ///
    /// # Errors
    /// [`NoKeys`]. Then nothing is believed.
    pub async fn keys(
        &self,
        web: &dyn Web,
        (id, attestor): (&str, &Attestor),
        kid: Option<&str>,
        now: Time,
    ) -> Result<Arc<KeySet>, NoKeys> {
        let written = match &attestor.keys {
            AttestorKeys::Written(text) => Some(text.as_str()),
            AttestorKeys::WithWorkloads => None,
            AttestorKeys::At(_) | AttestorKeys::Discovered => {
                return self.fetched(web, (id, attestor), kid, now).await;
            }
        };
        let Some(text) = written else { return Ok(Arc::default()) };
        let url = || "the estate".to_owned();
        let set = KeySet::parse(text.as_bytes(), attestor.kind);
        set.map(Arc::new).map_err(|cause| NoKeys::Set { url: url(), cause })
    }

    async fn fetched(
        &self,
        web: &dyn Web,
        (id, attestor): (&str, &Attestor),
        kid: Option<&str>,
        now: Time,
    ) -> Result<Arc<KeySet>, NoKeys> {
        if let Some(set) = self.kept((id, attestor), kid, now) {
            return Ok(set);
        }
        let url = match &attestor.keys {
            AttestorKeys::At(url) => url.clone(),
            AttestorKeys::Written(_) | AttestorKeys::Discovered | AttestorKeys::WithWorkloads => {
                let issuer = attestor.issuer.trim_end_matches('/');
                let page = format!("{issuer}{DISCOVERY}");
                let described = get(web, &page, attestor).await?;
                read_discovery(&described, &attestor.issuer)
                    .map_err(|cause| NoKeys::Set { url: page, cause })?
            }
        };
        let octets = get(web, &url, attestor).await?;
        let set = KeySet::parse(&octets, attestor.kind);
        let set = Arc::new(set.map_err(|cause| NoKeys::Set { url: shown(&url), cause })?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        let kept = Kept { attestor: attestor.clone(), set: Arc::clone(&set), at: now };
        all.insert(id.to_owned(), kept);
        Ok(set)
    }

    /// The set that is kept, where it need not be fetched.
    fn kept(
        &self,
        (id, attestor): (&str, &Attestor),
        kid: Option<&str>,
        now: Time,
    ) -> Option<Arc<KeySet>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get(id).filter(|kept| kept.attestor == *attestor)?;
        let age = now.ms_since(kept.at);
        let lacks = kid.is_some_and(|kid| !kept.set.knows(kid));
        // A clock that went back makes nothing fresh.
        let fresh = (0..if lacks { AGAIN_MS } else { FRESH_MS }).contains(&age);
        fresh.then(|| Arc::clone(&kept.set))
    }
}

/// Fetches a document. Redirects are not followed: keys stand where the estate or the provider says.
async fn get(web: &dyn Web, url: &str, attestor: &Attestor) -> Result<Vec<u8>, NoKeys> {
    let target = Target::parse(url).map_err(|cause| NoKeys::Url { url: shown(url), cause })?;
    if target.scheme() != Scheme::Https {
        return Err(NoKeys::Clear(shown(url)));
    }
    let trust = match &attestor.trust_roots {
        Some(pem) => {
            let roots = bailiwick_wire::x509::read_chain(pem.as_bytes());
            Trust::roots(roots.map_err(|cause| NoKeys::Roots(cause.to_string()))?)?
        }
        None => Trust::system()?,
    };
    let call = Call {
        method: Method::Get,
        target,
        body: None,
        credential: None,
        accept: "application/json",
        trust,
    };
    let answer = web.call(call).await;
    let answer = answer.map_err(|cause| NoKeys::NoAnswer { url: shown(url), cause })?;
    if answer.status == 200 {
        Ok(answer.body)
    } else {
        Err(NoKeys::Status { url: shown(url), status: answer.status })
    }
}
