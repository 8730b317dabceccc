//! Writing into a zone: one TXT record comes or goes through the zone's door, and the zone's servers say
//! whether it did (promise P13).

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use bailiwick_core::caa::{LookupFailure, PrivateTlds};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_wire::dns::{NotSigned, RecordKind as _, Txt, UpdateCode, txt_rdata};
use futures::future::{BoxFuture, join_all};
use tokio::sync::Mutex;

use super::client::DnsClient;
use super::view::View;
use crate::zones::{Cause, Compared, NotApplied, Refused, ZoneDoor};

/// How long a record may be remembered: it is there for minutes, and a wrong one must go quickly.
const TTL_SECONDS: u32 = 60;
/// How often is looked again when somebody else altered the same set in between.
const LOOKS_MAX: u32 = 4;
/// Who writes where the door itself compares, just before it writes: one at a time in this process, so
/// that challenges of one name do not take each other's records.
static WRITING: Mutex<()> = Mutex::const_new(());

/// The records with which control of a name is shown to somebody.
pub trait ChallengeRecords: Send + Sync {
    /// Adds a TXT record; one that is there already is left as it is.
    fn place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>>;

    /// Takes a TXT record away; one that is not there is not missed. Its neighbours stay.
    fn clear<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>>;

    /// The servers of the zone that do not show the record yet.
    fn waiting_for<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Vec<SocketAddr>>;
}

/// Writes into one zone through its door.
#[derive(Clone)]
pub struct ZoneWriter {
    dns: DnsClient,
    door: Arc<dyn ZoneDoor>,
}

/// A record was not written, or nobody knows.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotWritten {
    /// There is no way into the zone.
    #[error("{0}")]
    NoWay(String),
    /// The name lies outside the zone.
    #[error("`{owner}` lies outside zone `{zone}`; give the zone that holds it a connector")]
    Outside {
        /// Which name.
        owner: DnsName,
        /// Which zone.
        zone: ZoneName,
    },
    /// What is there now could not be read.
    #[error("what stands at `{owner}` could not be read at {server}: {cause}")]
    NotRead {
        /// Which name.
        owner: DnsName,
        /// Asked of whom.
        server: String,
        /// Why.
        cause: String,
    },
    /// The server said no.
    #[error("{server} did not update `{owner}`: {code}")]
    Refused {
        /// Which name.
        owner: DnsName,
        /// Who.
        server: String,
        /// What it said.
        code: UpdateCode,
    },
    /// The server's answer is not believed.
    #[error("the update of `{owner}` at {server}: {cause}")]
    Signature {
        /// Which name.
        owner: DnsName,
        /// Who.
        server: String,
        /// Why.
        cause: NotSigned,
    },
    /// No answer came, and a look afterwards does not show it done.
    #[error("whether the update of `{owner}` comes is not known: {why}")]
    Unknown {
        /// Which name.
        owner: DnsName,
        /// Why.
        why: String,
    },
    /// Another reason.
    #[error("`{owner}`: {cause}")]
    NotApplied {
        /// Which name.
        owner: DnsName,
        /// Why.
        cause: NotApplied,
    },
}

/// What is to be true of a record.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Wanted {
    There,
    Gone,
}

impl ZoneWriter {
    /// Writes through this door; the servers that it names are all that answer for the zone.
    #[must_use]
    pub fn new(dns: DnsClient, door: Arc<dyn ZoneDoor>) -> Self {
        Self { dns, door }
    }

    /// The texts that one server of the zone shows.
    async fn shown(
        &self,
        owner: &DnsName,
        server: SocketAddr,
    ) -> Result<Vec<Vec<u8>>, LookupFailure> {
        let view = View {
            resolver: None,
            authorities: std::iter::once((self.door.zone().clone(), vec![server])).collect(),
            private_tlds: PrivateTlds::reserved(),
        };
        self.dns.txt(&view, owner).await
    }

