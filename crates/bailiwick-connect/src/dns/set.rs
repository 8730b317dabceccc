//! One set, as one server of a zone shows it.

use std::net::SocketAddr;

use bailiwick_core::caa::LookupFailure;
use bailiwick_core::names::ZoneName;
use bailiwick_core::records::{OwnerName, RRset, RecordType, SoaSerial};
use bailiwick_wire::dns::{Query, SetReply, WireName, read_set, serial_of};

use super::client::DnsClient;
use super::exchange::{Heard, exchange};

impl DnsClient {
    /// The set that a server of `zone` shows; `None` where it shows none. Aliases are not followed.
    ///
    /// # Errors
    /// [`LookupFailure`]; silence and damage are never "no records".
    pub async fn set_at(
        &self,
        server: SocketAddr,
        zone: &ZoneName,
        owner: &OwnerName,
        kind: RecordType,
    ) -> Result<Option<RRset>, LookupFailure> {
        let (zone, name) = (WireName::from(zone), WireName::from(owner));
        let query = || Some(Query::to_authority(self.id()?, name.clone(), kind.number()));
        let read = |octets: &[u8], query: &Query| match read_set(octets, query, &zone) {
            SetReply::Shown(set) => Heard::Answer(Ok(set)),
            SetReply::Failed(failure) => Heard::Answer(Err(failure)),
            SetReply::Truncated => Heard::Truncated,
            SetReply::NotOurs => Heard::NotOurs,
        };
        exchange(server, &self.limits, None, query, read).await?
    }

    /// The SOA record of a zone at one of its servers: a set of exactly one.
    ///
    /// # Errors
    /// As [`DnsClient::set_at`].
    pub async fn soa_at(
        &self,
        server: SocketAddr,
        zone: &ZoneName,
    ) -> Result<(RRset, SoaSerial), LookupFailure> {
        let apex = OwnerName::from(zone.apex().clone());
        let set = self.set_at(server, zone, &apex, RecordType::SOA).await?;
        let set = set.ok_or(LookupFailure::NotAuthoritative)?;
        let mut all = set.rdata().iter();
        let serial = match (all.next(), all.next()) {
            (Some(soa), None) => serial_of(soa),
            (Some(_) | None, _) => None,
        };
        serial.map(|serial| (set, serial)).ok_or(LookupFailure::BadRecord)
    }
}
