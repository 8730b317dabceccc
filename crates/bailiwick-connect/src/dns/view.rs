//! Who is asked for which name.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bailiwick_core::caa::{PrivateTlds, Source, SourceRole};
use bailiwick_core::names::ZoneName;
use bailiwick_wire::dns::{Speaker, WireName};

/// One way to look at the DNS: a resolver, or the servers of zones asked directly, or both.
///
/// A name inside a listed zone is asked at every server of the deepest such zone, and at the
/// resolver too if there is one; any other name at the resolver alone. Without one it has no answer.
#[derive(Clone, Debug)]
pub struct View {
    /// Resolves and, if trusted to, validates.
    pub resolver: Option<Resolver>,
    /// Zones whose servers are asked directly. A zone delegated out of a listed one must be listed
    /// itself, or it is the resolver's.
    pub authorities: ZoneServers,
    /// Top-level domains that need not exist.
    pub private_tlds: PrivateTlds,
}

/// Zones with their servers, found by any name in them. Made once for all views of it, and cheap to clone:
/// a question about a name costs as many look-ups as the name has labels, however many zones there are.
#[derive(Clone, Debug, Default)]
pub struct ZoneServers(Arc<BTreeMap<WireName, Vec<SocketAddr>>>);

impl FromIterator<(ZoneName, Vec<SocketAddr>)> for ZoneServers {
    /// Of two lists for one zone (it may have two views) the last counts.
    fn from_iter<I: IntoIterator<Item = (ZoneName, Vec<SocketAddr>)>>(zones: I) -> Self {
        let mut all = BTreeMap::new();
        for (zone, servers) in zones {
            all.insert(WireName::from(&zone), servers);
        }
        Self(Arc::new(all))
    }
}

impl ZoneServers {
    /// The deepest of the zones around a name. One without servers still counts: it has nobody to ask,
    /// so its names have no answer from the zones above it.
    fn around(&self, name: &WireName) -> Option<(&WireName, &[SocketAddr])> {
        let found = way_up(name).find_map(|above| self.0.get_key_value(&above));
        found.map(|(zone, servers)| (zone, servers.as_slice()))
    }
}

/// A name, and every name above it up to the root.
fn way_up(name: &WireName) -> impl Iterator<Item = WireName> {
    std::iter::successors(Some(name.clone()), WireName::parent)
}

/// A recursive resolver.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Resolver {
    /// Where it listens.
    pub server: SocketAddr,
    /// Whether its word on DNSSEC is believed.
    pub trust: ResolverTrust,
}

/// Whether a resolver's word on DNSSEC is believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResolverTrust {
    /// It validates, and nobody between it and us can change its answers (RFC 4035, section 4.9.3).
    Validates,
    /// It does not validate, or it is not known to.
    Unproven,
}

/// The file in which a Unix system names its resolvers.
const RESOLV_CONF: &str = "/etc/resolv.conf";
const DNS_PORT: u16 = 53;

impl Resolver {
    /// The first resolver that the system uses. It counts as validating only if the system says so
    /// itself, with `options trust-ad` (resolv.conf(5)).
    #[must_use]
    pub fn of_system() -> Option<Self> {
        std::fs::read_to_string(RESOLV_CONF).ok().and_then(|text| Self::of_resolv_conf(&text))
    }

    fn of_resolv_conf(text: &str) -> Option<Self> {
        let lines = || text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let server = lines().find_map(|words| match words.as_slice() {
            ["nameserver", address, ..] => address.parse::<IpAddr>().ok(),
            _ => None,
        })?;
        let trusts = lines().any(|words| {
            matches!(words.split_first(), Some((&"options", rest)) if rest.contains(&"trust-ad"))
        });
        let trust = if trusts { ResolverTrust::Validates } else { ResolverTrust::Unproven };
        Some(Self { server: SocketAddr::new(server, DNS_PORT), trust })
    }
}

/// One server to ask, and for what.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) source: Source,
    /// The zone it serves, or how far a resolver is believed.
    pub(super) standing: Standing,
}

#[derive(Clone, Debug)]
pub(super) enum Standing {
    Resolver(ResolverTrust),
    Authority(WireName),
}

impl Party {
    pub(super) const fn speaker(&self) -> Speaker<'_> {
        match &self.standing {
            Standing::Resolver(ResolverTrust::Validates) => Speaker::Resolver { validates: true },
            Standing::Resolver(ResolverTrust::Unproven) => Speaker::Resolver { validates: false },
            Standing::Authority(zone) => Speaker::Authority { zone },
        }
    }
}

