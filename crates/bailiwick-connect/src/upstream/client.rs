//! One signed request, one answer (RFC 8555, section 6).

use std::time::Duration;

use bailiwick_wire::acme_client::{Directory, ProblemSeen, Signer, Unsigned};
use serde_json::Value;
use tokio::sync::Mutex;

use super::key::AccountKey;
use crate::egress::{Answer, BadTarget, Call, Method, NoAnswer, Scheme, Target, Trust, Web};
use crate::keys::KeyFault;

/// How often a nonce is refused before the CA counts as out of order (RFC 8555, section 6.5).
const NONCES_MAX: usize = 5;
/// Octets of a nonce; a longer one is no nonce.
const NONCE_OCTETS_MAX: usize = 512;
/// How long is waited where the CA says nothing.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest that a CA can make us wait between two looks; it has no say beyond that.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What account keys sign with (RFC 7518, section 3.4).
pub(super) const ALGORITHM: &str = "ES256";
const JOSE: &str = "application/jose+json";

/// Why a request brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// No answer came. `sent` says whether the CA may have acted on the request.
    #[error("`{url}` cannot be asked: {cause}")]
    NoAnswer {
        /// Which URL.
        url: String,
        /// Why.
        cause: NoAnswer,
        /// Whether the request may have arrived.
        sent: bool,
    },
    /// The CA refuses.
    #[error("the CA answers {status} {problem}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        problem: ProblemSeen,
        /// When it wants to be asked again.
        after: Duration,
    },
    /// The CA answers something that is no answer.
    #[error("the CA's answer cannot be used: {0}")]
    Strange(String),
    /// A URL that the CA supplied is not one we go to.
    #[error("the CA sends us to `{url}`: {cause}")]
    Url {
        /// Which.
        url: String,
        /// Why not.
        cause: BadTarget,
    },
    /// The CA supplied a URL without TLS (RFC 8555, section 6.1).
    #[error("the CA sends us to `{0}`, which is not HTTPS")]
    Clear(String),
    /// It refuses every nonce that it gave.
    #[error("the CA refused {NONCES_MAX} of its own nonces")]
    Nonces,
    /// The CA's directory does not name what is needed.
    #[error("the CA's directory names no `{0}`, so it does not offer that")]
    NotOffered(&'static str),
    /// Our key.
    #[error(transparent)]
    Key(#[from] KeyFault),
}

impl Trouble {
    /// Whether asking again later can help: everything but a clear no.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::NoAnswer { cause, .. } => !matches!(cause, NoAnswer::Fenced(_)),
            Self::Nonces | Self::Strange(_) => true,
            Self::Refused { status, problem, .. } => {
                *status >= 500 || *status == 429 || problem.kind == "rateLimited"
            }
            Self::Url { .. } | Self::Clear(_) | Self::NotOffered(_) | Self::Key(_) => false,
        }
    }

    /// Whether the CA may have done what was asked all the same: the answer is lost, or it is one that
    /// can come after the deed.
    #[must_use]
    pub const fn may_have_acted(&self) -> bool {
        match self {
            Self::NoAnswer { sent, .. } => *sent,
            Self::Refused { status, .. } => *status >= 500 && *status != 503,
            Self::Strange(_) => true,
            Self::Url { .. }
            | Self::Clear(_)
            | Self::Nonces
            | Self::NotOffered(_)
            | Self::Key(_) => false,
        }
    }

    /// Whether the CA refuses with this error type (RFC 8555, section 6.7).
    #[must_use]
    pub fn is(&self, kind: &str) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.kind == kind)
    }

    /// When to ask again.
    #[must_use]
    pub const fn after(&self) -> Duration {
        match self {
            Self::Refused { after, .. } => *after,
            Self::NoAnswer { .. }
            | Self::Strange(_)
            | Self::Url { .. }
            | Self::Clear(_)
            | Self::Nonces
            | Self::NotOffered(_)
            | Self::Key(_) => PAUSE,
        }
    }
}

/// Talks to one CA with one key.
pub struct AcmeClient<'a> {
    web: &'a dyn Web,
    trust: Trust,
    key: &'a AccountKey,
    account: Option<String>,
    directory: Directory,
    nonce: Mutex<Option<String>>,
}

impl std::fmt::Debug for AcmeClient<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcmeClient").field("account", &self.account).finish_non_exhaustive()
    }
}

