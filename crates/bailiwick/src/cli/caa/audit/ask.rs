//! What an audit is asked: the names, whom to ask, what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;

use bailiwick_connect::dns::sweep::SweepView;
use bailiwick_connect::dns::{DnsClient, Resolver, ResolverTrust};
use bailiwick_connect::zones::transfer::{TransferLimits, TransferSource, transfer};
use bailiwick_core::caa::{IssuerDomain, PrivateTlds};
use bailiwick_core::names::{DnsName, ZoneName};
use bailiwick_wire::dns::Transferred;
use bailiwick_wire::zone_file::{ZoneNames, names_of_snapshot};

use super::{Audit, NoAudit};
use crate::audit::{Gathering, NameList, read_names_file, read_zones};

fn wrong(flag: &str, given: &dyn Display, cause: &dyn Display) -> NoAudit {
    NoAudit::Wrong(format!("{flag} `{given}`: {cause}"))
}

/// The names of all files and transfers.
pub(super) async fn names(
    wish: &Audit,
    beside: &Path,
    dns: &DnsClient,
) -> Result<NameList, NoAudit> {
    let mut list = Gathering::beside(beside).map_err(NoAudit::Wrong)?;
    for path in &wish.names {
        read_names_file(&mut list, path).map_err(NoAudit::Wrong)?;
    }
    for given in &wish.zones {
        read_zones(&mut list, given).map_err(NoAudit::Wrong)?;
    }
    for given in &wish.transfers {
        list.add_zone(transferred(given, dns).await?).map_err(NoAudit::Wrong)?;
    }
    let list = list.settle().map_err(NoAudit::Wrong)?;
    if list.len() == 0 {
        let what = match list.rejected.kept.first() {
            Some((place, text, why)) => format!("no name to audit; {place}: `{text}`: {why}"),
            None => "no name to audit; give some with --names FILE, --zones FILE or --transfer ZONE@ADDR".to_owned(),
        };
        return Err(NoAudit::Wrong(what));
    }
    Ok(list)
}

/// The names of a zone, from a server of it.
async fn transferred(given: &str, dns: &DnsClient) -> Result<ZoneNames, NoAudit> {
    let bad = |cause: &dyn Display| wrong("--transfer", &given, cause);
    let (zone, server) = given
        .split_once('@')
        .ok_or_else(|| bad(&"write ZONE@ADDR:PORT, such as shop.example@192.0.2.1:53"))?;
    let zone = ZoneName::parse(zone).map_err(|cause| bad(&cause))?;
    let server = server.parse().map_err(|_| bad(&"no address; write ZONE@ADDR:PORT"))?;
    let source = TransferSource { server, key: None };
    let limits = TransferLimits::default();
    match transfer(dns, &zone, &source, None, &limits).await {
        Ok(Transferred::Whole(snapshot)) => Ok(names_of_snapshot(&zone, &snapshot)),
        Ok(Transferred::UpToDate(_) | Transferred::Steps(_)) => {
            Err(bad(&"the server sent no whole zone; look in its log"))
        }
        Err(cause) => Err(bad(&format!("{cause}; let this machine transfer the zone"))),
    }
}

/// The issuers that should be the only ones.
pub(super) fn issuers(wish: &Audit) -> Result<BTreeSet<IssuerDomain>, NoAudit> {
    let one =
        |text: &String| IssuerDomain::parse(text).map_err(|cause| wrong("--issuer", text, &cause));
    wish.issuers.iter().map(one).collect()
}

/// Whom to ask.
pub(super) fn view(wish: &Audit, list: &NameList) -> Result<SweepView, NoAudit> {
    let trust = if wish.unvalidated { ResolverTrust::Unproven } else { ResolverTrust::Validates };
    let mut resolvers: Vec<Resolver> =
        wish.resolvers.iter().map(|server| Resolver { server: *server, trust }).collect();
    resolvers.dedup();
    if resolvers.is_empty() && wish.servers.is_empty() {
        let what = "no resolver is known; give one with --resolver ADDR:PORT";
        resolvers.push(Resolver::of_system().ok_or_else(|| NoAudit::Wrong(what.to_owned()))?);
    }
    let mut private_tlds = PrivateTlds::reserved();
    for text in &wish.private_tlds {
        let tld = DnsName::parse(text).map_err(|cause| wrong("--private-tld", text, &cause))?;
        private_tlds = private_tlds.and(&tld);
    }
    Ok(SweepView { resolvers, authorities: authorities(wish, list)?, private_tlds })
}

fn authorities(wish: &Audit, list: &NameList) -> Result<Vec<(ZoneName, Vec<SocketAddr>)>, NoAudit> {
    let mut zones: BTreeMap<ZoneName, Vec<SocketAddr>> = BTreeMap::new();
    for given in &wish.servers {
        let (zone, server) = match given.split_once('@') {
            Some((zone, server)) => (Some(zone), server),
            None => (None, given.as_str()),
        };
        let server: SocketAddr = server.parse().map_err(|_| {
            wrong("--server", given, &"write [ZONE@]ADDR:PORT, such as 192.0.2.1:53")
        })?;
        let named: Vec<ZoneName> = match zone {
            Some(zone) => {
                vec![ZoneName::parse(zone).map_err(|cause| wrong("--server", given, &cause))?]
            }
            None => {
                list.zones().iter().filter_map(|zone| ZoneName::parse(zone.as_str()).ok()).collect()
            }
        };
        if named.is_empty() {
            return Err(wrong("--server", given, &"say of which zone; write ZONE@ADDR:PORT"));
        }
        for zone in named {
            let servers = zones.entry(zone).or_default();
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
    }
    Ok(zones.into_iter().collect())
}

/// Zones whose servers are named; the rest is a number.
const ZONES_SHOWN: usize = 5;

/// Whom it asks, for people and for the journal's head.
pub(super) fn shown(view: &SweepView) -> Vec<String> {
    let resolver = |one: &Resolver| match one.trust {
        ResolverTrust::Validates => format!("resolver {}", one.server),
        ResolverTrust::Unproven => format!("resolver {} (not validating)", one.server),
    };
    let zone = |(zone, servers): &(ZoneName, Vec<SocketAddr>)| {
        let servers: Vec<String> = servers.iter().map(ToString::to_string).collect();
        format!("{zone} at {}", servers.join(" and "))
    };
    let mut asked: Vec<String> = view.resolvers.iter().map(resolver).collect();
    asked.extend(view.authorities.iter().take(ZONES_SHOWN).map(zone));
    if view.authorities.len() > ZONES_SHOWN {
        asked.push(format!("the servers of {} more zones", view.authorities.len() - ZONES_SHOWN));
    }
    asked
}
