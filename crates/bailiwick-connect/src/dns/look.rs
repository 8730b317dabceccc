//! One look at one server: what it says of CAA at a name, and which serial its zone has.

use std::net::SocketAddr;

use bailiwick_core::caa::{CaaRecord, LookupAnswer, LookupFailure, PrivateTlds};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_wire::dns::{Caa, RecordKind, SoaSerial};
use tokio::time::timeout;

use super::client::DnsClient;
use super::exchange::Limits;
use super::view::{Resolver, View};

impl DnsClient {
    /// The same client with other limits.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        let mut other = self.clone();
        other.limits = limits;
        other
    }

    /// What a server of a zone says of CAA at a name of it. No other name is climbed to.
    pub async fn caa_at(
        &self,
        server: SocketAddr,
        zone: &ZoneName,
        owner: &DnsName,
    ) -> LookupAnswer<CaaRecord> {
        self.one::<Caa>(&of_server(server, zone), owner).await
    }

    /// The serial that a server of a zone has.
    pub async fn serial_at(&self, server: SocketAddr, zone: &ZoneName) -> LookupAnswer<u32> {
        self.one::<SoaSerial>(&of_server(server, zone), zone.apex()).await
    }

    /// What a resolver says of CAA at a name. No other name is climbed to.
    pub async fn caa_through(
        &self,
        resolver: Resolver,
        owner: &DnsName,
    ) -> LookupAnswer<CaaRecord> {
        self.one::<Caa>(&View::of_resolver(resolver), owner).await
    }

    async fn one<K>(&self, view: &View, owner: &DnsName) -> LookupAnswer<K::Value>
    where
        K: RecordKind + Send + Sync,
        K::Value: Send + Sync,
    {
        let failed = |failure| LookupAnswer::Failed { failure, aliases: Vec::new() };
        let asked = timeout(self.limits.whole_timeout, self.look_up::<K>(view, owner)).await;
        let Ok(answers) = asked else { return failed(LookupFailure::Timeout) };
        let first = answers.into_iter().next();
        first.map_or_else(|| failed(LookupFailure::NoServer), |one| one.answer)
    }
}

fn of_server(server: SocketAddr, zone: &ZoneName) -> View {
    View {
        resolver: None,
        authorities: std::iter::once((zone.clone(), vec![server])).collect(),
        private_tlds: PrivateTlds::reserved(),
    }
}
