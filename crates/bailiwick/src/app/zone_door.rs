//! The door into a zone of the estate, as the steps of a change use it.

use std::sync::Arc;

use bailiwick_connect::zones::{Cause, Happened, ServerSeen, Shown, ZoneDoor};
use bailiwick_core::change::Lane;
use bailiwick_core::estate::ZoneKey;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use futures::future::BoxFuture;

use super::doors::{Put, ZoneRecords};
use super::{App, Live};

pub(crate) use bailiwick_wire::dns::rdata_text;

impl App {
    /// The records of a zone through its connector.
    pub(super) async fn door<'a>(
        &'a self,
        live: &'a Live,
        key: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneRecords + 'a>, String> {
        let door = self.zone_door(live, key).await;
        Ok(Box::new(Through(door.map_err(|not| not.to_string())?)))
    }
}

/// A door of the network.
struct Through(Arc<dyn ZoneDoor>);

impl ZoneRecords for Through {
    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, String>> {
        Box::pin(async move {
            self.0.standing(owner, kind).await.map_err(|refused| refused.to_string())
        })
    }

    fn put<'a>(&'a self, edits: &'a [RecordEdit], why: &'a str) -> BoxFuture<'a, Put> {
        Box::pin(async move {
            match self.0.apply(edits, Cause { author: "bailiwick", text: why }).await {
                Ok(_) => Put::Done,
                Err(not) => match not.happened() {
                    Happened::Nothing => Put::Nothing(not.to_string()),
                    // What stands is read anyway before anything follows from it.
                    Happened::NotKnown | Happened::Something => Put::Unknown(not.to_string()),
                },
            }
        })
    }

    fn seen<'a>(&'a self, edits: &'a [RecordEdit]) -> BoxFuture<'a, Vec<Lane>> {
        Box::pin(async move { self.0.seen(edits).await.iter().map(lane).collect() })
    }
}

fn lane(seen: &ServerSeen) -> Lane {
    let serial = match &seen.serial {
        Ok(serial) => format!("serial {serial}"),
        Err(cause) => format!("no serial ({cause})"),
    };
    let late =
        seen.edits.iter().find(|edit| !edit.stands.eq(&bailiwick_connect::zones::Stands::After));
    let saw = match late {
        None => serial,
        Some(edit) => {
            let (owner, kind) = (&edit.owner, edit.kind);
            let what = match &edit.shown {
                Ok(Shown::Set(set) | Shown::Star(set)) => records(kind, set),
                Ok(Shown::Nothing) => "nothing".to_owned(),
                Err(cause) => cause.to_string(),
            };
            format!("{serial}, `{owner}` {kind}: {what}")
        }
    };
    Lane { who: seen.server.to_string(), shows: seen.is_after(), saw }
}

fn records(kind: RecordType, set: &RRset) -> String {
    let all: Vec<String> = set.rdata().iter().map(|rdata| rdata_text(kind, rdata)).collect();
    all.join(", ")
}
