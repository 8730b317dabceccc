//! Writing into a zone: one TXT record comes or goes by a signed update, and the zone's servers say
//! whether it did (RFC 2136, RFC 8945; promise P13).

use std::collections::BTreeSet;
use std::net::SocketAddr;

use bailiwick_core::caa::{LookupFailure, PrivateTlds};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType};
use bailiwick_wire::dns::{NotSigned, RecordKind as _, TsigKey, Txt, UpdateCode, txt_rdata};
use futures::future::{BoxFuture, join_all};

use super::client::DnsClient;
use super::view::View;
use crate::zones::{Authorities, NotApplied, Refused, UpdateDoor, UpdatePlace, ZoneDoor as _};

/// How long a record may be remembered: it is there for minutes, and a wrong one must go quickly.
const TTL_SECONDS: u32 = 60;
/// How often is looked again when somebody else altered the same set in between.
const LOOKS_MAX: u32 = 4;

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

/// Writes into one zone at its primary server.
#[derive(Clone, Debug)]
pub struct ZoneWriter {
    dns: DnsClient,
    zone: ZoneName,
    primary: SocketAddr,
    servers: Vec<SocketAddr>,
    door: UpdateDoor,
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
        server: SocketAddr,
        /// Why.
        cause: String,
    },
    /// The server said no.
    #[error("{server} did not update `{owner}`: {code}")]
    Refused {
        /// Which name.
        owner: DnsName,
        /// Who.
        server: SocketAddr,
        /// What it said.
        code: UpdateCode,
    },
    /// The server's answer is not believed.
    #[error("the update of `{owner}` at {server}: {cause}")]
    Signature {
        /// Which name.
        owner: DnsName,
        /// Who.
        server: SocketAddr,
        /// Why.
        cause: NotSigned,
    },
    /// No answer came, and a look afterwards does not show it done.
    #[error("{server} did not answer the update of `{owner}`; whether it comes is not known")]
    Unknown {
        /// Which name.
        owner: DnsName,
        /// Who.
        server: SocketAddr,
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
    /// Writes at `primary` with `key`; `servers` are all that answer for the zone.
    #[must_use]
    pub fn new(
        dns: DnsClient,
        zone: ZoneName,
        primary: SocketAddr,
        servers: &[SocketAddr],
        key: TsigKey,
    ) -> Self {
        let mut servers = servers.to_vec();
        if !servers.contains(&primary) {
            servers.push(primary);
        }
        let authorities = Authorities::new(dns.clone(), zone.clone(), &servers);
        let door = UpdateDoor::new(&authorities, UpdatePlace { primary, key });
        Self { dns, zone, primary, servers, door }
    }

    /// The texts that one server of the zone shows.
    async fn shown(
        &self,
        owner: &DnsName,
        server: SocketAddr,
    ) -> Result<Vec<Vec<u8>>, LookupFailure> {
        let view = View {
            resolver: None,
            authorities: vec![(self.zone.clone(), vec![server])],
            private_tlds: PrivateTlds::reserved(),
        };
        self.dns.txt(&view, owner).await
    }

    async fn make(&self, owner: &DnsName, value: &str, wanted: Wanted) -> Result<(), NotWritten> {
        if !owner.is_at_or_below(self.zone.apex()) {
            return Err(NotWritten::Outside { owner: owner.clone(), zone: self.zone.clone() });
        }
        let set_owner = OwnerName::from(owner.clone());
        let not_written = |cause| self.not_written(owner, cause);
        let mut last = NotApplied::OtherBefore { there: Vec::new() };
        for _ in 0..LOOKS_MAX {
            let standing = self.door.standing(&set_owner, RecordType::TXT).await;
            let before = standing.map_err(|cause| not_written(cause.into()))?;
            let Some(edit) = edit(&set_owner, before, value.as_bytes(), wanted) else {
                return Ok(());
            };
            match self.door.write(&[edit]).await {
                Ok(_) => return Ok(()),
                // Somebody else wrote there in between, or just after us: look again.
                Err(cause @ (NotApplied::OtherBefore { .. } | NotApplied::Differs { .. }))
                    if only_texts(&cause) =>
                {
                    last = cause
                }
                Err(cause) => return Err(not_written(cause)),
            }
        }
        Err(not_written(last))
    }

    fn not_written(&self, owner: &DnsName, cause: NotApplied) -> NotWritten {
        let (owner, server) = (owner.clone(), self.primary);
        match cause {
            NotApplied::Unknown { .. } => NotWritten::Unknown { owner, server },
            NotApplied::Refused(Refused::Outside { zone, .. }) => {
                NotWritten::Outside { owner, zone }
            }
            NotApplied::Refused(Refused::NotRead { cause, .. }) => {
                NotWritten::NotRead { owner, server, cause }
            }
            NotApplied::Refused(Refused::Code { code, .. }) => {
                NotWritten::Refused { owner, server, code }
            }
            NotApplied::Refused(Refused::Signature { cause, .. }) => {
                NotWritten::Signature { owner, server, cause }
            }
            cause @ (NotApplied::Refused(_)
            | NotApplied::OtherBefore { .. }
            | NotApplied::Differs { .. }) => NotWritten::NotApplied { owner, cause },
        }
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
            let looks = self.servers.iter().map(|server| async move {
                let shown = self.shown(owner, *server).await.unwrap_or_default();
                (*server, shown.iter().any(|text| text == value.as_bytes()))
            });
            let seen = join_all(looks).await;
            seen.into_iter().filter(|(_, is_there)| !is_there).map(|(server, _)| server).collect()
        })
    }
}
