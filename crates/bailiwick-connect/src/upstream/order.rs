//! An order at a CA, taken one way further each time.

use std::time::Duration;

use bailiwick_core::names::{SanName, SpkiHash};
use bailiwick_core::record::Reached;
use bailiwick_wire::acme_client::{self as wire, BadAnswer, OrderSeen, ProblemSeen, Status};
use bailiwick_wire::x509::{answered_leaves, read_chain};

use super::client::{AcmeClient, Trouble, pause};
use super::journal::{Finalized, Journal, NotKept, Past};
use super::prove::authorize;
use crate::dns::{ChallengeRecords, NotWritten};

/// When a record that is not everywhere yet is looked for again.
pub(super) const PROPAGATION_PAUSE: Duration = Duration::from_secs(2);
/// When is looked again whether a CA acts on a finalize whose answer was lost.
const FINALIZE_PAUSE: Duration = Duration::from_secs(10);
/// How often an order is asked for when the answers are lost: each may be an order at the CA.
const ORDERS_MAX: u32 = 3;
/// How often finalize is sent for one order; again only where nobody knows whether it arrived, or the
/// CA could not take it then.
const FINALIZES_MAX: u32 = 5;
/// Certificates of one order that are kept. One is right; what is beyond these, nobody looks at.
const SHOWN_MAX: usize = 8;

/// What an order is for.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// Exactly these names, sorted and distinct.
    pub names: &'a [SanName],
    /// The client's certificate request, DER; it goes to the CA as it stands.
    pub csr: &'a [u8],
    /// The key of the request: what the certificate has to be for.
    pub key: SpkiHash,
    /// What the CA calls the profile, where one is asked for.
    pub profile: Option<&'a str>,
    /// The certificate it replaces, as renewal information names it (RFC 9773, section 5).
    pub replaces: Option<&'a str>,
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
    Over(Over),
}

/// Why an order is over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Over {
    /// In words.
    pub why: String,
    /// The type of the CA's error, such as `caa` (RFC 8555, section 6.7); empty where it said none.
    pub kind: String,
}

impl From<String> for Over {
    fn from(why: String) -> Self {
        Self { why, kind: String::new() }
    }
}

impl From<&str> for Over {
    fn from(why: &str) -> Self {
        Self::from(why.to_owned())
    }
}

impl Over {
    /// With the type of the CA's error.
    pub(super) fn by(why: String, error: &ProblemSeen) -> Self {
        Self { why, kind: error.kind.clone() }
    }

    fn of(trouble: &Trouble) -> Self {
        let why = trouble.to_string();
        if let Trouble::Refused { problem, .. } = trouble {
            Self::by(why, problem)
        } else {
            Self::from(why)
        }
    }
}

/// Why one way is not gone; each becomes a [`Progress`].
pub(super) enum Stop {
    Trouble(Trouble),
    Kept(NotKept),
    Answer(BadAnswer),
    Record(NotWritten),
    Progress(Progress),
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trouble(cause) => cause.fmt(f),
            Self::Kept(cause) => cause.fmt(f),
            Self::Answer(cause) => cause.fmt(f),
            Self::Record(cause) => cause.fmt(f),
            Self::Progress(
                Progress::NotYet { why, .. }
                | Progress::Lost { why, .. }
                | Progress::Over(Over { why, .. }),
            ) => f.write_str(why),
            Self::Progress(Progress::Issued(_)) => f.write_str("it was issued"),
        }
    }
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
        Err(Stop::Trouble(cause)) => Progress::Over(Over::of(&cause)),
        Err(Stop::Kept(cause @ NotKept::Taken { .. })) => Progress::Over(cause.to_string().into()),
        Err(Stop::Kept(cause @ NotKept::Store(_))) => not_yet(PROPAGATION_PAUSE, cause.to_string()),
        Err(Stop::Answer(cause)) => {
            Progress::Lost { after: PROPAGATION_PAUSE, why: cause.to_string() }
        }
        Err(Stop::Record(cause)) => not_yet(PROPAGATION_PAUSE, cause.to_string()),
    }
}

pub(super) const fn not_yet(after: Duration, why: String) -> Progress {
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
    let past = journal.past().await?;
    let url = match &past.url {
        Some(url) => url.clone(),
        None => place_order(client, journal, work, past.orders_lost).await?,
    };
    let (order, after) = look(client, &url).await?;
    if order.names != work.names {
        // Never finalized by us as long as it says so: the names are compared before.
        return Ok(Progress::Over("the CA's order is for other names than ours".into()));
    }
    match order.status {
        Status::Pending => {
            for authorization in &order.authorizations {
                authorize(client, records, journal, work, authorization).await?;
            }
            Ok(not_yet(Duration::from_secs(1), "the CA looks at the names".to_owned()))
        }
        Status::Ready => finalize(client, journal, work, &order, &past).await,
        Status::Processing => Ok(not_yet(after, "the CA signs".to_owned())),
        Status::Valid => take(client, journal, work, past, order).await,
        Status::Over => {
            let error = order.error.unwrap_or_default();
            Ok(Progress::Over(Over::by(format!("the CA ended the order: {error}"), &error)))
        }
    }
}

async fn look(client: &AcmeClient<'_>, url: &str) -> Result<(OrderSeen, Duration), Stop> {
    let seen = client.get(url).await.map_err(|cause| unknown_if_refused(cause, url))?;
    let after = pause(&seen);
    Ok((OrderSeen::read(&seen.body)?, after))
}

