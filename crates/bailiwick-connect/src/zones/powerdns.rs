//! PowerDNS through its HTTP API: all edits in one request, which it carries out in one transaction.
//!
//! The API has no condition to write on: what stands there is compared by us just before, and what
//! somebody else writes to the same set in between is overwritten. [`ZoneDoor::manner`] says so.

use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_core::shown::shown;
use bailiwick_wire::dns::{Origin, WireName, rdata_text, read_rdata};
use futures::future::{BoxFuture, try_join_all};
use serde_json::{Value, json};
use std::sync::Arc;
use zeroize::Zeroizing;

use super::door::{Applied, Cause, Compared, Manner, NotApplied, Refused, ZoneDoor};
use super::http::{Api, Said};
use super::look::Authorities;
use super::writing::{self, Place};
use crate::egress::{Credential, Method, Target, Trust, Web};

/// The field that holds the key of the API.
const KEY_FIELD: &str = "x-api-key";

/// Where PowerDNS's API is.
#[derive(Clone, Debug)]
pub struct PowerDnsPlace {
    /// The URL of one server in it, such as `https://ns1.example:8081/api/v1/servers/localhost`.
    pub server: Target,
    /// The key of the API.
    pub key: Zeroizing<String>,
    /// Whose certificate is believed.
    pub trust: Trust,
}

/// Writes into one zone of a PowerDNS server.
pub struct PowerDnsDoor {
    api: Api,
    authorities: Authorities,
}

impl PowerDnsDoor {
    /// A door at an API.
    #[must_use]
    pub fn new(web: Arc<dyn Web>, authorities: Authorities, place: PowerDnsPlace) -> Self {
        let credential = Credential { field: KEY_FIELD, value: place.key };
        let api = Api { web, base: place.server, credential, trust: place.trust };
        Self { api, authorities }
    }

    fn path(&self) -> String {
        format!("zones/{}.", self.zone())
    }

    async fn set(&self, owner: &OwnerName, kind: RecordType) -> Result<Option<RRset>, Refused> {
        let not_read = |cause: String| Refused::NotRead {
            owner: owner.clone(),
            place: self.api.place(),
            cause,
        };
        let name = owner.to_string().replace('*', "%2A");
        let path = format!("{}?rrset_name={name}.&rrset_type={kind}", self.path());
        let answer = self.api.ask(Method::Get, &path, None).await;
        let zone = match answer.map_err(|cause| not_read(cause.to_string()))? {
            Said::Done(value) => value,
            Said::No(401, _) => return Err(Refused::ApiKey { place: self.api.place() }),
            Said::No(status, why) => return Err(not_read(no(status, &why))),
        };
        let sets = zone.get("rrsets").and_then(Value::as_array);
        let sets = sets.ok_or_else(|| not_read("an answer without `rrsets`".to_owned()))?;
        // An older server leaves the question for one set aside and tells them all.
        let wanted = sets.iter().filter(|set| is_of(set, owner, kind));
        let mut records = Vec::new();
        let mut ttl_seconds = u32::MAX;
        for set in wanted {
            let ttl = set.get("ttl").and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok());
            ttl_seconds = ttl.ok_or_else(|| not_read("a set without `ttl`".to_owned()))?;
            for record in set.get("records").and_then(Value::as_array).into_iter().flatten() {
                if record.get("disabled").and_then(Value::as_bool) == Some(true) {
                    continue;
                }
                let text = record.get("content").and_then(Value::as_str).unwrap_or_default();
                let root = WireName::default();
                let rdata = read_rdata(kind, text, Origin::Appended(&root));
                records
                    .push(rdata.map_err(|cause| not_read(format!("`{}`: {cause}", shown(text))))?);
            }
        }
        Ok(RRset::new(ttl_seconds, records))
    }
}

fn is_of(set: &Value, owner: &OwnerName, kind: RecordType) -> bool {
    let text = |key| set.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name").trim_end_matches('.').to_ascii_lowercase();
    name == owner.to_string() && RecordType::parse(text("type")) == Some(kind)
}

fn no(status: u16, why: &str) -> String {
    match status {
        401 => "the API does not accept our key; hand in the right one with `bailiwick connector set-secret`".to_owned(),
        404 => "the API does not know the zone; compare the connector's `url` with the server's `/api/v1/servers`".to_owned(),
        _ => format!("the API answers {status}: {why}"),
    }
}

/// What one edit is in a request.
fn spelled(edit: &RecordEdit) -> Value {
    let (name, kind) = (format!("{}.", edit.owner()), edit.kind());
    match edit.after() {
        None => json!({ "name": name, "type": kind.to_string(), "changetype": "DELETE" }),
        Some(after) => {
            let records = after.rdata().iter();
            let records: Vec<Value> = records
                .map(|rdata| json!({ "content": rdata_text(kind, rdata), "disabled": false }))
                .collect();
            json!({
                "name": name,
                "type": kind.to_string(),
                "ttl": after.ttl_seconds(),
                "changetype": "REPLACE",
                "records": records,
            })
        }
    }
}

impl Place for PowerDnsDoor {
    fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    fn standing_of<'a>(
        &'a self,
        edits: &'a [RecordEdit],
    ) -> BoxFuture<'a, Result<Vec<Option<RRset>>, Refused>> {
        Box::pin(try_join_all(edits.iter().map(|edit| self.set(edit.owner(), edit.kind()))))
    }

    fn write<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        _: Cause<'a>,
    ) -> BoxFuture<'a, Result<(), writing::NotWritten>> {
        Box::pin(async move {
            // What goes first makes room for what comes.
            let (gone, come): (Vec<_>, Vec<_>) =
                edits.iter().partition(|edit| edit.after().is_none());
            let sets: Vec<Value> = gone.into_iter().chain(come).map(spelled).collect();
            let body = json!({ "rrsets": sets });
            match self.api.ask(Method::Patch, &self.path(), Some(body)).await {
                Ok(Said::Done(_)) => Ok(()),
                Ok(Said::No(status, why)) if status < 500 => {
                    let place = self.api.place();
                    Err(writing::NotWritten::No(Refused::Said(format!(
                        "{place}: {}",
                        no(status, &why)
                    ))))
                }
                Ok(Said::No(status, why)) => Err(writing::NotWritten::NotKnown(no(status, &why))),
                Err(cause) if cause.may_have_arrived() => {
                    Err(writing::NotWritten::NotKnown(cause.to_string()))
                }
                Err(cause) => Err(writing::NotWritten::No(Refused::Said(format!(
                    "{}: {cause}; nothing was sent",
                    self.api.place()
                )))),
            }
        })
    }
}

impl ZoneDoor for PowerDnsDoor {
    fn servers(&self) -> &Authorities {
        &self.authorities
    }

    fn manner(&self) -> Manner {
        Manner { whole: true, compared: Compared::JustBefore }
    }

    fn standing<'a>(
        &'a self,
        owner: &'a OwnerName,
        kind: RecordType,
    ) -> BoxFuture<'a, Result<Option<RRset>, Refused>> {
        Box::pin(self.set(owner, kind))
    }

    fn apply<'a>(
        &'a self,
        edits: &'a [RecordEdit],
        cause: Cause<'a>,
    ) -> BoxFuture<'a, Result<Applied, NotApplied>> {
        Box::pin(writing::apply(self, edits, cause))
    }
}
