//! Bodies, taken in within bounds: so many octets, within so much time (threats T15). Every face reads
//! them here, and says in its own words what did not go.

use std::fmt;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::http::{Extensions, StatusCode};
use futures::StreamExt as _;

/// Octets of a body at most, where its route says nothing else.
pub(super) const BODY_OCTETS_MAX: usize = 1024 * 1024;
/// An estate of some thousand zones has so many, as JSON of the API; read, it costs twice that, and no
/// request may cost more than 16 MiB.
pub(super) const ESTATE_OCTETS_MAX: usize = 6 * 1024 * 1024;
/// A body has to be there within this time; the rest of a request has what is left of its own.
const BODY_TIME_MAX: Duration = Duration::from_secs(20);

/// How long nothing of an unwanted body may come before its sender is answered.
const UNREAD_PAUSE_MAX: Duration = Duration::from_secs(1);
/// Octets of an unwanted body that go by; whoever sends more is cut off.
const UNREAD_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// Octets that the bodies of a route may have; an extension of its requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct OctetsMax(pub(super) usize);

/// Why a body was not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotTaken {
    /// It has more octets than these, or says so.
    TooLarge(usize),
    /// It did not come in time.
    Slow,
}

impl NotTaken {
    /// The status that says so (RFC 9110, sections 15.5.14 and 15.5.9).
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(max) => {
                write!(f, "the body has more than {max} octets, or broke off; send less")
            }
            Self::Slow => write!(
                f,
                "the body was not there within {} seconds; send it again",
                BODY_TIME_MAX.as_secs()
            ),
        }
    }
}

/// The whole body of a request, as large as its route allows.
pub(super) async fn body_of(extensions: &Extensions, body: Body) -> Result<Bytes, NotTaken> {
    let max = extensions.get::<OctetsMax>().map_or(BODY_OCTETS_MAX, |max| max.0);
    octets(body, max).await
}

/// The whole of a body.
pub(super) async fn octets(body: Body, max: usize) -> Result<Bytes, NotTaken> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut parts = body.into_data_stream();
    let whole = async {
        if announced > max {
            leave_unread(&mut parts).await;
            return Err(NotTaken::TooLarge(max));
        }
        let mut all = Vec::with_capacity(announced);
        while let Some(part) = parts.next().await {
            let part = part.map_err(|_| NotTaken::TooLarge(max))?;
            if all.len().saturating_add(part.len()) > max {
                leave_unread(&mut parts).await;
                return Err(NotTaken::TooLarge(max));
            }
            all.extend_from_slice(&part);
        }
        Ok(Bytes::from(all))
    };
    tokio::time::timeout(BODY_TIME_MAX, whole).await.map_err(|_| NotTaken::Slow)?
}

/// Lets a body that is not wanted go by for a while: most clients read no answer before they have
/// sent all, and would see a broken connection in place of the reason.
async fn leave_unread(parts: &mut BodyDataStream) {
    let mut octets: usize = 0;
    while let Ok(Some(Ok(part))) = tokio::time::timeout(UNREAD_PAUSE_MAX, parts.next()).await {
        octets = octets.saturating_add(part.len());
        if octets > UNREAD_OCTETS_MAX {
            return;
        }
    }
}
