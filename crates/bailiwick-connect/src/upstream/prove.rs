//! Control of a name, shown to a CA by a record in its zone (dns-01; RFC 8555, section 8.4).

use bailiwick_wire::acme_client::{AuthorizationSeen, BadAnswer, Status};
use bailiwick_wire::jose::KeyAuthorization;

use super::client::AcmeClient;
use super::journal::Journal;
use super::order::{Over, PROPAGATION_PAUSE, Progress, Stop, Work, not_yet};
use crate::dns::ChallengeRecords;

/// Records that a CA can make us write for one name of an order; more than one only where it changes its mind.
const RECORDS_PER_NAME_MAX: usize = 4;

/// Shows control of the name of one authorization, as far as that goes without waiting.
pub(super) async fn authorize(
    client: &AcmeClient<'_>,
    records: &dyn ChallengeRecords,
    journal: &dyn Journal,
    work: &Work<'_>,
    url: &str,
) -> Result<(), Stop> {
    let over = |why: String| Stop::Progress(Progress::Over(why.into()));
    let seen = client.get(url).await?;
    let seen = AuthorizationSeen::read(&seen.body)?;
    if !work.names.iter().any(|name| name.base() == seen.name.base()) {
        return Err(over(format!("the CA wants to see `{}`, which was not ordered", seen.name)));
    }
    match seen.status {
        Status::Valid => return Ok(()),
        Status::Over => {
            let error = seen.error.unwrap_or_default();
            let why = format!("the CA does not find `{}` to be ours: {error}", seen.name);
            return Err(Stop::Progress(Progress::Over(Over::by(why, &error))));
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
    let owner = seen.name.dns().and_then(|name| name.child("_acme-challenge").ok());
    let owner = owner.ok_or_else(|| over(format!("there is no dns-01 for `{}`", seen.name)))?;
    let placed = journal.placed().await?;
    let is_new = !placed.iter().any(|one| one.0 == owner && one.1 == value);
    if is_new && placed.len() >= work.names.len().saturating_mul(RECORDS_PER_NAME_MAX) {
        return Err(over(format!("the CA wants another record at `{owner}` each time")));
    }
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
