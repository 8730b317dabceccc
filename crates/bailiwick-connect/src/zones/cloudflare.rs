//! Cloudflare through its API: all edits in one batch, which it carries out in one transaction.
//!
//! The API knows records, not sets, and has no condition to write on. Each record has an id, and a batch
//! that takes away a record which is gone fails as a whole; a record that somebody alters in place
//! between our look and our batch keeps its id, so it is overwritten. [`ZoneDoor::manner`] says so.

mod record;

use std::sync::Arc;

use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use futures::future::{BoxFuture, try_join_all};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::door::{Applied, Cause, Compared, Manner, NotApplied, Refused, ZoneDoor};
use super::http::{Api, Said};
use super::look::Authorities;
use super::writing::{self, Place};
use crate::egress::{Credential, Method, NoAnswer, Target, Trust, Web};
use record::{Held, is_of, read, spelled};

/// Records of one answer at most; a set has fewer.
const PAGE: usize = 100;
/// Characters of a comment at most, on every plan.
const COMMENT_CHARS_MAX: usize = 100;

/// Where a zone is in Cloudflare's API.
#[derive(Clone, Debug)]
pub struct CloudflarePlace {
    /// The URL of the API.
    pub api: Target,
    /// The zone as the API knows it.
    pub zone_id: String,
    /// A token that may edit the DNS of this zone, and nothing else.
    pub token: Zeroizing<String>,
    /// Whose certificate is believed.
    pub trust: Trust,
}

/// Writes into one zone at Cloudflare.
pub struct CloudflareDoor {
    api: Api,
    zone_id: String,
    authorities: Authorities,
}

impl CloudflareDoor {
    /// A door at the API.
    #[must_use]
    pub fn new(web: Arc<dyn Web>, authorities: Authorities, place: CloudflarePlace) -> Self {
        let value = Zeroizing::new(format!("Bearer {}", place.token.trim()));
        let credential = Credential { field: "authorization", value };
        let api = Api { web, base: place.api, credential, trust: place.trust };
        Self { api, zone_id: place.zone_id, authorities }
    }

    /// One request; an answer that does not say `success` is a no.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Said, NoAnswer> {
        let path = format!("zones/{}/dns_records{path}", self.zone_id);
        let said = self.api.ask(method, &path, body).await?;
        Ok(match said {
            Said::Done(value) if value.get("success") != Some(&Value::Bool(true)) => {
                Said::No(200, "it does not say that it was done".to_owned())
            }
            said @ (Said::Done(_) | Said::No(..)) => said,
        })
    }

    /// The records of a set, as the API holds them.
    async fn records(&self, owner: &OwnerName, kind: RecordType) -> Result<Vec<Held>, Refused> {
        let not_read = |cause: String| Refused::NotRead {
            owner: owner.clone(),
            place: self.api.place(),
            cause,
        };
        let name = owner.to_string().replace('*', "%2A");
        let path = format!("?name.exact={name}&type={kind}&per_page={PAGE}");
        let answer = self.ask(Method::Get, &path, None).await;
        let answer = match answer.map_err(|cause| not_read(cause.to_string()))? {
            Said::Done(value) => value,
            Said::No(status, why) => return Err(not_read(no(status, &why))),
        };
        let all = answer.get("result").and_then(Value::as_array);
        let all = all.ok_or_else(|| not_read("an answer without `result`".to_owned()))?;
        if all.len() >= PAGE {
            return Err(not_read(format!("{PAGE} records or more of one type")));
        }
        let wanted = all.iter().filter(|one| is_of(one, owner, kind));
        wanted.map(|one| read(kind, one)).collect::<Result<_, _>>().map_err(not_read)
    }

    async fn set(&self, owner: &OwnerName, kind: RecordType) -> Result<Option<RRset>, Refused> {
        let held = self.records(owner, kind).await?;
        set_of(&held).map_err(|cause| Refused::NotRead {
            owner: owner.clone(),
            place: self.api.place(),
            cause: cause.to_owned(),
        })
    }

    /// What one edit takes away and brings, record by record; nothing where its pre-image is gone.
    async fn parts(&self, edit: &RecordEdit, note: &str) -> Result<Option<Parts>, Refused> {
        let held = self.records(edit.owner(), edit.kind()).await?;
        if set_of(&held).ok().as_ref().map(Option::as_ref) != Some(edit.before()) {
            return Ok(None);
        }
        let (before, after) = (edit.before(), edit.after());
        let same_ttl = before.map(RRset::ttl_seconds) == after.map(RRset::ttl_seconds);
        let stays = |rdata: &Vec<u8>, other: Option<&RRset>| {
            same_ttl && other.is_some_and(|set| set.rdata().contains(rdata))
        };
        let gone = held.iter().filter(|one| !stays(&one.rdata, after));
        let gone = gone.map(|one| json!({ "id": one.id })).collect();
        let mut come = Vec::new();
        if let Some(set) = after {
            for rdata in set.rdata().iter().filter(|rdata| !stays(rdata, before)) {
                let record = spelled(edit, set.ttl_seconds(), rdata, note);
                come.push(record.ok_or_else(|| Refused::NoSuchEdit {
                    owner: edit.owner().clone(),
                    kind: edit.kind(),
                    why: "this door does not know how the API spells it; make the edit there",
                })?);
            }
        }
        Ok(Some(Parts { gone, come }))
    }
}

