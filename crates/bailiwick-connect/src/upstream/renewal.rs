//! When a CA wants a certificate of its own to be renewed (RFC 9773).

use std::time::Duration;

use bailiwick_core::time::Time;
use bailiwick_wire::acme_client::WindowSeen;

use super::client::{AcmeClient, Trouble};

/// When a CA is asked again that does not say when (RFC 9773, section 4.3.3, wants at least a look a day).
const PAUSE: Duration = Duration::from_secs(6 * 3_600);
/// Never more often, and never less.
const PAUSE_MIN: Duration = Duration::from_secs(60);
const PAUSE_MAX: Duration = Duration::from_secs(86_400);

/// What a CA suggests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Suggested {
    /// Begin of the window.
    pub start: Time,
    /// Its end; later than the begin.
    pub end: Time,
    /// How long that can be relied on.
    pub keeps: Duration,
}

/// Asks for the window of a certificate, named as [`bailiwick_wire::x509::AriId`] spells it; `None` where
/// the CA serves no renewal information.
///
/// # Errors
/// [`Trouble`].
pub async fn suggested(client: &AcmeClient<'_>, id: &str) -> Result<Option<Suggested>, Trouble> {
    let Some(base) = &client.directory().renewal_info else { return Ok(None) };
    let answer = client.look(&format!("{}/{id}", base.trim_end_matches('/'))).await?;
    let window = WindowSeen::read(&answer.body).map_err(|bad| Trouble::Strange(bad.to_string()))?;
    let wish = answer.field("retry-after").and_then(|text| text.trim().parse::<u64>().ok());
    let keeps = wish.map_or(PAUSE, Duration::from_secs).clamp(PAUSE_MIN, PAUSE_MAX);
    Ok(Some(Suggested { start: window.start, end: window.end, keeps }))
}