    async fn make(&self, owner: &DnsName, value: &str, wanted: Wanted) -> Result<(), NotWritten> {
        let zone = self.door.zone();
        if !owner.is_at_or_below(zone.apex()) {
            return Err(NotWritten::Outside { owner: owner.clone(), zone: zone.clone() });
        }
        let _alone = match self.door.manner().compared {
            Compared::JustBefore => Some(WRITING.lock().await),
            Compared::AtTheServer | Compared::Never => None,
        };
        let set_owner = OwnerName::from(owner.clone());
        let text = match wanted {
            Wanted::There => "challenge record",
            Wanted::Gone => "challenge record taken away",
        };
        let cause = Cause { author: "bailiwick", text };
        let mut last = NotApplied::OtherBefore { there: Vec::new() };
        for _ in 0..LOOKS_MAX {
            let standing = self.door.standing(&set_owner, RecordType::TXT).await;
            let before = standing.map_err(|cause| not_written(owner, cause.into()))?;
            let Some(edit) = edit(&set_owner, before, value.as_bytes(), wanted) else {
                return Ok(());
            };
            match self.door.write(&[edit], cause).await {
                Ok(_) => return Ok(()),
                // Somebody else wrote there in between, or just after us: look again.
                Err(cause @ (NotApplied::OtherBefore { .. } | NotApplied::Differs { .. }))
                    if only_texts(&cause) =>
                {
                    last = cause
                }
                Err(cause) => return Err(not_written(owner, cause)),
            }
        }
        Err(not_written(owner, last))
    }
}

fn not_written(owner: &DnsName, cause: NotApplied) -> NotWritten {
    let owner = owner.clone();
    match cause {
        NotApplied::Unknown { why, .. } => NotWritten::Unknown { owner, why },
        NotApplied::Refused(Refused::Outside { zone, .. }) => NotWritten::Outside { owner, zone },
        NotApplied::Refused(Refused::NotRead { place, cause, .. }) => {
            NotWritten::NotRead { owner, server: place, cause }
        }
        NotApplied::Refused(Refused::Code { place, code }) => {
            NotWritten::Refused { owner, server: place, code }
        }
        NotApplied::Refused(Refused::Signature { place, cause }) => {
            NotWritten::Signature { owner, server: place, cause }
        }
        cause @ (NotApplied::Refused(_)
        | NotApplied::OtherBefore { .. }
        | NotApplied::Differs { .. }) => NotWritten::NotApplied { owner, cause },
    }
}

/// Whether what stands there is of the kind that is written.
fn only_texts(cause: &NotApplied) -> bool {
    match cause {
        NotApplied::OtherBefore { there } | NotApplied::Differs { there, .. } => {
            there.iter().all(|it| it.kind == RecordType::TXT)
        }
        NotApplied::Refused(_) | NotApplied::Unknown { .. } => false,
    }
}

/// The set with the text added or taken away; `None` where it is so already. The neighbours and
/// their TTL stay.
fn edit(
    owner: &OwnerName,
    before: Option<RRset>,
    text: &[u8],
    wanted: Wanted,
) -> Option<RecordEdit> {
    let says = |rdata: &Vec<u8>| Txt::read(rdata).is_some_and(|it| it == text);
    let ttl_seconds = before.as_ref().map_or(TTL_SECONDS, RRset::ttl_seconds);
    let mut all = before.as_ref().map_or_else(BTreeSet::new, |set| set.rdata().clone());
    if all.iter().any(says) == (wanted == Wanted::There) {
        return None;
    }
    match wanted {
        Wanted::There => drop(all.insert(txt_rdata(text))),
        Wanted::Gone => all.retain(|rdata| !says(rdata)),
    }
    let after = RRset::new(ttl_seconds, all);
    RecordEdit::new(owner.clone(), RecordType::TXT, before, after).ok()
}

impl ChallengeRecords for ZoneWriter {
    fn place<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(self.make(owner, value, Wanted::There))
    }

    fn clear<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Result<(), NotWritten>> {
        Box::pin(self.make(owner, value, Wanted::Gone))
    }

    fn waiting_for<'a>(
        &'a self,
        owner: &'a DnsName,
        value: &'a str,
    ) -> BoxFuture<'a, Vec<SocketAddr>> {
        Box::pin(async move {
            let looks = self.door.servers().servers().iter().map(|server| async move {
                let shown = self.shown(owner, *server).await.unwrap_or_default();
                (*server, shown.iter().any(|text| text == value.as_bytes()))
            });
            let seen = join_all(looks).await;
            seen.into_iter().filter(|(_, is_there)| !is_there).map(|(server, _)| server).collect()
        })
    }
}
