//! Writing into a zone: one TXT record comes or goes by a signed update, and the zone's servers say
//! whether it did (RFC 2136, RFC 8945; promise P13).

use std::net::SocketAddr;

use bailiwick_core::caa::{LookupFailure, PrivateTlds};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_wire::dns::{NotSigned, TsigKey, TxtEdit, TxtUpdate, UpdateCode, WireName};
use futures::future::{BoxFuture, join_all};
use tokio::time::timeout;

use super::client::DnsClient;
use super::exchange::over_tcp_raw;
use super::view::View;

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
    key: TsigKey,
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
        cause: LookupFailure,
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
    /// The server said done, and does not show it.
    #[error(
        "{server} acknowledged the update of `{owner}` and does not show it; is there a CNAME?"
    )]
    NotShown {
        /// Which name.
        owner: DnsName,
        /// Who.
        server: SocketAddr,
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
        Self { dns, zone, primary, servers, key }
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
        if !WireName::from(owner).is_at_or_below(&WireName::from(&self.zone)) {
            return Err(NotWritten::Outside { owner: owner.clone(), zone: self.zone.clone() });
        }
        let mut last = UpdateCode::OtherBefore;
        for _ in 0..LOOKS_MAX {
            let before = self.before(owner).await?;
            let is_there = before.iter().any(|text| text == value.as_bytes());
            if is_there == (wanted == Wanted::There) {
                return Ok(());
            }
            let text = value.as_bytes().to_vec();
            let value = text.clone();
            let edit = match wanted {
                Wanted::There => TxtEdit::Add { value, ttl_seconds: TTL_SECONDS },
                Wanted::Gone => TxtEdit::Remove { value },
            };
            match self.send(owner, before, edit).await? {
                UpdateCode::Done => return self.shown_now(owner, &text, wanted).await,
                // Somebody else wrote there in between: look again.
                UpdateCode::OtherBefore => {}
                code @ (UpdateCode::Refused
                | UpdateCode::NotAuthoritative
                | UpdateCode::OutsideZone
                | UpdateCode::Other(_)) => {
                    last = code;
                    break;
                }
            }
        }
        Err(NotWritten::Refused { owner: owner.clone(), server: self.primary, code: last })
    }

    async fn before(&self, owner: &DnsName) -> Result<Vec<Vec<u8>>, NotWritten> {
        self.shown(owner, self.primary).await.map_err(|cause| NotWritten::NotRead {
            owner: owner.clone(),
            server: self.primary,
            cause,
        })
    }

    /// A server may say done and do nothing (RFC 2136, section 3.4.2.2), so it is asked.
    async fn shown_now(
        &self,
        owner: &DnsName,
        text: &[u8],
        wanted: Wanted,
    ) -> Result<(), NotWritten> {
        let is_there = self.before(owner).await?.iter().any(|one| one == text);
        if is_there == (wanted == Wanted::There) {
            Ok(())
        } else {
            Err(NotWritten::NotShown { owner: owner.clone(), server: self.primary })
        }
    }

    async fn send(
        &self,
        owner: &DnsName,
        before: Vec<Vec<u8>>,
        edit: TxtEdit,
    ) -> Result<UpdateCode, NotWritten> {
        let unknown = || NotWritten::Unknown { owner: owner.clone(), server: self.primary };
        let update = TxtUpdate {
            zone: WireName::from(&self.zone),
            owner: WireName::from(owner),
            before,
            edit,
        };
        let id = self.dns.id().ok_or_else(unknown)?;
        let signed = self.key.sign(&update.octets(id), self.dns.now());
        // Over TCP, so that it arrives once or not at all.
        let limit = self.dns.limits.tcp_timeout;
        let Ok(Ok(answer)) = timeout(limit, over_tcp_raw(self.primary, &signed.octets)).await
        else {
            return Err(unknown());
        };
        self.key.read_answer(&signed, &answer).map_err(|cause| NotWritten::Signature {
            owner: owner.clone(),
            server: self.primary,
            cause,
        })
    }
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
