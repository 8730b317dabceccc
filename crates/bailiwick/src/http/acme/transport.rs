//! Who may speak: every POST is a JWS by an account or a key, for this URL, with a nonce of ours
//! that nobody used (RFC 8555, sections 6.1 to 6.5).

use axum::extract::{OriginalUri, Request};
use axum::http::{HeaderMap, Uri, header};
use bailiwick_core::gate::{Account, AccountStatus, Problem, ProblemKind};
use bailiwick_wire::acme::BadRequest;
use bailiwick_wire::jose::{
    BODY_OCTETS_MAX, Jwk, JwsError, JwsKind, JwsProblem, KeyRef, UnverifiedJws, VerifiedJws,
};

use super::Acme;
use super::denied::{Algorithms, Denied};
use crate::fault::Fault;
use crate::http::intake::{NotTaken, octets};

/// The one content type (RFC 8555, section 6.2).
const JOSE_JSON: &str = "application/jose+json";

/// What was signed.
#[derive(Debug)]
pub(super) enum Payload {
    /// Nothing: POST-as-GET (section 6.3).
    Empty,
    /// Octets that should be a JSON object.
    Object(Vec<u8>),
}

impl Payload {
    fn of(jws: &VerifiedJws) -> Self {
        if jws.is_post_as_get() { Self::Empty } else { Self::Object(jws.payload().to_vec()) }
    }

    /// The octets, where there have to be some.
    pub(super) fn object(&self) -> Result<&[u8], Denied> {
        match self {
            Self::Object(octets) => Ok(octets),
            Self::Empty => Err(Denied::malformed("this resource needs a payload")),
        }
    }

    /// That there are none, where there must not be any.
    pub(super) fn empty(&self) -> Result<(), Denied> {
        match self {
            Self::Empty => Ok(()),
            Self::Object(_) => Err(Denied::malformed(
                "this resource can only be read; send the empty payload (POST-as-GET)",
            )),
        }
    }
}

/// A request signed by the key in it.
#[derive(Debug)]
pub(super) struct ByKey {
    /// The key.
    pub key: Jwk,
    /// The URL that was asked and signed.
    pub url: String,
    /// What was signed.
    pub payload: Payload,
}

/// A request signed by an account in good standing.
#[derive(Debug)]
pub(super) struct ByAccount {
    /// The account.
    pub account: Account,
    /// The URL that was asked and signed.
    pub url: String,
    /// What was signed.
    pub payload: Payload,
}

/// Either of them.
#[derive(Debug)]
pub(super) enum Signer {
    /// An account in good standing.
    Account(Box<Account>),
    /// Whoever has this key.
    Key(Jwk),
}

impl Acme {
    /// Takes a request that must be signed by the key in it: newAccount.
    pub(super) async fn signed_by_key(&self, request: Request) -> Result<ByKey, Denied> {
        let (jws, url) = self.open(request).await?;
        self.by_key(jws, url)
    }

    /// Takes a request that must be signed by an account: all but newAccount and revokeCert.
    pub(super) async fn signed_by_account(&self, request: Request) -> Result<ByAccount, Denied> {
        let (jws, url) = self.open(request).await?;
        self.by_account(jws, url).await
    }

    /// Takes a request that an account or a certificate's key may sign: revokeCert.
    pub(super) async fn signed_by_anybody(
        &self,
        request: Request,
    ) -> Result<(Signer, Payload), Denied> {
        let (jws, url) = self.open(request).await?;
        match jws.key() {
            KeyRef::Embedded(_) => {
                let signed = self.by_key(jws, url)?;
                Ok((Signer::Key(signed.key), signed.payload))
            }
            KeyRef::Account(_) => {
                let signed = self.by_account(jws, url).await?;
                Ok((Signer::Account(Box::new(signed.account)), signed.payload))
            }
        }
    }