impl<'a> AcmeClient<'a> {
    /// Reads the directory; requests are signed by `key`, as `account` where there is one.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(
        web: &'a dyn Web,
        trust: Trust,
        directory: &str,
        key: &'a AccountKey,
        account: Option<String>,
    ) -> Result<Self, Trouble> {
        let answer = call(web, &trust, Method::Get, directory, None).await?;
        if !answer.is_success() {
            return Err(refused(&answer));
        }
        let directory =
            Directory::read(&answer.body).map_err(|bad| Trouble::Strange(bad.to_string()))?;
        Ok(Self { web, trust, key, account, directory, nonce: Mutex::new(None) })
    }

    /// Where the CA wants to be asked for what.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The key that signs.
    #[must_use]
    pub const fn key(&self) -> &AccountKey {
        self.key
    }

    /// Asks for what lies at a URL (POST-as-GET, RFC 8555, section 6.3).
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn get(&self, url: &str) -> Result<Answer, Trouble> {
        self.send(url, None).await
    }

    /// Sends something to a URL.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn post(&self, url: &str, payload: &Value) -> Result<Answer, Trouble> {
        self.send(url, Some(payload)).await
    }

    /// Asks without a signature, as renewal information is (RFC 9773, section 4).
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn look(&self, url: &str) -> Result<Answer, Trouble> {
        let answer = call(self.web, &self.trust, Method::Get, url, None).await?;
        if answer.is_success() { Ok(answer) } else { Err(refused(&answer)) }
    }

    async fn send(&self, url: &str, payload: Option<&Value>) -> Result<Answer, Trouble> {
        for _ in 0..NONCES_MAX {
            let nonce = self.nonce().await?;
            let signer = match &self.account {
                Some(account) => Signer::Account(account),
                None => Signer::Key(self.key.jwk()),
            };
            let unsigned = Unsigned::new(signer, ALGORITHM, &nonce, url, payload);
            let signature = self.key.sign(&unsigned.input())?;
            let body = unsigned.signed(&signature).to_string().into_bytes();
            let answer = call(self.web, &self.trust, Method::Post, url, Some(body)).await?;
            *self.nonce.lock().await = nonce_of(&answer);
            if answer.is_success() {
                return Ok(answer);
            }
            let trouble = refused(&answer);
            if !trouble.is("badNonce") {
                return Err(trouble);
            }
        }
        Err(Trouble::Nonces)
    }

    async fn nonce(&self) -> Result<String, Trouble> {
        if let Some(kept) = self.nonce.lock().await.take() {
            return Ok(kept);
        }
        let url = &self.directory.new_nonce;
        let answer = call(self.web, &self.trust, Method::Head, url, None).await?;
        nonce_of(&answer).ok_or_else(|| Trouble::Strange("there is no nonce in it".to_owned()))
    }
}

fn nonce_of(answer: &Answer) -> Option<String> {
    let fits = |text: &&str| {
        let base64url = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        !text.is_empty() && text.len() <= NONCE_OCTETS_MAX && text.bytes().all(base64url)
    };
    answer.field("replay-nonce").filter(fits).map(str::to_owned)
}

fn refused(answer: &Answer) -> Trouble {
    Trouble::Refused {
        status: answer.status,
        problem: ProblemSeen::read(&answer.body),
        after: pause(answer),
    }
}

/// When the CA wants to be asked again, within our bounds: an absurd wish is not followed.
#[must_use]
pub fn pause(answer: &Answer) -> Duration {
    let wish = answer.field("retry-after").and_then(|text| text.trim().parse::<u64>().ok());
    wish.map_or(PAUSE, |seconds| Duration::from_secs(seconds.max(1)).min(PAUSE_MAX))
}

async fn call(
    web: &dyn Web,
    trust: &Trust,
    method: Method,
    url: &str,
    body: Option<Vec<u8>>,
) -> Result<Answer, Trouble> {
    let target = Target::parse(url).map_err(|cause| Trouble::Url { url: shown(url), cause })?;
    if target.scheme() != Scheme::Https {
        return Err(Trouble::Clear(shown(url)));
    }
    let call = Call {
        method,
        target,
        body: body.map(|octets| (JOSE, octets)),
        credential: None,
        accept: "application/json, application/pem-certificate-chain",
        trust: trust.clone(),
    };
    web.call(call).await.map_err(|cause| {
        let sent = method == Method::Post && cause.may_have_arrived();
        Trouble::NoAnswer { url: shown(url), cause, sent }
    })
}

fn shown(url: &str) -> String {
    crate::validate::shown(url)
}
