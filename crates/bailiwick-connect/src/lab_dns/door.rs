//! The way into a zone of the lab: its records lie in this process, so they are compared and written in
//! one step under one lock.

use std::collections::BTreeMap;
use std::sync::Arc;

use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_wire::dns::set_lines;
use futures::future::BoxFuture;
use hickory_proto::rr::{LowerName, Name, RecordSet, RrKey};
use hickory_proto::serialize::binary::BinEncodable;
use hickory_proto::serialize::txt::Parser;
use hickory_server::store::in_memory::InMemoryZoneHandler;

use super::{LabZones, raise_serial};
use crate::zones::{
    Applied, Authorities, Cause, Compared, How, Manner, NotApplied, Refused, Stands, There,
    ZoneDoor, check, others,
};

type Records = BTreeMap<RrKey, Arc<RecordSet>>;

/// Writes into one zone of the lab.
pub struct LabDoor {
    authorities: Authorities,
    handler: Arc<InMemoryZoneHandler>,
    origin: Name,
}

impl LabZones {
    /// The door into a zone, where the lab's own server is among those that answer for it.
    #[must_use]
    pub fn door(&self, authorities: &Authorities) -> Option<LabDoor> {
        let here = self.address.filter(|here| authorities.servers().contains(here));
        here?;
        let handler = Arc::clone(self.zones.get(authorities.zone())?);
        let origin = Name::from_ascii(format!("{}.", authorities.zone())).ok()?;
        Some(LabDoor { authorities: authorities.clone(), handler, origin })
    }
}

impl LabDoor {
    fn key(owner: &OwnerName, kind: RecordType) -> Result<RrKey, Refused> {
        let name = Name::from_ascii(format!("{owner}."));
        let name = name.map_err(|cause| Refused::Said(format!("`{owner}`: {cause}")))?;
        Ok(RrKey::new(LowerName::new(&name), kind.number().into()))
    }

    fn set(
        records: &Records,
        owner: &OwnerName,
        kind: RecordType,
    ) -> Result<Option<RRset>, Refused> {
        let Some(set) = records.get(&Self::key(owner, kind)?) else { return Ok(None) };
        let rdata: Result<Vec<Vec<u8>>, _> =
            set.records_without_rrsigs().map(|record| record.data.to_bytes()).collect();
        let rdata = rdata.map_err(|cause| Refused::NotRead {
            owner: owner.clone(),
            place: "the lab's DNS".to_owned(),
            cause: cause.to_string(),
        })?;
        Ok(RRset::new(set.ttl(), rdata))
    }

    fn sets(records: &Records, edits: &[RecordEdit]) -> Result<Vec<Option<RRset>>, Refused> {
        edits.iter().map(|edit| Self::set(records, edit.owner(), edit.kind())).collect()
    }

    /// Compares and writes, all or none.
    async fn carry_out(&self, edits: &[RecordEdit]) -> Result<How, NotApplied> {
        check(self.zone(), edits)?;
        let mut records = self.handler.records_mut().await;
        let now = Self::sets(&records, edits)?;
        let stands: Vec<Stands> =
            edits.iter().zip(&now).map(|(edit, set)| Stands::of(edit, set.as_ref())).collect();
        if stands.iter().all(|one| *one == Stands::After) {
            return Ok(How::Already);
        }
        if stands.contains(&Stands::Other) {
            return Err(NotApplied::OtherBefore { there: others(edits, &now) });
        }
        let beside = Self::beside(&records, edits)?;
        if !beside.is_empty() {
            return Err(NotApplied::OtherBefore { there: beside });
        }
        let mut written = Vec::new();
        for edit in edits {
            written.push((Self::key(edit.owner(), edit.kind())?, self.parsed(edit)?));
        }
        for (key, set) in written {
            match set {
                Some(set) => drop(records.insert(key, Arc::new(set))),
                None => drop(records.remove(&key)),
            }
        }
        raise_serial(&mut records, &self.origin);
        let there: Vec<There> = others(edits, &Self::sets(&records, edits)?);
        if there.is_empty() {
            return Ok(How::Written);
        }
        Err(NotApplied::Differs { there, seen: Vec::new() })
    }

    /// Sets beside which an alias must not come, or an alias beside which nothing must come (RFC 1034,
    /// section 3.6.2).
    fn beside(records: &Records, edits: &[RecordEdit]) -> Result<Vec<There>, Refused> {
        let mut found = Vec::new();
        for edit in edits.iter().filter(|edit| edit.after().is_some() && edit.before().is_none()) {
            let owner = edit.owner();
            let name = Self::key(owner, edit.kind())?.name;
            let clashes = |kind: RecordType| {
                let is_edited = edits.iter().any(|it| it.owner() == owner && it.kind() == kind);
                (edit.kind() == RecordType::CNAME) != (kind == RecordType::CNAME) && !is_edited
            };
            let kinds = records.keys().filter(|key| key.name == name);
            for kind in kinds.map(|key| RecordType::of(key.record_type.into())) {
                if clashes(kind) {
                    let (owner, set) = (owner.clone(), Self::set(records, owner, kind)?);
                    found.push(There { owner, kind, set });
                }
            }
        }
        Ok(found)
    }

    /// The set after an edit, as the server keeps it.
    fn parsed(&self, edit: &RecordEdit) -> Result<Option<RecordSet>, Refused> {
        let Some(after) = edit.after() else { return Ok(None) };
        let text = set_lines(edit.owner(), edit.kind(), after).join("\n");
        let unknown = || Refused::NoSuchEdit {
            owner: edit.owner().clone(),
            kind: edit.kind(),
            why: "the lab's DNS does not know such records",
        };
        let parser = Parser::new(format!("{text}\n"), None, Some(self.origin.clone()));
        let (_, sets) = parser.parse().map_err(|_| unknown())?;
        sets.into_values().next().map(Some).ok_or_else(unknown)
    }
}

impl ZoneDoor for LabDoor {
    fn servers(&self) -> &Authorities {
        &self.authorities
    }

    fn zone(&self) -> &ZoneName {
        self.authorities.zone()
    }

    fn manner(&self) -> Manner {
        Manner { whole: true, compared: Compared::AtTheServer }
    }

    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, Refused>> {
        Box::pin(async move { Self::set(&*self.handler.records().await, owner, kind) })
    }

    fn apply<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        _: Cause<'a>,
    ) -> BoxFuture<'a, Result<Applied, NotApplied>> {
        Box::pin(async move {
            let how = self.carry_out(edits).await?;
            Ok(Applied { how, seen: self.authorities.seen(edits).await })
        })
    }
}
