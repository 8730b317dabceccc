//! Changes of one set of records that belongs to a zone and to no service.

use bailiwick_core::actor::{Actor, SignedIn};
use bailiwick_core::change::planner::of_zone;
use bailiwick_core::change::{Plan, Precheck, Request};
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::names::ChangeId;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};

use super::{App, Asking, Live};
use crate::fault::Fault;

/// How long servers may take to show an edit, in seconds: a secondary that lost a NOTIFY comes by its
/// refresh.
const WITHIN_SECONDS: u32 = 900;

/// An edit of a zone, planned and looked at.
pub(super) struct ZoneEdit {
    pub plan: Plan,
    pub prechecks: Vec<Precheck>,
}

impl App {
    /// What stands where the records of a zone are written.
    pub(super) async fn stands_there(
        &self,
        live: &Live,
        zone: &ZoneKey,
        (owner, kind): (&OwnerName, RecordType),
    ) -> Result<Option<RRset>, Fault> {
        let sight = self.sight(live, zone).map_err(Fault::conflict)?;
        sight.standing(owner, kind).await.map_err(Fault::conflict)
    }

    /// The plan of one edit, with what was looked at; refused where Bailiwick does not write there.
    pub(super) async fn plan_edit(
        &self,
        live: &Live,
        asking: &Asking,
        (zone, edit): (&ZoneKey, RecordEdit),
        why: String,
    ) -> Result<ZoneEdit, Fault> {
        self.may_write(live, zone).await?;
        let plan = of_zone(zone, vec![edit.clone()], why, WITHIN_SECONDS);
        let plan = plan.map_err(|bad| Fault::bug(format!("an edit is no plan: {bad:?}")))?;
        let prechecks = self.look_before_edit(live, asking, (zone, &edit), &plan).await;
        Ok(ZoneEdit { plan, prechecks })
    }

    /// A request for an edit of a zone.
    pub(super) fn request_of_zone(
        &self,
        by: SignedIn,
        zone: &ZoneKey,
        (title, reason): (String, String),
    ) -> Result<Request, Fault> {
        let id = ChangeId::parse(&self.world.id()?).map_err(|_| Fault::bug("bad change id"))?;
        let (by, zones, at) = (Actor::Person(by), vec![zone.name.clone()], self.now());
        Ok(Request { id, title, reason, by, service: None, zones, at })
    }
}
