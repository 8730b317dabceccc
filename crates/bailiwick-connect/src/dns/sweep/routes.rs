//! Which servers are asked for a name, found quickly among many zones.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bailiwick_core::caa::{Source, SourceRole};
use bailiwick_core::names::DnsName;
use bailiwick_wire::dns::WireName;

use super::super::view::{Party, Standing, View};
use super::SweepView;

/// One server to ask, and the number of its lane.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) lane: usize,
    pub(super) party: Arc<Party>,
}

/// All routes.
pub(super) struct Routes {
    /// The server of each lane.
    pub(super) servers: Vec<SocketAddr>,
    resolvers: Vec<Route>,
    zones: HashMap<DnsName, Vec<Route>>,
    /// The view of the careful path.
    pub(super) view: Arc<View>,
}

impl Routes {
    pub(super) fn of(view: &SweepView) -> Self {
        let mut servers = Vec::new();
        let mut lane_of: HashMap<SocketAddr, usize> = HashMap::new();
        let mut route = |role, server, standing| {
            let lane = *lane_of.entry(server).or_insert_with(|| {
                servers.push(server);
                servers.len().saturating_sub(1)
            });
            let party = Arc::new(Party { source: Source { role, server }, standing });
            Route { lane, party }
        };
        let mut zones: HashMap<DnsName, Vec<Route>> = HashMap::new();
        for (zone, at) in &view.authorities {
            let of_zone = zones.entry(zone.apex().clone()).or_default();
            for server in at {
                let standing = Standing::Authority(WireName::from(zone));
                of_zone.push(route(SourceRole::Authority, *server, standing));
            }
        }
        let resolvers = view
            .resolvers
            .iter()
            .map(|one| route(SourceRole::Resolver, one.server, Standing::Resolver(one.trust)))
            .collect();
        let view = Arc::new(View {
            resolver: view.resolvers.first().copied(),
            authorities: view.authorities.iter().cloned().collect(),
            private_tlds: view.private_tlds.clone(),
        });
        Self { servers, resolvers, zones, view }
    }

    /// Everybody to ask for a name: the servers of the deepest listed zone around it, then all
    /// resolvers.
    pub(super) fn to(&self, name: &DnsName) -> Vec<Route> {
        let mut at = Some(name.clone());
        let mut found: &[Route] = &[];
        while let Some(apex) = at.filter(|_| !self.zones.is_empty()) {
            if let Some(routes) = self.zones.get(&apex) {
                found = routes;
                break;
            }
            at = apex.parent();
        }
        found.iter().chain(&self.resolvers).cloned().collect()
    }
}
