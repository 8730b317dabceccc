//! Asking the servers of a zone, each for itself.

use std::net::SocketAddr;

use bailiwick_core::caa::LookupFailure;
use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{OwnerName, RRset, RecordEdit, RecordType, SoaSerial};
use bailiwick_wire::dns::stars_over;
use futures::future::join_all;

use super::door::{EditSeen, Lane, ServerSeen, Shown, Stands};
use crate::dns::DnsClient;

/// The servers that answer for a zone.
#[derive(Clone, Debug)]
pub struct Authorities {
    dns: DnsClient,
    zone: ZoneName,
    servers: Vec<SocketAddr>,
}

impl Authorities {
    /// All servers of a zone.
    #[must_use]
    pub fn new(dns: DnsClient, zone: ZoneName, servers: &[SocketAddr]) -> Self {
        let mut all: Vec<SocketAddr> = Vec::new();
        for server in servers {
            if !all.contains(server) {
                all.push(*server);
            }
        }
        Self { dns, zone, servers: all }
    }

    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> &ZoneName {
        &self.zone
    }

    /// Who is asked.
    #[must_use]
    pub fn servers(&self) -> &[SocketAddr] {
        &self.servers
    }

    pub(super) const fn dns(&self) -> &DnsClient {
        &self.dns
    }

    /// The serial of every server's copy.
    pub async fn serials(&self) -> Vec<(SocketAddr, Result<SoaSerial, LookupFailure>)> {
        join_all(self.servers.iter().map(|server| async {
            let soa = self.dns.soa_at(*server, &self.zone).await;
            (*server, soa.map(|(_, serial)| serial))
        }))
        .await
    }

    /// What every server shows for a set.
    pub async fn read(&self, owner: &OwnerName, kind: RecordType) -> Vec<Lane> {
        join_all(self.servers.iter().map(|server| async {
            // The serial first: what is shown then is at least as new.
            let serial = self.dns.soa_at(*server, &self.zone).await.map(|(_, serial)| serial);
            let shown = self.shown(*server, owner, kind).await;
            Lane { server: *server, serial, shown }
        }))
        .await
    }

    /// How far every server is with edits.
    pub async fn seen(&self, edits: &[RecordEdit]) -> Vec<ServerSeen> {
        join_all(self.servers.iter().map(|server| async {
            let serial = self.dns.soa_at(*server, &self.zone).await.map(|(_, serial)| serial);
            let silent = serial.err().filter(|failure| is_silence(*failure));
            let seen = join_all(edits.iter().map(|edit| self.edit_seen(*server, edit, silent)));
            ServerSeen { server: *server, serial, edits: seen.await }
        }))
        .await
    }

    /// Who did not answer for its serial is not asked again in the same look.
    async fn edit_seen(
        &self,
        server: SocketAddr,
        edit: &RecordEdit,
        silent: Option<LookupFailure>,
    ) -> EditSeen {
        let shown = match silent {
            Some(failure) => Err(failure),
            None => self.shown(server, edit.owner(), edit.kind()).await,
        };
        let stands = match &shown {
            Ok(shown) => Stands::of_shown(edit, shown),
            Err(_) => Stands::NotKnown,
        };
        EditSeen { owner: edit.owner().clone(), kind: edit.kind(), shown, stands }
    }

    /// What one server shows.
    ///
    /// # Errors
    /// [`LookupFailure`].
    pub async fn shown(
        &self,
        server: SocketAddr,
        owner: &OwnerName,
        kind: RecordType,
    ) -> Result<Shown, LookupFailure> {
        let Some(set) = self.dns.set_at(server, &self.zone, owner, kind).await? else {
            return Ok(Shown::Nothing);
        };
        for star in stars_over(owner, &self.zone) {
            let made: Option<RRset> = self.dns.set_at(server, &self.zone, &star, kind).await?;
            if made.is_some_and(|made| made.has_same_records(&set)) {
                return Ok(Shown::Star(set));
            }
        }
        Ok(Shown::Set(set))
    }
}

/// Whether nothing was heard, rather than something that helps nobody.
const fn is_silence(failure: LookupFailure) -> bool {
    matches!(failure, LookupFailure::Timeout | LookupFailure::Unreachable)
}
