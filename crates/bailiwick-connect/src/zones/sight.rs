//! Reading a zone where it is written, with nothing but questions: no key of any kind.

use std::net::SocketAddr;

use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::door::{Refused, ServerSeen, Shown};
use super::look::Authorities;

/// A label that nobody gives a name to: whether a `*` answers below a name tells whether that name
/// stands in the zone.
const PROBE: &str = "bailiwick-probe-4592";

/// The sets of a zone as its servers show them to anybody.
#[derive(Clone, Debug)]
pub struct Sight {
    authorities: Authorities,
    primary: Option<SocketAddr>,
}

impl Sight {
    /// What `primary` shows, which counts as one of the zone's servers; without one, what all servers
    /// show, if they agree.
    #[must_use]
    pub fn new(authorities: &Authorities, primary: Option<SocketAddr>) -> Self {
        let servers: Vec<SocketAddr> =
            authorities.servers().iter().copied().chain(primary).collect();
        let (dns, zone) = (authorities.dns().clone(), authorities.zone().clone());
        Self { authorities: Authorities::new(dns, zone, &servers), primary }
    }

    /// The set as it stands; `None` for no such set. It is the pre-image of an edit that is planned now,
    /// and compared once more by the door that writes.
    ///
    /// # Errors
    /// [`Refused::NotRead`].
    pub async fn standing(
        &self,
        owner: &OwnerName,
        kind: RecordType,
    ) -> Result<Option<RRset>, Refused> {
        let servers = match self.primary {
            Some(primary) => vec![primary],
            None => self.authorities.servers().to_vec(),
        };
        let not_read =
            |place: String, cause: String| Refused::NotRead { owner: owner.clone(), place, cause };
        let mut agreed: Option<Option<RRset>> = None;
        for server in servers {
            let set = self.set(server, owner, kind).await;
            let set = set.map_err(|cause| not_read(server.to_string(), cause.to_string()))?;
            if agreed.as_ref().is_some_and(|agreed| *agreed != set) {
                let cause = "the zone's servers do not show the same".to_owned();
                return Err(not_read(server.to_string(), cause));
            }
            agreed = Some(set);
        }
        agreed.ok_or_else(|| {
            not_read("the zone's servers".to_owned(), "none is named; add `servers`".to_owned())
        })
    }

    /// A name that stands in the zone is answered for itself, and so is whatever lies below it: a `*`
    /// above that answers below the name shows that the name does not stand (RFC 4592, section 2.2.1).
    async fn set(
        &self,
        server: SocketAddr,
        owner: &OwnerName,
        kind: RecordType,
    ) -> Result<Option<RRset>, bailiwick_core::caa::LookupFailure> {
        match self.authorities.shown(server, owner, kind).await? {
            Shown::Set(set) => Ok(Some(set)),
            Shown::Nothing => Ok(None),
            Shown::Star(set) => {
                let below = match owner.base().child(PROBE) {
                    Ok(below) if !owner.is_wildcard() => OwnerName::from(below),
                    // Nobody can ask below it; the door that writes compares.
                    _ => return Ok(Some(set)),
                };
                let (dns, zone) = (self.authorities.dns(), self.authorities.zone());
                let made = dns.set_at(server, zone, &below, kind).await?;
                let by_star = made.is_some_and(|made| made.has_same_records(&set));
                Ok((!by_star).then_some(set))
            }
        }
    }

    /// How far every server is with edits.
    pub async fn seen(&self, edits: &[RecordEdit]) -> Vec<ServerSeen> {
        self.authorities.seen(edits).await
    }
}
