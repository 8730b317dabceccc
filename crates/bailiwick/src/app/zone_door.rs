//! The door into a zone of the estate, as the steps of a change use it.

use std::net::SocketAddr;

use bailiwick_connect::zones::{
    Authorities, Cause, Happened, ServerSeen, Shown, UpdateDoor, UpdatePlace, ZoneDoor,
};
use bailiwick_core::change::Lane;
use bailiwick_core::estate::{ConnectorKind, ZoneKey};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_wire::dns::TsigKey;
use futures::future::BoxFuture;

use super::doors::{Put, ZoneRecords};
use super::reach::TSIG_KEY;
use super::{App, Live};

pub(crate) use bailiwick_wire::dns::rdata_text;

impl App {
    /// The records of a zone through its connector.
    pub(super) async fn door<'a>(
        &'a self,
        live: &'a Live,
        key: &'a ZoneKey,
    ) -> Result<Box<dyn ZoneRecords + 'a>, String> {
        let zone = live.estate().zones.get(key);
        let zone = zone.ok_or_else(|| format!("the estate has no zone `{key}`"))?;
        let connector = zone.connector.as_ref().ok_or_else(|| {
            format!("zone `{key}` has no connector; add one, or ask its operator to make the edit")
        })?;
        let secret = self.secret(TSIG_KEY, &key.to_string()).await;
        let secret = secret.map_err(|fault| fault.to_string())?.ok_or_else(|| {
            format!(
                "the connector of zone `{key}` has no secret; hand it in with `bailiwick connector set-secret {key}`"
            )
        })?;
        let servers: &[SocketAddr] = &zone.servers;
        let authorities = Authorities::new(self.dns.clone(), key.name.clone(), servers);
        match connector.kind {
            ConnectorKind::Rfc2136 => {
                let tsig = TsigKey::new(&connector.key, &secret);
                let tsig = tsig.map_err(|cause| cause.to_string())?;
                let place = UpdatePlace { primary: connector.server, key: tsig };
                Ok(Box::new(Through(UpdateDoor::new(&authorities, place))))
            }
        }
    }
}

/// A door of the network.
struct Through<D>(D);

impl<D: ZoneDoor> ZoneRecords for Through<D> {
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