/// Records of one edit.
struct Parts {
    gone: Vec<Value>,
    come: Vec<Value>,
}

/// The set that records make together.
fn set_of(held: &[Held]) -> Result<Option<RRset>, &'static str> {
    let Some(first) = held.first() else { return Ok(None) };
    if held.iter().any(|one| one.ttl_seconds != first.ttl_seconds) {
        return Err("its records have different TTLs; give them one");
    }
    Ok(RRset::new(first.ttl_seconds, held.iter().map(|one| one.rdata.clone())))
}

fn no(status: u16, why: &str) -> String {
    match status {
        401 | 403 => format!(
            "the API does not accept our token ({why}); make one with `Zone, DNS, Edit` for this zone and hand it in with `bailiwick connector set-secret`"
        ),
        404 => format!("the API does not know the zone ({why}); compare the connector's `zone_id`"),
        429 => "the API has no room for more requests now; it is tried again".to_owned(),
        _ => format!("the API answers {status}: {why}"),
    }
}

/// Whether somebody was quicker: a record that is to go is gone, or the one that is to come is there.
fn was_overtaken(status: u16, why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    (400..500).contains(&status)
        && (why.contains("does not exist") || why.contains("identical record already exists"))
}

impl Place for CloudflareDoor {
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
        cause: Cause<'a>,
    ) -> BoxFuture<'a, Result<(), writing::NotWritten>> {
        Box::pin(async move {
            use writing::NotWritten;
            let note = format!("{}: {}", cause.author, cause.text);
            let note: String = note.chars().take(COMMENT_CHARS_MAX).collect();
            let parts = try_join_all(edits.iter().map(|edit| self.parts(edit, &note))).await;
            let Some(parts) =
                parts.map_err(NotWritten::No)?.into_iter().collect::<Option<Vec<_>>>()
            else {
                return Err(NotWritten::Other);
            };
            let (mut gone, mut come) = (Vec::new(), Vec::new());
            for part in parts {
                gone.extend(part.gone);
                come.extend(part.come);
            }
            let refused =
                |why: String| NotWritten::No(Refused::Said(format!("{}: {why}", self.api.place())));
            let body = json!({ "deletes": gone, "posts": come });
            match self.ask(Method::Post, "/batch", Some(body)).await {
                Ok(Said::Done(_)) => Ok(()),
                Ok(Said::No(status, why)) if was_overtaken(status, &why) => Err(NotWritten::Other),
                Ok(Said::No(status, why)) if (400..500).contains(&status) => {
                    Err(refused(no(status, &why)))
                }
                Ok(Said::No(status, why)) => Err(NotWritten::NotKnown(no(status, &why))),
                Err(cause) if cause.may_have_arrived() => {
                    Err(NotWritten::NotKnown(cause.to_string()))
                }
                Err(cause) => Err(refused(format!("{cause}; nothing was sent"))),
            }
        })
    }
}

impl ZoneDoor for CloudflareDoor {
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