/// Places the order and keeps its URL. If the answer is lost, the CA has an order that nobody
/// finalizes: it issues nothing and lapses. That can be so a few times, not for ever.
async fn place_order(
    client: &AcmeClient<'_>,
    journal: &dyn Journal,
    work: &Work<'_>,
    lost: u32,
) -> Result<String, Stop> {
    let over = |why: String| Stop::Progress(Progress::Over(why.into()));
    if lost >= ORDERS_MAX {
        let why = "the CA's answer to the order was lost each time; nothing was issued";
        return Err(over(format!("{why}, after {lost} tries")));
    }
    let known = |profile: &&str| client.directory().profiles.iter().any(|one| one == profile);
    if let Some(profile) = work.profile.filter(|profile| !known(profile)) {
        let why = format!("the CA has no profile `{profile}`; change `ca_profiles` of the issuer");
        return Err(over(why));
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
            client.post(&url, &payload(None)).await
        }
        other => other,
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(cause) => {
            if cause.may_have_acted() {
                journal.reached(Reached::OrderLost(lost.saturating_add(1))).await?;
            }
            return Err(cause.into());
        }
    };
    // Asked again, a CA that names no order would only get one more.
    let url = answer.field("location");
    let url = url.ok_or_else(|| over("the CA's answer names no order".to_owned()))?.to_owned();
    journal.keep_order_url(&url).await?;
    Ok(url)
}

/// Sends the request. That it goes out is put down before. Whoever finds that without an answer waits
/// until the CA has had the time to act on it, and if it then still wants to be sent one, sends it
/// once more; what the CA once took is never sent again.
async fn finalize(
    client: &AcmeClient<'_>,
    journal: &dyn Journal,
    work: &Work<'_>,
    order: &OrderSeen,
    past: &Past,
) -> Result<Progress, Stop> {
    let taken = past.said_valid || past.finalized == Finalized::Taken;
    if past.finalized == Finalized::JustNow {
        let why = "the CA was sent the request and may still act on it".to_owned();
        return Ok(not_yet(FINALIZE_PAUSE, why));
    } else if taken || past.finalizes >= FINALIZES_MAX {
        let why = "the CA was sent the request and shows the order as not finalized".to_owned();
        return Ok(Progress::Over(why.into()));
    }
    journal.reached(Reached::Finalizing(past.finalizes.saturating_add(1))).await?;
    match client.post(&order.finalize, &wire::finalize(work.csr)).await {
        Ok(_) => {
            journal.reached(Reached::FinalizeTaken).await?;
            Ok(not_yet(Duration::from_secs(1), "the CA signs".to_owned()))
        }
        Err(cause) => {
            // What it took before is not ready any more: that is no refusal.
            if !cause.may_have_acted() && !cause.is("orderNotReady") {
                journal.reached(Reached::FinalizeRefused).await?;
            }
            Err(refused_request(cause))
        }
    }
}

/// Takes the certificate when the CA shows the same one twice in a row; every one it shows is kept
/// first, so that none is lost whatever the CA shows later.
async fn take(
    client: &AcmeClient<'_>,
    journal: &dyn Journal,
    work: &Work<'_>,
    mut past: Past,
    order: OrderSeen,
) -> Result<Progress, Stop> {
    if !past.said_valid {
        journal.reached(Reached::SaidValid).await?;
    }
    let mut chain = download(client, &order).await?;
    keep_shown(journal, work, &chain, &mut past.shown).await?;
    if let Some(url) = past.url.clone() {
        let (again, after) = look(client, &url).await?;
        match again.status {
            Status::Valid => {}
            Status::Pending | Status::Ready | Status::Processing => {
                return Ok(not_yet(after, "the CA took back that it has issued".to_owned()));
            }
            Status::Over => {
                return Ok(Progress::Over("the CA ended the order after issuing".into()));
            }
        }
        chain = download(client, &again).await?;
        keep_shown(journal, work, &chain, &mut past.shown).await?;
    }
    if past.shown.len() > 1 {
        let count = past.shown.len();
        return Ok(Progress::Over(
            format!("the CA shows {count} certificates for one order").into(),
        ));
    }
    Ok(Progress::Issued(chain))
}

/// Keeps every certificate of an answer that may have been issued for the order.
pub(super) async fn keep_shown(
    journal: &dyn Journal,
    work: &Work<'_>,
    chain: &[Vec<u8>],
    shown: &mut Vec<Vec<u8>>,
) -> Result<(), NotKept> {
    for leaf in answered_leaves(chain, work.key) {
        if shown.len() < SHOWN_MAX && !shown.iter().any(|one| one == leaf) {
            journal.reached(Reached::Shown(leaf.clone())).await?;
            shown.push(leaf.clone());
        }
    }
    Ok(())
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

pub(super) async fn download(
    client: &AcmeClient<'_>,
    order: &OrderSeen,
) -> Result<Vec<Vec<u8>>, Stop> {
    let url = order.certificate.as_deref().ok_or(BadAnswer("certificate"))?;
    let answer = client.get(url).await.map_err(|cause| unknown_if_refused(cause, url))?;
    let chain = read_chain(&answer.body).map_err(|_| BadAnswer("certificate chain"))?;
    if chain.is_empty() {
        return Err(BadAnswer("certificate chain").into());
    }
    Ok(chain)
}
