//! A zone that is looked at and never written.

use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use futures::future::BoxFuture;

use super::door::{
    Applied, Cause, Compared, How, Manner, NotApplied, Refused, ServerSeen, Shown, ZoneDoor,
};
use super::edits::check;
use super::look::Authorities;

/// Reads a zone at its servers.
#[derive(Clone, Debug)]
pub struct ObserveDoor {
    authorities: Authorities,
    /// Who can make an edit, as people call them.
    whom: String,
}

impl ObserveDoor {
    /// A door that does not open; `whom` is asked instead.
    #[must_use]
    pub const fn new(authorities: Authorities, whom: String) -> Self {
        Self { authorities, whom }
    }

    /// What all servers show, if they agree.
    async fn set(&self, owner: &OwnerName, kind: RecordType) -> Result<Option<RRset>, Refused> {
        let place = "the zone's servers".to_owned();
        let not_read =
            |cause: String| Refused::NotRead { owner: owner.clone(), place: place.clone(), cause };
        let mut agreed: Option<Option<RRset>> = None;
        for lane in self.authorities.read(owner, kind).await {
            let shown =
                lane.shown.map_err(|cause| not_read(format!("{}: {cause}", lane.server)))?;
            let set = match shown {
                Shown::Set(set) | Shown::Star(set) => Some(set),
                Shown::Nothing => None,
            };
            if agreed.as_ref().is_some_and(|agreed| *agreed != set) {
                return Err(not_read("they do not say the same".to_owned()));
            }
            agreed = Some(set);
        }
        agreed.ok_or_else(|| not_read("none is named; add `servers`".to_owned()))
    }
}

impl ZoneDoor for ObserveDoor {
    fn servers(&self) -> &Authorities {
        &self.authorities
    }

    fn manner(&self) -> Manner {
        Manner { whole: true, compared: Compared::Never }
    }

    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, Refused>> {
        Box::pin(self.set(owner, kind))
    }

    /// What somebody else has already made so is found done; everything else is refused.
    fn apply<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        _: Cause<'a>,
    ) -> BoxFuture<'a, Result<Applied, NotApplied>> {
        Box::pin(async move {
            check(self.zone(), edits)?;
            let seen = self.authorities.seen(edits).await;
            if !seen.is_empty() && seen.iter().all(ServerSeen::is_after) {
                return Ok(Applied { how: How::Already, seen });
            }
            let (zone, whom) = (self.zone().clone(), self.whom.clone());
            Err(Refused::ObserveOnly { zone, whom }.into())
        })
    }

    fn tried(&self) -> BoxFuture<'_, Result<&'static str, Refused>> {
        Box::pin(async { Ok("nothing is written here: the zone is observed only") })
    }
}
