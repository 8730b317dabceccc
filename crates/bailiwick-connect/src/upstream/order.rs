//! An order at a CA, taken one way further each time.

use std::time::Duration;

use bailiwick_core::names::{DnsName, SanName};
use bailiwick_wire::acme_client::{self as wire, AuthorizationSeen, BadAnswer, OrderSeen, Status};
use bailiwick_wire::jose::KeyAuthorization;
use bailiwick_wire::x509::read_chain;
use futures::future::BoxFuture;

use super::client::{AcmeClient, Trouble, pause};
use crate::dns::{ChallengeRecords, NotWritten};

/// When a record that is not everywhere yet is looked for again.
const PROPAGATION_PAUSE: Duration = Duration::from_secs(2);

/// What an order is for.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// Exactly these names, sorted and distinct.
    pub names: &'a [SanName],
    /// The client's certificate request, DER; it goes to the CA as it stands.
    pub csr: &'a [u8],
    /// What the CA calls the profile, where one is asked for.
    pub profile: Option<&'a str>,
    /// The certificate it replaces, as renewal information names it (RFC 9773, section 5).
    pub replaces: Option<&'a str>,
}

/// Something could not be remembered; nothing was done then.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it could not be stored: {0}")]
pub struct NotKept(pub String);

/// What has to be remembered between two calls of [`advance`]. Every write is durable when it
/// returns.
pub trait Journal: Send + Sync {
    /// The order's URL, once it was kept.
    fn order_url(&self) -> BoxFuture<'_, Result<Option<String>, NotKept>>;
    /// Keeps the order's URL.
    fn keep_order_url<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<(), NotKept>>;
    /// The records that were, or may have been, written into zones.
    fn placed(&self) -> BoxFuture<'_, Result<Vec<(DnsName, String)>, NotKept>>;
    /// Keeps that a record is about to be written.
    fn about_to_place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotKept>>;
    /// Forgets a record that is gone.
    fn gone<'a>(&'a self, owner: &'a DnsName, value: &'a str)
    -> BoxFuture<'a, Result<(), NotKept>>;
}

/// How far an order is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Progress {
    /// The CA gave a chain, the leaf first. Nobody has looked at it yet.
    Issued(Vec<Vec<u8>>),
    /// Come back after a while.
    NotYet {
        /// When.
        after: Duration,
        /// What is waited for.
        why: String,
    },
    /// An answer was lost, or cannot be used. The order may have gone on; it is asked again.
    Lost {
        /// When.
        after: Duration,
        /// What is known.
        why: String,
    },
    /// The CA will not issue for this order, and has not.
    Over(String),
}

/// Why one way is not gone; each becomes a [`Progress`].
enum Stop {
    Trouble(Trouble),
    Kept(NotKept),
    Answer(BadAnswer),
    Record(NotWritten),
    Progress(Progress),
}

impl From<Trouble> for Stop {
    fn from(cause: Trouble) -> Self {
        Self::Trouble(cause)
    }
}

impl From<NotKept> for Stop {
    fn from(cause: NotKept) -> Self {
        Self::Kept(cause)
    }
}

impl From<BadAnswer> for Stop {
    fn from(cause: BadAnswer) -> Self {
        Self::Answer(cause)
    }
}

impl From<NotWritten> for Stop {
    fn from(cause: NotWritten) -> Self {
        Self::Record(cause)
    }
}

/// Takes the order as far as it goes without waiting.
pub async fn advance(
    client: &AcmeClient<'_>,
    records: &dyn ChallengeRecords,
    journal: &dyn Journal,
    work: &Work<'_>,
) -> Progress {
    match go(client, records, journal, work).await {
        Ok(progress) | Err(Stop::Progress(progress)) => progress,
        Err(Stop::Trouble(cause)) if cause.passes() => {
            Progress::Lost { after: cause.after(), why: cause.to_string() }
        }
        Err(Stop::Trouble(cause)) => Progress::Over(cause.to_string()),
        Err(Stop::Kept(cause)) => not_yet(PROPAGATION_PAUSE, cause.to_string()),
        Err(Stop::Answer(cause)) => {
            Progress::Lost { after: PROPAGATION_PAUSE, why: cause.to_string() }
        }
        Err(Stop::Record(cause)) => not_yet(PROPAGATION_PAUSE, cause.to_string()),
    }
}

const fn not_yet(after: Duration, why: String) -> Progress {
    Progress::NotYet { after, why }
}

/// Which way the order was already gone decides what a refusal means: before it exists, nothing can
/// have come of it; afterwards a CA that knows nothing of it may have issued and forgotten.
async fn go(
    client: &AcmeClient<'_>,
    records: &dyn ChallengeRecords,
    journal: &dyn Journal,
    work: &Work<'_>,
) -> Result<Progress, Stop> {
    let url = match journal.order_url().await? {
        Some(url) => url,
        None => place_order(client, journal, work).await?,
    };
    let seen = client.get(&url).await.map_err(|cause| unknown_if_refused(cause, &url))?;
    let after = pause(&seen);
    let order = OrderSeen::read(&seen.body)?;
    if order.names != work.names {
        // Never finalized by us as long as it says so: the names are compared before.
        return Ok(Progress::Over("the CA's order is for other names than ours".to_owned()));
    }
    match order.status {
        Status::Pending => {
            for authorization in &order.authorizations {
                authorize(client, records, journal, authorization).await?;
            }
            Ok(not_yet(Duration::from_secs(1), "the CA looks at the names".to_owned()))
        }
        Status::Ready => {
            client.post(&order.finalize, &wire::finalize(work.csr)).await.map_err(|cause| {
                // A refusal of the request itself leaves the order ready and nothing issued; any
                // other end of it is asked about.
                refused_request(cause)
            })?;
            Ok(not_yet(Duration::from_secs(1), "the CA signs".to_owned()))
        }
        Status::Processing => Ok(not_yet(after, "the CA signs".to_owned())),
        Status::Valid => download(client, &order).await,
        Status::Over => {
            let why = order.error.unwrap_or_default();
            Ok(Progress::Over(format!("the CA ended the order: {why}")))
        }
    }
}