    /// Reads a body that claims to be a JWS for the URL it was sent to.
    async fn open(&self, request: Request) -> Result<(UnverifiedJws, String), Denied> {
        let (parts, body) = request.into_parts();
        let original = parts.extensions.get::<OriginalUri>().map(|OriginalUri(uri)| uri);
        let url = self.requested_url(original.unwrap_or(&parts.uri));
        check_headers(&parts.headers)?;
        let body = octets(body, BODY_OCTETS_MAX).await?;
        Ok((UnverifiedJws::parse(&body, JwsKind::Request)?, url))
    }

    fn by_key(&self, jws: UnverifiedJws, url: String) -> Result<ByKey, Denied> {
        let nonce = jws.nonce().map(str::to_owned);
        let verified = jws.verify_embedded(&url)?;
        self.spend(nonce.as_deref())?;
        Ok(ByKey { key: verified.key().clone(), url, payload: Payload::of(&verified) })
    }

    async fn by_account(&self, jws: UnverifiedJws, url: String) -> Result<ByAccount, Denied> {
        let id = self.urls.account_id(jws.account()?).ok_or_else(|| {
            let detail = "`kid` is no account URL of this server; take the one you registered";
            Denied::new(ProblemKind::AccountDoesNotExist, detail)
        })?;
        let account = self.app.account(&id).await?.ok_or_else(|| {
            let detail = "there is no account at the URL in `kid`; register one";
            Denied::new(ProblemKind::AccountDoesNotExist, detail)
        })?;
        let key = self.keys.read(&account.jwk).map_err(|cause| Fault::Damaged {
            message: format!("key of account `{id}`: {cause}"),
        })?;
        let nonce = jws.nonce().map(str::to_owned);
        let verified = jws.verify(&key, &url)?;
        self.spend(nonce.as_deref())?;
        match account.status {
            AccountStatus::Valid => Ok(ByAccount { account, url, payload: Payload::of(&verified) }),
            AccountStatus::Deactivated | AccountStatus::Revoked => {
                Err(Denied::account_over(account.status.as_str()))
            }
        }
    }

    /// Spends the nonce, after the signature: whoever cannot sign cannot use up nonces.
    fn spend(&self, nonce: Option<&str>) -> Result<(), Denied> {
        let good = nonce.is_some_and(|nonce| self.nonces.take(nonce, self.app.now()));
        good.then_some(()).ok_or_else(|| {
            let detail =
                "the nonce is unknown, used or too old; try again with the one in this answer";
            Denied::new(ProblemKind::BadNonce, detail)
        })
    }

    /// The URL as the client must have written it: ours, and what it asked for, octet by octet.
    fn requested_url(&self, uri: &Uri) -> String {
        self.urls.of_path(uri.path_and_query().map_or("/", |path| path.as_str()))
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), Denied> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JOSE_JSON)) {
        let detail = format!("the content type must be {JOSE_JSON}");
        return Err(Denied::malformed(detail).with_status(415));
    }
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Denied::malformed("the body must not be encoded").with_status(415));
    }
    Ok(())
}

impl From<NotTaken> for Denied {
    fn from(cause: NotTaken) -> Self {
        Self::malformed(cause.to_string()).with_status(cause.status().as_u16())
    }
}

impl From<JwsError> for Denied {
    fn from(error: JwsError) -> Self {
        let (kind, algorithms) = match error.problem() {
            JwsProblem::Malformed => (ProblemKind::Malformed, Algorithms::NotListed),
            JwsProblem::BadSignatureAlgorithm => {
                (ProblemKind::BadSignatureAlgorithm, Algorithms::Listed)
            }
            JwsProblem::BadPublicKey => (ProblemKind::BadPublicKey, Algorithms::Listed),
            JwsProblem::BadNonce => (ProblemKind::BadNonce, Algorithms::NotListed),
            JwsProblem::Unauthorized => (ProblemKind::Unauthorized, Algorithms::NotListed),
        };
        Self { algorithms, ..Self::new(kind, error.to_string()) }
    }
}

impl From<BadRequest> for Denied {
    fn from(error: BadRequest) -> Self {
        Self::from(Problem {
            kind: ProblemKind::Malformed,
            detail: error.to_string(),
            instance: None,
            subproblems: Vec::new(),
        })
    }
}