impl View {
    /// A view through one resolver.
    #[must_use]
    pub fn of_resolver(resolver: Resolver) -> Self {
        Self {
            resolver: Some(resolver),
            authorities: ZoneServers::default(),
            private_tlds: PrivateTlds::reserved(),
        }
    }

    /// Everybody who is responsible for a name.
    pub(super) fn parties(&self, name: &WireName) -> Vec<Party> {
        let authorities = self.authorities.around(name).into_iter().flat_map(|(zone, servers)| {
            servers.iter().map(move |server| Party {
                source: Source { role: SourceRole::Authority, server: *server },
                standing: Standing::Authority(zone.clone()),
            })
        });
        let resolver = self.resolver.iter().map(|resolver| Party {
            source: Source { role: SourceRole::Resolver, server: resolver.server },
            standing: Standing::Resolver(resolver.trust),
        });
        authorities.chain(resolver).collect()
    }

    /// Whether a party is one of those to ask for a name.
    pub(super) fn is_responsible(&self, party: &Party, name: &WireName) -> bool {
        match &party.standing {
            Standing::Resolver(_) => true,
            Standing::Authority(zone) => {
                self.authorities.around(name).is_some_and(|(around, _)| around == zone)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_core::names::DnsName;
    use proptest::prelude::*;

    #[test]
    fn the_system_resolver_validates_only_if_the_system_says_so() {
        let read = |text| Resolver::of_resolv_conf(text).map(|r| (r.server.to_string(), r.trust));
        let plain = "# comment\nsearch example\nnameserver 192.0.2.1\nnameserver 192.0.2.2\n";
        assert_eq!(read(plain), Some(("192.0.2.1:53".to_owned(), ResolverTrust::Unproven)));
        let trusted = "nameserver ::1\noptions edns0 trust-ad\n";
        assert_eq!(read(trusted), Some(("[::1]:53".to_owned(), ResolverTrust::Validates)));
        assert_eq!(read("nameserver resolver.example\n"), None);
    }

    #[test]
    fn the_deepest_listed_zone_answers_for_a_name() {
        let zone = |text| ZoneName::parse(text).unwrap();
        let server = |last| SocketAddr::from(([192, 0, 2, last], 53));
        let view = View {
            resolver: None,
            authorities: ZoneServers::from_iter([
                (zone("shop.example"), vec![server(1), server(2)]),
                (zone("dept.shop.example"), vec![server(3)]),
            ]),
            private_tlds: PrivateTlds::reserved(),
        };
        let asked = |name| -> Vec<SocketAddr> {
            let name = WireName::from(&DnsName::parse(name).unwrap());
            view.parties(&name).iter().map(|party| party.source.server).collect()
        };
        assert_eq!(asked("www.shop.example"), [server(1), server(2)]);
        assert_eq!(asked("a.dept.shop.example"), [server(3)]);
        assert_eq!(asked("dept.shop.example"), [server(3)]);
        assert_eq!(asked("badshop.example"), []);
        assert_eq!(asked("example"), []);
    }

    /// The walk over all zones that the look-up stands for.
    fn walked<'a>(
        zones: &'a [(ZoneName, Vec<SocketAddr>)],
        name: &WireName,
    ) -> Option<(WireName, &'a [SocketAddr])> {
        let all = zones.iter().map(|(zone, at)| (WireName::from(zone), at.as_slice()));
        let around = all.filter(|(zone, _)| name.is_at_or_below(zone));
        around.max_by_key(|(zone, _)| zone.labels().count())
    }

    /// Names of few labels, so that many of them lie in one another.
    fn name() -> impl Strategy<Value = String> {
        proptest::collection::vec("a|b|ab|a-b", 1..6).prop_map(|labels| labels.join("."))
    }

    proptest! {
        #[test]
        fn a_zone_is_found_as_if_all_of_them_were_looked_through(
            zones in proptest::collection::vec((name(), 0_u8..3), 0..30),
            names in proptest::collection::vec(name(), 1..20),
        ) {
            let servers = |n: u8| (0..n).map(|last| SocketAddr::from(([192, 0, 2, last], 53)));
            let listed = |(zone, n): &(String, u8)| {
                Some((ZoneName::parse(zone).ok()?, servers(*n).collect::<Vec<_>>()))
            };
            let zones: Vec<_> = zones.iter().filter_map(listed).collect();
            let index: ZoneServers = zones.iter().cloned().collect();
            for name in names.iter().filter_map(|name| DnsName::parse(name).ok()) {
                let name = WireName::from(&name);
                let found = index.around(&name).map(|(zone, at)| (zone.clone(), at));
                prop_assert_eq!(found, walked(&zones, &name));
                // As many look-ups as labels, and one for the root.
                prop_assert_eq!(way_up(&name).count(), name.labels().count() + 1);
            }
        }
    }
}