/// Places the order and keeps its URL. If the answer is lost, the CA has an order that nobody
/// finalizes: it issues nothing and lapses.
async fn place_order(
    client: &AcmeClient<'_>,
    journal: &dyn Journal,
    work: &Work<'_>,
) -> Result<String, Stop> {
    let known = |profile: &&str| client.directory().profiles.iter().any(|one| one == profile);
    if let Some(profile) = work.profile.filter(|profile| !known(profile)) {
        let why = format!("the CA has no profile `{profile}`; change `ca_profiles` of the issuer");
        return Err(Stop::Progress(Progress::Over(why)));
    }
    let url = client.directory().new_order.clone();
    // `replaces` only where renewal information is served (RFC 9773, section 5).
    let replaces = work.replaces.filter(|_| client.directory().renewal_info.is_some());
    let payload = |replaces| wire::new_order(work.names, work.profile, replaces);
    let answer = match client.post(&url, &payload(replaces)).await {
        // Replaced already, or not known any more: the order itself is still wanted.
        Err(Trouble::Refused { status, problem, .. })
            if replaces.is_some() && (status == 409 || problem.kind == "malformed") =>
        {
            client.post(&url, &payload(None)).await?
        }
        other => other?,
    };
    let url = answer.field("location").ok_or(BadAnswer("Location"))?.to_owned();
    journal.keep_order_url(&url).await?;
    Ok(url)
}

/// A CA that refuses to show an order it gave us may still have issued for it.
fn unknown_if_refused(cause: Trouble, url: &str) -> Stop {
    if let Trouble::Refused { status, problem, after } = &cause
        && *status < 500
    {
        let why = format!("the CA does not show order `{url}`: {status} {problem}");
        return Stop::Progress(Progress::Lost { after: *after, why });
    }
    Stop::Trouble(cause)
}

fn refused_request(cause: Trouble) -> Stop {
    if cause.is("orderNotReady") {
        let why = "the CA says that the order is not ready".to_owned();
        return Stop::Progress(not_yet(cause.after(), why));
    }
    Stop::Trouble(cause)
}

async fn authorize(
    client: &AcmeClient<'_>,
    records: &dyn ChallengeRecords,
    journal: &dyn Journal,
    url: &str,
) -> Result<(), Stop> {
    let over = |why: String| Stop::Progress(Progress::Over(why));
    let seen = client.get(url).await?;
    let seen = AuthorizationSeen::read(&seen.body)?;
    match seen.status {
        Status::Valid => return Ok(()),
        Status::Over => {
            let why = seen.error.unwrap_or_default();
            return Err(over(format!("the CA does not find `{}` to be ours: {why}", seen.name)));
        }
        Status::Pending | Status::Ready | Status::Processing => {}
    }
    let Some((challenge, token, status)) = seen.dns01 else {
        return Err(over(format!("the CA offers no dns-01 for `{}`", seen.name)));
    };
    if status != Status::Pending {
        return Ok(());
    }
    let authorization = KeyAuthorization::new(&token, client.key().thumbprint())
        .map_err(|_| Stop::Answer(BadAnswer("token")))?;
    let value = authorization.dns_01_value();
    let owner = seen.name.base().child("_acme-challenge");
    let owner = owner.map_err(|_| over(format!("`{}` is too long for dns-01", seen.name)))?;
    journal.about_to_place(&owner, &value).await?;
    records.place(&owner, &value).await?;
    let waiting = records.waiting_for(&owner, &value).await;
    if let Some(server) = waiting.first() {
        let why = format!("{server} does not show the record at `{owner}` yet");
        return Err(Stop::Progress(not_yet(PROPAGATION_PAUSE, why)));
    }
    client.post(&challenge, &serde_json::json!({})).await?;
    Ok(())
}

async fn download(client: &AcmeClient<'_>, order: &OrderSeen) -> Result<Progress, Stop> {
    let url = order.certificate.as_deref().ok_or(BadAnswer("certificate"))?;
    let answer = client.get(url).await.map_err(|cause| unknown_if_refused(cause, url))?;
    let chain = read_chain(&answer.body).map_err(|_| BadAnswer("certificate chain"))?;
    if chain.is_empty() {
        return Err(BadAnswer("certificate chain").into());
    }
    Ok(Progress::Issued(chain))
}

/// Takes every record away that was written for the order. What cannot be taken away stays in the
/// journal, and is tried again.
///
/// # Errors
/// The first reason why not.
pub async fn tidy(records: &dyn ChallengeRecords, journal: &dyn Journal) -> Result<(), String> {
    for (owner, value) in journal.placed().await.map_err(|cause| cause.to_string())? {
        records.clear(&owner, &value).await.map_err(|cause| cause.to_string())?;
        journal.gone(&owner, &value).await.map_err(|cause| cause.to_string())?;
    }
    Ok(())
}
